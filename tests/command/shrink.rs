//! `perfidy shrink`: shrinks a saved failure in place.

use crate::place::Place;
use std::fs;

#[test]
fn a_failure_that_was_not_shrunk_to_the_end_is_shrunk_in_its_place() {
    let place = Place::new();
    let small = place.saved_failure();
    let text = place.read(&small);
    // Adds a fault that makes no difference, and a note that shrinking was cut short.
    let more = "[[fault]]\nat = \"user > coordinator, submit, task-1, try 1\"\ndo = \"delay 1ms\"\n\n[case]";
    let large = text.replacen("[case]", more, 1).replacen("digest = ", "unfinished = true\ndigest = ", 1);
    fs::remove_file(place.path(&small)).unwrap();
    place.write("seeds/bank/large.toml", &large);
    place.perfidy(&["shrink", "seeds"]).ends_with(0).calmly().says(&[
        &small,
        "2 faults",
        "became 1 fault in",
        "nothing more can go",
    ]);
    assert_eq!(place.files("seeds"), [small.as_str()]);
    // What was known of the file as it was, was known of both faults.
    let text = text.replace("breaks_in_file = true\n", "");
    assert_eq!(place.read(&small), text);
    place.perfidy(&["shrink", &small, "--for", "1m"]).ends_with(0).says(&["nothing more can go"]);
    assert_eq!(place.read(&small), text);
}

#[test]
fn what_does_not_break_any_more_is_not_shrunk_and_stays_where_it_is() {
    let place = Place::new();
    let file = place.saved_failure();
    let text = place.read(&file);
    let mended = text.replacen("[safeguards]", "[safeguards]\nidempotency-keys = true", 1);
    place.write(&file, &mended);
    place.perfidy(&["shrink", &file, "nowhere.toml"]).ends_with(2).says(&["does not break any more"]);
    assert_eq!(place.read(&file), mended);
}
