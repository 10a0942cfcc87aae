//! A proxy on loopback that sends a fixed response and opens tunnels to one server.
#![allow(dead_code, unreachable_pub, reason = "each test program uses what it needs")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

pub struct TunnelProxy {
    pub port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl TunnelProxy {
    /// Sends `answer` to each request. If it is a 2xx, the bytes that follow are forwarded to the server on this port.
    pub fn start(answer: impl Into<Vec<u8>>, server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let (answer, heard) = (Arc::new(answer.into()), Arc::clone(&heads));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (answer, heard) = (Arc::clone(&answer), Arc::clone(&heard));
                thread::spawn(move || serve(client, &answer, server, &heard));
            }
        });
        Self { port, heads }
    }

    /// The request heads received so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(mut client: TcpStream, answer: &[u8], server: u16, heads: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    heads.lock().unwrap_or_else(PoisonError::into_inner).push(String::from_utf8_lossy(&head).into_owned());
    client.write_all(answer)?;
    let is_2xx = answer.windows(12).any(|line| line.starts_with(b"HTTP/1.") && line[9] == b'2');
    if !is_2xx {
        return client.shutdown(Shutdown::Write);
    }
    let mut server = TcpStream::connect(("127.0.0.1", server))?;
    let (mut back, mut forth) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || std::io::copy(&mut back, &mut forth));
    std::io::copy(&mut client, &mut server)?;
    server.shutdown(Shutdown::Both)
}
