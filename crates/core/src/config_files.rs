//! Where the SDK reads the AWS configuration, for the edges that let it.

use std::path::Path;

use aws_runtime::env_config::file::{Builder, EnvConfigFileKind, EnvConfigFiles};

use crate::values::AwsFiles;

/// The files as the SDK takes them; `None`: those that the environment names.
pub(crate) fn env_config_files(files: Option<&AwsFiles>) -> EnvConfigFiles {
    builder(files).build()
}

/// The same, to add something to them.
pub(crate) fn builder(files: Option<&AwsFiles>) -> Builder {
    let Some(files) = files else {
        return EnvConfigFiles::builder().include_default_config_file(true).include_default_credentials_file(true);
    };
    // The SDK takes a file that isn't there for an error where its path is given.
    let with = |builder: Builder, kind, path: &Path| match path.exists() {
        true => builder.with_file(kind, path),
        false => builder.with_contents(kind, ""),
    };
    let builder = with(EnvConfigFiles::builder(), EnvConfigFileKind::Config, &files.config);
    with(builder, EnvConfigFileKind::Credentials, &files.credentials)
}
