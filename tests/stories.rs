//! The story of a failure, and the table of a campaign, as printed.

use perfidy::agent::{Agent, Message, Outcome, Report};
use perfidy::explore::{Campaign, CaseReport, Collect, Failure, Run, SavedSeed, Watchdog, shrink};
use perfidy::inert::is_active;
use perfidy::report::{Counterpart, Picture, Story, Theme, table};
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::workflows::Workflow;
use perfidy::workflows::user::{USER, UserMessage};
use perfidy_sim::{Engine, Interrupt, Name, Seed, SimSpan};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

fn campaign(case: &Case, seeds: u64) -> CaseReport {
    let (interrupted, watchdog) = (Interrupt::default(), Watchdog::new());
    let (engine, first_seed) = (Engine::Native, Seed(0));
    Campaign {
        engine,
        first_seed,
        seeds,
        collect: Collect::NONE,
        interrupted: &interrupted,
        watchdog: &watchdog,
    }
    .run(case)
}

/// The story of the first failure of a property, shrunk, without colours.
fn story(case: &Case, property: &str) -> String {
    let seed = campaign(case, 300).finding(property).expect("it breaks within 300 seeds").seed;
    let faults = Run::fuzzed(case, Engine::Native, seed).outcome.injected;
    let minimal =
        shrink(case, Engine::Native, seed, property, &faults).expect("it breaks again when replayed");
    let saved = SavedSeed::new(Engine::Native, seed, property, &minimal);
    let story =
        Story::new(&minimal.case, &saved, &minimal.run, Some("seeds/it.toml".to_owned())).expect("it broke");
    story.to_string()
}

fn lost_ack(label: &str) -> Case {
    let (file, root) = (Path::new("scenarios/conductor/lost-ack.toml"), Path::new("scenarios"));
    let scenario =
        Scenario::read(&Suite::shipped(), file, root).unwrap_or_else(|problems| panic!("{problems}"));
    Case::labelled(&scenario, label).unwrap()
}

#[test]
fn the_story_of_a_ticket_filed_twice() {
    insta::assert_snapshot!(story(&lost_ack("without idempotency-keys"), "no-duplicate-effects"));
}

/// A team of one agent that panics when it gets the same task twice.
fn fragile() -> Workflow {
    Workflow::new("fragile")
        .about("one agent that expects the world to be as it should")
        .agent("intern", |agent: Agent| async move {
            let mut tasks = Vec::new();
            loop {
                let task = agent.receive().await.about();
                agent.sleep(SimSpan::from_millis(100)).await;
                assert!(!tasks.contains(&task), "no instruction for what to do if {task} comes twice");
                tasks.push(task);
                agent.send(Name::new(USER), task, UserMessage::Report(Report::of(task, Outcome::Failed)));
            }
        })
        .properties(&["well-behaved"])
}

#[test]
fn the_story_of_an_agent_that_panics() {
    let text = "# A message that comes twice.\nworkflow = \"fragile\"\n\n[[step]]\nname = \"file\"\n\
                tool = \"ticketing.create\"\n\n[tools.ticketing]\n\n[faults]\n\
                duplicate = { chance = \"10%\", after = \"1s..5s\" }\n";
    let scenario = Scenario::parse(&Suite::shipped().workflow(fragile()), "own/fragile", text).unwrap();
    insta::assert_snapshot!(story(&Case::as_written(&scenario), "well-behaved"));
}

/// Text that would run or change a page, if it were put into one as it is.
const MARKUP: [&str; 6] = [
    "<script>globalThis.ran = 1</script>",
    "</script><script>globalThis.ran = 2</script>",
    "\"><img src=x onerror=\"globalThis.ran = 3\">",
    "'><svg onload='globalThis.ran = 4'>",
    "<!--<script>",
    "&lt;b&gt;\u{202e}javascript:alert(1)",
];

/// A message of markup, in every part of it.
#[derive(Hash, Debug, serde::Serialize, serde::Deserialize)]
struct Marked(BTreeMap<String, String>);

impl Message for Marked {
    fn kind(&self) -> &'static str {
        MARKUP[0]
    }
}

/// A team whose every word is markup.
fn marked() -> Workflow {
    Workflow::new("marked")
        .about("an agent that says markup")
        .agent("intern", |agent: Agent| async move {
            let task = agent.receive().await.about();
            for text in MARKUP {
                let content = MARKUP.iter().map(|value| ((*value).to_owned(), text.to_owned())).collect();
                let about = Name::new(&format!("{task}/{text}"));
                agent.announce(about, Marked(content));
                let content = MARKUP.iter().map(|value| (text.to_owned(), (*value).to_owned())).collect();
                agent.send(Name::new("colleague"), about, Marked(content));
                let content = MARKUP.iter().map(|value| (text.to_owned(), (*value).to_owned())).collect();
                agent.send(Name::new(text), about, Marked(content));
                agent.sleep(SimSpan::from_secs(3)).await;
            }
            panic!("{}", MARKUP.concat());
        })
        .agent("colleague", |agent: Agent| async move {
            loop {
                let about = agent.receive().await.about();
                agent.write(Marked(BTreeMap::from([(about.to_string(), MARKUP.concat())]))).ok();
            }
        })
        .properties(&["well-behaved"])
}

#[test]
fn no_markup_or_script_of_a_run_is_markup_or_script_of_its_page() {
    let text = "# <script>globalThis.ran = 5</script>\nworkflow = \"marked\"\n\n[[step]]\nname = \"file\"\n\
                tool = \"ticketing.create\"\n\n[tools.ticketing]\n\n[faults]\n\
                duplicate = { chance = \"30%\", after = \"1s..5s\" }\n";
    let suite = Suite::shipped().workflow(marked());
    let scenario = Scenario::parse(&suite, "own/marked", text).unwrap();
    let case = Case::as_written(&scenario);
    let run = Run::fuzzed(&case, Engine::Native, Seed(3));
    assert!(run.violation("well-behaved").is_some());
    let counterpart = Counterpart::of(&case, Engine::Native, Seed(3), &run.outcome.injected);
    let picture = Picture::of_run(&case, Engine::Native, Seed(3), &run)
        .again("perfidy report '<script>globalThis.ran = 6</script>'")
        .beside(counterpart.as_ref());
    let page = picture.to_page();
    // The browser test opens it.
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("markup.html"), &page).unwrap();
    let count = |what: &str| page.matches(what).count();
    assert_eq!((count("<script"), count("</script")), (2, 2), "its own, and the details");
    for tag in ["<img", "<svg onload", "<!--", "<b>\u{202e}"] {
        assert_eq!(count(tag), 0, "{tag}");
    }
    assert!(!page.contains(|c| is_active(c) && c != '\n'));
    assert!(count("&lt;script&gt;globalThis.ran = 1&lt;/script&gt;") > 5);
    assert!(count("\\u003cscript\\u003eglobalThis.ran = 1") > 5, "in the details");
    for drawn in
        [picture.to_svg(Theme::Auto), picture.to_mermaid(), picture.to_terminal(), picture.to_shiviz()]
    {
        assert!(!drawn.contains(|c| is_active(c) && c != '\n'));
    }
    assert!(!picture.to_svg(Theme::Auto).contains("<script"));
}

#[test]
fn a_campaign_is_a_table_with_a_row_for_each_case() {
    let labels = ["as written", "without idempotency-keys", "without tool-dedupe"];
    let rows: Vec<_> = labels.map(lost_ack).iter().map(|case| campaign(case, 100)).collect();
    let rows: Vec<_> = rows.into_iter().map(|report| (report, Duration::from_millis(10))).collect();
    insta::assert_snapshot!(table(&rows));
}

/// A team of one agent that panics with every active character in its message.
fn loud() -> Workflow {
    Workflow::new("loud")
        .about("one agent that does not last long")
        .agent("intern", |agent: Agent| async move {
            let about = agent.receive().await.about();
            let all: String = ('\0'..=char::MAX).filter(|c| is_active(*c)).collect();
            agent.send(
                Name::new(&format!("in{all}tern")),
                about,
                UserMessage::Report(Report::of(about, Outcome::Failed)),
            );
            panic!("{all}");
        })
        .properties(&["well-behaved"])
}

#[test]
fn what_agents_say_is_inert_in_stories_and_saved_failures() {
    let text = "# It says what it likes.\nworkflow = \"loud\"\n\n[[step]]\nname = \"file\"\n\
                tool = \"ticketing.create\"\n\n[tools.ticketing]\n";
    let case =
        Case::as_written(&Scenario::parse(&Suite::shipped().workflow(loud()), "own/loud", text).unwrap());
    let minimal = shrink(&case, Engine::Native, Seed(0), "well-behaved", &[]).unwrap();
    let saved = SavedSeed::new(Engine::Native, Seed(0), "well-behaved", &minimal);
    let story =
        Story::new(&minimal.case, &saved, &minimal.run, Some("seeds/\u{202e}.toml".to_owned())).unwrap();
    let file = saved.to_toml(Path::new("seeds/it.toml"));
    for text in [story.to_string(), story.styled().to_plain(), file.clone()] {
        assert!(text.contains(r"\u{9b}") && text.contains(r"\u{2028}"), "{text}");
        assert!(!text.contains(|c| is_active(c) && c != '\n'), "{text:?}");
    }
    assert_eq!(SavedSeed::parse("seeds/it.toml", &file).unwrap().message, saved.message);
    // The comment of a rewritten file is escaped as well.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.toml");
    fs::write(&path, &file).unwrap();
    Failure::read(&Suite::shipped().workflow(loud()), &path).unwrap().refresh(&minimal.run).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), file);
    // Colours and line breaks of an agent are escaped as well.
    assert!(story.styled().as_ansi().contains(r"\u{1b}"));
}
