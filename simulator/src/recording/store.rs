//! A folder of recordings.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::exchange::{RecordedRequest, Recording, VERSION};
use super::fingerprint::Fingerprint;

/// How many characters of a difference a message shows.
const SHOWN: usize = 80;

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("cannot read the recordings in `{}`: {source}", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("`{}` is no recording: {problem}", file.display())]
    File { file: PathBuf, problem: String },
    #[error("cannot write `{}`: {source}", file.display())]
    Write { file: PathBuf, source: io::Error },
}

/// Recordings by what they answer, in the order of their files' names.
pub(crate) struct Store {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    recordings: Vec<Arc<Recording>>,
    /// Never iterated.
    found: HashMap<Fingerprint, Taken>,
    /// The number in the newest file's name.
    last_number: u64,
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Store({}, {} recordings)", self.folder.display(), self.len())
    }
}

/// The recordings of one request, and which is next.
#[derive(Default)]
struct Taken {
    indexes: Vec<usize>,
    next: usize,
}

/// No recording answers a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Miss(pub String);

impl Store {
    /// Reads all `*.json` of a folder; one that does not exist is empty.
    ///
    /// # Errors
    /// When a file cannot be read or is no recording; the first such is named.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Folder { folder: folder.to_owned(), source };
        let mut files: Vec<PathBuf> = match fs::read_dir(folder) {
            Ok(entries) => entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<_, _>>()
                .map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(error)),
        };
        files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        files.sort_unstable();
        let mut state = State::default();
        for file in files {
            state.last_number = state.last_number.max(number(&file));
            state.add(read(&file)?);
        }
        Ok(Self { folder: folder.to_owned(), state: Mutex::new(state) })
    }

    /// The next recording for a request. Where there are several they take turns
    /// in their order, and the last one stays: what answered once answers again.
    pub(crate) fn find(&self, request: &RecordedRequest) -> Result<Arc<Recording>, Miss> {
        let mut state = self.lock();
        let State { recordings, found, .. } = &mut *state;
        let taken = found.get_mut(&Fingerprint::of(request));
        let index = taken.and_then(|taken| {
            let index = taken.indexes.get(taken.next).or(taken.indexes.last()).copied();
            taken.next += 1;
            index
        });
        match index.and_then(|index| recordings.get(index)) {
            Some(recording) => Ok(Arc::clone(recording)),
            None => Err(Miss(explain(request, recordings))),
        }
    }

    /// Writes a recording down.
    pub(crate) fn save(&self, recording: Recording) -> Result<PathBuf, StoreError> {
        let mut state = self.lock();
        state.last_number += 1;
        let name = format!("{:06}-{}.json", state.last_number, slug(&recording.request.path));
        let file = self.folder.join(name);
        let failed = |source| StoreError::Write { file: file.clone(), source };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let mut text = serde_json::to_string_pretty(&recording)
            .map_err(|error| failed(io::Error::other(error)))?;
        text.push('\n');
        // Under another name first: a reader never sees half a file.
        let unfinished = file.with_extension("part");
        fs::write(&unfinished, text).map_err(failed)?;
        fs::rename(&unfinished, &file).map_err(failed)?;
        state.add(recording);
        Ok(file)
    }

    /// How many recordings there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().recordings.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, recording: Recording) {
        let fingerprint = Fingerprint::of(&recording.request);
        self.found.entry(fingerprint).or_default().indexes.push(self.recordings.len());
        self.recordings.push(Arc::new(recording));
    }
}

fn read(file: &Path) -> Result<Recording, StoreError> {
    let failed = |problem: String| StoreError::File { file: file.to_owned(), problem };
    let text = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    let recording: Recording =
        serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
    if recording.version != VERSION {
        return Err(failed(format!("version {} is unknown; {VERSION} is", recording.version)));
    }
    if http::StatusCode::from_u16(recording.response.status).is_err() {
        return Err(failed(format!("{} is no HTTP status", recording.response.status)));
    }
    for (index, frame) in recording.response.frames.iter().enumerate() {
        if let Err(error) = frame.bytes() {
            return Err(failed(format!("frame {index}: {error}")));
        }
    }
    Ok(recording)
}

fn number(file: &Path) -> u64 {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.split('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// The last parts of a path, for a file's name.
fn slug(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let parts: Vec<&str> = path.rsplit('/').take(2).collect();
    let name: String = parts.into_iter().rev().collect::<Vec<_>>().join("-");
    name.chars().map(allowed).take(60).collect()
}

/// Why nothing answers: the first difference to the recording that is nearest.
fn explain(request: &RecordedRequest, recordings: &[Arc<Recording>]) -> String {
    let wanted = Fingerprint::of(request);
    let asked = format!("no recording answers {} {}", wanted.method, wanted.path);
    if recordings.is_empty() {
        return format!("{asked}: there are none");
    }
    let same_path: Vec<_> = recordings
        .iter()
        .filter(|recording| {
            let known = Fingerprint::of(&recording.request);
            known.path == wanted.path && known.method == wanted.method
        })
        .collect();
    if same_path.is_empty() {
        return format!("{asked}: none of {} is of this path", recordings.len());
    }
    let nearest = same_path
        .iter()
        .filter_map(|recording| {
            let (own, known) = (request.json.as_ref()?, recording.request.json.as_ref()?);
            let mut differences = Vec::new();
            differ("", own, known, &mut differences);
            Some(differences)
        })
        .min_by_key(Vec::len);
    match nearest.as_deref() {
        Some([first, ..]) => format!("{asked} with this body; the nearest differs at {first}"),
        _ => format!("{asked} with this body"),
    }
}

/// Where two bodies differ. Depth is bounded by the parser.
fn differ(path: &str, asked: &Value, known: &Value, out: &mut Vec<String>) {
    match (asked, known) {
        (Value::Object(asked), Value::Object(known)) => {
            for (key, value) in asked {
                let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match known.get(key) {
                    Some(known) => differ(&at, value, known, out),
                    None => out.push(format!("`{at}`, which was not recorded")),
                }
            }
            for key in known.keys().filter(|key| !asked.contains_key(*key)) {
                let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                out.push(format!("`{at}`, which was recorded and is missing"));
            }
        }
        (Value::Array(asked), Value::Array(known)) if asked.len() == known.len() => {
            for (index, (asked, known)) in asked.iter().zip(known).enumerate() {
                differ(&format!("{path}[{index}]"), asked, known, out);
            }
        }
        (asked, known) if asked != known => {
            out.push(format!("`{path}`: {} here, {} recorded", short(asked), short(known)));
        }
        _ => {}
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::recording::{Frame, RecordedResponse};

    fn recording(path: &str, body: &str, answer: &str) -> Recording {
        Recording {
            version: VERSION,
            request: RecordedRequest::new("POST", path, body.as_bytes()),
            response: RecordedResponse {
                status: 200,
                headers: BTreeMap::new(),
                headers_ms: 1.0,
                frames: vec![Frame::new(2.0, answer.as_bytes())],
            },
        }
    }

    fn answer(store: &Store, path: &str, body: &str) -> Result<Vec<u8>, Miss> {
        let found = store.find(&RecordedRequest::new("POST", path, body.as_bytes()))?;
        Ok(found.response.frames[0].bytes().unwrap().to_vec())
    }

    #[test]
    fn what_is_saved_is_found_again_and_takes_turns() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("new")).unwrap();
        store.save(recording("/a/chat/completions?api-version=1", r#"{"x":1}"#, "one")).unwrap();
        let file = store.save(recording("/a/chat/completions", r#"{"x":1}"#, "two")).unwrap();
        assert!(file.ends_with("000002-chat-completions.json"), "{}", file.display());
        for store in [&store, &Store::open(&folder.path().join("new")).unwrap()] {
            assert_eq!(store.len(), 2);
            for expected in ["one", "two", "two"] {
                let found = answer(store, "//a/chat/completions?api-version=9", r#"{ "x": 1 }"#);
                assert_eq!(found, Ok(expected.as_bytes().to_vec()));
            }
        }
    }

    #[test]
    fn a_miss_names_the_difference() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let miss = |path: &str, body: &str| answer(&store, path, body).unwrap_err().0;
        assert_eq!(miss("/a", ""), "no recording answers POST /a: there are none");
        let body = r#"{"messages":[{"role":"user","content":"Hello"}],"n":1}"#;
        store.save(recording("/a", body, "x")).unwrap();
        assert_eq!(miss("/b", ""), "no recording answers POST /b: none of 1 is of this path");
        assert_eq!(
            miss("/a", r#"{"messages":[{"role":"user","content":"Hallo"}],"n":1}"#),
            "no recording answers POST /a with this body; the nearest differs at `messages[0].content`: \"Hallo\" here, \"Hello\" recorded"
        );
        assert!(
            miss("/a", r#"{"n":1}"#).ends_with("`messages`, which was recorded and is missing")
        );
    }

    #[test]
    fn a_file_that_is_no_recording_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| fs::write(folder.path().join("000001-x.json"), text).unwrap();
        let mut good = recording("/a", "{}", "x");
        good.version = 2;
        write(&serde_json::to_string(&good).unwrap());
        let problem = |folder: &Path| Store::open(folder).err().unwrap().to_string();
        assert!(problem(folder.path()).contains("version 2 is unknown"));
        write("{\"version\": 1, \"requst\": {}}");
        assert!(problem(folder.path()).contains("unknown field `requst`"));
    }
}
