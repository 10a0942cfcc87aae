//! The server of the benchmark: every response is rendered once, cached with its head, and sent unchanged.
//!
//! The emulator generates the responses; this server requests each of them once. Paths that begin with `/n1000` are for a
//! workspace of 1,000 members, so that one server serves all sizes; `/gz` and `/after50` before it select compression and latency
//! (`route.rs`). One blocking thread per connection, one write per response.
//!
//! `bench-server CA_FILE` writes the certificate to trust, prints one line of JSON with its two URLs, and exits when its
//! standard input is closed. `GET /__counts` returns the connections and token requests since the last such request.

#![forbid(unsafe_code)]

mod answers;
mod compressed;
mod connection;
mod route;
mod tls;

use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use answers::Answers;

/// State shared by all connections.
pub(crate) struct Shared {
    pub(crate) answers: Answers,
    pub(crate) connections: AtomicU64,
    pub(crate) token_requests: AtomicU64,
}

fn main() -> io::Result<()> {
    let ca_file = std::env::args().nth(1).ok_or_else(|| io::Error::other("usage: bench-server CA_FILE"))?;
    let (config, ca) = tls::server()?;
    std::fs::write(ca_file, ca)?;
    let shared = Arc::new(Shared {
        answers: Answers::new()?,
        connections: AtomicU64::new(0),
        token_requests: AtomicU64::new(0),
    });
    let http = listen(&shared, None)?;
    let https = listen(&shared, Some(config))?;
    println!("{{\"http\": \"http://127.0.0.1:{http}\", \"https\": \"https://localhost:{https}\"}}");
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn listen(shared: &Arc<Shared>, tls: Option<Arc<ServerConfig>>) -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (shared, tls) = (Arc::clone(&shared), tls.clone());
            // Errors are reported by the client.
            std::thread::spawn(move || -> io::Result<()> {
                stream.set_nodelay(true)?;
                match tls {
                    None => connection::serve(&shared, stream),
                    Some(config) => {
                        let session = ServerConnection::new(config).map_err(io::Error::other)?;
                        connection::serve(&shared, StreamOwned::new(session, stream))
                    }
                }
            });
        }
    });
    Ok(port)
}
