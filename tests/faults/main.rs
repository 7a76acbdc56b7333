//! What faults do to whole teams, and against whom a file can set them.

mod all_at_once;
mod learnt;
mod every_team;
mod per_entry;
