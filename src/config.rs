//! How a client is set up, and what is refused before anything is sent.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::uri::Authority;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::error::{Error, ErrorKind, Result};
use crate::proxy::{self, Proxy};
use crate::retry::backoff;
use crate::transport::MAX_SECRET_LEN;

/// The environment variable that gives the client id.
pub const ENV_CLIENT_ID: &str = "KALEIDOSCOPE_API_CLIENT_ID";
/// The environment variable that gives the client secret.
pub const ENV_CLIENT_SECRET: &str = "KALEIDOSCOPE_API_CLIENT_SECRET";
/// The environment variable that gives the base URL.
pub const ENV_URL: &str = "KALEIDOSCOPE_API_URL";
/// Where the service is, unless configured.
pub const DEFAULT_URL: &str = "https://api.kaleidoscope.bio";

/// Tries per request, unless configured: a server that restarts is waited for, four to eight seconds in all.
const MAX_ATTEMPTS: u32 = 6;
const USER_AGENT: &str = concat!("libkaleidoscope/", env!("CARGO_PKG_VERSION"));

/// What a client is opened with. [`Settings::default`] takes everything from the environment and the defaults.
#[derive(Default)]
pub struct Settings {
    /// None: the environment.
    pub client_id: Option<String>,
    /// None: the environment.
    pub client_secret: Option<SecretString>,
    /// None: the environment, then [`DEFAULT_URL`].
    pub base_url: Option<String>,
    /// Sent with every request, over the client's own.
    pub headers: Vec<(String, String)>,
    /// PEM certificates, trusted in addition to the system's.
    pub ca_bundle_path: Option<PathBuf>,
    /// None: no proxy, unless `proxy_from_env`.
    pub proxy_url: Option<String>,
    /// Take the proxy from the environment.
    pub proxy_from_env: bool,
    /// Do not check the server's certificate.
    pub insecure_tls: bool,
    /// Allow plain http to a host that is not loopback.
    pub allow_http: bool,
    /// Put before the client's own user agent.
    pub user_agent: Option<String>,
    /// Name lookup, TCP and TLS together.
    pub connect_timeout: Option<Duration>,
    /// One whole call.
    pub timeout: Option<Duration>,
    /// Tries per request.
    pub max_attempts: Option<u32>,
    /// The first wait before another try, at most; it doubles from try to try.
    pub retry_wait: Option<Duration>,
    /// The longest answer taken, after decompression.
    pub max_response_bytes: Option<u64>,
    /// None: cached reads never expire by themselves.
    pub cache_ttl: Option<Duration>,
    /// Requests on the wire at once.
    pub max_in_flight: Option<u32>,
    /// Gives the Google IAP ID token.
    pub iap: Option<Arc<dyn IapTokenProvider>>,
}

/// Gives the ID token for a server behind Google's identity-aware proxy. Called on the thread that makes a call, by one thread
/// at a time; within it, calls that would wait, or need a token themselves, fail with [`ErrorKind::WouldDeadlock`].
pub trait IapTokenProvider: Send + Sync {
    /// The token, or why there is none.
    fn token(&self) -> std::result::Result<SecretString, String>;
}

/// Checked settings: what the client works with.
pub(crate) struct Config {
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    /// Its path has no slash at the end.
    pub(crate) base_url: Uri,
    /// What the server is called in requests.
    pub(crate) host: HeaderValue,
    pub(crate) headers: HeaderMap,
    pub(crate) ca_bundle_path: Option<PathBuf>,
    /// Through which the server is asked; none: directly.
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
}

impl Settings {
    pub(crate) fn check(self) -> Result<Config> {
        let (base_url, base_url_name) = match self.base_url {
            Some(url) => (url, "base_url"),
            None => match from_environment(ENV_URL)? {
                Some(url) => (url, ENV_URL),
                None => (DEFAULT_URL.into(), "base_url"),
            },
        };
        let base_url = check_base_url(&base_url, base_url_name, self.allow_http)?;
        let plain = base_url.scheme_str() == Some("http") && !self.allow_http;
        let (proxy, proxy_secrets) = proxy::choose(self.proxy_url.as_deref(), self.proxy_from_env, &base_url, plain)?;
        let client_secret = credential(self.client_secret, "client_secret", ENV_CLIENT_SECRET, is_blank)?;
        if client_secret.expose_secret().len() > MAX_SECRET_LEN {
            return Err(Error::argument("client_secret", too_long()));
        }
        Ok(Config {
            client_id: credential(self.client_id, "client_id", ENV_CLIENT_ID, String::is_empty)?,
            client_secret,
            host: HeaderValue::from_str(base_url.authority().map_or("", Authority::as_str))
                .map_err(|_| Error::argument(base_url_name, "its host is no header value"))?,
            base_url,
            headers: check_headers(&self.headers)?,
            ca_bundle_path: self.ca_bundle_path,
            proxy,
            proxy_secrets,
            insecure_tls: self.insecure_tls,
            user_agent: check_user_agent(self.user_agent.as_deref())?,
            connect_timeout: self.connect_timeout.unwrap_or(Duration::from_secs(10)),
            timeout: self.timeout.unwrap_or(Duration::from_mins(1)),
            max_attempts: self.max_attempts.unwrap_or(MAX_ATTEMPTS).max(1),
            retry_wait: self.retry_wait.unwrap_or(backoff::BASE),
            max_response_bytes: check_cap(self.max_response_bytes)?,
            cache_ttl: self.cache_ttl,
            max_in_flight: self.max_in_flight.map_or(64, |most| most.max(1) as usize),
            iap: self.iap,
        })
    }
}

fn from_environment(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Error::new(ErrorKind::InvalidUtf8, format!("{name}: the environment variable is not UTF-8")))
        }
    }
}

fn is_blank(secret: &SecretString) -> bool {
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
        Error::new(
            ErrorKind::NoCredentials,
            format!("{name}: no credentials; give them in the options or in the environment as {variable}"),
        )
    })
}

fn check_base_url(text: &str, name: &str, allow_http: bool) -> Result<Uri> {
    let url = Url::parse(text).map_err(|reason| Error::argument(name, format_args!("this is no URL: {reason}")))?;
    // The parser mends what is no URL: `https:/path` gets a host, backslashes turn, line breaks vanish. No typo becomes a host.
    let host = text.split_once("://").map_or("", |(_, rest)| rest);
    if host.starts_with(['/', '?', '#']) || host.is_empty() || text.contains(|c: char| c == '\\' || c <= ' ') {
        return Err(Error::argument(
            name,
            "this is no URL: https://host is expected, with a port and a path if need be",
        ));
    }
    let plain = match url.scheme() {
        "https" => false,
        "http" => true,
        other => return Err(Error::argument(name, format_args!("the scheme must be https, not {other}"))),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::argument(name, "credentials do not belong in the URL; give client_id and client_secret"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::argument(name, "a base URL has neither a query nor a fragment"));
    }
    if plain && !allow_http && !url.host().is_some_and(|host| is_loopback(&host)) {
        return Err(Error::argument(
            name,
            "plain http to another host would send the client secret in clear; use https, or allow it (KAL_CLIENT_ALLOW_HTTP)",
        ));
    }
    // Paths begin with a slash, so a trailing one here would be doubled.
    Uri::try_from(url.as_str().trim_end_matches('/'))
        .map_err(|reason| Error::argument(name, format_args!("this is no URL for HTTP: {reason}")))
}

pub(crate) fn is_loopback<S: AsRef<str>>(host: &url::Host<S>) -> bool {
    match host {
        url::Host::Domain(name) => name.as_ref() == "localhost" || name.as_ref().ends_with(".localhost"),
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    }
}

fn too_long() -> String {
    format!("it is longer than {MAX_SECRET_LEN} bytes")
}

fn check_headers(given: &[(String, String)]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(given.len());
    for (index, (name, value)) in given.iter().enumerate() {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Error::argument(format_args!("headers[{index}].name"), "this is no header name"))?;
        if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
            return Err(Error::argument(
                format_args!("headers[{index}].name"),
                format_args!("{name} is what the library itself must say"),
            ));
        }
        if value.len() > MAX_SECRET_LEN {
            return Err(Error::argument(format_args!("headers[{index}].value"), too_long()));
        }
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            Error::argument(
                format_args!("headers[{index}].value"),
                "a header value has no line breaks and no control characters",
            )
        })?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

fn check_user_agent(given: Option<&str>) -> Result<HeaderValue> {
    let text = given.map_or_else(|| USER_AGENT.to_owned(), |given| format!("{given} {USER_AGENT}"));
    HeaderValue::from_str(&text)
        .map_err(|_| Error::argument("user_agent", "a header value is visible ASCII without line breaks"))
}

/// Positions in an answer are kept as 32-bit numbers.
fn check_cap(bytes: Option<u64>) -> Result<usize> {
    let bytes = bytes.unwrap_or(256 << 20);
    u32::try_from(bytes)
        .ok()
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| Error::argument("max_response_bytes", "the most is 4 GiB - 1"))
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

    fn refusal(settings: Settings) -> String {
        let error = settings.check().err().expect("a refusal");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        error.to_string()
    }

    #[test]
    fn base_urls_that_are_none_are_refused_by_name() {
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
            assert!(refusal(settings(url)).starts_with("base_url: "), "{url}");
        }
    }

    #[test]
    fn plain_http_goes_to_loopback_only_unless_allowed() {
        for url in
            ["http://127.0.0.1:8080", "http://127.8.9.1", "http://[::1]:1", "http://localhost", "http://a.localhost"]
        {
            assert!(settings(url).check().is_ok(), "{url}");
        }
        for url in ["http://10.0.0.1", "http://kaleidoscope.bio", "http://localhost.example.com", "http://128.0.0.1"] {
            assert!(refusal(settings(url)).contains("in clear"), "{url}");
            assert!(Settings { allow_http: true, ..settings(url) }.check().is_ok(), "{url}");
        }
    }

    #[test]
    fn a_trailing_slash_is_not_doubled_and_a_path_is_kept() {
        let config = settings("https://host/prefix/").check().expect("valid");
        assert_eq!(config.base_url, "https://host/prefix");
    }

    #[test]
    fn header_values_with_line_breaks_are_refused_by_name() {
        for value in ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b"] {
            let headers = vec![("X-Fine".into(), "1".into()), ("X-Bad".to_owned(), value.to_owned())];
            let message = refusal(Settings { headers, ..settings("https://host") });
            assert!(message.starts_with("headers[1].value: "), "{message}");
            assert!(!message.contains("Evil"));
        }
        for name in ["", "a b", "a:", "content-length", "Transfer-Encoding", "é"] {
            let headers = vec![(name.to_owned(), "1".to_owned())];
            assert!(
                refusal(Settings { headers, ..settings("https://host") }).starts_with("headers[0].name: "),
                "{name}"
            );
        }
    }

    /// Red without a limit: a client with each of them is opened.
    #[test]
    fn secrets_over_the_limit_are_refused_by_name() {
        let most = "s".repeat(MAX_SECRET_LEN);
        let with = |secret: &str, value: &str| Settings {
            client_secret: Some(secret.to_owned().into()),
            headers: vec![("X-Fine".into(), most.clone()), ("X-Key".into(), value.into())],
            ..settings("https://host")
        };
        assert!(with(&most, &most).check().is_ok());
        let longer = format!("{most}s");
        assert_eq!(refusal(with(&longer, &most)), "client_secret: it is longer than 16384 bytes");
        assert_eq!(refusal(with(&most, &longer)), "headers[1].value: it is longer than 16384 bytes");
    }

    #[test]
    fn empty_credentials_are_none() {
        let error = Settings { client_id: Some(String::new()), ..settings("https://host") }.check().err();
        assert_eq!(error.expect("a refusal").kind(), ErrorKind::NoCredentials);
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
