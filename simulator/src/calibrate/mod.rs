//! Latency profiles from measurements of a real deployment: `read` (CSV or JSON
//! lines → rows), `fit` (rows → parameters of specification section 5.3),
//! `quality` (what the fit is worth, by drawing from it as the simulator does),
//! `render` (TOML to paste). Nothing here knows files or arguments.

mod fit;
mod quality;
mod read;
mod render;
mod statistics;

pub(crate) use fit::{Options, fit};
pub(crate) use quality::assess;
pub(crate) use read::read;
pub(crate) use render::render;

#[cfg(test)]
mod tests;
