//! Paths: which surface one belongs to, and what it names there.

use super::table::{Row, TABLE};

/// The forms of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Surface {
    /// `/openai/deployments/{deployment}/…`: the path names the deployment.
    Deployment,
    /// `/openai/…`: the body does, or none is needed.
    Flat,
    /// `/openai/v1/…`: the same without dated versions.
    V1,
    /// `/v1/…`: OpenAI's own.
    OpenAi,
}

impl Surface {
    /// Whether `api-version` is a date here.
    pub(in crate::service) fn is_dated(self) -> bool {
        matches!(self, Self::Deployment | Self::Flat)
    }
}

/// A path taken apart, whether there is anything at it or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) struct Address<'p> {
    pub surface: Surface,
    /// What a deployment path names.
    pub deployment: Option<&'p str>,
    /// What follows the surface's prefix.
    pub rest: &'p str,
}

/// Takes a path apart. Leading slashes may be doubled: clients configured with a
/// trailing slash do that.
pub(in crate::service) fn address(path: &str) -> Option<Address<'_>> {
    let path = path.trim_start_matches('/');
    let found = |surface, rest| Some(Address { surface, deployment: None, rest });
    let Some(rest) = path.strip_prefix("openai/") else {
        return found(Surface::OpenAi, path.strip_prefix("v1/")?);
    };
    if let Some(rest) = rest.strip_prefix("v1/") {
        return found(Surface::V1, rest);
    }
    match rest.strip_prefix("deployments/").and_then(|rest| rest.split_once('/')) {
        Some((deployment, rest)) if !deployment.is_empty() => {
            Some(Address { surface: Surface::Deployment, deployment: Some(deployment), rest })
        }
        _ => found(Surface::Flat, rest),
    }
}

impl<'p> Address<'p> {
    /// The line of the table for this method.
    pub(super) fn row(&self, method: &str) -> Option<&'static Row> {
        self.rows().find(|row| row.method == method)
    }

    /// Whether there is anything at this path, for some method.
    pub(super) fn known(&self) -> bool {
        self.rows().next().is_some()
    }

    fn rows(&self) -> impl Iterator<Item = &'static Row> {
        TABLE.iter().filter(|row| {
            row.surfaces.contains(&self.surface) && matches(row.template, self.rest).is_some()
        })
    }

    /// What stands where the template has `{id}`.
    pub(in crate::service) fn id(&self) -> Option<&'p str> {
        self.rows().find_map(|row| matches(row.template, self.rest).flatten())
    }
}

/// `None`: another path. The inner value is what `{id}` stands for.
fn matches<'p>(template: &str, path: &'p str) -> Option<Option<&'p str>> {
    let Some((before, after)) = template.split_once("{id}") else {
        return (template == path).then_some(None);
    };
    let id = path.strip_prefix(before)?.strip_suffix(after)?;
    (!id.is_empty() && !id.contains('/')).then_some(Some(id))
}
