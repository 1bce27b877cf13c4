//! Where events go: the file or URL of each `[[loggers]]`.
//!
//! Requests never wait: an event enters a bounded queue or is lost, and losses
//! are counted. A file has a thread of its own, so that a slow disk holds up
//! no worker; a URL has a task that posts one event after another.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Uri};
use seam::clock::WallClock;
use seam::http::{Body, HttpService, Request, call};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::records::EventRecord;
use crate::metrics::Metrics;

/// Events that wait for one sink.
const QUEUE: usize = 10_000;

/// A sink that does not answer in time has lost the event.
const POST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a quiet file stays unflushed.
const FLUSH: Duration = Duration::from_millis(200);

/// Where a logger's events go, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LoggerTarget {
    /// To the journal only.
    Journal,
    /// Appended to a file, one JSON line each.
    File(PathBuf),
    /// Posted, one request each.
    Url(Uri),
}

/// One line of a file.
#[derive(Serialize)]
struct Line<'a> {
    time: &'a str,
    #[serde(flatten)]
    event: &'a EventRecord,
}

/// All loggers' sinks.
pub(crate) struct Sinks {
    clock: WallClock,
    metrics: Arc<Metrics>,
    client: HttpService,
    sinks: BTreeMap<String, Sink>,
}

enum Sink {
    Journal,
    File(FileSink),
    Url { uri: Uri, queue: Mutex<Option<mpsc::Sender<Job>>> },
}

enum Job {
    Post(EventRecord),
    /// Answered when all before it is posted.
    Flush(oneshot::Sender<()>),
}

impl Sinks {
    /// Opens nothing yet: a file or a connection is opened by its first event.
    pub(crate) fn new(
        loggers: &BTreeMap<String, LoggerTarget>,
        clock: WallClock,
        metrics: Arc<Metrics>,
        client: HttpService,
    ) -> Self {
        let sinks = loggers
            .iter()
            .map(|(id, target)| {
                let sink = match target {
                    LoggerTarget::Journal => Sink::Journal,
                    LoggerTarget::File(path) => Sink::File(FileSink::new(path)),
                    LoggerTarget::Url(uri) => {
                        Sink::Url { uri: uri.clone(), queue: Mutex::default() }
                    }
                };
                (id.clone(), sink)
            })
            .collect();
        Self { clock, metrics, client, sinks }
    }

    /// Hands an event on; never waits. An unknown logger is the policy's to refuse.
    pub(crate) fn send(&self, event: &EventRecord) {
        let logger = event.logger.as_str();
        self.metrics.event(logger);
        match self.sinks.get(logger) {
            None | Some(Sink::Journal) => {}
            Some(Sink::File(sink)) => {
                let time = self.clock.now().rfc3339();
                let line = serde_json::to_vec(&Line { time: &time, event }).unwrap_or_default();
                sink.write(line, logger, &self.metrics);
            }
            Some(Sink::Url { uri, queue }) => {
                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                let sender = queue.get_or_insert_with(|| self.start(logger, uri));
                if sender.try_send(Job::Post(event.clone())).is_err() {
                    self.metrics.event_lost(logger, "queue full");
                }
            }
        }
    }

    /// The task that posts to one URL.
    fn start(&self, logger: &str, uri: &Uri) -> mpsc::Sender<Job> {
        let (sender, mut jobs) = mpsc::channel(QUEUE);
        let (client, metrics) = (self.client.clone(), Arc::clone(&self.metrics));
        let (logger, uri) = (logger.to_owned(), uri.clone());
        tokio::spawn(async move {
            while let Some(job) = jobs.recv().await {
                match job {
                    Job::Post(event) => {
                        if let Err(reason) = post(&client, &uri, event).await {
                            metrics.event_lost(&logger, reason);
                        }
                    }
                    Job::Flush(done) => {
                        let _ = done.send(());
                    }
                }
            }
        });
        sender
    }

    /// Waits until every event so far was posted or written, or lost.
    pub(crate) async fn flush(&self) {
        for sink in self.sinks.values() {
            match sink {
                Sink::Journal => {}
                Sink::File(sink) => sink.close(),
                Sink::Url { queue, .. } => {
                    let queue = queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    let Some(queue) = queue else { continue };
                    let (done, flushed) = oneshot::channel();
                    if queue.send(Job::Flush(done)).await.is_ok() {
                        let _ = flushed.await;
                    }
                }
            }
        }
    }
}

/// One event, as the event hub's REST interface takes it.
async fn post(client: &HttpService, uri: &Uri, event: EventRecord) -> Result<(), &'static str> {
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&event.body).is_ok();
    let mut request = Request::new(Body::from(event.body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri.clone();
    let kind = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(key) = event.partition_key.or(event.partition_id) {
        let properties = serde_json::json!({ "PartitionKey": key }).to_string();
        if let Ok(properties) = HeaderValue::from_str(&properties) {
            request.headers_mut().insert("BrokerProperties", properties);
        }
    }
    match tokio::time::timeout(POST_TIMEOUT, call(client, request)).await {
        Ok(Ok(response)) if response.status().is_success() => Ok(()),
        Ok(Ok(_)) => Err("refused"),
        Ok(Err(_)) => Err("no connection"),
        Err(_) => Err("timeout"),
    }
}

/// A file, its thread started by the first event.
struct FileSink {
    path: PathBuf,
    writer: Mutex<Option<Writer>>,
}

struct Writer {
    lines: SyncSender<Vec<u8>>,
    thread: JoinHandle<()>,
}

impl FileSink {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), writer: Mutex::default() }
    }

    fn write(&self, line: Vec<u8>, logger: &str, metrics: &Arc<Metrics>) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.is_none() {
            let (lines, received) = sync_channel(QUEUE);
            let (path, metrics) = (self.path.clone(), Arc::clone(metrics));
            let logger = logger.to_owned();
            let work = move || write_lines(&path, &received, &logger, &metrics);
            let thread = std::thread::Builder::new().name("event-log".to_owned()).spawn(work);
            *writer = thread.ok().map(|thread| Writer { lines, thread });
        }
        let sent = match &*writer {
            Some(writer) => writer.lines.try_send(line).map_err(|error| match error {
                TrySendError::Full(_) => "queue full",
                TrySendError::Disconnected(_) => "write failed",
            }),
            None => Err("write failed"),
        };
        if let Err(reason) = sent {
            metrics.event_lost(logger, reason);
        }
    }

    /// Lets the thread finish what waits.
    fn close(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Writer { lines, thread }) = writer {
            drop(lines);
            let _ = thread.join();
        }
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        self.close();
    }
}

/// The thread of a file: appends until the last sender is gone.
fn write_lines(path: &Path, lines: &Receiver<Vec<u8>>, logger: &str, metrics: &Metrics) {
    let opened = File::options().append(true).create(true).open(path);
    let mut file = match opened {
        Ok(file) => Some(BufWriter::new(file)),
        Err(error) => {
            tracing::warn!(logger, path = %path.display(), %error, "cannot open the event file");
            None
        }
    };
    loop {
        let line = match lines.recv_timeout(FLUSH) {
            Ok(line) => line,
            Err(end) => {
                if let Some(file) = &mut file
                    && let Err(error) = file.flush()
                {
                    tracing::warn!(logger, %error, "cannot write the event file");
                    metrics.event_lost(logger, "write failed");
                }
                match end {
                    RecvTimeoutError::Timeout => continue,
                    RecvTimeoutError::Disconnected => return,
                }
            }
        };
        let written = file
            .as_mut()
            .is_some_and(|file| file.write_all(&line).and_then(|()| file.write_all(b"\n")).is_ok());
        if !written {
            metrics.event_lost(logger, "write failed");
        }
    }
}
