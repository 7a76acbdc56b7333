//! Answers, and the event that each leaves in the history.

use super::{Reply, Work};
use crate::agent::{
    Agents, Author, Body, Content, Done, Note, Reading, Receipt, Refused, ToolEvent, Wire, reply_kind,
};
use crate::tools::{Alteration, OwnFaults};
use perfidy_sim::{Desk, Envelope, Name};

pub(super) fn done(receipt: u64, result: Content) -> Wire {
    Wire::Done(Done { receipt: Receipt(receipt), result })
}

/// Turns a request down.
pub(super) fn refuse(desk: &mut Desk<'_, Agents>, work: &Work, refused: Refused) -> Wire {
    let (operation, intent, request) = (work.what, work.intent, work.asked.clone());
    let note = ToolEvent::Refused { operation, intent, refused: refused.clone(), request };
    desk.note(Author::HARNESS, Note::Tool(note));
    Wire::Refused(refused)
}

/// Does nothing about a request.
pub(super) fn unanswered(desk: &mut Desk<'_, Agents>, work: &Work) -> Reply {
    let (operation, intent, request) = (work.what, work.intent, work.asked.clone());
    desk.note(Author::HARNESS, Note::Tool(ToolEvent::Ignored { operation, intent, request }));
    Reply::Never
}

/// Writes down what a reader gets to read.
pub(super) fn serve(desk: &mut Desk<'_, Agents>, work: &Work, answer: Wire, said: &Reading) -> Wire {
    let Reading { as_of, content } = said.clone();
    let (intent, request) = (work.intent, work.asked.clone());
    let item = request.operation().name;
    desk.note(Author::HARNESS, Note::Tool(ToolEvent::Served { item, intent, as_of, content, request }));
    answer
}

/// What is done to the JSON of an answer.
pub(super) enum Altering<'a> {
    Shipped(Alteration),
    Own(&'a OwnFaults, Name),
}

/// An answer with something done to its JSON. A refusal has nothing to alter.
pub(super) fn altered(
    desk: &mut Desk<'_, Agents>,
    work: &Work,
    answer: Wire,
    altering: &Altering<'_>,
) -> Wire {
    let site = Name::joined(desk.name(), ", alteration of ", work.what);
    let Some((mut json, said)) = answer.said() else { return answer };
    Wire::Altered(desk.draw(site, work.intent, |spot| match altering {
        Altering::Shipped(alteration) => alteration.of_answer(json, said, spot),
        Altering::Own(faults, name) => {
            faults.alter(*name, &mut json[said], spot);
            json
        }
    }))
}

pub(super) fn answer(desk: &mut Desk<'_, Agents>, to: &Envelope<Body>, what: Name, wire: Wire) {
    desk.reply(to, reply_kind(what), Body::new(wire));
}
