//! X.509 certificates for tests of TLS: authorities, and the servers and clients that they sign. The keys are ECDSA P-256.

use std::fmt::Display;
use std::io;
use std::net::IpAddr;

use der::asn1::{BitString, Ia5String, ObjectIdentifier, OctetString};
use der::oid::db::{rfc5280, rfc5912};
use der::pem::{self, LineEnding};
use der::{Encode as _, Sequence};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::ext::{Extensions, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::{Time, Validity};
use x509_cert::{AlgorithmIdentifier, SubjectPublicKeyInfo, Version};

/// What a certificate says.
#[derive(Clone, Debug)]
pub struct Contents<'a> {
    /// The common name of its subject, with a backslash before commas and the like (RFC 4514).
    pub common_name: &'a str,
    /// DNS names and IP addresses, for servers.
    pub names: &'a [&'a str],
    /// What it may be used for. None: it is not limited.
    pub purpose: Option<Purpose>,
    /// Whether it is an authority, whose certificates sign no authorities.
    pub is_authority: bool,
    /// Valid from midnight UTC at the start of this day: year, month and day.
    pub not_before: (i64, i64, i64),
    /// Valid until midnight UTC at the start of this day.
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

impl Purpose {
    fn id(self) -> ObjectIdentifier {
        match self {
            Self::Server => rfc5280::ID_KP_SERVER_AUTH,
            Self::Client => rfc5280::ID_KP_CLIENT_AUTH,
        }
    }
}

/// A certificate and its private key.
#[derive(Debug)]
pub struct Certificate {
    der: CertificateDer<'static>,
    subject: Name,
    key: EcdsaKeyPair,
    pkcs8: Vec<u8>,
}

impl Certificate {
    /// Creates a key and a certificate signed with it.
    ///
    /// # Errors
    ///
    /// If the system has no random bytes, or no certificate can have these contents.
    pub fn self_signed(contents: &Contents<'_>) -> io::Result<Self> {
        Self::new(contents, None)
    }

    /// Creates a key, and a certificate signed by `issuer`.
    ///
    /// # Errors
    ///
    /// If the system has no random bytes, or no certificate can have these contents.
    pub fn signed_by(contents: &Contents<'_>, issuer: &Self) -> io::Result<Self> {
        Self::new(contents, Some(issuer))
    }

    fn new(contents: &Contents<'_>, issuer: Option<&Self>) -> io::Result<Self> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(error)?;
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).map_err(error)?;
        let signer = issuer.map_or(&key, |issuer| &issuer.key);
        let to_sign = ToBeSigned::new(contents, &key, issuer)
            .map_err(|error| io::Error::other(format!("cannot write {contents:?} in a certificate: {error}")))?;
        let signature = signer.sign(&random, &to_sign.to_der().map_err(error)?).map_err(error)?;
        let signature = BitString::from_bytes(signature.as_ref()).map_err(error)?;
        let subject = to_sign.subject.clone();
        let signed = Signed { algorithm: to_sign.algorithm.clone(), to_sign, signature };
        let der = signed.to_der().map_err(error)?.into();
        Ok(Self { der, subject, key, pkcs8: pkcs8.as_ref().to_vec() })
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

/// `Certificate` of RFC 5280, 4.1. That of x509-cert comes from its builder only.
#[derive(Sequence)]
struct Signed {
    to_sign: ToBeSigned,
    algorithm: AlgorithmIdentifier,
    signature: BitString,
}

/// `TBSCertificate`, without what these certificates have not.
#[derive(Sequence)]
struct ToBeSigned {
    #[asn1(context_specific = "0")]
    version: Version,
    serial_number: SerialNumber,
    algorithm: AlgorithmIdentifier,
    issuer: Name,
    validity: Validity,
    subject: Name,
    public_key: SubjectPublicKeyInfo,
    #[asn1(context_specific = "3")]
    extensions: Extensions,
}

impl ToBeSigned {
    fn new(contents: &Contents<'_>, key: &EcdsaKeyPair, issuer: Option<&Certificate>) -> der::Result<Self> {
        let subject: Name = format!("CN={}", contents.common_name).parse()?;
        let curve = Some(rfc5912::SECP_256_R_1.into());
        let mut to_sign = Self {
            version: Version::V3,
            // Of its key, hence another one for each certificate; of 20 bytes at most with the sign.
            serial_number: SerialNumber::new(&key_id(key)?.as_bytes()[1..])?,
            algorithm: AlgorithmIdentifier { oid: rfc5912::ECDSA_WITH_SHA_256, parameters: None },
            issuer: issuer.map_or(&subject, |issuer| &issuer.subject).clone(),
            validity: Validity::new(midnight(contents.not_before)?, midnight(contents.not_after)?),
            public_key: SubjectPublicKeyInfo {
                algorithm: AlgorithmIdentifier { oid: rfc5912::ID_EC_PUBLIC_KEY, parameters: curve },
                subject_public_key: BitString::from_bytes(key.public_key().as_ref())?,
            },
            subject,
            extensions: Extensions::new(),
        };
        if contents.is_authority {
            to_sign.extend(&BasicConstraints { ca: true, path_len_constraint: Some(0) })?;
            to_sign.extend(&SubjectKeyIdentifier(key_id(key)?))?;
        }
        if let Some(purpose) = contents.purpose {
            to_sign.extend(&KeyUsage(KeyUsages::DigitalSignature.into()))?;
            to_sign.extend(&ExtendedKeyUsage(vec![purpose.id()]))?;
        } else if contents.is_authority {
            to_sign.extend(&KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign))?;
        }
        if !contents.names.is_empty() {
            let names = contents.names.iter().map(|name| general_name(name)).collect::<der::Result<_>>()?;
            to_sign.extend(&SubjectAltName(names))?;
        }
        if let Some(issuer) = issuer {
            let key_identifier = Some(key_id(&issuer.key)?);
            to_sign.extend(&AuthorityKeyIdentifier { key_identifier, ..AuthorityKeyIdentifier::default() })?;
        }
        Ok(to_sign)
    }

    fn extend(&mut self, extension: impl ToExtension<Error = der::Error>) -> der::Result<()> {
        self.extensions.push(extension.to_extension(&self.subject, &self.extensions)?);
        Ok(())
    }
}

fn midnight((year, month, day): (i64, i64, i64)) -> der::Result<Time> {
    format!("{year:04}-{month:02}-{day:02}T00:00:00Z").parse()
}

fn key_id(key: &EcdsaKeyPair) -> der::Result<OctetString> {
    OctetString::new(&digest(&SHA256, key.public_key().as_ref()).as_ref()[..20])
}

fn general_name(name: &str) -> der::Result<GeneralName> {
    match name.parse::<IpAddr>() {
        Ok(address) => Ok(address.into()),
        Err(_) => Ia5String::new(name).map(GeneralName::DnsName),
    }
}

/// ring's errors are no `std::error::Error` without its feature `std`.
fn error(error: impl Display) -> io::Error {
    io::Error::other(error.to_string())
}

fn pem(label: &str, der: &[u8]) -> String {
    pem::encode_string(label, LineEnding::LF, der).expect("a length in usize")
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
        // 2026-05-01 and 2051-12-31.
        let (first, last) = (1_777_593_600, 2_587_593_600);
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
    fn what_a_certificate_cannot_say_is_an_error() {
        let rejection = |contents| Certificate::self_signed(&contents).err().map(|error| error.to_string());
        assert_eq!(rejection(contents(r"Authority\, escaped", &["xn--bcher-kva.example"], None)), None);
        for wrong in [
            contents("Authority, not escaped", &[], None),
            contents("", &["b\u{fc}cher.example"], None),
            Contents { not_before: (2026, 2, 29), ..contents("", &[], None) },
        ] {
            let text = rejection(wrong.clone()).unwrap_or_default();
            assert!(text.contains(&format!("{wrong:?}")), "{wrong:?}: {text}");
        }
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
