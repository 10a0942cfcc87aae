//! X.509 certificates for tests of TLS: authorities, and the servers and clients that they sign. The keys are ECDSA P-256.

use std::fmt::Display;
use std::io;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::der::{self, Tag};

/// What a certificate says.
#[derive(Clone, Debug)]
pub struct Contents<'a> {
    /// The common name of its subject.
    pub common_name: &'a str,
    /// DNS names and IP addresses, for servers.
    pub names: &'a [&'a str],
    /// What it may be used for. None: it is not limited.
    pub purpose: Option<Purpose>,
    /// Whether it is an authority, whose certificates sign no authorities.
    pub is_authority: bool,
    /// The first day, midnight UTC: year, month and day.
    pub not_before: (i64, i64, i64),
    /// The last day.
    pub not_after: (i64, i64, i64),
}

/// The extended key usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// TLS servers.
    Server,
    /// TLS clients.
    Client,
}

/// A certificate and its private key.
#[derive(Debug)]
pub struct Certificate {
    der: CertificateDer<'static>,
    /// The subject as a DER `Name`.
    name: Vec<u8>,
    key: EcdsaKeyPair,
    pkcs8: Vec<u8>,
}

impl Certificate {
    /// Creates a key and a certificate signed with it.
    ///
    /// # Errors
    ///
    /// If the system has no random bytes.
    pub fn self_signed(contents: &Contents<'_>) -> io::Result<Self> {
        Self::new(contents, None)
    }

    /// Creates a key, and a certificate signed by `issuer`.
    ///
    /// # Errors
    ///
    /// If the system has no random bytes.
    pub fn signed_by(contents: &Contents<'_>, issuer: &Self) -> io::Result<Self> {
        Self::new(contents, Some(issuer))
    }

    fn new(contents: &Contents<'_>, issuer: Option<&Self>) -> io::Result<Self> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(error)?;
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).map_err(error)?;
        let name = der::name(contents.common_name);
        let signer = issuer.map_or(&key, |issuer| &issuer.key);
        let to_sign = to_be_signed(contents, &name, &key, issuer);
        let signature = signer.sign(&random, &to_sign).map_err(error)?;
        let signed = der::sequence([to_sign, der::ecdsa_with_sha256(), der::bits(signature.as_ref(), 0)]);
        Ok(Self { der: signed.into(), name, key, pkcs8: pkcs8.as_ref().to_vec() })
    }

    /// The certificate.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// The certificate as PEM.
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.der)
    }

    /// The private key (PKCS #8).
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.pkcs8.clone()).into()
    }

    /// The private key as PEM.
    pub fn key_pem(&self) -> String {
        pem("PRIVATE KEY", &self.pkcs8)
    }
}

/// `TBSCertificate` of RFC 5280, 4.1.
fn to_be_signed(contents: &Contents<'_>, name: &[u8], key: &EcdsaKeyPair, issuer: Option<&Certificate>) -> Vec<u8> {
    der::sequence([
        der::encode(Tag::explicit(0), &der::integer(&[2])),
        der::integer(&serial(key)),
        der::ecdsa_with_sha256(),
        issuer.map_or(name, |issuer| &issuer.name).to_vec(),
        der::sequence([der::time(contents.not_before, "000000"), der::time(contents.not_after, "235959")]),
        name.to_vec(),
        der::p256_public_key(key.public_key().as_ref()),
        der::encode(Tag::explicit(3), &der::sequence(extensions(contents, key, issuer))),
    ])
}

/// Of its key, hence another one for each certificate. Positive, and without leading zeros.
fn serial(key: &EcdsaKeyPair) -> Vec<u8> {
    let mut serial = key_id(key);
    serial[0] = serial[0] & 0x3F | 0x40;
    serial
}

fn key_id(key: &EcdsaKeyPair) -> Vec<u8> {
    digest(&SHA256, key.public_key().as_ref()).as_ref()[..20].to_vec()
}

fn extensions(contents: &Contents<'_>, key: &EcdsaKeyPair, issuer: Option<&Certificate>) -> Vec<Vec<u8>> {
    let mut extensions = Vec::new();
    if contents.is_authority {
        let path_length = der::integer(&[0]);
        extensions.push(der::extension(19, true, &der::sequence([der::encode(Tag::BOOLEAN, &[0xFF]), path_length])));
        extensions.push(der::extension(14, false, &der::encode(Tag::OCTET_STRING, &key_id(key))));
    }
    let usage = match contents.purpose {
        // keyCertSign and cRLSign.
        None if contents.is_authority => Some(der::bits(&[0b0000_0110], 1)),
        // digitalSignature.
        Some(_) => Some(der::bits(&[0b1000_0000], 7)),
        None => None,
    };
    extensions.extend(usage.map(|usage| der::extension(15, true, &usage)));
    extensions.extend(contents.purpose.map(|purpose| {
        // 1.3.6.1.5.5.7.3.1 and 1.3.6.1.5.5.7.3.2.
        let last = if purpose == Purpose::Server { 1 } else { 2 };
        let purpose = der::encode(Tag::OBJECT_ID, &[0x2B, 6, 1, 5, 5, 7, 3, last]);
        der::extension(37, false, &der::sequence([purpose]))
    }));
    if !contents.names.is_empty() {
        extensions.push(der::extension(
            17,
            false,
            &der::sequence(contents.names.iter().map(|name| general_name(name))),
        ));
    }
    extensions.extend(issuer.map(|issuer| {
        der::extension(35, false, &der::sequence([der::encode(Tag::implicit(0), &key_id(&issuer.key))]))
    }));
    extensions
}

fn general_name(name: &str) -> Vec<u8> {
    match name.parse() {
        Ok(IpAddr::V4(address)) => der::encode(Tag::implicit(7), &address.octets()),
        Ok(IpAddr::V6(address)) => der::encode(Tag::implicit(7), &address.octets()),
        Err(_) => der::encode(Tag::implicit(2), name.as_bytes()),
    }
}

/// ring's errors are no `std::error::Error` without its feature `std`.
fn error(error: impl Display) -> io::Error {
    io::Error::other(error.to_string())
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::crypto::ring::default_provider;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{ServerName, UnixTime};
    use rustls::server::WebPkiClientVerifier;
    use rustls::{CertificateError, Error, RootCertStore};

    use super::*;

    const MAY: (i64, i64, i64) = (2026, 5, 1);
    /// Of year 2050 and later, dates are written in another way.
    const LATE: (i64, i64, i64) = (2051, 12, 31);

    fn contents<'a>(common_name: &'a str, names: &'a [&'a str], purpose: Option<Purpose>) -> Contents<'a> {
        Contents { common_name, names, purpose, is_authority: false, not_before: MAY, not_after: LATE }
    }

    fn authority() -> Certificate {
        Certificate::self_signed(&Contents { is_authority: true, ..contents("CA", &[], None) }).expect("an authority")
    }

    fn roots(authority: &Certificate) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        let parsed = CertificateDer::from_pem_slice(authority.pem().as_bytes()).expect("PEM");
        roots.add(parsed).expect("an authority");
        Arc::new(roots)
    }

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn servers_are_verified_by_name_and_date_and_purpose() {
        let authority = authority();
        let names = ["localhost", "127.0.0.1", "::1"];
        let verifier = WebPkiServerVerifier::builder_with_provider(roots(&authority), Arc::new(default_provider()));
        let verifier = verifier.build().expect("a verifier");
        let verify = |purpose, name: &str, seconds| {
            let server = Certificate::signed_by(&contents("localhost", &names, Some(purpose)), &authority);
            let name = ServerName::try_from(name).expect("a name");
            verifier.verify_server_cert(server.expect("a certificate").der(), &[], &name, &[], at(seconds)).map(|_| ())
        };
        // 2026-05-01 and 2051-12-31, 23:59:59.
        let (first, last) = (1_777_593_600, 2_587_679_999);
        for (name, seconds) in [("localhost", first), ("127.0.0.1", last), ("::1", last)] {
            assert_eq!(verify(Purpose::Server, name, seconds), Ok(()), "{name}");
        }
        let early = verify(Purpose::Server, "localhost", first - 1);
        assert!(
            matches!(early, Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { .. }))),
            "{early:?}"
        );
        let late = verify(Purpose::Server, "localhost", last + 1);
        assert!(matches!(late, Err(Error::InvalidCertificate(CertificateError::ExpiredContext { .. }))), "{late:?}");
        let other = verify(Purpose::Server, "elsewhere.example", first);
        assert!(
            matches!(other, Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }))),
            "{other:?}"
        );
        let client = verify(Purpose::Client, "localhost", first);
        assert!(
            matches!(client, Err(Error::InvalidCertificate(CertificateError::InvalidPurposeContext { .. }))),
            "{client:?}"
        );
    }

    #[test]
    fn clients_are_verified_by_purpose_and_issuer() {
        let authority = authority();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots(&authority), Arc::new(default_provider()));
        let verifier = verifier.build().expect("a verifier");
        let verify = |purpose, issuer: &Certificate| {
            let client =
                Certificate::signed_by(&contents("client", &[], Some(purpose)), issuer).expect("a certificate");
            verifier.verify_client_cert(client.der(), &[], at(1_800_000_000)).map(|_| ())
        };
        assert_eq!(verify(Purpose::Client, &authority), Ok(()));
        let server = verify(Purpose::Server, &authority);
        assert!(
            matches!(server, Err(Error::InvalidCertificate(CertificateError::InvalidPurposeContext { .. }))),
            "{server:?}"
        );
        let stranger = self::authority();
        assert_eq!(
            verify(Purpose::Client, &stranger),
            Err(Error::InvalidCertificate(CertificateError::BadSignature)),
            "another authority of the same name"
        );
    }

    #[test]
    fn the_key_in_pem_belongs_to_the_certificate() {
        let certificate = authority();
        let key = PrivateKeyDer::from_pem_slice(certificate.key_pem().as_bytes()).expect("PEM");
        assert_eq!(key, certificate.key());
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        assert!(config.is_ok());
    }
}
