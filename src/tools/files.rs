//! Files: text under paths, each with a version that grows with every write.
//!
//! A write can have a precondition, the version that its author goes by, in its arguments or as the header of
//! that name (`If-Match` in HTTP): it is declined if the file has another by then.

use super::{Asked, Tool, ToolContext, ToolKind};
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

    fn put(&mut self, path: String, content: Option<String>) -> FileReply {
        let file = Stored { version: self.version(&path) + 1, content };
        self.files.insert(path, file.clone());
        FileReply::File(file)
    }

    fn look(&self, call: FileCall) -> Result<FileReply, FileRefusal> {
        match call {
            FileCall::Read { path } | FileCall::Write { path, .. } | FileCall::Remove { path, .. } => {
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

    fn apply(&mut self, call: FileCall, asked: &Asked) -> Result<FileReply, FileRefusal> {
        match call {
            FileCall::Write { path, content, precondition } => {
                let wanted = precondition.or(asked.headers.precondition.map(|version| version.0));
                match self.version(&path) {
                    version if wanted.is_some_and(|wanted| wanted != version) => {
                        Err(FileRefusal::Changed { path, version })
                    }
                    _ => Ok(self.put(path, Some(content))),
                }
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
        "text under paths: write { path, content, precondition? }, remove { path }, read { path }, list",
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
        let asked = Asked { by: Name::new("executor-1"), at: SimTime::ZERO, headers };
        let (path, content) = ("plan.md".to_owned(), content.to_owned());
        files.apply(FileCall::Write { path, content, precondition }, &asked).is_ok()
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
