//! A restarted agent does not ask its model again for an answer that it had acted on.
//!
//! An answer that had led to no action before the crash may be asked for again: it cannot be distinguished
//! from one that never came. An action is a message about the question, or a tool call for it, with the
//! answer among its causes; of a chat model, one about a call that its reply asks for, or about the task if
//! it asks for none. What an agent does about the subject for another reason is no action on the answer.
//!
//! A model is asked the same again if its prompt is the same, or, of a chat model, the transcript of the same
//! attempt at the same task. Two prompts about one subject are two questions. What is read with a prompt is
//! known only by its length: in a team that reads changing sources, a rare run is accused wrongly.
//!
//! The second of two overlapping incarnations is not a restart. Teams that ask again for every try only pay
//! more, so this is judged only in cases that ask for it.

use crate::agent::{AgentEvent, Purpose, TeamEvent, Transcript, kinds};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKind, EventKinds, Lookup, Name};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "recovery-calls-no-model",
        "a restarted agent does not call its model again for a completion that it had acted on",
        Bound::of("again", AtMost::Count(0)),
        judge,
    )
    .needs(EventKinds::CRASHED)
}

/// What a model is asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Question {
    /// A question about this, with this hash of the prompt and the number of tokens that were read with it.
    About(Name, u64),
    /// How to go on with an attempt at a task, after a transcript with this hash.
    Chat { task: Name, attempt: u32, transcript: u64 },
}

impl Question {
    fn chat(task: Name, attempt: u32, transcript: &Transcript) -> Self {
        Self::Chat { task, attempt, transcript: hash(transcript) }
    }

    fn about(self) -> Name {
        match self {
            Self::About(about, _) | Self::Chat { task: about, .. } => about,
        }
    }
}

fn hash(asked: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    asked.hash(&mut hasher);
    hasher.finish()
}

/// An answer of a model: when it came, and its effects.
#[derive(Clone, Copy)]
struct Answer<'a> {
    thought: &'a Event<TeamEvent>,
    acted: Option<&'a Event<TeamEvent>>,
    /// How many times its agent had crashed before.
    crashes: u32,
}

/// The incarnations of an agent: the number of crashes, and how many answers it has acted on in this
/// incarnation and in earlier ones.
#[derive(Default)]
struct Incarnations {
    crashes: u32,
    acted_on: u32,
    binding: u32,
}

/// The kinds of events that it reads.
const READS: EventKinds = EventKinds::CRASHED
    .and(EventKinds::STARTED)
    .and(EventKinds::SENT)
    .and(kinds::CALLED)
    .and(kinds::COMPLETED)
    .and(kinds::CHATTED)
    .and(kinds::purpose(Purpose::Order));

/// The answers of all models, and what became of them.
#[derive(Default)]
struct Answers<'a> {
    /// By agent and question.
    of: Lookup<(Name, Question), Answer<'a>>,
    /// By agent and subject: the question whose answer an action about it belongs to.
    leads_to: Lookup<(Name, Name), Question>,
    incarnations: BTreeMap<Name, Incarnations>,
    /// By agent and work: the latest attempt that it was ordered to make.
    attempts: Lookup<(Name, Name), u32>,
}

fn judge(history: &TeamHistory, at_most: u64) -> Verdict {
    let mut answers = Answers::default();
    let mut again = 0;
    let mut verdict = Verdict::Vacuous;
    for event in history.events_of(READS) {
        match &event.what {
            EventKind::Crashed { .. } => answers.crash(event.node),
            EventKind::Started { .. } if answers.of(event.node).binding > 0 => verdict = Verdict::Holds,
            // To ask another agent, or to put it off, is not to act on an answer.
            EventKind::Sent { content, .. }
                if content.is_for(Purpose::Ask) || content.is_for(Purpose::Pending) => {}
            EventKind::Sent { about, .. }
            | EventKind::App(TeamEvent::Agent(AgentEvent::Called { intent: about, .. })) => {
                answers.act(history, event, *about);
            }
            EventKind::Delivered { about, content, .. } if content.is_for(Purpose::Order) => {
                let latest = answers.attempts.get_or_insert_with((event.node, *about), || 0);
                *latest = content.headers().attempt.unwrap_or_default().max(*latest);
            }
            EventKind::App(TeamEvent::Agent(thought)) => {
                let Some((question, subjects)) = answers.asked(event.node, thought) else { continue };
                if let Some((first, acted)) = answers.ask(event, question, &subjects) {
                    again += 1;
                    if again > at_most {
                        let (node, about) = (event.node, question.about());
                        let message = format!("{node} came back and asked its model about {about} again");
                        return Verdict::violated(&[first, acted, event], message);
                    }
                }
            }
            _ => {}
        }
    }
    verdict
}

impl<'a> Answers<'a> {
    fn of(&mut self, node: Name) -> &mut Incarnations {
        self.incarnations.entry(node).or_default()
    }

    /// What a model has answered, and what an action on that answer would be about.
    fn asked(&self, node: Name, thought: &AgentEvent) -> Option<(Question, Vec<Name>)> {
        match thought {
            AgentEvent::Completed { about, prompt, tokens_in, .. } => {
                Some((Question::About(*about, hash(&(prompt, tokens_in))), vec![*about]))
            }
            AgentEvent::Chatted { task, transcript, reply: Ok(reply), .. } => {
                let attempt = self.attempts.get((node, *task)).copied().unwrap_or_default();
                let calls: Vec<Name> = reply.calls.iter().map(|call| call.operation.intent).collect();
                let subjects = if calls.is_empty() { vec![*task] } else { calls };
                Some((Question::chat(*task, attempt, transcript), subjects))
            }
            _ => None,
        }
    }

    fn crash(&mut self, node: Name) {
        let incarnations = self.of(node);
        incarnations.crashes += 1;
        incarnations.binding += std::mem::take(&mut incarnations.acted_on);
    }

    /// An agent does something about a subject.
    fn act(&mut self, history: &TeamHistory, event: &'a Event<TeamEvent>, about: Name) {
        let Some(question) = self.leads_to.get((event.node, about)) else { return };
        let answer = self.of.get_mut((event.node, *question)).filter(|answer| answer.acted.is_none());
        let Some(answer) = answer else { return };
        let incarnations = self.incarnations.entry(event.node).or_default();
        if answer.crashes == incarnations.crashes && led_to(history, answer.thought, event) {
            answer.acted = Some(event);
            incarnations.acted_on += 1;
        }
    }

    /// An agent's model answers. Returns the earlier answer that an earlier incarnation had acted on, and the
    /// action.
    fn ask(
        &mut self,
        event: &'a Event<TeamEvent>,
        question: Question,
        subjects: &[Name],
    ) -> Option<(&'a Event<TeamEvent>, &'a Event<TeamEvent>)> {
        let incarnations = self.incarnations.entry(event.node).or_default();
        for subject in subjects {
            self.leads_to.insert((event.node, *subject), question);
        }
        let answer = Answer { thought: event, acted: None, crashes: incarnations.crashes };
        let Answer { thought, acted, crashes } = self.of.insert((event.node, question), answer)?;
        let acted = acted?;
        if crashes == incarnations.crashes {
            incarnations.acted_on -= 1;
            return None;
        }
        incarnations.binding -= 1;
        Some((thought, acted))
    }
}

/// Whether an event is among the causes of a later one.
fn led_to(history: &TeamHistory, cause: &Event<TeamEvent>, effect: &Event<TeamEvent>) -> bool {
    let earliest = history.causes(effect.id).take_while(|earlier| earlier.id >= cause.id).last();
    earliest.is_some_and(|earliest| earliest.id == cause.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{ChatMessage, Headers, OpId, ToolResult};
    use crate::properties::testing::{Story, called, completed, completed_when_asked, number, violation};

    fn asked() -> Story {
        Story::default().bounded(property().name, 0)
    }

    fn thinks(story: Story) -> Story {
        let about = Name::new("task-1/file");
        story.record_event("worker", TeamEvent::Agent(completed(about)))
    }

    fn calls(story: Story) -> Story {
        let (call, cause) = (["ticketing", "create", "task-1/file"].map(Name::new), story.last());
        let call = TeamEvent::Agent(called(call, OpId(1)));
        story.event_because_of(Some(cause), "worker", EventKind::App(call))
    }

    fn comes_back(story: Story) -> Story {
        story.dies("worker").event("worker", EventKind::Started { incarnation: 1 })
    }

    #[test]
    fn an_answer_that_was_acted_on_and_is_known_after_a_crash_is_not_asked_for_again() {
        let story = calls(comes_back(calls(thinks(asked()))));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn to_ask_again_what_was_acted_on_is_to_pay_again() {
        let story = thinks(comes_back(calls(thinks(asked()))));
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 3, 6]);
        assert_eq!(message, "worker came back and asked its model about task-1/file again");
    }

    #[test]
    fn an_answer_that_led_to_nothing_may_be_asked_for_again() {
        let story = thinks(comes_back(thinks(asked())));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn to_ask_twice_in_one_life_is_another_matter() {
        let story = thinks(calls(thinks(asked())));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn where_it_is_not_asked_for_it_is_not_judged() {
        let story = thinks(comes_back(calls(thinks(Story::default()))));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn one_answer_that_was_acted_on_is_enough_to_judge() {
        let about = Name::new("task-2/file");
        let other = TeamEvent::Agent(completed(about));
        let story = comes_back(calls(thinks(asked().record_event("worker", other))));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn who_never_comes_back_has_nothing_to_ask() {
        let story = calls(thinks(asked())).dies("worker");
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn a_second_life_that_begins_beside_the_first_has_not_come_back() {
        let story = calls(thinks(asked())).event("worker", EventKind::Started { incarnation: 1 });
        assert_eq!(
            thinks(story).judged_by(&property()),
            Verdict::Vacuous,
            "either of the two may have asked"
        );
    }

    #[test]
    fn to_send_something_about_a_question_is_to_act_on_its_answer() {
        let sends = |story: Story, about: &str| {
            let ([to, kind, about], cause) = (["coordinator", "a word", about].map(Name::new), story.last());
            let sent = EventKind::Sent { to, kind, about, content: number(0) };
            story.event_because_of(Some(cause), "worker", sent)
        };
        let story = thinks(comes_back(sends(thinks(asked()), "task-1/file")));
        assert!(story.judged_by(&property()).is_violated());
        let story = thinks(comes_back(sends(thinks(asked()), "task-2/file")));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
        let story = sends(sends(thinks(asked()), "task-1/file"), "task-1/file");
        let (events, _) = violation(thinks(comes_back(story)).judged_by(&property()));
        assert_eq!(events, [2, 3, 7], "the first thing it led to is shown");
    }

    #[test]
    fn what_an_agent_does_about_a_question_for_another_reason_is_no_action_on_its_answer() {
        let call = ["ticketing", "create", "task-1/file"].map(Name::new);
        let call = EventKind::App(TeamEvent::Agent(called(call, OpId(1))));
        let story =
            |cause| thinks(comes_back(thinks(asked()).event_because_of(cause, "worker", call.clone())));
        assert!(story(Some(2)).judged_by(&property()).is_violated());
        assert_eq!(story(Some(1)).judged_by(&property()), Verdict::Vacuous);
        assert_eq!(story(None).judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn what_is_done_only_in_the_next_life_shows_that_nothing_was_lost() {
        let story = thinks(comes_back(calls(comes_back(thinks(asked())))));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn each_agent_dies_for_itself() {
        let story =
            calls(thinks(asked())).dies("verifier").event("verifier", EventKind::Started { incarnation: 1 });
        assert_eq!(thinks(story).judged_by(&property()), Verdict::Vacuous);
        let story =
            calls(thinks(asked())).dies("worker").event("verifier", EventKind::Started { incarnation: 0 });
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn as_often_as_was_asked_for_is_not_too_often() {
        let again = |story: Story| thinks(comes_back(calls(story)));
        let once = again(thinks(Story::default().bounded(property().name, 1)));
        assert_eq!(once.clone().judged_by(&property()), Verdict::Holds);
        assert_eq!(violation(again(once).judged_by(&property())).0, [6, 7, 10]);
    }

    #[test]
    fn a_chat_model_that_gets_the_same_transcript_is_asked_the_same_again() {
        let asks = |story: Story| story.chats_for("worker", "task-1", "task-1/file");
        let story = asks(comes_back(calls(asks(asked()))));
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 3, 6]);
        assert_eq!(message, "worker came back and asked its model about task-1 again");
    }

    #[test]
    fn a_chat_model_that_gets_a_longer_transcript_or_another_task_is_asked_something_new() {
        let came_back = || comes_back(calls(asked().chats_for("worker", "task-1", "task-1/file")));
        let result = ChatMessage::Tool { call: OpId(1), result: ToolResult::NotApproved };
        let goes_on = came_back().chats_as("worker", "task-1", &[result]);
        assert_eq!(goes_on.judged_by(&property()), Verdict::Holds);
        let other = came_back().chats_for("worker", "task-2", "task-2/file");
        assert_eq!(other.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_reply_without_calls_is_acted_on_by_what_is_said_of_the_task() {
        let concludes = |story: Story| story.chats_as("worker", "task-1", &[]);
        let reports = |story: Story| {
            let ([to, kind, about], cause) = (["user", "report", "task-1"].map(Name::new), story.last());
            let sent = EventKind::Sent { to, kind, about, content: number(0) };
            story.event_because_of(Some(cause), "worker", sent)
        };
        assert!(concludes(comes_back(reports(concludes(asked())))).judged_by(&property()).is_violated());
        assert_eq!(concludes(comes_back(concludes(asked()))).judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn a_new_attempt_at_the_work_is_another_question_and_a_repeated_order_is_none() {
        let ordered = |story: Story, attempt: u32| {
            let headers = Headers { attempt: Some(attempt), ..Headers::of(Purpose::Order) };
            story.tells(("supervisor", "worker"), "task-1", headers)
        };
        let asks = |story: Story| story.chats_for("worker", "task-1", "task-1/file");
        let came_back = || comes_back(calls(asks(ordered(asked(), 1))));
        assert_eq!(asks(ordered(came_back(), 2)).judged_by(&property()), Verdict::Holds);
        assert!(asks(ordered(came_back(), 1)).judged_by(&property()).is_violated());
    }

    #[test]
    fn another_prompt_about_the_same_is_another_question() {
        let asks = |story: Story, prompt: &'static str| {
            let thought = completed_when_asked(Name::new("task-1/file"), prompt);
            story.record_event("worker", TeamEvent::Agent(thought))
        };
        let story = |again| asks(comes_back(calls(asks(asked(), "book it"))), again);
        assert_eq!(story("cancel it").judged_by(&property()), Verdict::Holds);
        assert!(story("book it").judged_by(&property()).is_violated());
    }

    #[test]
    fn to_ask_another_agent_or_to_put_it_off_is_not_to_act_on_an_answer() {
        let sends = |purpose| {
            let route = ("worker", "coordinator");
            let story = thinks(asked());
            let cause = Some(story.last());
            let story = story.sends_because_of(cause, route, "task-1/file", Headers::of(purpose));
            thinks(comes_back(story)).judged_by(&property())
        };
        assert_eq!(sends(Purpose::Ask), Verdict::Vacuous);
        assert_eq!(sends(Purpose::Pending), Verdict::Vacuous);
        assert!(sends(Purpose::Done).is_violated());
    }
}
