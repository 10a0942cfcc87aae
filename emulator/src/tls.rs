//! The emulator's certificate authority and server certificate.

use std::io;
use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::certificate::{Certificate, Contents, Purpose};
use crate::timestamp;

/// The TLS acceptor, and the CA certificate that clients must trust.
pub(crate) struct Tls {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) ca_pem: String,
    /// A client's certificate and key.
    pub(crate) client_pem: (String, String),
}

impl Tls {
    pub(crate) fn new(client_auth: bool, hosts: &[String]) -> io::Result<Self> {
        let (not_before, not_after) = validity();
        let contents = |common_name, names, purpose| Contents {
            common_name,
            names,
            purpose,
            is_authority: false,
            not_before,
            not_after,
        };
        let ca = Contents { is_authority: true, ..contents("kal-emulator CA", &[], None) };
        let ca = Certificate::self_signed(&ca)?;
        let names = ["localhost", "127.0.0.1", "::1"].into_iter().chain(hosts.iter().map(String::as_str));
        let names: Vec<_> = names.collect();
        let certificate = Certificate::signed_by(&contents("localhost", &names, Some(Purpose::Server)), &ca)?;
        let client = Certificate::signed_by(&contents("kal-emulator client", &[], Some(Purpose::Client)), &ca)?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = if client_auth {
            let mut roots = RootCertStore::empty();
            roots.add(ca.der().clone()).map_err(io::Error::other)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            verifier.build().map_err(io::Error::other)?
        } else {
            WebPkiClientVerifier::no_client_auth()
        };
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.der().clone()], certificate.key())
            .map_err(io::Error::other)?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { server: Arc::new(server), ca_pem: ca.pem(), client_pem: (client.pem(), client.key_pem()) })
    }
}

/// The first and the last day: from last December to the end of next year, since Apple's verifier rejects server certificates that
/// are valid for more than 825 days.
fn validity() -> ((i64, i64, i64), (i64, i64, i64)) {
    let (year, ..) = timestamp::civil(timestamp::now());
    ((year - 1, 12, 1), (year + 1, 12, 31))
}
