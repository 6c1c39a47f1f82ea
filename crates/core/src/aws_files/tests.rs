use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::{render::header_of, *};

const SECRET: &str = "FAKE+SECRET";

fn rendered(config: &str, credentials: &str) -> String {
    rendered_for(config, credentials, "default", "default", None)
}

fn rendered_for(config: &str, credentials: &str, settings: &str, endpoint: &str, handed: Option<Handed<'_>>) -> String {
    let stand_in = |name: &str| format!("credstack keys-of {name}");
    let rendering = Rendering {
        texts: Texts { config, credentials },
        about: &["written by credstack".to_owned()],
        settings_of: settings,
        endpoint_of: endpoint,
        region: None,
        handed,
        stand_in: &stand_in,
    };
    render(&rendering).unwrap()
}

/// What follows the first lines.
fn body(text: &str) -> &str {
    text.strip_prefix("# written by credstack\n").unwrap()
}

#[test]
fn the_default_profile_keeps_settings_and_loses_what_gives_credentials() {
    let config = "# aws_secret_access_key = old\n[default]\nregion = eu-west-1\n; no\naws_access_key_id = AKIAFAKE\n\
                  aws_secret_access_key = FAKE+SECRET\n  +MORE\ns3 =\n  max = 10\n  aws_session_token = FAKE+SECRET\n  min = 1\n\
                  role_arn = r\nsource_profile = x\nsso_session = s\ncredential_process = p\nlogin_session = l\noutput=json\n";
    let credentials = "[default]\naws_access_key_id = AKIAFAKE\naws_secret_access_key: FAKE+SECRET\nmax_attempts = 4\n";
    let text = rendered(config, credentials);
    assert_eq!(body(&text), "[default]\nregion = eu-west-1\ns3 =\n  max = 10\n  min = 1\noutput=json\nmax_attempts = 4\n");
}

#[test]
fn keys_become_a_command_where_they_decide_and_go_where_something_else_does() {
    let keys = "aws_access_key_id = AKIAFAKE\naws_secret_access_key = FAKE+SECRET\naws_session_token = FAKE+SECRET\n";
    let ours = "credential_process = credstack keys-of p\n";
    // In the configuration file; in the credentials file; what is left of the profile.
    for (config, credentials, left) in [
        (keys.to_owned(), String::new(), ours.to_owned()),
        (String::new(), keys.to_owned(), ours.to_owned()),
        (format!("region = r\n{keys}"), keys.to_owned(), format!("region = r\n{ours}")),
        // Keys of the credentials file come before these two, and those of the configuration file after them.
        ("login_session = l\ncredential_process = p\nsso_session = s\n".to_owned(), keys.to_owned(), ours.to_owned()),
        (format!("login_session = l\n{keys}"), String::new(), "login_session = l\n".to_owned()),
        (format!("credential_process = p\n{keys}"), String::new(), "credential_process = p\n".to_owned()),
        (
            "sso_account_id = 1\nsso_role_name = r\n".to_owned(),
            keys.to_owned(),
            "sso_account_id = 1\nsso_role_name = r\n".to_owned(),
        ),
        (
            "role_arn = a\nweb_identity_token_file = t\n".to_owned(),
            keys.to_owned(),
            "role_arn = a\nweb_identity_token_file = t\n".to_owned(),
        ),
        (
            "role_arn = a\ncredential_source = Environment\n".to_owned(),
            keys.to_owned(),
            "role_arn = a\ncredential_source = Environment\n".to_owned(),
        ),
        // Without a source it is no role, and the AWS CLI fails as it does outside.
        ("role_arn = a\n".to_owned(), keys.to_owned(), format!("role_arn = a\n{ours}")),
        ("credential_process = p\n".to_owned(), String::new(), "credential_process = p\n".to_owned()),
    ] {
        let text = rendered(&format!("[profile p]\n{config}"), &format!("[p]\n{credentials}"));
        assert_eq!(body(&text), format!("[default]\n[profile p]\n{left}"), "{config:?} {credentials:?}");
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[test]
fn what_signs_for_a_role_leads_to_just_those_keys() {
    let keys = "aws_access_key_id = AKIAFAKE\naws_secret_access_key = FAKE+SECRET\n";
    // Its own keys sign: kept as a source of its own name, some clients would take none, and one would go round for ever.
    let text = rendered("[profile hub]\nrole_arn = a\nsource_profile = hub\nregion = r\n", &format!("[hub]\n{keys}"));
    assert_eq!(
        body(&text),
        "[default]\n[profile hub]\nrole_arn = a\nsource_profile = credstack-source-1\nregion = r\n\
         [profile credstack-source-1]\nregion = r\ncredential_process = credstack keys-of hub\n"
    );
    // The default profile signs, with its keys.
    let text = rendered(&format!("[default]\n{keys}[profile r]\nrole_arn = a\nsource_profile = default\n"), "");
    assert_eq!(
        body(&text),
        "[default]\n[profile r]\nrole_arn = a\nsource_profile = credstack-source-1\n\
         [profile credstack-source-1]\ncredential_process = credstack keys-of default\n"
    );
    // With a process, with a role that is assumed in turn, and with keys and a role of which the keys sign.
    let roles = "[profile r]\nrole_arn = a\nsource_profile = default\n";
    let with = |default: &str, more: &str| rendered(&format!("[default]\n{default}{roles}{more}"), "");
    assert!(with("credential_process = p\n", "").ends_with("[profile credstack-source-1]\ncredential_process = p\n"));
    let chain = with("role_arn = b\nsource_profile = k\n", &format!("[profile k]\n{keys}"));
    assert!(
        chain.ends_with(
            "[profile k]\ncredential_process = credstack keys-of k\n\
             [profile credstack-source-1]\nrole_arn = b\nsource_profile = credstack-source-2\n\
             [profile credstack-source-2]\ncredential_process = credstack keys-of k\n"
        ),
        "{chain}"
    );
    let both = with(&format!("role_arn = b\nsource_profile = k\nmfa_serial = m\n{keys}"), "");
    assert!(both.ends_with("[profile credstack-source-1]\ncredential_process = credstack keys-of default\n"), "{both}");
    // A source without keys stays as it is, and one that is not there too.
    let text = rendered("[profile r]\nrole_arn = a\nsource_profile = s\n[profile s]\nsso_account_id = 1\n", "");
    assert!(text.contains("source_profile = s\n") && !text.contains("credstack-source"), "{text}");
    assert!(rendered("[profile r]\nrole_arn = a\nsource_profile = default\n", "").contains("source_profile = default\n"));
    let taken =
        rendered("[profile credstack-source-1]\n[profile r]\nrole_arn = a\nsource_profile = k\n", &format!("[k]\n{keys}"));
    assert!(taken.contains("source_profile = credstack-source-2\n"), "{taken}");
}

#[test]
fn settings_are_the_effective_profiles_and_the_endpoint_is_the_frames() {
    let config = "[default]\nregion = one\nendpoint_url = http://default\nservices = d\n[profile t]\nregion = two\noutput = text\n\
                  endpoint_url = http://t\n[services d]\nsts =\n  endpoint_url = http://d\n";
    let settings = |of: &str, endpoint: &str| {
        let text = rendered_for(config, "", of, endpoint, Some(Handed { name: "credstack", command: None }));
        let default = body(&text).strip_prefix("[default]\n").unwrap().split("[profile credstack]\n").next().unwrap().to_owned();
        assert!(text.contains(&format!("[profile credstack]\n{default}[profile t]\n")), "{text}");
        assert!(text.ends_with("[services d]\nsts =\n  endpoint_url = http://d\n"), "{text}");
        default
    };
    assert_eq!(settings("default", "default"), "region = one\nendpoint_url = http://default\nservices = d\n");
    assert_eq!(settings("t", "t"), "region = two\noutput = text\nendpoint_url = http://t\n");
    assert_eq!(settings("t", "nowhere"), "region = two\noutput = text\n");
    assert_eq!(settings("t", "default"), "region = two\noutput = text\nendpoint_url = http://default\nservices = d\n");
}

#[test]
fn the_profile_that_is_handed_out_takes_the_place_of_one_of_its_name() {
    let config = "[profile credstack]\ncredential_process = old\n[profile r]\nrole_arn = a\nsource_profile = credstack\n";
    let text = rendered_for(config, "", "default", "default", Some(Handed { name: "credstack", command: Some("new") }));
    assert_eq!(
        body(&text),
        "[default]\n[profile credstack]\ncredential_process = new\n[profile r]\nrole_arn = a\nsource_profile = credstack-source-1\n\
         [profile credstack-source-1]\ncredential_process = old\n"
    );
}

#[test]
fn what_the_aws_cli_cannot_read_is_not_guessed_at() {
    for (text, line) in [
        ("\u{feff}[default]\n", 1),
        ("region = x\n", 1),
        ("[a]\nregion\n", 2),
        ("[a]\n= x\n", 2),
        ("[a]\n[b]\n\n[a]\n", 4),
        ("[a]\r\nx = 1\r\nX: 2\r\n", 3),
        ("[DEFAULT]\n", 1),
    ] {
        for (texts, file) in [
            (Texts { config: text, credentials: "" }, File::Config),
            (Texts { config: "", credentials: text }, File::Credentials),
        ] {
            let trouble = has_profile(texts, "a").unwrap_err();
            assert_eq!((trouble.file, trouble.line), (file, line), "{text:?}");
            assert!(default_gives_credentials(texts), "{text:?}");
        }
    }
}

#[test]
fn presence_decides_whether_the_default_profile_gives_credentials() {
    for (line, gives) in [
        ("", false),
        ("region = x", false),
        ("# aws_access_key_id = x", false),
        ("s3 =\n  aws_access_key_id = x", false),
        ("aws_access_key_id =", true),
        ("AWS_ACCESS_KEY_ID: x", true),
        ("role_arn = x", true),
        ("credential_process = x", true),
        ("sso_start_url = x", true),
        ("login_session = x", true),
        ("web_identity_token_file = x", true),
    ] {
        for (config, credentials) in [
            (format!("[default]\n{line}\n"), String::new()),
            (format!("[profile default]\n{line}\n"), String::new()),
            (format!("[default]\n[profile \"default\"]\n{line}\n"), String::new()),
            (String::new(), format!("[default] ignored\n{line}\n")),
        ] {
            let texts = Texts { config: &config, credentials: &credentials };
            assert_eq!(default_gives_credentials(texts), gives, "{config:?} {credentials:?}");
        }
    }
    assert!(!default_gives_credentials(Texts::default()));
}

#[test]
fn keys_of_the_credentials_file_come_first_and_a_pair_stays_a_pair() {
    let config = "[profile p]\naws_access_key_id = A\naws_secret_access_key = B\naws_session_token = C\n";
    let id = |credentials: &str| {
        let found = keys(Texts { config, credentials }, "p").unwrap()?;
        Some((found.access_key_id, found.session_token.map(|token| token.expose_secret().to_owned())))
    };
    assert_eq!(id(""), Some(("A".into(), Some("C".into()))));
    assert_eq!(id("[p]\naws_access_key_id = X\naws_secret_access_key = Y\n"), Some(("X".into(), None)));
    assert_eq!(id("[p]\naws_access_key_id = X\n"), None, "half a key is none");
    assert!(keys(Texts { config, credentials: "" }, "q").unwrap().is_none());
}

#[test]
fn a_name_is_quoted_where_the_aws_cli_would_split_it() {
    for (name, header) in
        [("a", "profile a"), ("a b", "profile \"a b\""), ("it's", "profile \"it's\""), ("a\"b", "profile 'a\"b'")]
    {
        assert_eq!(header_of(name), header);
        let text = rendered("", &format!("[{name}]\naws_access_key_id = x\n"));
        assert!(has_profile(Texts { config: &text, credentials: "" }, name).unwrap(), "{text}");
    }
}

/// A line of a profile: a setting, or a secret.
fn line() -> impl Strategy<Value = (String, Option<(String, String)>)> {
    let secret = prop_oneof![
        Just("aws_access_key_id"),
        Just("aws_secret_access_key"),
        Just("AWS_Session_Token"),
        Just("aws_security_token"),
        Just("aws_secret_key"),
        Just("my_password"),
    ];
    let ending = prop_oneof![Just("\n"), Just("\r\n"), Just("\n\n"), Just("\n# FAKE+SECRET\n"), Just("\n   FAKE+SECRET\n")];
    let secret = (secret, prop_oneof![Just("="), Just(" : "), Just("  = ")], ending)
        .prop_map(|(key, is, end)| (format!("{key}{is}FAKE+SECRET{end}"), None));
    let setting = ("[a-z]{1,6}", "[a-z0-9:/ ]{1,9}")
        .prop_map(|(key, value)| (format!("x_{key} = {value}\n"), Some((format!("x_{key}"), value.trim().to_owned()))));
    let nested = Just(("s3 =\n  a = 1\n  aws_secret_access_key = FAKE+SECRET\n     FAKE+SECRET\n".to_owned(), None));
    let comment = Just(("  ; aws_secret_access_key = FAKE+SECRET\n".to_owned(), None));
    let way = prop_oneof![
        Just("role_arn = r\n"),
        Just("source_profile = default\n"),
        Just("source_profile = a\n"),
        Just("credential_process = p\n"),
        Just("sso_account_id = 1\n"),
        Just("login_session = l\n"),
    ];
    prop_oneof![3 => secret, 3 => setting, 1 => nested, 1 => comment, 2 => way.prop_map(|line| (line.to_owned(), None))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_secret_survives_and_every_setting_does(
        profiles in proptest::collection::btree_map("[ab]|default|c d", proptest::collection::vec(line(), 0..7), 0..5),
        in_credentials in any::<[bool; 4]>(),
    ) {
        let (mut config, mut credentials, mut kept) = (String::new(), String::new(), Vec::new());
        for ((name, lines), in_credentials) in profiles.iter().zip(in_credentials) {
            let text = if in_credentials { &mut credentials } else { &mut config };
            text.push_str(&match (in_credentials, name.as_str()) {
                (true, name) => format!("[{name}]\n"),
                (false, "default") => "[default]\n".to_owned(),
                (false, name) => format!("[profile '{name}'] ignored\n"),
            });
            let mut seen = Vec::new();
            for (line, setting) in lines {
                let key = line.split(['=', ':']).next().unwrap().trim().to_lowercase();
                let is_comment = key.starts_with(';');
                if seen.contains(&key) && !is_comment {
                    continue;
                }
                seen.push(key);
                text.push_str(line);
                kept.extend(setting.clone().map(|(key, value)| (name.clone(), key, value)));
            }
        }
        let text = rendered(&config, &credentials);
        prop_assert!(!text.contains("FAKE+SECRET"), "{}\n---\n{}\n---\n{}", config, credentials, text);
        // It is read as it was written, and again it is the same.
        let texts = Texts { config: &text, credentials: "" };
        prop_assert!(!default_gives_credentials(texts), "{}", text);
        let both = super::view::Both::read(texts).unwrap();
        for (profile, key, value) in kept {
            prop_assert_eq!(both.profile(&profile).unwrap().value(&key), Some(value.as_str()), "{}", &text);
        }
        for name in profiles.keys().filter(|name| *name != "default") {
            let before = super::view::Both::read(Texts { config: &config, credentials: &credentials }).unwrap();
            let (outside, inside) = (before.profile(name).unwrap(), both.profile(name).unwrap());
            let decides = match outside.decides(false) {
                super::view::Decides::Keys => super::view::Decides::Process,
                other => other,
            };
            prop_assert_eq!(inside.decides(false), decides, "{}", &text);
        }
    }
}
