//! A file is not reverted to an earlier content.
//!
//! A repeated write that arrives after a newer one puts the older text over the newer: the newer text is
//! lost, although its writer was told that it was written. Judged on the contents of file tools, state by
//! state.

use crate::agent::{TeamEvent, kinds};
use crate::properties::{Property, StatesOverTime, TeamHistory, Verdict};
use crate::tools::Files;
use perfidy_sim::Event;
use std::collections::BTreeMap;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new("no-reverted-file", "no repeated write puts a file back to what it said before", judge)
        .needs(kinds::OPENED.and(kinds::EFFECT))
}

/// The contents of a file, one for each change.
type Texts<'a> = Vec<(&'a Event<TeamEvent>, String)>;

fn judge(history: &TeamHistory) -> Verdict {
    let mut verdict = Verdict::Vacuous;
    for tool in history.tools_of::<Files>() {
        let mut texts: BTreeMap<String, Texts<'_>> = BTreeMap::new();
        for (event, disk) in history.states::<Files>(tool.as_str()).iter() {
            for (path, file) in disk.files() {
                let Some(text) = &file.content else { continue };
                let said = texts.entry(path.clone()).or_default();
                let is_news = said.last().is_none_or(|(_, last)| last != text);
                if !is_news {
                    continue;
                }
                if let Some((first, _)) = said.iter().find(|(_, earlier)| earlier == text) {
                    let (newer, lost) = said.last().expect("it said something before");
                    let message = format!(
                        "{path} on {tool} says {text:?} again, written over {lost:?}, which is newer"
                    );
                    return Verdict::violated(&[first, newer, event], message);
                }
                said.push((event, text.clone()));
                if said.len() > 1 {
                    verdict = Verdict::Holds;
                }
            }
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Content, Operation};
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::Name;
    use serde_json::json;

    fn writes(story: Story, task: &str) -> Story {
        let arguments = Content::of_json(json!({ "path": "plan.md", "content": task }));
        let intent = Name::new(&format!("{task}/write"));
        story.carries_out(&Operation::new(Name::new("disk"), Name::new("write"), intent).with(arguments))
    }

    fn disk() -> Story {
        Story::default().opens("disk", Files::default())
    }

    #[test]
    fn a_text_after_another_is_news() {
        let story = writes(writes(disk(), "task-1"), "task-2");
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn the_same_text_twice_in_a_row_loses_nothing() {
        let story = writes(writes(writes(disk(), "task-1"), "task-1"), "task-2");
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn an_older_text_over_a_newer_one_is_a_lost_write() {
        let story = writes(writes(writes(disk(), "task-1"), "task-2"), "task-1");
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 3, 4]);
        assert_eq!(message, r#"plan.md on disk says "task-1" again, written over "task-2", which is newer"#);
    }

    #[test]
    fn one_write_is_nothing_to_judge() {
        assert_eq!(writes(disk(), "task-1").judged_by(&property()), Verdict::Vacuous);
    }
}
