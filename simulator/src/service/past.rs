//! What earlier requests left, for those that refer to it.

use std::sync::Arc;

use tokio::time::Instant;

use super::lock;
use super::resource::Resource;
use crate::api::{KnownItem, Past, Record};

/// The responses a resource keeps, as they are at a moment.
pub(super) struct PastOf<'a> {
    pub resource: &'a Resource,
    pub now: Instant,
}

impl Past for PastOf<'_> {
    fn response(&self, id: &str) -> Option<Arc<Record>> {
        let responses = lock(&self.resource.responses);
        responses.get(id, self.now).map(|kept| Arc::clone(&kept.record))
    }

    fn item(&self, id: &str) -> Option<KnownItem> {
        lock(&self.resource.responses).item(id, self.now)
    }
}
