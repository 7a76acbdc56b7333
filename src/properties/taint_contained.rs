//! A corrupted fact gets no further than the hop that corrupted it: no agent acts on it.
//!
//! Judged by what sources have served and what the network has delivered: each order that an agent sends on,
//! and each call that it makes, rests on the last handover that its agent received on the way there. Every
//! fact of that handover must be what its source has said by then, whole and unaltered. What an agent gets
//! and refuses is contained.

use crate::agent::{Fact, TeamEvent, ToolEvent, kinds};
use crate::properties::handovers::{Act, Receivers};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{EventKind, EventKinds, Lookup, Name};
use serde_json::Value;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new("taint-contained", "no agent acts on a fact that its source has not said", judge)
        .needs(kinds::HANDOVER)
}

/// The kinds of events that it reads.
const READS: EventKinds = kinds::HANDOVER.and(kinds::CALLED).and(kinds::SERVED);

/// What each source has said of each item.
#[derive(Default)]
struct Served(Lookup<(Name, Name), Vec<Value>>);

impl Served {
    fn have(&self, fact: &Fact) -> bool {
        let value = fact.value.json();
        self.0.get((fact.source, fact.item)).is_some_and(|said| said.contains(&value))
    }
}

fn judge(history: &TeamHistory) -> Verdict {
    let (mut served, mut receivers) = (Served::default(), Receivers::of_any());
    let mut verdict = Verdict::Vacuous;
    for event in history.events_of(READS) {
        if let EventKind::App(TeamEvent::Tool(ToolEvent::Served { item, content, .. })) = &event.what {
            let said = served.0.get_or_insert_with((event.node, *item), Vec::new);
            let content = content.json();
            if !said.contains(&content) {
                said.push(content);
            }
            continue;
        }
        let Some(Act { what, basis }) = receivers.take_in(history, event) else { continue };
        let EventKind::Delivered { from, about, content, .. } = &basis.what else { continue };
        for fact in content.handover().into_iter().flat_map(|handover| &handover.facts) {
            verdict = Verdict::Holds;
            if !served.have(fact) {
                let (who, item) = (event.node, fact.item);
                let message = format!(
                    "{who} {what} on {about} by what {from} says of {item}, which {} has never said",
                    fact.source
                );
                return Verdict::violated(&[basis, event], message);
            }
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Content, Headers, Purpose};
    use crate::properties::handovers::testing::{INTENT, Item, passed, sent};
    use crate::properties::testing::{Story, violation};

    /// The story's source has said 7, in one event.
    fn served() -> Story {
        Story::default().served(INTENT, 7)
    }

    fn fact(value: u64) -> Item {
        Item::with_facts(vec![Fact::read(Name::new("source"), Name::new("item"), Content::new(value))])
    }

    #[test]
    fn what_the_source_has_said_may_be_passed_on_and_acted_on() {
        let story = passed(served(), None, ("lead", "link-1"), &fact(7), &fact(7));
        let story = sent(story, Some(3), ("link-1", "actor"), &fact(7));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_fact_that_a_hop_has_corrupted_may_not() {
        let story = passed(served(), None, ("lead", "link-1"), &fact(7), &fact(8));
        assert_eq!(story.clone().judged_by(&property()), Verdict::Vacuous, "it is not acted on yet");
        let on = sent(story.clone(), Some(3), ("link-1", "actor"), &fact(8));
        let (events, message) = violation(on.judged_by(&property()));
        assert_eq!(events, [3, 4]);
        assert_eq!(
            message,
            "link-1 passed work on task-1/pay by what lead says of item, which source has never said"
        );
        let called = story.calls_under(3, "link-1", INTENT, (1, Headers::NONE));
        assert_eq!(violation(called.judged_by(&property())).0, [3, 4]);
    }

    #[test]
    fn the_hop_that_corrupts_is_not_beyond_itself_and_the_next_one_is() {
        let story = passed(served(), None, ("lead", "link-1"), &fact(7), &fact(7));
        let story = passed(story, Some(3), ("link-1", "actor"), &fact(8), &fact(8));
        assert_eq!(story.clone().judged_by(&property()), Verdict::Holds);
        let story = story.calls_under(5, "actor", INTENT, (1, Headers::NONE));
        assert_eq!(violation(story.judged_by(&property())).0, [5, 6]);
    }

    #[test]
    fn what_the_source_says_only_later_was_made_up() {
        let story = passed(Story::default(), None, ("lead", "link-1"), &fact(7), &fact(7));
        let story = sent(story, Some(2), ("link-1", "actor"), &fact(7)).served(INTENT, 7);
        assert_eq!(violation(story.judged_by(&property())).0, [2, 3]);
    }

    #[test]
    fn what_an_agent_was_told_on_a_question_counts_as_well() {
        let Item(_, told) = fact(8);
        let answer = Item(Purpose::Answer, told);
        let story = passed(served(), None, ("link-1", "lead"), &answer, &answer);
        let story = sent(story, Some(3), ("lead", "link-1"), &fact(8));
        assert_eq!(violation(story.judged_by(&property())).0, [3, 4]);
    }

    #[test]
    fn without_a_fact_there_is_nothing_to_judge() {
        let none = Item::with_facts(Vec::new());
        let story = passed(served(), None, ("lead", "link-1"), &none, &none);
        let story = sent(story, Some(3), ("link-1", "actor"), &none);
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }
}
