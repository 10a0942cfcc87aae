//! The ID token for Google's identity-aware proxy: asked of the host, on the thread that makes a call.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::HeaderValue;
use secrecy::ExposeSecret;

use super::token::bearer;
use crate::config::IapTokenProvider;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::{MAX_SECRET_LEN, Redaction};

/// Google's ID tokens live for an hour.
const LIFETIME: Duration = Duration::from_mins(50);

pub(crate) struct Iap {
    provider: Option<Arc<dyn IapTokenProvider>>,
    current: Mutex<Option<(HeaderValue, Instant)>>,
    /// Held while the host's function runs, so that one thread asks and the others wait.
    asking: Mutex<()>,
}

impl Iap {
    pub(super) fn new(provider: Option<Arc<dyn IapTokenProvider>>) -> Self {
        Self { provider, current: Mutex::default(), asking: Mutex::default() }
    }

    /// Sees to it that there is a token before a request is handed over. On the caller's thread: a slow provider keeps its
    /// own caller waiting and nobody else's I/O.
    pub(crate) fn prepare(&self, redaction: &Redaction) -> Result<()> {
        let Some(provider) = &self.provider else { return Ok(()) };
        if self.is_fresh() {
            return Ok(());
        }
        let _asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_fresh() {
            return Ok(());
        }
        let refuse = |why: String| Error::new(ErrorKind::AuthFailed, format!("iap_token_provider: {why}"));
        let token = provider.token().map_err(refuse)?;
        if token.expose_secret().len() > MAX_SECRET_LEN {
            return Err(refuse(format!("the token is longer than {MAX_SECRET_LEN} bytes")));
        }
        let header = bearer(token.expose_secret())
            .ok_or_else(|| refuse("the token has characters that no header has".into()))?;
        redaction.add_iap_token(token.expose_secret());
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some((header, Instant::now()));
        Ok(())
    }

    /// The `Authorization` header, where there is an identity-aware proxy.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(header, _)| header.clone())
    }

    fn is_fresh(&self) -> bool {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().is_some_and(|(_, since)| since.elapsed() < LIFETIME)
    }
}
