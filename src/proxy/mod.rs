//! The proxy: chosen and validated by curl's rules when a client is opened. The environment is not read again later.

mod no_proxy;
mod url;

use std::ffi::OsString;

use ::url::Host;
use http::Uri;
use http::header::HeaderValue;
use http::uri::Scheme;
use secrecy::SecretString;

use crate::client_log::ClientLog;
use crate::environment;
use crate::error::{Error, Result};
use crate::loopback::is_loopback;

/// A proxy and its credentials.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    uri: Uri,
    host: Host,
    port: u16,
    authorization: Option<HeaderValue>,
}

impl Proxy {
    /// Its URL, with the port, and without user name and password.
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The value of `Proxy-Authorization`.
    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

/// `host:port`
impl std::fmt::Display for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Returns the proxy of the option `proxy_url`, or of the environment if `from_environment`; and the secrets in its URL.
///
/// `plain`: the server uses plain http, which is allowed because it is on this machine. A proxy on another host would receive the
/// client secret in clear.
///
/// # Errors
///
/// The URL is invalid, or the proxy of the option is on another host and the server is `plain`.
pub(crate) fn choose(
    url: Option<&str>,
    from_environment: bool,
    server: &Uri,
    plain: bool,
    log: &ClientLog,
) -> Result<(Option<Proxy>, Vec<SecretString>)> {
    if let Some(url) = url {
        let (proxy, secrets) = self::url::parse(url.as_bytes()).map_err(|why| invalid_proxy("proxy_url", &why))?;
        if plain && !is_loopback(&proxy.host) {
            return Err(Error::argument(
                "proxy_url",
                "plain http through a proxy on another host would send the client secret in clear; use https, or allow it \
                 (KAL_CLIENT_ALLOW_HTTP)",
            ));
        }
        return Ok((Some(proxy), secrets));
    }
    if !from_environment {
        return Ok((None, Vec::new()));
    }
    choose_of(|name| environment::variable(name).map(OsString::into_encoded_bytes), server, plain, log)
}

/// The proxy of the environment.
fn choose_of(
    variable: impl Fn(&str) -> Option<Vec<u8>>,
    server: &Uri,
    plain: bool,
    log: &ClientLog,
) -> Result<(Option<Proxy>, Vec<SecretString>)> {
    let Some((name, url)) = of_environment(variable, server, log) else { return Ok((None, Vec::new())) };
    // An invalid value is an error: connecting directly is not what was configured.
    let (proxy, secrets) = self::url::parse(&url).map_err(|why| invalid_proxy(name, &why))?;
    if plain && !is_loopback(&proxy.host) {
        // No proxy on another host is needed to reach this machine.
        return Ok((None, Vec::new()));
    }
    Ok((Some(proxy), secrets))
}

fn invalid_proxy(name: &str, why: &str) -> Error {
    Error::argument(name, format_args!("not a usable proxy URL: {why}"))
}

/// The variable that applies to this server, and its value. Empty variables count as unset.
fn of_environment(
    variable: impl Fn(&str) -> Option<Vec<u8>>,
    server: &Uri,
    log: &ClientLog,
) -> Option<(&'static str, Vec<u8>)> {
    let first = |names: &[&'static str]| {
        names.iter().find_map(|name| Some((*name, variable(name).filter(|value| !value.is_empty())?)))
    };
    if let Some((_, list)) = first(&["no_proxy", "NO_PROXY"]) {
        if no_proxy::contains(&list, server.host().unwrap_or_default()) {
            return None;
        }
    }
    if server.scheme() != Some(&Scheme::HTTP) {
        return first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]);
    }
    let found = first(&["http_proxy", "all_proxy", "ALL_PROXY"]);
    // In a CGI program, this variable holds the client's `Proxy` header (httpoxy).
    if found.is_none() && first(&["HTTP_PROXY"]).is_some() {
        log.warn(format_args!("the environment variable HTTP_PROXY is ignored, as by curl; use http_proxy"));
    }
    found
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::error::ErrorKind;

    fn chosen(url: &str, plain: bool) -> Result<Option<Proxy>> {
        let server = if plain { "http://localhost" } else { "https://server.example" };
        choose(Some(url), false, &Uri::from_static(server), plain, &ClientLog::of_a_test()).map(|(proxy, _)| proxy)
    }

    #[test]
    fn a_proxy_url_gives_host_port_and_credentials() {
        for (url, uri) in [
            ("proxy.example:3128", "http://proxy.example:3128/"),
            ("http://us%40er:p%20w@proxy.example", "http://proxy.example:80/"),
            ("https://[::1]:1/path", "https://[::1]:1/"),
            ("HTTPS://proxy.example:", "https://proxy.example:443/"),
            ("http://b\u{fc}cher.example:00081", "http://xn--bcher-kva.example:81/"),
        ] {
            let proxy = chosen(url, false).expect(url).expect(url);
            assert_eq!(proxy.uri(), uri);
            let password = proxy.authorization().map(|header| header.as_bytes().to_vec());
            assert_eq!(
                password,
                url.contains('@').then(|| format!("Basic {}", STANDARD.encode("us@er:p w")).into_bytes())
            );
        }
    }

    /// Red with `Url::parse` alone, which gives no reason: "this is no proxy URL".
    #[test]
    fn an_invalid_proxy_url_is_rejected_with_a_reason_and_without_its_password() {
        for (url, why) in [
            ("", "no host"),
            (":", "no host"),
            ("http://", "no host"),
            ("http://canary@", "no host"),
            ("ftp://u:canary@proxy.example", "http or https, not ftp"),
            ("SOCKS5://u:canary@proxy.example", "http or https, not socks5"),
            ("canary:/u@proxy.example", "http or https"),
            ("http://u:canary@w@proxy.example", "write it as %40"),
            (
                "http://u:canary/w@proxy.example",
                "port is not a number from 1 to 65535; within a password, write / as %2F",
            ),
            ("http://u:can ary@proxy.example", "a space, a line break"),
            ("http://u:canary@proxy.example\n", "a line break"),
            ("http://u:canary%0a@proxy.example", "a control character"),
            ("http://u:canary@proxy.example:0", "1 to 65535"),
            ("http://u:canary@proxy.example:65536", "1 to 65535"),
            ("http://u:canary@[::1", "no ]"),
            ("http://u:canary@[::1%25lo]", "not a valid host name"),
            ("http://u:canary@pro^xy.example", "not a valid host name"),
            ("http:////proxy.example", "too many slashes"),
        ] {
            let refused = chosen(url, false).expect_err(url);
            assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
            let text = refused.to_string();
            assert!(text.starts_with("proxy_url: not a usable proxy URL: "), "{url}: {text}");
            assert!(text.contains(why) && !text.contains("canary"), "{url}: {text}");
        }
    }

    #[test]
    fn plain_http_is_not_sent_through_a_proxy_on_another_host() {
        for url in ["http://proxy.example:3128", "proxy.example:3128", "http://10.0.0.1"] {
            let refused = chosen(url, true).expect_err(url);
            assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
            assert!(refused.to_string().starts_with("proxy_url: plain http"), "{refused}");
            assert!(chosen(url, false).is_ok());
        }
        for url in ["http://127.0.0.1:3128", "http://user:pw@localhost:3128", "http://[::1]:1"] {
            assert!(chosen(url, true).is_ok(), "{url}");
        }
    }

    /// Red when any variable counts instead of the one that applies: `no_proxy` and `HTTPS_PROXY` prevent the proxy from being used.
    #[test]
    fn a_server_on_this_machine_is_connected_to_without_a_proxy_on_another_host() {
        let proxy = |url: &'static str| {
            let variables = [("http_proxy", url), ("no_proxy", "other.example"), ("HTTPS_PROXY", "http://10.0.0.1:1")];
            let variable =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
            let server = Uri::from_static("http://localhost");
            choose_of(variable, &server, true, &ClientLog::of_a_test())
                .map(|(proxy, _)| proxy.map(|proxy| proxy.to_string()))
        };
        assert_eq!(proxy("http://10.0.0.1:3128").expect("good"), None);
        assert_eq!(proxy("http://127.0.0.2:3128").expect("good").as_deref(), Some("127.0.0.2:3128"));
        // An invalid URL is not on any host.
        assert_eq!(proxy("http://10.0.0.1:x").expect_err("bad").kind(), ErrorKind::InvalidArgument);
    }

    /// Red when only a password counts as a secret: a key may be the user name.
    #[test]
    fn the_secrets_of_a_proxy_url_are_decoded() {
        let secrets = |url: &str| self::url::parse(url.as_bytes()).expect(url).1;
        let shown: Vec<_> = secrets("http://us%40er:p%20+%26=%C3%A9@proxy.example:3128");
        let shown: Vec<_> = shown.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(shown, ["p +&=é", STANDARD.encode("us@er:p +&=é").as_str()]);
        let shown: Vec<_> = secrets("http://key@proxy.example");
        let shown: Vec<_> = shown.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(shown, ["key", STANDARD.encode("key:").as_str()]);
        for url in ["http://proxy.example", "proxy.example:80"] {
            assert!(secrets(url).is_empty(), "{url}");
        }
    }
}
