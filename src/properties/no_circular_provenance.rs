//! Behind every fact that agents pass on stands a source: an agent that cites another one cites one that has
//! said so, and the citations end at a reading, never in a circle.
//!
//! Judged by the handovers that agents send, and by what sources have served. Each agent's latest statement
//! about an item says on what it rests. From there the citations are followed, from agent to agent. A reading
//! counts if the source has served the item to any agent.

use crate::agent::{Fact, Origin, TeamEvent, ToolEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKind, EventKinds, Lookup, Name};

/// The property, for the shipped suite.
pub fn property() -> Property {
    let about = "what agents cite as evidence rests on a source in the end, and never on itself";
    Property::new("no-circular-provenance", about, judge).needs(kinds::HANDOVER)
}

/// The kinds of events that it reads.
const READS: EventKinds = kinds::HANDOVER.and(kinds::SERVED);

/// What a fact is about: an item of a source, for an intent.
type Subject = (Name, Name, Name);

/// The latest statement of each agent about each subject, and on what it rests.
type Statements<'a> = Lookup<(Name, Subject), (&'a Event<TeamEvent>, Origin)>;

fn judge(history: &TeamHistory) -> Verdict {
    let mut statements = Statements::default();
    let mut served: Lookup<(Name, Name), ()> = Lookup::default();
    let mut verdict = Verdict::Vacuous;
    for event in history.events_of(READS) {
        match &event.what {
            EventKind::App(TeamEvent::Tool(ToolEvent::Served { item, .. })) => {
                served.insert((event.node, *item), ());
            }
            EventKind::Sent { about, content, .. } => {
                for Fact { source, item, origin, .. } in
                    content.handover().into_iter().flat_map(|handover| &handover.facts)
                {
                    verdict = Verdict::Holds;
                    let subject = (*source, *item, *about);
                    statements.insert((event.node, subject), (event, *origin));
                    if let Some((flaw, because)) = flaw(&statements, &served, event.node, subject) {
                        let message = format!("{} passes on {item} for {about}, but {flaw}", event.node);
                        return Verdict::violated(&because, message);
                    }
                }
            }
            _ => {}
        }
    }
    verdict
}

/// What is wrong with the citations behind an agent's statement, if anything is, and the statements up to
/// there.
fn flaw<'a>(
    statements: &Statements<'a>,
    served: &Lookup<(Name, Name), ()>,
    by: Name,
    subject: Subject,
) -> Option<(String, Vec<&'a Event<TeamEvent>>)> {
    let (source, item, _) = subject;
    let (mut chain, mut because, mut speaker) = (vec![by], Vec::new(), by);
    loop {
        let Some((statement, origin)) = statements.get((speaker, subject)).copied() else {
            return Some((format!("{speaker}, which is cited, has said nothing of it"), because));
        };
        because.push(statement);
        match origin {
            Origin::Reading if served.contains((source, item)) => return None,
            Origin::Reading => return Some((format!("{source} has never been read"), because)),
            Origin::Statement { by } if chain.contains(&by) => {
                chain.push(by);
                let names: Vec<&str> = chain.iter().map(|name| name.as_str()).collect();
                return Some((format!("its evidence is a circle: {}", names.join(" cites ")), because));
            }
            Origin::Statement { by } => {
                chain.push(by);
                speaker = by;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Content;
    use crate::properties::handovers::testing::{INTENT, Item, sent};
    use crate::properties::testing::{Story, violation};

    fn read() -> Fact {
        Fact::read(Name::new("source"), Name::new("item"), Content::new(7_u64))
    }

    fn told_by(by: &str) -> Fact {
        read().told_by(Name::new(by))
    }

    /// A message with a fact, in one event.
    fn says(story: Story, from: &str, fact: Fact) -> Story {
        sent(story, None, (from, "whoever"), &Item::with_facts(vec![fact]))
    }

    /// The lead has read the source and said so: two events.
    fn lead_has_read() -> Story {
        says(Story::default().served(INTENT, 7), "lead", read())
    }

    #[test]
    fn a_chain_of_citations_that_ends_at_a_reading_is_sound() {
        assert_eq!(lead_has_read().judged_by(&property()), Verdict::Holds);
        let story = says(says(lead_has_read(), "link-1", told_by("lead")), "link-2", told_by("link-1"));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn two_agents_that_cite_each_other_are_no_evidence() {
        let story = says(says(lead_has_read(), "link-1", told_by("lead")), "lead", told_by("link-1"));
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [3, 4]);
        assert_eq!(
            message,
            "lead passes on item for task-1/pay, but its evidence is a circle: lead cites link-1 cites lead"
        );
        let itself = says(lead_has_read(), "lead", told_by("lead"));
        assert_eq!(violation(itself.judged_by(&property())).0, [3]);
    }

    #[test]
    fn a_circle_further_on_is_one_as_well_and_a_new_reading_breaks_it() {
        let story = says(says(lead_has_read(), "link-1", told_by("lead")), "link-2", told_by("link-1"));
        let circle = says(story.clone(), "lead", told_by("link-2"));
        assert_eq!(violation(circle.judged_by(&property())).0, [3, 4, 5]);
        assert_eq!(says(story, "lead", read()).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn whoever_is_cited_must_have_said_so_and_what_is_read_must_have_been_served() {
        let (_, message) =
            violation(says(lead_has_read(), "link-2", told_by("link-1")).judged_by(&property()));
        assert!(message.ends_with("link-1, which is cited, has said nothing of it"), "{message}");
        let (_, message) = violation(says(Story::default(), "lead", read()).judged_by(&property()));
        assert!(message.ends_with("source has never been read"), "{message}");
    }

    #[test]
    fn without_a_fact_there_is_nothing_to_judge() {
        let story = sent(Story::default(), None, ("lead", "link-1"), &Item::with_facts(Vec::new()));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }
}
