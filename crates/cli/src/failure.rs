use credstack_core::{
    ambient::AmbientError, database::DatabaseError, secret_store::SecretStoreError, stack::StackError, sts::StsError,
    values::request::LimitError,
};

use crate::words;

/// The kinds of failure; the number of each is its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A fault of ours.
    Internal = 1,
    /// A command line that cannot be carried out, or a question that nobody was there to answer.
    Usage = 2,
    /// There is nothing to restore, drop or find.
    Nothing = 3,
    /// STS answered no.
    Refused = 4,
    /// Expired, and a person is needed.
    Expired = 5,
    /// The secret store is missing, locked or denied.
    SecretStore = 6,
    /// No answer from the network.
    Network = 7,
    /// The database is newer, damaged or busy.
    Database = 8,
    /// The log does not verify.
    Log = 9,
}

impl Kind {
    /// The name of the kind in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Internal => "internal",
            Kind::Usage => "usage",
            Kind::Nothing => "nothing",
            Kind::Refused => "refused",
            Kind::Expired => "expired",
            Kind::SecretStore => "secret-store",
            Kind::Network => "network",
            Kind::Database => "database",
            Kind::Log => "log",
        }
    }
}

/// Why a command failed: what happened to what, and what to do next.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its kind, and so the exit code.
    pub kind: Kind,
    /// What happened, to what.
    pub message: String,
    /// What to do next.
    pub next_step: Option<String>,
    /// The exit code, where it is not the kind's.
    pub exit_code: Option<u8>,
    /// STS's code and request id, where STS refused.
    pub sts: Option<(String, Option<String>)>,
}

impl Failure {
    /// The message and the next step in one text, for clients that show only that.
    pub fn sentence(&self) -> String {
        [Some(self.message.as_str()), self.next_step.as_deref()].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// A failure of a kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into(), next_step: None, exit_code: None, sts: None }
    }

    /// A command line that cannot be carried out.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Kind::Usage, message)
    }

    /// A fault of ours.
    pub fn internal(message: impl Into<String>) -> Failure {
        Failure::new(Kind::Internal, message)
    }

    /// With an exit code that is not the kind's.
    pub fn exits_with(mut self, code: u8) -> Failure {
        self.exit_code.get_or_insert(code);
        self
    }

    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        self.exit_code.unwrap_or(self.kind as u8)
    }

    /// With what to do next.
    pub fn next_step(mut self, next_step: impl Into<String>) -> Failure {
        self.next_step = Some(next_step.into());
        self
    }
}

impl From<StackError> for Failure {
    fn from(error: StackError) -> Failure {
        let message = error.to_string();
        let (kind, next_step) = match error {
            StackError::NothingSaved(_) => (Kind::Nothing, "`credstack list` shows the stack; nothing was changed".to_owned()),
            StackError::NoSuchStack(_) => (Kind::Nothing, "`credstack stacks` names them all; a push makes a new one".to_owned()),
            StackError::NoSuchPosition { .. } => (Kind::Nothing, "`credstack list` shows the positions".to_owned()),
            StackError::NoSuchCredential(_) => {
                (Kind::Nothing, "`credstack history` shows every credential set there was".to_owned())
            }
            StackError::GivenUp(_) => (
                Kind::SecretStore,
                "`credstack clear` takes the stack back; `credstack pop` goes back past it where a frame is beneath".to_owned(),
            ),
            StackError::Erased(_) => (Kind::Nothing, "acquire it again with `credstack push`".to_owned()),
            StackError::Altered(_) => (
                Kind::Log,
                "keep a copy of the state directory; `credstack audit verify` says what was changed, `credstack audit seal` puts it back"
                    .to_owned(),
            ),
            StackError::Expired { .. } => (Kind::Expired, "acquire it again with `credstack push`".to_owned()),
            StackError::OnStack { id, ref stack } => {
                (Kind::Usage, format!("take {id} off that stack first: `credstack --stack {stack} list` shows where it is"))
            }
            StackError::WouldLose(_) => (Kind::Usage, "give --yes to erase them all the same".to_owned()),
            StackError::NoStoreChosen => (Kind::SecretStore, "choose one with `credstack setup`".to_owned()),
            StackError::StoreInUse(_) => {
                let next = "empty the stacks first: `credstack clear`, `stacks remove`, `forget`; or give the secrets up with --abandon, \
                            if their store cannot be reached any more";
                (Kind::Usage, next.to_owned())
            }
            StackError::Busy { .. } => (Kind::Database, "wait for it to finish, or end it, then try again".to_owned()),
            StackError::Place { .. } => (
                Kind::Database,
                "make it yours alone (a directory with mode 0700, a file with 0600, no link), or name another with --state-dir"
                    .to_owned(),
            ),
            StackError::Database(error) => return error.into(),
            StackError::SecretStore(error) => return error.into(),
            _ => (Kind::Internal, "please report this".to_owned()),
        };
        Failure::new(kind, message).next_step(next_step)
    }
}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Failure {
        let next_step = match &error {
            DatabaseError::Newer { .. } => "install the version of credstack that wrote it, or a later one",
            DatabaseError::Damaged { .. } => {
                "`credstack doctor` says what can still be read; secrets are not in it and are untouched; \
                 `credstack purge --abandon` begins anew"
            }
            DatabaseError::BadRow { .. } | DatabaseError::Nonsense { .. } => {
                "keep a copy of the state directory: its database was changed. `credstack doctor` looks at it; `credstack purge` erases it"
            }
            DatabaseError::Busy { .. } => "wait for the other process to finish, then try again",
            _ => "check the file, its permissions and the space left; `credstack doctor` looks at it",
        };
        Failure::new(Kind::Database, error.to_string()).next_step(next_step)
    }
}

impl From<SecretStoreError> for Failure {
    fn from(error: SecretStoreError) -> Failure {
        // What the system said of a file stands in the source.
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Failure::new(Kind::SecretStore, format!("{error}{cause}")).next_step(error.hint())
    }
}

impl From<StsError> for Failure {
    fn from(error: StsError) -> Failure {
        let next_step = error.next_step();
        let kind = match &error {
            StsError::Refused(refusal) => {
                let mut failure = Failure::new(Kind::Refused, error.to_string()).next_step(next_step);
                failure.sts = Some((refusal.code.clone(), refusal.request_id.clone()));
                return failure;
            }
            StsError::CaBundle { .. } | StsError::Configuration { .. } => Kind::Usage,
            _ => Kind::Network,
        };
        Failure::new(kind, error.to_string()).next_step(next_step)
    }
}

impl From<LimitError> for Failure {
    fn from(error: LimitError) -> Failure {
        let way_out =
            error.way_out.clone().unwrap_or_else(|| "correct it; STS was not asked, and nothing was changed".to_owned());
        Failure::usage(words::limit(&error)).next_step(way_out)
    }
}

impl From<AmbientError> for Failure {
    fn from(error: AmbientError) -> Failure {
        let kind = match &error {
            AmbientError::Nothing { .. } | AmbientError::NoSuchProfile { .. } => Kind::Nothing,
            AmbientError::TimedOut { .. } | AmbientError::Unreachable { .. } => Kind::Network,
            AmbientError::Refused { .. } => Kind::Refused,
            AmbientError::NeedsLogin { .. } => Kind::Expired,
            _ => Kind::Usage,
        };
        let failure = Failure::new(kind, error.to_string()).next_step(error.next_step());
        match error {
            AmbientError::Refused { code, .. } => Failure { sts: Some((code, None)), ..failure },
            _ => failure,
        }
    }
}
