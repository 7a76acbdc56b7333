//! The effect of faults on whole teams, and which faults a file can set against which team.

mod all_at_once;
mod event_log;
mod every_team;
mod first_token;
mod learnt;
mod per_entry;
