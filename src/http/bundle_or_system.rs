//! Trusts what `ca_bundle_path` and `ca_bundle_pem` contain and what the system trusts, where the system verifies certificates itself.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// The bundle first: the system may ask the network about a certificate, and the bundle's authorities need no answer.
#[derive(Debug)]
pub(super) struct BundleOrSystem {
    pub(super) bundle: Arc<dyn ServerCertVerifier>,
    pub(super) system: Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for BundleOrSystem {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let by = |verifier: &dyn ServerCertVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        by(&*self.bundle).or_else(|of_bundle| {
            by(&*self.system).map_err(|of_system| match of_bundle {
                // The bundle has nothing to do with this certificate.
                Error::InvalidCertificate(CertificateError::UnknownIssuer) => of_system,
                _ => of_bundle,
            })
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.bundle.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.bundle.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.bundle.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::fixed_verifier::Always;

    /// Red with the system alone: an authority of the bundle is unknown. Red with the system's error always: who has set a bundle does
    /// not hear that its certificate has expired.
    #[test]
    fn either_of_them_is_enough_and_the_error_is_of_the_one_that_knows_the_authority() {
        use CertificateError::{Expired, NotValidForName, UnknownIssuer};
        for (of_bundle, of_system, expected) in [
            (None, None, None),
            (None, Some(UnknownIssuer), None),
            (Some(UnknownIssuer), None, None),
            (Some(Expired), None, None),
            (Some(UnknownIssuer), Some(NotValidForName), Some(NotValidForName)),
            (Some(Expired), Some(UnknownIssuer), Some(Expired)),
            (Some(UnknownIssuer), Some(UnknownIssuer), Some(UnknownIssuer)),
        ] {
            let shown = format!("{of_bundle:?} {of_system:?}");
            let verifier = BundleOrSystem { bundle: Arc::new(Always(of_bundle)), system: Arc::new(Always(of_system)) };
            let name = ServerName::try_from("api.example").expect("a name");
            let outcome = verifier.verify_server_cert(&CertificateDer::from(vec![]), &[], &name, &[], UnixTime::now());
            let fault = outcome.err().map(|error| match error {
                Error::InvalidCertificate(fault) => fault,
                other => panic!("{other}"),
            });
            assert_eq!(fault, expected, "{shown}");
        }
    }
}
