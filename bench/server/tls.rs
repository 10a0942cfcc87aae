//! The server's certificate authority and certificate.

use std::io;
use std::sync::Arc;

use kal_emulator::{Certificate, Contents, Purpose};
use rustls::ServerConfig;

/// The TLS configuration, and the CA certificate that clients must trust (PEM).
pub(crate) fn server() -> io::Result<(Arc<ServerConfig>, String)> {
    let contents = Contents {
        common_name: "bench-server CA",
        names: &[],
        purpose: None,
        is_authority: true,
        not_before: (2020, 1, 1),
        not_after: (2099, 1, 1),
    };
    let ca = Certificate::self_signed(&contents)?;
    // With the issuer's name, it would be treated as self-signed.
    let contents = Contents {
        common_name: "localhost",
        names: &["localhost"],
        purpose: Some(Purpose::Server),
        is_authority: false,
        ..contents
    };
    let certificate = Certificate::signed_by(&contents, &ca)?;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], certificate.key())
        .map_err(io::Error::other)?;
    Ok((Arc::new(config), ca.pem()))
}
