//! `System.Security.Cryptography`: MD5, SHA-1, SHA-2 and HMAC over them (RFC
//! 1321, FIPS 180-4, RFC 2104).

use std::sync::Arc;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::objects::Object;
use super::{Call, Entry, TypeDef};
use crate::expr::exception::Exception;
use crate::expr::value::Value;

const NAMESPACE: &str = "System.Security.Cryptography";

/// Bytes one step of an evaluation pays for.
const BYTES_A_STEP: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// A hash algorithm's object.
#[derive(Debug)]
pub struct Hasher {
    algorithm: Algorithm,
    /// An HMAC's.
    key: Option<Bytes>,
}

impl Hasher {
    pub(super) fn type_name(&self) -> &'static str {
        match (self.algorithm, &self.key) {
            (Algorithm::Md5, None) => "MD5",
            (Algorithm::Sha1, None) => "SHA1",
            (Algorithm::Sha256, None) => "SHA256",
            (Algorithm::Sha384, None) => "SHA384",
            (Algorithm::Sha512, None) => "SHA512",
            (Algorithm::Md5, Some(_)) => "HMACMD5",
            (Algorithm::Sha1, Some(_)) => "HMACSHA1",
            (Algorithm::Sha256, Some(_)) => "HMACSHA256",
            (Algorithm::Sha384, Some(_)) => "HMACSHA384",
            (Algorithm::Sha512, Some(_)) => "HMACSHA512",
        }
    }

    fn bits(&self) -> i32 {
        match self.algorithm {
            Algorithm::Md5 => 128,
            Algorithm::Sha1 => 160,
            Algorithm::Sha256 => 256,
            Algorithm::Sha384 => 384,
            Algorithm::Sha512 => 512,
        }
    }

    fn hash(&self, data: &[u8]) -> Option<Vec<u8>> {
        macro_rules! keyed {
            ($digest:ty, $key:expr) => {{
                let mut mac = Hmac::<$digest>::new_from_slice($key).ok()?;
                mac.update(data);
                mac.finalize().into_bytes().to_vec()
            }};
        }
        Some(match (self.algorithm, &self.key) {
            (Algorithm::Md5, None) => Md5::digest(data).to_vec(),
            (Algorithm::Sha1, None) => Sha1::digest(data).to_vec(),
            (Algorithm::Sha256, None) => Sha256::digest(data).to_vec(),
            (Algorithm::Sha384, None) => Sha384::digest(data).to_vec(),
            (Algorithm::Sha512, None) => Sha512::digest(data).to_vec(),
            (Algorithm::Md5, Some(key)) => keyed!(Md5, key),
            (Algorithm::Sha1, Some(key)) => keyed!(Sha1, key),
            (Algorithm::Sha256, Some(key)) => keyed!(Sha256, key),
            (Algorithm::Sha384, Some(key)) => keyed!(Sha384, key),
            (Algorithm::Sha512, Some(key)) => keyed!(Sha512, key),
        })
    }
}

pub(super) const TYPES: &[TypeDef] = &[
    TypeDef::new(NAMESPACE, "HashAlgorithm").members(&[
        Entry("byte[] ComputeHash(byte[] buffer)", |c| {
            let data = buffer(c)?;
            compute(c, &data)
        }),
        Entry("byte[] ComputeHash(byte[] buffer, int offset, int count)", |c| {
            let data = buffer(c)?;
            let part = usize::try_from(c.int(1)).ok().zip(usize::try_from(c.int(2)).ok());
            let part = part.and_then(|(from, count)| data.get(from..from.checked_add(count)?));
            match part {
                Some(part) => compute(c, part),
                None => Err(Exception::argument("Value was invalid.")),
            }
        }),
        Entry("int HashSize", |c| Ok(Value::Int(this(c)?.bits()))),
        Entry("void Clear()", |_| Ok(Value::Null)),
        Entry("void Dispose()", |_| Ok(Value::Null)),
    ]),
    TypeDef::new(NAMESPACE, "MD5")
        .bases(&["HashAlgorithm"])
        .members(&[Entry("static MD5 Create()", |_| Ok(plain(Algorithm::Md5)))]),
    TypeDef::new(NAMESPACE, "MD5CryptoServiceProvider")
        .bases(&["MD5"])
        .members(&[Entry("new()", |_| Ok(plain(Algorithm::Md5)))]),
    TypeDef::new(NAMESPACE, "SHA1")
        .bases(&["HashAlgorithm"])
        .members(&[Entry("static SHA1 Create()", |_| Ok(plain(Algorithm::Sha1)))]),
    TypeDef::new(NAMESPACE, "SHA1Managed")
        .bases(&["SHA1"])
        .members(&[Entry("new()", |_| Ok(plain(Algorithm::Sha1)))]),
    TypeDef::new(NAMESPACE, "HMACMD5")
        .bases(&["HMAC"])
        .members(&[Entry("new(byte[] key)", |c| keyed(c, Algorithm::Md5))]),
    TypeDef::new(NAMESPACE, "HMACSHA1")
        .bases(&["HMAC"])
        .members(&[Entry("new(byte[] key)", |c| keyed(c, Algorithm::Sha1))]),
    TypeDef::new(NAMESPACE, "SHA256")
        .bases(&["HashAlgorithm"])
        .members(&[Entry("static SHA256 Create()", |_| Ok(plain(Algorithm::Sha256)))]),
    TypeDef::new(NAMESPACE, "SHA384")
        .bases(&["HashAlgorithm"])
        .members(&[Entry("static SHA384 Create()", |_| Ok(plain(Algorithm::Sha384)))]),
    TypeDef::new(NAMESPACE, "SHA512")
        .bases(&["HashAlgorithm"])
        .members(&[Entry("static SHA512 Create()", |_| Ok(plain(Algorithm::Sha512)))]),
    TypeDef::new(NAMESPACE, "SHA256Managed")
        .bases(&["SHA256"])
        .members(&[Entry("new()", |_| Ok(plain(Algorithm::Sha256)))]),
    TypeDef::new(NAMESPACE, "SHA384Managed")
        .bases(&["SHA384"])
        .members(&[Entry("new()", |_| Ok(plain(Algorithm::Sha384)))]),
    TypeDef::new(NAMESPACE, "SHA512Managed")
        .bases(&["SHA512"])
        .members(&[Entry("new()", |_| Ok(plain(Algorithm::Sha512)))]),
    TypeDef::new(NAMESPACE, "HMAC").bases(&["HashAlgorithm"]).members(&[Entry(
        "byte[] Key",
        |c| {
            let key = this(c)?.key.clone();
            Ok(Value::Bytes(key.unwrap_or_default()))
        },
    )]),
    TypeDef::new(NAMESPACE, "HMACSHA256")
        .bases(&["HMAC"])
        .members(&[Entry("new(byte[] key)", |c| keyed(c, Algorithm::Sha256))]),
    TypeDef::new(NAMESPACE, "HMACSHA384")
        .bases(&["HMAC"])
        .members(&[Entry("new(byte[] key)", |c| keyed(c, Algorithm::Sha384))]),
    TypeDef::new(NAMESPACE, "HMACSHA512")
        .bases(&["HMAC"])
        .members(&[Entry("new(byte[] key)", |c| keyed(c, Algorithm::Sha512))]),
];

fn buffer(c: &Call<'_, '_>) -> Result<Bytes, Exception> {
    match c.arg(0) {
        Value::Bytes(data) => Ok(data.clone()),
        _ => Err(Exception::argument_null("buffer")),
    }
}

fn compute(c: &mut Call<'_, '_>, data: &[u8]) -> Result<Value, Exception> {
    let hasher = this(c)?;
    let key = hasher.key.as_ref().map_or(0, Bytes::len);
    c.vm.charge(1 + (data.len() + key) / BYTES_A_STEP)?;
    // HMAC takes keys of any length.
    let hash = hasher.hash(data).ok_or_else(Exception::null_reference)?;
    Ok(Value::Bytes(hash.into()))
}

fn plain(algorithm: Algorithm) -> Value {
    Value::Object(Object::Hasher(Arc::new(Hasher { algorithm, key: None })))
}

fn keyed(c: &mut Call<'_, '_>, algorithm: Algorithm) -> Result<Value, Exception> {
    match c.arg(0).clone() {
        Value::Bytes(key) => {
            Ok(Value::Object(Object::Hasher(Arc::new(Hasher { algorithm, key: Some(key) }))))
        }
        _ => Err(Exception::argument_null("key")),
    }
}

fn this(c: &Call<'_, '_>) -> Result<Arc<Hasher>, Exception> {
    match &c.this {
        Value::Object(Object::Hasher(hasher)) => Ok(Arc::clone(hasher)),
        _ => Err(Exception::null_reference()),
    }
}
