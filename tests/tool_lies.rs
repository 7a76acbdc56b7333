//! What every lie of a tool does to a caller, told by somebody who asks one tool for a few things and notes down the
//! answers.

use perfidy::agent::{
    Agent, Agents, Content, Definite, Indefinite, Note, OpId, Query, Reading, Receipt, Request, ToolCall,
    ToolError, Wish,
};
use perfidy::explore::{Run, first_difference};
use perfidy::scenario::{Case, Scenario};
use perfidy::workflows::user::USER;
use perfidy::workflows::{Briefing, Workflow};
use perfidy_sim::{Engine, Fault, Name, Plan, Seed, SimSpan, SimTime, World};
use std::cell::RefCell;
use std::sync::Arc;

/// One thing that the caller asks of its tool.
#[derive(Clone, Copy)]
enum Ask {
    /// The effect, under this key.
    Call(&'static str, u64),
    Read(&'static str),
    LookUp(&'static str),
    Wait(u64),
}

#[derive(Clone, PartialEq, Debug)]
enum Heard {
    Call(Result<Receipt, ToolError>),
    Read(Result<Reading, ToolError>),
    LookUp(Result<bool, Indefinite>),
    Choice(u32),
}

thread_local! {
    /// What the caller of this thread asks, and what it hears. A test talks to its agent over the head of the world.
    static ASKS: RefCell<Vec<Ask>> = const { RefCell::new(Vec::new()) };
    static HEARD: RefCell<Vec<Heard>> = const { RefCell::new(Vec::new()) };
}

static CALLER: Workflow = Workflow {
    name: "caller",
    about: "somebody who asks a tool for a few things",
    roles: &[],
    singles: &["caller"],
    safeguards: &["tool-dedupe"],
    crash_points: &[],
    moments: &[],
    requests: &[Request::Call, Request::Read, Request::LookUp, Request::CallOff],
    properties: &[],
    assemble: |case: &Case, world: &mut World<Agents>| {
        let briefing = Briefing::new(case, None);
        briefing.hire(world, Name::new(USER), |_, _| Box::pin(std::future::pending()));
        briefing.hire(world, Name::new("caller"), |agent, _| Box::pin(caller(agent)));
    },
};

async fn caller(agent: Agent) {
    let tool = Name::new("vault");
    let within = SimSpan::from_secs(5);
    for ask in ASKS.take() {
        let heard = match ask {
            Ask::Call(intent, key) => {
                let wish = Wish { tool, operation: Name::new("put"), intent: Name::new(intent) };
                Heard::Call(agent.call(ToolCall { wish, op: OpId(key), keyed: true }, within).await)
            }
            Ask::Read(item) => {
                let query = Query { tool, item: Name::new(item), intent: Name::new(&format!("want/{item}")) };
                Heard::Read(agent.read(query, within).await)
            }
            Ask::LookUp(intent) => {
                let wish = Wish { tool, operation: Name::new("put"), intent: Name::new(intent) };
                Heard::LookUp(agent.look_up(wish, within).await.map(|found| found.is_some()))
            }
            Ask::Wait(secs) => {
                agent.sleep(SimSpan::from_secs(secs)).await;
                continue;
            }
        };
        HEARD.with_borrow_mut(|all| all.push(heard));
    }
    agent.finish_after(SimSpan::from_secs(200));
}

const TEXT: &str = r#"# A tool and whoever calls it.
workflow = "caller"

[[step]]
name = "put"
tool = "vault.put"

[safeguards]
tool-dedupe = true

[tools.vault]
latency = "100ms"
deduplicates = true
changes-every = "10s"

[faults]
until = "30m"
"#;

/// What the caller hears, and how often each intent was carried out, if these faults strike and no others.
struct Told {
    heard: Vec<Heard>,
    run: Run,
}

impl Told {
    fn effects(&self, intent: &str) -> usize {
        let is_it = |note: &Note| matches!(note, Note::Effect { intent: of, .. } if *of == Name::new(intent));
        self.run.outcome.history.notes().filter(|(_, note)| is_it(note)).count()
    }

    fn read(&self, nth: usize) -> Reading {
        match self.heard[nth] {
            Heard::Read(Ok(reading)) => reading,
            ref other => panic!("{other:?}"),
        }
    }
}

fn told(asks: &[Ask], faults: &[&str]) -> Told {
    let told = met_or_not(asks, faults);
    let struck: Vec<String> = told.run.outcome.fired.iter().map(ToString::to_string).collect();
    assert_eq!(struck, faults, "every fault strikes, in this order");
    told
}

fn met_or_not(asks: &[Ask], faults: &[&str]) -> Told {
    let scenario = Scenario::parse_for(&[&CALLER], "caller", TEXT).unwrap_or_else(|bad| panic!("{bad}"));
    let faults = faults.iter().map(|text| {
        let (at, action) = text.split_once(": ").unwrap();
        Fault { at: at.parse().unwrap(), action: action.parse().unwrap() }
    });
    ASKS.set(asks.to_vec());
    let plan = Plan::Explicit(faults.collect());
    let run = Run::planned(&Case::as_written(&scenario), Engine::Native, Seed(1), &plan);
    Told { heard: HEARD.take(), run }
}

const DONE: Heard = Heard::Call(Ok(Receipt(1)));

fn unclear(error: Indefinite) -> ToolError {
    ToolError::Indefinite(error)
}

fn refused(error: Definite) -> ToolError {
    ToolError::Definite(error)
}

#[test]
fn a_tool_that_tells_the_truth_does_each_thing_once_and_knows_of_it() {
    let asks = [Ask::LookUp("a"), Ask::Call("a", 1), Ask::Call("a", 1), Ask::LookUp("a")];
    let told = told(&asks, &[]);
    assert_eq!(told.heard, [Heard::LookUp(Ok(false)), DONE, DONE, Heard::LookUp(Ok(true))]);
    assert_eq!(told.effects("a"), 1);
}

#[test]
fn an_effect_and_its_answer_part_ways() {
    for (lie, error, effects) in [
        ("ack-lost", Indefinite::TimedOut, 1),
        ("late-reply 9s", Indefinite::TimedOut, 1),
        ("error-with-effect", Indefinite::Failed, 1),
        ("malformed-result", Indefinite::Malformed, 1),
        ("mute", Indefinite::TimedOut, 0),
    ] {
        let told = told(&[Ask::Call("a", 1)], &[&format!("vault, put, a, try 1: {lie}")]);
        assert_eq!(told.heard, [Heard::Call(Err(unclear(error)))], "{lie}");
        assert_eq!(told.effects("a"), effects, "{lie}");
    }
    let told = told(&[Ask::Call("a", 1)], &["vault, put, a, try 1: success-without-effect"]);
    assert_eq!((told.heard.as_slice(), told.effects("a")), (&[DONE][..], 0));
}

#[test]
fn a_call_that_is_handled_twice_has_two_effects_unless_its_key_is_known() {
    let text = TEXT.replace("deduplicates = true\n", "").replace("tool-dedupe = true", "");
    let scenario = Scenario::parse_for(&[&CALLER], "caller", &text).unwrap();
    let fault = "vault, put, a, try 1: duplicate-effect";
    assert_eq!(told(&[Ask::Call("a", 1)], &[fault]).effects("a"), 1);
    ASKS.set(vec![Ask::Call("a", 1)]);
    let (at, action) = fault.split_once(": ").unwrap();
    let fault = Fault { at: at.parse().unwrap(), action: action.parse().unwrap() };
    let plan = Plan::Explicit([fault].into());
    let run = Run::planned(&Case::as_written(&scenario), Engine::Native, Seed(1), &plan);
    assert_eq!(Told { heard: HEARD.take(), run }.effects("a"), 2);
}

#[test]
fn a_key_that_is_ignored_is_not_remembered() {
    let asks = [Ask::Call("a", 1), Ask::Call("a", 1), Ask::Call("a", 1)];
    assert_eq!(told(&asks, &["vault, put, a, try 1: key-ignored"]).effects("a"), 2);
    assert_eq!(told(&asks, &["vault, put, a, try 2: key-ignored"]).effects("a"), 2);
}

#[test]
fn a_key_is_forgotten_once_it_is_old_enough() {
    let asks = [Ask::Call("a", 1), Ask::Wait(30), Ask::Call("a", 1)];
    assert_eq!(told(&asks, &["vault, put, a, try 2: key-forgotten 20s"]).effects("a"), 2);
    let kept = met_or_not(&asks, &["vault, put, a, try 2: key-forgotten 40s"]);
    assert_eq!((kept.effects("a"), kept.run.outcome.fired.len()), (1, 0), "there is nothing to forget");
    assert!(kept.run.outcome.pinned[0].met);
}

#[test]
fn a_reply_to_another_call_brings_another_receipt() {
    let asks = [Ask::Call("a", 1), Ask::Call("b", 2)];
    let told = told(&asks, &["vault, put, b, try 1: wrong-reply"]);
    assert_eq!(told.heard, [DONE, DONE], "the second is told the receipt of the first");
    assert_eq!((told.effects("a"), told.effects("b")), (1, 1));
}

#[test]
fn a_reply_to_another_query_is_about_something_else() {
    let told = told(&[Ask::Read("x"), Ask::Read("y")], &["vault, read of y, want/y, try 1: wrong-reply"]);
    assert_eq!(told.read(1), told.read(0));
    assert_eq!(told.read(1).item, Name::new("x"));
}

#[test]
fn what_is_read_gets_new_versions_as_time_goes_by() {
    let told = told(&[Ask::Read("x"), Ask::Wait(20), Ask::Read("x")], &[]);
    let (first, second) = (told.read(0), told.read(1));
    assert_eq!((first.version, second.version), (1, 3));
    assert_ne!(first.content, second.content);
    assert_eq!(second.content, Content::of(Name::new("vault"), Name::new("x"), 3));
    assert!(second.as_of > first.as_of && second.is_whole() && !second.instructs);
}

#[test]
fn a_stale_read_says_how_old_it_is() {
    let asks = [Ask::Wait(35), Ask::Read("x")];
    let told = told(&asks, &["vault, read of x, want/x, try 1: stale-read 20s"]);
    assert_eq!(told.read(0).version, 2);
    let age = (SimTime::ZERO + SimSpan::from_secs(35)).since(told.read(0).as_of);
    assert!((19..=20).contains(&(age.as_nanos() / 1_000_000_000)), "{age}");
}

#[test]
fn a_stale_look_up_does_not_see_what_has_just_happened() {
    let asks = [Ask::Call("a", 1), Ask::LookUp("a")];
    let told = told(&asks, &["vault, look-up of put, a, try 1: stale-read 20s"]);
    assert_eq!(told.heard, [DONE, Heard::LookUp(Ok(false))]);
    let asks = [Ask::Call("a", 1), Ask::Wait(30), Ask::LookUp("a")];
    let seen = met_or_not(&asks, &["vault, look-up of put, a, try 1: stale-read 20s"]);
    assert_eq!(seen.heard, [DONE, Heard::LookUp(Ok(true))]);
}

#[test]
fn what_is_read_can_be_wrong_cut_short_bloated_or_give_orders() {
    let honest = told(&[Ask::Read("x")], &[]).read(0);
    let read =
        |lie: &str| told(&[Ask::Read("x")], &[&format!("vault, read of x, want/x, try 1: {lie}")]).read(0);
    let (wrong, partial) = (read("wrong-value"), read("partial-result"));
    let (oversize, injected) = (read("oversize-result"), read("injected-instruction"));
    for reading in [wrong, partial, oversize, injected] {
        assert_ne!(reading.content, honest.content);
        assert_eq!(
            (reading.item, reading.version, reading.as_of),
            (honest.item, honest.version, honest.as_of)
        );
    }
    assert_eq!((wrong.tokens, wrong.is_whole(), wrong.instructs), (honest.tokens, true, false));
    assert!(!partial.is_whole());
    assert_eq!((oversize.tokens, oversize.is_whole()), (honest.tokens * 50, true));
    assert!(injected.instructs);
}

#[test]
fn an_answer_that_cannot_be_read_is_none() {
    let told = told(&[Ask::Read("x")], &["vault, read of x, want/x, try 1: malformed-result"]);
    assert_eq!(told.heard, [Heard::Read(Err(unclear(Indefinite::Malformed)))]);
}

#[test]
fn a_tool_in_trouble_refuses_everybody_and_nothing_happens() {
    for (lie, error) in [
        ("outage 10s", Definite::Unavailable),
        ("endpoint-moved 10s", Definite::Moved),
        ("permission-revoked 10s", Definite::Forbidden),
        ("schema-changed 10s", Definite::OtherSchema),
    ] {
        let asks = [Ask::Call("a", 1), Ask::Read("x"), Ask::LookUp("a"), Ask::Wait(10), Ask::Call("a", 1)];
        let told = told(&asks, &[&format!("vault, put, a, try 1: {lie}")]);
        let no = refused(error);
        let looked = Heard::LookUp(Err(Indefinite::Refused(error)));
        assert_eq!(told.heard, [Heard::Call(Err(no)), Heard::Read(Err(no)), looked, DONE], "{lie}");
        assert_eq!(told.effects("a"), 1, "{lie}");
    }
}

#[test]
fn what_nobody_repairs_stays_broken() {
    let asks = [Ask::Call("a", 1), Ask::Wait(600), Ask::Call("a", 1)];
    let told = told(&asks, &["vault, put, a, try 1: permission-revoked"]);
    let no = Heard::Call(Err(refused(Definite::Forbidden)));
    assert_eq!(told.heard, [no.clone(), no]);
}

#[test]
fn a_rate_limit_says_when_to_come_back() {
    let asks = [Ask::Call("a", 1), Ask::Wait(4), Ask::Call("a", 1), Ask::Wait(7), Ask::Call("a", 1)];
    let told = told(&asks, &["vault, put, a, try 1: rate-limit 10s"]);
    let no = |retry_after_secs| Heard::Call(Err(refused(Definite::RateLimited { retry_after_secs })));
    assert_eq!(told.heard, [no(10), no(6), DONE]);
}

#[test]
fn a_tool_that_is_mute_for_ever_never_answers_anybody_again() {
    let asks = [Ask::Read("x"), Ask::Call("a", 1), Ask::Wait(600), Ask::LookUp("a")];
    let told = told(&asks, &["vault, read of x, want/x, try 1: mute-for-ever"]);
    let silence = Indefinite::TimedOut;
    let heard =
        [Heard::Read(Err(unclear(silence))), Heard::Call(Err(unclear(silence))), Heard::LookUp(Err(silence))];
    assert_eq!((told.heard.as_slice(), told.effects("a")), (&heard[..], 0));
}

#[test]
fn trouble_by_the_clock_comes_and_goes() {
    let asks = [Ask::Call("a", 1), Ask::Wait(20), Ask::Call("b", 2), Ask::Wait(30), Ask::Call("c", 3)];
    let told = told(&asks, &["outage of vault, window, try 1: outage of vault at 10s for 30s"]);
    let no = Heard::Call(Err(refused(Definite::Unavailable)));
    assert_eq!(told.heard, [DONE, no, Heard::Call(Ok(Receipt(2)))]);
}

#[test]
fn a_tool_in_trouble_tells_no_lies_and_counts_on() {
    let asks = [Ask::Call("a", 1), Ask::Call("a", 1), Ask::Wait(10), Ask::Call("a", 1)];
    let faults = [
        "vault, put, a, try 1: outage 5s",
        "vault, put, a, try 2: ack-lost",
        "vault, put, a, try 3: error-with-effect",
    ];
    let told = met_or_not(&asks, &faults);
    let no = Heard::Call(Err(refused(Definite::Unavailable)));
    assert_eq!(told.heard, [no.clone(), no, Heard::Call(Err(unclear(Indefinite::Failed)))]);
    assert!(told.run.outcome.pinned.iter().all(|pinned| pinned.met));
    assert_eq!(told.run.outcome.fired.len(), 2);
}

/// A model is asked the same thing five times.
#[test]
fn a_model_answers_the_same_unless_a_fault_strikes() {
    static THINKER: Workflow = Workflow {
        name: "thinker",
        singles: &["thinker"],
        assemble: |case, world| {
            let briefing = Briefing::new(case, None);
            briefing.hire(world, Name::new(USER), |_, _| Box::pin(std::future::pending()));
            briefing.hire(world, Name::new("thinker"), |agent, _| {
                Box::pin(async move {
                    for _ in 0..5 {
                        let choice = agent.think(Name::new("what"), 100, 4).await.choice;
                        HEARD.with_borrow_mut(|all| all.push(Heard::Choice(choice)));
                    }
                    agent.finish_after(SimSpan::ZERO);
                })
            });
        },
        ..CALLER
    };
    let text = TEXT.replace("\"caller\"", "\"thinker\"");
    let scenario = Scenario::parse_for(&[&THINKER], "thinker", &text).unwrap();
    for seed in 0..20 {
        let choices = |faults: &[Fault]| {
            let plan = Plan::Explicit(faults.into());
            Run::planned(&Case::as_written(&scenario), Engine::Native, Seed(seed), &plan);
            HEARD.take()
        };
        let usual = choices(&[]);
        assert!(usual.iter().all(|choice| *choice == usual[0]), "{usual:?}");
        let at = "thinker, answer, what, try 3".parse().unwrap();
        let once = choices(&[Fault { at, action: "different-answer".parse().unwrap() }]);
        for (nth, (choice, usual)) in once.iter().zip(&usual).enumerate() {
            assert_eq!(choice != usual, nth == 2, "seed {seed}, question {}", nth + 1);
        }
    }
}

/// Every lie and trouble at once, as often as not.
#[test]
fn the_lies_that_struck_given_back_as_a_list_make_the_same_history() {
    let faults = r#"
late-reply = { at = "vault", chance = "4%", by = "1s..20s" }
stale-read = { at = "vault", chance = "10%", by = "1s..1m" }
key-forgotten = { at = "vault", chance = "10%", after = "1s..1m" }
rate-limit = { at = "vault", chance = "4%", lasting = "1s..5s" }
outage = [
    { at = "vault", chance = "4%", lasting = "1s..5s" },
    { at = "vault", every = "10s..1m", lasting = "1s..10s" },
]
endpoint-moved = { at = "vault", chance = "3%", lasting = "1s..5s" }
permission-revoked = { at = "vault", every = "10s..1m", lasting = "1s..10s" }
schema-changed = { at = "vault", chance = "3%", lasting = "1s..5s" }
mute-for-ever = { at = "vault", chance = "0.5%" }
"#;
    let plain = [
        "ack-lost",
        "error-with-effect",
        "success-without-effect",
        "mute",
        "duplicate-effect",
        "key-ignored",
    ];
    let answers = [
        "wrong-reply",
        "wrong-value",
        "partial-result",
        "malformed-result",
        "injected-instruction",
        "oversize-result",
    ];
    let entry = |lie: &&str| format!("{lie} = {{ at = \"vault\", chance = \"5%\" }}\n");
    let text: String = [TEXT, faults]
        .into_iter()
        .map(str::to_owned)
        .chain(plain.iter().chain(&answers).map(entry))
        .collect();
    let scenario = Scenario::parse_for(&[&CALLER], "caller", &text).unwrap_or_else(|bad| panic!("{bad}"));
    let case = Case::as_written(&scenario);
    let keys = ["a", "b", "c", "d"];
    let asks: Vec<Ask> = (0..120)
        .flat_map(|nth| {
            let intent = keys[nth % 4];
            [Ask::Call(intent, nth as u64 % 4), Ask::Read(["x", "y"][nth % 2]), Ask::LookUp(intent)]
        })
        .collect();
    let mut struck = std::collections::BTreeSet::new();
    for seed in (0..40).map(Seed) {
        let run = |plan: &Plan| {
            ASKS.set(asks.clone());
            let run = Run::planned(&case, Engine::Native, seed, plan);
            (run.outcome, HEARD.take())
        };
        let (fuzzed, heard) = run(&Plan::Fuzz(Arc::clone(&scenario.chaos)));
        let (replayed, again) = run(&Plan::Explicit(fuzzed.fired.as_slice().into()));
        assert_eq!(first_difference(&fuzzed, &replayed), None, "seed {seed}");
        assert_eq!((fuzzed.digest(), heard), (replayed.digest(), again), "seed {seed}");
        struck.extend(fuzzed.fired.iter().map(|fault| fault.action.kind()));
    }
    let never: Vec<_> = scenario.fault_kinds.iter().filter(|kind| !struck.contains(kind)).collect();
    assert!(never.is_empty(), "{never:?} never struck");
}
