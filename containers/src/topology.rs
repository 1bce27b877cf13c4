//! Which resources a simulator configuration has, and where.
//!
//! Only what a caller needs to find them is read here. Everything else in the
//! file is the simulator's to check, with its own diagnostics.

use seam::env::Env;
use serde::Deserialize;

use crate::error::Error;

/// The configuration the simulator has built in.
pub(crate) const BUILT_IN: &str = include_str!("../../simulator/src/default.toml");

/// A simulated resource, before its container has started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) key: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    resources: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    port: u16,
    keys: Vec<String>,
}

/// The resources of `toml`, `${NAME}` replaced as the simulator will replace it;
/// only those named in `wanted`, unless that is empty.
pub(crate) fn resources(toml: &str, env: &Env, wanted: &[String]) -> Result<Vec<Resource>, Error> {
    let file: File = toml::from_str(toml).map_err(|error| Error::Config(error.to_string()))?;
    let substitute = |text: &str| {
        env.substitute(text).map_err(|problem| {
            Error::Config(format!("{problem}; give it to the container with `.env(name, value)`"))
        })
    };
    let mut all = Vec::new();
    for entry in file.resources {
        let name = substitute(&entry.name)?;
        let Some(key) = entry.keys.first() else {
            return Err(Error::Config(format!("resource `{name}` has no key")));
        };
        all.push(Resource { port: entry.port, key: substitute(key)?, name });
    }
    if all.is_empty() {
        return Err(Error::Config("it has no `[[resources]]`".to_owned()));
    }
    let known = || all.iter().map(|resource| resource.name.clone()).collect::<Vec<_>>();
    if let Some(name) = wanted.iter().find(|name| all.iter().all(|one| one.name != **name)) {
        return Err(Error::NoResource { name: name.clone(), known: known() });
    }
    if !wanted.is_empty() {
        all.retain(|resource| wanted.contains(&resource.name));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Env {
        Env::empty().with("SIMULATOR_API_KEY", "secret")
    }

    #[test]
    fn the_built_in_configuration() {
        let all = resources(BUILT_IN, &env(), &[]).unwrap();
        let expected = [("ptu1", 8001), ("payg1", 8002), ("payg2", 8003)]
            .map(|(name, port)| Resource { name: name.to_owned(), port, key: "secret".to_owned() });
        assert_eq!(all, expected);
    }

    #[test]
    fn only_the_wanted() {
        let one = resources(BUILT_IN, &env(), &["payg2".to_owned()]).unwrap();
        assert_eq!(one.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["payg2"]);
        let error = resources(BUILT_IN, &env(), &["payg3".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no resource `payg3` in this simulator: it serves ptu1, payg1, payg2"
        );
    }

    #[test]
    fn what_cannot_be_found_out_is_said() {
        for (toml, expected) in [
            ("version = 1", "it has no `[[resources]]`"),
            ("[[resources]]\nname = 'a'\nport = 70000\nkeys = ['k']", "port = 70000"),
            ("[[resources]]\nname = 'a'\nport = 1\nkeys = []", "resource `a` has no key"),
            (
                "[[resources]]\nname = 'a'\nport = 1\nkeys = ['${NO}']",
                "`NO` is not set; give it to the container with `.env(name, value)`",
            ),
        ] {
            let error = resources(toml, &env(), &[]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
