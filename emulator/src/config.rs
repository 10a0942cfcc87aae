//! The options of an emulator.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::data::Data;

pub(crate) const MAX_MEMBERS: usize = 100_000;
pub(crate) const MAX_GROUPS: usize = 100_000;
pub(crate) const MAX_EVENTS: usize = 1_000_000;

/// The options of the emulator; the command line sets the same fields.
///
/// ```
/// let config = kal_emulator::Config { events: 1000, first_page: 0, ..Default::default() };
/// ```
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Config {
    /// Address to listen on; a loopback address unless `public`. Default 127.0.0.1.
    pub host: IpAddr,
    /// Let `host` be an address that other machines reach. Admin requests may then have an IP address as their `Host`.
    /// Default false.
    pub public: bool,
    /// Names, besides `localhost` and loopback addresses, that the `Host` of admin requests may have, and that the
    /// certificate is valid for. Default none.
    pub allowed_hosts: Vec<String>,
    /// Port to listen on; 0 selects a free one. Default 0.
    pub port: u16,
    /// Serve https with a certificate generated at start, valid for `localhost`, 127.0.0.1, `::1` and `allowed_hosts`.
    /// Default false.
    pub tls: bool,
    /// With `tls`: refuse clients without a certificate of the emulator's CA.
    pub client_auth: bool,
    /// Server threads, from 1 to 256. Default 1.
    pub threads: usize,
    /// Time added to every API and token response. Default none.
    pub latency: Duration,
    /// Compress bodies over 1 KiB for clients that accept gzip. Default true.
    pub gzip: bool,
    /// The client id that the token endpoint accepts. Default `demo-client`.
    pub client_id: String,
    /// The client secret that the token endpoint accepts. Default `demo-secret`.
    pub client_secret: String,
    /// Lifetime of access tokens in seconds. Default 3600.
    pub expires_in: u64,
    /// If set, requests without `Authorization: Bearer <this>` are rejected. Default none.
    pub iap_token: Option<String>,
    /// Served in place of generated data; `members`, `groups` and `events` have no effect then. Default none.
    pub data: Option<Data>,
    /// Seed of the generated data. Default 1.
    pub seed: u64,
    /// Number of workspace members, up to 100,000. Default 12.
    pub members: usize,
    /// Number of groups, up to 100,000. Default 4.
    pub groups: usize,
    /// Number of events, up to 1,000,000. Default 250.
    pub events: usize,
    /// Number of the first page of events, 0 or 1. Default 1.
    pub first_page: u64,
    /// What `page=0` means when the first page is 1. Default [`PageZero::Error`].
    pub page_zero: PageZero,
    /// Order of events. Default [`EventOrder::Desc`].
    pub order: EventOrder,
    /// Whether `after_date` and `before_date` are inclusive. Default [`DateBounds::Inclusive`].
    pub dates: DateBounds,
    /// Default page size. Default 100.
    pub default_page_size: u64,
    /// Maximum page size; larger ones are reduced to it. Default 1000.
    pub max_page_size: u64,
}

/// What `page=0` means when the first page is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PageZero {
    /// The first page.
    First,
    /// A validation error (422).
    Error,
    /// An empty list.
    Empty,
}

/// Order of events in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum EventOrder {
    /// Newest first.
    Desc,
    /// Oldest first.
    Asc,
}

/// Whether date bounds are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DateBounds {
    /// An event at the bound matches.
    Inclusive,
    /// An event at the bound does not match.
    Exclusive,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            public: false,
            allowed_hosts: Vec::new(),
            port: 0,
            tls: false,
            client_auth: false,
            threads: 1,
            latency: Duration::ZERO,
            gzip: true,
            client_id: "demo-client".into(),
            client_secret: "demo-secret".into(),
            expires_in: 3600,
            iap_token: None,
            data: None,
            seed: 1,
            members: 12,
            groups: 4,
            events: 250,
            first_page: 1,
            page_zero: PageZero::Error,
            order: EventOrder::Desc,
            dates: DateBounds::Inclusive,
            default_page_size: 100,
            max_page_size: 1000,
        }
    }
}

impl Config {
    /// Returns what is wrong with the options, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        let at_most = |name: &str, value: usize, max: usize| {
            if value > max { Err(format!("{name} is {value}, the maximum is {max}")) } else { Ok(()) }
        };
        if !self.host.is_loopback() && !self.public {
            let host = self.host;
            return Err(format!(
                "other machines reach {host}, which is not a loopback address: allow that with `public`"
            ));
        }
        if let Some(host) = self.allowed_hosts.iter().find(|host| !is_host(host)) {
            return Err(format!("{host:?} is neither a host name nor an IP address, without a port"));
        }
        at_most("threads", self.threads, 256)?;
        at_most("members", self.members, MAX_MEMBERS)?;
        at_most("groups", self.groups, MAX_GROUPS)?;
        at_most("events", self.events, MAX_EVENTS)?;
        if self.first_page > 1 {
            return Err(format!("first_page is {}, it must be 0 or 1", self.first_page));
        }
        if self.threads == 0 || self.default_page_size == 0 || self.max_page_size == 0 {
            return Err("threads, default_page_size and max_page_size must be at least 1".into());
        }
        Ok(())
    }
}

fn is_host(text: &str) -> bool {
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    text.parse::<IpAddr>().is_ok() || !text.is_empty() && is_name(text)
}
