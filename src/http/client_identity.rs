//! The client's certificate and private key, for servers that ask for them (mutual TLS).

use std::fmt;

use rustls::Error as TlsError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::pem_file::{self, Fault};
use crate::config::{Identity, Pem};
use crate::error::{Error, Result};

const NO_KEY: &str = "it contains no PEM private key that can be used (PKCS #8, PKCS #1 or SEC 1, not encrypted)";

/// The certificate with its intermediates, and its key.
pub(super) fn read(identity: &Identity) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain = load(&identity.certificate, |bytes| {
        let blocks: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
        let chain = blocks.map_err(|_| "a certificate is malformed")?;
        if chain.is_empty() { Err("it contains no PEM certificate".into()) } else { Ok(chain) }
    });
    let chain = chain.map_err(|fault| fault.at(certificate_of(identity)))?;
    let key = load(identity.key.as_ref().unwrap_or(&identity.certificate), |bytes| {
        PrivateKeyDer::from_pem_slice(bytes).map_err(|_| match identity.key {
            Some(_) => NO_KEY.into(),
            None => format!("{NO_KEY}; set client_key_path or client_key_pem to that of the certificate").into(),
        })
    });
    Ok((chain, key.map_err(|fault| fault.at(key_of(identity)))?))
}

/// A key that does not belong to the certificate, or is of a type that cannot sign.
pub(super) fn unusable(error: &TlsError, identity: &Identity) -> Error {
    let certificate = certificate_of(identity);
    match error {
        TlsError::InconsistentKeys(_) => Fault::from(format!(
            "the private key does not belong to the certificate of {certificate}; set the key that this certificate was made for"
        ))
        .at(key_of(identity)),
        TlsError::InvalidCertificate(_) => Fault::from("the certificate is malformed").at(certificate),
        other => Fault::from(format!("the private key cannot be used: {other}")).at(key_of(identity)),
    }
}

fn load<T>(pem: &Pem, parse: impl FnOnce(&[u8]) -> Result<T, Fault>) -> Result<T, Fault> {
    let bytes = match pem {
        Pem::File(path) => Zeroizing::new(pem_file::load(path)?),
        Pem::Text(text) => Zeroizing::new(text.expose_secret().as_bytes().to_vec()),
    };
    parse(pem_file::without_bom(&bytes)?)
}

fn certificate_of(identity: &Identity) -> Setting<'_> {
    Setting { name: "client_certificate", pem: &identity.certificate }
}

/// The key may be in the PEM of its certificate.
fn key_of(identity: &Identity) -> Setting<'_> {
    identity.key.as_ref().map_or_else(|| certificate_of(identity), |pem| Setting { name: "client_key", pem })
}

/// A setting as messages show it, with its path.
struct Setting<'a> {
    name: &'static str,
    pem: &'a Pem,
}

impl fmt::Display for Setting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pem {
            Pem::File(path) => write!(f, "{}_path: {}", self.name, path.display()),
            Pem::Text(_) => write!(f, "{}_pem", self.name),
        }
    }
}
