//! Identifiers of responses and their items (specification, section 2.2).
//!
//! They are not all random: recordings share 16 digits between a response and its
//! items, and carry the second of creation. `resp_` + 16 shared digits + `01` +
//! seconds (8) + fraction (4) + `81` and the shard's digits (2) + 16 random ones; until
//! mid-2025 without the flag, the shared digits at the end.

use rand::Rng;

use super::era::Era;
use crate::wire::Ids;

/// What the identifiers of one response share.
#[derive(Debug, Clone)]
pub(super) struct Family {
    era: Era,
    shared: String,
    shard: String,
    /// Seconds since the Unix epoch.
    created: u64,
}

impl Family {
    pub(super) fn new<R: Rng>(era: Era, created: u64, ids: &mut Ids<R>) -> Self {
        let (shared, shard) = (ids.hex(16), format!("819{}", ids.hex(1)));
        Self { era, shared, shard, created }
    }

    /// `kind` is `resp`, `msg`, `rs` or `fc`.
    pub(super) fn id<R: Rng>(&self, kind: &str, ids: &mut Ids<R>) -> String {
        let Self { shared, shard, created, .. } = self;
        // The field has eight digits until 2106.
        let seconds = created & 0xffff_ffff;
        let (fraction, random) = (ids.hex(4), ids.hex(16));
        match self.era {
            Era::Y2025 => format!("{kind}_{seconds:08x}{fraction}{shard}{random}{shared}"),
            Era::Y2026 => format!("{kind}_{shared}01{seconds:08x}{fraction}{shard}{random}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use seam::rng::Seed;

    use super::*;

    #[test]
    fn ids_have_the_recorded_form() {
        let mut ids = Ids(Seed(1).stream("x"));
        for (era, length) in [(Era::Y2025, 48), (Era::Y2026, 50)] {
            let family = Family::new(era, 1_787_150_105, &mut ids);
            let (response, item) = (family.id("resp", &mut ids), family.id("msg", &mut ids));
            for (id, kind) in [(&response, "resp_"), (&item, "msg_")] {
                let digits = id.strip_prefix(kind).unwrap();
                assert_eq!(digits.len(), length, "{id}");
                assert!(digits.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()));
                assert!(digits.contains("6a85bf19"), "the second of creation: {id}");
            }
            assert_ne!(response[5..], item[4..]);
        }
    }
}
