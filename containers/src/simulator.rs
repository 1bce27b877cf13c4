//! Simulated Azure OpenAI resources in a container.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use seam::env::Env;
use serde_json::Value;

use crate::container::{Container, Plan, Start};
use crate::control::{Control, Journal};
use crate::error::Error;
use crate::image::ImageName;
use crate::topology::{BUILT_IN, Resource, resources};

/// Where the configuration stands inside.
const CONFIG_PATH: &str = "/bench/simulator.toml";
/// The variable of the key in the built-in configuration, and in ours.
const KEY_VARIABLE: &str = "SIMULATOR_API_KEY";
/// Its value unless told otherwise.
const DEFAULT_KEY: &str = "simulator-key";

/// A simulator that runs in a container. Stopping it, killing it and the other
/// things any container can do are methods of [`Container`].
#[derive(Debug)]
pub struct SimulatorContainer {
    container: Container,
    resources: Vec<Resource>,
}

/// How to start a simulator: all options are optional.
#[derive(Debug, Clone)]
#[must_use]
pub struct SimulatorBuilder {
    plan: Plan,
    config: Config,
    only: Vec<String>,
    seed: Option<u64>,
    drain: Option<Duration>,
}

#[derive(Debug, Clone)]
enum Config {
    BuiltIn,
    File(PathBuf),
    Text(String),
}

impl SimulatorContainer {
    /// With the configuration the simulator has built in, `simulator default-config`:
    /// resources `ptu1`, `payg1` and `payg2`.
    ///
    /// # Errors
    ///
    /// As [`SimulatorBuilder::start`].
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Starts with options.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder {
            plan: Plan::new(),
            config: Config::BuiltIn,
            only: Vec::new(),
            seed: None,
            drain: None,
        }
    }

    /// The names of its resources, in the order of the configuration.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(|resource| resource.name.as_str())
    }

    /// The base address of a resource, from where the test runs.
    ///
    /// # Errors
    ///
    /// When it serves no such resource.
    pub fn url(&self, resource: &str) -> Result<&str, Error> {
        let found = self.resource(resource)?;
        self.container.address(found.port).ok_or_else(|| self.unknown(resource))
    }

    /// The base address of a resource for other containers of its network.
    ///
    /// # Errors
    ///
    /// When it serves no such resource, or was started without a network.
    pub fn internal_url(&self, resource: &str) -> Result<String, Error> {
        self.container.internal_address(self.resource(resource)?.port)
    }

    /// The key for the header `api-key` of a resource, its live control included.
    ///
    /// # Errors
    ///
    /// When it serves no such resource.
    pub fn key(&self, resource: &str) -> Result<&str, Error> {
        Ok(&self.resource(resource)?.key)
    }

    /// Reads the settings of a resource as they are now (`GET /++/config`).
    ///
    /// # Errors
    ///
    /// When it serves no such resource or does not answer.
    pub async fn config(&self, resource: &str) -> Result<Value, Error> {
        let url = format!("{}/++/config", self.url(resource)?);
        Control::new().get(&url, self.key(resource)?).await
    }

    /// Changes limits or latencies of a resource (`PATCH /++/config`), all of the
    /// patch or nothing. The answer is its settings afterwards.
    ///
    /// # Errors
    ///
    /// When it serves no such resource, refuses the patch or does not answer.
    pub async fn patch_config(&self, resource: &str, patch: &Value) -> Result<Value, Error> {
        let url = format!("{}/++/config", self.url(resource)?);
        Control::new().patch(&url, self.key(resource)?, patch).await
    }

    /// Reads the journal of a resource behind a cursor: 0, or the `next` of the
    /// page before. A record is written when its request is over.
    ///
    /// # Errors
    ///
    /// When it serves no such resource or does not answer.
    pub async fn journal(&self, resource: &str, after: u64) -> Result<Journal, Error> {
        let url = format!("{}/++/journal?after={after}", self.url(resource)?);
        Control::new().get(&url, self.key(resource)?).await
    }

    fn resource(&self, name: &str) -> Result<&Resource, Error> {
        self.resources.iter().find(|one| one.name == name).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Error {
        Error::NoResource {
            name: name.to_owned(),
            known: self.resources().map(str::to_owned).collect(),
        }
    }
}

impl Deref for SimulatorContainer {
    type Target = Container;

    fn deref(&self) -> &Container {
        &self.container
    }
}

impl SimulatorBuilder {
    /// A configuration file; it is copied into the container.
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.config = Config::File(path.into());
        self
    }

    /// A configuration as text (TOML).
    pub fn config(mut self, toml: impl Into<String>) -> Self {
        self.config = Config::Text(toml.into());
        self
    }

    /// Serves only these resources of the configuration.
    pub fn resources<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.only = names.into_iter().map(Into::into).collect();
        self
    }

    /// Another image than that of [`ImageName::from_environment`].
    pub fn image(mut self, name: impl Into<String>, tag: impl Into<String>) -> Self {
        self.plan.image = ImageName::new(name, tag);
        self
    }

    /// Joins a network; made if there is none of this name, and then removed
    /// with its last container.
    pub fn network(mut self, name: impl Into<String>) -> Self {
        self.plan.network = Some(name.into());
        self
    }

    /// The seed of all random draws; 1 by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How long requests under way may take to finish after `stop`; 30 s by default.
    pub fn drain(mut self, drain: Duration) -> Self {
        self.drain = Some(drain);
        self
    }

    /// An environment variable, for `${NAME}` in the configuration.
    /// `SIMULATOR_API_KEY` is `simulator-key` unless set here. The options above win
    /// over their variables.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.plan.env.insert(name.into(), value.into());
        self
    }

    /// How long it may take to become ready; 60 s by default.
    pub fn startup_timeout(mut self, limit: Duration) -> Self {
        self.plan.startup = limit;
        self
    }

    /// Starts the container and waits until every resource answers.
    ///
    /// # Errors
    ///
    /// When there is no engine or no image, when the configuration cannot be read,
    /// and with its own diagnostics when the simulator refuses it.
    pub async fn start(mut self) -> Result<SimulatorContainer, Error> {
        self.plan.env.entry(KEY_VARIABLE.to_owned()).or_insert_with(|| DEFAULT_KEY.to_owned());
        let text = match &self.config {
            Config::BuiltIn => BUILT_IN.to_owned(),
            Config::Text(text) => text.clone(),
            Config::File(path) => std::fs::read_to_string(path)
                .map_err(|source| Error::ReadConfig { path: path.clone(), source })?,
        };
        let env =
            self.plan.env.iter().fold(Env::empty(), |env, (name, value)| env.with(name, value));
        let resources = resources(&text, &env, &self.only)?;
        // By the environment, not by arguments: the image's health check reads it too.
        let mut set = |name: &str, value: String| self.plan.env.insert(name.to_owned(), value);
        set("SIMULATOR_HOST", "0.0.0.0".to_owned());
        set("SIMULATOR_CONFIG", CONFIG_PATH.to_owned());
        set("SIMULATOR_RESOURCES", self.only.join(","));
        if let Some(seed) = self.seed {
            set("SIMULATOR_SEED", seed.to_string());
        }
        if let Some(drain) = self.drain {
            set("SIMULATOR_DRAIN", format!("{}ms", drain.as_millis()));
        }
        let ports: Vec<u16> = resources.iter().map(|resource| resource.port).collect();
        let files = BTreeMap::from([(CONFIG_PATH.to_owned(), text.into_bytes())]);
        let start = Start { command: "simulator", ports: &ports, files };
        let container = Container::start(self.plan, start).await?;
        Ok(SimulatorContainer { container, resources })
    }
}
