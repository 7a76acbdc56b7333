//! Pages: one HTML file each that loads nothing and is opened from disk.
//!
//! What stands in a page comes from agents, tools and files. All of it goes through maud, which escapes it.
//! The content security policy allows one script and one style, by their hashes, and nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");

/// The colours of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Theme {
    /// Those that its reader prefers.
    Auto,
    /// For light documents.
    Light,
    /// For dark documents.
    Dark,
}

/// The colours of a theme, as variables of a style.
pub(super) fn colours(theme: Theme) -> String {
    let (light, dark) = (include_str!("light.css").trim_end(), include_str!("dark.css").trim_end());
    match theme {
        Theme::Light => format!(":root{{{light}}}"),
        Theme::Dark => format!(":root{{{dark}}}"),
        Theme::Auto => format!(":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"),
    }
}

/// The rules of a style for what is inside this selector: one rule a line, without nesting.
pub(super) fn scoped(style: &str, inside: &str) -> String {
    let rule = |rule: &str| {
        let (selectors, body) = rule.split_once('{').expect("each line is a rule");
        let selectors: Vec<String> =
            selectors.split(',').map(|selector| format!("{inside} {selector}")).collect();
        format!("{}{{{body}", selectors.join(","))
    };
    style.lines().map(rule).collect()
}

/// A page with this body, whose style and script are perfidy's own.
pub(super) fn document(title: &str, own_style: &str, script: Option<&str>, body: &Markup) -> String {
    let style = format!("{}{STYLE}{own_style}", colours(Theme::Auto));
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    let script_source = script.map_or_else(|| "'none'".to_owned(), hash);
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {script_source}; base-uri 'none'; form-action 'none'",
        hash(&style)
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(&style)) }
            }
            body {
                (body)
                @if let Some(script) = script { script { (PreEscaped(script)) } }
            }
        }
    };
    page.into_string()
}
