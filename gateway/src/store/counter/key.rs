//! A key as the table keeps it: next to its counter, without memory of its own
//! where it is of the usual length.

use super::CounterKey;

/// Subscription ids, addresses and GUIDs are shorter.
const INLINE: usize = 45;

/// The bytes of a [`CounterKey`].
pub(super) struct Key {
    kind: &'static str,
    text: Text,
}

enum Text {
    Short { length: u8, bytes: [u8; INLINE] },
    Long(Box<[u8]>),
}

impl Key {
    /// A copy.
    pub(super) fn of(key: &CounterKey) -> Self {
        let text = key.key.as_bytes();
        let mut bytes = [0; INLINE];
        let text = match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text);
                Text::Short { length, bytes }
            }
            _ => Text::Long(text.into()),
        };
        Self { kind: key.kind, text }
    }

    /// Its kind.
    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }

    /// Its text.
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.text {
            Text::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Text::Long(bytes) => bytes,
        }
    }

    /// Whether it is a copy of this one.
    pub(super) fn is(&self, key: &CounterKey) -> bool {
        self.kind == key.kind && self.bytes() == key.key.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_any_length_is_itself_only() {
        let key = |kind, length| CounterKey { kind, key: "x".repeat(length) };
        for length in [0, 1, INLINE - 1, INLINE, INLINE + 1, 256, 100_000] {
            let kept = Key::of(&key("a", length));
            assert!(kept.is(&key("a", length)), "{length}");
            assert!(!kept.is(&key("b", length)) && !kept.is(&key("a", length + 1)), "{length}");
            assert_eq!(kept.bytes().len(), length);
        }
        assert_eq!(size_of::<Key>(), 64);
    }
}
