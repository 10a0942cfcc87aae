//! Verifies certificates with some of the roots, and reads all of them when those do not suffice. The folders of a system have
//! hundreds of files; reading them takes longer than a handshake, and the connections of all clients wait meanwhile.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, OtherError, SignatureScheme};

use crate::error;

type Verifier = Arc<dyn ServerCertVerifier>;

/// A certificate is accepted if `first` accepts it; otherwise the verifier of all roots, which include those of `first`, decides.
pub(super) struct LazyRoots {
    first: Verifier,
    all: OnceLock<Verifier>,
    read_all: Box<dyn Fn() -> error::Result<Verifier> + Send + Sync>,
}

impl LazyRoots {
    pub(super) fn new(first: Verifier, read_all: impl Fn() -> error::Result<Verifier> + Send + Sync + 'static) -> Self {
        Self { first, all: OnceLock::new(), read_all: Box::new(read_all) }
    }

    fn all(&self) -> Result<&Verifier, Error> {
        if let Some(all) = self.all.get() {
            return Ok(all);
        }
        let all = (self.read_all)().map_err(|why| Error::Other(OtherError(Arc::new(why))))?;
        Ok(self.all.get_or_init(|| all))
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
        by(&self.first).or_else(|_| by(self.all()?))
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

    use rustls::CertificateError::{self, Expired, UnknownIssuer};

    use super::*;
    use crate::error::ErrorKind;
    use crate::http::fixed_verifier::Always;
    use crate::http::tls_error::not_of_tls;

    fn verify(verifier: &LazyRoots) -> Result<(), Error> {
        let name = ServerName::try_from("api.example").expect("a name");
        verifier.verify_server_cert(&CertificateDer::from(vec![]), &[], &name, &[], UnixTime::now()).map(drop)
    }

    fn always(fault: Option<CertificateError>) -> Verifier {
        Arc::new(Always(fault))
    }

    /// Red when all are read at once, or for each certificate, and with the outcome of the first ones.
    #[test]
    fn all_roots_are_read_once_and_only_when_the_first_do_not_suffice() {
        for (of_first, of_all, reads, expected) in [
            (None, Some(UnknownIssuer), 0, None),
            (Some(UnknownIssuer), None, 1, None),
            (Some(Expired), None, 1, None),
            (Some(UnknownIssuer), Some(Expired), 1, Some(Expired)),
        ] {
            let read = Arc::new(AtomicUsize::new(0));
            let (counted, shown) = (Arc::clone(&read), format!("{of_first:?} {of_all:?}"));
            let verifier = LazyRoots::new(always(of_first), move || {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok(always(of_all.clone()))
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
        let verifier = LazyRoots::new(always(Some(UnknownIssuer)), move || {
            let first = read.fetch_add(1, Ordering::Relaxed) == 0;
            if first { Err(error::Error::out_of_resources("no descriptor")) } else { Ok(always(None)) }
        });
        let error = verify(&verifier).expect_err("not read");
        assert_eq!(not_of_tls(&error).expect("not read").kind(), ErrorKind::OutOfResources);
        verify(&verifier).expect("read");
    }
}
