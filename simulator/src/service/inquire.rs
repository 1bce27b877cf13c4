//! What a resource answers by itself: no deployment, no limiter.

use bytes::Bytes;

use super::resource::Resource;
use super::route::{Inquiry, Surface};
use super::serve::Routed;
use super::stored::{Told, about};
use crate::api::{Payload, models, moderations};
use crate::wire::{ApiError, Ids};

pub(super) fn inquire(
    resource: &Resource,
    inquiry: Inquiry,
    routed: &Routed<'_>,
    number: u64,
    body: Result<Bytes, ApiError>,
) -> Result<Told, ApiError> {
    let deployments = || resource.deployments.values().map(|deployment| &deployment.config);
    let id = routed.address.id().unwrap_or_default();
    Ok(Told::Document(match (inquiry, routed.address.surface) {
        (Inquiry::Models, Surface::OpenAi) => models::openai_list(deployments()),
        (Inquiry::Models, _) => models::azure_list(),
        (Inquiry::Model, Surface::OpenAi) => models::openai_one(deployments(), id)?,
        (Inquiry::Model, _) => models::azure_one(id)?,
        (Inquiry::Moderation, _) => {
            let body = Payload::json(body?)?.fields;
            let mut ids = Ids(resource.rng("moderations", number));
            let mut rng = resource.rng("moderation scores", number);
            moderations::answer(&body, &resource.config.moderation, &mut ids, &mut rng)?
        }
        (Inquiry::Deployments, _) => models::deployments(deployments()),
        (Inquiry::Response(what), _) => return about(resource, what, id, routed.query),
    }))
}
