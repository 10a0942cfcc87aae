//! Who is talked to, as messages name them.

use std::fmt;

use http::Uri;
use http::uri::Scheme;

use crate::config::Config;

/// The server, and the proxy on the way.
pub(crate) struct Peer {
    server: End,
    proxy: Option<End>,
}

/// A host and its port. No user, and no password.
struct End {
    host: String,
    port: u16,
}

impl Peer {
    pub(crate) fn new(config: &Config) -> Self {
        Self { server: End::of(&config.base_url), proxy: config.proxy.as_ref().map(|proxy| End::of(proxy.uri())) }
    }

    /// The host whose name is looked up.
    pub(super) fn contact_host(&self) -> &str {
        &self.proxy.as_ref().unwrap_or(&self.server).host
    }

    /// Whom the TCP connection is to.
    pub(super) fn contact(&self) -> impl fmt::Display + '_ {
        self.proxy.as_ref().unwrap_or(&self.server)
    }

    pub(super) fn server(&self) -> impl fmt::Display + '_ {
        &self.server
    }

    pub(super) fn has_proxy(&self) -> bool {
        self.proxy.is_some()
    }
}

impl End {
    fn of(uri: &Uri) -> Self {
        let default = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        Self { host: uri.host().unwrap_or_default().to_owned(), port: uri.port_u16().unwrap_or(default) }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)?;
        match &self.proxy {
            Some(proxy) => write!(f, " through the proxy {proxy}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    /// Red when the authority of the proxy is shown as it is: with `user:canary@`.
    #[test]
    fn a_peer_has_its_port_and_no_password() {
        let peer = |base_url: &str, proxy: Option<&str>| {
            let config = Settings {
                client_id: Some("id".into()),
                client_secret: Some("secret".to_owned().into()),
                base_url: Some(base_url.into()),
                proxy_url: proxy.map(Into::into),
                ..Settings::default()
            };
            Peer::new(&config.check().expect("good settings")).to_string()
        };
        assert_eq!(peer("https://api.example/v1", None), "api.example:443");
        assert_eq!(peer("http://127.0.0.1", None), "127.0.0.1:80");
        let proxied = peer("https://[::1]:8443", Some("http://user:canary@proxy.example"));
        assert_eq!(proxied, "[::1]:8443 through the proxy proxy.example:80");
        let proxied = peer("https://api.example", Some("https://user@proxy.example"));
        assert_eq!(proxied, "api.example:443 through the proxy proxy.example:443");
    }
}
