//! A minimal client: one connection, hand-written HTTP/1.1.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use kal_emulator::Emulator;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

pub(crate) struct Client {
    wire: BufReader<Box<dyn Wire>>,
    host: String,
    pub(crate) access: String,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// All values of a header.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub(crate) fn message(&self) -> String {
        text(&self.json(), "message")
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json().as_array().expect("a list").clone()
    }

    pub(crate) fn code(&self) -> (u16, String) {
        let body = self.json();
        let code = body.get("code").or(body.get("error")).and_then(Value::as_str);
        (self.status, code.unwrap_or_default().to_owned())
    }
}

fn authority(url: &str) -> &str {
    url.split_once("://").expect("a URL").1
}

pub(crate) fn tcp(url: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(authority(url))?;
    // Far longer than any response takes, so that a failing test does not hang.
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Client {
    /// Connects, without a token.
    pub(crate) fn connect(url: &str) -> Self {
        Self::try_connect(url).expect("a connection")
    }

    pub(crate) fn try_connect(url: &str) -> io::Result<Self> {
        Ok(Self::over(url, Box::new(tcp(url)?)))
    }

    fn over(url: &str, wire: Box<dyn Wire>) -> Self {
        Self { wire: BufReader::new(wire), host: authority(url).to_owned(), access: String::new() }
    }

    pub(crate) fn connect_tls(url: &str, name: &'static str, ca_pem: &str) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(ca_pem.as_bytes()).expect("a certificate");
        roots.add(ca).expect("a usable certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name).expect("a server name");
        let session = ClientConnection::new(Arc::new(config), name).expect("a TLS session");
        let mut stream = StreamOwned::new(session, tcp(url)?);
        stream.conn.complete_io(&mut stream.sock)?;
        Ok(Self::over(url, Box::new(stream)))
    }

    /// Connects and gets an access token.
    pub(crate) fn signed_in(emulator: &Emulator) -> Self {
        let mut client = Self::connect(emulator.url());
        client.sign_in(emulator);
        client
    }

    pub(crate) fn sign_in(&mut self, emulator: &Emulator) {
        let reply = self.grant(emulator.client_id(), emulator.client_secret());
        assert_eq!(reply.status, 200);
        self.access = text(&reply.json(), "access_token");
    }

    pub(crate) fn use_host(&mut self, host: &str) {
        host.clone_into(&mut self.host);
    }

    pub(crate) fn use_access(&mut self, access: &str) {
        access.clone_into(&mut self.access);
    }

    pub(crate) fn grant(&mut self, id: &str, secret: &str) -> Reply {
        self.form(&format!("grant_type=client_credentials&client_id={id}&client_secret={secret}"))
    }

    pub(crate) fn refresh(&mut self, token: &str) -> Reply {
        self.form(&format!("grant_type=refresh_token&refresh_token={token}"))
    }

    pub(crate) fn form(&mut self, form: &str) -> Reply {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", "/auth/oauth/token", &headers, form).expect("a token response")
    }

    pub(crate) fn get(&mut self, target: &str) -> Reply {
        self.get_with(target, &[])
    }

    pub(crate) fn get_with(&mut self, target: &str, headers: &[(&str, &str)]) -> Reply {
        self.try_get(target, headers).expect("a response")
    }

    pub(crate) fn try_get(&mut self, target: &str, headers: &[(&str, &str)]) -> io::Result<Reply> {
        let token = format!("Bearer {}", self.access);
        let mut all = vec![("x-kal-authorization", token.as_str())];
        if self.access.is_empty() {
            all.clear();
        }
        all.extend_from_slice(headers);
        self.send("GET", target, &all, "")
    }

    pub(crate) fn admin(&mut self, name: &str, body: &Value) -> Reply {
        self.send("POST", &format!("/__emulator/{name}"), &[], &body.to_string()).expect("an admin response")
    }

    /// An admin request with another method than POST.
    pub(crate) fn control(&mut self, method: &str, name: &str, body: &Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, &format!("/__emulator/{name}"), &[], &body).expect("an admin response")
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> io::Result<Reply> {
        self.write(method, target, headers, body)?;
        self.read_reply()
    }

    pub(crate) fn write(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> io::Result<()> {
        let mut request = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.host);
        for (name, value) in headers {
            request.extend([name, ": ", value, "\r\n"]);
        }
        if method != "GET" || !body.is_empty() {
            request.extend(["content-length: ", &body.len().to_string(), "\r\n"]);
        }
        request.extend(["\r\n", body]);
        self.write_octets(request.as_bytes())
    }

    pub(crate) fn write_octets(&mut self, octets: &[u8]) -> io::Result<()> {
        self.wire.get_mut().write_all(octets)?;
        self.wire.get_mut().flush()
    }

    /// Sends a request whose response is read elsewhere, or never.
    pub(crate) fn start_get(&mut self, target: &str) {
        let token = format!("Bearer {}", self.access);
        self.write("GET", target, &[("x-kal-authorization", &token)], "").expect("a request");
    }

    pub(crate) fn read_some(&mut self, octets: usize) {
        self.wire.read_exact(&mut vec![0; octets]).expect("a part of the response");
    }

    /// Reads until the server closes the connection, cleanly or not.
    pub(crate) fn read_rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A TLS stream without close_notify returns an error after the data.
        let _ = self.wire.read_to_end(&mut rest);
        rest
    }

    /// Reads to the end of the stream, or to the error that ends it.
    pub(crate) fn end_of_stream(&mut self) -> io::Result<()> {
        self.read_to_end(&mut String::new())
    }

    /// The same, with what came before.
    pub(crate) fn read_to_end(&mut self, text: &mut String) -> io::Result<()> {
        let mut octets = Vec::new();
        let end = self.wire.read_to_end(&mut octets).map(drop);
        *text = String::from_utf8_lossy(&octets).into_owned();
        end
    }

    fn read_reply(&mut self) -> io::Result<Reply> {
        let mut reply = self.read_head()?;
        if reply.header("transfer-encoding") == Some("chunked") {
            reply.body = self.chunks()?;
        } else if let Some(length) = reply.header("content-length") {
            reply.body = vec![0; length.parse().expect("a length")];
            self.wire.read_exact(&mut reply.body)?;
        }
        Ok(reply)
    }

    /// A response up to its body.
    pub(crate) fn read_head(&mut self) -> io::Result<Reply> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(Reply { status, headers, body: Vec::new() })
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let length = usize::from_str_radix(&self.line()?, 16).expect("a chunk length");
            let start = body.len();
            body.resize(start + length, 0);
            self.wire.read_exact(&mut body[start..])?;
            self.line()?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.wire.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

pub(crate) fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_else(|| panic!("{name} is no string in {object}")).to_owned()
}

pub(crate) fn ids(list: &[Value]) -> Vec<String> {
    list.iter().map(|item| text(item, "id")).collect()
}

/// Encodes a query value.
pub(crate) fn encode(value: &str) -> String {
    value
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

pub(crate) fn gunzip(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut plain).expect("a gzip body");
    plain
}
