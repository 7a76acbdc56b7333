//! Tools and what steps ask of them: kinds that there are not, keys of another kind, and arguments that a
//! tool cannot make out.

use super::said_of_edits;

/// A step that a bank carries out, with these arguments.
const PAYMENT: (&str, &str) = (
    "tool = \"ticketing.create\"",
    "tool = \"bank.transfer\"\nargs = { from = \"alice\", to = \"bob\", amount = 5 }",
);

const BANK: (&str, &str) = (
    "[tools.mail]",
    "[tools.bank]\nkind = \"accounts\"\nbalances = { alice = 100, bob = 0 }\n\n[tools.mail]",
);

#[test]
fn the_tables_of_tools() {
    insta::assert_snapshot!(said_of_edits(&[
        ("an unknown kind", &[("[tools.mail]", "[tools.mail]\nkind = \"recods\"")]),
        ("a kind that is like none", &[("[tools.mail]", "[tools.mail]\nkind = \"blockchain\"")]),
        ("a kind that is no text", &[("[tools.mail]", "[tools.mail]\nkind = 7")]),
        ("a key of another kind, and no kind", &[("[tools.mail]", "[tools.mail]\nchanges-every = \"5s\"")]),
        (
            "a key of another kind than the one that is named",
            &[(
                "[tools.mail]",
                "[tools.mail]\nkind = \"accounts\"\nbalances = { alice = 1 }\ntokens = \"1..2\""
            )],
        ),
        (
            "a misspelt key of its own kind",
            &[("[tools.mail]", "[tools.mail]\nkind = \"accounts\"\nbalance = {}")]
        ),
        ("a balance that is no number", &[BANK, ("alice = 100", "alice = \"much\"")]),
    ]));
}

#[test]
fn the_arguments_of_steps() {
    insta::assert_snapshot!(said_of_edits(&[
        ("an argument of the wrong type", &[PAYMENT, BANK, ("amount = 5", "amount = \"five\"")]),
        ("a negative amount", &[PAYMENT, BANK, ("amount = 5", "amount = -5")]),
        ("a misspelt argument", &[PAYMENT, BANK, ("amount = 5", "amout = 5")]),
        ("an argument that is like none", &[PAYMENT, BANK, ("amount = 5", "amount = 5, currency = \"EUR\"")]),
        ("an argument that is missing", &[PAYMENT, BANK, (", amount = 5", "")]),
        (
            "no arguments at all",
            &[PAYMENT, BANK, ("args = { from = \"alice\", to = \"bob\", amount = 5 }", "")]
        ),
        (
            "arguments that are no table",
            &[PAYMENT, BANK, ("{ from = \"alice\", to = \"bob\", amount = 5 }", "5")]
        ),
        ("a misspelt operation", &[PAYMENT, BANK, ("bank.transfer", "bank.transfr")]),
    ]));
}
