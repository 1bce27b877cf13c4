//! Record and replay, per resource.

use std::path::Path;
use std::sync::Arc;

use http::Uri;
use schemars::JsonSchema;
use seam::diagnostic::{Diagnostic, Source};
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::recording::Store;

/// Whether a resource is a proxy that records a real one, or plays recordings back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recording {
    /// `record`: every request goes to `upstream`, and the exchange into `folder`.
    /// `replay`: requests are answered from `folder`; one that was not recorded
    /// gets 404.
    #[schemars(with = "Mode")]
    pub mode: Spanned<Mode>,
    /// Folder of recordings, relative to this file; recording creates it.
    #[schemars(with = "String")]
    pub folder: Spanned<String>,
    /// The real endpoint: `https://NAME.openai.azure.com` or `https://api.openai.com`.
    #[schemars(with = "Option<String>")]
    pub upstream: Option<Spanned<String>>,
    /// Key for the real endpoint, in place of the client's. It is sent in `api-key`,
    /// or as bearer token where the client sent its key so; it is never recorded.
    #[schemars(with = "Option<String>")]
    pub upstream_key: Option<Spanned<String>>,
    /// What recorded times are multiplied with on playback: 1 (default) keeps them, 0
    /// answers at once.
    #[schemars(with = "Option<f64>")]
    pub time_factor: Option<Spanned<f64>>,
}

/// Recording, or playing back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// Forward and write down.
    Record,
    /// Answer from what was written down.
    Replay,
}

/// What a resource does with recordings.
#[derive(Debug, Clone)]
pub(crate) enum RecordingConfig {
    Record { store: Arc<Store>, upstream: Upstream },
    Replay { store: Arc<Store>, time_factor: f64 },
}

/// A real endpoint.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub base: Uri,
    pub key: Option<String>,
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Upstream({})", self.base)
    }
}

/// What is done, unless there is a problem with it. The folder is read here, so that
/// a broken recording is found when the configuration is checked.
pub(super) fn check(
    source: &Source,
    raw: Recording,
    problems: &mut Vec<Diagnostic>,
) -> Option<RecordingConfig> {
    let Recording { mode, folder, upstream, upstream_key, time_factor } = raw;
    let before = problems.len();
    let mut report = |span, message: String, help: &str| {
        problems.push(Diagnostic::error(source, span, message).help(help));
    };
    let (mode, mode_span) = (*mode.get_ref(), mode.span());
    let factor = time_factor.as_ref().map_or(1.0, |factor| *factor.get_ref());
    if let Some(span) = time_factor.map(|factor| factor.span()) {
        if mode == Mode::Record {
            report(span, "`time_factor` is for playback".into(), "remove it");
        } else if !(0.0..=1_000.0).contains(&factor) {
            let help = "1 keeps the recorded times, 0 answers at once";
            report(span, "`time_factor` is outside 0 to 1000".into(), help);
        }
    }
    let mut base = None;
    match (mode, upstream) {
        (Mode::Record, None) => {
            let help = "add `upstream = \"https://NAME.openai.azure.com\"`";
            report(mode_span, "recording needs to know what".into(), help);
        }
        (Mode::Replay, Some(upstream)) => {
            report(upstream.span(), "playback calls nobody".into(), "remove `upstream`");
        }
        (Mode::Replay, None) => {}
        (Mode::Record, Some(upstream)) => match upstream.get_ref().parse::<Uri>() {
            Ok(uri)
                if matches!(uri.scheme_str(), Some("http" | "https"))
                    && uri.authority().is_some()
                    && uri.query().is_none() =>
            {
                base = Some(uri);
            }
            _ => {
                let help = "an example: \"https://NAME.openai.azure.com\"";
                report(upstream.span(), "`upstream` is no base URL".into(), help);
            }
        },
    }
    if let (Mode::Replay, Some(key)) = (mode, &upstream_key) {
        report(key.span(), "playback calls nobody".into(), "remove `upstream_key`");
    }
    let directory = Path::new(source.name()).parent().unwrap_or(Path::new(""));
    let store = match Store::open(&directory.join(folder.get_ref())) {
        Ok(store) => Arc::new(store),
        Err(error) => {
            report(folder.span(), error.to_string(), "mend or remove it");
            return None;
        }
    };
    if mode == Mode::Replay && store.len() == 0 {
        let help = "record some first: `mode = \"record\"`";
        report(folder.span(), format!("no recordings in `{}`", folder.get_ref()), help);
    }
    if problems.len() != before {
        return None;
    }
    match mode {
        Mode::Replay => Some(RecordingConfig::Replay { store, time_factor: factor }),
        Mode::Record => {
            let key = upstream_key.map(Spanned::into_inner).filter(|key| !key.is_empty());
            Some(RecordingConfig::Record { store, upstream: Upstream { base: base?, key } })
        }
    }
}
