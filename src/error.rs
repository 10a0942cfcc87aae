//! One error type for the whole client: a kind, a sentence, and everything known about the failure.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How many bytes of a response body an error keeps.
pub const BODY_LIMIT: usize = 64 * 1024;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// An argument is wrong; the message names it.
    InvalidArgument,
    /// A text argument is not UTF-8; the message names it.
    InvalidUtf8,
    /// A handle that is none, stale, forged or of another kind.
    InvalidHandle,
    /// The call does not fit the state of the object.
    InvalidState,
    /// Neither the configuration nor the environment give credentials.
    NoCredentials,
    /// A blocking call from within a callback.
    WouldDeadlock,
    /// The client was made before `fork`, in the parent process.
    Forked,
    /// There is no method of that name.
    UnknownMethod,
    /// The host's name was not found.
    ResolveFailed,
    /// No connection.
    ConnectFailed,
    /// TLS failed.
    TlsFailed,
    /// The call's time was up.
    TimedOut,
    /// The call was cancelled, or its client closed.
    Cancelled,
    /// The connection broke before the answer was complete.
    ConnectionLost,
    /// The answer is over the cap.
    ResponseTooLarge,
    /// What came back is no HTTP that makes sense.
    BadHttp,
    /// The token endpoint refused.
    AuthFailed,
    /// There is nothing: a workspace without a body, or nothing cached.
    NotFound,
    /// The API answered with an error; `http_status` says which.
    Http,
    /// The answer cannot be used.
    BadResponse,
    /// A defect of this library.
    Internal,
    /// A defect of this library that showed as a panic.
    Panic,
}

/// Whether trying again can help, and how hard to press.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// The same request would fail again.
    #[default]
    Never,
    /// A passing fault.
    Transient,
    /// The server asked for less.
    Throttled,
}

/// A failure of a call, with everything known about it. Cheap to clone: callers that share one request share its error.
#[derive(Clone)]
pub struct Error(Arc<Details>);

/// What an [`Error`] knows. No field holds a secret.
#[derive(Clone, Debug)]
pub struct Details {
    /// What went wrong.
    pub kind: ErrorKind,
    /// One English sentence.
    pub message: String,
    /// The status of the response, if one came.
    pub http_status: Option<u16>,
    /// Tries made; 0 when nothing was sent.
    pub attempts: u32,
    /// Whether trying again can help.
    pub retry: Retry,
    /// Whether the request can have reached the server; a request that is not idempotent is repeated only if not.
    pub sent: bool,
    /// How long the server asked to wait.
    pub retry_after: Option<Duration>,
    /// The HTTP method, if something was sent.
    pub method: Option<&'static str>,
    /// Path and query, if something was sent.
    pub url: Option<String>,
    /// The server's own error code.
    pub code: Option<String>,
    /// The server's name for the request.
    pub request_id: Option<String>,
    /// The response body, up to [`BODY_LIMIT`].
    pub body: Option<Vec<u8>>,
    /// The identity-aware proxy in front gave the answer.
    pub(crate) is_of_proxy: bool,
    /// The number of the token that this proxy refused, as far as can be told.
    pub(crate) iap_token: Option<u64>,
}

impl Error {
    /// An error that knows nothing but its kind and a sentence.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Details {
            kind,
            message: message.into(),
            http_status: None,
            attempts: 0,
            retry: Retry::Never,
            sent: false,
            retry_after: None,
            method: None,
            url: None,
            code: None,
            request_id: None,
            body: None,
            is_of_proxy: false,
            iap_token: None,
        }))
    }

    /// An argument is wrong: `name` is the argument (or its part, such as `ids[3]`), `reason` says what is asked for.
    pub fn argument(name: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self::new(ErrorKind::InvalidArgument, format!("{name}: {reason}"))
    }

    /// A defect of this library.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The same error with more known about it.
    #[must_use]
    pub fn with(mut self, add: impl FnOnce(&mut Details)) -> Self {
        add(Arc::make_mut(&mut self.0));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The status of the response, if one came.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// Whether the same call is worth trying again later.
    pub fn is_retryable(&self) -> bool {
        self.0.retry != Retry::Never
    }

    /// Everything known.
    pub fn details(&self) -> &Details {
        &self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

/// What every fallible operation of the client gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;
