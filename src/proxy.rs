//! The proxy that requests go through: which one, whom it may see, and what its URL holds that must not be shown.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use secrecy::SecretString;
use url::Url;

use crate::error::{Error, Result};

/// Where proxies are looked for when the environment is to say.
const VARIABLES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// The proxy of `url`, or else of the environment, if that is to be looked at; and the secrets that it is told.
///
/// `plain` is a server that was allowed plain http because it is on this machine: a proxy on another would still be sent
/// the client secret in clear.
pub(crate) fn choose(
    url: Option<&str>,
    from_environment: bool,
    server: &Uri,
    plain: bool,
) -> Result<(Option<Intercept>, Vec<SecretString>)> {
    if let Some(url) = url {
        // The text of a failure could quote the password in the URL.
        let proxy = parse(url).and_then(|url| Matcher::builder().all(url.as_str()).build().intercept(server));
        let proxy = proxy.filter(is_http).ok_or_else(|| Error::argument("proxy_url", "this is no proxy URL"))?;
        if plain && !is_on_this_machine(url) {
            return Err(Error::argument(
                "proxy_url",
                "plain http through a proxy on another host would send the client secret in clear; use https, or allow it \
                 (KAL_CLIENT_ALLOW_HTTP)",
            ));
        }
        return Ok((Some(proxy), secrets(url)));
    }
    if !from_environment {
        return Ok((None, Vec::new()));
    }
    let urls: Vec<_> = VARIABLES.iter().filter_map(|name| std::env::var(name).ok()).collect();
    let proxy = Matcher::from_system().intercept(server);
    if proxy.as_ref().is_some_and(|proxy| !is_http(proxy)) {
        // Without it, the server would be asked directly, which the host did not want.
        return Err(Error::argument("the proxy of the environment", "only http and https proxies are supported"));
    }
    // To reach this machine no proxy on another is needed.
    let proxy = proxy.filter(|_| !plain || urls.iter().all(|url| is_on_this_machine(url)));
    Ok((proxy, urls.iter().flat_map(|url| secrets(url)).collect()))
}

fn is_http(proxy: &Intercept) -> bool {
    matches!(proxy.uri().scheme_str(), Some("http" | "https"))
}

/// A proxy may be written without a scheme.
fn parse(url: &str) -> Option<Url> {
    let url = if url.contains("://") { Url::parse(url) } else { Url::parse(&format!("http://{url}")) };
    url.ok().filter(Url::has_host)
}

fn is_on_this_machine(url: &str) -> bool {
    parse(url).is_some_and(|url| crate::config::is_loopback(&url))
}

/// The password, and the header's value that it is sent in.
fn secrets(url: &str) -> Vec<SecretString> {
    let Some(url) = parse(url) else { return Vec::new() };
    let Some(password) = url.password() else { return Vec::new() };
    let (user, password) = (decoded(url.username()), decoded(password));
    let basic = STANDARD.encode(format!("{user}:{password}"));
    vec![password.into(), basic.into()]
}

/// The parser leaves `%`, and encodes what has no place in a URL.
fn decoded(text: &str) -> String {
    let text = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(text.as_bytes()).map(|(text, _)| text.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::error::ErrorKind;

    fn chosen(url: &str, plain: bool) -> Result<Option<Intercept>> {
        let server = if plain { "http://localhost" } else { "https://server.example" };
        choose(Some(url), false, &Uri::from_static(server), plain).map(|(proxy, _)| proxy)
    }

    #[test]
    fn a_proxy_is_asked_at_its_host_and_port_with_its_password() {
        for (url, uri) in [
            ("proxy.example:3128", "http://proxy.example:3128/"),
            ("http://us%40er:p%20w@proxy.example", "http://proxy.example/"),
            ("https://[::1]:1/path", "https://[::1]:1/"),
        ] {
            let proxy = chosen(url, false).expect(url).expect(url);
            assert_eq!(proxy.uri(), uri);
            let password = proxy.basic_auth().map(|header| header.as_bytes().to_vec());
            assert_eq!(
                password,
                url.contains('@').then(|| format!("Basic {}", STANDARD.encode("us@er:p w")).into_bytes())
            );
        }
    }

    #[test]
    fn what_is_no_http_proxy_is_refused_without_its_password() {
        for url in
            ["", ":", "http://", "ftp://u:canary@proxy.example", "socks5://u:canary@proxy.example", "http://u:canary@"]
        {
            let refused = chosen(url, false).expect_err(url);
            assert_eq!(refused.to_string(), "proxy_url: this is no proxy URL", "{url}");
        }
    }

    #[test]
    fn plain_http_goes_through_no_proxy_on_another_host() {
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

    #[test]
    fn a_proxys_password_is_known_as_it_is_sent() {
        let shown: Vec<_> = secrets("http://us%40er:p%20+%26=%C3%A9@proxy.example:3128");
        let shown: Vec<_> = shown.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(shown, ["p +&=é", STANDARD.encode("us@er:p +&=é").as_str()]);
        for url in ["http://proxy.example", "http://user@proxy.example", "proxy.example:80", ":"] {
            assert!(secrets(url).is_empty(), "{url}");
        }
    }
}
