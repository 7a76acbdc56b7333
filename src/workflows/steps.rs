//! The steps that every task consists of.

use crate::workflows::StepArguments;
use perfidy_sim::Name;
use std::collections::BTreeSet;

/// One step of every task: an effect that the user wants, through a tool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its name.
    pub name: Name,
    /// The tool.
    pub tool: Name,
    /// What the tool is asked to do.
    pub operation: Name,
    /// Which steps come first, as places in the list of steps.
    pub needs: Vec<usize>,
    /// Whether it cannot be undone.
    pub irreversible: bool,
    /// Whether a guardrail must check it.
    pub guarded: bool,
    /// What undoes it, if the file says so.
    pub undo: Option<Undo>,
    /// On what it rests, if the file says so.
    pub evidence: Option<Evidence>,
    /// With which arguments the tool is asked, to take the step and to undo it.
    pub arguments: StepArguments,
}

impl Step {
    /// What is asked of tools to take it and to undo it.
    pub(crate) fn calls(&self) -> impl Iterator<Item = (Name, Name)> + use<> {
        let undo = self.undo.map(|undo| (undo.tool, undo.operation));
        [(self.tool, self.operation)].into_iter().chain(undo)
    }
}

/// What a source says of something, as the evidence on which a step rests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// The tool that is the source.
    pub source: Name,
    /// What it is asked about.
    pub item: Name,
}

/// An operation that undoes another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Undo {
    /// The tool.
    pub tool: Name,
    /// What the tool is asked to do.
    pub operation: Name,
}

/// An order in which steps can be taken one at a time: each after those it needs, otherwise as they stand.
/// Steps that wait for each other are left out.
pub fn one_at_a_time(steps: &[Step]) -> Vec<usize> {
    let mut needed_by = vec![Vec::new(); steps.len()];
    let mut missing: Vec<usize> = steps.iter().map(|step| step.needs.len()).collect();
    for (number, step) in steps.iter().enumerate() {
        step.needs.iter().for_each(|need| needed_by[*need].push(number));
    }
    let mut ready: BTreeSet<usize> = (0..steps.len()).filter(|step| missing[*step] == 0).collect();
    let mut order = Vec::new();
    while let Some(step) = ready.pop_first() {
        order.push(step);
        for next in &needed_by[step] {
            missing[*next] -= 1;
            if missing[*next] == 0 {
                ready.insert(*next);
            }
        }
    }
    order
}
