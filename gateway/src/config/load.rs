//! Reading `gateway.toml` and every document it names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seam::diagnostic::{Diagnostic, Severity, Source};
use seam::env::Env;
use toml::Spanned;

use super::model::Model;
use super::raw::{RawConfig, RawTier};
use super::settings::{self, JsonNewline, Settings};
use super::validate;
use crate::expr::{self, Newline};
use crate::jwt::{Issuer, IssuerNames, Key, read_keys};
use crate::policy::compile::{Findings, check_fragment, compile_document};
use crate::policy::document::PolicyDocument;
use crate::policy::lint;
use crate::policy::load::{Document, Kind, Library, Values, scan};
use crate::policy::named_values::NamedValues;

/// The platform's global policy where the user has none (specification 1).
const DEFAULT_GLOBAL: &str = "<policies><inbound /><backend><forward-request /></backend><outbound /><on-error /></policies>";

/// The most problems one load reports.
const MAX_PROBLEMS: usize = 1_000;

/// See [`crate::load`].
pub(crate) fn load(path: &Path, env: &Env) -> Result<(Model, Vec<Diagnostic>), Vec<Diagnostic>> {
    let source = seam::config::read(path).map_err(|problem| vec![problem])?;
    load_text(&source, path.parent().unwrap_or(Path::new("")), env)
}

/// See [`crate::listen`].
pub(crate) fn listen(path: &Path, env: &Env) -> Result<SocketAddr, Vec<Diagnostic>> {
    let source = seam::config::read(path).map_err(|problem| vec![problem])?;
    let raw: RawConfig = seam::config::parse(&source, env)?;
    validate::listen(raw.listen.as_ref(), &source).map_err(|problem| vec![problem])
}

/// Reads the issuers' keys.
fn token_issuers(
    raw: &RawConfig,
    source: &Source,
    directory: &Path,
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Arc<Issuer>> {
    let mut issuers = BTreeMap::new();
    for own in &raw.token_issuers {
        let keys = match &own.keys {
            None => Ok(vec![Key::local()]),
            Some(file) => std::fs::read_to_string(directory.join(file.get_ref()))
                .map_err(|error| format!("cannot read `{}`: {error}", file.get_ref()))
                .and_then(|text| {
                    read_keys(&text)
                        .map_err(|error| format!("`{}` is no JWK set: {error}", file.get_ref()))
                })
                .map_err(|message| Diagnostic::error(source, file.span(), message)),
        };
        let names = IssuerNames::Exactly(own.issuer.get_ref().clone());
        let keys = keys.unwrap_or_else(|problem| {
            problems.push(problem);
            Vec::new()
        });
        let url = own.openid_config.get_ref().trim().to_owned();
        if issuers.insert(url, Arc::new(Issuer { names, keys })).is_some() {
            let message = format!("`{}` is given twice", own.openid_config.get_ref());
            problems.push(Diagnostic::error(source, own.openid_config.span(), message));
        }
    }
    issuers
}

/// Loads a configuration from its text; documents are relative to `directory`.
pub(crate) fn load_text(
    source: &Source,
    directory: &Path,
    env: &Env,
) -> Result<(Model, Vec<Diagnostic>), Vec<Diagnostic>> {
    let raw: RawConfig = seam::config::parse(source, env)?;
    let mut problems = Vec::new();
    let mut documents = Documents::new(source, directory);
    documents.values = validate::named_values(&raw, source, &mut problems);
    documents.library.issuers = token_issuers(&raw, source, directory, &mut problems);
    documents.library.backends =
        raw.backends.iter().map(|backend| backend.id.get_ref().clone()).collect();
    documents.library.loggers =
        raw.loggers.iter().map(|logger| logger.id.get_ref().clone()).collect();
    documents.library.pools = raw
        .backends
        .iter()
        .filter_map(|own| {
            Some((own.id.get_ref().clone(), own.pool.as_ref()?.services.get_ref().len()))
        })
        .collect();
    documents.library.expressions.newline = match (raw.settings.json_newline, raw.gateway.tier) {
        (JsonNewline::Crlf, _) | (JsonNewline::ByTier, RawTier::Classic) => Newline::CrLf,
        (JsonNewline::Lf, _) | (JsonNewline::ByTier, RawTier::V2) => Newline::Lf,
    };
    documents.library.expressions.culture = match raw.settings.culture {
        settings::Culture::Invariant => expr::Culture::Invariant,
        settings::Culture::EnUs => expr::Culture::EnUs,
    };
    documents.library.settings = raw.settings.clone();
    documents.read_fragments(&raw);
    let model = validate::model(raw, source, &mut documents, &mut problems);
    documents.check_unused_fragments();
    let Findings { diagnostics, facts, .. } = documents.findings;
    problems.extend(documents.reading);
    problems.extend(diagnostics);
    lint::check(&facts, &mut problems);
    let sound = problems.iter().all(|found| found.severity() == Severity::Warning);
    let problems = without_doubles(problems);
    match model {
        Some(model) if sound => Ok((model, problems)),
        _ => Err(problems),
    }
}

/// A fragment included twice reports its problems twice. And nobody reads more
/// than so many: a hostile document could have one for every few bytes.
pub(crate) fn without_doubles(problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for problem in problems {
        if MAX_PROBLEMS <= kept.len() {
            let message = format!("there are more problems; these are the first {MAX_PROBLEMS}");
            kept.push(Diagnostic::without_source(message));
            break;
        }
        let place = problem.location().map(|(file, line, column)| (file.to_owned(), line, column));
        if seen.insert((problem.message().to_owned(), place)) {
            kept.push(problem);
        }
    }
    kept
}

/// Reads and compiles documents, each file once.
pub(super) struct Documents<'s> {
    config: &'s Source,
    directory: PathBuf,
    values: NamedValues,
    library: Library,
    findings: Findings,
    /// Problems of files that did not become a tree.
    reading: Vec<Diagnostic>,
    compiled: BTreeMap<String, Option<Arc<PolicyDocument>>>,
    /// Each file's expressions, as the lint rules number them.
    expressions: BTreeMap<String, Range<usize>>,
}

impl<'s> Documents<'s> {
    fn new(config: &'s Source, directory: &Path) -> Self {
        Self {
            config,
            directory: directory.to_owned(),
            values: NamedValues::new(),
            library: Library::default(),
            findings: Findings::default(),
            reading: Vec::new(),
            compiled: BTreeMap::new(),
            expressions: BTreeMap::new(),
        }
    }

    /// The gateway's settings.
    pub(super) fn settings(&self) -> &Settings {
        &self.library.settings
    }

    /// Where relative paths begin.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    fn read_fragments(&mut self, raw: &RawConfig) {
        for fragment in &raw.fragments {
            let document = self.read(&fragment.file, Kind::Fragment);
            self.library.fragments.insert(fragment.id.get_ref().clone(), document);
        }
    }

    fn check_unused_fragments(&mut self) {
        let unused: Vec<(&String, &Document)> = self
            .library
            .fragments
            .iter()
            .filter(|(id, _)| !self.findings.included.contains(*id))
            .filter_map(|(id, document)| Some((id, document.as_ref()?)))
            .collect();
        for (id, document) in unused {
            check_fragment(id, document, &self.library, &mut self.findings);
        }
    }

    /// A compiled policy document; `None` after a diagnostic.
    pub(super) fn policies(&mut self, file: &Spanned<String>) -> Option<Arc<PolicyDocument>> {
        if let Some(known) = self.compiled.get(file.get_ref()) {
            return known.clone();
        }
        let before = self.findings.facts.count();
        let document = self.read(file, Kind::Policies);
        let compiled = document.map(|document| {
            Arc::new(compile_document(&document, &self.library, &mut self.findings))
        });
        self.compiled.insert(file.get_ref().clone(), compiled.clone());
        let expressions = before..self.findings.facts.count();
        self.expressions.insert(file.get_ref().clone(), expressions);
        compiled
    }

    /// Calls without a key run this document, too.
    pub(super) fn keyless(&mut self, file: &Spanned<String>) {
        if let Some(expressions) = self.expressions.get(file.get_ref()) {
            self.findings.facts.keyless(expressions.clone());
        }
    }

    /// The platform's default global policy.
    pub(super) fn default_global(&mut self) -> Arc<PolicyDocument> {
        let source = Source::new("default global policy", DEFAULT_GLOBAL);
        let document = scan(&source, Kind::Policies, &Values::none(), &mut self.reading);
        document.map_or_else(Arc::default, |document| {
            Arc::new(compile_document(&document, &self.library, &mut self.findings))
        })
    }

    fn read(&mut self, file: &Spanned<String>, kind: Kind) -> Option<Document> {
        let path = self.directory.join(file.get_ref());
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let source = Source::new(path.display().to_string(), text);
                let unknown = self.library.settings.unknown_named_value;
                let values = Values { known: &self.values, unknown };
                scan(&source, kind, &values, &mut self.reading)
            }
            Err(error) => {
                let message = format!("cannot read `{}`: {error}", path.display());
                let problem = Diagnostic::error(self.config, file.span(), message)
                    .help("paths are relative to this file");
                self.reading.push(problem);
                None
            }
        }
    }
}
