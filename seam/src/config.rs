//! TOML configuration files: text to typed values, with spanned errors.
//!
//! `${NAME}` is replaced inside parsed string values, never in the file's text:
//! spans stay true, and no diagnostic prints a secret.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::env::Env;

/// Reads a file into a [`Source`]; the error names the file and the reason.
pub fn read(path: &std::path::Path) -> Result<Source, Diagnostic> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Source::new(path.display().to_string(), text)),
        Err(error) => {
            Err(Diagnostic::without_source(format!("cannot read `{}`: {error}", path.display())))
        }
    }
}

/// Parses TOML into `T`. Unknown keys are errors when `T` denies them; every
/// diagnostic points into the source, and a misspelt name gets the nearest one.
pub fn parse<T: DeserializeOwned>(source: &Source, env: &Env) -> Result<T, Vec<Diagnostic>> {
    let (mut table, errors) = DeTable::parse_recoverable(source.text());
    if !errors.is_empty() {
        return Err(errors.iter().map(|error| from_toml(source, error)).collect());
    }
    let mut diagnostics = Vec::new();
    substitute_table(table.get_mut(), source, env, &mut diagnostics);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    T::deserialize(Deserializer::from(table)).map_err(|error| vec![from_toml(source, &error)])
}

/// Reads JSON, as a control API gets it, into what a file's TOML is read into: one
/// table. Texts stay as they are. Diagnostics point into the same in TOML.
pub fn from_json<T: DeserializeOwned>(
    name: &str,
    table: &serde_json::Value,
) -> Result<(Source, T), Vec<Diagnostic>> {
    let text = toml::to_string(table)
        .map_err(|error| Diagnostic::without_source(error.to_string()))
        .map_err(|problem| vec![problem.help("null has no place here")])?;
    let source = Source::new(name, text);
    let read = DeTable::parse(source.text())
        .and_then(|table| T::deserialize(Deserializer::from(table)))
        .map_err(|error| vec![from_toml(&source, &error)])?;
    Ok((source, read))
}

fn substitute_table(
    table: &mut DeTable<'_>,
    source: &Source,
    env: &Env,
    out: &mut Vec<Diagnostic>,
) {
    for (_, value) in table.iter_mut() {
        substitute_value(value, source, env, out);
    }
}

fn substitute_array(
    array: &mut DeArray<'_>,
    source: &Source,
    env: &Env,
    out: &mut Vec<Diagnostic>,
) {
    for value in array.iter_mut() {
        substitute_value(value, source, env, out);
    }
}

fn substitute_value(
    value: &mut Spanned<DeValue<'_>>,
    source: &Source,
    env: &Env,
    out: &mut Vec<Diagnostic>,
) {
    let span = value.span();
    match value.get_mut() {
        DeValue::String(text) if text.contains("${") => match env.substitute(text) {
            Ok(replaced) => *text = replaced.into(),
            Err(message) => out.push(Diagnostic::error(source, span, message).help(
                "set it in the environment or in a `.env` file, or give a default: `${NAME:-default}`",
            )),
        },
        DeValue::Table(table) => substitute_table(table, source, env, out),
        DeValue::Array(array) => substitute_array(array, source, env, out),
        _ => {}
    }
}

fn from_toml(source: &Source, error: &toml::de::Error) -> Diagnostic {
    let message = error.message().trim_end().replace('\n', ", ");
    let span = error.span().unwrap_or(0..0);
    let mut diagnostic = Diagnostic::error(source, span, message.clone());
    if let Some((wrong, allowed)) = unknown_name(&message)
        && let Some(near) = nearest(wrong, allowed.iter().copied())
    {
        diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
    }
    diagnostic
}

/// Takes serde's "unknown field `x`, expected one of `a`, `b`" apart.
fn unknown_name(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message
        .strip_prefix("unknown field ")
        .or_else(|| message.strip_prefix("unknown variant "))?;
    let mut names = rest.split('`').skip(1).step_by(2);
    let wrong = names.next()?;
    Some((wrong, names.collect()))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read through Debug")]
    struct Example {
        name: String,
        #[serde(default)]
        keys: Vec<String>,
    }

    fn read(text: &str) -> Result<Example, String> {
        let env = Env::empty().with("SECRET", "s3cret");
        parse(&Source::new("example.toml", text), &env)
            .map_err(|all| all.iter().map(|d| d.render(false)).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn substitutes_inside_values() {
        assert_eq!(read("name = \"x\"\nkeys = [\"${SECRET}\"]").unwrap().keys, ["s3cret"]);
    }

    #[test]
    fn points_at_unknown_keys_and_unset_variables() {
        insta::assert_snapshot!(read("name = \"x\"\nkey = []").unwrap_err());
        insta::assert_snapshot!(read("name = \"${NOPE}\"").unwrap_err());
        insta::assert_snapshot!(read("name = ").unwrap_err());
    }
}
