//! The program, end to end: the real binary, the real vault, the real sandbox, a cleared environment.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../common/mod.rs"]
mod common;

mod advice;
mod ambient;
mod audit;
mod audit_trust;
mod aws_config;
mod aws_iam;
mod aws_login;
mod background;
mod cloudtrail;
mod commands;
mod console;
mod counted;
mod damage;
mod decode;
mod echoes;
mod endpoint;
mod endpoints;
mod exec_inside;
mod exec_shells;
mod faults;
mod federation;
mod formats;
mod handout;
mod hardening;
mod help;
mod history;
mod hooks;
mod hyphens;
mod json;
mod least_privilege;
mod limits;
mod lookups;
mod losses;
mod mfa;
mod mfa_devices;
mod mfa_dialogs;
mod nested_shells;
mod network;
mod night;
mod nushell;
mod outgoing;
mod output;
mod own_stacks;
mod plans;
mod powershell;
mod profile_lines;
mod profiles;
mod prompts;
mod push_profile;
mod push_profile_bases;
mod refusals;
mod regions;
mod renewal;
mod rules;
mod shells;
mod signals;
mod sources;
mod terminals;
mod used_by;
mod who_may_call_what;
mod whoami_all;
