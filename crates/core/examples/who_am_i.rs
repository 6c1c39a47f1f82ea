//! A program that takes its credentials from the stack: `cargo run -p credstack-core --example who_am_i`
#![allow(clippy::print_stdout, reason = "a program that says who it is")]

use std::{error::Error, path::PathBuf};

use aws_config::BehaviorVersion;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use credstack_core::{provider::StackCredentialsProvider, stack::StateDirectory, values::StackName};

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let place = match std::env::args_os().nth(1) {
        Some(path) => PathBuf::from(path),
        None => std::env::home_dir().ok_or("there is no home directory")?.join(".local/state/credstack"),
    };
    let provider = StackCredentialsProvider::new(StateDirectory::new(place), StackName::default());
    // A program of yours has the SDK's default HTTPS client; in this workspace the SDK is built without it.
    let http = aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).credentials_provider(provider);
    let answer = aws_sdk_sts::Client::new(&config.load().await).get_caller_identity().send().await?;
    println!("{}", answer.arn().unwrap_or_default());
    Ok(())
}
