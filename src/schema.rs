//! The JSON Schema of scenario files, for editors that complete and check them while they are written.
//!
//! It is made from what reads the files: the [shapes](crate::config) of the tables, and the workflows,
//! safeguards, faults, properties and kinds of tools of a [`Suite`], also of yours. It accepts every file
//! that perfidy accepts and refuses what can be told from the form alone: a name that does not exist, a key
//! that is missing, a length of time without its unit. What depends on the team, such as a message that no
//! agent sends, only `check` can tell.
//!
//! A file names its schema in the first line, as [taplo](https://taplo.tamasfe.dev) and the editors with it
//! read it:
//!
//! ```toml
//! #:schema ../../scenario.schema.json
//! # A lost acknowledgement must not file the ticket twice.
//! ```
//!
//! ```
//! let schema = perfidy::schema::schema(&perfidy::suite::Suite::shipped());
//! assert!(schema["properties"]["faults"]["properties"]["ack-lost"].is_object());
//! ```

use crate::catalogue::{FileTable, TABLES, meaning, shape_of_fault, shape_of_safeguard};
use crate::config::{QUANTITIES, Shape};
use crate::properties::{AtMost, Property};
use crate::scenario::{own_shape, tables, tool_keys};
use crate::suite::Suite;
use crate::tools::ToolKind;
use crate::workflows::Workflow;
use serde_json::{Map, Value, json};

/// The file that has the schema of the scenarios of a crate, in the folder of the crate.
pub const FILE: &str = "scenario.schema.json";

/// What a name in an address can be made of.
const WORD: &str = "^[A-Za-z0-9_-]+$";

/// A tool and its operation.
const CALL: &str = "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$";

/// The schema of the files that can be read for a suite, as JSON Schema draft 7, which taplo reads.
pub fn schema(suite: &Suite) -> Value {
    let workflows: Vec<&str> = suite.workflows().map(|workflow| workflow.name).collect();
    let abouts: Vec<&str> = suite.workflows().map(|workflow| workflow.about).collect();
    let mut properties = Map::new();
    for (name, shape) in tables() {
        properties.insert(name.to_owned(), of_shape(&shape));
    }
    let open = [
        ("workflow", json!({ "enum": workflows, "x-taplo": { "docs": { "enumValues": abouts } } })),
        ("team", json!({ "type": "object", "additionalProperties": { "type": "integer" } })),
        ("faults", faults(suite)),
        ("safeguards", safeguards(suite)),
        ("properties", of_properties(suite)),
        ("tools", tools(suite)),
    ];
    properties.extend(open.map(|(name, schema)| (name.to_owned(), schema)));
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A scenario for perfidy",
        "type": "object",
        "additionalProperties": false,
        "required": ["workflow", "step"],
        "properties": properties,
        "definitions": definitions(suite),
        "allOf": suite.workflows().map(|workflow| team(workflow)).collect::<Vec<_>>(),
    });
    name_what_can_be_named(&mut schema["properties"], suite);
    for table in TABLES {
        let schema = &mut schema["properties"][table.name];
        schema["description"] = table.about.into();
        describe_keys(schema, table, "");
    }
    schema
}

/// Says what the keys of a table mean, and those of the tables in it.
fn describe_keys(schema: &mut Value, table: &FileTable, path: &str) {
    let of_others = ["items", "additionalProperties"].into_iter().find(|key| schema[*key].is_object());
    let schema = match of_others {
        Some(key) => &mut schema[key],
        None => schema,
    };
    let Some(Value::Object(keys)) = schema.get_mut("properties") else { return };
    for (name, schema) in keys {
        let path = format!("{path}{name}");
        if let Some(meaning) = table.meaning(&path) {
            schema["description"] = meaning.into();
        }
        describe_keys(schema, table, &format!("{path}."));
    }
}

/// Puts the names of the suite where a file names one of them as text.
fn name_what_can_be_named(properties: &mut Value, suite: &Suite) {
    let consistency: Vec<&str> = crate::agent::Consistency::ALL.iter().map(|model| model.name()).collect();
    let one_or_many = |names: Vec<&str>| {
        let one = json!({ "enum": names });
        json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    };
    let word = || json!({ "type": "string", "pattern": WORD });
    let call = || json!({ "type": "string", "pattern": CALL });
    for (path, schema) in [
        ("/without/items/properties/safeguards", one_or_many(suite.safeguard_names())),
        ("/without/items/properties/violates", one_or_many(suite.property_names())),
        ("/service-level/items/properties/property", json!({ "enum": suite.property_names() })),
        ("/store/properties/reads", json!({ "enum": consistency })),
        ("/step/items/properties/name", word()),
        ("/step/items/properties/tool", call()),
        ("/step/items/properties/undo", call()),
    ] {
        let place = properties.pointer_mut(path);
        *place.unwrap_or_else(|| panic!("no table of a file has {path}")) = schema;
    }
}

/// The roles of a workflow, where a file names it.
fn team(workflow: &Workflow) -> Value {
    let role = |role: &crate::workflows::Role| {
        let schema = json!({
            "type": "integer",
            "minimum": role.count.start(),
            "maximum": role.count.end(),
            "default": role.default,
        });
        (role.group.to_owned(), schema)
    };
    let roles: Map<String, Value> = workflow.roles.iter().map(role).collect();
    json!({
        "if": { "properties": { "workflow": { "const": workflow.name } }, "required": ["workflow"] },
        "then": { "properties": { "team": { "properties": roles, "additionalProperties": false } } },
    })
}

fn faults(suite: &Suite) -> Value {
    let until = of_shape(&Shape::of::<crate::config::Span>());
    let mut kinds = Map::from_iter([("until".to_owned(), until)]);
    for kind in suite.faults() {
        let one = reference(kind.name);
        let many = json!({ "type": "array", "items": one, "minItems": 1 });
        let schema = json!({ "description": kind.about, "anyOf": [one, many] });
        kinds.insert(kind.name.to_owned(), schema);
    }
    table(&kinds)
}

/// One entry of each kind of fault, of which a file can have a list; and the tools.
fn definitions(suite: &Suite) -> Map<String, Value> {
    let faults = suite.faults().map(|kind| (kind.name.to_owned(), described(&shape_of_fault(kind))));
    let tools = suite.tools().iter().map(|kind| (of_kind(kind), tool(kind)));
    faults.chain(tools).chain([(ANY_TOOL.to_owned(), any_tool(suite))]).collect()
}

fn safeguards(suite: &Suite) -> Value {
    let kinds = suite.safeguards().iter().map(|kind| {
        let mut schema = described(&shape_of_safeguard(kind));
        schema["description"] = kind.about.into();
        (kind.name.to_owned(), schema)
    });
    table(&kinds.collect())
}

fn of_properties(suite: &Suite) -> Value {
    let keys = |property: &Property| {
        let waive = json!({ "type": "string", "minLength": 1, "description": "why it is waived" });
        let mut keys = Map::from_iter([("waive".to_owned(), waive)]);
        if let Some(bound) = property.bound {
            let schema = match bound.usual {
                AtMost::Span(_) => of_shape(&Shape::of::<crate::config::Span>()),
                AtMost::Count(_) => json!({ "type": "integer", "minimum": 1 }),
            };
            keys.insert(bound.key.to_owned(), schema);
        }
        keys
    };
    let properties = suite.properties().iter().map(|property| {
        let mut schema = table(&keys(property));
        schema["description"] = property.about.into();
        (property.name.to_owned(), schema)
    });
    table(&properties.collect())
}

/// A tool has the keys of its kind. If the table does not say of which kind it is, that is the one that is
/// called as the tool, or else the first.
fn tools(suite: &Suite) -> Value {
    let unnamed = |kind: &ToolKind| {
        let has_no_kind = json!({ "not": { "required": ["kind"] } });
        json!({ "allOf": [reference(ANY_TOOL), { "if": has_no_kind, "then": reference(&of_kind(kind)) }] })
    };
    let called_as_a_kind = suite.tools().iter().map(|kind| (kind.name.to_owned(), unnamed(kind)));
    json!({
        "type": "object",
        "propertyNames": { "pattern": WORD },
        "properties": called_as_a_kind.collect::<Map<_, _>>(),
        "additionalProperties": suite.tools().first().map(unnamed),
    })
}

/// The definition of a tool whose table says of which kind it is. No fault has a name with a blank.
const ANY_TOOL: &str = "tool of any kind";

/// The definition of the tools of a kind.
fn of_kind(kind: &ToolKind) -> String {
    format!("tool of the kind {}", kind.name)
}

fn reference(definition: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{}", definition.replace(' ', "%20")) })
}

fn any_tool(suite: &Suite) -> Value {
    let names: Vec<&str> = suite.tools().iter().map(|kind| kind.name).collect();
    let case = |kind: &ToolKind| {
        let is_it = json!({ "properties": { "kind": { "const": kind.name } }, "required": ["kind"] });
        json!({ "if": is_it, "then": reference(&of_kind(kind)) })
    };
    json!({
        "type": "object",
        "properties": { "kind": { "enum": names } },
        "allOf": suite.tools().iter().map(case).collect::<Vec<_>>(),
    })
}

fn tool(kind: &ToolKind) -> Value {
    let mut schema = described(&own_shape(kind));
    for (name, shape) in tool_keys() {
        schema["properties"][name] = of_shape(&shape);
    }
    describe(&mut schema);
    schema["properties"]["kind"] = json!({ "const": kind.name, "description": kind.about });
    schema
}

/// The table of a fault, a safeguard or a kind of tool, whose keys mean the same wherever they stand.
fn described(shape: &Shape) -> Value {
    let mut schema = of_shape(shape);
    describe(&mut schema);
    schema
}

fn describe(schema: &mut Value) {
    let Some(Value::Object(keys)) = schema.get_mut("properties") else { return };
    for (name, schema) in keys {
        if let Some(meaning) = meaning(name) {
            schema["description"] = meaning.into();
        }
    }
}

/// A table with these keys and no others.
fn table(keys: &Map<String, Value>) -> Value {
    json!({ "type": "object", "properties": keys, "additionalProperties": false })
}

fn of_shape(shape: &Shape) -> Value {
    match shape {
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Integer { signed: true } => json!({ "type": "integer" }),
        Shape::Integer { signed: false } => json!({ "type": "integer", "minimum": 0 }),
        Shape::Number => json!({ "type": "number" }),
        Shape::Text { wanted } => match QUANTITIES.iter().find(|quantity| quantity.wanted == wanted) {
            Some(quantity) => json!({ "type": "string", "pattern": quantity.pattern }),
            None => json!({ "type": "string" }),
        },
        Shape::Word(words) => json!({ "enum": words }),
        Shape::List { of, count: None } => json!({ "type": "array", "items": of_shape(of) }),
        Shape::List { of, count: Some(count) } => {
            json!({ "type": "array", "items": of_shape(of), "minItems": count, "maxItems": count })
        }
        Shape::OneOrMany(one) => {
            let one = of_shape(one);
            json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
        }
        Shape::Table { keys, has_others } => {
            let schemas = keys.iter().map(|key| (key.name.to_owned(), of_shape(&key.shape)));
            let required = keys.iter().filter(|key| key.is_required).map(|key| key.name);
            json!({
                "type": "object",
                "properties": schemas.collect::<Map<_, _>>(),
                "required": required.collect::<Vec<_>>(),
                "additionalProperties": has_others,
            })
        }
        Shape::Map(of) => json!({ "type": "object", "additionalProperties": of_shape(of) }),
        Shape::Any => json!({}),
    }
}

/// The schema as a file has it, without the line break at its end.
///
/// # Panics
/// Never: a schema is plain JSON.
pub fn pretty(suite: &Suite) -> String {
    serde_json::to_string_pretty(&schema(suite)).expect("a schema is plain JSON")
}
