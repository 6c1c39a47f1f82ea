//! What nobody signs, at servers that others wrote: web identity at MiniStack, which checks provider, audience and subject
//! against the role's trust policy, and SAML at moto, which reads role, session name and duration.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::json;

use super::{environment, learn, refused, whoami};
use crate::{
    common::{TestEnvironment, environment::path},
    server::Server,
};

/// A token of the provider that the role `Ci` trusts. MiniStack checks no signature.
fn token(audience: &str) -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": "https://idp.example", "aud": audience, "sub": "repo:fake", "exp": 4_000_000_000_i64 });
    format!("{}.{}.{}", part(json!({ "alg": "RS256", "typ": "JWT" })), part(claims), URL_SAFE_NO_PAD.encode("fake signature"))
}

fn without_keys(server: &Server) -> TestEnvironment {
    let mut env = environment(server);
    env.no_keys();
    env
}

#[test]
fn ministack_takes_a_web_identity_and_takes_it_again() {
    let server = Server::ministack();
    let mut env = without_keys(&server);
    let (role, file) = (server.role("Ci"), env.scratch("token"));
    env.write(&file, &token("elsewhere"));
    let push = ["push", "web-identity", &role, "--token-file", path(&file), "--session-name", "job"];
    let said = refused(&env, 4, &push);
    assert!(said.contains("sts:AssumeRoleWithWebIdentity") && said.contains("audience and subject"), "{said}");
    env.write(&file, &format!("{}\n", token("sts.fake")));
    let pushed = env.json(push);
    assert_eq!((&pushed["kind"], &pushed["parent"]), (&json!("web-identity"), &json!(null)));
    assert_eq!(whoami(&env), "arn:aws:sts::123456789012:assumed-role/Ci/job");
    // The token is read again, and nothing else is needed for a renewal.
    env.json(["refresh"]);
    assert_eq!(whoami(&env), "arn:aws:sts::123456789012:assumed-role/Ci/job");
    // A narrowed session of a program's own reads it as well.
    let frames = env.frames();
    env.plain(["exec", "--read-only", "--", "true"]).ok();
    let asked = env.json(["history"])["events"].as_array().unwrap().iter().find(|it| it["event"] == "acquired").unwrap().clone();
    assert_eq!(asked["detail"]["request"]["policy_arns"], json!(["arn:aws:iam::aws:policy/ReadOnlyAccess"]));
    assert_eq!((env.frames(), env.held()), (frames, Vec::<String>::new()));
    env.write(&file, &token("elsewhere"));
    refused(&env, 4, &["refresh"]);
    env.write(&file, "");
    env.plain(["refresh"]).exits(2).says("must have 4 to 20000 characters");
    std::fs::remove_file(&file).unwrap();
    env.plain(["refresh"]).exits(2).says("cannot be read");
    // By the variables that every SDK knows, by a program, and from stdin, which cannot be had again.
    env.write(&file, &token("sts.fake"));
    env.set("AWS_ROLE_ARN", &role);
    env.set("AWS_WEB_IDENTITY_TOKEN_FILE", path(&file));
    env.set("AWS_ROLE_SESSION_NAME", "by-variables");
    env.json(["push", "web-identity"]);
    assert_eq!(whoami(&env), "arn:aws:sts::123456789012:assumed-role/Ci/by-variables");
    let cat = format!("cat '{}'", path(&file));
    env.json(["push", "web-identity", "--token-command", &cat]);
    env.json(["refresh"]);
    let mut piped = env.command(["push", "web-identity", &role, "-"]);
    piped.env_remove("AWS_WEB_IDENTITY_TOKEN_FILE");
    env.run_with_input(piped, token("sts.fake").as_bytes()).ok();
    env.plain(["refresh"]).exits(5).says("a web identity token, which is given once and not kept");
    env.plain(["exec", "--read-only", "--", "true"]).exits(125).says("a token that was given once and is not kept");
    env.learn(&token("sts.fake"));
    learn(&env, &server);
}

/// A SAML response of which moto reads the attributes.
fn assertion(roles: &[&str]) -> String {
    let attribute = |name: &str, values: &[String]| {
        let values = values.iter().map(|value| format!("<saml:AttributeValue>{value}</saml:AttributeValue>")).collect::<String>();
        format!(r#"<saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/{name}">{values}</saml:Attribute>"#)
    };
    let provider = "arn:aws:iam::123456789012:saml-provider/idp";
    let roles: Vec<_> = roles.iter().map(|role| format!("{role},{provider}")).collect();
    STANDARD.encode(format!(
        r#"<?xml version="1.0"?><samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
        xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Assertion><saml:AttributeStatement>{}{}{}
        </saml:AttributeStatement></saml:Assertion></samlp:Response>"#,
        attribute("RoleSessionName", &["alice@example.com".to_owned()]),
        attribute("SessionDuration", &["1800".to_owned()]),
        attribute("Role", &roles),
    ))
}

#[test]
fn moto_takes_a_saml_assertion() {
    let server = Server::open_moto();
    let env = without_keys(&server);
    let (role, other, file) = (server.role("Deploy"), server.role("ops/Plain"), env.scratch("assertion"));
    env.write(&file, &assertion(&[&role]));
    let pushed = env.json(["push", "saml", "--assertion-file", path(&file)]);
    assert_eq!((&pushed["kind"], &pushed["parent"]), (&json!("saml"), &json!(null)));
    assert_eq!(pushed["arn"], "arn:aws:sts::123456789012:assumed-role/Deploy/alice@example.com");
    assert_eq!(whoami(&env), pushed["arn"].as_str().unwrap());
    env.json(["refresh"]);
    let history = env.json(["history"]);
    let acquired = history["events"].as_array().unwrap().iter().find(|event| event["event"] == "acquired").unwrap();
    let request = &acquired["detail"]["request"];
    assert_eq!((&request["operation"], &request["role_arn"]), (&json!("AssumeRoleWithSAML"), &json!(role)));
    // moto reads one role only; which of several it is to be is found before it is asked.
    env.write(&file, &assertion(&[&role, &other]));
    let saml = ["push", "saml", "--assertion-file", path(&file)];
    env.plain(saml).exits(2).says(&role).says(&other);
    env.plain([&saml[..], &["Nobody"]].concat()).exits(2).says("does not offer Nobody").says(&other);
    let plan = env.json([&saml[..], &["ops/Plain", "--dry-run"]].concat());
    assert_eq!(plan["calls"][0]["target"], other);
    // An assertion that credstack cannot read is STS's to read.
    env.write(&file, &STANDARD.encode("<Response><EncryptedAssertion/></Response>"));
    env.plain(saml).exits(2).says("--principal-arn");
    env.write(&file, "%%%");
    env.plain(saml).exits(2).says("is not Base64");
    env.learn(&assertion(&[&role]));
    learn(&env, &server);
}
