//! GetCallerIdentity by the AWS SDK for Rust with its default chain: this test binary, started again for one test.

use std::{env, io::BufRead};

use aws_config::BehaviorVersion;
use aws_sdk_sts::{Client, error::DisplayErrorContext};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

/// The command that does it.
pub fn command() -> Vec<String> {
    let program = env::current_exe().unwrap().to_str().unwrap().to_owned();
    let arguments = ["clients::rust::asks_who_it_is", "--exact", "--ignored", "--nocapture", "--test-threads=1"];
    std::iter::once(program).chain(arguments.map(Into::into)).collect()
}

/// Once, or with TEST_CLIENT=running by one client for each line of stdin.
#[test]
#[ignore = "a client that the other tests start, in an environment of its own"]
fn asks_who_it_is() {
    let Ok(how) = env::var("TEST_CLIENT") else { return };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        // What the SDK's own `default-https-client` makes, with ring.
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let client = Client::new(&aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await);
        let mut lines = std::io::stdin().lock().lines();
        while how == "once" || lines.next().is_some() {
            let identity = client.get_caller_identity().send().await;
            let identity = identity.unwrap_or_else(|error| panic!("{}", DisplayErrorContext(error)));
            // The test's own name stands on the line.
            println!("\n{}", identity.arn().unwrap());
            if how == "once" {
                break;
            }
        }
    });
}
