//! A certificate authority, and valid and invalid server certificates.

use std::sync::Arc;

use kal_emulator::{Certificate, Contents, Purpose};
use rustls::ServerConfig;

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
    authority: Certificate,
    stranger: Certificate,
}

impl Default for Certificates {
    fn default() -> Self {
        let (authority, stranger) = (authority("kal-torture CA"), authority("Unknown CA"));
        Self { ca_pem: authority.pem(), authority, stranger }
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
        let purpose = if shown == Shown::ForClients { Purpose::Client } else { Purpose::Server };
        let mut contents = contents("localhost", names, Some(purpose));
        match shown {
            Shown::Expired => contents.not_after = (2021, 1, 1),
            Shown::NotYetValid => contents.not_before = (2090, 1, 1),
            Shown::Authority => contents.is_authority = true,
            _ => {}
        }
        let certificate = match shown {
            Shown::SelfSigned | Shown::Authority => Certificate::self_signed(&contents),
            Shown::UnknownAuthority => Certificate::signed_by(&contents, &self.stranger),
            _ => Certificate::signed_by(&contents, &self.authority),
        }
        .expect("a certificate");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], certificate.key())
            .expect("a certificate and its key");
        Arc::new(config)
    }
}

fn authority(name: &str) -> Certificate {
    let contents = Contents { is_authority: true, ..contents(name, &[], None) };
    Certificate::self_signed(&contents).expect("an authority")
}

fn contents<'a>(common_name: &'a str, names: &'a [&'a str], purpose: Option<Purpose>) -> Contents<'a> {
    let (not_before, not_after) = ((2020, 1, 1), (2099, 1, 1));
    Contents { common_name, names, purpose, is_authority: false, not_before, not_after }
}
