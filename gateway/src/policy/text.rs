//! Text made from other text, with the way back.
//!
//! A policy document changes twice before an expression is compiled: named
//! values are pasted in, and entities are decoded. Each step keeps an
//! [`OffsetMap`], so that an error inside the result points into the file as
//! its author wrote it.

use std::ops::Range;

/// Where each part of a produced text came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OffsetMap {
    segments: Vec<Segment>,
}

/// Parts of equal length are taken to be verbatim copies.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    output: Range<usize>,
    source: Range<usize>,
}

impl Segment {
    fn verbatim(&self) -> bool {
        self.output.len() == self.source.len()
    }
}

impl OffsetMap {
    /// The range of the source that produced `range` of the output. A part of
    /// a replacement stands for the whole of what it replaced.
    #[must_use]
    pub fn to_source(&self, range: Range<usize>) -> Range<usize> {
        let start = self.source_start(range.start);
        if range.end <= range.start {
            return start..start;
        }
        let end = match self.segment_at(range.end - 1) {
            Some(segment) if segment.verbatim() => {
                segment.source.start + (range.end - segment.output.start)
            }
            Some(segment) => segment.source.end,
            None => self.source_len(),
        };
        start..end.max(start)
    }

    /// The offset in the output at which the source offset `offset` appears.
    #[must_use]
    pub fn to_output(&self, offset: usize) -> usize {
        let at = self.segments.partition_point(|segment| segment.source.end <= offset);
        match self.segments.get(at) {
            Some(segment) if segment.verbatim() => {
                segment.output.start + offset.saturating_sub(segment.source.start)
            }
            Some(segment) => segment.output.start,
            None => self.segments.last().map_or(0, |segment| segment.output.end),
        }
    }

    fn source_start(&self, offset: usize) -> usize {
        match self.segment_at(offset) {
            Some(segment) if segment.verbatim() => {
                segment.source.start + (offset - segment.output.start)
            }
            Some(segment) => segment.source.start,
            None => self.source_len(),
        }
    }

    fn segment_at(&self, offset: usize) -> Option<&Segment> {
        let at = self.segments.partition_point(|segment| segment.output.end <= offset);
        self.segments.get(at)
    }

    fn source_len(&self) -> usize {
        self.segments.last().map_or(0, |segment| segment.source.end)
    }
}

/// A produced text with its map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// The text.
    pub text: String,
    /// The way back.
    pub map: OffsetMap,
}

impl Mapped {
    /// Appends a copy of the source text that starts at `source`.
    pub fn push_verbatim(&mut self, text: &str, source: usize) {
        if text.is_empty() {
            return;
        }
        let output = self.text.len()..self.text.len() + text.len();
        self.text.push_str(text);
        match self.map.segments.last_mut() {
            Some(last) if last.verbatim() && last.source.end == source => {
                last.output.end = output.end;
                last.source.end += text.len();
            }
            _ => self.map.segments.push(Segment { output, source: source..source + text.len() }),
        }
    }

    /// Appends `text` in place of the source range `source`.
    pub fn push_replaced(&mut self, text: &str, source: Range<usize>) {
        let output = self.text.len()..self.text.len() + text.len();
        self.text.push_str(text);
        self.map.segments.push(Segment { output, source });
    }
}

/// Decodes the entities XML knows. What is no entity stays as it is: raw `&&`
/// is common in policy documents. `base` is the offset of `text` in its source.
#[must_use]
pub fn decode_entities(text: &str, base: usize) -> Mapped {
    let mut out = Mapped::default();
    let mut rest = text;
    let mut at = base;
    while let Some(found) = rest.find('&') {
        let (before, from) = rest.split_at(found);
        out.push_verbatim(before, at);
        at += found;
        let taken = match entity(from) {
            Some((decoded, length)) => {
                out.push_replaced(decoded.encode_utf8(&mut [0; 4]), at..at + length);
                length
            }
            None => {
                out.push_verbatim("&", at);
                1
            }
        };
        at += taken;
        rest = &from[taken..];
    }
    out.push_verbatim(rest, at);
    out
}

/// The character an entity at the start of `text` stands for, and its length.
fn entity(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    // The longest is `&#1114111;`; the bound keeps a lone `&` cheap.
    let end = body.bytes().take(12).position(|byte| byte == b';')?;
    let name = &body[..end];
    let decoded = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|&c| c != '\0')?
        }
    };
    Some((decoded, end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_decode_and_map_back() {
        let decoded = decode_entities("a &lt;b&gt; && &quot;c&quot; &#65;&nope;", 100);
        assert_eq!(decoded.text, "a <b> && \"c\" A&nope;");
        assert_eq!(decoded.map.to_source(2..3), 102..106);
        assert_eq!(decoded.map.to_source(3..4), 106..107);
        assert_eq!(decoded.map.to_source(6..8), 112..114);
        assert_eq!(decoded.map.to_output(112), 6);
        assert_eq!(decoded.map.to_output(102), 2);
    }

    proptest::proptest! {
        #[test]
        fn every_range_maps_into_the_source(
            text in "[a-z&;#<\"é{]{0,8}(&(amp|lt|quot|#65);[a-zé&]{0,3}){0,4}",
            start in 0_usize..60,
            length in 0_usize..60,
        ) {
            let decoded = decode_entities(&text, 0);
            let found = decoded.map.to_source(start..start + length);
            proptest::prop_assert!(found.start <= found.end && found.end <= text.len());
            // What is no entity is where it was: both ways agree.
            for (at, c) in text.char_indices().filter(|(_, c)| c.is_alphabetic()) {
                let output = decoded.map.to_output(at);
                if decoded.text[output..].starts_with(c) && decoded.map.to_source(output..output).start == at {
                    let there = decoded.map.to_source(output..output + c.len_utf8());
                    proptest::prop_assert_eq!(there, at..at + c.len_utf8());
                }
            }
        }
    }

    #[test]
    fn the_end_maps_to_the_end() {
        let decoded = decode_entities("x&amp;", 0);
        assert_eq!(decoded.map.to_source(2..2), 6..6);
        assert_eq!(decoded.map.to_source(0..2), 0..6);
        assert_eq!(Mapped::default().map.to_source(0..3), 0..0);
    }
}
