//! GetCallerIdentity by the AWS SDK for Rust and its default chain: this test binary, started again for one test.

use std::{env, io::BufRead};

use aws_config::BehaviorVersion;
use aws_sdk_sts::{Client, config::ProvideCredentials, error::DisplayErrorContext};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use serde_json::json;

/// The command that does it.
pub fn command() -> Vec<String> {
    let program = env::current_exe().unwrap().to_str().unwrap().to_owned();
    let arguments = ["rust::asks_who_it_is", "--exact", "--ignored", "--nocapture", "--test-threads=1"];
    std::iter::once(program).chain(arguments.map(Into::into)).collect()
}

/// A JSON line each: once, or with TEST_CLIENT=running by one client for each line of stdin.
#[test]
#[ignore = "a client that the other tests start, in an environment of its own"]
fn asks_who_it_is() {
    let Ok(how) = env::var("TEST_CLIENT") else { return };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        // What the SDK's own `default-https-client` makes, with ring.
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let loaded = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
        let client = Client::new(&loaded);
        let mut lines = std::io::stdin().lock().lines();
        while how == "once" || lines.next().is_some() {
            let mut line = json!({ "region": loaded.region().map(ToString::to_string) });
            match client.get_caller_identity().send().await {
                Ok(answer) => {
                    line["arn"] = json!(answer.arn());
                    line["account"] = json!(answer.account());
                    // Asked for anew where it is cheap, so only once.
                    if let Some(provider) = loaded.credentials_provider().filter(|_| how == "once") {
                        let given = provider.provide_credentials().await.unwrap();
                        line["account_given"] = json!(given.account_id().map(|account| account.as_str()));
                        let seconds = |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
                        line["expires"] = json!(given.expiry().map(|time| {
                            jiff::Timestamp::from_second(i64::try_from(seconds(time)).unwrap()).unwrap().to_string()
                        }));
                    }
                }
                Err(error) => line["error"] = json!(DisplayErrorContext(error).to_string()),
            }
            // The test's own name stands on the line.
            println!("\n{line}");
            if how == "once" {
                break;
            }
        }
    });
}
