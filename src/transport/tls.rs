//! Whom to trust: the system's roots, and the CA bundle in addition to them.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::{ca_bundle, handshake};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};

/// The TLS configuration; for plain http one that trusts nobody, because reading the system's roots takes milliseconds.
pub(super) fn config(config: &Config) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal(format!("TLS cannot be set up: {error}")))?;
    if config.insecure_tls {
        log::warn!(
            "certificates are not checked (KAL_CLIENT_INSECURE_TLS): anyone on the way can read and change everything"
        );
        let anyone = Arc::new(Anyone(provider));
        return Ok(builder.dangerous().with_custom_certificate_verifier(anyone).with_no_client_auth());
    }
    let plain = config.base_url.scheme_str() == Some("http") && config.proxy.is_none();
    if plain {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let bundle = config.ca_bundle_path.as_deref().map(ca_bundle::read).transpose()?.unwrap_or_default();
    let verifier = Verifier::new_with_extra_roots(bundle, provider).map_err(|error| nothing_to_trust(&error))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// The verifier says only that there are none, and not where it looked.
fn nothing_to_trust(error: &rustls::Error) -> Error {
    let variables = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
    let set: Vec<_> = variables
        .iter()
        .filter_map(|name| std::env::var_os(name).map(|value| format!("{name}={}", value.display())))
        .collect();
    let looked = if set.is_empty() {
        "in the system's usual places, such as /etc/ssl/certs (SSL_CERT_FILE and SSL_CERT_DIR name others)".to_owned()
    } else {
        format!("at {}", set.join(" and "))
    };
    let message = match error {
        rustls::Error::General(_) => format!(
            "no CA certificates were found {looked}; install them (on most systems the package ca-certificates), or give a \
             file of them as ca_bundle_path"
        ),
        other => format!("the CA certificates cannot be used: {}", handshake::words(other)),
    };
    Error::new(ErrorKind::TlsFailed, message)
}

/// Trusts any certificate, but still wants the peer to hold its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
