use super::HandOut;

/// One field of a [`HandOut`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The access key id.
    AccessKeyId,
    /// The secret access key.
    Secret,
    /// The session token.
    Token,
    /// When they expire.
    Expiry,
    /// The account.
    Account,
    /// The region.
    Region,
    /// The `endpoint_url` of the profile.
    Endpoint,
    /// The ARN.
    Identity,
    /// The frame and its name.
    Frame,
    /// The stack.
    Stack,
}

impl Field {
    /// All of them, in the order of a way's cells.
    pub const ALL: [Field; 10] = [
        Field::AccessKeyId,
        Field::Secret,
        Field::Token,
        Field::Expiry,
        Field::Account,
        Field::Region,
        Field::Endpoint,
        Field::Identity,
        Field::Frame,
        Field::Stack,
    ];

    /// Its name in the documents.
    pub fn title(self) -> &'static str {
        match self {
            Field::AccessKeyId => "access key ID",
            Field::Secret => "secret access key",
            Field::Token => "session token",
            Field::Expiry => "expiry",
            Field::Account => "account",
            Field::Region => "region",
            Field::Endpoint => "profile's endpoint",
            Field::Identity => "caller identity",
            Field::Frame => "frame, name",
            Field::Stack => "stack",
        }
    }
}

/// What a way out does with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// It says it under these names.
    Says(&'static [&'static str]),
    /// It leaves it out, for this reason.
    Gap(&'static str),
}

/// A way out, and what it does with each field.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// Its name in the documents.
    pub name: &'static str,
    /// The cells, in the order of [`Field::ALL`].
    pub cells: [Cell; 10],
}

use Cell::{Gap, Says};

const NO_PLACE: Cell = Gap("the form has no place for it");
const NO_VARIABLE: Cell = Gap("AWS has no variable for it");
/// A variable with it would be every named profile's endpoint too, which would get their tokens.
const NOT_A_VARIABLE: Cell = Gap("a variable would be every profile's");
const BY_FILES: Cell = Gap("the files that exec makes, where it makes them");
const BY_VARIABLE: Cell = Gap("the variables beside it say it");

const ID: Cell = Says(&["AWS_ACCESS_KEY_ID"]);
const SECRET: Cell = Says(&["AWS_SECRET_ACCESS_KEY"]);
const TOKEN: Cell = Says(&["AWS_SESSION_TOKEN"]);
const EXPIRY: Cell = Says(&["AWS_CREDENTIAL_EXPIRATION"]);
const ACCOUNT: Cell = Says(&["AWS_ACCOUNT_ID"]);
const REGIONS: Cell = Says(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
const MARKED: Cell = Says(&["AWS_REGION", "AWS_DEFAULT_REGION", "CREDSTACK_REGION"]);
const OF_EXEC: [Cell; 3] = [Says(&["CREDSTACK_ARN"]), Says(&["CREDSTACK_FRAME", "CREDSTACK_NAME"]), Says(&["CREDSTACK_EXEC"])];

const VARIABLES: [Cell; 10] =
    [ID, SECRET, TOKEN, EXPIRY, ACCOUNT, REGIONS, NOT_A_VARIABLE, NO_VARIABLE, NO_VARIABLE, NO_VARIABLE];
const PROCESS: [Cell; 10] = [
    Says(&["AccessKeyId"]),
    Says(&["SecretAccessKey"]),
    Says(&["SessionToken"]),
    Says(&["Expiration"]),
    Says(&["AccountId"]),
    Gap("the profile says it"),
    Gap("the profile says it"),
    NO_PLACE,
    NO_PLACE,
    NO_PLACE,
];
const CONTAINER: [Cell; 10] = [
    Says(&["AccessKeyId"]),
    Says(&["SecretAccessKey"]),
    Says(&["Token"]),
    Says(&["Expiration"]),
    Says(&["AccountId"]),
    BY_VARIABLE,
    NOT_A_VARIABLE,
    NO_PLACE,
    NO_PLACE,
    NO_PLACE,
];

/// Every way out of credstack. A test goes through all of them, with a value in each field.
pub const WAYS: [Way; 20] = [
    Way { name: "`env`: bash, zsh, sh", cells: VARIABLES },
    Way { name: "`env --format fish`", cells: VARIABLES },
    Way { name: "`env --format nushell`", cells: VARIABLES },
    Way { name: "`env --format powershell`", cells: VARIABLES },
    Way { name: "`env --format windows-cmd`", cells: VARIABLES },
    Way { name: "`env --format json`", cells: VARIABLES },
    Way { name: "`env --format env-no-export`", cells: VARIABLES },
    Way { name: "`env --format docker`", cells: VARIABLES },
    Way { name: "`env --format dotenv`", cells: VARIABLES },
    Way { name: "`env --format github`", cells: VARIABLES },
    Way { name: "the profile, `env --format process`", cells: PROCESS },
    Way { name: "`serve`: the endpoint's answer", cells: CONTAINER },
    Way {
        name: "`serve --imds`",
        cells: [
            Says(&["AccessKeyId"]),
            Says(&["SecretAccessKey"]),
            Says(&["Token"]),
            Says(&["Expiration"]),
            Says(&["instance-identity/document"]),
            Says(&["placement/region", "instance-identity/document"]),
            NOT_A_VARIABLE,
            NO_PLACE,
            NO_PLACE,
            NO_PLACE,
        ],
    },
    Way {
        name: "`exec --via env`",
        cells: [ID, SECRET, TOKEN, EXPIRY, ACCOUNT, MARKED, BY_FILES, OF_EXEC[0], OF_EXEC[1], OF_EXEC[2]],
    },
    Way {
        name: "`exec --via endpoint`: its variables",
        cells: [
            Gap("the endpoint's answer"),
            Gap("the endpoint's answer"),
            Gap("the endpoint's answer"),
            Gap("the endpoint's answer"),
            Gap("the endpoint's answer"),
            MARKED,
            BY_FILES,
            OF_EXEC[0],
            OF_EXEC[1],
            OF_EXEC[2],
        ],
    },
    Way {
        name: "`exec --via profile`: its variables",
        cells: [
            Gap("the profile"),
            Gap("the profile"),
            Gap("the profile"),
            Gap("the profile"),
            Gap("the profile"),
            MARKED,
            BY_FILES,
            OF_EXEC[0],
            OF_EXEC[1],
            OF_EXEC[2],
        ],
    },
    Way {
        name: "the hook, `--mode env`",
        cells: [ID, SECRET, TOKEN, EXPIRY, ACCOUNT, MARKED, NOT_A_VARIABLE, NO_VARIABLE, NO_VARIABLE, NO_VARIABLE],
    },
    Way {
        name: "the hook, `--mode profile`",
        cells: [
            Gap("the profile"),
            Gap("the profile"),
            Gap("the profile"),
            Gap("the profile"),
            Gap("the profile"),
            MARKED,
            NOT_A_VARIABLE,
            NO_VARIABLE,
            NO_VARIABLE,
            NO_VARIABLE,
        ],
    },
    Way {
        name: "`console`",
        cells: [
            Gap("a sign-in token instead"),
            Gap("a sign-in token instead"),
            Gap("a sign-in token instead"),
            Gap("the console session's own"),
            Says(&["account"]),
            Says(&["region"]),
            NO_PLACE,
            NO_PLACE,
            NO_PLACE,
            NO_PLACE,
        ],
    },
    Way {
        name: "the library's `Credentials`",
        cells: [
            Says(&["access_key_id"]),
            Says(&["secret_access_key"]),
            Says(&["session_token"]),
            Says(&["expiry"]),
            Says(&["account_id"]),
            Gap("the SDK's configuration says it"),
            Gap("the SDK's configuration says it"),
            NO_PLACE,
            NO_PLACE,
            NO_PLACE,
        ],
    },
];

/// The table of the documents: a line for each way, one for those that say the same, and a column for each field.
pub fn table() -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let titles = Field::ALL.map(|field| field.title().to_owned());
    let mut text = line([vec!["way".to_owned()], titles.to_vec()].concat()) + &"|---".repeat(11) + "|\n";
    for alike in WAYS.chunk_by(|one, next| one.cells == next.cells) {
        let names: Vec<_> = alike.iter().map(|way| way.name).collect();
        let cells = alike[0].cells.map(|cell| match cell {
            Says(names) => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            Gap(why) => format!("no: {why}"),
        });
        text += &line([vec![names.join(", ")], cells.to_vec()].concat());
    }
    text
}

/// A new field has to be thought of in every way.
#[allow(dead_code, reason = "it fails to compile")]
fn each_field_is_in_the_table(out: HandOut) {
    let HandOut { set: _, expires_at: _, identity: _, account: _, region: _, endpoint_url: _, frame: _, name: _, stack: _ } = out;
}
