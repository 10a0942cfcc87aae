//! Which proxy the environment selects, compared with the curl program case by case: whether requests reach a loopback proxy or
//! the server.
//!
//! Each case runs curl, and this program in a separate process, with an otherwise empty environment. curl's behaviour is
//! asserted for 7.88, the version of Debian 12; differences of other versions are only reported.
//!
//! Red with `Matcher::from_system` of hyper-util, 212 times: `[("https_proxy", "http://u:p w@127.0.0.1:45231")]
//! https://server.test gave Ok(Server) instead of Nowhere`.
#![cfg(target_os = "linux")]

mod host;
mod proxy_cases;

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStringExt;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kaleidoscope::service::Params;
use kaleidoscope::service::workspace::GET_MEMBERS;
use kaleidoscope::{CallOptions, Client, ErrorKind, Settings};
use proxy_cases::Arrival::{self, Nowhere, Server, Socks, Tls};
use proxy_cases::{SERVER, exceptions, urls, variables};

/// A listener that records the first bytes of each connection and rejects the request.
struct Listeners {
    port: u16,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Listeners {
    fn on(hosts: &[&str]) -> Self {
        let received = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let mut port = 0;
        for host in hosts {
            let listener = TcpListener::bind((*host, port)).expect("a port");
            port = listener.local_addr().expect("an address").port();
            let received = Arc::clone(&received);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let received = Arc::clone(&received);
                    thread::spawn(move || listen(stream, &received));
                }
            });
        }
        Self { port, received }
    }

    fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.received.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn listen(mut stream: TcpStream, received: &Mutex<Vec<Vec<u8>>>) {
    let mut head = Vec::new();
    let mut some = [0; 4096];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") && !matches!(head.first(), Some(4 | 5 | 22)) {
        match stream.read(&mut some) {
            Ok(n @ 1..) => head.extend_from_slice(&some[..n]),
            _ => break,
        }
    }
    let is_http = head.first().is_some_and(u8::is_ascii_alphabetic);
    received.lock().unwrap_or_else(PoisonError::into_inner).push(head);
    if is_http {
        let _ = stream.write_all(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
}

/// Where the request arrived, judging by the first bytes received; checks that a request to the proxy names the server.
fn arrival(proxy: &Listeners, server: &Listeners, asked: &str) -> Result<Arrival, String> {
    let (at_proxy, at_server) = (proxy.take(), server.take());
    let Some(head) = at_proxy.first() else {
        return Ok(if at_server.is_empty() { Nowhere } else { Server });
    };
    match head.first() {
        Some(4 | 5) => return Ok(Socks),
        Some(22) => return Ok(Tls),
        _ => {}
    }
    let text = String::from_utf8_lossy(head);
    let line = text.lines().next().unwrap_or_default();
    let target = line.split(' ').nth(1).unwrap_or_default();
    let (scheme, authority) = asked.split_once("://").expect("a URL");
    let is_it = if scheme == "https" {
        line == format!("CONNECT {authority} HTTP/1.1")
    } else {
        target.strip_prefix(asked).is_some_and(|path| path.starts_with('/'))
    };
    if !is_it {
        return Err(format!("the proxy was asked {line:?}"));
    }
    let login = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": Basic ")?;
        name.eq_ignore_ascii_case("proxy-authorization").then_some(value)
    });
    Ok(Arrival::Proxy(login.map(|login| STANDARD.decode(login).expect("base64"))))
}

/// Runs in the child process: opens a client and prints the result.
fn ask(env: &[(&str, OsString)], url: &str, option: Option<&str>) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["asks", "--exact", "--ignored", "--nocapture"]).env_clear().env("CASE_URL", url);
    command.envs(env.iter().map(|(name, value)| (*name, value)));
    if let Some(option) = option {
        command.env("CASE_OPTION", option);
    }
    let output = command.output().expect("a process");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text.lines()
        .find_map(|line| line.split_once("OUTCOME "))
        .map(|(_, outcome)| outcome.to_owned())
        .expect("an outcome")
}

fn loopback(name: &str) -> Option<Vec<&'static str>> {
    (name.trim_end_matches('.').rsplit('.').next() == Some("test")).then(|| vec!["127.0.0.1"])
}

#[test]
#[ignore = "run by the test below, as a process of its own"]
fn asks() {
    host::install_names(loopback);
    let option = std::env::var("CASE_OPTION").ok();
    let settings = Settings {
        client_id: Some("id".into()),
        client_secret: Some("secret".to_owned().into()),
        base_url: Some(std::env::var("CASE_URL").expect("a URL")),
        proxy_from_env: option.is_none(),
        proxy_url: option,
        allow_http: true,
        insecure_tls: true,
        max_attempts: Some(1),
        ..Settings::default()
    };
    match Client::open(settings) {
        Ok(client) => {
            let error = client.call(Params::new(&GET_MEMBERS), &CallOptions::default()).expect_err("nobody answers");
            println!("OUTCOME opened: {error}");
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            println!("OUTCOME refused: {error}");
        }
    }
}

#[test]
fn the_environment_is_read_as_curl_reads_it() {
    let version = Command::new("curl").arg("--version").output().expect("curl (Debian's package of that name)");
    let version = String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or_default().to_owned();
    let is_known = version.starts_with("curl 7.88.");
    println!("{version}");

    let (proxy, server) = (Listeners::on(&["127.0.0.1"]), Listeners::on(&["127.0.0.1", "127.9.8.7", "::1"]));
    let mut failures = Vec::new();
    let cases: Vec<_> = urls().into_iter().chain(variables()).chain(exceptions()).collect();
    for case in &cases {
        let fill = |value: &[u8]| {
            // A password need not be valid UTF-8.
            let mut filled = Vec::new();
            let mut rest = value;
            while let Some(first) = rest.first() {
                let (place, text) = [
                    (&b"SPORT"[..], server.port.to_string()),
                    (b"PORT", proxy.port.to_string()),
                    (b"~", format!("127.0.0.1:{}", proxy.port)),
                ]
                .into_iter()
                .find(|(place, _)| rest.starts_with(place))
                .unwrap_or((&rest[..1], String::new()));
                if text.is_empty() {
                    filled.push(*first);
                } else {
                    filled.extend(text.into_bytes());
                }
                rest = &rest[place.len()..];
            }
            filled
        };
        let env: Vec<_> = case.env.iter().map(|(name, value)| (*name, OsString::from_vec(fill(value)))).collect();
        let url = format!("{}:{}", case.server, server.port);
        // Both normalise host names before they send them.
        let asked = url.to_lowercase().replace("//127.1:", "//127.0.0.1:");
        let what = format!("{env:?} {}", case.server);

        let outcome = ask(&env, &url, None);
        let ours = arrival(&proxy, &server, &asked);
        if ours.as_ref() != Ok(&case.ours) {
            failures.push(format!("{what} gave {ours:?} instead of {:?}: {outcome}", case.ours));
        }
        // A case that arrives nowhere was rejected when the client was opened, naming the variable.
        if case.ours == Nowhere {
            let refused = case.env.iter().any(|(name, _)| outcome.starts_with(&format!("refused: {name}: ")));
            if !refused || outcome.contains("p%") || outcome.contains("pw") {
                failures.push(format!("{what}: {outcome}"));
            }
        }

        let mut curl = Command::new("curl");
        curl.env_clear().env("LC_ALL", "C.UTF-8").envs(env.iter().map(|(name, value)| (*name, value)));
        curl.args(["-q", "-sSk", "-m", "10", "-o", "/dev/null"]);
        for port in [proxy.port, server.port] {
            for name in [
                "server.test",
                "sub.server.test",
                "xserver.test",
                "server.test.",
                "proxy.test",
                "a_b.test",
                "a'b.test",
                "ftp.test",
                "xn--bcher-kva.test",
                "256.1.1.1",
            ] {
                curl.args(["--resolve", &format!("{name}:{port}:127.0.0.1")]);
            }
        }
        let output = curl.arg(&url).output().expect("curl");
        let curls = arrival(&proxy, &server, &asked);
        let expected = case.curls.as_ref().map_or(&case.ours, |(arrival, _)| arrival);
        if curls.as_ref() != Ok(expected) {
            let proxy_login = String::from_utf8_lossy(&output.stderr).into_owned();
            let report = format!("{what}: curl gave {curls:?} instead of {expected:?}: {proxy_login}");
            if is_known { failures.push(report) } else { println!("{report}") }
        }

        // The URL given as an option is parsed the same way.
        let as_option = match &env[..] {
            [("https_proxy", proxy_url)] if case.server == SERVER => proxy_url.to_str(),
            _ => None,
        };
        if let Some(proxy_url) = as_option {
            let by_option = ask(&[], &url, Some(proxy_url));
            let arrival = arrival(&proxy, &server, &asked);
            if arrival.as_ref() != Ok(&case.ours) || by_option != outcome.replace("https_proxy", "proxy_url") {
                failures.push(format!("{what} as an option gave {arrival:?}: {by_option}"));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}
