//! What a call costs beyond its step: something for all it may read or copy.
//!
//! Steps bound time only if a step's work is bounded. So texts cost by length,
//! JSON by tokens, and what a member's function charges itself comes on top.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use super::Vm;
use crate::expr::collection::{Collection, Items, Kind};
use crate::expr::exception::Exception;
use crate::expr::json::Node;
use crate::expr::library::objects::Object;
use crate::expr::library::{Member, MemberKind};
use crate::expr::value::Value;

/// Bytes of texts read per step.
const BYTES_READ_A_STEP: usize = 1024;
/// Items moved per step, where a list makes room or closes a gap.
const ITEMS_MOVED_A_STEP: usize = 512;
/// Tokens looked through per step, where a member looks at one level.
const TOKENS_READ_A_STEP: usize = 32;

/// How far a member looks into JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// At what it is called on.
    Here,
    /// At the children and siblings.
    Level,
    /// At everything inside.
    All,
}

/// How far a member of a JSON type looks into its receiver.
fn receiver(member: &Member) -> Look {
    match (member.kind, member.name) {
        (MemberKind::Property, "First" | "Last" | "Next" | "Previous" | "Path") => Look::Level,
        (MemberKind::Method, "Insert" | "Remove" | "RemoveAt" | "AddFirst" | "Children") => {
            Look::Level
        }
        (
            MemberKind::Method,
            "Add" | "ContainsKey" | "GetValue" | "Property" | "TryGetValue" | "Value",
        ) => Look::Here,
        (MemberKind::Method, _) => Look::All,
        _ => Look::Here,
    }
}

impl Vm<'_> {
    /// Pays for what a member may read of its receiver and arguments.
    pub(super) fn charge_call(
        &mut self,
        member: &Member,
        this: &Value,
        args: &[Value],
    ) -> Result<(), Exception> {
        // What is put somewhere may be copied.
        let look = match member.kind {
            MemberKind::Property | MemberKind::Indexer => Look::Here,
            _ => Look::All,
        };
        let mut cost = self.reading(this, receiver(member));
        for arg in args {
            cost = cost.saturating_add(self.reading(arg, look));
        }
        self.charge(cost)
    }

    /// Pays for reading a value as a whole, as a comparison does.
    pub(crate) fn charge_read(&mut self, value: &Value) -> Result<(), Exception> {
        let cost = self.reading(value, Look::Here);
        self.charge(cost)
    }

    /// Pays for a collection whose items move up or down.
    pub(crate) fn charge_move(&mut self, items: usize) -> Result<(), Exception> {
        self.charge(items / ITEMS_MOVED_A_STEP)
    }

    /// Pays for every token of a JSON value.
    pub(crate) fn charge_tokens(&mut self, node: &Node) -> Result<(), Exception> {
        let cost = self.tokens(node);
        self.charge(cost)
    }

    fn reading(&self, value: &Value, look: Look) -> usize {
        match value {
            Value::String(text) => text.len() / BYTES_READ_A_STEP,
            Value::Bytes(bytes) => bytes.len() / BYTES_READ_A_STEP,
            Value::Object(Object::Builder(text)) => {
                text.lock().unwrap_or_else(PoisonError::into_inner).len() / BYTES_READ_A_STEP
            }
            // The members themselves pay for walks; here for being printed.
            Value::Object(Object::Xml(xml)) if look != Look::Here => xml.size() / 4,
            Value::Json(node) if look == Look::All => self.tokens(node),
            Value::Json(node) if look == Look::Level => {
                let siblings = node.parent().map_or(0, |parent| parent.len());
                (node.len() + siblings) / TOKENS_READ_A_STEP
            }
            // The arguments of a `params` method come as one array.
            Value::Collection(items) if look == Look::All && items.kind == Kind::Array => {
                match &*items.lock() {
                    Items::Sequence(items) => items
                        .iter()
                        .map(|item| match item {
                            Value::Json(node) => self.tokens(node),
                            other => self.reading(other, Look::Here),
                        })
                        .fold(0, usize::saturating_add),
                    Items::Map(_) => 0,
                }
            }
            _ => 0,
        }
    }

    /// Tokens in a JSON value, counted as far as there are steps left.
    fn tokens(&self, node: &Node) -> usize {
        let left = super::MAX_STEPS.saturating_sub(self.steps);
        node.count(usize::try_from(left).unwrap_or(usize::MAX).saturating_add(1))
    }

    /// Refuses to put a value into a collection that the value itself holds:
    /// nothing would ever free such a circle.
    pub(crate) fn no_circle(
        &mut self,
        value: &Value,
        into: &Arc<Collection>,
    ) -> Result<(), Exception> {
        let Value::Collection(first) = value else { return Ok(()) };
        let mut pending = vec![Arc::clone(first)];
        let mut seen = BTreeSet::new();
        while let Some(found) = pending.pop() {
            if Arc::ptr_eq(&found, into) {
                return Err(Exception::limit(
                    "one place for a collection, which is not inside itself",
                ));
            }
            if !seen.insert(Arc::as_ptr(&found) as usize) {
                continue;
            }
            self.charge(1 + found.len() / 16)?;
            found.nested(&mut pending);
        }
        Ok(())
    }
}
