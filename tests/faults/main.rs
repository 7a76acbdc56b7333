//! What faults do to whole teams, and against whom a file can set them.

mod all_at_once;
mod every_team;
mod learnt;
mod per_entry;
