//! The client's certificate and private key, for servers that ask for them (mutual TLS).

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::ca_bundle;
use crate::config::Pem;
use crate::error::{Error, ErrorKind, Result};

/// The certificate with its intermediates, and its key.
pub(super) fn read((certificate, key): &(Pem, Pem)) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain = load(certificate)
        .and_then(|bytes| {
            let blocks: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
            let chain = blocks.map_err(|_| "a certificate is malformed".to_owned())?;
            if chain.is_empty() { Err("it contains no PEM certificate".into()) } else { Ok(chain) }
        })
        .map_err(|reason| failure("client_certificate", certificate, &reason))?;
    let key = load(key)
        .and_then(|bytes| {
            PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
                "it contains no PEM private key that can be used (PKCS #8, PKCS #1 or SEC 1, not encrypted)".to_owned()
            })
        })
        .map_err(|reason| failure("client_key", key, &reason))?;
    Ok((chain, key))
}

/// A key that does not belong to the certificate, or is of a type that cannot sign.
pub(super) fn unusable(error: &rustls::Error) -> Error {
    Error::new(ErrorKind::TlsFailed, format!("client_key: it cannot be used with the client certificate: {error}"))
}

fn load(pem: &Pem) -> std::result::Result<Zeroizing<Vec<u8>>, String> {
    match pem {
        Pem::File(path) => ca_bundle::load(path).map(Zeroizing::new),
        Pem::Text(text) => Ok(Zeroizing::new(text.expose_secret().as_bytes().to_vec())),
    }
}

fn failure(name: &str, pem: &Pem, reason: &str) -> Error {
    let message = match pem {
        Pem::File(path) => format!("{name}_path: {}: {reason}", path.display()),
        Pem::Text(_) => format!("{name}_pem: {reason}"),
    };
    Error::new(ErrorKind::TlsFailed, message)
}
