use std::{collections::BTreeMap, fs, path::Path};

use jiff::Timestamp;

use super::{
    Change, Consent, Landing, Reader, Secrets, Shell, StateDirectory, Terms,
    uses::{hours_over, path_of},
};
use crate::{
    database::EventFilter,
    secret_store::{KeySource, Patience, StoreChoice, Vault},
    values::{Acquired, Actor, CredentialId, CredentialSet, EventKind, Kind, Signer, StackName},
};

const HOUR: i64 = 3600;
/// The beginning of an hour.
const THEN: i64 = 495_000 * HOUR;

struct Machine {
    _directory: tempfile::TempDir,
    place: StateDirectory,
}

impl Machine {
    /// With c1 and c2 on a stack.
    fn new() -> Machine {
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("key");
        Vault::create_key_file(&key).unwrap();
        let machine = Machine { place: StateDirectory::new(directory.path().join("state")), _directory: directory };
        let mut change = machine.change(THEN);
        change.choose_store(&StoreChoice::Vault { key: KeySource::File(key) }, false).unwrap();
        for key in ["ASIAFAKE000000000001", "ASIAFAKE000000000002"] {
            let acquired = Acquired {
                set: CredentialSet {
                    access_key_id: key.into(),
                    secret_access_key: "fake-secret-of-the-uses".to_owned().into(),
                    session_token: Some("fake-token-of-the-uses".to_owned().into()),
                },
                kind: Kind::Imported,
                identity: None,
                region: None,
                issued_at: at(THEN),
                expires_at: None,
                signer: Signer::None,
                request: None,
                label: None,
                note: None,
                profile: None,
                way: None,
            };
            change.push(&StackName::default(), acquired, Landing::Top, &Shell::default(), Default::default()).unwrap();
        }
        drop(change);
        machine
    }

    fn change(&self, now: i64) -> Change {
        let secrets = Secrets::new(Patience::NobodyCanAnswer);
        let terms = Terms {
            now: at(now),
            actor: Actor::default(),
            command: "test".into(),
            secrets,
            intents: Default::default(),
            consent: Consent::Everything,
        };
        Change::begin(&self.place, terms).unwrap()
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.place, Secrets::new(Patience::NobodyCanAnswer)).unwrap()
    }

    fn used(&self, id: Option<i64>, now: i64) {
        self.reader().count_use(id.map(CredentialId), at(now));
    }

    /// What the log says: how often, by hour and credential set; 0 is ambient.
    fn told(&self) -> BTreeMap<(i64, i64), u64> {
        let mut told = BTreeMap::new();
        let filter = EventFilter { events: vec![EventKind::UsedBy], ..EventFilter::default() };
        for event in self.reader().events(&filter, 1000).unwrap() {
            let detail = event.entry.detail;
            assert_eq!(detail["by"], "credential-process");
            let hour: Timestamp = detail["hour"].as_str().unwrap().parse().unwrap();
            let id = event.entry.credential.map_or(0, |id| id.0);
            assert_eq!(event.entry.access_key_id.is_some(), id > 0);
            *told.entry(((hour.as_second() - THEN) / HOUR, id)).or_default() += detail["count"].as_u64().unwrap();
        }
        told
    }

    fn file(&self, hour: i64) -> std::path::PathBuf {
        path_of(&self.place, THEN / HOUR + hour)
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.place.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("uses.")).collect()
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn add(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn uses_are_counted_for_each_credential_set_and_hour() {
    let machine = Machine::new();
    for (id, second) in [(Some(1), 0), (Some(2), 10), (Some(1), HOUR - 1), (None, 20), (Some(1), HOUR), (Some(2), 2 * HOUR)] {
        machine.used(id, THEN + second);
    }
    assert_eq!(machine.files().len(), 3);
    machine.change(THEN + HOUR + 59);
    assert!(machine.told().is_empty(), "who looked at the clock before the hour ended may still be writing");
    machine.change(THEN + HOUR + 60);
    let first = [((0, 0), 1), ((0, 1), 2), ((0, 2), 1)];
    assert_eq!(machine.told(), BTreeMap::from(first));
    assert_eq!(machine.files().len(), 2);
    machine.change(THEN + 2 * HOUR + 60);
    machine.change(THEN + 2 * HOUR + 61);
    let mut both = BTreeMap::from(first);
    both.insert((1, 1), 1);
    assert_eq!(machine.told(), both, "the hour that runs is left");
    // A clock that was set back, or somebody who wrote very late.
    machine.used(Some(2), THEN);
    machine.change(THEN + 2 * HOUR + 62);
    both.insert((0, 2), 2);
    assert_eq!(machine.told(), both);
    assert!(machine.reader().verify(&[]).unwrap().is_ok());
}

#[test]
fn no_hour_is_lost_or_counted_twice_wherever_the_fold_is_cut_off() {
    let over = THEN + 3 * HOUR;
    for (removed, late) in [(0, false), (0, true), (1, false), (1, true), (2, false)] {
        let machine = Machine::new();
        machine.used(Some(1), THEN);
        machine.used(Some(1), THEN);
        machine.used(Some(2), THEN + HOUR);
        let mut change = machine.change(THEN + 1);
        change.now = at(over);
        let hours = hours_over(&machine.place, at(over)).unwrap();
        let logged = change.log_uses(hours, change.folded().unwrap()).unwrap();
        assert_eq!(logged.len(), 2);
        logged.iter().take(removed).for_each(|hour| fs::remove_file(path_of(&machine.place, *hour)).unwrap());
        // Killed here.
        drop(change);
        let mut expected = BTreeMap::from([((0, 1), 2), ((1, 2), 1)]);
        assert_eq!(machine.told(), expected);
        if late {
            machine.used(Some(2), THEN + HOUR);
            expected.insert((1, 2), 2);
        }
        // By a clock that was set back, those hours are not over: nothing is known but what was logged.
        machine.change(THEN + 2);
        machine.change(over + 1);
        machine.change(over + 2);
        assert_eq!(machine.told(), expected, "{removed} removed, late: {late}");
        assert!(machine.files().is_empty());
        machine.used(Some(1), THEN + HOUR);
        machine.change(over + 3);
        expected.insert((1, 1), 1);
        assert_eq!(machine.told(), expected, "a file of that name is a new one");
    }
}

#[test]
fn a_damaged_file_loses_nothing_else() {
    let machine = Machine::new();
    machine.used(Some(1), THEN);
    for damage in
        ["\n000000000", "00000000000099", "-0000000000001\n", "xyz\0\u{e9}\n\n", "000000000000001", "\n0000000000000000002"]
    {
        add(&machine.file(0), damage.as_bytes());
        machine.used(Some(2), THEN);
    }
    fs::write(machine.place.path().join("uses.0495000"), "\n000000000000001").unwrap();
    fs::write(machine.place.path().join("uses.old"), "\n000000000000001").unwrap();
    machine.used(Some(1), THEN + HOUR);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};
        machine.used(Some(1), THEN + 2 * HOUR);
        fs::set_permissions(machine.file(2), fs::Permissions::from_mode(0o644)).unwrap();
        machine.used(Some(1), THEN + 2 * HOUR);
        symlink(machine.file(0), machine.file(3)).unwrap();
        machine.used(Some(1), THEN + 3 * HOUR);
    }
    machine.change(THEN + 5 * HOUR);
    machine.change(THEN + 5 * HOUR + 1);
    assert_eq!(machine.told(), BTreeMap::from([((0, 1), 1), ((0, 2), 6), ((1, 1), 1)]));
    assert_eq!(machine.files().len(), if cfg!(unix) { 4 } else { 2 }, "what is not ours to read stays: {:?}", machine.files());
}

#[test]
fn a_purge_takes_what_was_counted_with_it() {
    let machine = Machine::new();
    machine.used(Some(1), THEN + 9 * HOUR);
    machine.change(THEN).purge(false).unwrap();
    assert!(!machine.place.path().exists());
    // Nothing is there to count for.
    fs::create_dir(machine.place.path()).unwrap();
    #[cfg(unix)]
    fs::set_permissions(machine.place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    machine.used(Some(1), THEN);
    assert!(machine.files().is_empty());
}

#[test]
fn a_log_that_cannot_be_written_stops_no_change() {
    let machine = Machine::new();
    machine.used(Some(1), THEN);
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON event WHEN NEW.event = 'used-by' BEGIN SELECT RAISE(ABORT, 'full'); END";
    let database = rusqlite::Connection::open(machine.place.database()).unwrap();
    database.execute_batch(refuse).unwrap();
    machine.change(THEN + 2 * HOUR).save(&StackName::default(), &Shell::default()).unwrap();
    assert_eq!((machine.files().len(), machine.told().len()), (1, 0));
    database.execute_batch("DROP TRIGGER refuse").unwrap();
    machine.change(THEN + 2 * HOUR);
    assert_eq!(machine.told(), BTreeMap::from([((0, 1), 1)]));
}
