//! What the command line and the environment say instead of a scenario's
//! `[topology]`: the same scenario, against a stack that runs elsewhere.

use std::collections::BTreeMap;

use seam::diagnostic::Diagnostic;
use seam::env::Env;

use super::model::BaseUrl;
use crate::record::Endpoints;

/// The gateway's URL, when `--gateway-url` does not give it.
const GATEWAY_URL: &str = "HARNESS_GATEWAY_URL";
/// `NAME=URL` of each simulator, when no `--simulator-url` is given.
const SIMULATOR_URLS: &str = "HARNESS_SIMULATOR_URLS";
/// The key of the gateway's control paths.
const GATEWAY_KEY: &str = "HARNESS_GATEWAY_KEY";
/// `NAME=KEY` of simulators whose key is not the file's.
const SIMULATOR_KEYS: &str = "HARNESS_SIMULATOR_KEYS";

/// Whether simulators are behind the gateway, when `--use-simulator` does not say.
pub(super) const USE_SIMULATOR: &str = "USE_SIMULATOR";

/// Replaces parts of a scenario's topology.
#[derive(Clone, Default)]
pub struct Overrides {
    pub(super) gateway_url: Option<BaseUrl>,
    pub(super) gateway_key: Option<String>,
    /// Not in order of names: problems are told in the order given.
    pub(super) simulator_urls: Vec<(String, BaseUrl)>,
    pub(super) simulator_keys: BTreeMap<String, String>,
    pub(super) endpoints: Endpoints,
}

/// Without the keys.
impl std::fmt::Debug for Overrides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Overrides")
            .field("gateway_url", &self.gateway_url)
            .field("simulator_urls", &self.simulator_urls)
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}

impl Overrides {
    /// From the options `--gateway-url`, `--simulator-url` and `--use-simulator`, and
    /// the variables `HARNESS_…` and `USE_SIMULATOR` of `env`; an option wins over its
    /// variable. The errors name the option or the variable.
    pub fn new(
        gateway_url: Option<&str>,
        simulator_urls: &[String],
        use_simulator: Option<bool>,
        env: &Env,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let variable = |name: &str| env.get(name).filter(|value| !value.trim().is_empty());
        let (gateway_url, origin) = match gateway_url {
            Some(url) => (Some(url), "--gateway-url"),
            None => (variable(GATEWAY_URL), GATEWAY_URL),
        };
        let gateway_url = gateway_url.and_then(|url| base_url(url.trim(), origin, &mut problems));
        let (pairs, origin): (Vec<&str>, _) = match simulator_urls {
            [] => (list(variable(SIMULATOR_URLS)), SIMULATOR_URLS),
            given => (given.iter().map(String::as_str).collect(), "--simulator-url"),
        };
        let mut urls: Vec<(String, BaseUrl)> = Vec::new();
        for pair in pairs {
            let Some((name, url)) = pair.split_once('=').filter(|(name, _)| !name.is_empty())
            else {
                problems.push(
                    Diagnostic::without_source(format!("{origin}: `{pair}` names no simulator"))
                        .help("write NAME=URL, `payg1=http://localhost:8002` for instance"),
                );
                continue;
            };
            if urls.iter().any(|(known, _)| known == name) {
                let message = format!("{origin}: `{name}` is given twice");
                problems.push(Diagnostic::without_source(message));
            } else if let Some(url) = base_url(url, origin, &mut problems) {
                urls.push((name.to_owned(), url));
            }
        }
        let mut keys = BTreeMap::new();
        for (index, pair) in list(variable(SIMULATOR_KEYS)).into_iter().enumerate() {
            match pair.split_once('=').filter(|(name, _)| !name.is_empty()) {
                Some((name, key)) => {
                    keys.insert(name.to_owned(), key.to_owned());
                }
                // Its text may be a key, which no message shows.
                None => problems.push(
                    Diagnostic::without_source(format!(
                        "{SIMULATOR_KEYS}: entry {} names no simulator",
                        index + 1
                    ))
                    .help("write NAME=KEY, several with a comma or a space between them"),
                ),
            }
        }
        let use_simulator = match (use_simulator, variable(USE_SIMULATOR)) {
            (Some(given), _) => given,
            (None, Some(text)) => yes_or_no(text.trim(), &mut problems),
            (None, None) => true,
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            gateway_url,
            gateway_key: variable(GATEWAY_KEY).map(|key| key.trim().to_owned()),
            simulator_urls: urls,
            simulator_keys: keys,
            endpoints: if use_simulator { Endpoints::Simulators } else { Endpoints::Real },
        })
    }

    /// Whether anything but keys is replaced.
    #[must_use]
    pub fn replace_something(&self) -> bool {
        self.gateway_url.is_some()
            || !self.simulator_urls.is_empty()
            || self.endpoints == Endpoints::Real
    }
}

/// The value of [`USE_SIMULATOR`].
fn yes_or_no(text: &str, problems: &mut Vec<Diagnostic>) -> bool {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => true,
        "false" | "0" | "no" | "off" => false,
        _ => {
            problems.push(
                Diagnostic::without_source(format!(
                    "{USE_SIMULATOR}: `{text}` is neither true nor false"
                ))
                .help("write true, or false where real endpoints are behind the gateway"),
            );
            true
        }
    }
}

fn list(text: Option<&str>) -> Vec<&str> {
    let parts = text.unwrap_or_default().split(|c: char| c == ',' || c.is_whitespace());
    parts.filter(|part| !part.is_empty()).collect()
}

fn base_url(text: &str, origin: &str, problems: &mut Vec<Diagnostic>) -> Option<BaseUrl> {
    BaseUrl::parse(text)
        .map_err(|message| {
            problems.push(Diagnostic::without_source(format!("{origin}: {message}")));
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Env {
        Env::empty()
            .with(GATEWAY_URL, "http://env:1")
            .with(SIMULATOR_URLS, "a=http://a:1, b=http://b:1")
            .with(SIMULATOR_KEYS, "a=one=1 b=two")
    }

    #[test]
    fn options_win_over_variables() {
        let from_env = Overrides::new(None, &[], None, &env()).unwrap();
        assert_eq!(from_env.gateway_url.unwrap().as_str(), "http://env:1");
        let names: Vec<&str> = from_env.simulator_urls.iter().map(|one| one.0.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(from_env.simulator_keys["a"], "one=1");
        let given = ["b=http://b:2/".to_owned()];
        let both = Overrides::new(Some("http://cli:1"), &given, None, &env()).unwrap();
        assert_eq!(both.gateway_url.unwrap().as_str(), "http://cli:1");
        assert_eq!(both.simulator_urls.len(), 1);
        assert_eq!(both.simulator_urls[0].1.as_str(), "http://b:2");
        assert!(!Overrides::new(None, &[], None, &Env::empty()).unwrap().replace_something());
    }

    #[test]
    fn real_endpoints_are_chosen_by_option_or_variable() {
        let chosen = |option, text: &str| {
            let env = Env::empty().with(USE_SIMULATOR, text);
            Overrides::new(None, &[], option, &env).map(|all| all.endpoints)
        };
        for (text, endpoints) in [
            ("", Endpoints::Simulators),
            ("True", Endpoints::Simulators),
            (" false ", Endpoints::Real),
            ("0", Endpoints::Real),
        ] {
            assert_eq!(chosen(None, text).unwrap(), endpoints, "{text}");
        }
        assert_eq!(chosen(Some(true), "false").unwrap(), Endpoints::Simulators);
        assert_eq!(chosen(Some(false), "").unwrap(), Endpoints::Real);
        let problems = chosen(None, "perhaps").unwrap_err();
        assert!(problems[0].render(false).contains("USE_SIMULATOR: `perhaps` is neither"));
    }

    #[test]
    fn mistakes_are_told_by_where_they_stand_and_show_no_key() {
        let given = ["http://x", "a=nowhere", "b=http://b", "b=http://b"].map(str::to_owned);
        let env = Env::empty().with(SIMULATOR_KEYS, "secret");
        let problems = Overrides::new(Some("gateway:8000"), &given, None, &env).unwrap_err();
        let text: Vec<String> = problems.iter().map(|one| one.render(false)).collect();
        insta::assert_snapshot!(text.join("\n"));
        let keyed = Overrides::new(None, &[], None, &self::env()).unwrap();
        assert!(!format!("{keyed:?}").contains("two"));
    }
}
