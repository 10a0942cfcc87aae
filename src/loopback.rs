//! Plain http is allowed to loopback hosts without an option: nothing leaves the machine.

use url::Host;

/// Whether a host is this machine: `localhost` and its subdomains (RFC 6761), 127.0.0.0/8, or `::1`.
pub(crate) fn is_loopback<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) => name.as_ref() == "localhost" || name.as_ref().ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red when a suffix is compared without its dot, and red when only 127.0.0.1 is loopback.
    #[test]
    fn loopback_is_localhost_and_the_loopback_addresses() {
        for host in ["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.255.255.254", "[::1]"] {
            assert!(is_loopback(&Host::parse(host).expect(host)), "{host}");
        }
        for host in ["localhost.example", "notlocalhost", "126.0.0.1", "128.0.0.1", "[::]", "[::2]", "0.0.0.0"] {
            assert!(!is_loopback(&Host::parse(host).expect(host)), "{host}");
        }
    }
}
