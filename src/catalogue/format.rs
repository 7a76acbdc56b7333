//! The tables of a scenario file and what their keys mean: for the [schema](crate::schema), for `list` and
//! for `explain`.
//!
//! Which keys there are and what each can be follows from the code that reads them; here is only what they
//! mean, and a test compares the two.

use crate::scenario::Scenario;

/// A table of a scenario file.
pub(crate) struct FileTable {
    /// Its key.
    pub name: &'static str,
    /// How a file begins it.
    pub heading: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    /// Its keys and their meanings, those of a table in it after a dot. The keys of faults, safeguards and
    /// tools are their own.
    pub keys: &'static [(&'static str, &'static str)],
    /// A line of it, without the heading.
    pub example: &'static str,
}

/// The tables, by name.
pub(crate) const TABLES: &[FileTable] = &[
    FileTable {
        name: "agents",
        heading: "[agents.NAME]",
        about: "a program in the place of an agent's code, in virtual time",
        keys: &[(
            "run",
            "the command, as one text or a list of its words: an interpreter (of Python, or Node), a script, its arguments",
        )],
        example: "run = \"python my_agent.py\"",
    },
    FileTable {
        name: "fault",
        heading: "[[fault]]",
        about: "a fault at one place of a run, word for word",
        keys: &[
            ("at", "where: the address that stories show, `site, id, try n`"),
            ("do", "what is injected there, as stories show it: `drop`, `delay 3s`, `crash, back after 5s`"),
        ],
        example: "at = \"ticketing > executor-1, reply to create, task-2/file-ticket, try 1\"\n    do = \"drop\"",
    },
    FileTable {
        name: "faults",
        heading: "[faults]",
        about: "what goes wrong by chance or by the clock, until `until`",
        keys: &[("until", "when the faults end and the world heals; 10m if nothing is said")],
        example: "until = \"5m\"\n    drop = { between = [\"coordinator\", \"executors\"], chance = \"2%\" }",
    },
    FileTable {
        name: "limits",
        heading: "[limits]",
        about: "how large a run may get",
        keys: &[("events", "how many events a run may have; what is cut short there is unknown")],
        example: "events = 50_000_000",
    },
    FileTable {
        name: "model",
        heading: "[model]",
        about: "how models answer",
        keys: &[
            ("context-window", "how many tokens fit into a chat model's context; 128000 if nothing is said"),
            (
                "latency",
                "how long a model takes to complete a prompt, or a chat model to its first token, of which one in ten takes \
                 up to twenty times as long; 200ms..2s if nothing is said",
            ),
            (
                "parallel-tool-calls",
                "whether one reply of a chat model can have several tool calls; it can if nothing is said",
            ),
        ],
        example: "latency = \"200ms..2s\"",
    },
    FileTable {
        name: "network",
        heading: "[network]",
        about: "how long messages take",
        keys: &[
            ("latency", "how long a message takes, drawn anew each time; 1ms..20ms if nothing is said"),
            ("link", "links with a latency of their own; of two for one link the later counts"),
            ("link.between", "the two ends, each an agent, a group or a tool"),
            ("link.latency", "how long a message takes there"),
        ],
        example: "latency = \"1ms..20ms\"\n    link = [{ between = [\"user\", \"coordinator\"], latency = \"300ms\" }]",
    },
    FileTable {
        name: "properties",
        heading: "[properties]",
        about: "properties that are waived, with the reason, and how far others may go",
        keys: &[],
        example: "no-duplicate-effects = { waive = \"the tool cannot recognise a retry\" }",
    },
    FileTable {
        name: "safeguards",
        heading: "[safeguards]",
        about: "the safeguards of the team that are on",
        keys: &[],
        example: "idempotency-keys = true",
    },
    FileTable {
        name: "service-level",
        heading: "[[service-level]]",
        about: "what the team promises of a share of its runs",
        keys: &[
            ("at-least", "the share of runs that must keep the promise"),
            (
                "completes-within",
                "every task is reported as done in that time, counted from when it was given",
            ),
            ("confidence", "how sure the answer must be; 95% if nothing is said"),
            ("property", "the property that these runs must keep; the others may break it"),
        ],
        example: "completes-within = \"10m\"\n    at-least = \"99%\"",
    },
    FileTable {
        name: "settle",
        heading: "[settle]",
        about: "how long the team has after the end of the faults",
        keys: &[(
            "within",
            "the time from the end of the faults, or from the last task if that is later, to the end of all tasks; \
             15m if nothing is said, or 5s for each step of each agent if that is longer",
        )],
        example: "within = \"15m\"",
    },
    FileTable {
        name: "step",
        heading: "[[step]]",
        about: "a step of each task: what a tool is asked to do",
        keys: &[
            ("args", "the arguments of the call; `{task}` in a text stands for the task"),
            ("evidence", "the source and the item that it rests on: `filings.revenue`"),
            ("guarded", "whether a guardrail must check it"),
            ("irreversible", "whether nothing undoes it; only the last step of a saga can be so"),
            ("name", "its name, which with that of the task is the intent: `task-1/file-ticket`"),
            ("needs", "the steps that must be done before it"),
            ("tool", "the tool and its operation: `ticketing.create`"),
            ("undo", "the tool and the operation that undo it, if the task fails"),
        ],
        example: "name = \"file-ticket\"\n    tool = \"ticketing.create\"",
    },
    FileTable {
        name: "store",
        heading: "[store]",
        about: "the store that the team shares",
        keys: &[
            (
                "lag",
                "how far each replica lags behind, drawn anew for each write; 10ms..2s if nothing is said",
            ),
            (
                "reads",
                "the consistency that readers rely on: `linearizable`, `sequential`, `monotonic`, or `eventual` if nothing is said",
            ),
            ("replicas", "how many replicas answer reads; none if nothing is said"),
        ],
        example: "replicas = 3\n    reads = \"monotonic\"",
    },
    FileTable {
        name: "tasks",
        heading: "[tasks]",
        about: "the tasks that the user hands to the team",
        keys: &[
            ("cancelled", "whether the user cancels some"),
            ("cancelled.after", "how long after a task it is cancelled, drawn anew each time"),
            ("cancelled.chance", "how likely a task is cancelled"),
            ("count", "how many; 3 if nothing is said"),
            ("every", "the time from one to the next, drawn anew each time; 0s..5s if nothing is said"),
            ("within", "the time that the team has for each task"),
        ],
        example: "count = 3\n    every = \"0s..5s\"",
    },
    FileTable {
        name: "team",
        heading: "[team]",
        about: "how many agents there are of each role",
        keys: &[],
        example: "executors = 3",
    },
    FileTable {
        name: "tools",
        heading: "[tools.NAME]",
        about: "the tools, by name",
        keys: &[],
        example: "kind = \"records\"\n    latency = \"50ms..2s\"",
    },
    FileTable {
        name: "without",
        heading: "[[without]]",
        about: "a case in which safeguards are taken away, and the properties that must break then",
        keys: &[
            ("safeguards", "the safeguards that are taken away, which the file turns on"),
            (
                "violates",
                "the property that must break then, by faults that the file names; of a list, each must",
            ),
            ("within-seeds", "after how many seeds at the latest; 300 if nothing is said"),
        ],
        example: "safeguards = [\"idempotency-keys\"]\n    violates = \"no-duplicate-effects\"",
    },
    FileTable {
        name: "workflow",
        heading: "workflow =",
        about: "the team that does the tasks",
        keys: &[],
        example: "\"conductor\"",
    },
];

impl FileTable {
    /// Whether a scenario has it.
    pub fn is_in(&self, scenario: &Scenario) -> bool {
        let heading = self.heading.replace(".NAME]", ".");
        let mut lines = scenario.text.lines();
        lines.any(|line| line.starts_with(&heading) || line.starts_with(&format!("{} = ", self.name)))
    }

    /// What a key of it means.
    pub fn meaning(&self, key: &str) -> Option<&'static str> {
        self.keys.iter().find(|(name, _)| *name == key).map(|(_, meaning)| *meaning)
    }
}

/// The table of that name.
pub(crate) fn table(name: &str) -> Option<&'static FileTable> {
    TABLES.iter().find(|table| table.name == name)
}

/// The keys that the code reads in each table that it reads as a whole, those of tables in it after a dot.
#[cfg(test)]
fn keys_read() -> std::collections::BTreeMap<&'static str, Vec<String>> {
    use crate::config::Shape;
    fn of(shape: &Shape, before: &str, keys: &mut Vec<String>) {
        match shape {
            Shape::Table { keys: all, .. } => {
                for key in all {
                    keys.push(format!("{before}{}", key.name));
                    of(&key.shape, &format!("{before}{}.", key.name), keys);
                }
            }
            Shape::List { of: one, .. } | Shape::OneOrMany(one) | Shape::Map(one) => of(one, before, keys),
            Shape::Bool
            | Shape::Integer { .. }
            | Shape::Number
            | Shape::Text { .. }
            | Shape::Word(_)
            | Shape::Any => {}
        }
    }
    let keys = |(name, shape): (&'static str, Shape)| {
        let mut keys = Vec::new();
        of(&shape, "", &mut keys);
        keys.sort_unstable();
        (name, keys)
    };
    crate::scenario::tables().into_iter().map(keys).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_read_has_a_meaning_and_every_meaning_a_key() {
        for (name, keys) in keys_read() {
            let meant: Vec<&str> = table(name).unwrap().keys.iter().map(|(key, _)| *key).collect();
            assert_eq!(keys, meant, "[{name}]");
        }
    }

    #[test]
    fn tables_are_listed_once_and_in_order() {
        assert!(TABLES.is_sorted_by(|one, next| one.name < next.name));
    }
}
