//! Durations as OpenAI's headers and texts print them: Go's notation, cut to
//! milliseconds.

use std::fmt::Write as _;
use std::time::Duration;

/// `6ms`, `8.64s`, `1m0.198s`, `14m24s`, `1h8m25.745s`, `0s`.
pub(crate) fn go_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    if millis < 1_000 {
        return format!("{millis}ms");
    }
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    let (seconds, fraction) = (millis / 1_000 % 60, millis % 1_000);
    let mut text = String::new();
    if 0 < hours {
        let _ = write!(text, "{hours}h");
    }
    if 0 < hours || 0 < minutes {
        let _ = write!(text, "{minutes}m");
    }
    let _ = write!(text, "{seconds}");
    if 0 < fraction {
        let digits = format!("{fraction:03}");
        let _ = write!(text, ".{}", digits.trim_end_matches('0'));
    }
    text.push('s');
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prints_what_was_recorded() {
        for (micros, expected) in [
            (0, "0s"),
            (600, "0s"),
            (6_000, "6ms"),
            (89_100, "89ms"),
            (1_235_000, "1.235s"),
            (8_640_000, "8.64s"),
            (60_198_000, "1m0.198s"),
            (864_000_000, "14m24s"),
            (3_600_000_000, "1h0m0s"),
            (4_105_745_000, "1h8m25.745s"),
            (299_439_057_000, "83h10m39.057s"),
        ] {
            assert_eq!(go_duration(Duration::from_micros(micros)), expected);
        }
    }

    proptest! {
        /// Read back, it is the same time to the millisecond.
        #[test]
        fn nothing_is_lost(millis in 0_u64..1_000_000_000) {
            let text = go_duration(Duration::from_millis(millis));
            let mut total = 0.0;
            let mut number = String::new();
            let mut units = text.replace("ms", "µ");
            units.push(' ');
            for c in units.chars() {
                let factor = match c {
                    'h' => 3_600_000.0,
                    'm' => 60_000.0,
                    's' => 1_000.0,
                    'µ' => 1.0,
                    ' ' => break,
                    digit => {
                        number.push(digit);
                        continue;
                    }
                };
                total += std::mem::take(&mut number).parse::<f64>().unwrap() * factor;
            }
            prop_assert_eq!(total.round() as u64, millis);
        }
    }
}
