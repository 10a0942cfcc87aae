//! TLS configuration: the system's root certificates, and those of `ca_bundle_path` in addition.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WantsClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::{ca_bundle, client_identity, system_roots, tls_error};
use crate::config::Config;
use crate::environment;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::OccupyStandard;

/// What replaces the system's certificates: a file, and folders.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The TLS configuration. For plain http it has no roots, because loading those of the system takes milliseconds.
pub(super) fn config(config: &Config) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal(format!("TLS initialization failed: {error}")))?;
    if config.insecure_tls {
        config.log.warn(format_args!(
            "server certificates are not verified (KAL_CLIENT_INSECURE_TLS): anyone on the network path can read and modify all traffic"
        ));
        let verifier = Arc::new(NoVerification(provider));
        return identified(builder.dangerous().with_custom_certificate_verifier(verifier), config);
    }
    let plain = config.base_url.scheme_str() == Some("http") && config.proxy.is_none();
    if plain {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let _occupied = OccupyStandard::new();
    let mut bundle = Vec::new();
    if let Some(path) = &config.ca_bundle_path {
        bundle.extend(ca_bundle::read(path, &config.log)?);
    }
    if let Some(pem) = &config.ca_bundle_pem {
        bundle.extend(ca_bundle::parse(pem, &config.log)?);
    }
    let verifier = verifier(bundle, provider).map_err(|error| no_roots(&error))?;
    identified(builder.dangerous().with_custom_certificate_verifier(verifier), config)
}

/// Trusts the system's certificates, or those of the environment, and `bundle`.
fn verifier(
    bundle: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    let (file, folders) = (environment::variable(VARIABLES[0]), environment::variable(VARIABLES[1]));
    let is_empty = file.is_none() && std::env::var_os(VARIABLES[0]).is_some();
    if !is_empty && !environment::is_ignored() {
        return Ok(Arc::new(Verifier::new_with_extra_roots(bundle, provider)?));
    }
    // The platform's verifier would read the variable nevertheless.
    let system = match folders {
        Some(folders) => std::env::split_paths(&folders).flat_map(|folder| system_roots::of_folder(&folder)).collect(),
        None => system_roots::load(),
    };
    let mut roots = RootCertStore::empty();
    for root in bundle {
        roots.add(root)?;
    }
    roots.add_parsable_certificates(system);
    if roots.is_empty() {
        return Err(rustls::Error::General("no certificates".to_owned()));
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    Ok(verifier.map_err(|error| rustls::Error::Other(rustls::OtherError(Arc::new(error))))?)
}

/// With the client's certificate, if it has one.
fn identified(builder: ConfigBuilder<ClientConfig, WantsClientCert>, config: &Config) -> Result<ClientConfig> {
    let Some(identity) = &config.client_identity else { return Ok(builder.with_no_client_auth()) };
    let (chain, key) = client_identity::read(identity)?;
    builder.with_client_auth_cert(chain, key).map_err(|error| client_identity::unusable(&error, identity))
}

/// The verifier's error does not say where it searched.
fn no_roots(error: &rustls::Error) -> Error {
    let set: Vec<_> = VARIABLES
        .iter()
        .filter_map(|name| environment::variable(name).map(|value| format!("{name}={}", value.display())))
        .collect();
    let searched = if set.is_empty() {
        "in the system's default locations, such as /etc/ssl/certs (SSL_CERT_FILE and SSL_CERT_DIR override them)"
            .to_owned()
    } else {
        format!("at {}", set.join(" and "))
    };
    let message = match error {
        rustls::Error::General(_) => format!(
            "no CA certificates were found {searched}; install them (on most systems the package ca-certificates), or set \
             ca_bundle_path to a PEM file"
        ),
        other => format!("the CA certificates cannot be used: {}", tls_error::explain(other)),
    };
    Error::new(ErrorKind::TlsFailed, message)
}

/// Accepts any certificate, but still verifies that the server holds its private key.
#[derive(Debug)]
struct NoVerification(Arc<CryptoProvider>);

impl ServerCertVerifier for NoVerification {
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
