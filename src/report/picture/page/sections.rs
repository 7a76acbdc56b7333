//! The parts of the page beside the picture: what broke, the story, the ledger, safeguards, verdicts, and the
//! scenario.

use super::inert;
use crate::explore::Run;
use crate::inert::block;
use crate::properties::Verdict;
use crate::report::ledger::Ledger;
use crate::report::picture::rows::Rows;
use crate::report::picture::{Origin, Picture, waits};
use crate::report::story::lines::{Again, Line, lines};
use crate::report::story::{
    ALTHOUGH_ON, TAKEN_AWAY, in_the_file, off_though, that_suffice, told_in, without_it,
};
use crate::report::told::{label, rounded};
use crate::safeguards::SafeguardKind;
use maud::{Markup, html};
use perfidy_sim::{EventId, EventKind, Fault};

/// To how many events a verdict leads.
const LINKS: usize = 8;

pub(super) struct Sections<'a, 'b> {
    pub picture: &'b Picture<'a>,
    pub rows: &'b Rows<'a>,
}

impl<'a> Sections<'a, '_> {
    fn run(&self) -> &'a Run {
        self.picture.run
    }

    pub fn title(&self) -> String {
        match self.picture.broke {
            Some((property, _)) => format!("{} broke: {}", inert(property), inert(self.picture.case)),
            None => format!("nothing broke: {}", inert(self.picture.case)),
        }
    }

    pub fn head(&self) -> Markup {
        let Picture { case, saved, .. } = *self.picture;
        let after = self.picture.violation().map_or(self.run().outcome.ended, |violation| violation.at);
        html! {
            header {
                h1 {
                    @match self.picture.broke {
                        Some((property, _)) => { em { (inert(property)) } " broke" }
                        None => { "Nothing broke" }
                    }
                }
                @if let Some((property, violation)) = self.picture.broke {
                    p class="lead" { (inert(&violation.message)) }
                    @if let Some(property) = case.scenario.suite.find_property(property) {
                        p class="faint" { "What must hold: " (inert(property.about)) "." }
                    }
                    (self.also_broken())
                } @else if let Some(saved) = saved {
                    p class="lead" { (inert(&saved.property)) " broke when this was saved: " (inert(&saved.message)) }
                }
                p class="faint" { (inert(case)) "; " (self.how()) "after " (rounded(after)) @if !self.is_of_a_real_team() { " of virtual time" } }
                @if let Some(again) = self.picture.again {
                    p { "Run it again: " code class="command" { (inert(again)) } }
                }
                nav aria-label="Parts of this page" {
                    ul {
                        @for (id, name) in self.parts() { li { a href={"#" (id)} { (name) } } }
                    }
                }
                div class="cards" {
                    @if !self.is_of_a_real_team() { (self.faults()) }
                    (self.guards())
                }
            }
        }
    }

    /// Whether the team is simulated, so that it has the safeguards of its file.
    fn has_safeguards(&self) -> bool {
        self.picture.origin == Origin::Simulation && self.picture.case.scenario.program.is_none()
    }

    fn is_of_a_real_team(&self) -> bool {
        self.picture.origin == Origin::RealTeam
    }

    /// The other properties that broke.
    fn also_broken(&self) -> Markup {
        let told = self.picture.broke.map(|(property, _)| property);
        let others = self
            .run()
            .verdicts
            .iter()
            .filter(|(name, verdict)| matches!(verdict, Verdict::Violated(_)) && Some(*name) != told);
        let others: Vec<&str> = others.map(|(name, _)| *name).collect();
        html! {
            @if !others.is_empty() {
                p { "Broken too: " a href="#verdicts" { (others.join(", ")) } "." }
            }
        }
    }

    /// By which seed, and on which engine, as far as there were any.
    fn how(&self) -> String {
        let Picture { seed, engine, .. } = self.picture;
        match self.picture.origin {
            Origin::Simulation => format!("seed {seed}, {engine} engine, "),
            Origin::Client => format!("seed {seed}, "),
            Origin::RealTeam => String::new(),
        }
    }

    fn parts(&self) -> Vec<(&'static str, &'static str)> {
        let mut parts = Vec::new();
        if self.picture.broke.is_some() {
            parts.push(("story", "What happened"));
        }
        parts.push(("picture", "Event by event"));
        if waits::edges(self.picture).is_some() {
            parts.push(("waits", "Who waits for whom"));
        }
        parts.push(("ledger", "Ledger"));
        if self.has_safeguards() {
            parts.push(("safeguards", "Safeguards"));
        }
        parts.extend([("verdicts", "Verdicts"), ("scenario", "Scenario")]);
        parts
    }

    /// A link to an event of this run.
    fn link(id: EventId) -> Markup {
        html! { a href={"#e" (id.get())} data-event="" { (id) } }
    }

    /// The event at which a fault was injected.
    fn injected(&self, fault: &Fault) -> Option<EventId> {
        let is_it =
            |what: &EventKind<_>| matches!(what, EventKind::Injected(injected) if **injected == *fault);
        self.run().outcome.history.events().iter().find(|event| is_it(&event.what)).map(|event| event.id)
    }

    fn faults(&self) -> Markup {
        let faults = self.picture.faults();
        let heading = match (self.picture.saved, faults.len()) {
            (Some(_), count) => that_suffice(count),
            (None, 0) => "No fault was injected".to_owned(),
            (None, 1) => "One fault was injected".to_owned(),
            (None, count) => format!("{count} faults were injected"),
        };
        let changes = self.picture.saved.and_then(|saved| saved.changes.as_ref());
        // In the order in which they struck.
        let mut struck: Vec<_> = faults.iter().map(|fault| (self.injected(fault), fault)).collect();
        struck.sort_by_key(|(id, _)| (id.is_none(), *id));
        html! {
            section class="card" {
                h2 { (heading) }
                @if faults.is_empty() && self.picture.saved.is_some() {
                    p { "It breaks by what the agents do in this seed, with nothing injected." }
                }
                ul {
                    @for (id, fault) in struck {
                        li {
                            @if let Some(id) = id { (Self::link(id)) " " }
                            (inert(fault.at)) ": " strong class="fault" { (inert(fault.action)) }
                            @if let Some(about) = self.picture.about_fault(fault) { " " span class="faint" { "(" (about) ")" } }
                        }
                    }
                }
                @if let Some(changes) = changes {
                    @if !changes.scenario.is_empty() {
                        p class="faint" { "Changed in the scenario to make it small: " (inert(changes.scenario.join(", "))) "." }
                    }
                    @if let Some(breaks) = changes.breaks_in_file { p class="faint" { (in_the_file(faults.len(), breaks)) } }
                    @if !changes.faults_in_file.is_empty() {
                        p class="faint" { "There it takes:" }
                        ul { @for fault in &changes.faults_in_file { li class="faint" { (inert(fault)) } } }
                    }
                }
            }
        }
    }

    fn guards(&self) -> Markup {
        let Some((property, _)) = self.picture.broke else { return html! {} };
        let guards = self.picture.case.guards_of(property);
        if !self.has_safeguards() {
            // Which safeguards an agent has that is not simulated is not known.
            let kinds: Vec<_> = guards.missing().chain(guards.on.iter().copied()).collect();
            return html! {
                @if !kinds.is_empty() {
                    section class="card" {
                        h2 { "What guards " (inert(property)) " in an agent" }
                        ul { @for kind in kinds { li { code { (kind.name) } ": " (kind.about) } } }
                    }
                }
            };
        }
        let list = |heading: &str, kinds: &[&SafeguardKind], name: fn(&SafeguardKind) -> &str| {
            html! {
                @if !kinds.is_empty() {
                    section class="card" {
                        h2 { (heading) }
                        ul { @for kind in kinds { li { code { (name(kind)) } ": " (without_it(kind)) } } }
                    }
                }
            }
        };
        let is_guarded = guards.missing().next().is_none();
        html! {
            (list(TAKEN_AWAY, &guards.taken_away, |kind| kind.name))
            (list(&off_though(inert(property)), &guards.off, |kind| kind.example))
            @if is_guarded { (list(ALTHOUGH_ON, &guards.on, |kind| kind.name)) }
        }
    }

    /// The lines of the story, as the command tells them.
    pub fn story(&self) -> Markup {
        let Some(violation) = self.picture.violation() else { return html! {} };
        html! {
            section aria-labelledby="story" {
                h2 id="story" { "What happened" }
                ol class="story" {
                    @for line in lines(self.run(), violation) {
                        @match line {
                            Line::Event(event, times) => {
                                @let class = match &event.what {
                                    EventKind::Injected(_) | EventKind::Crashed { .. } => "fault-row",
                                    _ if violation.because.contains(&event.id) => "bad-row",
                                    _ => "",
                                };
                                li class=[(!class.is_empty()).then_some(class)] {
                                    time { (rounded(event.at)) }
                                    (Self::link(event.id))
                                    span class="who" { (inert(label(event))) }
                                    span { (inert(told_in(self.run(), event))) @if times > 1 { " (" (times) " times)" } }
                                }
                            }
                            Line::Again(Again { lines, times, until }) => {
                                li {
                                    time { (rounded(until)) }
                                    span {}
                                    span {}
                                    span class="faint" { "the " (lines) " lines above, " (times) @if times == 1 { " more time" } @else { " more times" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// How the picture is to be read, and what is left out of it.
    pub fn introduction(&self) -> Markup {
        let Rows { list, of, other, .. } = self.rows;
        let has_path = self.picture.broke.is_some();
        html! {
            p {
                "One lane for each node, virtual time downwards, one row for each event. "
                @if has_path { "Blue is the causal path to the violation; red is what the verdict names. " }
                @if let (Some(_), Some(counterpart)) = (other, self.picture.counterpart) {
                    "Beside it is the same run " (counterpart.how) ", aligned by cause: what is the same in both stands in one row; a marked time is that of something that happens much earlier or later."
                }
            }
            @if list.len() < *of {
                p { "The run has " (of) " rows. The " (list.len()) " nearest to the violation are here; all are in the traces (" code { "--format perfetto" } ")." }
            }
        }
    }

    pub fn waits(&self) -> Markup {
        let Some(edges) = waits::edges(self.picture) else { return html! {} };
        html! {
            section aria-labelledby="waits" {
                h2 id="waits" { "Who waits for whom at the end" }
                (waits::graph(&edges))
                ul {
                    @for edge in &edges {
                        li class=[edge.is_in_cycle.then_some("bad")] {
                            (Self::link(edge.event)) " " (inert(edge.from)) " waits for " (inert(edge.to)) ": " (inert(&edge.why))
                        }
                    }
                }
            }
        }
    }

    pub fn ledger(&self) -> Markup {
        let ledger = Ledger::of(self.run());
        let links = |events: &[EventId]| {
            html! { @for (place, id) in events.iter().enumerate() { @if place > 0 { ", " } (Self::link(*id)) } }
        };
        html! {
            section aria-labelledby="ledger" {
                h2 id="ledger" { "The ledger" }
                p class="faint" { "What the tasks wanted, each once, and what the tools say took effect. What agents report does not count." }
                @if ledger.effects.is_empty() && ledger.missing.is_empty() {
                    p { "No task wanted an effect, and none took place." }
                } @else {
                    div class="scroll" tabindex="0" role="region" aria-label="Table of the ledger" {
                        table {
                            thead { tr { th { "intent" } th { "operation" } th { "took effect" } th { "events" } th { "undone by" } } }
                            tbody {
                                @for ((intent, tool, operation), events) in &ledger.effects {
                                    @let undoings = ledger.undoings.get(intent);
                                    tr {
                                        td { (inert(intent)) }
                                        td { (inert(tool)) "." (inert(operation)) }
                                        td {
                                            @match events.len() {
                                                1 => "once",
                                                count => { span class="bad" { (count) " times" } }
                                            }
                                        }
                                        td { (links(events)) }
                                        td { @if let Some(undoings) = undoings { (links(undoings)) } }
                                    }
                                }
                                @for intent in &ledger.missing {
                                    tr { td { (inert(intent)) } td {} td { span class="fault" { "never" } } td {} td {} }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    pub fn safeguards(&self) -> Markup {
        if !self.has_safeguards() {
            return html! {};
        }
        let case = self.picture.case;
        let taken = case.without().map_or(&[][..], |without| &without.safeguards);
        let kinds = || {
            let known = &case.scenario.workflow.safeguards;
            case.scenario.suite.safeguards().iter().filter(|kind| known.contains(&kind.name))
        };
        let row = |kind: &SafeguardKind, state: &str, class: &str| {
            html! { tr { td { code { (kind.name) } } td { span class=(class) { (state) } } td { (kind.about) } } }
        };
        let is_on = |kind: &SafeguardKind| case.safeguards.is_on(kind);
        html! {
            section aria-labelledby="safeguards" {
                h2 id="safeguards" { "Safeguards" }
                div class="scroll" tabindex="0" role="region" aria-label="Table of safeguards" {
                    table {
                        thead { tr { th { "safeguard" } th { "in this case" } th { "what it does" } } }
                        tbody {
                            @for kind in kinds().filter(|kind| taken.contains(&kind.name)) { (row(kind, "taken away", "bad")) }
                            @for kind in kinds().filter(|kind| is_on(kind)) { (row(kind, "on", "good")) }
                            @for kind in kinds().filter(|kind| !is_on(kind) && !taken.contains(&kind.name)) { (row(kind, "off", "faint")) }
                        }
                    }
                }
            }
        }
    }

    pub fn verdicts(&self) -> Markup {
        let suite = &self.picture.case.scenario.suite;
        let verdicts = &self.run().verdicts;
        let about = |name: &str| suite.find_property(name).map_or("", |property| property.about);
        let rows = |wanted: fn(&Verdict) -> bool, class: &'static str| {
            html! {
                @for (name, verdict) in verdicts.iter().filter(|(_, verdict)| wanted(verdict)) {
                    tr {
                        td { code { (name) } }
                        td class="short" { span class=(class) { (verdict.word()) } }
                        td {
                            @match verdict {
                                Verdict::Violated(violation) => {
                                    (inert(&violation.message))
                                    @for id in violation.because.iter().take(LINKS) { " " (Self::link(*id)) }
                                }
                                Verdict::Unknown { reason } => (inert(reason)),
                                Verdict::Holds | Verdict::Vacuous => (about(name)),
                            }
                        }
                    }
                }
            }
        };
        let vacuous = verdicts.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Vacuous));
        let vacuous: Vec<&str> = vacuous.map(|(name, _)| *name).collect();
        html! {
            section aria-labelledby="verdicts" {
                h2 id="verdicts" { "Verdicts" }
                div class="scroll" tabindex="0" role="region" aria-label="Table of verdicts" {
                    table {
                        thead { tr { th { "property" } th { "verdict" } th { "why, or what must hold" } } }
                        tbody {
                            (rows(|verdict| matches!(verdict, Verdict::Violated(_)), "bad"))
                            (rows(|verdict| matches!(verdict, Verdict::Unknown { .. }), "fault"))
                            (rows(|verdict| matches!(verdict, Verdict::Holds), "good"))
                        }
                    }
                }
                @if !vacuous.is_empty() {
                    p class="faint" { "Nothing to judge in this run: " (vacuous.join(", ")) "." }
                }
            }
        }
    }

    pub fn scenario(&self) -> Markup {
        let scenario = &self.picture.case.scenario;
        html! {
            section aria-labelledby="scenario" {
                h2 id="scenario" { "The scenario" }
                p class="faint" { (inert(scenario.name)) ", " (inert(self.picture.case.label())) ": " (inert(&scenario.about)) }
                details { summary { "Its text" } pre tabindex="0" { (block(&scenario.text)) } }
            }
        }
    }

    pub fn foot(&self) -> Markup {
        html! {
            footer {
                "perfidy " (env!("CARGO_PKG_VERSION")) "; " (self.run().outcome.history.len()) " events, digest "
                code { (self.run().outcome.digest()) } "."
            }
        }
    }
}
