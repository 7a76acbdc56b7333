//! Tests of the library from outside, in one executable: what each file is about stands at its top. Linking
//! takes longer than most of them, and so many tests keep all cores busy to the end.

mod altered_messages;
mod announcements;
mod bad_scenarios;
mod bounds;
mod cases;
mod components;
mod determinism;
mod engines_agree;
mod faults;
mod fuzzed;
mod guide;
mod hard_bugs;
mod in_code;
mod layers;
mod older_failures;
mod one_file_each;
mod own_faults;
mod probes;
mod property_teeth;
mod protocols;
mod published_orderings;
mod robustness;
mod round_trip;
mod schema;
mod shrinking;
mod stories;
