//! Files in every form and state, and the joining of what is in them. Long because it is one list of both.

use std::{
    fmt::Write as _,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use jiff::{Timestamp, ToSpan};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use super::*;
use crate::{
    database::{Database, DatabaseError, events::append},
    secret_store::Patience,
    stack::{Secrets, StateDirectory},
    values::{CredentialId, Entry, EventKind},
};

/// alice's long-term key, c1.
const ALICE: &str = "AKIAFAKEALICE0000001";
/// A session that STS gave at 12:00 for an hour, c2, erased at 12:30.
const ROLE: &str = "ASIAFAKE000000000002";
const HOME: &str = "198.51.100.7";
const FOREIGN: &str = "AKIAFAKESOMEBODY0001";

struct World {
    directory: tempfile::TempDir,
    reader: Reader,
}

fn world() -> World {
    let directory = tempfile::tempdir().unwrap();
    #[cfg(unix)]
    fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let place = StateDirectory::new(directory.path().to_owned());
    let mut database = Database::create(&place.database()).unwrap();
    let add = "INSERT INTO credential (id, item, nonce, state, kind, access_key_id, temporary, arn, account, user_id, issued_at, expires_at)
               VALUES (?1, ?1, '', 'erased', ?2, ?3, 1, ?4, '111122223333', 'A', ?5, ?6)";
    let write = |transaction: &rusqlite::Transaction<'_>| -> Result<(), DatabaseError> {
        transaction
            .execute(add, (1, "ambient", ALICE, "arn:aws:iam::111122223333:user/alice", at(0).as_second(), None::<i64>))?;
        let arn = "arn:aws:sts::111122223333:assumed-role/Developer/alice";
        transaction.execute(add, (2, "assume-role", ROLE, arn, at(0).as_second(), at(60).as_second()))?;
        for id in [1, 2] {
            append(transaction, at(30), &Entry { credential: Some(CredentialId(id)), ..Entry::new(EventKind::Erased) })?;
        }
        let key = Some("ASIAFAKE0000000LOST9".to_owned());
        let lost = Entry { credential: Some(CredentialId(9)), access_key_id: key, ..Entry::new(EventKind::Acquired) };
        append(transaction, at(0), &lost)?;
        append(transaction, at(1), &Entry { event: EventKind::SecretLost, ..lost })
    };
    database.write(write).unwrap();
    let reader = Reader::open(&place, Secrets::new(Patience::NobodyCanAnswer)).unwrap();
    World { directory, reader }
}

/// So many minutes after noon.
fn at(minutes: i64) -> Timestamp {
    "2026-11-22T12:00:00Z".parse::<Timestamp>().unwrap() + minutes.minutes()
}

fn call(id: u32, minutes: i64, key: &str, address: &str) -> Value {
    json!({
        "eventVersion": "1.09", "userIdentity": { "type": "AssumedRole", "accessKeyId": key, "arn": format!("arn:of:{key}") },
        "eventTime": at(minutes).to_string(), "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
        "awsRegion": "eu-west-1", "sourceIPAddress": address, "userAgent": "aws-cli/2", "requestParameters": null,
        "responseElements": null, "readOnly": true, "eventID": format!("00000000-0000-0000-0000-{id:012}"),
    })
}

fn assume(id: u32, minutes: i64, key: &str, address: &str, gives: &str) -> Value {
    let mut record = call(id, minutes, key, address);
    record["eventSource"] = json!("sts.amazonaws.com");
    record["eventName"] = json!("AssumeRole");
    record["responseElements"] = json!({
        "credentials": { "accessKeyId": gives, "sessionToken": "fake", "expiration": "Nov 22, 2026, 1:00:00 PM" },
        "assumedRoleUser": { "arn": format!("arn:of:{gives}") },
    });
    record
}

fn log_file(records: &[Value]) -> Vec<u8> {
    json!({ "Records": records }).to_string().into_bytes()
}

fn lookup(records: &[Value]) -> Vec<u8> {
    let event = |record: &Value| json!({ "EventId": record["eventID"], "EventTime": 5, "CloudTrailEvent": record.to_string() });
    let events: Vec<_> = records.iter().map(event).collect();
    serde_json::to_vec_pretty(&json!({ "NextToken": "fake", "Events": events })).unwrap()
}

fn lines(records: &[Value]) -> Vec<u8> {
    records.iter().fold(String::new(), |text, record| text + &record.to_string() + "\n").into_bytes()
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap()
}

impl World {
    fn files(&self, contents: &[Vec<u8>]) -> Vec<PathBuf> {
        let write = |(index, content): (usize, &Vec<u8>)| {
            let path = self.directory.path().join(format!("trail-{index}"));
            fs::write(&path, content).unwrap();
            path
        };
        contents.iter().enumerate().map(write).collect()
    }

    fn asked(&self, paths: &[PathBuf], question: &Question) -> Activity {
        let mut sources: Vec<_> = paths.iter().cloned().map(Source::Path).collect();
        read(&self.reader, &mut sources, question, &mut |_| {}).unwrap()
    }

    fn read(&self, contents: &[Vec<u8>]) -> Activity {
        self.asked(&self.files(contents), &Question::default())
    }

    /// What is wrong with one file, with the positions, and how many records were read all the same.
    fn damage(&self, content: impl AsRef<[u8]>) -> (Vec<(Wrong, Option<u64>)>, u64) {
        let activity = self.read(&[content.as_ref().to_vec()]);
        assert!(activity.damage.len() <= 12 && activity.damaged >= activity.damage.len() as u64);
        (activity.damage.iter().map(|damage| (damage.wrong, damage.at)).collect(), activity.records)
    }
}

fn key<'a>(activity: &'a Activity, id: &str) -> &'a KeyActivity {
    activity.keys.iter().find(|key| key.access_key_id == id).unwrap()
}

fn misfits(key: &KeyActivity) -> Vec<(Why, &str, u64)> {
    key.misfits.iter().map(|misfit| (misfit.why, misfit.address.as_deref().unwrap_or("-"), misfit.calls)).collect()
}

#[test]
fn records_are_read_in_every_form() {
    let world = world();
    let records: Vec<_> = (0..40).map(|id| call(id, 1, [ALICE, ROLE, FOREIGN][id as usize % 3], HOME)).collect();
    let forms = [
        log_file(&records),
        serde_json::to_vec_pretty(&json!({ "Records": records })).unwrap(),
        lookup(&records),
        lines(&records),
        serde_json::to_vec(&records).unwrap(),
        [log_file(&records[..7]), log_file(&records[7..20]), lines(&records[20..])].concat(),
        [b"\xef\xbb\xbf".to_vec(), log_file(&records)].concat(),
        records.iter().map(|record| serde_json::to_string_pretty(record).unwrap()).collect::<Vec<_>>().join("\n").into_bytes(),
    ];
    for form in forms {
        let two_members = [zipped(&form[..form.len() / 2]), zipped(&form[form.len() / 2..])].concat();
        for content in [form.clone(), zipped(&form), two_members] {
            let activity = world.read(&[content]);
            let text = String::from_utf8_lossy(&form);
            assert_eq!((activity.records, activity.files, activity.others), (40, 1, 13), "{text}");
            assert_eq!((activity.damage, activity.keys.len()), (Vec::new(), 2), "{text}");
        }
    }
    let empty = world.read(&[log_file(&[]), lookup(&[]), b"[]".to_vec()]);
    assert_eq!((empty.files, empty.records, empty.damaged), (3, 0, 0), "a quiet hour is no error");
}

#[test]
fn what_a_key_did_is_counted() {
    let world = world();
    let mut denied = call(3, 3, ALICE, HOME);
    denied["errorCode"] = json!("AccessDenied");
    denied["readOnly"] = json!(false);
    denied["awsRegion"] = json!("us-east-1");
    let activity = world.read(&[lines(&[call(1, 1, ALICE, HOME), call(2, 2, ALICE, HOME), denied, call(4, 1, FOREIGN, HOME)])]);
    let alice = key(&activity, ALICE);
    assert_eq!((alice.calls, alice.errors, alice.writes), (3, 1, 1));
    assert_eq!((alice.credentials.as_slice(), alice.first_at, alice.last_at), (&[CredentialId(1)][..], Some(at(1)), Some(at(3))));
    let actions: Vec<_> = alice.actions.seen.iter().map(|it| (it.what.read_only, it.calls, it.errors)).collect();
    assert_eq!(actions, [(Some(true), 2, 0), (Some(false), 1, 1)]);
    assert_eq!((&*alice.error_codes.seen[0].what, alice.error_codes.seen[0].calls), ("AccessDenied", 1));
    assert_eq!(alice.regions.seen.iter().map(|it| &*it.what).collect::<Vec<_>>(), ["eu-west-1", "us-east-1"]);
    assert_eq!((activity.others, activity.first_at, activity.last_at), (1, Some(at(1)), Some(at(3))));
    // The same call in two trails is one.
    let twice = world.read(&[log_file(&[call(1, 1, ALICE, HOME)]), lookup(&[call(1, 1, ALICE, HOME)])]);
    assert_eq!((key(&twice, ALICE).calls, twice.duplicates), (1, 1));
    // A time that is asked for.
    let files = world.files(&[lines(&[call(1, 1, ALICE, HOME), call(2, 2, ALICE, HOME), call(3, 3, ALICE, HOME)])]);
    let some = world.asked(&files, &Question { since: Some(at(2)), until: Some(at(3)) });
    assert_eq!((key(&some, ALICE).calls, some.outside), (1, 2));
}

#[test]
fn calls_that_do_not_fit_are_told() {
    let world = world();
    let of = |records: &[Value]| {
        let activity = world.read(&[lines(records)]);
        misfits(key(&activity, ROLE)).into_iter().map(|(why, from, calls)| (why, from.to_owned(), calls)).collect::<Vec<_>>()
    };
    let one = |minutes| of(&[call(1, minutes, ROLE, HOME)]);
    // Five minutes are let pass on either side of each.
    assert_eq!([one(-5), one(0), one(35)], [vec![], vec![], vec![]]);
    assert_eq!(one(-6), [(Why::BeforeIssued, HOME.to_owned(), 1)]);
    assert_eq!(one(36), [(Why::AfterErased, HOME.to_owned(), 1)]);
    assert_eq!(one(66), [(Why::AfterExpiry, HOME.to_owned(), 1)]);
    // Without the call that made it, the most frequent address is expected.
    let elsewhere = call(3, 3, ROLE, "203.0.113.9");
    let usual = [call(1, 1, ROLE, HOME), call(2, 2, ROLE, HOME), elsewhere.clone()];
    assert_eq!(of(&usual), [(Why::OtherAddress, "203.0.113.9".to_owned(), 1)]);
    // With it, that one's is, whatever comes more often.
    let made = [&[assume(9, 0, FOREIGN, "203.0.113.9", ROLE)], &usual[..]].concat();
    assert_eq!(of(&made), [(Why::OtherAddress, HOME.to_owned(), 2)]);
    // A service that acts for it is expected wherever and whenever.
    let mut service = call(4, 300, ROLE, "cloudformation.amazonaws.com");
    assert_eq!(of(&[usual[0].clone(), service.clone()]), []);
    service["sourceIPAddress"] = json!("203.0.113.99");
    service["userIdentity"]["invokedBy"] = json!("athena.amazonaws.com");
    assert_eq!(of(&[usual[0].clone(), service]), []);
    // Long-term keys are older than their capture, and are not only here.
    let activity = world.read(&[lines(&[call(1, -600, ALICE, HOME), call(2, 600, ALICE, HOME)])]);
    assert_eq!(misfits(key(&activity, ALICE)), []);
    // What STS gave and no secret store took.
    let activity = world.read(&[lines(&[call(1, 20, "ASIAFAKE0000000LOST9", HOME)])]);
    let lost = key(&activity, "ASIAFAKE0000000LOST9");
    assert_eq!((misfits(lost), lost.credentials[0]), (vec![(Why::AfterErased, HOME, 1)], CredentialId(9)));
}

#[test]
fn a_misfit_names_the_first_of_its_calls() {
    let world = world();
    let mut records = vec![call(1, 40, ROLE, HOME), call(2, 38, ROLE, HOME), call(3, 45, ROLE, HOME)];
    records[1]["eventName"] = json!("DeleteObject");
    let activity = world.read(&[lines(&records)]);
    let misfit = &key(&activity, ROLE).misfits[0];
    assert_eq!((misfit.calls, misfit.first_at, misfit.last_at), (3, at(38), at(45)));
    assert_eq!(
        (&*misfit.action.action, misfit.event_id.as_deref()),
        ("DeleteObject", Some("00000000-0000-0000-0000-000000000002"))
    );
}

/// A chain of sessions made elsewhere, from c2, with a key of a user at its end, and another chain that is not ours.
fn chain() -> Vec<Value> {
    let mut key = call(14, 13, "ASIAFAKEELSEWHERE003", "203.0.113.9");
    key["eventSource"] = json!("iam.amazonaws.com");
    key["eventName"] = json!("CreateAccessKey");
    key["responseElements"] = json!({ "accessKey": { "accessKeyId": "AKIAFAKEPERSISTENT01" } });
    vec![
        assume(10, 1, ALICE, HOME, ROLE),
        assume(11, 10, ROLE, "203.0.113.9", "ASIAFAKEELSEWHERE001"),
        assume(12, 11, "ASIAFAKEELSEWHERE001", "203.0.113.9", "ASIAFAKEELSEWHERE002"),
        assume(13, 12, "ASIAFAKEELSEWHERE002", "192.0.2.1", "ASIAFAKEELSEWHERE003"),
        key,
        call(15, 14, "AKIAFAKEPERSISTENT01", "203.0.113.9"),
        call(16, 90, "ASIAFAKEELSEWHERE003", "192.0.2.1"),
        assume(17, 10, FOREIGN, HOME, "ASIAFAKEFOREIGN00001"),
        call(18, 11, "ASIAFAKEFOREIGN00001", HOME),
    ]
}

#[test]
fn sessions_made_elsewhere_belong_to_what_made_them() {
    let world = world();
    let records = chain();
    for turned in [records.clone(), records.into_iter().rev().collect()] {
        let activity = world.read(&[lines(&turned)]);
        let shown: Vec<_> = activity.keys.iter().map(|key| (&*key.access_key_id, key.calls)).collect();
        let expected = [
            (ALICE, 1),
            (ROLE, 1),
            ("ASIAFAKEELSEWHERE001", 1),
            ("ASIAFAKEELSEWHERE002", 1),
            ("ASIAFAKEELSEWHERE003", 2),
            ("AKIAFAKEPERSISTENT01", 1),
        ];
        assert_eq!(shown, expected);
        assert_eq!(activity.others, 2);
        for key in &activity.keys[2..] {
            assert_eq!(key.made.as_ref().unwrap().ours, Some(CredentialId(2)), "{}", key.access_key_id);
        }
        let last = key(&activity, "ASIAFAKEELSEWHERE003");
        assert_eq!((last.arn.as_deref(), last.expires_at), (Some("arn:of:ASIAFAKEELSEWHERE003"), Some(at(60))));
        assert_eq!(misfits(last), [(Why::OtherAddress, "203.0.113.9", 1), (Why::AfterExpiry, "192.0.2.1", 1)]);
        assert_eq!(misfits(key(&activity, ROLE)), [(Why::OtherAddress, "203.0.113.9", 1)]);
        let mut kept = activity.clone();
        kept.retain(|key| key.access_key_id == "ASIAFAKEELSEWHERE002");
        assert_eq!(kept.keys, activity.keys[3..], "with what was made from it");
    }
}

#[test]
fn what_makes_itself_is_shown_once() {
    let (one, other) = ("ASIAFAKECIRCLE000001", "ASIAFAKECIRCLE000002");
    let records =
        [assume(1, 2, ROLE, HOME, one), assume(2, 1, one, HOME, other), assume(3, 0, other, HOME, one), call(4, 3, other, HOME)];
    let activity = world().read(&[lines(&records)]);
    assert_eq!(activity.keys.len(), 3);
    assert_eq!(activity.keys.iter().map(|key| key.calls).sum::<u64>(), 4);
}

#[test]
fn behind_damage_it_goes_on() {
    let world = world();
    let record = |id: u32| call(id, 1, ALICE, HOME).to_string();
    let (one, two, three) = (record(1), record(2), record(3));
    let broken = one.replacen("\"eventName\":\"", "\"eventName\":", 1);
    let unquoted = one.replacen("\"GetObject\"", "\"GetObject", 1);
    for bad in ["{\"eventVersion\":nul}", "{:}", &broken, &unquoted, "{\"a\":1 \"b\":2}"] {
        let file = format!("{{\"Records\":[{one},{bad},{two},{three}]}}");
        let position = (one.len() + 13) as u64;
        assert_eq!(world.damage(&file), (vec![(Wrong::NotJson, Some(position))], 3), "{bad}");
        let position = (one.len() + 1) as u64;
        assert_eq!(world.damage(format!("{one}\n{bad}\n{two}\n{three}\n")), (vec![(Wrong::NotJson, Some(position))], 3), "{bad}");
    }
    for bad in ["null", "7", "\"text\"", "[1,[2]]"] {
        assert_eq!(world.damage(format!("{{\"Records\":[{one},{bad},{two}]}}")).1, 2, "{bad}");
    }
    assert_eq!(
        world.damage(format!("{one}\nhello, world {{}}\n{two}\n")),
        (vec![(Wrong::NotJson, Some(one.len() as u64 + 1))], 2)
    );
    // What is cut off, and what has bytes that are no text.
    let file = format!("{{\"Records\":[{one},{two},{three}]}}");
    assert_eq!(world.damage(&file[..file.len() - 40]).1, 2);
    assert_eq!(world.damage(&file[..file.len() - 2]), (vec![(Wrong::CutOff, Some(file.len() as u64 - 2))], 3));
    let mut bytes = file.clone().into_bytes();
    let agent = file.find("aws-cli").unwrap();
    bytes[agent] = 0xff;
    assert_eq!(world.damage(&bytes).1, 2, "where it is needed");
    let unneeded = format!("{{\"Records\":[{}]}}", one.replacen("\"requestParameters\":null", "\"requestParameters\":\"?\"", 1));
    let mut bytes = unneeded.into_bytes();
    let place = bytes.iter().position(|byte| *byte == b'?').unwrap();
    bytes[place] = 0xff;
    assert_eq!(world.damage(&bytes), (vec![], 1), "where it is not");
}

#[test]
fn a_gzip_file_that_was_cut_off_is_read_as_far_as_it_goes() {
    let world = world();
    let records: Vec<_> = (0..5000).map(|id| call(id, 1, ALICE, HOME)).collect();
    let whole = zipped(&log_file(&records));
    for content in [whole[..whole.len() / 2].to_vec(), whole[..whole.len() - 4].to_vec()] {
        let (damage, read) = world.damage(&content);
        assert!(matches!(damage[..], [(Wrong::Compression, Some(_))]), "{damage:?}");
        assert!(read > 1000, "{read}");
    }
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x55;
    let (damage, read) = world.damage(&flipped);
    assert!(damage.iter().any(|(wrong, _)| *wrong == Wrong::Compression), "{damage:?}");
    assert!(read > 1000, "{read}");
}

#[test]
fn what_is_deep_or_huge_is_read_or_left_out() {
    let world = world();
    let with = |parameters: &str| {
        let record = call(1, 1, ALICE, HOME).to_string();
        let record = record.replacen("\"requestParameters\":null", &format!("\"requestParameters\":{parameters}"), 1);
        format!("{{\"Records\":[{record},{}]}}", call(2, 1, ALICE, HOME))
    };
    let deep = 200_000;
    let (open, close) = ("[".repeat(deep), "]".repeat(deep));
    assert_eq!(world.damage(with(&format!("{open}{close}"))), (vec![], 2));
    assert_eq!(world.damage(with(&format!("{}1{}", "{\"a\":".repeat(deep), "}".repeat(deep)))), (vec![], 2));
    let text = |megabytes: usize| format!("\"{}\"", "x".repeat(megabytes << 20));
    assert_eq!(world.damage(with(&text(3))), (vec![], 2));
    assert_eq!(world.damage(with(&text(20))), (vec![(Wrong::TooLarge, Some(12))], 1));
    assert_eq!(world.damage(format!("{{\"NextToken\":{},\"Events\":[]}}", text(20))), (vec![], 0));
    // An endless record, or a file of nothing but brackets, ends too.
    assert_eq!(
        world.damage(&with(&text(20))[..15 << 20]),
        (vec![(Wrong::TooLarge, Some(12)), (Wrong::CutOff, Some(15 << 20))], 0)
    );
    assert_eq!(world.damage("[".repeat(1 << 20)).1, 0);
    assert_eq!(world.damage("{".repeat(1 << 20)).1, 0);
}

#[test]
fn what_is_no_cloudtrail_is_named() {
    let world = world();
    for content in ["", "{}", "hello", "{\"name\": \"x\", \"version\": 1}", "{\"a\": 1}\n{\"a\": 2}\n", "7", "\u{0}\u{1}"] {
        let activity = world.read(&[content.as_bytes().to_vec()]);
        assert_eq!((activity.files, activity.records), (0, 0), "{content}");
        let damage = &activity.damage[0];
        assert!(damage.file.ends_with("trail-0") && [Wrong::NoCloudTrail, Wrong::NotJson].contains(&damage.wrong), "{content}");
    }
    let mixed = format!("{}\n{{\"a\":1}}\n{{\"b\":2}}\n", call(1, 1, ALICE, HOME));
    let (damage, read) = world.damage(&mixed);
    assert!(matches!(damage[..], [(Wrong::Foreign, Some(_))]) && read == 1, "{damage:?}");
}

#[test]
fn a_directory_is_read_with_all_below_it() {
    let world = world();
    let trail = world.directory.path().join("AWSLogs");
    let put = |name: &str, content: &[u8]| {
        let path = trail.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    put("1111/CloudTrail/eu-west-1/2026/11/22/a.json.gz", &zipped(&log_file(&[call(1, 1, ALICE, HOME)])));
    put("1111/CloudTrail/us-east-1/2026/11/22/b.json", &log_file(&[call(2, 1, ALICE, HOME)]));
    put("1111/CloudTrail/us-east-1/2026/11/22/plain-in-spite-of-its-name.json.gz", &lines(&[call(3, 1, ALICE, HOME)]));
    put("1111/c.jsonl", &lines(&[call(4, 1, ALICE, HOME)]));
    put("1111/CloudTrail-Digest/d.json.gz", &zipped(br#"{"awsAccountId":"1","digestStartTime":"2026-11-22T12:00:00Z"}"#));
    put("1111/Config/e.json", br#"{"fileVersion":"1.0","configurationItems":[]}"#);
    put("1111/elasticloadbalancing/f.log", b"no JSON");
    put("1111/part-0001", &log_file(&[call(5, 1, ALICE, HOME)]));
    put("1111/events.gz", &zipped(&lines(&[call(6, 1, ALICE, HOME)])));
    put("1111/notes.ini", b"[section]\nkey = 1\n");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&trail, trail.join("1111/again")).unwrap();
    let activity = world.asked(std::slice::from_ref(&trail), &Question::default());
    assert_eq!((activity.records, activity.files, activity.skipped, activity.damaged), (6, 6, 4, 0), "{:?}", activity.damage);
    let size = size(&[Source::Path(trail)]);
    assert!(size > 1000, "{size}");
    let nowhere = world.asked(&[world.directory.path().join("nowhere")], &Question::default());
    assert_eq!(nowhere.damage[0].wrong, Wrong::Unreadable);
}

#[test]
fn what_came_through_stdin_is_read_as_often_as_needed() {
    let world = world();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&zipped(&lines(&chain().into_iter().rev().collect::<Vec<_>>()))).unwrap();
    let (mut sum, mut again) = (0, 0);
    let activity =
        read(&world.reader, &mut [Source::Kept { name: "stdin".into(), file }], &Question::default(), &mut |bytes| match bytes {
            Some(bytes) => sum += bytes,
            None => again += 1,
        });
    assert_eq!((activity.unwrap().keys.len(), again), (6, 4), "once more for each link that stands before the one it hangs on");
    assert!(sum > 100);
}

/// However many different values there are, a bounded number is kept, and the rest is counted.
#[test]
fn what_is_kept_is_bounded() {
    let world = world();
    let mut text = String::new();
    for id in 0..5000 {
        writeln!(text, "{}", call(id, 1, ALICE, &format!("10.0.{}.{}", id / 250, id % 250))).unwrap();
        let made = assume(100_000 + id, 1, ALICE, HOME, &format!("ASIAFAKE{id:012}"));
        writeln!(text, "{made}\n{}", call(200_000 + id, 2, &format!("ASIAFAKE{id:012}"), HOME)).unwrap();
    }
    let activity = world.read(&[text.clone().into_bytes()]);
    let alice = key(&activity, ALICE);
    assert_eq!((alice.calls, alice.addresses.seen.len()), (10_000, VALUES));
    let kept: u64 = alice.addresses.seen.iter().map(|it| it.calls).sum();
    assert_eq!(kept + alice.addresses.more, 10_000);
    assert_eq!(activity.keys.len(), 5001);
    let again = text.replace("ASIAFAKE0", "ASIAFAKE1").replace("-000000", "-100000");
    let third = text.replace("ASIAFAKE0", "ASIAFAKE2").replace("-000000", "-200000");
    let activity = world.read(&[text.into_bytes(), again.into_bytes(), third.into_bytes()]);
    assert_eq!(activity.keys.len(), KEYS);
    assert!(activity.beyond >= 5000, "{}", activity.beyond);
    let long = call(1, 1, ALICE, &"9".repeat(100_000));
    let activity = world.read(&[lines(&[long])]);
    assert!(key(&activity, ALICE).addresses.seen[0].what.len() < 200);
}

fn any_records() -> impl Strategy<Value = Vec<Value>> {
    let keys = [
        ALICE,
        ROLE,
        FOREIGN,
        "ASIAFAKEELSEWHERE001",
        "ASIAFAKEELSEWHERE002",
        "ASIAFAKEELSEWHERE003",
        "AKIAFAKEPERSISTENT01",
        "ASIAFAKEFOREIGN00001",
    ];
    let one = (0..keys.len(), -20_i64..100, 0_usize..3);
    proptest::collection::vec(one, 0..30).prop_map(move |calls| {
        let call = |(id, (key, minutes, address)): (usize, (usize, i64, usize))| {
            call(1000 + id as u32, minutes, keys[key], [HOME, "203.0.113.9", "192.0.2.1"][address])
        };
        chain().into_iter().chain(calls.into_iter().enumerate().map(call)).collect()
    })
}

/// Runs a property with one world for all cases.
fn holds<S: Strategy>(strategy: S, property: impl Fn(&World, S::Value) -> Result<(), TestCaseError>) {
    let world = world();
    let mut runner = TestRunner::new(crate::seeded::seeded(60));
    runner.run(&strategy, |value| property(&world, value)).unwrap();
}

/// Files are named by region and time, and a session may be made in one and used in another.
#[test]
fn the_order_of_records_tells_nothing() {
    let shuffled = any_records().prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle()));
    holds((shuffled, 0_usize..9), |world, ((ordered, shuffled), cut)| {
        let one = world.read(&[lines(&ordered)]);
        let other = world.read(&[log_file(&shuffled[..cut]), zipped(&lookup(&shuffled[cut..]))]);
        prop_assert_eq!(Activity { files: 0, ..one }, Activity { files: 0, ..other });
        Ok(())
    });
}

/// Nothing that stands in a file makes it fail, or loses a record without a word.
#[test]
fn no_damage_is_too_much() {
    holds((0_usize..4000, proptest::collection::vec(any::<u8>(), 1..20)), |world, (place, bytes)| {
        let records: Vec<_> = (0..10).map(|id| call(id, 1, ALICE, HOME)).collect();
        for mut content in [log_file(&records), lookup(&records), lines(&records), zipped(&log_file(&records))] {
            let place = place % content.len();
            let end = (place + bytes.len()).min(content.len());
            content.splice(place..end, bytes.iter().copied());
            let activity = world.read(&[content]);
            prop_assert!(activity.records <= 10);
            prop_assert!(activity.records == 10 || activity.damaged > 0, "{activity:?}");
        }
        Ok(())
    });
}

#[test]
fn paths_are_said_as_they_are() {
    let world = world();
    let path = world.files(&[b"hello".to_vec()]).remove(0);
    let activity = world.asked(std::slice::from_ref(&path), &Question::default());
    assert_eq!(activity.damage[0].to_string(), format!("{} at byte 0: this is no JSON", Path::new(&path).display()));
}
