//! Proxy settings in the environment, and where requests arrive with each.
#![allow(unreachable_pub, reason = "a module of a test program")]

/// Where a request arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// At the proxy, with these credentials.
    Proxy(Option<Vec<u8>>),
    /// At the proxy, with TLS.
    Tls,
    /// At the proxy, with SOCKS.
    Socks,
    /// At the server.
    Server,
    /// Nowhere: the settings were rejected.
    Nowhere,
}
use Arrival::{Nowhere, Server, Socks, Tls};

fn to_proxy() -> Arrival {
    Arrival::Proxy(None)
}

fn with_login(login: impl Into<Vec<u8>>) -> Arrival {
    Arrival::Proxy(Some(login.into()))
}

/// A case: the environment, the server's URL without its port, and where requests arrive.
pub struct Case {
    pub env: Vec<(&'static str, Vec<u8>)>,
    pub server: &'static str,
    pub ours: Arrival,
    /// Where curl's requests arrive if elsewhere, and why the library deliberately differs.
    pub curls: Option<(Arrival, &'static str)>,
}

/// `~` stands for the proxy's `127.0.0.1:port`, `PORT` for its port.
fn case(env: &[(&'static str, &[u8])], server: &'static str, ours: Arrival) -> Case {
    Case { env: env.iter().map(|(name, value)| (*name, value.to_vec())).collect(), server, ours, curls: None }
}

impl Case {
    fn curl_differs(self, curls: Arrival, why: &'static str) -> Self {
        Self { curls: Some((curls, why)), ..self }
    }
}

/// The server of cases in which the server does not matter.
pub const SERVER: &str = "https://server.test";

fn proxy_url(url: impl AsRef<[u8]>, arrival: Arrival) -> Case {
    case(&[("https_proxy", url.as_ref())], SERVER, arrival)
}

/// Proxy URLs.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub fn urls() -> Vec<Case> {
    let mut cases = vec![
        proxy_url("http://u:p w@~", Nowhere),
        proxy_url(" http://~", Nowhere),
        proxy_url("\thttp://~", Nowhere),
        proxy_url("http://~ ", Nowhere),
        proxy_url("http://~\n", Nowhere),
        proxy_url("http://~\r\n", Nowhere),
        proxy_url("ht tp://~", Nowhere),
        proxy_url(b"http://u:p\x7f@~", Nowhere),
        proxy_url(b"http://\xff:PORT", Nowhere),
        proxy_url("http://u:p@w@~", Nowhere),
        proxy_url("http://u:p/w@~", Nowhere),
        proxy_url("http://u:p?w@~", Nowhere),
        proxy_url("http://u:p#w@~", Nowhere),
        proxy_url("http://u:p%00w@~", Nowhere).curl_differs(Server, "curl ignores the proxy"),
        proxy_url("http://u%0a:pw@~", Nowhere).curl_differs(Server, "curl ignores the proxy"),
        proxy_url("http://", Nowhere),
        proxy_url("http:/", Nowhere),
        proxy_url("http:", Nowhere),
        proxy_url("http:////~", Nowhere),
        proxy_url("http:~", Nowhere),
        proxy_url("//~", Nowhere),
        proxy_url("://~", Nowhere),
        proxy_url("/", Nowhere),
        proxy_url("*", Nowhere),
        proxy_url("http://u:p@", Nowhere),
        proxy_url("ftp://~", Nowhere),
        proxy_url("ws://~", Nowhere),
        proxy_url("nonsense://~", Nowhere),
        proxy_url("u:/pw@~", Nowhere),
        proxy_url("socks://~", Nowhere).curl_differs(Socks, "SOCKS is rejected"),
        proxy_url("socks4://~", Nowhere).curl_differs(Socks, "SOCKS is rejected"),
        proxy_url("socks4a://~", Nowhere).curl_differs(Socks, "SOCKS is rejected"),
        proxy_url("socks5://~", Nowhere).curl_differs(Socks, "SOCKS is rejected"),
        proxy_url("socks5h://~", Nowhere).curl_differs(Socks, "SOCKS is rejected"),
        proxy_url("ftp.test:PORT", to_proxy()).curl_differs(Nowhere, "no scheme is guessed from a name"),
        proxy_url("http://127.0.0.1:65536", Nowhere),
        proxy_url("http://127.0.0.1:-1", Nowhere),
        proxy_url("http://127.0.0.1:+PORT", Nowhere),
        proxy_url("http://~x", Nowhere),
        proxy_url("http://127.0.0.1:0", Nowhere),
        proxy_url("127.0.0.1:", Nowhere),
        proxy_url("http://[::1", Nowhere),
        proxy_url("http://::1:PORT", Nowhere),
        proxy_url("http://[127.0.0.1]:PORT", Nowhere),
        proxy_url("http://256.1.1.1:PORT", Nowhere)
            .curl_differs(to_proxy(), "it ends in a number but is not an address"),
        proxy_url("http://a^b.test:PORT", Nowhere),
        proxy_url("http://a\"b.test:PORT", Nowhere),
        proxy_url("http://a,b.test:PORT", Nowhere),
        proxy_url("http://a'b.test:PORT", Nowhere),
        proxy_url("http://a%20b.test:PORT", Nowhere),
        proxy_url("http://a%00b.test:PORT", Nowhere),
        proxy_url("http://\\~", Nowhere),
        proxy_url("http:\\\\~", Nowhere),
        proxy_url("http://~\\x", Nowhere),
        proxy_url("https://~", Tls),
        proxy_url("https://u:p@~/path", Tls),
    ];
    for good in [
        "~",
        "http://~",
        "HTTP://~",
        "http:/~",
        "http:///~",
        "http://~/",
        "http://~/path?q#f",
        "http://~?q",
        "http://~#f@x",
        "http://127.0.0.1:00PORT",
        "http://127.1:PORT",
        "http://0x7f.1:PORT",
        "http://2130706433:PORT",
        "http://proxy.test:PORT",
        "http://PROXY.Test:PORT",
        "http://a_b.test:PORT",
        "http://pro%78y.test:PORT",
        "http://b\u{fc}cher.test:PORT",
    ] {
        cases.push(proxy_url(good, to_proxy()));
    }
    for login in [
        "u:p^w", "u:p{w", "u:p}w", "u:p|w", "u:p\"w", "u:p`w", "u:pé", "u:p+w", "u:p%zz", "u:p%", "u:p:w", "u:p\\w",
        "u:p<w>", "u:[p]", "u:p;w'", "u:p&w=*", "u:", ":p", ":",
    ] {
        cases.push(proxy_url(format!("http://{login}@~"), with_login(login)));
    }
    for (written, login) in [
        ("u", "u:"),
        ("", ":"),
        ("u%40d:p%3a%2f", "u@d:p:/"),
        ("u%3au:p", "u:u:p"),
        ("u:p%20w", "u:p w"),
        ("u:p%7fw", "u:p\u{7f}w"),
        ("127.0.0.1:80", "127.0.0.1:80"),
    ] {
        cases.push(proxy_url(format!("http://{written}@~"), with_login(login)));
    }
    cases.push(proxy_url("u:p@~", with_login("u:p")));
    cases.push(proxy_url("http://u:p%ffw@~", with_login(b"u:p\xffw")));
    cases.push(proxy_url(b"http://u:p\xff@~", with_login(b"u:p\xff")));
    cases
}

/// Which variable is used.
pub fn variables() -> Vec<Case> {
    let (plain, tls) = ("http://server.test", SERVER);
    let (one, other): (&[u8], &[u8]) = (b"http://one@~", b"http://other@~");
    let mut cases = vec![
        case(&[], tls, Server),
        case(&[], plain, Server),
        case(&[("https_proxy", one), ("HTTPS_PROXY", other)], tls, with_login("one:")),
        case(&[("https_proxy", b""), ("HTTPS_PROXY", other)], tls, with_login("other:")),
        case(&[("https_proxy", one), ("HTTPS_PROXY", b"")], tls, with_login("one:")),
        case(&[("https_proxy", one), ("HTTPS_PROXY", b"ftp://x")], tls, with_login("one:")),
        case(&[("https_proxy", b"ftp://x"), ("HTTPS_PROXY", other)], tls, Nowhere),
        case(&[("https_proxy", b""), ("HTTPS_PROXY", b"")], tls, Server),
        case(&[("HTTPS_PROXY", one)], plain, Server),
        case(&[("https_proxy", one)], plain, Server),
        case(&[("http_proxy", one)], tls, Server),
        case(&[("http_proxy", b"ftp://x")], tls, Server),
        case(&[("http_proxy", one)], plain, with_login("one:")),
        case(&[("HTTP_PROXY", one)], plain, Server),
        case(&[("HTTP_PROXY", b"ftp://x")], plain, Server),
        case(&[("http_proxy", b""), ("HTTP_PROXY", other)], plain, Server),
        case(&[("HTTP_PROXY", one), ("ALL_PROXY", other)], plain, with_login("other:")),
        case(&[("REQUEST_METHOD", b"GET"), ("https_proxy", one)], tls, with_login("one:")),
        case(&[("REQUEST_METHOD", b"GET"), ("HTTPS_PROXY", one)], tls, with_login("one:")),
        case(&[("REQUEST_METHOD", b"GET"), ("http_proxy", one)], plain, with_login("one:")),
        case(&[("Https_Proxy", one)], tls, Server),
    ];
    for server in [plain, tls] {
        cases.push(case(&[("all_proxy", one)], server, with_login("one:")));
        cases.push(case(&[("ALL_PROXY", one)], server, with_login("one:")));
        cases.push(case(&[("all_proxy", one), ("ALL_PROXY", other)], server, with_login("one:")));
        cases.push(case(&[("all_proxy", b""), ("ALL_PROXY", other)], server, with_login("other:")));
        cases.push(case(&[("all_proxy", b"u:p w@~")], server, Nowhere));
        cases.push(case(
            &[("https_proxy", one), ("http_proxy", one), ("all_proxy", other)],
            server,
            with_login("one:"),
        ));
        cases.push(case(
            &[("https_proxy", b""), ("http_proxy", b""), ("all_proxy", other)],
            server,
            with_login("other:"),
        ));
        cases.push(case(&[("all_proxy", b"ftp://x"), ("no_proxy", b"*")], server, Server));
    }
    cases
}

/// Hosts that bypass the proxy.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub fn exceptions() -> Vec<Case> {
    let with = |list: &'static str, server, arrival| {
        case(&[("all_proxy", b"~"), ("no_proxy", list.as_bytes())], server, arrival)
    };
    let mut cases = vec![
        case(&[("all_proxy", b"~"), ("NO_PROXY", b"*")], SERVER, Server),
        case(&[("all_proxy", b"~"), ("no_proxy", b"x"), ("NO_PROXY", b"*")], SERVER, to_proxy()),
        case(&[("all_proxy", b"~"), ("no_proxy", b"*"), ("NO_PROXY", b"x")], SERVER, Server),
        case(&[("all_proxy", b"~"), ("no_proxy", b""), ("NO_PROXY", b"*")], SERVER, Server),
        case(&[("all_proxy", b"~"), ("no_proxy", b"\xff,server.test")], SERVER, Server),
        with("server.test", "https://sub.server.test", Server),
        with(".server.test", "https://sub.server.test", Server),
        with("sub.server.test", SERVER, to_proxy()),
        with("server.test", "https://xserver.test", to_proxy()),
        with("server.test", "https://server.test.", Server),
        with("server.test.", "https://server.test.", Server),
        with("server.test", "https://SERVER.Test", Server),
        with("server.test", "http://server.test", Server),
        with("127.0.0.1", "https://127.9.8.7", to_proxy()),
        with("127", "https://127.0.0.1", to_proxy()),
        with(".0.0.1", "https://127.0.0.1", to_proxy()),
        with("127.0.0.1", "https://127.1", Server),
        with("127.1", "https://127.0.0.1", to_proxy()),
        with("localhost", "https://127.0.0.1", to_proxy()),
        with("127.0.0.1", "https://server.test", to_proxy()),
        with("127.0.0.0/8", "https://server.test", to_proxy()),
        with("::1", "https://server.test", to_proxy()),
    ];
    for server in [SERVER, "https://127.0.0.1", "https://[::1]"] {
        cases.push(with("*", server, Server));
        for other in ["*,x", "x,*", " *", "* ", "*.test", "", ",", "other.test"] {
            cases.push(with(other, server, to_proxy()));
        }
    }
    for list in [
        "server.test",
        ".server.test",
        "server.test.",
        ".server.test.",
        "SERVER.TEST",
        "test",
        ".test",
        "x,server.test",
        "x, server.test",
        "x ,server.test",
        "x server.test",
        "x\tserver.test",
        " server.test ",
        ",,server.test,,",
        "*,server.test",
    ] {
        cases.push(with(list, SERVER, Server));
    }
    for list in [
        "server.test:443",
        "server.test:SPORT",
        "https://server.test",
        "*.server.test",
        "..server.test",
        "erver.test",
        "x;server.test",
    ] {
        cases.push(with(list, SERVER, to_proxy()));
    }
    for list in [
        "127.9.8.7",
        "127.0.0.0/8",
        "127.9.8.7/8",
        "127.9.8.0/24",
        "127.9.8.7/32",
        "127.9.8.6/31",
        "127.9.0.0/13",
        "127.9.8.7/0",
        "127.9.8.7/",
        "127.9.8.7/x",
        "x,127.9.8.7",
    ] {
        cases.push(with(list, "https://127.9.8.7", Server));
    }
    for list in [
        "127.9.8.7:SPORT",
        "127.0.0.0/9x",
        "127.9.8.0/29x",
        "127.9.8.0/33",
        "127.9.8.7/33",
        "127.9.8.7/-1",
        "127.9.8.8/29",
        "0.0.0.0/0",
        "127.9.8.7.",
        "[127.9.8.7]",
        "::ffff:127.9.8.7",
        "127.9.8.07",
    ] {
        cases.push(with(
            list,
            "https://127.9.8.7",
            if list == "127.0.0.0/9x" || list == "127.9.8.0/29x" { Server } else { to_proxy() },
        ));
    }
    cases.push(with("::1", "https://[::1]", Server));
    cases.push(with("x ::1", "https://[::1]", Server));
    for list in ["0:0::1", "::1/128", "::1/0", "::/64", "::/120", "0::/8", "::/127"] {
        // As curl's documentation says and later versions do.
        cases.push(
            with(list, "https://[::1]", Server).curl_differs(to_proxy(), "7.88 compares IPv6 addresses as texts"),
        );
    }
    for list in ["[::1]", "[::1]:SPORT", "::2", "::2/128", "::1/129", "::/0", "1::/16", "127.0.0.1"] {
        cases.push(with(list, "https://[::1]", to_proxy()));
    }
    cases
}
