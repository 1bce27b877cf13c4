//! The gateway in a container, with a configuration of its own.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::container::{Container, Plan, Start};
use crate::error::Error;
use crate::image::ImageName;

/// Where the configuration's folder stands inside.
const FOLDER: &str = "/bench/gateway";
/// The port it listens on inside.
const PORT: u16 = 8000;
/// What is copied at most.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
const MOST_FILES: usize = 1_000;
const LIMIT: &str = "1,000 files or 16 MiB";

/// A gateway that runs in a container. Stopping it, killing it and the other
/// things any container can do are methods of [`Container`].
#[derive(Debug)]
pub struct GatewayContainer {
    container: Container,
    url: String,
}

/// How to start a gateway.
#[derive(Debug, Clone)]
#[must_use]
pub struct GatewayBuilder {
    plan: Plan,
    config: PathBuf,
}

impl GatewayContainer {
    /// A gateway with this configuration file. The file's folder is copied into
    /// the container, so that the policy documents beside it are found.
    pub fn builder(config_file: impl Into<PathBuf>) -> GatewayBuilder {
        GatewayBuilder { plan: Plan::new(), config: config_file.into() }
    }

    /// Its base address, from where the test runs.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Deref for GatewayContainer {
    type Target = Container;

    fn deref(&self) -> &Container {
        &self.container
    }
}

impl GatewayBuilder {
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

    /// An environment variable, for `${NAME}` in the configuration: the addresses
    /// of its backends, for instance.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.plan.env.insert(name.into(), value.into());
        self
    }

    /// How long it may take to become ready; 60 s by default.
    pub fn startup_timeout(mut self, limit: Duration) -> Self {
        self.plan.startup = limit;
        self
    }

    /// Starts the container and waits until it answers.
    ///
    /// # Errors
    ///
    /// When there is no engine or no image, when the folder cannot be read, and
    /// with its own diagnostics when the gateway refuses the configuration.
    pub async fn start(mut self) -> Result<GatewayContainer, Error> {
        let unreadable = |source| Error::ReadConfig { path: self.config.clone(), source };
        let config = std::fs::canonicalize(&self.config).map_err(unreadable)?;
        let (Some(folder), Some(name)) = (config.parent(), config.file_name()) else {
            return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
        };
        let files = files_below(folder)?;
        let name = name.to_string_lossy();
        // By the environment, not by arguments: the health check reads it too.
        let mut set = |name: &str, value| self.plan.env.insert(name.to_owned(), value);
        set("GATEWAY_CONFIG", format!("{FOLDER}/{name}"));
        set("GATEWAY_LISTEN", format!("0.0.0.0:{PORT}"));
        let start = Start { command: "gateway", ports: &[PORT], files };
        let container = Container::start(self.plan, start).await?;
        let url = container.address(PORT).map(str::to_owned).unwrap_or_default();
        Ok(GatewayContainer { container, url })
    }
}

/// All regular files of a folder, by their path inside the container. Links to
/// files are followed, links to folders are not.
fn files_below(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let too_large = || Error::LargeFolder { path: folder.to_owned(), limit: LIMIT };
    let mut files = BTreeMap::new();
    let mut bytes = 0;
    let mut open = vec![(folder.to_owned(), FOLDER.to_owned())];
    while let Some((from, to)) = open.pop() {
        let unreadable = |source| Error::ReadConfig { path: from.clone(), source };
        for entry in std::fs::read_dir(&from).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            let unreadable = |source| Error::ReadConfig { path: path.clone(), source };
            let target = format!("{to}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(unreadable)?.is_dir() {
                open.push((path, target));
                continue;
            }
            let metadata = std::fs::metadata(&path).map_err(unreadable)?;
            if !metadata.is_file() {
                continue;
            }
            bytes += metadata.len();
            if bytes > MOST_BYTES || files.len() >= MOST_FILES {
                return Err(too_large());
            }
            files.insert(target, std::fs::read(&path).map_err(unreadable)?);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_folder_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("fragments")).unwrap();
        std::fs::write(folder.path().join("gateway.toml"), "version = 1").unwrap();
        std::fs::write(folder.path().join("fragments/a.xml"), "<fragment/>").unwrap();
        let files = files_below(folder.path()).unwrap();
        let expected = [
            ("/bench/gateway/fragments/a.xml", "<fragment/>"),
            ("/bench/gateway/gateway.toml", "version = 1"),
        ];
        let expected = expected.map(|(path, text)| (path.to_owned(), text.as_bytes().to_owned()));
        assert_eq!(files, BTreeMap::from(expected));
    }

    #[test]
    fn a_folder_that_holds_more_than_a_configuration_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let large = std::fs::File::create(folder.path().join("large.bin")).unwrap();
        large.set_len(MOST_BYTES + 1).unwrap();
        let error = files_below(folder.path()).unwrap_err().to_string();
        assert!(error.contains("holds more than 1,000 files or 16 MiB"), "{error}");
    }
}
