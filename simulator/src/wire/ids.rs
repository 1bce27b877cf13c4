//! Identifiers in the service's formats, drawn from a request's own generator.

use rand::{Rng, RngExt as _};

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE64_URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const HEX: &[u8] = b"0123456789abcdef";

/// Draws identifiers.
#[derive(Clone)]
pub(crate) struct Ids<R>(pub R);

impl<R: Rng> Ids<R> {
    /// `chatcmpl-` and 29 letters and digits.
    pub(crate) fn chat(&mut self) -> String {
        self.after("chatcmpl-", ALPHANUMERIC, 29)
    }

    /// `call_` and 24 letters and digits.
    pub(crate) fn call(&mut self) -> String {
        self.after("call_", ALPHANUMERIC, 24)
    }

    /// `cmpl-` and 29 letters and digits.
    pub(crate) fn completion(&mut self) -> String {
        self.after("cmpl-", ALPHANUMERIC, 29)
    }

    /// `fp_` and 10 hexadecimal digits.
    pub(crate) fn fingerprint(&mut self) -> String {
        self.after("fp_", HEX, 10)
    }

    /// `modr-` and four digits.
    pub(crate) fn moderation(&mut self) -> String {
        self.after("modr-", b"0123456789", 4)
    }

    /// `org-` and 24 letters and digits.
    pub(crate) fn organization(&mut self) -> String {
        self.after("org-", ALPHANUMERIC, 24)
    }

    /// A version 4 UUID: 122 random bits, version and variant (RFC 9562).
    pub(crate) fn uuid(&mut self) -> String {
        let random = u128::from(self.0.next_u64()) << 64 | u128::from(self.0.next_u64());
        let bits = random & !(0xf000 << 64) & !(0xc000 << 48) | 0x4000 << 64 | 0x8000 << 48;
        let mut uuid = Vec::with_capacity(36);
        for (index, byte) in bits.to_be_bytes().into_iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                uuid.push(b'-');
            }
            uuid.extend([byte >> 4, byte & 0xf].map(hex_digit));
        }
        String::from_utf8(uuid).unwrap_or_default()
    }

    /// A model session as in `azureml-model-session`: `d042-20260330170902`.
    pub(crate) fn model_session(&mut self) -> String {
        let number = self.0.random_range(1..=80);
        let (day, second) = (self.0.random_range(1..=28), self.0.random_range(0..60));
        format!("d{number:03}-202603{day:02}1709{second:02}")
    }

    /// 0 to 15 letters and digits, as `obfuscation` has.
    pub(crate) fn obfuscation(&mut self) -> String {
        let length = self.0.random_range(0..16);
        self.text(ALPHANUMERIC, length)
    }

    /// Hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        self.text(HEX, digits)
    }

    /// Letters and digits that pad something to a length.
    pub(crate) fn padding(&mut self, length: usize) -> String {
        self.text(ALPHANUMERIC, length)
    }

    /// Something encrypted, as the service hands it out: a token of the Fernet
    /// form, about `length` characters long.
    pub(crate) fn sealed(&mut self, length: usize) -> String {
        format!("gAAAAABq{}", self.text(BASE64_URL, length.next_multiple_of(4)))
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        self.after("", alphabet, length)
    }

    /// Letters of an alphabet of up to 64, each as likely as any other: of the numbers
    /// drawn those that are no letter's are thrown away.
    fn after(&mut self, prefix: &str, alphabet: &[u8], length: usize) -> String {
        let bits = alphabet.len().next_power_of_two().trailing_zeros().max(1);
        let mut text = Vec::with_capacity(prefix.len() + length);
        text.extend_from_slice(prefix.as_bytes());
        let end = text.len() + length;
        while text.len() < end {
            let mut random = self.0.next_u64();
            for _ in 0..u64::BITS / bits {
                let drawn = random as usize & (alphabet.len().next_power_of_two() - 1);
                random >>= bits;
                if let Some(letter) = alphabet.get(drawn)
                    && text.len() < end
                {
                    text.push(*letter);
                }
            }
        }
        String::from_utf8(text).unwrap_or_default()
    }
}

fn hex_digit(digit: u8) -> u8 {
    HEX.get(usize::from(digit)).copied().unwrap_or(b'0')
}

#[cfg(test)]
mod tests {
    use seam::rng::Seed;

    use super::*;

    #[test]
    fn identifiers_have_their_formats() {
        let mut ids = Ids(Seed(1).stream("x"));
        for _ in 0..50 {
            let uuid = ids.uuid();
            assert_eq!(uuid.len(), 36);
            let bytes = uuid.as_bytes();
            assert_eq!(bytes[14], b'4', "{uuid}");
            assert!(b"89ab".contains(&bytes[19]), "{uuid}");
            assert!(ids.obfuscation().len() < 16);
        }
        assert_eq!(ids.chat().len(), "chatcmpl-".len() + 29);
        assert_eq!(ids.completion().len(), "cmpl-".len() + 29);
        assert_eq!(ids.call().len(), "call_".len() + 24);
        assert_eq!(ids.fingerprint().len(), 13);
        assert_eq!(ids.model_session().len(), 19);
    }
}
