//! `Retry-After` in both of its forms (RFC 9110, section 10.2.3).

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::RETRY_AFTER;
use seam::clock::Timestamp;

/// How long the answer asks to wait: whole seconds or a date, which is counted
/// from `now` and may have passed. `None` without a header that can be read.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let since_epoch = date.duration_since(UNIX_EPOCH).ok()?;
    Some(since_epoch.saturating_sub(now.since_epoch()))
}

#[cfg(test)]
mod tests {
    use seam::clock::VIRTUAL_EPOCH;

    use super::*;

    #[track_caller]
    fn check(text: &'static str, expected: Option<f64>) {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, http::HeaderValue::from_static(text));
        let now = Timestamp::from_unix(VIRTUAL_EPOCH + Duration::from_millis(500));
        assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs_f64), "{text}");
    }

    #[test]
    fn reads_seconds_and_dates() {
        check("7", Some(7.0));
        check("0", Some(0.0));
        check("Thu, 01 Jan 2026 00:00:20 GMT", Some(19.5));
        check("Wed, 31 Dec 2025 23:59:59 GMT", Some(0.0));
        for text in ["", "soon", "-1", "1.5", "99999999999999999999", "Thu, 01 Jan 2026"] {
            check(text, None);
        }
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::from_unix(VIRTUAL_EPOCH)), None);
    }
}
