//! Lost edits of files: the part of `no-lost-update` that is judged on the contents of file tools.
//!
//! An edit asks a tool for one more line in a file, and can come with the whole text as its author made it.
//! Of that text, the line is what the author wanted; the rest is what it had read. So an edit that leaves out
//! the line of an earlier edit has overwritten what its author had not read, whatever was sent with it. To
//! write or remove a whole file is another thing: one who asks for that wants the rest to be gone.

use super::states::apply_again;
use crate::agent::{TeamEvent, ToolEvent, ToolRequest, kinds};
use crate::properties::{StatesOverTime, TeamHistory, Verdict};
use crate::tools::{FileEdit, Files};
use perfidy_sim::{Event, Name};
use std::collections::{BTreeMap, BTreeSet};

/// An edit whose line is in its file.
#[derive(Clone, Copy)]
struct Edit<'a> {
    event: &'a Event<TeamEvent>,
    intent: Name,
}

/// One tool with files, and the lines that edits have added to each.
struct EditedFiles<'a> {
    tool: Name,
    files: Files,
    lines: BTreeMap<String, BTreeMap<String, Edit<'a>>>,
    /// Whether there was an edit of a file that had the line of another one.
    is_shared: bool,
}

pub(super) fn judge(history: &TeamHistory) -> Verdict {
    let mut verdict = Verdict::Vacuous;
    for tool in history.tools_of::<Files>() {
        let mut edited =
            EditedFiles { tool, files: Files::default(), lines: BTreeMap::new(), is_shared: false };
        let of_tool = history.app_events_of(kinds::OPENED.and(kinds::EFFECT));
        for (event, note) in of_tool.filter(|(event, _)| event.node == tool) {
            match note {
                TeamEvent::Tool(ToolEvent::Opened { state }) => {
                    edited.files = state.open::<Files>().cloned().unwrap_or_default();
                }
                TeamEvent::Tool(ToolEvent::Effect { request, .. }) => {
                    if let Some(lost) = edited.take_in(event, request) {
                        return lost;
                    }
                }
                _ => {}
            }
        }
        if edited.is_shared {
            verdict = Verdict::Holds;
        }
    }
    verdict
}

impl<'a> EditedFiles<'a> {
    /// Takes in an effect; the verdict if it loses the line of an earlier edit.
    fn take_in(&mut self, event: &'a Event<TeamEvent>, request: &ToolRequest) -> Option<Verdict> {
        let operation = request.operation();
        let Some(edit) = FileEdit::of(operation) else {
            apply_again(&mut self.files, event, request);
            self.forget_what_is_gone();
            return None;
        };
        let before = self.files.text(&edit.path).to_owned();
        apply_again(&mut self.files, event, request);
        let after = self.files.text(&edit.path);
        let lines = self.lines.entry(edit.path.clone()).or_default();
        self.is_shared |= !lines.is_empty();
        let only_adds =
            after.strip_prefix(&before).is_some_and(|rest| rest.is_empty() || rest.starts_with('\n'));
        if !only_adds && let Some((line, earlier)) = first_missing(lines, after) {
            let (path, tool, intent) = (&edit.path, self.tool, operation.intent);
            let message = format!(
                "the edit of {path} on {tool} for {intent} removed {line:?}, which {} had added",
                earlier.intent
            );
            return Some(Verdict::violated(&[earlier.event, event], message));
        }
        lines.insert(edit.line, Edit { event, intent: operation.intent });
        None
    }

    /// Drops the lines that are not there any more since a file was written or removed as a whole.
    fn forget_what_is_gone(&mut self) {
        for (path, lines) in &mut self.lines {
            let there: BTreeSet<&str> = self.files.text(path).lines().collect();
            lines.retain(|line, _| line.lines().all(|part| there.contains(part)));
        }
    }
}

/// A line that a text does not have.
fn first_missing<'a, 'l>(lines: &'l BTreeMap<String, Edit<'a>>, text: &str) -> Option<(&'l str, Edit<'a>)> {
    let there: BTreeSet<&str> = text.lines().collect();
    let missing = lines.iter().find(|(line, _)| !line.lines().all(|part| there.contains(part)));
    missing.map(|(line, edit)| (line.as_str(), *edit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Content, Operation};
    use crate::properties::testing::{Story, violation};
    use serde_json::{Value, json};

    fn carries_out(story: Story, task: &str, operation: &str, arguments: Value) -> Story {
        let intent = Name::new(&format!("{task}/usage"));
        let operation = Operation::new(Name::new("repo"), Name::new(operation), intent);
        story.carries_out(&operation.with(Content::of_json(arguments)))
    }

    /// An edit that adds the name of its task, and the text that its author made.
    fn edits(story: Story, task: &str, content: &str) -> Story {
        carries_out(story, task, "edit", json!({ "path": "guide.md", "line": task, "content": content }))
    }

    fn one_edit() -> Story {
        edits(Story::default().opens("repo", Files::default()), "task-1", "task-1")
    }

    #[test]
    fn an_edit_of_what_its_author_had_read_loses_nothing() {
        assert_eq!(judge(&edits(one_edit(), "task-2", "task-1\ntask-2").history()), Verdict::Holds);
        assert_eq!(judge(&edits(one_edit(), "task-2", "task-2\ntask-1").history()), Verdict::Holds);
    }

    #[test]
    fn an_edit_without_the_line_of_an_earlier_one_has_lost_it() {
        let (events, message) = violation(judge(&edits(one_edit(), "task-2", "task-2").history()));
        assert_eq!(events, [2, 3]);
        assert_eq!(
            message,
            "the edit of guide.md on repo for task-2/usage removed \"task-1\", which task-1/usage had added"
        );
    }

    #[test]
    fn a_line_that_begins_another_one_is_not_that_line() {
        let story = edits(one_edit(), "task-2", "task-10\ntask-2");
        assert!(judge(&story.history()).is_violated());
    }

    #[test]
    fn an_edit_that_leaves_the_text_to_the_tool_loses_nothing() {
        let arguments = json!({ "path": "guide.md", "line": "task-2" });
        assert_eq!(judge(&carries_out(one_edit(), "task-2", "edit", arguments).history()), Verdict::Holds);
    }

    #[test]
    fn to_write_the_whole_file_is_to_want_the_rest_gone() {
        let story =
            carries_out(one_edit(), "task-2", "write", json!({ "path": "guide.md", "content": "new" }));
        assert_eq!(judge(&edits(story, "task-3", "new\ntask-3").history()), Verdict::Vacuous);
    }

    #[test]
    fn each_file_has_lines_of_its_own_and_one_edit_is_nothing_to_judge() {
        let arguments = json!({ "path": "faq.md", "line": "task-2", "content": "task-2" });
        assert_eq!(judge(&carries_out(one_edit(), "task-2", "edit", arguments).history()), Verdict::Vacuous);
        assert_eq!(judge(&Story::default().given("task-1").history()), Verdict::Vacuous);
    }

    #[test]
    fn an_edit_that_changes_nothing_loses_nothing() {
        let same = |story: Story| edits(story, "task-1", "task-1");
        assert_eq!(judge(&same(one_edit()).history()), Verdict::Holds);
        assert_eq!(judge(&same(same(one_edit())).history()), Verdict::Holds);
    }
}
