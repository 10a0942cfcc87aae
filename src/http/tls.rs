//! TLS configuration: the system's root certificates, and those of `ca_bundle_path` in addition.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WantsClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::lazy_roots::LazyRoots;
use super::{ca_bundle, client_identity, environment_roots};
use crate::client_log::ClientLog;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::OccupyStandard;

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
    let log = Arc::clone(&config.log);
    let verifier = match environment_roots::Named::by_the_environment() {
        Some(named) => {
            let first = [&bundle[..], &named.of_file(&log)?].concat();
            if !first.is_empty() {
                named.check_folders(&log)?;
            }
            let rest = move || Ok([named.of_file(&log)?, named.of_folders(&log)?].concat());
            of_roots(first, bundle, Box::new(rest), provider)?
        }
        None => of_the_system(bundle, provider, log)?,
    };
    identified(builder.dangerous().with_custom_certificate_verifier(verifier), config)
}

/// Trusts the system's certificates and `bundle`.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn of_the_system(
    bundle: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    log: Arc<ClientLog>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    let first = if bundle.is_empty() { super::system_roots::of_file(&log)? } else { bundle.clone() };
    of_roots(first, bundle, Box::new(move || super::system_roots::all(&log)), provider)
}

/// The same by the system's own rules: its certificates are in no file.
#[cfg(target_vendor = "apple")]
fn of_the_system(
    bundle: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    _log: Arc<ClientLog>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(bundle, provider);
    Ok(Arc::new(verifier.map_err(|error| unusable(&error))?))
}

/// The same, as Windows verifies certificates: many roots are installed when they are first needed. Its verifier takes certificates in
/// addition, but then verifies with those alone.
#[cfg(windows)]
fn of_the_system(
    bundle: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    _log: Arc<ClientLog>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    let system = rustls_platform_verifier::Verifier::new(Arc::clone(&provider)).map_err(|error| unusable(&error))?;
    let system: Arc<dyn ServerCertVerifier> = Arc::new(system);
    if bundle.is_empty() {
        return Ok(system);
    }
    // The bundle first: the system may ask the network about a certificate, and the bundle's authorities need no answer.
    Ok(Arc::new(LazyRoots::new(of_some(bundle, provider)?, move || Ok(Arc::clone(&system)))))
}

/// Trusts `first`, each of which can be used; and as soon as those do not suffice, `bundle` and what `rest` reads, which include them.
fn of_roots(
    first: Vec<CertificateDer<'static>>,
    bundle: Vec<CertificateDer<'static>>,
    rest: Box<dyn Fn() -> Result<Vec<CertificateDer<'static>>> + Send + Sync>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    if first.is_empty() {
        return of_some(rest()?, provider);
    }
    let verifier = of_some(first, Arc::clone(&provider))?;
    let all = move || {
        let _occupied = OccupyStandard::new();
        of_some([&bundle[..], &rest()?].concat(), Arc::clone(&provider))
    };
    Ok(Arc::new(LazyRoots::new(verifier, all)))
}

/// Trusts these; there has to be one.
fn of_some(roots: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    let mut trusted = RootCertStore::empty();
    trusted.add_parsable_certificates(roots);
    if trusted.is_empty() {
        return Err(no_roots());
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(trusted), provider).build();
    Ok(verifier.map_err(|error| unusable(&error))?)
}

/// With the client's certificate, if it has one.
fn identified(builder: ConfigBuilder<ClientConfig, WantsClientCert>, config: &Config) -> Result<ClientConfig> {
    let Some(identity) = &config.client_identity else { return Ok(builder.with_no_client_auth()) };
    let (chain, key) = client_identity::read(identity)?;
    builder.with_client_auth_cert(chain, key).map_err(|error| client_identity::unusable(&error, identity))
}

fn no_roots() -> Error {
    Error::new(
        ErrorKind::TlsFailed,
        "no CA certificates were found in the system's default locations, such as /etc/ssl/certs; install them (on most systems the \
         package ca-certificates), or set ca_bundle_path or SSL_CERT_FILE to a PEM file",
    )
}

fn unusable(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::TlsFailed, format!("the CA certificates cannot be used: {error}"))
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
