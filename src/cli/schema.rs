//! `perfidy schema`: the JSON Schema of scenario files.

use super::{Status, print};
use crate::schema;
use crate::suite::Suite;

#[derive(clap::Args)]
pub struct Arguments {}

pub fn schema(suite: &Suite, Arguments {}: &Arguments) -> Status {
    print(schema::pretty(suite));
    Status::AsExpected
}
