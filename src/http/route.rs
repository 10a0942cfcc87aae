//! The server, and the proxy in front of it, as messages name them.

use std::fmt;

use http::Uri;
use http::uri::Scheme;

use crate::config::Config;
use crate::progress::Step;

/// The route of requests. Displayed as `host:port`, with the proxy if there is one.
pub(crate) struct Route {
    server: HostPort,
    proxy: Option<HostPort>,
}

/// A host and its port, without user name and password.
struct HostPort {
    host: String,
    port: u16,
}

impl Route {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            server: HostPort::of(&config.base_url),
            proxy: config.proxy.as_ref().map(|proxy| HostPort::of(proxy.uri())),
        }
    }

    /// The host whose name is resolved.
    pub(super) fn next_hop_host(&self) -> &str {
        &self.proxy.as_ref().unwrap_or(&self.server).host
    }

    /// The other end of the TCP connection.
    pub(super) fn next_hop(&self) -> impl fmt::Display + '_ {
        self.proxy.as_ref().unwrap_or(&self.server)
    }

    pub(super) fn has_proxy(&self) -> bool {
        self.proxy.is_some()
    }

    /// What a request waits for at this step; none before its first one.
    pub(crate) fn describe(&self, step: Step) -> Option<String> {
        let next_hop = self.proxy.as_ref().unwrap_or(&self.server);
        let proxy = if self.has_proxy() { "the proxy " } else { "" };
        Some(match step {
            Step::Nothing => return None,
            Step::Token => "a token".to_owned(),
            Step::Slot => "a slot among max_in_flight requests".to_owned(),
            Step::Lookup => format!("the name lookup of {proxy}{}", next_hop.host),
            Step::Connection => format!("a connection to {proxy}{next_hop}"),
            Step::Tunnel => format!("the proxy {next_hop} to connect to {}", self.server),
            Step::Tls => format!("the TLS handshake with {self}"),
            Step::Head => format!("the response from {self}"),
            Step::Body => format!("the rest of the response from {self}"),
            Step::Retry => "the next attempt".to_owned(),
        })
    }
}

impl HostPort {
    fn of(uri: &Uri) -> Self {
        let default = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        Self { host: uri.host().unwrap_or_default().to_owned(), port: uri.port_u16().unwrap_or(default) }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Route {
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

    /// Red when the proxy's authority is shown as it is, with `user:canary@`.
    #[test]
    fn a_route_is_shown_with_ports_and_without_passwords() {
        let route = |base_url: &str, proxy: Option<&str>| {
            let config = Settings {
                client_id: Some("id".into()),
                client_secret: Some("secret".to_owned().into()),
                base_url: Some(base_url.into()),
                proxy_url: proxy.map(Into::into),
                ..Settings::default()
            };
            Route::new(&config.check().expect("good settings")).to_string()
        };
        assert_eq!(route("https://api.example/v1", None), "api.example:443");
        assert_eq!(route("http://127.0.0.1", None), "127.0.0.1:80");
        let proxied = route("https://[::1]:8443", Some("http://user:canary@proxy.example"));
        assert_eq!(proxied, "[::1]:8443 through the proxy proxy.example:80");
        let proxied = route("https://api.example", Some("https://user@proxy.example"));
        assert_eq!(proxied, "api.example:443 through the proxy proxy.example:443");
    }
}
