//! What a resource answers by itself: no deployment, no limiter.

use bytes::Bytes;

use super::resource::Resource;
use super::route::{Inquiry, Surface};
use super::serve::Routed;
use crate::api::{Document, models};
use crate::wire::ApiError;

pub(super) fn inquire(
    resource: &Resource,
    inquiry: Inquiry,
    routed: &Routed<'_>,
    _body: Result<Bytes, ApiError>,
) -> Result<Document, ApiError> {
    let deployments = || resource.deployments.values().map(|deployment| &deployment.config);
    let id = routed.address.id().unwrap_or_default();
    match (inquiry, routed.address.surface) {
        (Inquiry::Models, Surface::OpenAi) => Ok(models::openai_list(deployments())),
        (Inquiry::Models, _) => Ok(models::azure_list()),
        (Inquiry::Model, Surface::OpenAi) => models::openai_one(deployments(), id),
        (Inquiry::Model, _) => models::azure_one(id),
        (Inquiry::Deployments, _) => Ok(models::deployments(deployments())),
    }
}
