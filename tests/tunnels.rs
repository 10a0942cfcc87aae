//! Proxies' responses to `CONNECT`, and how the client handles them.

mod common;
mod tunnel_proxy;

use std::time::Duration;

use common::{emulator, get, settings};
use kal_emulator::{Config, Emulator, Fault};
use kaleidoscope::service::workspace::GET_MEMBERS;
use kaleidoscope::{Client, Error, ErrorKind, Settings};
use tunnel_proxy::TunnelProxy;

fn port(emulator: &Emulator) -> u16 {
    emulator.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

fn through(proxy: &TunnelProxy, emulator: &Emulator) -> Client {
    Client::open(Settings {
        proxy_url: Some(format!("http://user:proxy-password@127.0.0.1:{}", proxy.port)),
        insecure_tls: true,
        ..settings(emulator)
    })
    .expect("good settings")
}

fn over_tls() -> Emulator {
    emulator(Config { tls: true, ..Config::default() })
}

/// The failure of a call, and the number of requests the proxy received.
fn refusal(answer: &str) -> (Error, usize) {
    let emulator = over_tls();
    let proxy = TunnelProxy::start(answer, port(&emulator));
    let error = get(&through(&proxy, &emulator), &GET_MEMBERS).expect_err("no tunnel");
    assert_eq!(emulator.counts().total, 0, "no request bypassed the proxy");
    assert!(!format!("{error:?}").contains("proxy-password"));
    let at = format!("the proxy 127.0.0.1:{} ", proxy.port);
    assert!(error.to_string().contains(&at), "{error}");
    (error, proxy.heads().len())
}

/// Red with hyper-util's `Tunnel`: "no connection: tunnel error: unsuccessful", from the 201 on.
#[test]
fn any_2xx_opens_a_tunnel() {
    for answer in [
        "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        "HTTP/1.0 200 Connection established\r\n\r\n".to_owned(),
        "HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\n".to_owned(),
        "HTTP/1.1 204\r\n\r\n".to_owned(),
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nX-Policy: a;\r\n b\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(60 << 10)),
    ] {
        let emulator = over_tls();
        let proxy = TunnelProxy::start(answer.clone(), port(&emulator));
        get(&through(&proxy, &emulator), &GET_MEMBERS).unwrap_or_else(|error| panic!("{answer:.60}: {error}"));
        assert_eq!(proxy.heads().len(), 1, "sign-in and call share the tunnel");
    }
}

/// Red with hyper-util's `Tunnel`, which drops it: the call succeeds.
#[test]
fn bytes_after_the_proxys_response_belong_to_the_tunnel() {
    let (emulator, early) = (over_tls(), "HTTP/1.1 200 OK\r\n\r\nThis is no TLS at all.");
    let proxy = TunnelProxy::start(early, port(&emulator));
    let error = get(&through(&proxy, &emulator), &GET_MEMBERS).expect_err("no TLS");
    assert_eq!(error.kind(), ErrorKind::TlsFailed, "{error}");
}

/// Red with hyper-util's `Tunnel`: "no connection: tunnel error: proxy authorization required" after three attempts with the same
/// password, and no status.
#[test]
fn a_rejected_proxy_password_is_not_sent_again() {
    let (error, tries) = refusal("HTTP/1.1 407 Who are you\r\nRetry-After: 5\r\nProxy-Authenticate: Basic\r\n\r\n");
    assert_eq!((error.kind(), error.http_status(), tries), (ErrorKind::Http, Some(407), 1), "{error}");
    assert!(error.to_string().contains("407 Who are you") && !error.to_string().contains("sign-in failed"), "{error}");
    assert_eq!(error.details().retry_after, Some(Duration::from_secs(5)));
    for status in [400, 401, 403, 404, 429, 500] {
        let (error, tries) = refusal(&format!("HTTP/1.1 {status} By policy\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!((error.kind(), error.http_status(), tries), (ErrorKind::ConnectFailed, Some(status), 1), "{error}");
        assert!(error.to_string().contains(&format!("{status} By policy")) && !error.is_retryable(), "{error}");
    }
}

/// Red with hyper-util's `Tunnel`: no status, no `Retry-After`.
#[test]
fn a_proxy_that_temporarily_cannot_reach_the_server_is_retried() {
    for status in [502, 503, 504] {
        let (error, tries) = refusal(&format!("HTTP/1.1 {status} Down\r\nRetry-After: 0\r\n\r\n"));
        assert_eq!((error.kind(), error.http_status(), tries), (ErrorKind::ConnectFailed, Some(status), 6), "{error}");
        assert!(error.is_retryable() && error.to_string().contains(&format!("{status} Down")), "{error}");
        assert_eq!(error.details().retry_after, Some(Duration::ZERO));
    }
    // No caller waits that long.
    let (error, tries) = refusal("HTTP/1.1 503 Down\r\nRetry-After: 3600\r\n\r\n");
    assert_eq!((error.details().retry_after, tries), (Some(Duration::from_secs(60 * 60)), 1), "{error}");
}

#[test]
fn an_invalid_response_to_connect_is_reported() {
    // Red with hyper-util's `Tunnel`: "no connection: tunnel error: unsuccessful", three times.
    let (error, tries) = refusal("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    assert_eq!((error.kind(), tries), (ErrorKind::BadHttp, 1), "{error}");
    let (error, tries) = refusal("HTTP/1.1 20");
    assert_eq!((error.kind(), tries), (ErrorKind::ConnectFailed, 6), "{error}");
}

/// Red when the 407 is treated as the server's response: "sign-in failed: POST /auth/oauth/token failed with status 407",
/// `AuthFailed`.
#[test]
fn a_407_for_plain_http_is_reported_as_the_proxys_and_not_as_a_failed_sign_in() {
    let emulator = emulator(Config::default());
    for path in ["/auth/oauth/token", "/workspaces/members"] {
        emulator.fault(Fault::on(path).status(407));
        // The emulator accepts absolute URLs, as a proxy does.
        let client = Client::open(Settings { proxy_url: Some(emulator.url().to_owned()), ..settings(&emulator) });
        let error = get(&client.expect("good settings"), &GET_MEMBERS).expect_err("a 407");
        assert_eq!((error.kind(), error.http_status()), (ErrorKind::Http, Some(407)), "{error}");
        assert_eq!(error.details().attempts, 1);
        let text = error.to_string();
        let at = format!("the proxy 127.0.0.1:{} refused the request", port(&emulator));
        assert!(text.contains(&at) && text.contains("407") && !text.contains("sign-in failed"), "{text}");
    }
}

/// Red when the pool's placeholder for the server is in every URL: `http://-/auth/oauth/token`.
#[test]
fn a_proxy_for_plain_http_receives_the_servers_authority() {
    let emulator = emulator(Config::default());
    let proxy = TunnelProxy::start("HTTP/1.1 403 By policy\r\nContent-Length: 0\r\n\r\n", port(&emulator));
    get(&through(&proxy, &emulator), &GET_MEMBERS).expect_err("a 403");
    let heads = proxy.heads();
    let start = format!("POST {}/auth/oauth/token HTTP/1.1\r\n", emulator.url());
    assert!(heads.first().is_some_and(|head| head.starts_with(&start)), "{heads:?}");
}
