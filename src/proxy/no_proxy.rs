//! `NO_PROXY`: the hosts that are connected to directly, by curl's rules.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether the list contains a host as in a URL: a name, an IPv4 address, or an IPv6 address in brackets.
pub(super) fn contains(list: &[u8], host: &str) -> bool {
    if list == b"*" {
        return true;
    }
    let mut entries = list.split(|byte| b", \t".contains(byte)).filter(|entry| !entry.is_empty());
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|host| entries.any(|entry| is_in_block(entry, host.to_bits())));
    }
    match host.parse::<Ipv4Addr>() {
        Ok(host) => entries.any(|entry| is_in_block(entry, host.to_bits())),
        Err(_) => entries.any(|entry| is_subdomain(entry, host.as_bytes())),
    }
}

/// Whether a name equals the entry or is a subdomain of it.
fn is_subdomain(entry: &[u8], host: &[u8]) -> bool {
    let entry = entry.strip_suffix(b".").unwrap_or(entry);
    let entry = entry.strip_prefix(b".").unwrap_or(entry);
    let host = host.strip_suffix(b".").unwrap_or(host);
    let Some(before) = host.len().checked_sub(entry.len()) else { return false };
    host[before..].eq_ignore_ascii_case(entry) && (before == 0 || host[before - 1] == b'.')
}

/// An IP address as an integer.
trait Bits: Copy + PartialEq {
    const BITS: u32;

    fn parse(text: &str) -> Option<Self>;

    /// Its first `bits` bits.
    fn first(self, bits: u32) -> Self;
}

impl Bits for u32 {
    const BITS: u32 = u32::BITS;

    fn parse(text: &str) -> Option<Self> {
        text.parse::<Ipv4Addr>().ok().map(Ipv4Addr::to_bits)
    }

    fn first(self, bits: u32) -> Self {
        self >> (Self::BITS - bits)
    }
}

impl Bits for u128 {
    const BITS: u32 = u128::BITS;

    fn parse(text: &str) -> Option<Self> {
        text.parse::<Ipv6Addr>().ok().map(Ipv6Addr::to_bits)
    }

    fn first(self, bits: u32) -> Self {
        self >> (Self::BITS - bits)
    }
}

/// Whether an address equals the entry or is in its CIDR block. A block of 0 bits is a single address, as in curl.
fn is_in_block<A: Bits>(entry: &[u8], host: A) -> bool {
    let Ok(entry) = std::str::from_utf8(entry) else { return false };
    let (address, bits) = match entry.split_once('/') {
        Some((address, bits)) => (address, number(bits)),
        None => (entry, 0),
    };
    let Some(address) = A::parse(address) else { return false };
    match bits {
        0 => host == address,
        bits if bits <= A::BITS => host.first(bits) == address.first(bits),
        _ => false,
    }
}

/// The number that a text begins with, or 0, like `atoi`.
fn number(text: &str) -> u32 {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match &text[..digits] {
        "" if text.starts_with('-') => u32::MAX,
        "" => 0,
        digits => digits.parse().unwrap_or(u32::MAX),
    }
}
