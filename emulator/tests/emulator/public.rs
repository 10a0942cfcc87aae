//! An emulator that other machines reach, as in a container.

use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};

use kal_emulator::{Config, Emulator};

use crate::client::Client;
use crate::start;

fn public() -> Config {
    Config { host: "0.0.0.0".parse().expect("an address"), public: true, ..Config::default() }
}

/// The address by which other machines reach this one, if it has a network. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn port(emulator: &Emulator) -> u16 {
    let port = emulator.url().rsplit_once(':').expect("a port").1;
    port.parse().expect("a number")
}

/// Whether an admin request to this URL, with this `Host` in place of its own, is carried out.
fn is_controlled_by(url: &str, host: Option<&str>) -> bool {
    let mut client = Client::connect(url);
    if let Some(host) = host {
        client.use_host(host);
    }
    let reply = client.get("/__emulator/counts");
    assert!(reply.status == 200 || reply.code() == (403, "forbidden".to_owned()));
    reply.status == 200
}

/// Red with the address as it is bound in the URL: `http://0.0.0.0:...`.
#[test]
fn its_url_is_one_for_this_machine() {
    let emulator = start(public());
    assert!(emulator.url().starts_with("http://127.0.0.1:"), "{}", emulator.url());
    assert_eq!(Client::signed_in(&emulator).get("/workspaces/members").list().len(), 12);
}

#[test]
fn it_is_reached_by_address_and_by_the_names_that_it_was_given() {
    let emulator = start(Config { allowed_hosts: vec!["kal.test".into()], ..public() });
    let port = port(&emulator);
    let mut urls = vec![emulator.url().to_owned()];
    urls.extend(own_address().map(|address| format!("http://{}", SocketAddr::new(address, port))));
    for url in urls {
        assert!(is_controlled_by(&url, None), "{url}");
        assert!(is_controlled_by(&url, Some("kal.test")));
        assert!(is_controlled_by(&url, Some(&format!("kal.test:{port}"))));
        assert!(!is_controlled_by(&url, Some("attacker.example")), "DNS rebinding");
        let mut client = Client::connect(&url);
        client.sign_in(&emulator);
        assert_eq!(client.get("/workspaces/members").list().len(), 12);
    }
}

#[test]
fn without_public_no_other_machine_reaches_it() {
    let Some(address) = own_address() else { return };
    let emulator = start(Config::default());
    TcpStream::connect(SocketAddr::new(address, port(&emulator))).expect_err("nothing listens there");
    let reached = start(public());
    TcpStream::connect(SocketAddr::new(address, port(&reached))).expect("a connection");
}

#[test]
fn the_certificate_is_valid_for_the_names_that_it_was_given() {
    let names = vec!["kal.test".to_owned(), "192.0.2.7".to_owned()];
    let emulator = start(Config { tls: true, allowed_hosts: names, ..Config::default() });
    let ca = emulator.ca_pem().expect("a CA");
    for name in ["kal.test", "192.0.2.7", "localhost"] {
        Client::connect_tls(emulator.url(), name, ca).expect(name);
    }
    assert!(Client::connect_tls(emulator.url(), "other.test", ca).is_err());
}
