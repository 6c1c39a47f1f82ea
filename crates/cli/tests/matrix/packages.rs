//! Programs of packages, which `scripts/install nightly` installs. What they ask is refused; it suffices to see who signs.

use std::path::{Path, PathBuf};

use super::clients::{self, Client};
use crate::common::TestEnvironment;

/// All of them, in the order of the table.
pub const NAMES: [&str; 8] = ["restic", "rclone", "s3cmd", "s3fs", "CDK 2", "Serverless 3", "AsyncAws", "OpenTofu"];

/// All that there are. OpenTofu needs Go to be built.
pub fn all(env: &TestEnvironment) -> Vec<Client> {
    NAMES.iter().filter_map(|name| program(env, name)).collect()
}

fn program(env: &TestEnvironment, name: &'static str) -> Option<Client> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let mut variables: Vec<(&'static str, String)> = Vec::new();
    // `$TEST_STS` is the one server that there is.
    let script = match name {
        "restic" => {
            variables.push(("RESTIC_PASSWORD", "fake".to_owned()));
            "exec restic -r s3:$TEST_STS/bucket snapshots".to_owned()
        }
        "rclone" => {
            let remote = ":s3,provider=Other,env_auth=true,endpoint='$TEST_STS':bucket";
            format!("exec rclone --retries 1 --low-level-retries 1 lsd \"{remote}\"")
        }
        "s3cmd" => "exec s3cmd --no-ssl --host=${TEST_STS#http://} --host-bucket=${TEST_STS#http://} ls".to_owned(),
        // As it lists unfinished uploads: nothing is mounted.
        "s3fs" => "exec s3fs -u bucket -o url=$TEST_STS -o use_path_request_style".to_owned(),
        "CDK 2" => {
            variables.push(("CDK_DISABLE_CLI_TELEMETRY", "1".to_owned()));
            let app = env.scratch("cdk");
            env.write(&app.join("cdk.json"), r#"{"app":"true"}"#);
            let call =
                format!("exec {} {} --no-notices bootstrap aws://111122223333/eu-west-1", node(), module("aws-cdk/bin/cdk"));
            format!("cd {} && AWS_ENDPOINT_URL=$TEST_STS {call}", app.display())
        }
        "Serverless 3" => {
            variables.push(("SLS_TELEMETRY_DISABLED", "1".to_owned()));
            variables.push(("SLS_NOTIFICATIONS_MODE", "off".to_owned()));
            let over_http = sources.join("serverless/over-http.js");
            let call =
                format!("exec {} --require {} {} info", node(), over_http.display(), module("serverless/bin/serverless.js"));
            format!("cd {} && {call}", sources.join("serverless").display())
        }
        "AsyncAws" => format!("exec php {}", sources.join("async-aws/who.php").display()),
        "OpenTofu" => {
            let tofu = clients::place("CREDSTACK_TEST_CLIENTS", "tofu")?;
            variables.push(("CHECKPOINT_DISABLE", "1".to_owned()));
            let config = sources.join("opentofu/main.tf");
            // A directory for each run.
            format!(
                "dir=$(mktemp -d) && trap 'rm -rf $dir' EXIT && cp {} $dir && cd $dir && \
                 {tofu} init -no-color -input=false -backend-config=\"endpoint=$TEST_STS\"",
                config.display()
            )
        }
        other => panic!("{other}"),
    };
    Some(Client { name, command: vec!["sh".to_owned(), "-c".to_owned(), script], variables, tells: false })
}

fn node() -> String {
    clients::on_path("node").expect("node is installed: scripts/install")
}

fn module(path: &str) -> String {
    let modules = PathBuf::from(clients::needed("CREDSTACK_TEST_NODE", "../node-nightly/node_modules"));
    let path = modules.join(path);
    assert!(path.exists(), "{} is not there: scripts/install nightly", path.display());
    path.to_str().unwrap().to_owned()
}
