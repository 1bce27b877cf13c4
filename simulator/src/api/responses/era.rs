//! Which form of the API's answers a deployment writes.
//!
//! Until the end of 2025 events had their keys in the order of the declarations and
//! the response object had fewer; since 2026 the keys of an event are sorted
//! (recordings of 2025-10, 2025-11, 2026-01 and 2026-08).

use crate::config::{Layout, WireProfile};

/// A form of the API's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    Y2025,
    Y2026,
}

/// Whose API it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vendor {
    /// Names the deployment, annotates content filters.
    Azure,
    /// Names the snapshot and who pays.
    OpenAi,
}

impl Era {
    pub(super) fn of(profile: WireProfile) -> Self {
        match profile {
            WireProfile::Azure2024 | WireProfile::Azure2025 => Era::Y2025,
            WireProfile::Documented | WireProfile::Azure2026 | WireProfile::OpenAi => Era::Y2026,
        }
    }
}

impl Vendor {
    pub(super) fn of(profile: WireProfile) -> Self {
        match profile.layout() {
            Layout::OpenAi => Vendor::OpenAi,
            Layout::Azure2024 | Layout::Azure => Vendor::Azure,
        }
    }
}
