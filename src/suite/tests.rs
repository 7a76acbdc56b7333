//! What a suite refuses, and what its workflows are about.

use super::*;

#[test]
#[should_panic(expected = "the suite has a workflow `conductor` already")]
fn two_workflows_cannot_share_a_name() {
    let _ = Suite::shipped().workflow(Workflow::new("conductor").about("another one"));
}

#[test]
#[should_panic(expected = "the suite has no workflow `conducter` to replace; did you mean `conductor`?")]
fn only_what_is_there_can_be_replaced() {
    let _ = Suite::shipped().replacing_workflow(Workflow::new("conducter").about("a misspelt one"));
}

#[test]
fn a_workflow_is_about_what_its_suite_adds_before_or_after_it() {
    let holds = |_: &TeamHistory| true;
    let suite = Suite::shipped()
        .property("before", holds)
        .workflow(Workflow::new("team"))
        .workflow(Workflow::new("strict").properties(&["before"]))
        .property("after", holds);
    let about = |name| &suite.find_workflow(name).unwrap().properties;
    assert_eq!(about("team"), &["eventual-termination", "before", "after"]);
    assert_eq!(about("strict"), &["before"]);
    let shipped = Suite::shipped();
    assert_eq!(about("conductor"), &shipped.find_workflow("conductor").unwrap().properties);
}

#[test]
fn adding_to_a_suite_leaves_its_clones_alone() {
    let shipped = Suite::shipped();
    let own = shipped.clone().workflow(Workflow::new("own").about("one more"));
    assert!(own.find_workflow("own").is_some());
    assert!(shipped.find_workflow("own").is_none());
}
