//! `gateway trace`: one request, and what each policy did with it.
//!
//! With `--answers` canned backends answer on virtual time: a retry that waits
//! for a minute takes none. Without, the configured backends are called.

use std::collections::VecDeque;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use axum::body::Body;
use bytes::Bytes;
use clap::Args;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use seam::clock::{VIRTUAL_EPOCH, WallClock};
use seam::http::{HttpService, InProcessNetwork};
use seam::rng::Seed;

use super::{Format, USAGE, refuse};
use crate::telemetry::render;
use crate::{Environment, Gateway, GatewayConfig, load};

#[derive(Debug, Args)]
pub(super) struct TraceOptions {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A file with the request: request line, headers, empty line, body
    #[arg(long, value_name = "FILE", conflicts_with_all = ["path", "method", "header", "body"])]
    request: Option<PathBuf>,
    /// Path and query to call
    #[arg(long, value_name = "PATH", required_unless_present = "request")]
    path: Option<String>,
    /// Method; POST with a body, else GET
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// A header; may be repeated
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// The body, or @FILE
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
    /// Answer for the backends, in this order, the last one for ever, on virtual
    /// time: a status, STATUS:FILE, `timeout` (never answers) or `refused`
    #[arg(long, value_name = "ANSWER", value_delimiter = ',')]
    answers: Vec<Answer>,
    /// The seed of request ids and random draws
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What a canned backend does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Status(StatusCode, Option<PathBuf>),
    Timeout,
    Refused,
}

impl FromStr for Answer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "timeout" => return Ok(Self::Timeout),
            "refused" => return Ok(Self::Refused),
            _ => {}
        }
        let (status, file) = match text.split_once(':') {
            Some((status, file)) => (status, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let status = status.parse().ok().filter(|status: &u16| 200 <= *status);
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        let Some(status) = status else {
            return Err("expected a status, STATUS:FILE, `timeout` or `refused`".to_owned());
        };
        Ok(Self::Status(status, file))
    }
}

/// Runs the subcommand.
pub(super) fn run(
    options: TraceOptions,
    env: &seam::env::Env,
    out: &mut impl Write,
    err: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let config = match load(&options.config, env) {
        Ok((config, _)) => config,
        Err(problems) => return refuse(&problems, err),
    };
    // What is wrong here is in what the user wrote.
    let prepared = match &options.request {
        Some(file) => read_request(file),
        None => build_request(&options),
    };
    let prepared = prepared.and_then(|request| Ok((request, canned(&options.answers)?)));
    let (request, canned) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            writeln!(err, "error: {error:#}")?;
            return Ok(ExitCode::from(USAGE));
        }
    };
    let (answer, trace) = if options.answers.is_empty() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let client = seam::http::network(std::collections::BTreeMap::new());
            execute(config, client, WallClock::real(), options.seed, request).await
        })
    } else {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()?;
        runtime.block_on(async {
            let clock = WallClock::fixed(VIRTUAL_EPOCH);
            execute(config, canned.into_service(), clock, options.seed, request).await
        })
    };
    let Some(trace) = trace else { bail!("the trace was lost") };
    match options.format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, trace.as_ref())?;
            writeln!(out)?;
        }
        Format::Text => {
            out.write_all(render::text(&trace).as_bytes())?;
            write_answer(&answer, out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn execute(
    config: GatewayConfig,
    client: HttpService,
    clock: WallClock,
    seed: u64,
    request: Request<Body>,
) -> (Response<Bytes>, Option<Arc<crate::Trace>>) {
    let gateway = Gateway::new(config, Environment { client, seed: Seed(seed), clock });
    let done = gateway.trace(request).await;
    gateway.flush().await;
    done
}

/// The most bytes of an answer's body that are printed.
const SHOWN: usize = 2_000;

fn write_answer(answer: &Response<Bytes>, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out)?;
    writeln!(out, "{}", answer.status())?;
    for (name, value) in answer.headers() {
        writeln!(out, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
    }
    let text = String::from_utf8_lossy(answer.body());
    let shown = text.get(..text.floor_char_boundary(SHOWN)).unwrap_or_default();
    if !shown.is_empty() {
        writeln!(out, "\n{}", shown.trim_end())?;
    }
    if shown.len() < text.len() {
        writeln!(out, "… ({} bytes)", text.len())?;
    }
    Ok(())
}

fn cannot_read(file: &Path) -> String {
    format!("cannot read `{}`", file.display())
}

fn read_request(file: &Path) -> anyhow::Result<Request<Body>> {
    let bytes = std::fs::read(file).with_context(|| cannot_read(file))?;
    parse_request(&bytes).with_context(|| format!("{}", file.display()))
}

fn build_request(options: &TraceOptions) -> anyhow::Result<Request<Body>> {
    let body = match &options.body {
        Some(text) => match text.strip_prefix('@') {
            Some(file) => std::fs::read(file).with_context(|| cannot_read(Path::new(file)))?,
            None => text.clone().into_bytes(),
        },
        None => Vec::new(),
    };
    let default = if body.is_empty() { "GET" } else { "POST" };
    let method = options.method.as_deref().unwrap_or(default);
    let path = options.path.as_deref().unwrap_or("/");
    let mut headers = HeaderMap::new();
    for line in &options.header {
        add_header(line, &mut headers)?;
    }
    request(method, path, headers, body)
}

fn request(
    method: &str,
    target: &str,
    mut headers: HeaderMap,
    body: Vec<u8>,
) -> anyhow::Result<Request<Body>> {
    let target: Uri = target.parse().with_context(|| format!("`{target}` is no path"))?;
    let host = target.authority().map_or("localhost", |authority| authority.as_str()).to_owned();
    let path = target.path_and_query().map_or("/", |path| path.as_str());
    if !headers.contains_key(HOST) {
        headers.insert(HOST, HeaderValue::from_str(&host)?);
    }
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
        .with_context(|| format!("`{method}` is no method"))?;
    *request.uri_mut() = path.parse()?;
    *request.headers_mut() = headers;
    Ok(request)
}

fn add_header(line: &str, headers: &mut HeaderMap) -> anyhow::Result<()> {
    let Some((name, value)) = line.split_once(':') else {
        bail!("`{line}` is no header: write `name: value`");
    };
    let name = HeaderName::from_bytes(name.trim().as_bytes())
        .with_context(|| format!("`{}` is no header name", name.trim()))?;
    let value = HeaderValue::from_str(value.trim())
        .with_context(|| format!("the value of header `{name}` cannot be sent"))?;
    headers.append(name, value);
    Ok(())
}

/// A message in a file: its first line, headers, body as it is.
fn parse_message(bytes: &[u8]) -> anyhow::Result<(String, HeaderMap, Vec<u8>)> {
    let mut rest = bytes;
    let mut next = || {
        let end = rest.iter().position(|&byte| byte == b'\n');
        let (line, after) = match end {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, &rest[rest.len()..]),
        };
        rest = after;
        String::from_utf8_lossy(line).trim_end_matches('\r').to_owned()
    };
    let first = next();
    let mut headers = HeaderMap::new();
    loop {
        let line = next();
        if line.is_empty() {
            break;
        }
        add_header(&line, &mut headers)?;
    }
    headers.remove(http::header::CONTENT_LENGTH);
    headers.remove(http::header::TRANSFER_ENCODING);
    Ok((first, headers, rest.to_vec()))
}

fn parse_request(bytes: &[u8]) -> anyhow::Result<Request<Body>> {
    let (first, headers, body) = parse_message(bytes)?;
    let mut words = first.split_whitespace();
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(method), Some(target), None, None) => request(method, target, headers, body),
        (Some(method), Some(target), Some(version), None) if version.starts_with("HTTP/") => {
            request(method, target, headers, body)
        }
        _ => bail!("the first line is no request line: write `POST /path HTTP/1.1`"),
    }
}

/// A completion as small as it can be: with usage, so that token policies have
/// something to count.
const COMPLETION: &str = r#"{"id":"chatcmpl-canned","object":"chat.completion","model":"canned","choices":[{"index":0,"message":{"role":"assistant","content":"A canned answer."},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#;

struct CannedAnswer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

enum Canned {
    Answer(CannedAnswer),
    Timeout,
    Refused,
}

/// Backends of any name, all with the same row of answers.
struct CannedBackends(Arc<Mutex<VecDeque<Arc<Canned>>>>);

fn canned(answers: &[Answer]) -> anyhow::Result<CannedBackends> {
    let mut row = VecDeque::new();
    for answer in answers {
        row.push_back(Arc::new(match answer {
            Answer::Timeout => Canned::Timeout,
            Answer::Refused => Canned::Refused,
            Answer::Status(status, file) => Canned::Answer(answer_of(*status, file.as_deref())?),
        }));
    }
    Ok(CannedBackends(Arc::new(Mutex::new(row))))
}

fn answer_of(status: StatusCode, file: Option<&Path>) -> anyhow::Result<CannedAnswer> {
    let mut headers = HeaderMap::new();
    let body = match file {
        Some(file) => {
            let bytes = std::fs::read(file).with_context(|| cannot_read(file))?;
            if bytes.starts_with(b"HTTP/") {
                let (_, of_file, body) =
                    parse_message(&bytes).with_context(|| format!("{}", file.display()))?;
                headers = of_file;
                body
            } else {
                bytes
            }
        }
        None if status.is_success() => COMPLETION.as_bytes().to_vec(),
        None => format!(r#"{{"error":{{"code":"{}","message":"canned"}}}}"#, status.as_u16())
            .into_bytes(),
    };
    if !headers.contains_key(CONTENT_TYPE) {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
        let kind = if is_json { "application/json" } else { "text/plain" };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    Ok(CannedAnswer { status, headers, body: Bytes::from(body) })
}

impl CannedBackends {
    fn into_service(self) -> HttpService {
        let row = self.0;
        HttpService::new(tower::service_fn(move |_: Request<Body>| {
            let row = Arc::clone(&row);
            async move {
                let next = {
                    let mut row = row.lock().unwrap_or_else(PoisonError::into_inner);
                    if 1 < row.len() { row.pop_front() } else { row.front().cloned() }
                };
                match next.as_deref() {
                    Some(Canned::Answer(canned)) => {
                        let mut response = Response::new(Body::from(canned.body.clone()));
                        *response.status_mut() = canned.status;
                        *response.headers_mut() = canned.headers.clone();
                        Ok(response)
                    }
                    Some(Canned::Timeout) => std::future::pending().await,
                    // As a network refuses whose hosts nobody serves.
                    Some(Canned::Refused) | None => {
                        let nobody = InProcessNetwork::new().into_service();
                        let request = Request::builder().uri("http://refused/").body(Body::empty());
                        seam::http::call(&nobody, request.unwrap_or_default()).await
                    }
                }
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_statuses_files_or_failures() {
        let parse = |text: &str| text.parse::<Answer>();
        assert_eq!(parse("429"), Ok(Answer::Status(StatusCode::TOO_MANY_REQUESTS, None)));
        assert_eq!(parse("200:a:b"), Ok(Answer::Status(StatusCode::OK, Some("a:b".into()))));
        assert_eq!(parse("timeout"), Ok(Answer::Timeout));
        for text in ["", "abc", "99", "100", "1000", ":x"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn requests_are_read_from_files() {
        let text =
            b"post http://gw:8000/a?b=1 HTTP/1.1\r\napi-key: k\r\nContent-Length: 99\r\n\r\n{\n}";
        let request = parse_request(text).unwrap();
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.uri(), "/a?b=1");
        assert_eq!(request.headers()[HOST], "gw:8000");
        assert!(!request.headers().contains_key("content-length"));
        for bad in ["", "GET", "GET / x y", "GET / HTTP/1.1\nno header"] {
            assert!(parse_request(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
