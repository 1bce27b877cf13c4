//! `${NAME}` in configuration values, from the environment and `.env` files.

use std::collections::BTreeMap;
use std::path::Path;

/// Nobody writes more; it bounds the recursion.
const MOST_NESTED: usize = 8;

/// The variables configuration files may refer to. Process variables win over
/// those of a `.env` file.
#[derive(Clone, Debug, Default)]
pub struct Env {
    variables: BTreeMap<String, String>,
}

impl Env {
    /// No variables at all: for tests.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The process's variables over those of `directory/.env`, when it exists.
    pub fn load(directory: &Path) -> std::io::Result<Self> {
        let mut variables = BTreeMap::new();
        match std::fs::read_to_string(directory.join(".env")) {
            Ok(text) => variables.extend(parse_dotenv(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        variables.extend(std::env::vars());
        Ok(Self { variables })
    }

    /// Sets a variable over all others.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// A variable's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Replaces `${NAME}` and `${NAME:-default}` in `text`; `$${` stands for a
    /// literal `${`. A default may hold variables in turn: `${A:-${B:-c}}`. The
    /// error is the message for a diagnostic.
    pub fn substitute(&self, text: &str) -> Result<String, String> {
        self.replaced(text, 0)
    }

    fn replaced(&self, text: &str, depth: usize) -> Result<String, String> {
        if MOST_NESTED < depth {
            return Err(format!("more than {MOST_NESTED} defaults in one another"));
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            if let Some(escaped) = before.strip_suffix('$') {
                out.push_str(escaped);
                out.push_str("${");
                rest = &from[2..];
                continue;
            }
            out.push_str(before);
            let Some(end) = closing_brace(from) else {
                return Err(format!("`{from}` has no closing brace"));
            };
            let inner = &from[2..end];
            let (name, default) = match inner.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (inner, None),
            };
            let value = self.get(name).filter(|value| !value.is_empty() || default.is_none());
            match (value, default) {
                (Some(value), _) => out.push_str(value),
                (None, Some(default)) => out.push_str(&self.replaced(default, depth + 1)?),
                (None, None) => return Err(format!("environment variable `{name}` is not set")),
            }
            rest = &from[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// Where the `${` that `text` begins with is closed.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut before = ' ';
    for (index, letter) in text.char_indices() {
        match letter {
            '{' if before == '$' => open += 1,
            '}' => {
                open = open.saturating_sub(1);
                if open == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
        before = letter;
    }
    None
}

/// `NAME=value` lines; `#` comments, `export ` and matching quotes are allowed.
fn parse_dotenv(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    text.lines().filter_map(|line| {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        let value = value.trim();
        let unquoted = ['"', '\'']
            .iter()
            .find_map(|&quote| value.strip_prefix(quote).and_then(|v| v.strip_suffix(quote)))
            .unwrap_or(value);
        Some((name.trim().to_owned(), unquoted.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substitutes_values_defaults_and_escapes() {
        let env = Env::empty().with("KEY", "k1").with("EMPTY", "");
        assert_eq!(env.substitute("a ${KEY} b").unwrap(), "a k1 b");
        assert_eq!(env.substitute("${MISSING:-http://x}").unwrap(), "http://x");
        assert_eq!(env.substitute("${EMPTY:-d}").unwrap(), "d");
        assert_eq!(env.substitute("$${KEY}").unwrap(), "${KEY}");
        assert_eq!(env.substitute("${NO}").unwrap_err(), "environment variable `NO` is not set");
        assert_eq!(env.substitute("x ${NO").unwrap_err(), "`${NO` has no closing brace");
        assert_eq!(env.substitute("${NO:-{a}}").unwrap(), "{a}", "only `${{` opens");
    }

    #[test]
    fn a_default_may_hold_variables() {
        let env = Env::empty().with("COMMON", "c").with("OWN", "o").with("EMPTY", "");
        assert_eq!(env.substitute("${NO:-${COMMON:-d}}/x").unwrap(), "c/x");
        assert_eq!(env.substitute("${EMPTY:-${NO:-d}}").unwrap(), "d");
        // What is not needed may be unset.
        assert_eq!(env.substitute("${OWN:-${NO}}").unwrap(), "o");
        let unset = env.substitute("${NO:-a ${NONE}}").unwrap_err();
        assert_eq!(unset, "environment variable `NONE` is not set");
        assert!(env.substitute("${NO:-${COMMON}").unwrap_err().contains("no closing brace"));
        let deep = format!("{}x{}", "${NO:-".repeat(10), "}".repeat(10));
        assert_eq!(env.substitute(&deep).unwrap_err(), "more than 8 defaults in one another");
    }

    #[test]
    fn reads_dotenv_lines() {
        let read: Vec<_> = parse_dotenv("# c\nA=1\nexport B=\"two words\"\n\nC='x'\n").collect();
        let expected = [("A", "1"), ("B", "two words"), ("C", "x")];
        assert_eq!(read, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }
}
