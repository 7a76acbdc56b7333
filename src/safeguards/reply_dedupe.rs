//! Reply deduplication: a question that was asked twice is answered twice, and only one answer counts.
//!
//! An agent that waits for answers keeps a list of the answered questions. A second answer to one of them
//! changes nothing, whether it is a copy of the first or a late answer to an earlier form of the question.

use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};
use perfidy_sim::Name;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// The switch.
#[derive(Default)]
pub struct ReplyDedupe;

impl Safeguard for ReplyDedupe {
    const NAME: &'static str = "reply-dedupe";
    const ABOUT: &'static str = "of several replies to one request, only the first is used";
    const EXAMPLE: &'static str = "reply-dedupe = true";
    const WITHOUT: &'static str = "every reply to a request is used, also a late or repeated one";
    const PROTECTS: &'static [&'static str] = &["no-duplicate-effects"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// The answered questions. Clones share the list.
#[derive(Clone, Default, Debug)]
pub struct AnsweredQuestions(Rc<RefCell<BTreeSet<Name>>>);

impl AnsweredQuestions {
    /// Accepts an answer to `question`; false if it has one.
    ///
    /// ```
    /// use perfidy::safeguards::reply_dedupe::AnsweredQuestions;
    /// use perfidy_sim::Name;
    /// let (answers, question) = (AnsweredQuestions::default(), Name::new("task-1/file"));
    /// assert!(answers.take(question));
    /// assert!(!answers.take(question));
    /// answers.discard(question);
    /// assert!(answers.take(question));
    /// ```
    pub fn take(&self, question: Name) -> bool {
        self.0.borrow_mut().insert(question)
    }

    /// The accepted answer was not valid; the question is open again.
    pub fn discard(&self, question: Name) {
        self.0.borrow_mut().remove(&question);
    }
}
