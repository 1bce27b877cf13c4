//! From a request's method, path and query to the endpoint it means
//! (specification, sections 1.1, 1.2 and 1.4). A new endpoint is one line in
//! `table.rs`.

mod address;
mod table;
mod version;

pub(super) use address::{Address, Surface, address};
pub(super) use table::{Endpoint, Inquiry};
pub(super) use version::{api_version, enabled};

use http::request::Parts;

use crate::catalogue::Operation;
use crate::wire::{ApiError, Style};

/// A request for a deployment: what it wants, and how it was addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route<'p> {
    pub operation: Operation,
    pub surface: Surface,
    /// As the client named it; `v1` when it named none.
    pub api_version: &'p str,
}

/// The endpoint of a method, path and version, or the complaint of the path's
/// own dialect.
pub(super) fn route<'p>(
    address: Option<Address<'p>>,
    parts: &'p Parts,
    style: Style,
    newest: &str,
) -> Result<(Address<'p>, Endpoint, &'p str), ApiError> {
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let row = address.and_then(|address| Some((address, address.row(method)?)));
    let Some((address, row)) = row else {
        return Err(match (style.is_openai(), address.is_some_and(|address| address.known())) {
            (false, _) => ApiError::resource_not_found(),
            (true, false) => ApiError::invalid_url(method, path),
            (true, true) => ApiError::method_not_allowed(method, path),
        });
    };
    let named = parts.uri.query().and_then(api_version);
    match version::known(address.surface, named, row, newest) {
        Some(version) => Ok((address, row.endpoint, version)),
        None => Err(ApiError::resource_not_found()),
    }
}

#[cfg(test)]
mod tests;
