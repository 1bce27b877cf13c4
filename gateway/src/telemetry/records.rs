//! What `emit-metric`, `log-to-eventhub` and `trace` leave in the journal.

use indexmap::IndexMap;
use serde::Serialize;

/// The most metrics, events and messages one request's record keeps, of each:
/// a retry may emit at every turn.
pub(crate) const MAX_RECORDS: usize = 1_000;

/// A longer event is cut: the platform's limit of 200 KB.
pub(crate) const MAX_EVENT_BYTES: usize = 200 * 1024;

/// A custom metric, as a policy emitted it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricRecord {
    /// Its namespace.
    pub namespace: String,
    /// Its name: `Total Tokens`.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Dimensions in the order of the document.
    pub dimensions: IndexMap<String, String>,
}

/// An event for a logger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventRecord {
    /// The logger's id.
    pub logger: String,
    /// The policy's `partition-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_id: Option<String>,
    /// The policy's `partition-key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_key: Option<String>,
    /// The event's text, at most 200 KiB.
    pub body: String,
}

/// A message of a `trace` policy or of `context.Trace(…)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageRecord {
    /// The policy's `source`; `context.Trace` for the method.
    pub source: String,
    /// `verbose`, `information` or `error`.
    pub severity: String,
    /// The text.
    pub message: String,
    /// The policy's `metadata`, in the order of the document.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub metadata: IndexMap<String, String>,
}

impl MessageRecord {
    /// A message of `context.Trace(…)`.
    pub(crate) fn from_expression(message: String) -> Self {
        Self {
            source: "context.Trace".to_owned(),
            severity: "verbose".to_owned(),
            message: cut(message, 32 * 1024),
            metadata: IndexMap::new(),
        }
    }
}

impl MetricRecord {
    /// Roughly what it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let dimensions = self.dimensions.iter().map(|(name, value)| name.len() + value.len() + 48);
        64 + self.namespace.len() + self.name.len() + dimensions.sum::<usize>()
    }
}

impl EventRecord {
    /// Roughly what it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let partition = optional(&self.partition_id) + optional(&self.partition_key);
        64 + self.logger.len() + self.body.len() + partition
    }
}

impl MessageRecord {
    /// Roughly what it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let metadata = self.metadata.iter().map(|(name, value)| name.len() + value.len() + 48);
        64 + self.source.len() + self.message.len() + metadata.sum::<usize>()
    }
}

/// A text cut to so many bytes, at a character's border.
pub(crate) fn cut(mut text: String, bytes: usize) -> String {
    if bytes < text.len() {
        text.truncate(text.floor_char_boundary(bytes));
    }
    text
}
