//! Live changes of faults: `POST` and `DELETE /++/faults`, and the lists in a
//! `PATCH /++/config`; and what `GET` shows of them.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::resource::Resource;
use crate::config::{FaultNames, FaultProblem, FaultScope, fault_from, kind_text, raw};
use crate::fault::{Armed, Owner};

/// The resource's faults when the lists of these owners are replaced.
pub(super) fn replaced(
    resource: &Resource,
    lists: &[(Owner, &Value)],
    now: Instant,
) -> Result<Vec<Arc<Armed>>, String> {
    let board = resource.faults.board();
    let mut armed: Vec<Arc<Armed>> = board
        .armed()
        .iter()
        .filter(|one| lists.iter().all(|(owner, _)| *owner != one.owner))
        .map(Arc::clone)
        .collect();
    let mut names = FaultNames::taken(armed.iter().map(|one| one.fault.name.to_string()));
    let mut read = Vec::new();
    for (owner, list) in lists {
        let place = place(owner);
        let list = list.as_array().ok_or_else(|| format!("{place} must be a JSON array"))?;
        for (index, value) in list.iter().enumerate() {
            let place = format!("{place}[{index}]");
            let written = written(value, &place)?;
            if let Some(name) = &written.name
                && !names.keep(name)
            {
                return Err(format!("{place}: there is a fault `{name}` already"));
            }
            read.push((owner, written, place));
        }
    }
    for (owner, written, place) in read {
        armed.push(arm(resource, owner, written, &mut names, &place, now)?);
    }
    Ok(armed)
}

/// The resource's faults with one more. One of the same name is replaced.
pub(super) fn added(
    resource: &Resource,
    body: &[u8],
    now: Instant,
) -> Result<Vec<Arc<Armed>>, String> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let written = written(&value, "the fault")?;
    let board = resource.faults.board();
    let mut armed: Vec<Arc<Armed>> = board
        .armed()
        .iter()
        .filter(|one| written.name.as_deref() != Some(&*one.fault.name))
        .map(Arc::clone)
        .collect();
    let mut names = FaultNames::taken(armed.iter().map(|one| one.fault.name.to_string()));
    armed.push(arm(resource, &Owner::Resource, written, &mut names, "the fault", now)?);
    Ok(armed)
}

/// The resource's faults without one; `None` when there is none of this name.
pub(super) fn without(resource: &Resource, name: &str) -> Option<Vec<Arc<Armed>>> {
    let board = resource.faults.board();
    let rest: Vec<Arc<Armed>> =
        board.armed().iter().filter(|one| &*one.fault.name != name).map(Arc::clone).collect();
    (rest.len() < board.armed().len()).then_some(rest)
}

fn place(owner: &Owner) -> String {
    match owner {
        Owner::Resource => "`faults`".to_owned(),
        Owner::Deployment(name) => format!("`deployments.{name}.faults`"),
    }
}

fn written(value: &Value, place: &str) -> Result<raw::Fault, String> {
    serde_json::from_value(value.clone()).map_err(|error| format!("{place}: {error}"))
}

fn arm(
    resource: &Resource,
    owner: &Owner,
    mut written: raw::Fault,
    names: &mut FaultNames,
    place: &str,
    now: Instant,
) -> Result<Arc<Armed>, String> {
    let known: Vec<&str> = resource.deployments.keys().map(String::as_str).collect();
    let scope = match owner {
        Owner::Resource => FaultScope::Resource(&known),
        Owner::Deployment(_) => FaultScope::Deployment,
    };
    let name = match &written.name {
        Some(name) => name.clone(),
        None => names.invent(kind_text(written.kind)),
    };
    let fault = fault_from(&written, &name, scope).map_err(|problems| {
        let words = |problem: FaultProblem| match problem.help {
            Some(help) => format!("{} ({help})", problem.message),
            None => problem.message,
        };
        let problems: Vec<_> = problems.into_iter().map(words).collect();
        format!("{place}: {}", problems.join("; "))
    })?;
    written.name = Some(name);
    Ok(Arc::new(Armed::new(fault, written, owner.clone(), now)))
}

/// The faults of an owner as they were written: what a patch can send back.
pub(super) fn describe(resource: &Resource, owner: &Owner) -> Value {
    let board = resource.faults.board();
    board.armed().iter().filter(|one| one.owner == *owner).map(|one| json!(one.written)).collect()
}

/// All faults and what became of them so far.
pub(super) fn list(resource: &Resource, now: Instant) -> Value {
    let board = resource.faults.board();
    let faults: Vec<Value> = board
        .armed()
        .iter()
        .map(|armed| {
            let state = if armed.is_over(now) {
                "over"
            } else if armed.is_active(now) {
                "active"
            } else {
                "waiting"
            };
            let deployment = match &armed.owner {
                Owner::Deployment(name) => Some(name),
                Owner::Resource => None,
            };
            json!({
                "name": &*armed.fault.name,
                "deployment": deployment,
                "state": state,
                "struck": armed.struck(),
                "left": armed.left(),
                "fault": armed.written,
            })
        })
        .collect();
    json!({ "faults": faults })
}
