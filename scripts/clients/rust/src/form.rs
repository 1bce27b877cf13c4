//! How a client is made, and what it talks to.

use anyhow::{Result, anyhow};
use async_openai::Client;
use async_openai::config::{AzureConfig, Config, OpenAIConfig};

use crate::control::Control;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `AzureConfig`: dated paths, every one below a deployment.
    Azure,
    /// `OpenAIConfig` on Azure's v1 surface.
    V1,
    /// `OpenAIConfig` on a resource in OpenAI's dress.
    OpenAi,
}

pub(crate) struct Form {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    url: String,
    key: String,
}

pub(crate) type AnyClient = Client<Box<dyn Config>>;

impl Form {
    pub(crate) fn new(name: &'static str, kind: Kind) -> Result<Self> {
        let url = if kind == Kind::OpenAi { "OPENAI_URL" } else { "SIMULATOR_URL" };
        let env = |name| {
            std::env::var(name)
                .map_err(|_| anyhow!("{name} is not set: run scripts/real-clients.sh"))
        };
        Ok(Self { name, kind, url: env(url)?, key: env("SIMULATOR_API_KEY")? })
    }

    pub(crate) fn client(&self, deployment: &str) -> AnyClient {
        self.client_with_key(deployment, &self.key)
    }

    pub(crate) fn client_with_key(&self, deployment: &str, key: &str) -> AnyClient {
        let config: Box<dyn Config> = match self.kind {
            Kind::Azure => Box::new(
                AzureConfig::new()
                    .with_api_base(&self.url)
                    .with_api_key(key)
                    .with_api_version("2025-04-01-preview")
                    .with_deployment_id(deployment),
            ),
            Kind::V1 => stock(format!("{}/openai/v1", self.url), key),
            Kind::OpenAi => stock(format!("{}/v1", self.url), key),
        };
        Client::with_config(config)
    }

    pub(crate) fn control(&self) -> Control<'_> {
        Control { url: &self.url, key: &self.key }
    }
}

fn stock(base: String, key: &str) -> Box<dyn Config> {
    Box::new(OpenAIConfig::new().with_api_base(base).with_api_key(key))
}
