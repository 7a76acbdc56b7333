//! `perfidy list`: what a scenario can name.

use super::{Format, Status, print, say_record};
use crate::catalogue::{self, Family, Item};
use crate::suite::Suite;
use clap::builder::{PossibleValuesParser, TypedValueParser};

#[derive(clap::Args)]
pub struct Arguments {
    /// Only these
    #[arg(value_parser = family_parser())]
    families: Vec<Family>,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn family_parser() -> impl TypedValueParser<Value = Family> {
    let named = |name: String| Family::ALL.into_iter().find(|family| family.plural() == name);
    PossibleValuesParser::new(Family::ALL.map(Family::plural))
        .map(move |name| named(name).expect("one of them"))
}

pub fn list(suite: &Suite, arguments: &Arguments) -> Status {
    let all = catalogue::all(suite);
    let is_wanted = |family| arguments.families.is_empty() || arguments.families.contains(&family);
    let width = catalogue::widest(&all);
    let mut is_first = true;
    for family in Family::ALL.into_iter().filter(|family| is_wanted(*family)) {
        let items: Vec<&Item> = all.iter().filter(|item| item.family == family).collect();
        if items.is_empty() {
            continue;
        }
        if arguments.format == Format::Json {
            for item in items {
                say_record(&record(item));
            }
            continue;
        }
        if !std::mem::take(&mut is_first) {
            print("");
        }
        print(format_args!("{}  {}", family.plural().to_uppercase(), family.place()));
        for item in items {
            print(format_args!("  {:width$}  {}", item.name, item.about));
        }
    }
    Status::AsExpected
}

fn record(item: &Item) -> serde_json::Value {
    let keys: serde_json::Map<String, serde_json::Value> =
        item.keys.iter().map(|key| (key.name.to_owned(), key.means.as_str().into())).collect();
    serde_json::json!({
        "family": item.family.to_string(),
        "name": item.name,
        "about": item.about,
        "keys": keys,
        "example": item.example,
    })
}
