//! The settings of a client, and their validation before anything is sent.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::uri::Authority;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::client_log::{ClientLog, LogSink};
use crate::environment;
use crate::error::{Error, ErrorKind, Result};
use crate::loopback::is_loopback;
use crate::proxy::{self, Proxy};
use crate::redact::MAX_SECRET_LEN;
use crate::retry::backoff;
use crate::runtime::Gate;

/// The environment variable of the client id.
pub const ENV_CLIENT_ID: &str = "KALEIDOSCOPE_API_CLIENT_ID";
/// The environment variable of the client secret.
pub const ENV_CLIENT_SECRET: &str = "KALEIDOSCOPE_API_CLIENT_SECRET";
/// The environment variable of the base URL.
pub const ENV_URL: &str = "KALEIDOSCOPE_API_URL";
/// The default base URL.
pub const DEFAULT_URL: &str = "https://api.kaleidoscope.bio";

/// The default number of attempts per request: enough to wait four to eight seconds for a server that restarts.
const MAX_ATTEMPTS: u32 = 6;
const USER_AGENT: &str = concat!("libkaleidoscope/", env!("CARGO_PKG_VERSION"));

/// The settings that a client is opened with. [`Settings::default`] uses the environment and the defaults for all of them.
#[derive(Default)]
pub struct Settings {
    /// None: [`ENV_CLIENT_ID`].
    pub client_id: Option<String>,
    /// None: [`ENV_CLIENT_SECRET`].
    pub client_secret: Option<SecretString>,
    /// None: [`ENV_URL`], or else [`DEFAULT_URL`].
    pub base_url: Option<String>,
    /// Sent with every request; override the client's own.
    pub headers: Vec<(String, String)>,
    /// A PEM file of certificates that are trusted in addition to the system's.
    pub ca_bundle_path: Option<PathBuf>,
    /// The same as PEM text, in addition.
    pub ca_bundle_pem: Option<String>,
    /// A PEM file of the certificate that is presented to the server, with its intermediates.
    pub client_certificate_path: Option<PathBuf>,
    /// The same as PEM text.
    pub client_certificate_pem: Option<String>,
    /// A PEM file of the certificate's private key. None: it is with the certificate.
    pub client_key_path: Option<PathBuf>,
    /// The same as PEM text.
    pub client_key_pem: Option<SecretString>,
    /// None: no proxy, unless `proxy_from_env`.
    pub proxy_url: Option<String>,
    /// Take the proxy from the environment.
    pub proxy_from_env: bool,
    /// Do not check the server's certificate.
    pub insecure_tls: bool,
    /// Allow plain http to a host that is not loopback.
    pub allow_http: bool,
    /// Prepended to the client's own user agent.
    pub user_agent: Option<String>,
    /// The timeout for name lookup, TCP and TLS together.
    pub connect_timeout: Option<Duration>,
    /// The timeout of a whole call.
    pub timeout: Option<Duration>,
    /// The maximum number of attempts per request.
    pub max_attempts: Option<u32>,
    /// The maximum delay before the second attempt, up to 50 days; it doubles with each attempt up to 20 s.
    pub retry_wait: Option<Duration>,
    /// The maximum length of a response body, after decompression.
    pub max_response_bytes: Option<u64>,
    /// How long cached reads are used. None: they do not expire.
    pub cache_ttl: Option<Duration>,
    /// The maximum number of concurrent requests.
    pub max_in_flight: Option<u32>,
    /// Provides the ID token for Google's identity-aware proxy.
    pub iap: Option<Arc<dyn IapTokenProvider>>,
    /// The name of the client in its log lines: one word of visible ASCII. None: its number in this process.
    pub name: Option<String>,
    /// Receives the client's log lines. None: they go to the logger of the process.
    pub log: Option<Arc<dyn LogSink>>,
}

/// Provides the ID token for a server behind Google's identity-aware proxy. Called on the thread that makes a call, by one thread
/// at a time. Calls from within it that would block, or need a token themselves, fail with [`ErrorKind::WouldDeadlock`].
pub trait IapTokenProvider: Send + Sync {
    /// Returns the token, or why it is not available.
    fn token(&self) -> std::result::Result<SecretString, String>;
}

/// PEM from a file or from memory.
pub(crate) enum Pem {
    File(PathBuf),
    Text(SecretString),
}

/// What the client shows to a server that asks for a certificate.
pub(crate) struct Identity {
    pub(crate) certificate: Pem,
    /// None: it is with the certificate.
    pub(crate) key: Option<Pem>,
}

/// The PEM of the settings `name_path` and `name_pem`.
fn pem(name: &str, path: Option<PathBuf>, text: Option<SecretString>) -> Result<Option<Pem>> {
    match (path, text) {
        (Some(_), Some(_)) => {
            Err(Error::argument(format_args!("{name}_pem"), format_args!("{name}_path is set, too; set one of them")))
        }
        (path, text) => Ok(path.map(Pem::File).or(text.map(Pem::Text))),
    }
}

fn client_identity(certificate: Option<Pem>, key: Option<Pem>) -> Result<Option<Identity>> {
    match (certificate, key) {
        (None, Some(key)) => Err(Error::argument(
            if matches!(key, Pem::File(_)) { "client_key_path" } else { "client_key_pem" },
            "a key needs its certificate; set client_certificate_path or client_certificate_pem",
        )),
        (None, None) => Ok(None),
        (Some(certificate), key) => Ok(Some(Identity { certificate, key })),
    }
}

/// Validated settings.
pub(crate) struct Config {
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    /// Its path does not end with a slash.
    pub(crate) base_url: Uri,
    /// The value of the `Host` header.
    pub(crate) host: HeaderValue,
    pub(crate) headers: HeaderMap,
    pub(crate) ca_bundle_path: Option<PathBuf>,
    pub(crate) ca_bundle_pem: Option<String>,
    /// The certificate and its key.
    pub(crate) client_identity: Option<Identity>,
    /// None: connect directly.
    pub(crate) proxy: Option<Proxy>,
    pub(crate) proxy_secrets: Vec<SecretString>,
    pub(crate) insecure_tls: bool,
    pub(crate) user_agent: HeaderValue,
    pub(crate) connect_timeout: Duration,
    pub(crate) timeout: Duration,
    pub(crate) max_attempts: u32,
    pub(crate) retry_wait: Duration,
    pub(crate) max_response_bytes: usize,
    pub(crate) cache_ttl: Option<Duration>,
    pub(crate) max_in_flight: usize,
    pub(crate) iap: Option<Arc<dyn IapTokenProvider>>,
    pub(crate) log: Arc<ClientLog>,
    /// What the client's callbacks pass; closed with the client.
    pub(crate) gate: Arc<Gate>,
}

impl Settings {
    /// Validates the settings, and adds those of the environment and the defaults.
    pub(crate) fn check(self) -> Result<Config> {
        let (base_url, base_url_name) = match self.base_url {
            Some(url) => (url, "base_url"),
            None => match from_environment(ENV_URL)? {
                Some(url) => (url, ENV_URL),
                None => (DEFAULT_URL.into(), "base_url"),
            },
        };
        let base_url = check_base_url(&base_url, base_url_name, self.allow_http)?;
        let gate = Gate::new();
        let authority = base_url.authority().map_or("", Authority::as_str);
        let log = Arc::new(ClientLog::new(self.name.as_deref(), authority, self.log, Arc::clone(&gate))?);
        let plain = base_url.scheme_str() == Some("http") && !self.allow_http;
        let (proxy, proxy_secrets) =
            proxy::choose(self.proxy_url.as_deref(), self.proxy_from_env, &base_url, plain, &log)?;
        let client_secret = credential(self.client_secret, "client_secret", ENV_CLIENT_SECRET, is_empty)?;
        if client_secret.expose_secret().len() > MAX_SECRET_LEN {
            return Err(Error::argument("client_secret", too_long()));
        }
        Ok(Config {
            client_id: credential(self.client_id, "client_id", ENV_CLIENT_ID, String::is_empty)?,
            client_secret,
            host: HeaderValue::from_str(authority)
                .map_err(|_| Error::argument(base_url_name, "the host is not a valid header value"))?,
            base_url,
            headers: check_headers(&self.headers)?,
            client_identity: client_identity(
                pem("client_certificate", self.client_certificate_path, self.client_certificate_pem.map(Into::into))?,
                pem("client_key", self.client_key_path, self.client_key_pem)?,
            )?,
            ca_bundle_path: self.ca_bundle_path,
            ca_bundle_pem: self.ca_bundle_pem,
            proxy,
            proxy_secrets,
            insecure_tls: self.insecure_tls,
            user_agent: check_user_agent(self.user_agent.as_deref())?,
            connect_timeout: self.connect_timeout.unwrap_or(Duration::from_secs(10)),
            timeout: self.timeout.unwrap_or(Duration::from_secs(60)),
            max_attempts: self.max_attempts.unwrap_or(MAX_ATTEMPTS).max(1),
            retry_wait: self.retry_wait.unwrap_or(backoff::BASE),
            max_response_bytes: check_cap(self.max_response_bytes)?,
            cache_ttl: self.cache_ttl,
            max_in_flight: self.max_in_flight.map_or(64, |max| max.max(1) as usize),
            iap: self.iap,
            log,
            gate,
        })
    }
}

fn from_environment(name: &str) -> Result<Option<String>> {
    let value = environment::variable(name).map(OsString::into_string).transpose();
    value.map_err(|_| Error::new(ErrorKind::InvalidUtf8, format!("{name}: the environment variable is not UTF-8")))
}

fn is_empty(secret: &SecretString) -> bool {
    secret.expose_secret().is_empty()
}

fn credential<T: From<String>>(
    given: Option<T>,
    name: &str,
    variable: &str,
    is_empty: impl Fn(&T) -> bool,
) -> Result<T> {
    let given = match given {
        Some(given) => Some(given),
        None => from_environment(variable)?.map(T::from),
    };
    given.filter(|value| !is_empty(value)).ok_or_else(|| {
        let how = if environment::is_ignored() {
            "set the option; a program with more rights than its user ignores the environment".to_owned()
        } else {
            format!("set the option or the environment variable {variable}")
        };
        Error::new(ErrorKind::NoCredentials, format!("{name}: no credentials; {how}"))
    })
}

fn check_base_url(text: &str, name: &str, allow_http: bool) -> Result<Uri> {
    let url = Url::parse(text).map_err(|reason| Error::argument(name, format_args!("not a valid URL: {reason}")))?;
    // The parser repairs invalid URLs: `https:/path` gets a host, backslashes become slashes, line breaks are dropped. A typo must not
    // become a host name.
    let host = text.split_once("://").map_or("", |(_, rest)| rest);
    if host.starts_with(['/', '?', '#']) || host.is_empty() || text.contains(|c: char| c == '\\' || c <= ' ') {
        return Err(Error::argument(name, "not a valid URL; expected https://host, optionally with a port and a path"));
    }
    let plain = match url.scheme() {
        "https" => false,
        "http" => true,
        other => return Err(Error::argument(name, format_args!("the scheme must be https, not {other}"))),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::argument(name, "the URL must not contain credentials; set client_id and client_secret"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::argument(name, "the URL must not have a query or fragment"));
    }
    if plain && !allow_http && !url.host().is_some_and(|host| is_loopback(&host)) {
        return Err(Error::argument(
            name,
            "plain http to another host would send the client secret in clear; use https, or allow it (KAL_CLIENT_ALLOW_HTTP)",
        ));
    }
    // Request paths begin with a slash, so a trailing slash here would be doubled.
    Uri::try_from(url.as_str().trim_end_matches('/'))
        .map_err(|reason| Error::argument(name, format_args!("not a valid HTTP URL: {reason}")))
}

fn too_long() -> String {
    format!("longer than {MAX_SECRET_LEN} bytes")
}

fn check_headers(given: &[(String, String)]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(given.len());
    for (index, (name, value)) in given.iter().enumerate() {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Error::argument(format_args!("headers[{index}].name"), "not a valid header name"))?;
        if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
            return Err(Error::argument(
                format_args!("headers[{index}].name"),
                format_args!("{name} is set by the library and cannot be overridden"),
            ));
        }
        if value.len() > MAX_SECRET_LEN {
            return Err(Error::argument(format_args!("headers[{index}].value"), too_long()));
        }
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            Error::argument(
                format_args!("headers[{index}].value"),
                "a header value must not contain line breaks or control characters",
            )
        })?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

fn check_user_agent(given: Option<&str>) -> Result<HeaderValue> {
    let text = given.map_or_else(|| USER_AGENT.to_owned(), |given| format!("{given} {USER_AGENT}"));
    HeaderValue::from_str(&text).map_err(|_| Error::argument("user_agent", "must be visible ASCII without line breaks"))
}

/// Offsets into a response are stored as 32-bit integers.
fn check_cap(bytes: Option<u64>) -> Result<usize> {
    let bytes = bytes.unwrap_or(256 << 20);
    u32::try_from(bytes)
        .ok()
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| Error::argument("max_response_bytes", "the maximum is 4 GiB - 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(base_url: &str) -> Settings {
        Settings {
            client_id: Some("id".into()),
            client_secret: Some("secret".to_owned().into()),
            base_url: Some(base_url.into()),
            ..Settings::default()
        }
    }

    fn rejected(settings: Settings) -> String {
        let error = settings.check().err().expect("an error");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        error.to_string()
    }

    #[test]
    fn invalid_base_urls_are_rejected_by_name() {
        for url in [
            "",
            "api.kaleidoscope.bio",
            "ftp://host",
            "https://",
            "https://u:p@host",
            "https://host?x=1",
            "https://h#f",
            "https:host",
            "https:/host",
            "https:///host",
            r"https:\\host",
            r"https://ho\st",
            " https://host",
            "https://ho\nst",
        ] {
            assert!(rejected(settings(url)).starts_with("base_url: "), "{url}");
        }
    }

    #[test]
    fn plain_http_is_allowed_to_loopback_only() {
        for url in
            ["http://127.0.0.1:8080", "http://127.8.9.1", "http://[::1]:1", "http://localhost", "http://a.localhost"]
        {
            assert!(settings(url).check().is_ok(), "{url}");
        }
        for url in ["http://10.0.0.1", "http://kaleidoscope.bio", "http://localhost.example.com", "http://128.0.0.1"] {
            assert!(rejected(settings(url)).contains("in clear"), "{url}");
            assert!(Settings { allow_http: true, ..settings(url) }.check().is_ok(), "{url}");
        }
    }

    #[test]
    fn a_trailing_slash_is_not_doubled_and_a_path_is_kept() {
        let config = settings("https://host/prefix/").check().expect("valid");
        assert_eq!(config.base_url, "https://host/prefix");
    }

    #[test]
    fn invalid_headers_are_rejected_by_name() {
        for value in ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b"] {
            let headers = vec![("X-Fine".into(), "1".into()), ("X-Bad".to_owned(), value.to_owned())];
            let message = rejected(Settings { headers, ..settings("https://host") });
            assert!(message.starts_with("headers[1].value: "), "{message}");
            assert!(!message.contains("Evil"));
        }
        for name in ["", "a b", "a:", "content-length", "Transfer-Encoding", "é"] {
            let headers = vec![(name.to_owned(), "1".to_owned())];
            assert!(
                rejected(Settings { headers, ..settings("https://host") }).starts_with("headers[0].name: "),
                "{name}"
            );
        }
    }

    /// Red without a limit: the client is opened.
    #[test]
    fn secrets_over_the_limit_are_rejected_by_name() {
        let longest = "s".repeat(MAX_SECRET_LEN);
        let with = |secret: &str, value: &str| Settings {
            client_secret: Some(secret.to_owned().into()),
            headers: vec![("X-Fine".into(), longest.clone()), ("X-Key".into(), value.into())],
            ..settings("https://host")
        };
        assert!(with(&longest, &longest).check().is_ok());
        let too_long = format!("{longest}s");
        assert_eq!(rejected(with(&too_long, &longest)), "client_secret: longer than 16384 bytes");
        assert_eq!(rejected(with(&longest, &too_long)), "headers[1].value: longer than 16384 bytes");
    }

    #[test]
    fn empty_credentials_count_as_missing() {
        let error = Settings { client_id: Some(String::new()), ..settings("https://host") }.check().err();
        assert_eq!(error.expect("an error").kind(), ErrorKind::NoCredentials);
    }

    #[test]
    fn the_cap_fits_32_bits() {
        let cap = |bytes| {
            Settings { max_response_bytes: Some(bytes), ..settings("https://host") }
                .check()
                .map(|c| c.max_response_bytes)
        };
        assert_eq!(cap(u64::from(u32::MAX)).ok(), Some(u32::MAX as usize));
        assert!(cap(1 << 32).is_err());
    }
}
