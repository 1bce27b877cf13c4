//! Runs scenarios against a gateway and says whether it keeps its promises.

pub mod assert;
pub mod exit_code;
pub mod record;
pub mod report;
pub mod scenario;
pub mod stats;
