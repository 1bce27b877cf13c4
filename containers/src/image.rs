//! Which image is started.

use std::fmt;

/// An image's name and tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    pub(crate) name: String,
    pub(crate) tag: String,
}

impl ImageName {
    /// What `docker compose build` makes.
    const DEFAULT: &str = "genai-gateway-test-bench";
    /// Names another image.
    const VARIABLE: &str = "BENCH_IMAGE";

    /// An image by name and tag.
    #[must_use]
    pub fn new(name: impl Into<String>, tag: impl Into<String>) -> Self {
        Self { name: name.into(), tag: tag.into() }
    }

    /// The image the variable `BENCH_IMAGE` names (`name` or `name:tag`), else
    /// `genai-gateway-test-bench:latest`.
    #[must_use]
    pub fn from_environment() -> Self {
        match std::env::var(Self::VARIABLE) {
            Ok(text) if !text.trim().is_empty() => Self::parse(text.trim()),
            _ => Self::parse(Self::DEFAULT),
        }
    }

    /// A colon before the last slash belongs to a registry's port.
    fn parse(text: &str) -> Self {
        match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => Self::new(name, tag),
            _ => Self::new(text, "latest"),
        }
    }

    /// Whether the engine may find it in a registry. Names without a slash are
    /// taken as built here: none of them is ours on Docker Hub.
    pub(crate) fn may_be_pulled(&self) -> bool {
        self.name.contains('/')
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_tags() {
        for (text, name, tag) in [
            ("bench", "bench", "latest"),
            ("bench:debug", "bench", "debug"),
            ("localhost:5000/bench", "localhost:5000/bench", "latest"),
            ("localhost:5000/bench:1.2", "localhost:5000/bench", "1.2"),
        ] {
            assert_eq!(ImageName::parse(text), ImageName::new(name, tag), "{text}");
        }
        assert_eq!(
            ImageName::parse("localhost:5000/bench:1.2").to_string(),
            "localhost:5000/bench:1.2"
        );
        assert!(ImageName::parse("localhost:5000/bench").may_be_pulled());
        assert!(!ImageName::parse("bench:debug").may_be_pulled());
    }
}
