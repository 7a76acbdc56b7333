//! Files: text under paths, each with a version that grows with every write.
//!
//! A write or an edit can have a precondition, the version that its author goes by, in its arguments or as
//! the header of that name (`If-Match` in HTTP): it is declined if the file has another by then.

use super::{Caller, Tool, ToolContext, ToolKind};
use crate::agent::Operation;
use crate::config::Problem;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A tool with files.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize)]
pub struct Files {
    files: BTreeMap<String, Stored>,
}

/// A file as it is.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Stored {
    /// Which write it is of, counted from one.
    pub version: u64,
    /// What it says; `None` once it was removed.
    pub content: Option<String>,
}

/// What files can be asked.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FileCall {
    /// Puts a text where another was, or none.
    Write {
        /// Under which path.
        path: String,
        /// What it is to say.
        content: String,
        /// The version that it must have until then; 0 is that of a file that was never written.
        precondition: Option<u64>,
    },
    /// Adds a line to a file.
    Edit(FileEdit),
    /// Takes a file away. What else an undoing has as arguments makes no difference.
    Remove {
        /// Under which path.
        path: String,
        /// What it said.
        #[serde(default)]
        content: Option<String>,
    },
    /// What a file says; changes nothing.
    Read {
        /// Under which path.
        path: String,
    },
    /// Which files there are; changes nothing.
    List {},
}

/// A line that is to be in a file.
///
/// ```
/// use perfidy::agent::{Content, Operation};
/// use perfidy::tools::FileEdit;
/// use perfidy_sim::Name;
/// use serde_json::json;
///
/// let [repo, edit, intent] = ["repo", "edit", "task-1/usage"].map(Name::new);
/// let wanted = Content::of_json(json!({ "path": "guide.md", "line": "Run it." }));
/// let wanted = FileEdit::of(&Operation::new(repo, edit, intent).with(wanted)).unwrap();
/// assert_eq!(wanted.added_to("# Guide"), "# Guide\nRun it.");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEdit {
    /// Under which path.
    pub path: String,
    /// The line.
    pub line: String,
    /// The whole text, as the author of the edit made it of the text that it had read: it replaces what the
    /// file says. Without it the tool adds the line itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The version that the file must have until then; 0 is that of a file that was never written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precondition: Option<u64>,
}

impl FileEdit {
    /// The name of the operation.
    pub const OPERATION: &'static str = "edit";

    /// The edit that an operation is; `None` if it is another one.
    pub fn of(operation: &Operation) -> Option<Self> {
        let is_edit = operation.name.as_str() == Self::OPERATION;
        is_edit.then(|| operation.arguments.read().ok()).flatten()
    }

    /// A text with the line at its end.
    pub fn added_to(&self, text: &str) -> String {
        if text.is_empty() { self.line.clone() } else { format!("{text}\n{}", self.line) }
    }
}

/// What files answer.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FileReply {
    /// About one file: its version, and what it says.
    File(Stored),
    /// The paths of all files.
    Paths {
        /// In their order.
        paths: Vec<String>,
    },
}

/// Why files decline a call.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileRefusal {
    /// There is no such file.
    NoSuchFile {
        /// Under which path.
        path: String,
    },
    /// The file is no longer at the version of the precondition.
    Changed {
        /// Under which path.
        path: String,
        /// The version it has.
        version: u64,
    },
}

impl fmt::Display for FileRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchFile { path } => write!(f, "there is no file {path}"),
            Self::Changed { path, version } => write!(f, "{path} is at version {version} by now"),
        }
    }
}

impl Files {
    /// A file, if it was ever written.
    pub fn get(&self, path: &str) -> Option<&Stored> {
        self.files.get(path)
    }

    /// Every file that was ever written, by path.
    pub fn files(&self) -> &BTreeMap<String, Stored> {
        &self.files
    }

    fn version(&self, path: &str) -> u64 {
        self.files.get(path).map_or(0, |file| file.version)
    }

    /// What a file says; nothing if it is not there.
    pub fn text(&self, path: &str) -> &str {
        self.get(path).and_then(|file| file.content.as_deref()).unwrap_or_default()
    }

    fn put(&mut self, path: String, content: Option<String>) -> FileReply {
        let file = Stored { version: self.version(&path) + 1, content };
        self.files.insert(path, file.clone());
        FileReply::File(file)
    }

    /// Puts a text where another was, unless the file has another version than its author goes by.
    fn put_at(
        &mut self,
        precondition: Option<u64>,
        path: String,
        content: String,
    ) -> Result<FileReply, FileRefusal> {
        match self.version(&path) {
            version if precondition.is_some_and(|wanted| wanted != version) => {
                Err(FileRefusal::Changed { path, version })
            }
            _ => Ok(self.put(path, Some(content))),
        }
    }

    fn look(&self, call: FileCall) -> Result<FileReply, FileRefusal> {
        match call {
            FileCall::Read { path }
            | FileCall::Write { path, .. }
            | FileCall::Edit(FileEdit { path, .. })
            | FileCall::Remove { path, .. } => {
                let file = self.files.get(&path).filter(|file| file.content.is_some()).cloned();
                file.map(FileReply::File).ok_or(FileRefusal::NoSuchFile { path })
            }
            FileCall::List {} => {
                let there = self.files.iter().filter(|(_, file)| file.content.is_some());
                Ok(FileReply::Paths { paths: there.map(|(path, _)| path.clone()).collect() })
            }
        }
    }
}

impl Tool for Files {
    type Call = FileCall;
    type Reply = FileReply;
    type Refusal = FileRefusal;

    fn apply(&mut self, call: FileCall, asked: &Caller) -> Result<FileReply, FileRefusal> {
        let header = asked.headers.precondition.map(|version| version.0);
        match call {
            FileCall::Write { path, content, precondition } => {
                self.put_at(precondition.or(header), path, content)
            }
            FileCall::Edit(mut edit) => {
                let composed = edit.content.take().unwrap_or_else(|| edit.added_to(self.text(&edit.path)));
                self.put_at(edit.precondition.or(header), edit.path, composed)
            }
            FileCall::Remove { path, .. } => {
                if self.files.contains_key(&path) {
                    Ok(self.put(path, None))
                } else {
                    Err(FileRefusal::NoSuchFile { path })
                }
            }
            question @ (FileCall::Read { .. } | FileCall::List {}) => self.look(question),
        }
    }

    fn read(&self, call: FileCall, _: &ToolContext<'_>) -> Result<FileReply, FileRefusal> {
        self.look(call)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    files: BTreeMap<String, String>,
}

/// The kind, for the list.
pub(super) fn kind() -> ToolKind {
    ToolKind::new(
        "files",
        "text under paths: write { path, content, precondition? }, edit { path, line }, remove { path }, \
         read { path }, list",
        "disk = { kind = \"files\", files = { \"readme.md\" = \"hello\" } }",
        |table| -> Result<Files, Problem> {
            let Table { files } = table.read()?;
            let stored = |content| Stored { version: 1, content: Some(content) };
            let files = files.into_iter().map(|(path, content)| (path, stored(content))).collect();
            Ok(Files { files })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Headers, Version};
    use perfidy_sim::{Name, SimTime};

    fn write(files: &mut Files, content: &str, precondition: Option<u64>, header: Option<u64>) -> bool {
        let headers = Headers { precondition: header.map(Version), ..Headers::NONE };
        let asked = Caller { by: Name::new("executor-1"), at: SimTime::ZERO, headers };
        let (path, content) = ("plan.md".to_owned(), content.to_owned());
        files.apply(FileCall::Write { path, content, precondition }, &asked).is_ok()
    }

    fn edit(files: &mut Files, line: &str, content: Option<&str>, header: Option<u64>) -> bool {
        let headers = Headers { precondition: header.map(Version), ..Headers::NONE };
        let asked = Caller { by: Name::new("reviewer"), at: SimTime::ZERO, headers };
        let (path, line) = ("plan.md".to_owned(), line.to_owned());
        let edit = FileEdit { path, line, content: content.map(str::to_owned), precondition: None };
        files.apply(FileCall::Edit(edit), &asked).is_ok()
    }

    #[test]
    fn an_edit_adds_its_line_or_puts_what_its_author_made_in_place_of_the_file() {
        let mut files = Files::default();
        assert!(edit(&mut files, "a", None, None) && edit(&mut files, "b", None, Some(1)));
        assert_eq!(files.text("plan.md"), "a\nb");
        assert!(!edit(&mut files, "c", Some("a\nc"), Some(1)), "it was made of an earlier version");
        assert_eq!(files.text("plan.md"), "a\nb");
        assert!(edit(&mut files, "c", Some("a\nc"), None), "nothing was said of the version");
        assert_eq!(files.text("plan.md"), "a\nc");
    }

    #[test]
    fn a_write_goes_by_the_version_that_its_author_knows() {
        let mut files = Files::default();
        assert!(write(&mut files, "a", Some(0), None));
        assert!(!write(&mut files, "b", Some(0), None), "another has written meanwhile");
        assert!(!write(&mut files, "b", None, Some(7)));
        assert!(write(&mut files, "b", None, Some(1)));
        assert!(write(&mut files, "c", None, None));
        assert_eq!(files.get("plan.md"), Some(&Stored { version: 3, content: Some("c".to_owned()) }));
    }
}
