//! The cost of an event as the work grows: runs of every workflow with more and more tasks, agents and steps,
//! each table along one of these. All tasks come at once, which is the hardest case. Runs and verdicts are
//! timed separately; the ratio is of both together, relative to the smallest size of the row. A run that
//! reaches the maximum number of events ends there, and the cost per event until then counts; such numbers
//! are marked with `+`. No property may be violated.
//!
//! ```text
//! cargo bench --bench scaling                      # everything
//! cargo bench --bench scaling -- tasks conductor   # one axis, one workflow
//! cargo bench --bench scaling -- 10 1000           # these sizes
//! cargo test --bench scaling                       # the two smallest sizes, each once, to see that it works
//! ```

use cpu_time::ThreadTime;
use perfidy::properties::{self, Verdict};
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::workflows::Workflow;
use perfidy_sim::{Engine, Plan, RunEnd, Seed};
use std::env;
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// Small runs are repeated for this long.
const AT_LEAST: Duration = Duration::from_millis(200);

/// How large the work is.
#[derive(Clone, Copy)]
struct Size {
    tasks: u32,
    agents: u32,
    steps: u32,
}

/// The size of the dimensions that do not grow.
const USUAL: Size = Size { tasks: 10, agents: 3, steps: 3 };

/// A dimension in which work can grow.
struct Axis {
    name: &'static str,
    sizes: &'static [u32],
    size: fn(u32) -> Size,
}

const AXES: [Axis; 3] = [
    Axis { name: "tasks", sizes: &[10, 100, 1_000, 10_000], size: |tasks| Size { tasks, ..USUAL } },
    Axis { name: "agents", sizes: &[1, 10, 100, 1_000], size: |agents| Size { agents, ..USUAL } },
    Axis { name: "steps", sizes: &[1, 10, 100, 1_000], size: |steps| Size { steps, ..USUAL } },
];

/// The safeguards that a team needs, and the other settings of its file.
fn particulars(workflow: &str) -> &'static str {
    match workflow {
        "cascade" => {
            "checkpoint = true\nend-to-end-check = true\nevent-log = true\nidempotency-keys = true\n\
             payload-limit = { tokens = 4000 }\ntool-dedupe = true\n"
        }
        "chain" => {
            "carry-request = true\ncheckpoint = true\nevent-log = true\nidempotency-keys = true\n\
             inbox-dedupe = true\npaired-results = true\nreset-between-tasks = true\n\
             resume-from-results = true\ntool-dedupe = true\ntransfer-acks = true\n"
        }
        "commit" => {
            "cooperative-termination = true\ndurable-decision = true\ndurable-vote = true\n\
             idempotency-keys = true\ntool-dedupe = true\n"
        }
        "conductor" => {
            "checkpoint = true\nidempotency-keys = true\nintent-keys = true\npersist-before-call = true\n\
             tool-dedupe = true\nverify = true\n"
        }
        "evaluator-optimizer" => {
            "checkpoint = true\nevent-log = true\nidempotency-keys = true\ntool-dedupe = true\n"
        }
        "handoff" => {
            "budgets = { hops = 8, turns = 24, tokens = 40000 }\ncheckpoint = true\nidempotency-keys = true\ntool-dedupe = true\ntransfer-acks = true\n"
        }
        "hierarchy" => {
            "acknowledged-cancel = true\ncancellation = true\ncheckpoint = true\ncompensate = true\n\
             idempotency-keys = true\nobserve-before-retry = true\nparent-lease = { lease = \"10s\" }\n\
             tool-dedupe = true\n"
        }
        "peers" => {
            "claim-by-lease = { lease = \"15s\" }\nconsistent-reads = true\nidempotency-keys = true\n\
             observe-before-retry = true\nplan-commit = true\ntool-dedupe = true\n\
             [store]\nreplicas = 3\nlag = \"10ms..1s\"\nreads = \"sequential\"\n"
        }
        "pipeline" => {
            "checkpoint = true\ncite-artifacts = true\nidempotency-keys = true\nreply-dedupe = true\n\
             tool-dedupe = true\nversion-check = true\n"
        }
        "research" => "join = \"flagged-partial\"\nsnapshots = { max-age = \"45s\" }\n",
        "roundtable" => {
            "checkpoint = true\ndeadlock-detection = true\nidempotency-keys = true\n\
             observe-before-retry = true\ntool-dedupe = true\n"
        }
        "review" => {
            "bounded-queue = { capacity = 8 }\ncheckpoint = true\nfile-ownership = true\n\
             idempotency-keys = true\nmerge-queue = true\npersist-before-call = true\ntool-dedupe = true\n"
        }
        "router" => {
            "checkpoint = true\nevent-log = true\nidempotency-keys = true\nroute-check = true\n\
             tool-dedupe = true\n"
        }
        "saga-choreographed" => {
            "compensate = true\ndead-letter = true\nidempotency-keys = true\ninbox-dedupe = true\n\
             outbox = true\ntool-dedupe = true\n"
        }
        "saga-orchestrated" => {
            "compensate = true\ndead-letter = true\nidempotency-keys = true\nsaga-log = true\n\
             tool-dedupe = true\n"
        }
        "scheduled" => {
            "catch-up = true\ncheckpoint = true\nclaim-by-lease = { lease = \"15s\" }\n\
             election = { lease = \"10s\" }\nidempotency-keys = true\ninbox-dedupe = true\ntick-claim = true\n\
             tool-dedupe = true\n"
        }
        "scratchpad" => {
            "append-only = true\nconsistent-reads = true\nidempotency-keys = true\n\
             observe-before-retry = true\ntool-dedupe = true\n\
             [store]\nreplicas = 3\nlag = \"10ms..1s\"\nreads = \"sequential\"\n"
        }
        "standby" => {
            "checkpoint = true\nelection = { lease = \"10s\" }\nfencing-tokens = true\n\
             idempotency-keys = true\nobserve-before-retry = true\ntool-dedupe = true\n"
        }
        "solo" => {
            "checkpoint = true\nevent-log = true\nidempotency-keys = true\nintent-keys = true\n\
             persist-before-call = true\ntool-dedupe = true\nverify = true\n"
        }
        "vote" => "event-log = true\n",
        "tool-loop" => {
            "checkpoint = true\nevent-log = true\nidempotency-keys = true\npaired-results = true\n\
             reset-between-tasks = true\nresume-from-results = true\ntool-dedupe = true\n"
        }
        "supervisor" => {
            "checkpoint = true\nevent-log = true\nidempotency-keys = true\ninbox-dedupe = true\nintent-keys = true\n\
             paired-results = true\nreset-between-tasks = true\nresume-from-results = true\ntool-dedupe = true\n"
        }
        other => panic!("nothing is known of {other}"),
    }
}

/// A team of that size, with that much work and a few faults.
fn scenario(workflow: &Workflow, size: Size) -> Arc<Scenario> {
    let reads = matches!(workflow.name, "research" | "vote");
    let undoes = workflow.properties.contains(&properties::ALL_OR_COMPENSATED);
    // A cascade files what its first step reads.
    let files = workflow.name == "cascade";
    let mut text = format!(
        "# Much work at once.\nworkflow = \"{}\"\n[tasks]\ncount = {}\nevery = \"0s..0s\"\n\
         [tools.office]\n{}deduplicates = {}\n[faults]\nuntil = \"10m\"\ndelay = {{ chance = \"1%\", by = \"1s..10s\" }}\n",
        workflow.name,
        size.tasks,
        if files { "kind = \"files\"\n" } else { "" },
        !reads
    );
    if reads {
        text += "no-response = { at = \"office\", chance = \"1%\" }\n";
    } else {
        text += "ack-lost = { at = \"office\", chance = \"1%\" }\n";
    }
    if !workflow.roles.is_empty() {
        text += "[team]\n";
    }
    for role in &workflow.roles {
        let count = size.agents.clamp(*role.count.start(), *role.count.end());
        writeln!(text, "{} = {count}", role.group).expect("a text takes any text");
    }
    text += "[safeguards]\nretry = { attempts = 4, backoff = \"1s..20s\" }\n";
    text += particulars(workflow.name);
    if files {
        text += "[tools.library]\nkind = \"sources\"\n";
    }
    let steps = if files { size.steps.max(2) } else { size.steps };
    for step in 0..steps {
        let tool = if files && step == 0 { "library" } else { "office" };
        let call = if files && step > 0 { "write" } else { "do" };
        writeln!(text, "[[step]]\nname = \"step-{step}\"\ntool = \"{tool}.{call}\"")
            .expect("a text takes any text");
        if files && step > 0 {
            writeln!(text, "args = {{ path = \"{{task}}-{step}\", content = \"\" }}")
                .expect("a text takes any text");
        }
        // A transaction and a review take their steps at once.
        if step > 0 && !matches!(workflow.name, "commit" | "review") {
            writeln!(text, "needs = \"step-{}\"", (step - 1) / 2).expect("a text takes any text");
        }
        if undoes {
            text += "undo = \"office.undo\"\n";
        }
    }
    if workflow.safeguards.contains(&"compaction") {
        text += "[model]\ncontext-window = 1_000_000\n";
    }
    if workflow.properties.contains(&"within-context-budget") {
        text += "[properties]\nwithin-context-budget = { tokens = 1_000_000 }\n";
    }
    let name = format!("scaling/{}", workflow.name);
    Scenario::parse(&Suite::shipped(), &name, &text).unwrap_or_else(|problems| panic!("{text}\n{problems}"))
}

/// The cost of runs of one size.
struct Cost {
    events: usize,
    was_cut_short: bool,
    running: f64,
    judging: f64,
}

impl Cost {
    fn of_both(&self) -> f64 {
        self.running + self.judging
    }
}

fn cost(case: &Case, is_quick: bool) -> Cost {
    let (mut events, mut running, mut judging) = (0, Duration::ZERO, Duration::ZERO);
    let mut was_cut_short = false;
    let mut runs = 0;
    // A campaign makes many runs: the first one, for which the process gets its memory, is not counted.
    if !is_quick {
        let plan = Plan::Fuzz(Arc::clone(&case.scenario.chaos));
        black_box(Engine::Native.run(|| case.world(Seed(0), plan)));
    }
    while runs == 0 || (!is_quick && running + judging < AT_LEAST) {
        let began = ThreadTime::now();
        let plan = Plan::Fuzz(Arc::clone(&case.scenario.chaos));
        let outcome = Engine::Native.run(|| case.world(Seed(runs), plan));
        let ran = ThreadTime::now();
        for property in case.scenario.suite.properties() {
            let verdict = black_box(property.judge(&outcome.history));
            if let Verdict::Violated(violation) = verdict {
                panic!("{case}, seed {runs}: {}: {}", property.name, violation.message);
            }
        }
        judging += ran.elapsed();
        running += ran.duration_since(began);
        events += outcome.history.len();
        was_cut_short |= outcome.stop == RunEnd::TooManyEvents;
        runs += 1;
    }
    let each = |time: Duration| time.as_nanos() as f64 / events as f64;
    Cost { events: events / runs as usize, was_cut_short, running: each(running), judging: each(judging) }
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let is_chosen = |name: &str, among: &[&str]| {
        let chosen: Vec<_> = arguments.iter().filter(|argument| among.contains(&argument.as_str())).collect();
        chosen.is_empty() || chosen.iter().any(|chosen| *chosen == name)
    };
    let suite = Suite::shipped();
    let workflows: Vec<&str> = suite.workflows().map(|workflow| workflow.name).collect();
    for axis in AXES.iter().filter(|axis| is_chosen(axis.name, &AXES.each_ref().map(|axis| axis.name))) {
        println!("\n| workflow | {} | events | ns to run | ns to judge | ratio |", axis.name);
        println!("|---|--:|--:|--:|--:|--:|");
        for workflow in suite.workflows().filter(|workflow| is_chosen(workflow.name, &workflows)) {
            if axis.name != "agents" || !workflow.roles.is_empty() {
                rows(workflow, axis, &sizes(axis, &arguments), !is_measured(&arguments));
            }
        }
    }
}

/// The requested sizes, or all of them; only the smallest if it is not a bench.
fn sizes(axis: &Axis, arguments: &[String]) -> Vec<u32> {
    let asked: Vec<u32> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let mut sizes = axis.sizes.to_vec();
    if !is_measured(arguments) {
        sizes.truncate(2);
    }
    sizes.retain(|size| asked.is_empty() || asked.contains(size));
    sizes
}

/// `cargo bench` passes `--bench`, `cargo test` does not.
fn is_measured(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| argument == "--bench")
}

fn rows(workflow: &Workflow, axis: &Axis, sizes: &[u32], is_quick: bool) {
    let mut smallest = None;
    for size in sizes {
        let cost = cost(&Case::as_written(&scenario(workflow, (axis.size)(*size))), is_quick);
        let ratio = cost.of_both() / *smallest.get_or_insert(cost.of_both());
        let more = if cost.was_cut_short { "+" } else { "" };
        println!(
            "| {} | {size} | {}{more} | {:.0} | {:.0} | {ratio:.2} |",
            workflow.name, cost.events, cost.running, cost.judging
        );
    }
}
