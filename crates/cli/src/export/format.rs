use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{Exports, quote};
use crate::failure::Failure;

/// How variables are written down. The first names are those of `aws configure export-credentials`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// JSON for credential_process
    Process,
    /// For `eval` in bash, zsh and sh
    Env,
    /// NAME=value lines without quotes, as the AWS CLI writes them: for systemd's EnvironmentFile
    EnvNoExport,
    /// NAME=value lines without quotes: for docker run --env-file, podman and Kubernetes
    Docker,
    /// For `Invoke-Expression` in PowerShell
    Powershell,
    /// For cmd.exe
    WindowsCmd,
    /// For `source` in fish
    Fish,
    /// For nushell: a record for `from nuon` and `load-env`; a null is a variable to hide
    Nushell,
    /// {"set": {…}, "unset": […]}, for programs
    Json,
    /// A .env file with quotes: for dotenv libraries, docker compose, and `.` in a shell
    Dotenv,
    /// Lines for $GITHUB_ENV
    Github,
}

impl Format {
    /// What to run where the text is not for a terminal.
    pub fn instead(self) -> &'static str {
        match self {
            Format::Process => "let a profile run it (`credstack setup profile`)",
            Format::Env => "run `eval \"$(credstack env)\"`",
            Format::EnvNoExport => "run `(umask 077; credstack env --format env-no-export > FILE)`",
            Format::Docker => "run `docker run --env-file <(credstack env --format docker) IMAGE`",
            Format::Powershell => "run `credstack env --format powershell | Out-String | Invoke-Expression`",
            Format::WindowsCmd => "run `for /f \"delims=\" %i in ('credstack env --format windows-cmd') do @%i`",
            Format::Fish => "run `credstack env --format fish | source`",
            Format::Nushell => {
                "run `let keys = (credstack env --format nushell | from nuon | transpose name value); \
                 hide-env -i ...($keys | where value == null | get name); $keys | where value != null | transpose -rd | load-env`"
            }
            Format::Json => "let a program read it",
            Format::Dotenv => "run `(umask 077; credstack env --format dotenv > .env)`",
            Format::Github => "run `credstack env --format github >> \"$GITHUB_ENV\"`",
        }
    }

    /// What a shell evaluates in the place of the text where there is none: `eval "$(credstack env)" && program` would run the
    /// program otherwise, for to evaluate nothing succeeds. PowerShell refuses to.
    pub fn failing(self, code: u8) -> Option<String> {
        match self {
            Format::Env => Some(format!("(exit {code})")),
            Format::Fish => Some("false".to_owned()),
            _ => None,
        }
    }

    /// The text, ready to be printed.
    pub fn text(self, exports: &Exports) -> Result<Zeroizing<String>, Failure> {
        exports.check()?;
        let mut text = Zeroizing::new(String::new());
        for (name, value) in &exports.set {
            let cannot = || {
                Failure::usage(format!("{name} holds characters that this format cannot quote safely"))
                    .next_step("use another --format")
            };
            let line = Zeroizing::new(match self {
                Format::Env => format!("export {name}={}", quote::posix(value)),
                Format::EnvNoExport | Format::Docker => format!("{name}={}", quote::unquoted(value).ok_or_else(cannot)?),
                Format::Powershell => format!("$Env:{name} = {}", quote::powershell(value)),
                Format::WindowsCmd => format!("set \"{name}={}\"", quote::windows_cmd(value).ok_or_else(cannot)?),
                Format::Fish => format!("set -gx {name} {}", quote::fish(value)),
                Format::Dotenv => format!("{name}={}", quote::dotenv(value).ok_or_else(cannot)?),
                Format::Github => format!("{name}={}", value.as_str()),
                Format::Process | Format::Nushell | Format::Json => return self.document(exports),
            });
            let _infallible = writeln!(text, "{}", line.as_str());
        }
        for name in &exports.unset {
            let line = match self {
                Format::Env => format!("unset {name}"),
                Format::Powershell => format!("Remove-Item Env:{name} -ErrorAction SilentlyContinue"),
                Format::WindowsCmd => format!("set \"{name}=\""),
                Format::Fish => format!("set -e -g {name}"),
                _ => continue,
            };
            let _infallible = writeln!(text, "{line}");
        }
        if self == Format::Fish && !exports.unset.is_empty() {
            // A universal variable is every session's, and for good: it is not ours to erase, and it may win.
            let names = exports.unset.join(" ");
            let warning = "echo \"warning: $name is an exported universal variable, and stays\" >&2";
            let _infallible = writeln!(text, "for name in {names}; set -q -Ux $name; and {warning}; end; true");
        }
        Ok(text)
    }

    /// The formats that are one document.
    fn document(self, exports: &Exports) -> Result<Zeroizing<String>, Failure> {
        if self == Format::Nushell {
            let set = exports.set.iter().map(|(name, value)| format!("{name}: {}", quote::nushell(value)));
            let unset = exports.unset.iter().map(|name| format!("{name}: null"));
            let text = set.chain(unset).collect::<Vec<_>>().join(", ");
            return Ok(Zeroizing::new(format!("{{{text}}}\n")));
        }
        let set: Map<String, Value> = exports.set.iter().map(|(name, value)| ((*name).to_owned(), json!(**value))).collect();
        let text = serde_json::to_string(&json!({ "set": set, "unset": exports.unset }));
        text.map(|text| Zeroizing::new(text + "\n")).map_err(|error| Failure::internal(error.to_string()))
    }
}
