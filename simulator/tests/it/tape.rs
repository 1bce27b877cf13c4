//! Recordings of the real services, in three forms of VCR files (VCR, ruby's VCR,
//! pydantic-ai's): those in the folder that `RECORDINGS` names, or else in
//! `../shared/recordings` beside the workspace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode as _, ScalarOwned, YamlOwned};
use serde_json::{Map, Value};

/// One exchange.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// File and number in it.
    pub name: String,
    pub method: String,
    pub host: String,
    /// Path and query.
    pub path: String,
    pub request: String,
    pub request_headers: BTreeMap<String, String>,
    pub status: u16,
    /// Names in lower case; of several values the first.
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// Bodies were written anew and headers left out by the recorder.
    pub rewritten: bool,
}

/// The files, in order. Where the folder is absent this says so.
#[expect(clippy::print_stderr, reason = "what is skipped must be seen")]
pub(crate) fn files() -> Vec<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/recordings");
    let folder = std::env::var_os("RECORDINGS").map_or(beside, PathBuf::from);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: no recordings at {}", folder.display());
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|name| name == "yml" || name == "yaml"))
        .collect();
    files.sort();
    files
}

pub(crate) fn read(path: &Path) -> Vec<Exchange> {
    let documents = YamlOwned::load_from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let root = &documents[0];
    let list = at(root, "http_interactions").or_else(|| at(root, "interactions")).unwrap();
    let file = path.file_name().unwrap().to_string_lossy();
    let nodes = list.as_vec().unwrap().iter().enumerate();
    nodes.map(|(number, node)| exchange(format!("{file} {}", number + 1), node)).collect()
}

fn exchange(name: String, node: &YamlOwned) -> Exchange {
    let (request, response) = (at(node, "request").unwrap(), at(node, "response").unwrap());
    let uri = at(request, "uri").and_then(YamlOwned::as_str).unwrap();
    let (host, path) = uri.split_once("://").unwrap().1.split_once('/').unwrap();
    let status = at(response, "status").and_then(|status| at(status, "code")).unwrap();
    Exchange {
        name,
        method: at(request, "method").and_then(YamlOwned::as_str).unwrap().to_ascii_uppercase(),
        host: host.to_owned(),
        path: format!("/{path}"),
        request: body(request),
        request_headers: headers(request),
        status: u16::try_from(status.as_integer().unwrap()).unwrap(),
        headers: headers(response),
        body: body(response),
        rewritten: at(response, "parsed_body").is_some(),
    }
}

fn at<'a>(node: &'a YamlOwned, key: &str) -> Option<&'a YamlOwned> {
    node.as_mapping()?.get(&YamlOwned::Value(ScalarOwned::String(key.to_owned())))
}

fn body(side: &YamlOwned) -> String {
    if let Some(parsed) = at(side, "parsed_body") {
        return json(parsed).to_string();
    }
    let body = at(side, "body").map(|body| at(body, "string").unwrap_or(body));
    body.and_then(YamlOwned::as_str).unwrap_or_default().to_owned()
}

fn headers(side: &YamlOwned) -> BTreeMap<String, String> {
    let map = at(side, "headers").and_then(YamlOwned::as_mapping).unwrap();
    let text = |value: &YamlOwned| {
        let first = value.as_vec().and_then(|values| values.first());
        match json(first.unwrap_or(value)) {
            Value::String(text) => text,
            other => other.to_string(),
        }
    };
    let lower = |name: &YamlOwned| name.as_str().unwrap().to_ascii_lowercase();
    map.iter().map(|(name, value)| (lower(name), text(value))).collect()
}

fn json(node: &YamlOwned) -> Value {
    if let Some(map) = node.as_mapping() {
        let pairs = map.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), json(value)));
        return Value::Object(pairs.collect::<Map<_, _>>());
    }
    if let Some(list) = node.as_vec() {
        return list.iter().map(json).collect();
    }
    if let Some(flag) = node.as_bool() {
        return flag.into();
    }
    if let Some(number) = node.as_integer() {
        return number.into();
    }
    if let Some(number) = node.as_floating_point() {
        return number.into();
    }
    node.as_str().map_or(Value::Null, Value::from)
}
