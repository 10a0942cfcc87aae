//! Who may send admin requests: programs, and pages that the emulator served itself. A web page of another site can make the browser
//! send requests to loopback (DNS rebinding, cross-site forms); it must neither read tokens nor change anything.

use std::net::IpAddr;

use hyper::http::request::Parts;

use crate::config::Config;

/// Returns why the request must not be carried out, if so.
pub(crate) fn check(parts: &Parts, config: &Config) -> Result<(), String> {
    let header =
        |name| parts.headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?")).collect::<Vec<_>>();
    let hosts = match parts.uri.authority() {
        Some(authority) => vec![authority.as_str()],
        None => header("host"),
    };
    let [host] = hosts[..] else {
        return Err("an admin request has one Host header".to_owned());
    };
    if !host_of(host).is_some_and(|host| is_allowed(host, config)) {
        let addresses = if config.public { "an IP address" } else { "127.0.0.1, ::1" };
        let names: String = config.allowed_hosts.iter().map(|name| format!(", {name}")).collect();
        return Err(format!(
            "admin requests are sent to {addresses}{names} or localhost, or a name of --allow-host; the Host is {host:?}"
        ));
    }
    let foreign = header("origin").into_iter().find(|origin| !is_origin_of(origin, host));
    foreign.map_or(Ok(()), |origin| Err(format!("a page of {origin:?} may not send admin requests")))
}

/// The host of an authority, `host:port`, without the brackets of an IPv6 address.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    };
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    port.bytes().all(|digit| digit.is_ascii_digit()).then_some(address)
}

/// Whether a host is this machine. DNS rebinding needs a name: an address is always the emulator's own.
fn is_allowed(host: &str, config: &Config) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || config.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
        || host.parse().is_ok_and(|address: IpAddr| config.public || address.is_loopback())
}

fn is_origin_of(origin: &str, host: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .filter_map(|scheme| origin.strip_prefix(scheme))
        .any(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn refused(host: &[&str], origin: Option<&str>) -> bool {
        refused_by(&Config::default(), host, origin)
    }

    fn refused_by(config: &Config, host: &[&str], origin: Option<&str>) -> bool {
        let mut request = Request::get("/__emulator/requests");
        for host in host {
            request = request.header("host", *host);
        }
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        check(&request.body(()).expect("a request").into_parts().0, config).is_err()
    }

    #[test]
    fn only_loopback_hosts_are_allowed() {
        for host in ["127.0.0.1:80", "127.0.0.1", "localhost:4711", "LocalHost", "[::1]:80", "[::1]", "127.1.2.3:80"] {
            assert!(!refused(&[host], None), "{host}");
        }
        for host in [
            "evil.example:80",
            "127.0.0.1.evil.example",
            "localhost.evil.example:80",
            "127.0.0.1:80@evil",
            "10.0.0.1",
            "[::2]",
            "",
        ] {
            assert!(refused(&[host], None), "{host}");
        }
        assert!(refused(&[], None));
        assert!(refused(&["localhost", "evil.example"], None));
    }

    #[test]
    fn a_public_emulator_is_reached_by_address_and_by_the_names_that_it_was_given() {
        let config = Config { public: true, allowed_hosts: vec!["kal.test".into()], ..Config::default() };
        for host in ["localhost:80", "10.0.0.1:80", "[fd00::1]:80", "kal.test", "KAL.test:80"] {
            assert!(!refused_by(&config, &[host], None), "{host}");
        }
        for host in ["evil.example:80", "a.kal.test", "kal.test.evil.example:80", "10.0.0.1.evil.example", "kal.test:x"]
        {
            assert!(refused_by(&config, &[host], None), "{host}");
        }
        assert!(refused_by(&config, &["10.0.0.1:80"], Some("http://evil.example")));
        let names_only = Config { public: false, ..config };
        assert!(!refused_by(&names_only, &["kal.test"], None));
        assert!(refused_by(&names_only, &["10.0.0.1:80"], None));
    }

    #[test]
    fn only_its_own_pages_are_allowed() {
        let host = &["127.0.0.1:4711"];
        assert!(!refused(host, Some("http://127.0.0.1:4711")));
        assert!(!refused(host, Some("https://127.0.0.1:4711")));
        for origin in ["http://evil.example", "null", "http://127.0.0.1:4712", "http://localhost:4711", "file://", ""] {
            assert!(refused(host, Some(origin)), "{origin}");
        }
    }
}
