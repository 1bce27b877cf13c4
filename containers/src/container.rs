//! What both kinds of container have in common: starting, waiting, stopping,
//! and the ways to make one fail.

use std::collections::BTreeMap;
use std::time::Duration;

use testcontainers::bollard::models::NetworkDisconnectRequest;
use testcontainers::bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptionsBuilder,
};
use testcontainers::core::client::ClientError;
use testcontainers::core::{Healthcheck, IntoContainerPort as _};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{
    ContainerAsync, ContainerRequest, GenericImage, ImageExt as _, TestcontainersError,
};
use tokio::time::Instant;

use crate::control::Control;
use crate::engine::{engine, image_is_there};
use crate::error::Error;
use crate::image::ImageName;

/// Between two of the engine's own health checks, for those who look at its list.
const HEALTH_INTERVAL: Duration = Duration::from_secs(2);
/// Between two looks at a container that is not ready yet.
const POLL: Duration = Duration::from_millis(25);
/// Beyond the default drain of 30 s of simulator and gateway.
const STOP_PATIENCE_SECONDS: i32 = 40;
/// Engines add this many digits of the id as a name on every network made by hand.
const SHORT_ID: usize = 12;

/// What a caller may choose, for either kind of container.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) image: ImageName,
    pub(crate) network: Option<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) startup: Duration,
}

impl Plan {
    pub(crate) fn new() -> Self {
        Self {
            image: ImageName::from_environment(),
            network: None,
            env: BTreeMap::new(),
            startup: Duration::from_secs(60),
        }
    }
}

/// What follows from it.
pub(crate) struct Start<'a> {
    /// The binary, which has a subcommand `healthcheck`.
    pub(crate) command: &'static str,
    pub(crate) ports: &'a [u16],
    /// By their paths inside.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// A running container. It is removed when this is dropped.
pub struct Container {
    inner: ContainerAsync<GenericImage>,
    what: String,
    networked: bool,
    /// The port inside → the address outside.
    addresses: BTreeMap<u16, String>,
}

impl Container {
    /// Starts it and returns when `/healthz` answers on all its ports.
    pub(crate) async fn start(plan: Plan, start: Start<'_>) -> Result<Self, Error> {
        let docker = engine().await?;
        image_is_there(&docker, &plan.image).await?;
        let Plan { image, network, env, startup } = plan;
        let Start { command, ports, files } = start;
        let mut generic = GenericImage::new(&image.name, &image.tag);
        for port in ports {
            generic = generic.with_exposed_port(port.tcp());
        }
        let networked = network.is_some();
        let health = Healthcheck::cmd([command, "healthcheck"]).with_interval(HEALTH_INTERVAL);
        let mut request: ContainerRequest<GenericImage> =
            generic.with_startup_timeout(startup).with_cmd([command]).with_health_check(health);
        if let Some(network) = network {
            request = request.with_network(network);
        }
        for (name, value) in env {
            request = request.with_env_var(name, value);
        }
        for (path, bytes) in files {
            request = request.with_copy_to(path, bytes);
        }
        let deadline = Instant::now() + startup;
        let inner = request.start().await.map_err(|error| not_started(image.clone(), error))?;
        let short: String = inner.id().chars().take(SHORT_ID).collect();
        let mut container = Self {
            what: format!("{command} container {short}"),
            inner,
            networked,
            addresses: BTreeMap::new(),
        };
        container.become_ready(ports, deadline, startup).await?;
        Ok(container)
    }

    async fn become_ready(
        &mut self,
        ports: &[u16],
        deadline: Instant,
        limit: Duration,
    ) -> Result<(), Error> {
        let control = Control::new();
        for port in ports {
            loop {
                if let Some(code) = self.exit_code().await? {
                    let log = self.log().await?;
                    return Err(Error::Ended { what: self.what.clone(), code, log });
                }
                let health = match self.published(*port).await {
                    Ok(url) => control.healthy(&url).await.map(|()| url),
                    Err(error) => Err(error),
                };
                match health {
                    Ok(url) => {
                        self.addresses.insert(*port, url);
                        break;
                    }
                    Err(error) if Instant::now() >= deadline => {
                        return Err(Error::NotReady {
                            what: self.what.clone(),
                            limit,
                            last: error.to_string(),
                            log: self.log().await?,
                        });
                    }
                    Err(_) => tokio::time::sleep(POLL).await,
                }
            }
        }
        Ok(())
    }

    /// Where a port of the container is on this side. The mapping is that of
    /// IPv4: `localhost` could lead to another container's port over IPv6.
    async fn published(&self, port: u16) -> Result<String, Error> {
        let host = self.inner.get_host().await?.to_string();
        let host = if host == "localhost" { "127.0.0.1" } else { &host };
        let outside = self.inner.get_host_port_ipv4(port.tcp()).await?;
        Ok(format!("http://{host}:{outside}"))
    }

    /// The address of a port outside; `None` for one that was not waited for.
    pub(crate) fn address(&self, port: u16) -> Option<&str> {
        self.addresses.get(&port).map(String::as_str)
    }

    /// The address of a port for other containers of the same network.
    pub(crate) fn internal_address(&self, port: u16) -> Result<String, Error> {
        if !self.networked {
            return Err(Error::NoNetwork { what: self.what.clone() });
        }
        let name: String = self.id().chars().take(SHORT_ID).collect();
        Ok(format!("http://{name}:{port}"))
    }

    /// The engine's id of it.
    #[must_use]
    pub fn id(&self) -> &str {
        self.inner.id()
    }

    /// What it wrote to stderr so far, also after it ended.
    ///
    /// # Errors
    ///
    /// When the engine does not give it out.
    pub async fn log(&self) -> Result<String, Error> {
        let bytes = self.inner.stderr_to_vec().await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The exit code of its process, or `None` while it runs.
    ///
    /// # Errors
    ///
    /// When the engine does not know the container any more.
    pub async fn exit_code(&self) -> Result<Option<i64>, Error> {
        Ok(self.inner.exit_code().await?)
    }

    /// Asks it to end (SIGTERM), waits for requests under way to finish, and
    /// returns its exit code. After 40 s it is killed.
    ///
    /// # Errors
    ///
    /// When the engine cannot stop it.
    pub async fn stop(&self) -> Result<i64, Error> {
        self.inner.stop_with_timeout(Some(STOP_PATIENCE_SECONDS)).await?;
        match self.exit_code().await? {
            Some(code) => Ok(code),
            None => Err(Error::StillRunning { what: self.what.clone() }),
        }
    }

    /// Ends it at once (SIGKILL): connections break, journals are gone.
    ///
    /// # Errors
    ///
    /// When the engine cannot kill it; also when it does not run.
    pub async fn kill(&self) -> Result<(), Error> {
        let options = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
        let killed = engine().await?.kill_container(self.id(), Some(options)).await;
        killed.map_err(|error| Error::from(TestcontainersError::other(error)))
    }

    /// Freezes its process: connections stay open and nothing answers.
    ///
    /// # Errors
    ///
    /// When the engine cannot.
    pub async fn pause(&self) -> Result<(), Error> {
        Ok(self.inner.pause().await?)
    }

    /// Lets a frozen process go on.
    ///
    /// # Errors
    ///
    /// When the engine cannot.
    pub async fn unpause(&self) -> Result<(), Error> {
        Ok(self.inner.unpause().await?)
    }

    /// Cuts it off from all its networks while its process runs on: open
    /// connections hang, new ones fail. There is no way back, since an engine may
    /// publish other ports then.
    ///
    /// # Errors
    ///
    /// When the engine cannot.
    pub async fn disconnect(&self) -> Result<(), Error> {
        let docker = engine().await?;
        let failed = |error| Error::from(TestcontainersError::other(error));
        let found = docker
            .inspect_container(self.id(), None::<InspectContainerOptions>)
            .await
            .map_err(failed)?;
        let networks = found.network_settings.and_then(|settings| settings.networks);
        let mut names: Vec<String> = networks.unwrap_or_default().into_keys().collect();
        names.sort();
        for name in names {
            let request =
                NetworkDisconnectRequest { container: self.id().to_owned(), force: Some(true) };
            docker.disconnect_network(&name, request).await.map_err(failed)?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Container")
            .field("what", &self.what)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

fn not_started(image: ImageName, error: TestcontainersError) -> Error {
    match error {
        TestcontainersError::Client(ClientError::PullImage { err, .. }) => {
            Error::NoImage { image, detail: err.to_string() }
        }
        other => other.into(),
    }
}
