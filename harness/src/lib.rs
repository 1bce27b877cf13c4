//! Runs scenarios against a gateway and says whether it keeps its promises.

pub mod record;
