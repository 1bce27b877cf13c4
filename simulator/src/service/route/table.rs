//! The table of endpoints: one line each.

use super::address::Surface;
use crate::catalogue::Operation;
use crate::service::stored::About;

/// What a method and a path mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Endpoint {
    /// A deployment does it, within its limits.
    Operation(Operation),
    /// The resource answers it by itself: no deployment, no limiter.
    Inquiry(Inquiry),
}

/// What a resource answers by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Inquiry {
    /// The models it has.
    Models,
    /// One model, by its `{id}`.
    Model,
    /// OpenAI's classifier of texts.
    Moderation,
    /// The deployments it has, as the first API versions listed them.
    Deployments,
    /// A kept response.
    Response(About),
}

impl Endpoint {
    /// The name in the journal.
    pub(in crate::service) fn name(self) -> &'static str {
        match self {
            Self::Operation(operation) => operation.name(),
            Self::Inquiry(Inquiry::Models) => "Models_List",
            Self::Inquiry(Inquiry::Model) => "Models_Get",
            Self::Inquiry(Inquiry::Moderation) => "Moderations_Create",
            Self::Inquiry(Inquiry::Deployments) => "Deployments_List",
            Self::Inquiry(Inquiry::Response(about)) => about.name(),
        }
    }
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Row {
    pub method: &'static str,
    /// What follows the surface's prefix; `{id}` stands for one segment.
    pub template: &'static str,
    pub endpoint: Endpoint,
    pub surfaces: &'static [Surface],
    /// Dates of the first `api-version` that has it, and of the last one if it
    /// is gone. Previews of a day count as that day.
    pub since: &'static str,
    pub until: Option<&'static str>,
}

impl Row {
    const fn post(template: &'static str, operation: Operation) -> Self {
        Self::new("POST", template, Endpoint::Operation(operation))
    }

    const fn get(template: &'static str, inquiry: Inquiry) -> Self {
        Self::ask("GET", template, inquiry)
    }

    const fn ask(method: &'static str, template: &'static str, inquiry: Inquiry) -> Self {
        Self::new(method, template, Endpoint::Inquiry(inquiry))
    }

    /// About a kept response.
    const fn response(method: &'static str, template: &'static str, about: About) -> Self {
        Self::new(method, template, Endpoint::Inquiry(Inquiry::Response(about)))
            .on(ON_RESPONSES)
            .since(FIRST_RESPONSES)
    }

    const fn new(method: &'static str, template: &'static str, endpoint: Endpoint) -> Self {
        Self { method, template, endpoint, surfaces: &[], since: FIRST_VERSION, until: None }
    }

    const fn on(self, surfaces: &'static [Surface]) -> Self {
        Self { surfaces, ..self }
    }

    const fn since(self, since: &'static str) -> Self {
        Self { since, ..self }
    }

    const fn until(self, until: &'static str) -> Self {
        Self { until: Some(until), ..self }
    }
}

/// The first `api-version` at all.
const FIRST_VERSION: &str = "2022-12-01";

use Surface::{Deployment, Flat, OpenAi, V1};

/// Where operations are found whose deployment the path or the body names.
const EVERYWHERE: &[Surface] = &[Deployment, V1, OpenAi];

/// Where responses are found: their paths never name a deployment.
const ON_RESPONSES: &[Surface] = &[Flat, V1, OpenAi];
const FIRST_RESPONSES: &str = "2025-03-01";

/// Every endpoint. The dates are those of the service's version pages; where they
/// are not known an endpoint is taken to have always been there.
pub(super) const TABLE: &[Row] = &[
    Row::post("chat/completions", Operation::Chat).on(EVERYWHERE).since("2023-03-15"),
    Row::post("completions", Operation::Completions).on(EVERYWHERE),
    Row::post("embeddings", Operation::Embeddings).on(EVERYWHERE),
    Row::post("responses", Operation::Responses).on(ON_RESPONSES).since(FIRST_RESPONSES),
    Row::response("GET", "responses/{id}", About::Object),
    Row::response("DELETE", "responses/{id}", About::Delete),
    Row::response("POST", "responses/{id}/cancel", About::Cancel),
    Row::response("GET", "responses/{id}/input_items", About::InputItems),
    Row::post("images/generations", Operation::Images).on(EVERYWHERE).since("2023-12-01"),
    Row::post("images/edits", Operation::ImageEdits).on(EVERYWHERE).since("2025-04-01"),
    Row::post("audio/transcriptions", Operation::Transcriptions).on(EVERYWHERE).since("2023-09-01"),
    Row::post("audio/translations", Operation::Translations).on(EVERYWHERE).since("2023-09-01"),
    Row::post("audio/speech", Operation::Speech).on(EVERYWHERE).since("2024-02-15"),
    Row::get("models", Inquiry::Models).on(&[Flat, V1, OpenAi]),
    Row::get("models/{id}", Inquiry::Model).on(&[Flat, V1, OpenAi]),
    Row::ask("POST", "moderations", Inquiry::Moderation).on(&[OpenAi]),
    Row::get("deployments", Inquiry::Deployments).on(&[Flat]).until("2023-03-15"),
];
