//! Copies of a request's state for policies that run side by side.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::context::{Context, MessageBody, RequestState, ResponseState};
use super::exchange::Exchange;
use crate::expr::Value;

impl Exchange {
    /// A copy that runs beside this one. Its recorder writes nothing by itself:
    /// see [`Exchange::merge`].
    pub(crate) fn branch(&mut self) -> Exchange {
        let random = ChaCha8Rng::from_rng(&mut self.context.random);
        let context = copy(&self.context, random);
        let recorder = self.recorder.branch(&context);
        let mut branch = Exchange::new(context, std::sync::Arc::clone(&self.worker), recorder);
        branch.scopes.clone_from(&self.scopes);
        branch.section = self.section;
        branch.target.clone_from(&self.target);
        branch.rest_path.clone_from(&self.rest_path);
        branch.client_body = self.client_body.clone();
        branch.client_host.clone_from(&self.client_host);
        branch.forwards = self.forwards;
        branch.move_to(self.place());
        self.begin_branch(&mut branch);
        branch
    }

    /// Takes over what a branch changed since `base`; with `decides` its
    /// response as it is: the branch ended the pipeline, or failed.
    pub(crate) fn merge(&mut self, mut branch: Exchange, base: &Exchange, decides: bool) {
        self.take_completions(&mut branch);
        self.end_branch(&mut branch);
        let mut stored = std::mem::take(&mut branch.context.stored_responses);
        for (name, value) in std::mem::take(&mut branch.context.variables) {
            let before = base.context.variables.get(&name);
            if let Some(at) = value.as_stored_response() {
                let response = stored.get_index_mut(at).map(|(_, response)| duplicate(response));
                let kept = response.and_then(|own| self.context.store_response(&name, own));
                self.context.variables.insert(name, kept.unwrap_or(Value::Null));
            } else if before.is_none_or(|before| !unchanged(before, &value)) {
                self.context.variables.insert(name, value);
            }
        }
        let (request, before) = (branch.context.request, &base.context.request);
        let own = &mut self.context.request;
        if request.headers != before.headers {
            own.headers = request.headers;
        }
        if request.url != before.url || request.method != before.method {
            (own.url, own.method) = (request.url, request.method);
            self.target = branch.target;
            self.rest_path = branch.rest_path;
            self.context.backend = branch.context.backend;
        }
        if !same_body(&request.body, &before.body) {
            own.body = request.body;
        }
        let (response, before) = (branch.context.response, &base.context.response);
        let changed = response.status != before.status
            || response.headers != before.headers
            || !same_body(&response.body, &before.body);
        if decides || changed {
            self.context.response = response;
        }
        self.recorder.merge(branch.recorder, &self.context);
    }
}

/// Two values nobody can tell apart.
fn unchanged(before: &Value, after: &Value) -> bool {
    before.same_reference(after)
        || before.type_name() == after.type_name() && before.to_text() == after.to_text()
}

fn same_body(a: &MessageBody, b: &MessageBody) -> bool {
    match (a, b) {
        (MessageBody::Bytes(a), MessageBody::Bytes(b)) => a == b,
        (MessageBody::Absent, MessageBody::Absent)
        | (MessageBody::Consumed, MessageBody::Consumed) => true,
        _ => false,
    }
}

fn copy(context: &Context, random: ChaCha8Rng) -> Context {
    let request = &context.request;
    Context {
        request_id: context.request_id,
        started: context.started,
        clock: context.clock,
        variables: context.variables.clone(),
        request: RequestState {
            method: request.method.clone(),
            url: request.url.clone(),
            original_url: request.original_url.clone(),
            headers: request.headers.clone(),
            body: copy_body(&request.body),
            ip_address: request.ip_address.clone(),
            matched_parameters: request.matched_parameters.clone(),
        },
        response: duplicate(&context.response),
        api: context.api.clone(),
        operation: context.operation.clone(),
        product: context.product.clone(),
        subscription: context.subscription.clone(),
        backend: context.backend.clone(),
        deployment: std::sync::Arc::clone(&context.deployment),
        last_error: context.last_error.clone(),
        random,
        trace: Vec::new(),
        stored_responses: context
            .stored_responses
            .iter()
            .map(|(name, response)| (name.clone(), duplicate(response)))
            .collect(),
        tracing: context.tracing,
    }
}

/// A response whose body is complete, or was read; a stream is not copied.
pub(crate) fn duplicate(response: &ResponseState) -> ResponseState {
    ResponseState {
        status: response.status,
        reason: response.reason.clone(),
        headers: response.headers.clone(),
        body: copy_body(&response.body),
        null: response.null,
    }
}

fn copy_body(body: &MessageBody) -> MessageBody {
    match body {
        MessageBody::Bytes(bytes) => MessageBody::Bytes(bytes.clone()),
        MessageBody::Consumed => MessageBody::Consumed,
        MessageBody::Absent | MessageBody::Stream(_) => MessageBody::Absent,
    }
}
