//! AssumeRole by the AWS SDK and nothing else: what `scripts/bench` measures `credstack push assume` against.
//!
//! `bare_assume_role ROLE_ARN SESSION_NAME [--no-authorities]` takes credentials, region and endpoint as every SDK program
//! does, and prints the answer in the credential_process form. The option leaves out reading the system's certificate
//! authorities, which the SDK does even where it calls plain HTTP, as on loopback, and credstack does not.

use std::{env, error::Error, io::Write};

use aws_config::BehaviorVersion;
use aws_sdk_sts::{Client, primitives::DateTimeFormat};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(assume_role())
}

async fn assume_role() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(role), Some(session)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bare_assume_role ROLE_ARN SESSION_NAME [--no-authorities]".into());
    };
    // What the SDK's own `default-https-client` makes, with ring.
    let mut http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    if arguments.next().is_some() {
        http = http.tls_context(TlsContext::builder().with_trust_store(TrustStore::empty()).build()?);
    }
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http.build_https()).load().await;
    let answer = Client::new(&config).assume_role().role_arn(role).role_session_name(session).send().await?;
    let granted = answer.credentials().ok_or("STS gave no credentials")?;
    let document = serde_json::json!({
        "Version": 1,
        "AccessKeyId": granted.access_key_id(),
        "SecretAccessKey": granted.secret_access_key(),
        "SessionToken": granted.session_token(),
        "Expiration": granted.expiration().fmt(DateTimeFormat::DateTime)?,
    });
    writeln!(std::io::stdout(), "{document}")?;
    Ok(())
}
