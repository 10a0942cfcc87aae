//! Verifies certificates with some roots, and with others where those do not suffice. The others are read then: the folders of a system
//! have hundreds of files, which take longer to read than a handshake, and the connections of all clients wait meanwhile.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use crate::error;

type Verifier = Arc<dyn ServerCertVerifier>;

/// A certificate is accepted if `first` or the other roots accept it.
pub(super) struct LazyRoots {
    first: Verifier,
    others: OnceLock<Verifier>,
    read_others: Box<dyn Fn() -> error::Result<Verifier> + Send + Sync>,
}

impl LazyRoots {
    pub(super) fn new(
        first: Verifier,
        read_others: impl Fn() -> error::Result<Verifier> + Send + Sync + 'static,
    ) -> Self {
        Self { first, others: OnceLock::new(), read_others: Box::new(read_others) }
    }

    fn others(&self) -> Result<&Verifier, Error> {
        if let Some(others) = self.others.get() {
            return Ok(others);
        }
        let others = (self.read_others)().map_err(|why| Error::Other(OtherError(Arc::new(why))))?;
        Ok(self.others.get_or_init(|| others))
    }
}

impl fmt::Debug for LazyRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyRoots").finish_non_exhaustive()
    }
}

impl ServerCertVerifier for LazyRoots {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let by = |verifier: &Verifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        // Whatever is wrong with it: another root may have signed it, too.
        by(&self.first).or_else(|of_first| {
            by(self.others()?).map_err(|of_others| match of_first {
                // The first roots have nothing to do with this certificate.
                Error::InvalidCertificate(CertificateError::UnknownIssuer) => of_others,
                _ => of_first,
            })
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.first.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.first.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.first.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::error::ErrorKind;
    use crate::http::tls_error::not_of_tls;

    /// Always has the same outcome. None: it trusts the certificate.
    #[derive(Debug)]
    struct Always(Option<CertificateError>);

    impl ServerCertVerifier for Always {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            self.0.clone().map_or(Ok(ServerCertVerified::assertion()), |fault| Err(Error::InvalidCertificate(fault)))
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.verify_tls12_signature(message, cert, signature)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ED25519]
        }
    }

    fn verify(verifier: &LazyRoots) -> Result<(), Error> {
        let name = ServerName::try_from("api.example").expect("a name");
        verifier.verify_server_cert(&CertificateDer::from(vec![]), &[], &name, &[], UnixTime::now()).map(drop)
    }

    /// Red when the others are read at once, or for each certificate. Red with the outcome of the first ones alone, and with the error
    /// of the others always: who has set a bundle does not hear that its certificate has expired.
    #[test]
    fn others_are_read_once_if_the_first_do_not_suffice_and_the_error_is_of_the_one_that_knows_the_authority() {
        use CertificateError::{Expired, NotValidForName, UnknownIssuer};
        for (of_first, of_others, reads, expected) in [
            (None, None, 0, None),
            (None, Some(UnknownIssuer), 0, None),
            (Some(UnknownIssuer), None, 1, None),
            (Some(Expired), None, 1, None),
            (Some(UnknownIssuer), Some(NotValidForName), 1, Some(NotValidForName)),
            (Some(Expired), Some(UnknownIssuer), 1, Some(Expired)),
            (Some(UnknownIssuer), Some(UnknownIssuer), 1, Some(UnknownIssuer)),
        ] {
            let read = Arc::new(AtomicUsize::new(0));
            let (counted, shown) = (Arc::clone(&read), format!("{of_first:?} {of_others:?}"));
            let verifier = LazyRoots::new(Arc::new(Always(of_first)), move || {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok(Arc::new(Always(of_others.clone())))
            });
            for _ in 0..2 {
                assert_eq!(verify(&verifier).err(), expected.clone().map(Error::InvalidCertificate), "{shown}");
            }
            assert_eq!(read.load(Ordering::Relaxed), reads, "{shown}");
        }
    }

    /// Red with what the first roots say: a server would be unknown although its root is only unread. Red when it is kept.
    #[test]
    fn what_cannot_be_read_for_now_is_the_error_and_read_again() {
        let read = AtomicUsize::new(0);
        let verifier = LazyRoots::new(Arc::new(Always(Some(CertificateError::UnknownIssuer))), move || {
            let first = read.fetch_add(1, Ordering::Relaxed) == 0;
            if first { Err(error::Error::out_of_resources("no descriptor")) } else { Ok(Arc::new(Always(None))) }
        });
        let error = verify(&verifier).expect_err("not read");
        assert_eq!(not_of_tls(&error).expect("not read").kind(), ErrorKind::OutOfResources);
        verify(&verifier).expect("read");
    }
}
