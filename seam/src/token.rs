//! Local access tokens: JWTs with the claims of Entra's (version 1.0), signed
//! with a key that everybody can read here. The gateway issues them, the
//! simulator accepts them; they prove nothing, and no real service takes them.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The key of HS256 signatures (RFC 7518, section 3.2). Not a secret.
pub const KEY: &[u8] = b"genai gateway bench: local tokens, not a secret";

/// What a token says of its tenant where nobody sets another.
pub const TENANT_ID: &str = "00000000-0000-0000-0000-00000000aaaa";

/// Likewise of the identity it is for.
pub const OBJECT_ID: &str = "00000000-0000-0000-0000-00000000bbbb";

/// Likewise of that identity's application.
pub const CLIENT_ID: &str = "00000000-0000-0000-0000-00000000cccc";

/// How far, in seconds, `iat` and `nbf` of an issued token lie back, as Entra's
/// do: the receiver's clock may be behind.
const BACKDATED: u64 = 5 * 60;

static SIGNING: LazyLock<hmac::Key> = LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, KEY));

/// What a token says. Times are seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The resource it is for.
    pub aud: String,
    /// Who issued it; see [`Claims::is_of_its_tenant`].
    pub iss: String,
    /// When it was issued.
    #[serde(default)]
    pub iat: u64,
    /// Before this it is not valid.
    #[serde(default)]
    pub nbf: u64,
    /// From then on it is not valid.
    pub exp: u64,
    /// The application; version 2.0 calls it `azp`.
    #[serde(default, alias = "azp")]
    pub appid: String,
    /// The identity: what roles are given to.
    #[serde(default)]
    pub oid: String,
    /// The identity as this resource sees it.
    #[serde(default)]
    pub sub: String,
    /// The tenant.
    pub tid: String,
    /// The form of these claims: `1.0`, or `2.0`.
    #[serde(default)]
    pub ver: String,
}

/// Who a token is for.
#[derive(Clone, Copy, Debug)]
pub struct Bearer<'a> {
    /// `tid`, and part of `iss`.
    pub tenant_id: &'a str,
    /// `oid` and `sub`.
    pub object_id: &'a str,
    /// `appid`.
    pub client_id: &'a str,
}

/// Whether a token's signature must be ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// It must.
    Local,
    /// It is not looked at: a real token's cannot be checked without Entra.
    Any,
}

/// Why a token cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not three parts of base64url with JSON in the first two, or claims are missing.
    #[error("no access token")]
    Malformed,
    /// Signed by somebody else, or changed since.
    #[error("not signed by this bench")]
    Signature,
}

impl Claims {
    /// The claims of a token issued now for `lifetime` seconds.
    #[must_use]
    pub fn new(resource: &str, bearer: Bearer<'_>, now: u64, lifetime: u64) -> Self {
        let Bearer { tenant_id, object_id, client_id } = bearer;
        let issued = now.saturating_sub(BACKDATED);
        Self {
            aud: resource.to_owned(),
            iss: format!("https://sts.windows.net/{tenant_id}/"),
            iat: issued,
            nbf: issued,
            exp: now.saturating_add(lifetime),
            appid: client_id.to_owned(),
            oid: object_id.to_owned(),
            sub: object_id.to_owned(),
            tid: tenant_id.to_owned(),
            ver: "1.0".to_owned(),
        }
    }

    /// The token.
    #[must_use]
    pub fn sign(&self) -> String {
        let header = json!({ "typ": "JWT", "alg": "HS256", "kid": "local" });
        // A struct of strings and numbers: neither can fail.
        let header = serde_json::to_vec(&header).unwrap_or_default();
        let claims = serde_json::to_vec(self).unwrap_or_default();
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let tag = hmac::sign(&SIGNING, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// Whether the issuer is that of the tenant: `https://sts.windows.net/{tid}/`,
    /// in version 2.0 `https://login.microsoftonline.com/{tid}/v2.0`.
    #[must_use]
    pub fn is_of_its_tenant(&self) -> bool {
        let Self { iss, tid, .. } = self;
        let of = |prefix: &str, suffix: &str| {
            iss.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix)) == Some(tid)
        };
        of("https://sts.windows.net/", "/") || of("https://login.microsoftonline.com/", "/v2.0")
    }

    /// Whether the token is for this resource. Entra writes the resource as it
    /// was asked for, so a slash at the end makes no difference.
    #[must_use]
    pub fn is_for(&self, resource: &str) -> bool {
        self.aud.trim_end_matches('/').eq_ignore_ascii_case(resource.trim_end_matches('/'))
    }
}

/// Reads a token's claims. What they say is the caller's to judge.
pub fn read(token: &str, signature: Signature) -> Result<Claims, Unreadable> {
    #[derive(Deserialize)]
    struct Header {
        alg: String,
    }
    let decode = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| Unreadable::Malformed);
    let (signed, tag) = token.rsplit_once('.').ok_or(Unreadable::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Unreadable::Malformed)?;
    let (header, claims, tag) = (decode(header)?, decode(claims)?, decode(tag)?);
    let header: Header = serde_json::from_slice(&header).map_err(|_| Unreadable::Malformed)?;
    let claims: Claims = serde_json::from_slice(&claims).map_err(|_| Unreadable::Malformed)?;
    let ours = || header.alg == "HS256" && hmac::verify(&SIGNING, signed.as_bytes(), &tag).is_ok();
    match signature {
        Signature::Local if !ours() => Err(Unreadable::Signature),
        Signature::Local | Signature::Any => Ok(claims),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEARER: Bearer<'_> = Bearer { tenant_id: "t", object_id: "o", client_id: "c" };

    fn claims() -> Claims {
        Claims::new("https://r", BEARER, 1_000, 60)
    }

    #[test]
    fn what_was_signed_is_read() {
        let (claims, token) = (claims(), claims().sign());
        assert_eq!((claims.nbf, claims.exp), (700, 1_060));
        assert_eq!(read(&token, Signature::Local), Ok(claims.clone()));
        assert_eq!(token, claims.sign());
        assert!(claims.is_for("https://R/") && !claims.is_for("https://r/x"));
        assert!(claims.is_of_its_tenant());
        let v2 = "https://login.microsoftonline.com/t/v2.0".to_owned();
        assert!(Claims { iss: v2, ..claims.clone() }.is_of_its_tenant());
        assert!(!Claims { tid: "other".to_owned(), ..claims }.is_of_its_tenant());
    }

    /// RFC 7515, appendix A.1, has a JWS of HS256; here the key is ours, so the
    /// tag was computed by Python's `hmac`.
    #[test]
    fn the_signature_is_hs256() {
        let signed = "e30.e30";
        let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&SIGNING, signed.as_bytes()));
        assert_eq!(tag, "_WuyI8M5XWK87-PPKxqTj3KG9J92gnCTcuMlsXfIMF8");
    }

    #[test]
    fn a_changed_token_is_refused() {
        let token = claims().sign();
        let mut parts = token.split('.');
        let (header, body, tag) =
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let other = URL_SAFE_NO_PAD
            .encode(serde_json::to_vec(&Claims { exp: u64::MAX, ..claims() }).unwrap());
        let changed = format!("{header}.{other}.{tag}");
        assert_eq!(read(&changed, Signature::Local), Err(Unreadable::Signature));
        assert_eq!(read(&changed, Signature::Any).unwrap().exp, u64::MAX);
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        for unsigned in [format!("{none}.{body}."), format!("{header}.{body}.")] {
            assert_eq!(read(&unsigned, Signature::Local), Err(Unreadable::Signature));
        }
        for malformed in ["", ".", "..", "a.b", "x.y.z", &token[1..], &format!("{token}.e30")] {
            for signature in [Signature::Local, Signature::Any] {
                assert_eq!(read(malformed, signature), Err(Unreadable::Malformed), "{malformed}");
            }
        }
    }

    #[test]
    fn a_real_tokens_claims_are_read() {
        let real = r#"{"aud":"https://cognitiveservices.azure.com","iss":"https://login.microsoftonline.com/t/v2.0","exp":7,"azp":"app","tid":"t","roles":["x"]}"#;
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!("{}.{}.{}", part(r#"{"alg":"RS256","x5t":"k"}"#), part(real), "AAAA");
        let claims = read(&token, Signature::Any).unwrap();
        assert_eq!((claims.appid.as_str(), claims.nbf, claims.oid.as_str()), ("app", 0, ""));
        assert_eq!(read(&token, Signature::Local), Err(Unreadable::Signature));
    }
}
