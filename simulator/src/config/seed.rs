//! The environment variables of microsoft/aoai-api-simulator, which the GenAI
//! gateway toolkit runs: whoever has set them up gets the same deployments here.
//!
//! The variables become a configuration in our own format, so that there is one
//! way to check and to run one; `simulator default-config --from-environment`
//! prints it. Names and defaults: that project's docs/config.md (v0.6, read
//! 2026-11-28).

use std::fmt::Write as _;
use std::path::PathBuf;

use seam::env::Env;
use serde_json::Value;

/// Why the variables make no configuration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SeedError {
    #[error("`{name}` is `{found}`: expected {expected}")]
    Value { name: &'static str, found: String, expected: &'static str },
    #[error("cannot read `{}`, named by OPENAI_DEPLOYMENT_CONFIG_PATH: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("`{}`, named by OPENAI_DEPLOYMENT_CONFIG_PATH: {problem}", path.display())]
    Deployments { path: PathBuf, problem: String },
}

/// The port that project listens on.
const PORT: u16 = 8000;
/// Deployments it answers for without a limit: as good as none here.
const UNLIMITED_TPM: u64 = 1_000_000_000;

/// Whether the environment is that project's. `SIMULATOR_API_KEY` alone is not:
/// our own default configuration uses it too.
pub(crate) fn is_seed(env: &Env) -> bool {
    ["SIMULATOR_MODE", "OPENAI_DEPLOYMENT_CONFIG_PATH"]
        .iter()
        .any(|name| value(env, name).is_some())
}

/// A configuration file, as text, that means what the variables say.
///
/// # Errors
/// When a variable, or the file of deployments, has an unexpected value.
pub(crate) fn from_environment(env: &Env) -> Result<String, SeedError> {
    let recording = recording(env)?;
    let undefined = flag(env, "ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS", true)?;
    let latency = latency(env)?;
    let mut text = String::from("version = 1\n\n[[resources]]\nname = \"aoai-api-simulator\"\n");
    let _ = writeln!(text, "port = {PORT}");
    let _ = writeln!(text, "keys = [\"${{SIMULATOR_API_KEY:-simulator-key}}\"]");
    text.push_str(&recording);
    if undefined {
        text.push_str("undefined_deployments = [\"undefined-chat\", \"undefined-embeddings\"]\n");
    }
    for Deployed { name, model, tpm } in deployments(env)? {
        deployment(&mut text, &name, &model, tpm, &latency);
    }
    if undefined {
        deployment(&mut text, "undefined-chat", "gpt-35-turbo", UNLIMITED_TPM, &latency);
        let model = "text-embedding-ada-002";
        deployment(&mut text, "undefined-embeddings", model, UNLIMITED_TPM, &latency);
    }
    Ok(text)
}

/// The resource's `recording`, in the modes that have one.
fn recording(env: &Env) -> Result<String, SeedError> {
    let folder = toml_string(value(env, "RECORDING_DIR").unwrap_or(".recording"));
    match value(env, "SIMULATOR_MODE").unwrap_or("generate") {
        "generate" => Ok(String::new()),
        "replay" => Ok(format!("recording = {{ mode = \"replay\", folder = {folder} }}\n")),
        "record" => {
            let Some(endpoint) = value(env, "AZURE_OPENAI_ENDPOINT") else {
                return Err(SeedError::Value {
                    name: "AZURE_OPENAI_ENDPOINT",
                    found: String::new(),
                    expected: "the endpoint to record, such as `https://NAME.openai.azure.com`",
                });
            };
            let upstream = toml_string(endpoint);
            // The key stays in the environment.
            Ok(format!(
                "recording = {{ mode = \"record\", folder = {folder}, upstream = {upstream}, upstream_key = \"${{AZURE_OPENAI_KEY:-}}\" }}\n"
            ))
        }
        other => Err(SeedError::Value {
            name: "SIMULATOR_MODE",
            found: other.to_owned(),
            expected: "`generate`, `record` or `replay`",
        }),
    }
}

fn deployment(text: &mut String, name: &str, model: &str, tpm: u64, latency: &str) {
    let quoted = |value: &str| toml_string(value);
    let _ = write!(
        text,
        "\n[[deployments]]\nname = {}\nmodel = {}\ntpm = {tpm}\nwire_profile = \"azure_2024\"\nlatency = {latency}\n",
        quoted(name),
        quoted(model),
    );
}

/// A basic string: JSON's escapes are TOML's.
fn toml_string(value: &str) -> String {
    // `$${` keeps a name that looks like a variable as it is.
    Value::String(value.replace("${", "$${")).to_string()
}

/// An empty variable counts as unset.
fn value<'a>(env: &'a Env, name: &str) -> Option<&'a str> {
    env.get(name).map(str::trim).filter(|value| !value.is_empty())
}

fn flag(env: &Env, name: &'static str, default: bool) -> Result<bool, SeedError> {
    match value(env, name).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(default),
        Some("true" | "1" | "yes" | "on" | "t" | "y") => Ok(true),
        Some("false" | "0" | "no" | "off" | "f" | "n") => Ok(false),
        Some(other) => {
            let found = other.to_owned();
            Err(SeedError::Value { name, found, expected: "`True` or `False`" })
        }
    }
}

/// The inline table of latencies, milliseconds.
fn latency(env: &Env) -> Result<String, SeedError> {
    const VARIABLES: [(&str, &str); 8] = [
        ("LATENCY_OPENAI_CHAT_COMPLETIONS_MEAN", "chat_ms_per_token"),
        ("LATENCY_OPENAI_CHAT_COMPLETIONS_STD_DEV", "chat_ms_per_token_std_dev"),
        ("LATENCY_OPENAI_COMPLETIONS_MEAN", "completions_ms_per_token"),
        ("LATENCY_OPENAI_COMPLETIONS_STD_DEV", "completions_ms_per_token_std_dev"),
        ("LATENCY_OPENAI_EMBEDDINGS_MEAN", "embeddings_ms_per_call"),
        ("LATENCY_OPENAI_EMBEDDINGS_STD_DEV", "embeddings_ms_per_call_std_dev"),
        ("LATENCY_OPENAI_TRANSLATIONS_MEAN", "translations_ms_per_mb"),
        ("LATENCY_OPENAI_TRANSLATIONS_STD_DEV", "translations_ms_per_mb_std_dev"),
    ];
    let mut table = String::from("{ profile = \"aoai_simulator_compat\"");
    for (name, key) in VARIABLES {
        let Some(text) = value(env, name) else { continue };
        match text.parse::<f64>().ok().filter(|number| number.is_finite() && 0.0 <= *number) {
            // With its decimal point, so that TOML reads a float.
            Some(number) => {
                let _ = write!(table, ", {key} = {number:?}");
            }
            None => {
                let expected = "a number of milliseconds, such as `15` or `2.5`";
                return Err(SeedError::Value { name, found: text.to_owned(), expected });
            }
        }
    }
    table.push_str(" }");
    Ok(table)
}

struct Deployed {
    name: String,
    model: String,
    tpm: u64,
}

/// The JSON file of deployments: `{"name": {"model": …, "tokensPerMinute": …}}`.
fn deployments(env: &Env) -> Result<Vec<Deployed>, SeedError> {
    let Some(path) = value(env, "OPENAI_DEPLOYMENT_CONFIG_PATH").map(PathBuf::from) else {
        return Ok(Vec::new());
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| SeedError::Unreadable { path: path.clone(), reason: error.to_string() })?;
    read(&text).map_err(|problem| SeedError::Deployments { path, problem })
}

fn read(text: &str) -> Result<Vec<Deployed>, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let Value::Object(deployments) = json else {
        return Err("expected an object of deployments by name".to_owned());
    };
    deployments
        .into_iter()
        .map(|(name, settings)| {
            let Value::Object(settings) = settings else {
                return Err(format!("`{name}`: expected an object"));
            };
            let mut read = (None, None);
            for (key, value) in &settings {
                match (key.as_str(), value) {
                    ("model", Value::String(model)) => read.0 = Some(model.clone()),
                    ("tokensPerMinute", Value::Number(tpm)) => read.1 = tpm.as_u64(),
                    // Our embeddings have the model's own length.
                    ("embeddingSize", Value::Number(_)) => {}
                    _ => {
                        let known = "expected `model` (a string), `tokensPerMinute` or `embeddingSize` (whole numbers)";
                        return Err(format!("`{name}`: `{key}` is {value}; {known}"));
                    }
                }
            }
            match read {
                (Some(model), Some(tpm)) => Ok(Deployed { name, model, tpm }),
                (None, _) => Err(format!("`{name}` has no `model`")),
                (_, None) => Err(format!("`{name}` has no `tokensPerMinute`")),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use seam::diagnostic::Source;

    use super::*;
    use crate::config::{RecordingConfig, load};

    fn file(text: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deployments.json");
        std::fs::write(&path, text).unwrap();
        (folder, path.display().to_string())
    }

    #[test]
    fn the_toolkits_environment_becomes_a_configuration() {
        let (_folder, path) = file(
            r#"{"deployment1": {"model": "gpt-3.5-turbo", "tokensPerMinute": 60000},
                "embedding": {"model": "text-embedding-ada-002", "tokensPerMinute": 10000, "embeddingSize": 1536}}"#,
        );
        let env = Env::empty()
            .with("SIMULATOR_MODE", "generate")
            .with("OPENAI_DEPLOYMENT_CONFIG_PATH", path)
            .with("ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS", "False")
            .with("LATENCY_OPENAI_COMPLETIONS_MEAN", "10")
            .with("LATENCY_OPENAI_COMPLETIONS_STD_DEV", "")
            .with("LATENCY_OPENAI_TRANSLATIONS_MEAN", "1000");
        assert!(is_seed(&env) && !is_seed(&Env::empty().with("SIMULATOR_MODE", "")));
        let text = from_environment(&env).unwrap();
        insta::assert_snapshot!(text);
        let (config, warnings) = load(&Source::new("environment", text.as_str()), &env).unwrap();
        assert!(warnings.is_empty());
        let names: Vec<_> =
            config.resources[0].deployments.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names, ["deployment1", "embedding"]);
    }

    #[test]
    fn nothing_but_a_mode_answers_for_every_name() {
        let env = Env::empty().with("SIMULATOR_MODE", "generate");
        let text = from_environment(&env).unwrap();
        let (config, _) = load(&Source::new("environment", text.as_str()), &env).unwrap();
        assert_eq!(config.resources[0].undefined_deployments.len(), 2);
    }

    #[test]
    fn recording_and_playback_have_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        let env = Env::empty()
            .with("SIMULATOR_MODE", "record")
            .with("RECORDING_DIR", folder.path().display().to_string())
            .with("AZURE_OPENAI_ENDPOINT", "https://name.openai.azure.com/")
            .with("AZURE_OPENAI_KEY", "secret-key");
        let text = from_environment(&env).unwrap();
        assert!(!text.contains("secret-key"), "{text}");
        let (config, _) = load(&Source::new("environment", text.as_str()), &env).unwrap();
        match &config.resources[0].recording {
            Some(RecordingConfig::Record { upstream, .. }) => {
                assert_eq!(upstream.key.as_deref(), Some("secret-key"));
                assert_eq!(upstream.base.host(), Some("name.openai.azure.com"));
            }
            other => panic!("{other:?}"),
        }
        let text = from_environment(&env.with("SIMULATOR_MODE", "replay")).unwrap();
        assert!(text.contains("mode = \"replay\""), "{text}");
        // There is nothing to play back yet.
        let empty = load(&Source::new("environment", text.as_str()), &Env::empty()).unwrap_err();
        assert!(empty[0].to_string().contains("no recordings"), "{}", empty[0]);
    }

    #[track_caller]
    fn refused(variables: &[(&str, &str)], expected: &str) {
        let env = variables.iter().fold(Env::empty(), |env, (name, value)| env.with(*name, *value));
        let error = from_environment(&env).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn mistakes_are_named() {
        refused(
            &[("SIMULATOR_MODE", "generator")],
            "`generator`: expected `generate`, `record` or `replay`",
        );
        refused(
            &[("SIMULATOR_MODE", "record")],
            "`AZURE_OPENAI_ENDPOINT` is ``: expected the endpoint",
        );
        refused(
            &[("ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS", "perhaps")],
            "`ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS` is `perhaps`: expected `True` or `False`",
        );
        refused(&[("LATENCY_OPENAI_EMBEDDINGS_MEAN", "-1")], "milliseconds");
        refused(
            &[("OPENAI_DEPLOYMENT_CONFIG_PATH", "/nowhere.json")],
            "cannot read `/nowhere.json`",
        );
        for (text, expected) in [
            ("[]", "expected an object of deployments"),
            ("{\"a\":1}", "`a`: expected an object"),
            ("{\"a\":{\"model\":\"gpt-4o\"}}", "`a` has no `tokensPerMinute`"),
            ("{\"a\":{\"tokensPerMinute\":1}}", "`a` has no `model`"),
            ("{\"a\":{\"tpm\":1}}", "`a`: `tpm` is 1; expected `model`"),
            ("{", "EOF"),
        ] {
            let (_folder, path) = file(text);
            refused(&[("OPENAI_DEPLOYMENT_CONFIG_PATH", &path)], expected);
        }
    }
}
