//! Two scenarios for long campaigns, and the files of these campaigns.

use crate::place::{Place, Said};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

/// A team without idempotency keys, with lost acknowledgements.
pub const FORGETFUL: &str = r#"# A team that should have used idempotency keys.
workflow = "conductor"

[[step]]
name = "file-ticket"
tool = "ticketing.create"

[[step]]
name = "tell-customer"
tool = "mail.send"

[[step]]
name = "book-room"
tool = "calendar.book"

[[step]]
name = "post-note"
tool = "chat.post"

[safeguards]
tool-dedupe = true
retry = { attempts = 4, backoff = "1s..30s" }

[tools]
ticketing = { deduplicates = true }
mail = { deduplicates = true }
calendar = { deduplicates = true }
chat = { deduplicates = true }

[faults]
until = "10m"
ack-lost = { at = ["ticketing", "mail", "calendar", "chat"], chance = "1%" }
late-reply = { at = ["ticketing", "mail", "calendar", "chat"], chance = "1%", by = "5s..40s" }
"#;

/// The same team with its keys, and a case without them.
const CAREFUL: &str = r#"# Nothing is done twice.
workflow = "conductor"

[[step]]
name = "file-ticket"
tool = "ticketing.create"

[safeguards]
idempotency-keys = true
persist-before-call = true
tool-dedupe = true
retry = { attempts = 4, backoff = "1s..30s" }
verify = true
checkpoint = true

[tools.ticketing]
deduplicates = true

[faults]
until = "10m"
ack-lost = { at = "ticketing", chance = "5%" }

[[without]]
safeguards = ["idempotency-keys"]
violates = "no-duplicate-effects"
within-seeds = 300
"#;

/// The forgetful team with so many tasks that a run takes long and shrinking much longer.
pub fn laborious(tasks: u32) -> Place {
    let much = format!("[tasks]\ncount = {tasks}\nevery = \"1s\"\n\n[safeguards]");
    Place::with(&[("scenarios/weak/laborious.toml", &FORGETFUL.replace("[safeguards]", &much))])
}

/// The careful team with so many tasks that its runs take long.
pub fn calm_and_laborious() -> Place {
    let much = "[tasks]\ncount = 200\nevery = \"1s\"\n\n[safeguards]";
    Place::with(&[(
        "scenarios/strong/laborious.toml",
        &CAREFUL.replace("[safeguards]\n", &format!("{much}\n")),
    )])
}

/// Two scenarios in a folder, `weak/forgetful` and `strong/careful`.
pub fn workshop() -> Place {
    Place::with(&[("scenarios/weak/forgetful.toml", FORGETFUL), ("scenarios/strong/careful.toml", CAREFUL)])
}

fn words(arguments: &str) -> Vec<&str> {
    ["fuzz"].into_iter().chain(arguments.split_whitespace()).collect()
}

pub fn fuzz(place: &Place, arguments: &str) -> Said {
    place.perfidy(&words(arguments))
}

pub fn start(place: &Place, arguments: &str) -> Child {
    place.start(&words(arguments))
}

/// How long a test waits for something quick, on a busy machine.
pub const GENEROUS: Duration = Duration::from_secs(30);

/// Waits until a condition holds; returns whether it does, and after how long.
#[expect(clippy::disallowed_methods, reason = "another process is waited for, in real time")]
pub fn wait_until(mut is_so: impl FnMut() -> bool) -> (bool, Duration) {
    let began = Instant::now();
    while !is_so() {
        if began.elapsed() > GENEROUS {
            return (false, began.elapsed());
        }
        thread::sleep(Duration::from_millis(5));
    }
    (true, began.elapsed())
}

/// Waits until a process has ended by itself.
#[track_caller]
pub fn ended(mut child: Child) -> Said {
    let (has_ended, _) = wait_until(|| child.try_wait().unwrap().is_some());
    if !has_ended {
        child.kill().unwrap();
    }
    let said = Said::of(child.wait_with_output().unwrap());
    assert!(has_ended, "it did not end within {GENEROUS:?}\n-- standard error\n{}", said.err);
    said
}

/// Starts a campaign and waits until it has saved its checkpoint once.
#[track_caller]
pub fn start_and_wait(place: &Place, arguments: &str) -> Child {
    let mut child = start(place, arguments);
    let (is_there, _) = wait_until(|| {
        assert_eq!(child.try_wait().unwrap(), None, "it ended without a place");
        place.path("seeds/.campaign.toml").exists()
    });
    if !is_there {
        child.kill().unwrap();
    }
    assert!(is_there, "it keeps no place");
    child
}

/// The failures below a corpus, by path, each with its text.
pub fn failures(place: &Place) -> BTreeMap<String, String> {
    let files = ["seeds/weak", "seeds/strong"].into_iter().flat_map(|folder| place.files(folder));
    let files = files.filter(|file| !file.contains("/."));
    files.map(|file| (file.clone(), place.read(&file))).collect()
}

/// The records of a campaign without the machine-dependent values.
pub fn records(said: &Said) -> Vec<Value> {
    let mut records = said.records();
    assert!(!records.is_empty(), "{}", said.err);
    for record in &mut records {
        record.as_object_mut().unwrap().remove("runs_per_second").unwrap();
    }
    records
}
