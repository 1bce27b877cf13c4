//! A decoder for server-sent events that keeps what is wrong with them.
//!
//! Bytes in, events out, at whatever boundaries the chunks have. A tester must
//! *see* a missing blank line or invalid UTF-8, so nothing is repaired in
//! silence: each oddity becomes a finding, and decoding goes on.
//! Format: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

/// One dispatched event's `data`, lines joined by `\n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) data: String,
}

/// Findings after this many are counted, not kept: a broken stream is broken in
/// every frame.
const MOST_FINDINGS: usize = 10;

/// Longest line taken; the rest of a longer one is dropped with a finding.
const LONGEST_LINE: usize = 4 << 20;

/// The decoder's state between chunks.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    line: Vec<u8>,
    overlong: bool,
    /// The last byte was `\r`: a `\n` that follows belongs to the same line end.
    after_cr: bool,
    data: Option<String>,
    fields: bool,
    lines: u64,
    findings: Vec<String>,
    more_findings: u64,
}

impl Decoder {
    /// Takes the next bytes; calls `on_event` for each event they complete.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut on_event: impl FnMut(Event)) {
        for &byte in bytes {
            let after_cr = std::mem::take(&mut self.after_cr);
            match byte {
                b'\n' if after_cr => {}
                b'\n' => self.end_line(&mut on_event),
                b'\r' => {
                    self.after_cr = true;
                    self.end_line(&mut on_event);
                }
                _ if self.line.len() < LONGEST_LINE => self.line.push(byte),
                _ => self.overlong = true,
            }
        }
    }

    /// The stream is over: what is left unfinished is a finding.
    pub(crate) fn finish(mut self) -> Vec<String> {
        if !self.line.is_empty() {
            self.find(format!("the stream ends within line {}", self.lines + 1));
        } else if self.data.is_some() || self.fields {
            self.find("the last event is not ended by a blank line".to_owned());
        }
        if 0 < self.more_findings {
            self.findings.push(format!("{} more findings of this kind", self.more_findings));
        }
        self.findings
    }

    /// Notes what is wrong, here or with an event's content.
    pub(crate) fn find(&mut self, finding: String) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        } else {
            self.more_findings += 1;
        }
    }

    fn end_line(&mut self, on_event: &mut impl FnMut(Event)) {
        self.lines += 1;
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.overlong) {
            self.find(format!("line {} is longer than {LONGEST_LINE} bytes", self.lines));
        }
        if line.is_empty() {
            self.fields = false;
            if let Some(data) = self.data.take() {
                on_event(Event { data });
            }
            return;
        }
        let text = match std::str::from_utf8(&line) {
            Ok(text) => text.into(),
            Err(_) => {
                self.find(format!("line {} is not UTF-8", self.lines));
                String::from_utf8_lossy(&line)
            }
        };
        self.take_line(&text);
    }

    fn take_line(&mut self, line: &str) {
        let (name, value) = match line.split_once(':') {
            // A comment; servers send them to keep a connection alive.
            Some(("", _)) => return,
            Some((name, value)) => (name, value.strip_prefix(' ').unwrap_or(value)),
            None => (line, ""),
        };
        self.fields = true;
        match name {
            "data" => match &mut self.data {
                None => self.data = Some(value.to_owned()),
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
            },
            "event" | "id" | "retry" => {}
            _ => {
                let shown: String = name.chars().take(40).collect();
                self.find(format!("line {}: unknown field `{shown}`", self.lines));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(chunks: &[&[u8]]) -> (Vec<String>, Vec<String>) {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for chunk in chunks {
            decoder.feed(chunk, |event| events.push(event.data));
        }
        (events, decoder.finish())
    }

    #[track_caller]
    fn check(stream: &str, events: &[&str], findings: &[&str]) {
        let (seen, found) = decode(&[stream.as_bytes()]);
        assert_eq!(seen, events, "events of {stream:?}");
        assert_eq!(found, findings, "findings of {stream:?}");
    }

    #[test]
    fn reads_events_and_keeps_what_is_wrong() {
        check("data: a\n\ndata: b\n\n", &["a", "b"], &[]);
        check("data: a\r\n\r\ndata:b\r\rdata: c\n\n", &["a", "b", "c"], &[]);
        check("data: one\ndata: two\n\n", &["one\ntwo"], &[]);
        check(": keep-alive\n\nevent: x\nid: 1\ndata\n\n", &[""], &[]);
        check("data: a\n", &[], &["the last event is not ended by a blank line"]);
        check("data: a\n\ndata: b", &["a"], &["the stream ends within line 3"]);
        check("date: a\n\n", &[], &["line 1: unknown field `date`"]);
        check("{\"json\":1}\n\n", &[], &["line 1: unknown field `{\"json\"`"]);
        check("", &[], &[]);
    }

    #[test]
    fn invalid_utf8_is_found_and_split_utf8_is_not() {
        let (events, found) = decode(&[b"data: \xff\n\n"]);
        assert_eq!((events.len(), found), (1, vec!["line 1 is not UTF-8".to_owned()]));
        let euro = "data: €\n\n".as_bytes();
        let (events, found) = decode(&[&euro[..7], &euro[7..]]);
        assert_eq!((events, found), (vec!["€".to_owned()], vec![]));
    }

    #[test]
    fn many_findings_are_counted() {
        let (_, found) = decode(&["x: 1\n\n".repeat(13).as_bytes()]);
        assert_eq!(found.len(), 11);
        assert_eq!(found[10], "3 more findings of this kind");
    }

    proptest! {
        #[test]
        fn chunk_boundaries_do_not_matter(stream in "(data: ?[a€]{0,3}|:x|event: e|y|\n|\r|\r\n){0,20}", cuts in prop::collection::vec(0_usize..200, 0..8)) {
            let bytes = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            prop_assert_eq!(decode(&chunks), decode(&[bytes]));
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&[&bytes]);
        }
    }
}
