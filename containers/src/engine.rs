//! The container engine: whether it answers, whether the image is there.

use std::time::Duration;

use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::core::client::docker_client_instance;

use crate::error::Error;
use crate::image::ImageName;

/// How long an engine may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether containers can be started here: an engine answers and the image of
/// [`ImageName::from_environment`] is there.
///
/// # Errors
///
/// [`Error::NoEngine`] or [`Error::NoImage`]; both say what to do.
pub async fn available() -> Result<(), Error> {
    let docker = engine().await?;
    image_is_there(&docker, &ImageName::from_environment()).await
}

/// A client of the engine, after it has answered.
pub(crate) async fn engine() -> Result<Docker, Error> {
    let no_engine = |detail: String| Error::NoEngine { detail };
    let docker = docker_client_instance().await.map_err(|error| no_engine(error.to_string()))?;
    match tokio::time::timeout(PATIENCE, docker.ping()).await {
        Ok(Ok(_)) => Ok(docker),
        Ok(Err(error)) => Err(no_engine(error.to_string())),
        Err(_) => Err(no_engine(format!("no reply within {PATIENCE:?}"))),
    }
}

/// An image whose name a registry may know is left to the engine to pull.
pub(crate) async fn image_is_there(docker: &Docker, image: &ImageName) -> Result<(), Error> {
    match docker.inspect_image(&image.to_string()).await {
        Ok(_) => Ok(()),
        Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => {
            if image.may_be_pulled() {
                return Ok(());
            }
            Err(Error::NoImage { image: image.clone(), detail: "it was not built here".to_owned() })
        }
        Err(error) => Err(Error::NoEngine { detail: error.to_string() }),
    }
}
