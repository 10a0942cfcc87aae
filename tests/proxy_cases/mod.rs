//! The cases in which a proxy is chosen, and where requests come out.
#![allow(unreachable_pub, reason = "it is a module of a test program")]

/// Where a request came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// At the proxy, which was told this user and password.
    Proxy(Option<Vec<u8>>),
    /// At the proxy, with TLS.
    Tls,
    /// At the proxy, with SOCKS.
    Socks,
    /// At the server.
    Server,
    /// Nowhere.
    Nowhere,
}
use Came::{Nowhere, Server, Socks, Tls};

fn to_proxy() -> Came {
    Came::Proxy(None)
}

fn told(login: impl Into<Vec<u8>>) -> Came {
    Came::Proxy(Some(login.into()))
}

/// A case: what is in the environment, the server's URL without its port, where requests come out.
pub struct Case {
    pub env: Vec<(&'static str, Vec<u8>)>,
    pub server: &'static str,
    pub ours: Came,
    /// Where curl's come out, if that is not where ours do: on purpose, for the reason that is the second.
    pub curls: Option<(Came, &'static str)>,
}

/// `~` stands for the proxy's `127.0.0.1:port`, `PORT` for its port.
fn case(env: &[(&'static str, &[u8])], server: &'static str, ours: Came) -> Case {
    Case { env: env.iter().map(|(name, value)| (*name, value.to_vec())).collect(), server, ours, curls: None }
}

impl Case {
    fn but_curls(self, curls: Came, why: &'static str) -> Self {
        Self { curls: Some((curls, why)), ..self }
    }
}

/// The server of the cases that are about something else.
pub const SERVER: &str = "https://server.test";

fn of_url(url: impl AsRef<[u8]>, came: Came) -> Case {
    case(&[("https_proxy", url.as_ref())], SERVER, came)
}

/// URLs of a proxy.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub fn urls() -> Vec<Case> {
    let mut cases = vec![
        of_url("http://u:p w@~", Nowhere),
        of_url(" http://~", Nowhere),
        of_url("\thttp://~", Nowhere),
        of_url("http://~ ", Nowhere),
        of_url("http://~\n", Nowhere),
        of_url("http://~\r\n", Nowhere),
        of_url("ht tp://~", Nowhere),
        of_url(b"http://u:p\x7f@~", Nowhere),
        of_url(b"http://\xff:PORT", Nowhere),
        of_url("http://u:p@w@~", Nowhere),
        of_url("http://u:p/w@~", Nowhere),
        of_url("http://u:p?w@~", Nowhere),
        of_url("http://u:p#w@~", Nowhere),
        of_url("http://u:p%00w@~", Nowhere).but_curls(Server, "curl passes the proxy over"),
        of_url("http://u%0a:pw@~", Nowhere).but_curls(Server, "curl passes the proxy over"),
        of_url("http://", Nowhere),
        of_url("http:/", Nowhere),
        of_url("http:", Nowhere),
        of_url("http:////~", Nowhere),
        of_url("http:~", Nowhere),
        of_url("//~", Nowhere),
        of_url("://~", Nowhere),
        of_url("/", Nowhere),
        of_url("*", Nowhere),
        of_url("http://u:p@", Nowhere),
        of_url("ftp://~", Nowhere),
        of_url("ws://~", Nowhere),
        of_url("nonsense://~", Nowhere),
        of_url("u:/pw@~", Nowhere),
        of_url("socks://~", Nowhere).but_curls(Socks, "SOCKS is refused"),
        of_url("socks4://~", Nowhere).but_curls(Socks, "SOCKS is refused"),
        of_url("socks4a://~", Nowhere).but_curls(Socks, "SOCKS is refused"),
        of_url("socks5://~", Nowhere).but_curls(Socks, "SOCKS is refused"),
        of_url("socks5h://~", Nowhere).but_curls(Socks, "SOCKS is refused"),
        of_url("ftp.test:PORT", to_proxy()).but_curls(Nowhere, "no scheme is guessed from a name"),
        of_url("http://127.0.0.1:65536", Nowhere),
        of_url("http://127.0.0.1:-1", Nowhere),
        of_url("http://127.0.0.1:+PORT", Nowhere),
        of_url("http://~x", Nowhere),
        of_url("http://127.0.0.1:0", Nowhere),
        of_url("127.0.0.1:", Nowhere),
        of_url("http://[::1", Nowhere),
        of_url("http://::1:PORT", Nowhere),
        of_url("http://[127.0.0.1]:PORT", Nowhere),
        of_url("http://256.1.1.1:PORT", Nowhere).but_curls(to_proxy(), "it ends in a number and is no address"),
        of_url("http://a^b.test:PORT", Nowhere),
        of_url("http://a\"b.test:PORT", Nowhere),
        of_url("http://a,b.test:PORT", Nowhere),
        of_url("http://a'b.test:PORT", Nowhere),
        of_url("http://a%20b.test:PORT", Nowhere),
        of_url("http://a%00b.test:PORT", Nowhere),
        of_url("http://\\~", Nowhere),
        of_url("http:\\\\~", Nowhere),
        of_url("http://~\\x", Nowhere),
        of_url("https://~", Tls),
        of_url("https://u:p@~/path", Tls),
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
        cases.push(of_url(good, to_proxy()));
    }
    for login in [
        "u:p^w", "u:p{w", "u:p}w", "u:p|w", "u:p\"w", "u:p`w", "u:pé", "u:p+w", "u:p%zz", "u:p%", "u:p:w", "u:p\\w",
        "u:p<w>", "u:[p]", "u:p;w'", "u:p&w=*", "u:", ":p", ":",
    ] {
        cases.push(of_url(format!("http://{login}@~"), told(login)));
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
        cases.push(of_url(format!("http://{written}@~"), told(login)));
    }
    cases.push(of_url("u:p@~", told("u:p")));
    cases.push(of_url("http://u:p%ffw@~", told(b"u:p\xffw")));
    cases.push(of_url(b"http://u:p\xff@~", told(b"u:p\xff")));
    cases
}

/// Which variable counts.
pub fn variables() -> Vec<Case> {
    let (plain, tls) = ("http://server.test", SERVER);
    let (one, other): (&[u8], &[u8]) = (b"http://one@~", b"http://other@~");
    let mut cases = vec![
        case(&[], tls, Server),
        case(&[], plain, Server),
        case(&[("https_proxy", one), ("HTTPS_PROXY", other)], tls, told("one:")),
        case(&[("https_proxy", b""), ("HTTPS_PROXY", other)], tls, told("other:")),
        case(&[("https_proxy", one), ("HTTPS_PROXY", b"")], tls, told("one:")),
        case(&[("https_proxy", one), ("HTTPS_PROXY", b"ftp://x")], tls, told("one:")),
        case(&[("https_proxy", b"ftp://x"), ("HTTPS_PROXY", other)], tls, Nowhere),
        case(&[("https_proxy", b""), ("HTTPS_PROXY", b"")], tls, Server),
        case(&[("HTTPS_PROXY", one)], plain, Server),
        case(&[("https_proxy", one)], plain, Server),
        case(&[("http_proxy", one)], tls, Server),
        case(&[("http_proxy", b"ftp://x")], tls, Server),
        case(&[("http_proxy", one)], plain, told("one:")),
        case(&[("HTTP_PROXY", one)], plain, Server),
        case(&[("HTTP_PROXY", b"ftp://x")], plain, Server),
        case(&[("http_proxy", b""), ("HTTP_PROXY", other)], plain, Server),
        case(&[("HTTP_PROXY", one), ("ALL_PROXY", other)], plain, told("other:")),
        case(&[("REQUEST_METHOD", b"GET"), ("https_proxy", one)], tls, told("one:")),
        case(&[("REQUEST_METHOD", b"GET"), ("HTTPS_PROXY", one)], tls, told("one:")),
        case(&[("REQUEST_METHOD", b"GET"), ("http_proxy", one)], plain, told("one:")),
        case(&[("Https_Proxy", one)], tls, Server),
    ];
    for server in [plain, tls] {
        cases.push(case(&[("all_proxy", one)], server, told("one:")));
        cases.push(case(&[("ALL_PROXY", one)], server, told("one:")));
        cases.push(case(&[("all_proxy", one), ("ALL_PROXY", other)], server, told("one:")));
        cases.push(case(&[("all_proxy", b""), ("ALL_PROXY", other)], server, told("other:")));
        cases.push(case(&[("all_proxy", b"u:p w@~")], server, Nowhere));
        cases.push(case(&[("https_proxy", one), ("http_proxy", one), ("all_proxy", other)], server, told("one:")));
        cases.push(case(&[("https_proxy", b""), ("http_proxy", b""), ("all_proxy", other)], server, told("other:")));
        cases.push(case(&[("all_proxy", b"ftp://x"), ("no_proxy", b"*")], server, Server));
    }
    cases
}

/// Which hosts are asked without it.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub fn exceptions() -> Vec<Case> {
    let with =
        |list: &'static str, server, came| case(&[("all_proxy", b"~"), ("no_proxy", list.as_bytes())], server, came);
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
        // As its documentation has it, and later versions do.
        cases.push(with(list, "https://[::1]", Server).but_curls(to_proxy(), "7.88 compares IPv6 addresses as texts"));
    }
    for list in ["[::1]", "[::1]:SPORT", "::2", "::2/128", "::1/129", "::/0", "1::/16", "127.0.0.1"] {
        cases.push(with(list, "https://[::1]", to_proxy()));
    }
    cases
}
