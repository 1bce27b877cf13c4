//! Waiting for a due time: see [`seam::pacer`].

pub(crate) use seam::pacer::Pacer;
