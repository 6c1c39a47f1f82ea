mod profile;

use std::path::PathBuf;

use credstack_core::secret_store::{KeySource, StoreChoice};
use serde_json::json;

use crate::{context::Context, failure::Failure, store};

/// Choose where secrets lie, or show what was chosen; write a profile that follows the stack
///
/// The keyring is the operating system's: the Secret Service, the macOS Keychain, the Windows
/// Credential Manager. The vault is for machines without one: a sealed file for each credential
/// set, opened by a key file or by a command that prints the key (64 hexadecimal digits). A key
/// file protects a copied database, not a stolen home directory.
///
/// The choice is tried out first, and is made once: while secrets are in one store, another is
/// refused. The same vault may be given its key from elsewhere.
///
/// Examples:
///   credstack setup                                           show the choice
///   credstack setup --store keyring
///   credstack setup --store vault --key-file ~/.credstack.key     makes the file if it is not there
///   credstack setup --store vault --key-command 'pass show credstack'
///   credstack setup profile                                   a profile for every SDK
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true)]
pub struct Setup {
    #[command(subcommand)]
    what: Option<What>,
    /// Where secrets lie
    #[arg(long, value_name = "STORE")]
    store: Option<Store>,
    /// For the vault: the file with its key, made if it is not there
    #[arg(long, value_name = "FILE", requires = "store", conflicts_with = "key_command")]
    key_file: Option<PathBuf>,
    /// For the vault: the command that prints its key; no shell runs it
    #[arg(long, value_name = "COMMAND", requires = "store")]
    key_command: Option<String>,
    /// Give up the secrets in the present store, because it cannot be reached any more
    #[arg(long, requires = "store")]
    abandon: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Store {
    /// The operating system's keyring
    Keyring,
    /// Sealed files, for machines without a keyring
    Vault,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Profile(profile::Profile),
}

impl Setup {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        if let Some(What::Profile(profile)) = &self.what {
            return profile.run(context);
        }
        if let Some(choice) = self.choice(context)? {
            store::choose(context, &choice, self.abandon)?;
            context.output.say(&format!("secrets go into {}", store::describe(&choice)));
        }
        let chosen = context.reader()?.chosen_store()?;
        if context.output.json() {
            let shown = json!({ "secret_store": chosen });
            return if self.store.is_some() { context.output.print_done(&shown) } else { context.output.print_json(&shown) };
        }
        if self.store.is_none() {
            let text = chosen.as_ref().map_or("no secret store is chosen yet".to_owned(), store::describe);
            return context.output.print(&crate::output::escape(&text));
        }
        Ok(())
    }

    fn choice(&self, context: &Context) -> Result<Option<StoreChoice>, Failure> {
        let key = match (&self.key_file, &self.key_command) {
            (Some(path), _) => Some(KeySource::File(store::key_file(context, path)?)),
            (None, Some(command)) => {
                let words = shell_words::split(command)
                    .map_err(|error| Failure::usage(format!("--key-command: {error}")).next_step("check its quotes"))?;
                Some(KeySource::Command(words))
            }
            (None, None) => None,
        };
        match (self.store, key) {
            (None, _) => Ok(None),
            (Some(Store::Keyring), None) => Ok(Some(StoreChoice::Keyring)),
            (Some(Store::Keyring), Some(_)) => {
                Err(Failure::usage("the keyring needs no key").next_step("leave out --key-file and --key-command"))
            }
            (Some(Store::Vault), Some(key)) => Ok(Some(StoreChoice::Vault { key })),
            (Some(Store::Vault), None) => Err(Failure::usage("the vault needs a key")
                .next_step("give --key-file FILE (made if it is not there) or --key-command COMMAND")),
        }
    }
}
