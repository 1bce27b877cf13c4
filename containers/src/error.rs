//! What can go wrong on the way to a container and in talking to it.

use std::path::PathBuf;
use std::time::Duration;

use seam::http::TransportError;
use testcontainers::TestcontainersError;

use crate::image::ImageName;

/// Why there is no container, or no answer of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither Docker nor anything that speaks its API.
    #[error(
        "no container engine answers: {detail}; start Docker (or Podman's Docker API), or name its address in DOCKER_HOST"
    )]
    NoEngine {
        /// What the attempt met.
        detail: String,
    },
    /// An engine, but not the image.
    #[error(
        "there is no image `{image}`: {detail}; build it with `docker compose build` in the test bench's repository, or name another one in BENCH_IMAGE"
    )]
    NoImage {
        /// The image that was asked for.
        image: ImageName,
        /// What the engine said.
        detail: String,
    },
    /// A configuration file or folder could not be read.
    #[error("cannot read `{}`: {source}", path.display())]
    ReadConfig {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The configuration does not say which resources there will be.
    #[error("simulator configuration: {0}")]
    Config(String),
    /// A folder too large to be a gateway's configuration.
    #[error(
        "`{}` holds more than {limit}, too much for a gateway's configuration; give it a folder of its own",
        path.display()
    )]
    LargeFolder {
        /// The folder of the configuration file.
        path: PathBuf,
        /// What is copied at most.
        limit: &'static str,
    },
    /// A name that is none of the configuration's resources.
    #[error("no resource `{name}` in this simulator: it serves {}", known.join(", "))]
    NoResource {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// Other containers reach this one only on a network of their own.
    #[error("{what} is on no network where others could find it; start it with `.network(name)`")]
    NoNetwork {
        /// Which container.
        what: String,
    },
    /// It ended instead of becoming ready.
    #[error("{what} ended with exit code {code} before it was ready; it said:\n{log}")]
    Ended {
        /// Which container.
        what: String,
        /// The exit code of its process.
        code: i64,
        /// What it wrote to stderr.
        log: String,
    },
    /// It runs but did not become ready in time.
    #[error("{what} was not ready after {limit:?}: {last}; it said:\n{log}")]
    NotReady {
        /// Which container.
        what: String,
        /// How long was waited.
        limit: Duration,
        /// What the last attempt met.
        last: String,
        /// What it wrote to stderr.
        log: String,
    },
    /// It still runs although it was told to stop.
    #[error("{what} was stopped and has no exit code")]
    StillRunning {
        /// Which container.
        what: String,
    },
    /// No answer to a call of the live control.
    #[error("no answer from {url}: {source}")]
    Unreachable {
        /// The address called.
        url: String,
        /// What the connection met.
        source: TransportError,
    },
    /// No complete answer in time.
    #[error("no answer from {url} within {limit:?}")]
    TimedOut {
        /// The address called.
        url: String,
        /// How long was waited.
        limit: Duration,
    },
    /// An answer that is not the expected one.
    #[error("{url} answered {status}: {detail}")]
    Answer {
        /// The address called.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The body, or what is wrong with it.
        detail: String,
    },
    /// The engine refused something else.
    #[error("container engine: {0}")]
    Engine(#[source] Box<TestcontainersError>),
}

impl From<TestcontainersError> for Error {
    fn from(error: TestcontainersError) -> Self {
        Self::Engine(Box::new(error))
    }
}
