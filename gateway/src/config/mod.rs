//! `gateway.toml`: text → raw types with spans → a checked model that holds no
//! contradiction. Start reading at `load.rs`.

pub(crate) mod backends;
pub(crate) mod describe;
pub(crate) mod load;
pub(crate) mod model;
pub(crate) mod raw;
pub(crate) mod settings;
mod validate;
