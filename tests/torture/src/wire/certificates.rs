//! A certificate authority, and valid and invalid server certificates.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Which certificate a server presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A valid certificate.
    Good,
    /// Expired.
    Expired,
    /// Not yet valid.
    NotYetValid,
    /// For another host.
    OtherHost,
    /// Self-signed.
    SelfSigned,
    /// Signed by an unknown CA.
    UnknownAuthority,
    /// Not valid for servers.
    ForClients,
    /// Self-signed, and a CA.
    Authority,
}

/// The authority and its certificates.
pub struct Certificates {
    /// The CA certificate for clients to trust.
    pub ca_pem: String,
    authority: CertifiedIssuer<'static, KeyPair>,
    stranger: CertifiedIssuer<'static, KeyPair>,
}

impl Default for Certificates {
    fn default() -> Self {
        let authority = authority("kal-torture CA");
        Self { ca_pem: authority.pem(), authority, stranger: authority_of_strangers() }
    }
}

impl Certificates {
    /// The configuration of a server with this certificate.
    ///
    /// # Panics
    ///
    /// If the certificate cannot be created.
    pub fn server(&self, shown: Shown) -> Arc<ServerConfig> {
        let names: &[&str] =
            if shown == Shown::OtherHost { &["elsewhere.example"] } else { &["localhost", "127.0.0.1"] };
        let mut params = params("localhost", names);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![if shown == Shown::ForClients {
            ExtendedKeyUsagePurpose::ClientAuth
        } else {
            ExtendedKeyUsagePurpose::ServerAuth
        }];
        match shown {
            Shown::Expired => params.not_after = date_time_ymd(2021, 1, 1),
            Shown::NotYetValid => params.not_before = date_time_ymd(2090, 1, 1),
            Shown::Authority => params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
            _ => {}
        }
        let key = KeyPair::generate().expect("a key");
        let certificate: CertificateDer<'static> = match shown {
            Shown::SelfSigned | Shown::Authority => params.self_signed(&key),
            Shown::UnknownAuthority => params.signed_by(&key, &self.stranger),
            _ => params.signed_by(&key, &self.authority),
        }
        .expect("a certificate")
        .der()
        .clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a certificate and its key");
        Arc::new(config)
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = params(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

fn authority_of_strangers() -> CertifiedIssuer<'static, KeyPair> {
    authority("Unknown CA")
}

fn params(name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2099, 1, 1);
    params
}
