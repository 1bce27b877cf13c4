//! JSON Web Tokens: reading them, and checking their signatures (RFC 7515, 7517,
//! 7518). What the claims say is the policies' to judge.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use ring::{hmac, signature};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The longest token that is looked at, in bytes.
const MAX_LENGTH: usize = 64 * 1024;

/// A token taken apart.
#[derive(Debug)]
pub(crate) struct Token {
    header: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
    signed: String,
    tag: Vec<u8>,
}

/// Why a signature does not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// `alg` is `none`, or there is no tag.
    Unsigned,
    /// No key fits `kid` and `alg`.
    KeyNotFound,
    /// A key fits, but not to this token.
    Invalid,
}

impl Token {
    /// Reads a token; `None` if it is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if MAX_LENGTH < text.len() {
            return None;
        }
        let (signed, tag) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        Some(Self {
            header: part(header)?,
            claims: part(claims)?,
            signed: signed.to_owned(),
            tag: URL_SAFE_NO_PAD.decode(tag).ok()?,
        })
    }

    /// A claim's values as texts: those of a list, or the one.
    pub(crate) fn claim(&self, name: &str) -> Vec<String> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match self.claims.get(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().map(text).collect(),
            Some(other) => vec![text(other)],
        }
    }

    /// A moment, in seconds since the Unix epoch.
    pub(crate) fn moment(&self, name: &str) -> Option<f64> {
        self.claims.get(name)?.as_f64()
    }

    /// Whether somebody signed it at all.
    pub(crate) fn is_signed(&self) -> bool {
        !self.tag.is_empty() && self.algorithm() != "none"
    }

    fn algorithm(&self) -> &str {
        self.header.get("alg").and_then(Value::as_str).unwrap_or("none")
    }

    /// Checks the signature with the keys that may fit.
    pub(crate) fn verify<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k Key>,
    ) -> Result<(), Refused> {
        if !self.is_signed() {
            return Err(Refused::Unsigned);
        }
        let id = self.header.get("kid").or_else(|| self.header.get("x5t")).and_then(Value::as_str);
        let mut refused = Refused::KeyNotFound;
        for key in keys {
            if let (Some(id), Some(own)) = (id, &key.id)
                && id != own
            {
                continue;
            }
            match key.material.verify(self.algorithm(), self.signed.as_bytes(), &self.tag) {
                Some(true) => return Ok(()),
                Some(false) => refused = Refused::Invalid,
                None => {}
            }
        }
        Err(refused)
    }
}

/// A key that signatures are checked with.
#[derive(Clone)]
pub(crate) struct Key {
    id: Option<String>,
    material: Material,
}

impl std::fmt::Debug for Key {
    /// No key is printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

#[derive(Clone)]
enum Material {
    Secret(Vec<u8>),
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point.
    Ec(&'static signature::EcdsaVerificationAlgorithm, &'static str, Vec<u8>),
}

impl Material {
    /// `None`: this key is of another kind than the algorithm.
    fn verify(&self, algorithm: &str, signed: &[u8], tag: &[u8]) -> Option<bool> {
        match self {
            Self::Secret(secret) => {
                let algorithm = match algorithm {
                    "HS256" => hmac::HMAC_SHA256,
                    "HS384" => hmac::HMAC_SHA384,
                    "HS512" => hmac::HMAC_SHA512,
                    _ => return None,
                };
                Some(hmac::verify(&hmac::Key::new(algorithm, secret), signed, tag).is_ok())
            }
            Self::Rsa { n, e } => {
                let parameters = match algorithm {
                    "RS256" => &RSA_PKCS1_2048_8192_SHA256,
                    "RS384" => &RSA_PKCS1_2048_8192_SHA384,
                    "RS512" => &RSA_PKCS1_2048_8192_SHA512,
                    _ => return None,
                };
                Some(RsaPublicKeyComponents { n, e }.verify(parameters, signed, tag).is_ok())
            }
            Self::Ec(own, name, point) if algorithm == *name => {
                Some(UnparsedPublicKey::new(*own, point).verify(signed, tag).is_ok())
            }
            Self::Ec(..) => None,
        }
    }
}

impl Key {
    /// A shared secret.
    pub(crate) fn secret(id: Option<String>, secret: Vec<u8>) -> Self {
        Self { id, material: Material::Secret(secret) }
    }

    /// An RSA key by modulus and exponent, base64url.
    pub(crate) fn rsa(id: Option<String>, n: &str, e: &str) -> Option<Self> {
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text.trim().trim_end_matches('=')).ok();
        Some(Self { id, material: Material::Rsa { n: part(n)?, e: part(e)? } })
    }

    /// The key this bench signs its own tokens with.
    pub(crate) fn local() -> Self {
        Self::secret(None, seam::token::KEY.to_vec())
    }
}

/// The keys of a JWK set (RFC 7517) that check signatures.
pub(crate) fn read_keys(text: &str) -> Result<Vec<Key>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Jwk>,
    }
    #[derive(Deserialize)]
    struct Jwk {
        kty: String,
        #[serde(rename = "use")]
        usage: Option<String>,
        kid: Option<String>,
        k: Option<String>,
        n: Option<String>,
        e: Option<String>,
        crv: Option<String>,
        x: Option<String>,
        y: Option<String>,
    }
    let set: Set = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut keys = Vec::new();
    for (at, jwk) in set.keys.into_iter().enumerate() {
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
            continue;
        }
        let part = |value: &Option<String>, name: &str| {
            let text = value.as_deref().ok_or_else(|| format!("key {at} has no `{name}`"))?;
            URL_SAFE_NO_PAD
                .decode(text.trim_end_matches('='))
                .map_err(|_| format!("`{name}` of key {at} is not base64url"))
        };
        let material = match jwk.kty.as_str() {
            "oct" => Material::Secret(part(&jwk.k, "k")?),
            "RSA" => Material::Rsa { n: part(&jwk.n, "n")?, e: part(&jwk.e, "e")? },
            "EC" => {
                let (own, name): (&'static signature::EcdsaVerificationAlgorithm, _) =
                    match jwk.crv.as_deref() {
                        Some("P-256") => (&ECDSA_P256_SHA256_FIXED, "ES256"),
                        Some("P-384") => (&ECDSA_P384_SHA384_FIXED, "ES384"),
                        _ => return Err(format!("the curve of key {at} is not P-256 or P-384")),
                    };
                let point = [vec![4], part(&jwk.x, "x")?, part(&jwk.y, "y")?].concat();
                Material::Ec(own, name, point)
            }
            other => return Err(format!("key {at} is of the unknown kind `{other}`")),
        };
        keys.push(Key { id: jwk.kid, material });
    }
    if keys.is_empty() {
        return Err("the set has no key for signatures".to_owned());
    }
    Ok(keys)
}

/// What an OpenID configuration says of its issuer.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    pub(crate) names: IssuerNames,
    pub(crate) keys: Vec<Key>,
}

/// Which `iss` is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IssuerNames {
    /// This one.
    Exactly(String),
    /// Those of Entra for a tenant; `None` for any.
    Entra(Option<String>),
}

impl IssuerNames {
    pub(crate) fn has(&self, token: &Token) -> bool {
        let found = token.claim("iss");
        let Some(issuer) = found.first() else { return false };
        match self {
            Self::Exactly(own) => own == issuer,
            Self::Entra(tenant) => {
                let own = token.claim("tid");
                let tenant = tenant.as_ref().or_else(|| own.first());
                tenant.is_some_and(|tenant| {
                    [
                        format!("https://sts.windows.net/{tenant}/"),
                        format!("https://login.microsoftonline.com/{tenant}/v2.0"),
                    ]
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(issuer))
                })
            }
        }
    }
}

impl Issuer {
    /// Entra's, played by this bench: the tenant's usual issuers, the local key.
    pub(crate) fn entra(tenant: &str) -> Self {
        let any = ["common", "organizations", "consumers"].contains(&tenant);
        let tenant = (!any).then(|| tenant.to_owned());
        Self { names: IssuerNames::Entra(tenant), keys: vec![Key::local()] }
    }

    /// The same for an OpenID configuration's URL; `None` if it is not Entra's.
    pub(crate) fn of_url(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("https://")?;
        let (host, path) = rest.split_once('/')?;
        let entra = ["login.microsoftonline.com", "login.windows.net", "sts.windows.net"];
        if !entra.iter().any(|own| own.eq_ignore_ascii_case(host)) {
            return None;
        }
        let tenant = path.split('/').next().filter(|tenant| !tenant.is_empty())?;
        Some(Self::entra(tenant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendices A.1 to A.3.
    const HS256: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const HS256_KEY: &str = r#"{"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]}"#;
    const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    const ES256_KEY: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"k"}]}"#;

    #[test]
    fn the_rfcs_tokens_are_good() {
        for (token, keys) in [(HS256, HS256_KEY), (ES256, ES256_KEY)] {
            let keys = read_keys(keys).unwrap();
            let read = Token::read(token).unwrap();
            assert_eq!(read.verify(&keys), Ok(()));
            assert_eq!(read.claim("iss"), ["joe"]);
            assert_eq!(read.moment("exp"), Some(1_300_819_380.0));
            // The same signature under other claims.
            let (header, rest) = token.split_once('.').unwrap();
            let (_, tag) = rest.split_once('.').unwrap();
            let other = URL_SAFE_NO_PAD.encode(r#"{"iss":"jim"}"#);
            let changed = Token::read(&format!("{header}.{other}.{tag}")).unwrap();
            assert_eq!(changed.verify(&keys), Err(Refused::Invalid));
            assert_eq!(read.verify(&[]), Err(Refused::KeyNotFound));
        }
        let keys = read_keys(ES256_KEY).unwrap();
        assert_eq!(Token::read(HS256).unwrap().verify(&keys), Err(Refused::KeyNotFound));
    }

    #[test]
    fn an_unsigned_token_never_passes() {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let none = format!("{}.{}.", part(r#"{"alg":"none"}"#), part("{}"));
        let token = Token::read(&none).unwrap();
        assert!(!token.is_signed());
        assert_eq!(token.verify(&[Key::local()]), Err(Refused::Unsigned));
        // A tag does not make `none` a signature.
        let tagged = Token::read(&format!("{none}AAAA")).unwrap();
        assert_eq!(tagged.verify(&[Key::local()]), Err(Refused::Unsigned));
        for text in ["", "a.b", "..", "a.b.c", &"x".repeat(MAX_LENGTH + 1)] {
            assert!(Token::read(text).is_none());
        }
    }

    #[test]
    fn key_sets_are_checked() {
        for (text, expect) in [
            ("{}", "missing field `keys`"),
            (r#"{"keys":[]}"#, "no key"),
            (r#"{"keys":[{"kty":"RSA","e":"AQAB"}]}"#, "key 0 has no `n`"),
            (r#"{"keys":[{"kty":"oct","k":"?"}]}"#, "`k` of key 0 is not base64url"),
            (r#"{"keys":[{"kty":"EC","crv":"P-521"}]}"#, "curve of key 0"),
            (r#"{"keys":[{"kty":"OKP"}]}"#, "unknown kind `OKP`"),
            (r#"{"keys":[{"kty":"oct","k":"AA","use":"enc"}]}"#, "no key"),
        ] {
            let problem = read_keys(text).unwrap_err();
            assert!(problem.contains(expect), "{text}: {problem}");
        }
    }

    #[test]
    fn entras_issuers_belong_to_their_tenant() {
        let token = |issuer: &str, tenant: &str| {
            let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
            let claims = format!(r#"{{"iss":"{issuer}","tid":"{tenant}"}}"#);
            Token::read(&format!("{}.{}.AA", part(r#"{"alg":"HS256"}"#), part(&claims))).unwrap()
        };
        let url = "https://login.microsoftonline.com/t1/v2.0/.well-known/openid-configuration";
        let one = Issuer::of_url(url).unwrap().names;
        assert!(one.has(&token("https://sts.windows.net/t1/", "t1")));
        assert!(one.has(&token("https://login.microsoftonline.com/t1/v2.0", "t1")));
        assert!(!one.has(&token("https://sts.windows.net/t2/", "t2")));
        let any = Issuer::entra("common").names;
        assert!(any.has(&token("https://sts.windows.net/t2/", "t2")));
        assert!(!any.has(&token("https://sts.windows.net/t2/", "t1")));
        assert!(Issuer::of_url("https://example.com/t1/v2.0").is_none());
    }
}
