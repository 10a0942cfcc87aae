//! The command line.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use kal_emulator::{Config, Data, DateBounds, EventOrder, PageZero};

const EXAMPLE: &str = "\
Example: 1000 events, then one request as a client makes it

  $ kal-emulator --port 8080 --events 1000 &
  kal-emulator: ready on http://127.0.0.1:8080
  $ curl -s http://127.0.0.1:8080/auth/oauth/token \\
      -d grant_type=client_credentials -d client_id=demo-client -d client_secret=demo-secret
  {\"access_token\":\"kal-at-...\",\"expires_in\":3600,...}
  $ curl -s -H 'X-Kal-Authorization: Bearer kal-at-...' \\
      'http://127.0.0.1:8080/workspaces/events?page=1&page_size=2'

/echo and every path below it accept any verb and return the request; ?status=422 sets the status

  $ curl -s -X POST -H 'X-Kal-Authorization: Bearer kal-at-...' 'http://127.0.0.1:8080/echo/programs?a=1' -d '{\"title\":\"T\"}'

Make the next two requests for members fail, then show the counts

  $ curl -s http://127.0.0.1:8080/__emulator/faults \\
      -d '{\"path\":\"/workspaces/members\",\"status\":503,\"times\":2,\"headers\":{\"Retry-After\":\"1\"}}'
  $ curl -s http://127.0.0.1:8080/__emulator/counts

Serve two members of one's own, on another port, and let all access tokens expire without waiting

  $ echo '{\"workspace\":{\"id\":\"w\"},\"members\":[{\"id\":\"m1\"},{\"id\":\"m2\"}]}' >data.json
  $ kal-emulator --port 8081 --data data.json &
  kal-emulator: ready on http://127.0.0.1:8081
  $ curl -s -X PUT http://127.0.0.1:8081/__emulator/clock -d '{\"advance_ms\":3600000}'";

/// A local server that implements the Kaleidoscope API, for demos, tests and benchmarks.
///
/// Prints one line when it is ready, `kal-emulator: ready on URL`, and nothing else to standard output. Its data is
/// generated from a seed, or that of a file. Runs until SIGTERM, SIGHUP or an interrupt.
#[derive(Debug, Parser)]
#[command(name = "kal-emulator", version, after_long_help = EXAMPLE, after_help = "See --help for examples.")]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct Arguments {
    /// Address to listen on; loopback only, unless --public, whose default is 0.0.0.0. `localhost` is 127.0.0.1
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", default_value_if("public", "true", "0.0.0.0"))]
    #[arg(value_parser = address, help_heading = "Server")]
    host: IpAddr,
    /// Let other machines send requests: in a container, or on a test network. All of them can control the emulator
    #[arg(long, help_heading = "Server")]
    public: bool,
    /// Name by which requests reach the emulator, besides localhost and its addresses: allowed as the Host of admin
    /// requests, and in the certificate. May be repeated
    #[arg(long, value_name = "NAME", help_heading = "Server")]
    allow_host: Vec<String>,
    /// Port to listen on; 0 selects a free one
    #[arg(long, default_value_t = 0, help_heading = "Server")]
    port: u16,
    /// Server threads, up to 256
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Server")]
    threads: usize,
    /// Serve https with a certificate generated at start, for localhost, 127.0.0.1, `::1` and each --allow-host
    #[arg(long, help_heading = "Server")]
    tls: bool,
    /// Write the CA certificate that clients must trust (PEM) to this file
    #[arg(long, value_name = "FILE", requires = "tls", help_heading = "Server")]
    pub(crate) ca_out: Option<PathBuf>,
    /// Write the base URL to this file when ready; the file is created atomically, and removed at exit. One that is there is
    /// removed first
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    pub(crate) url_file: Option<PathBuf>,
    /// Exit when standard input is closed, so that it does not outlive the test runner
    #[arg(long, help_heading = "Server")]
    pub(crate) exit_with_stdin: bool,
    /// Disable compression of responses
    #[arg(long, help_heading = "Server")]
    no_gzip: bool,
    /// Milliseconds added to every API and token response
    #[arg(long, value_name = "MS", default_value_t = 0, help_heading = "Server")]
    latency: u64,

    /// Client id that the token endpoint accepts
    #[arg(long, value_name = "ID", default_value = "demo-client", help_heading = "Authentication")]
    client_id: String,
    /// Client secret that the token endpoint accepts
    #[arg(long, value_name = "SECRET", default_value = "demo-secret", help_heading = "Authentication")]
    client_secret: String,
    /// Lifetime of access tokens in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, help_heading = "Authentication")]
    expires_in: u64,
    /// Reject requests without `Authorization: Bearer TOKEN`, as Google's Identity-Aware Proxy does
    #[arg(long, value_name = "TOKEN", help_heading = "Authentication")]
    iap_token: Option<String>,

    /// Serve the workspaces in this file (JSON), or a snapshot, in place of generated data
    #[arg(long, value_name = "FILE", conflicts_with_all = ["members", "groups", "events"], help_heading = "Data")]
    data: Option<PathBuf>,
    /// Seed of the generated data
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Data")]
    seed: u64,
    /// Number of workspace members, up to 100000
    #[arg(long, value_name = "N", default_value_t = 12, help_heading = "Data")]
    members: usize,
    /// Number of groups, up to 100000
    #[arg(long, value_name = "N", default_value_t = 4, help_heading = "Data")]
    groups: usize,
    /// Number of events, up to 1000000
    #[arg(long, value_name = "N", default_value_t = 250, help_heading = "Data")]
    events: usize,

    /// Number of the first page, 0 or 1
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Events")]
    first_page: u64,
    /// What page=0 means when the first page is 1: the first page, an error (422), or an empty list
    #[arg(long, value_enum, value_name = "MEANING", default_value = "error", help_heading = "Events")]
    page_zero: PageZero,
    /// Order of events: newest first (desc) or oldest first (asc)
    #[arg(long, value_enum, value_name = "ORDER", default_value = "desc", help_heading = "Events")]
    order: EventOrder,
    /// Whether date bounds are inclusive
    #[arg(long, value_enum, value_name = "BOUNDS", default_value = "inclusive", help_heading = "Events")]
    dates: DateBounds,
    /// Default page size
    #[arg(long, value_name = "N", default_value_t = 100, help_heading = "Events")]
    page_size: u64,
    /// Maximum page size; larger ones are reduced to it
    #[arg(long, value_name = "N", default_value_t = 1000, help_heading = "Events")]
    max_page_size: u64,
}

fn address(text: &str) -> Result<IpAddr, String> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    text.parse().map_err(|_| "it is neither an IP address nor `localhost`".to_owned())
}

fn read_data(file: &Path) -> io::Result<Data> {
    std::fs::read(file).and_then(|text| Data::parse(&text)).map_err(|why| cannot_use(file, &why))
}

fn cannot_use(file: &Path, why: &io::Error) -> io::Error {
    io::Error::new(why.kind(), format!("cannot use {}: {why}", file.display()))
}

impl Arguments {
    /// Puts the name of the file with the data before the reason why they cannot be used.
    pub(crate) fn name_data(&self, why: io::Error) -> io::Error {
        match &self.data {
            Some(file) if why.kind() == io::ErrorKind::InvalidData => cannot_use(file, &why),
            _ => why,
        }
    }

    /// Fails if the file with the data cannot be used.
    pub(crate) fn config(&self) -> io::Result<Config> {
        Ok(Config {
            host: self.host,
            public: self.public,
            allowed_hosts: self.allow_host.clone(),
            port: self.port,
            tls: self.tls,
            client_auth: false,
            threads: self.threads,
            latency: Duration::from_millis(self.latency),
            gzip: !self.no_gzip,
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            expires_in: self.expires_in,
            iap_token: self.iap_token.clone(),
            data: self.data.as_deref().map(read_data).transpose()?,
            seed: self.seed,
            members: self.members,
            groups: self.groups,
            events: self.events,
            first_page: self.first_page,
            page_zero: self.page_zero,
            order: self.order,
            dates: self.dates,
            default_page_size: self.page_size,
            max_page_size: self.max_page_size,
        })
    }
}
