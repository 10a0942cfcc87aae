//! Who may send admin requests: programs on this machine, and pages that the emulator served itself. A web page of another site can
//! make the browser send requests to loopback (DNS rebinding, cross-site forms); it must neither read tokens nor change anything.

use std::net::IpAddr;

use hyper::http::request::Parts;

/// Returns why the request must not be carried out, if so.
pub(crate) fn check(parts: &Parts) -> Result<(), String> {
    let header =
        |name| parts.headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?")).collect::<Vec<_>>();
    let hosts = match parts.uri.authority() {
        Some(authority) => vec![authority.as_str()],
        None => header("host"),
    };
    let [host] = hosts[..] else {
        return Err("an admin request has one Host header".to_owned());
    };
    if !is_loopback(host) {
        return Err(format!("admin requests are sent to 127.0.0.1, ::1 or localhost; the Host is {host:?}"));
    }
    let foreign = header("origin").into_iter().find(|origin| !is_origin_of(origin, host));
    foreign.map_or(Ok(()), |origin| Err(format!("a page of {origin:?} may not send admin requests")))
}

/// Whether the host of an authority, `host:port`, is this machine.
fn is_loopback(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    };
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    port.bytes().all(|digit| digit.is_ascii_digit())
        && (host.eq_ignore_ascii_case("localhost")
            || address.parse().is_ok_and(|address: IpAddr| address.is_loopback()))
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
        let mut request = Request::get("/__emulator/requests");
        for host in host {
            request = request.header("host", *host);
        }
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        check(&request.body(()).expect("a request").into_parts().0).is_err()
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
    fn only_its_own_pages_are_allowed() {
        let host = &["127.0.0.1:4711"];
        assert!(!refused(host, Some("http://127.0.0.1:4711")));
        assert!(!refused(host, Some("https://127.0.0.1:4711")));
        for origin in ["http://evil.example", "null", "http://127.0.0.1:4712", "http://localhost:4711", "file://", ""] {
            assert!(refused(host, Some(origin)), "{origin}");
        }
    }
}
