//! Through a proxy: it receives the target and its own password, the server receives neither, and errors show no secret.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use kal_torture::calls::{Client, EntryPoint, How, Method, Opening, name};
use kal_torture::report::Row;
use kal_torture::wire::answers::{answer, good};
use kal_torture::wire::certificates::Certificates;
use kal_torture::wire::server::Script;
use kal_torture::wire::{Asked, Carrier, Server, Step};
use kaleidoscope::ffi::status::KAL_OK;

use super::echo::ENCODINGS;
use super::{MARKER, opening, quiet, singing, sings, tls};

const PASSWORD: &str = "pp-kAnArY0007%20%2B%22%C3%A9-kAnArY0008";

type Heard = Arc<Mutex<Vec<u8>>>;

/// A proxy that opens tunnels for `CONNECT`, and records everything that the client sends.
struct Tunnel {
    port: u16,
    heard: Heard,
}

impl Tunnel {
    fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Heard::default();
        let ears = Arc::clone(&heard);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let ears = Arc::clone(&ears);
                thread::spawn(move || tunnel(client, to, &ears));
            }
        });
        Self { port, heard }
    }
}

fn tunnel(mut client: TcpStream, to: u16, ears: &Heard) -> std::io::Result<()> {
    let hear = |said: &[u8]| ears.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(said);
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match client.read(&mut chunk)? {
            0 => return Ok(()),
            n => head.extend_from_slice(&chunk[..n]),
        }
    }
    hear(&head);
    let mut server = TcpStream::connect(("127.0.0.1", to))?;
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
    let (mut back, mut forth) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || std::io::copy(&mut back, &mut forth));
    loop {
        match client.read(&mut chunk)? {
            0 => return server.shutdown(std::net::Shutdown::Both),
            n => {
                hear(&chunk[..n]);
                server.write_all(&chunk[..n])?;
            }
        }
    }
}

/// The API, which records what it receives.
struct Api {
    carrier: Carrier,
    heard: Heard,
}

impl Script for Api {
    fn carrier(&self) -> Carrier {
        self.carrier.clone()
    }

    fn answer(&self, asked: &Asked) -> Vec<Step> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&asked.raw);
        vec![Step::Send(good(asked.path()))]
    }
}

/// A proxy that rejects requests and echoes them.
struct Refusing {
    encoding: fn(&str) -> String,
    in_reason: bool,
}

impl Script for Refusing {
    fn answer(&self, asked: &Asked) -> Vec<Step> {
        let echo = (self.encoding)(&String::from_utf8_lossy(&asked.raw));
        let line: String = echo.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let refusal = if self.in_reason {
            answer(&format!("407 {line}"), "Content-Length: 0\r\n", b"")
        } else {
            answer("407 Who", &format!("X-Request-Id: {line}\r\nContent-Length: {}\r\n", echo.len()), echo.as_bytes())
        };
        vec![Step::Send(refusal), Step::Close]
    }
}

pub(crate) fn is_told_nothing(row: &Row) {
    let certificates = Certificates::default();
    let ca = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(ca.path(), &certificates.ca_pem).expect("a file");
    let ca_path = ca.path().display().to_string();

    let heard_by_api = Heard::default();
    let api = Server::start(Api { carrier: tls(&certificates), heard: Arc::clone(&heard_by_api) });
    let proxy = Tunnel::start(api.port());
    let through = |port: u16, base_url: String| Opening {
        proxy_url: Some(format!("http://user:{PASSWORD}@127.0.0.1:{port}")),
        ca_bundle_path: Some(ca_path.clone()),
        ..opening(base_url)
    };
    let client = Client::open(&through(proxy.port, api.https())).expect("a client");
    let outcome = client.call(EntryPoint::Typed, Method::Members, How::default());
    row.check(
        "a call goes through a proxy",
        outcome.status == KAL_OK,
        &format!("{} {}", name(outcome.status), quiet(&outcome.message())),
    );
    let heard = proxy.heard.lock().unwrap_or_else(PoisonError::into_inner);
    let clear = String::from_utf8_lossy(&heard);
    // It may receive its own password and no other secret.
    let rest: String = clear.lines().filter(|line| !line.to_lowercase().starts_with("proxy-authorization:")).collect();
    let told = clear.to_lowercase().contains("proxy-authorization: basic");
    row.check(
        "the proxy receives its own password and no other secret",
        told && !sings(rest.as_bytes()),
        &format!("{} bytes", heard.len()),
    );
    let heard = heard_by_api.lock().unwrap_or_else(PoisonError::into_inner);
    let text = String::from_utf8_lossy(&heard).to_lowercase();
    let clean = !text.contains("proxy-") && !text.contains("kanary0007") && text.contains(&MARKER.to_lowercase());
    row.check("the server does not receive the proxy's password", clean, &format!("{} bytes", heard.len()));

    let (mut tried, mut failures) = (0, Vec::new());
    for encoding in ENCODINGS {
        for in_reason in [false, true] {
            let proxy = Server::start(Refusing { encoding: encoding.of, in_reason });
            // Over plain HTTP the response is the proxy's own; over HTTPS the tunnel is not opened.
            for base_url in [api.https(), api.http()] {
                let client = Client::open(&through(proxy.port(), base_url.clone())).expect("a client");
                let outcome = client.call(EntryPoint::Json, Method::Members, How::default());
                tried += 1;
                failures
                    .extend(singing(&outcome).into_iter().map(|what| format!("{} {base_url} {what}", encoding.name)));
                if outcome.status != 407 {
                    failures.push(format!("{} ({})", name(outcome.status), quiet(&outcome.message())));
                }
            }
        }
    }
    row.claim("an error response of a proxy that echoes the request shows no secret", tried, &failures);
}
