//! `kal_client_options`: how a client is opened.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use super::kit::millis::millis;
use super::kit::pointer::elements;
use super::kit::text;
use super::kit::versioned::{self, Versioned};
use super::token_provider::{HostTokenProvider, kal_token_provider};
use crate::config::Settings;
use crate::error::{Error, Result};

/// A header that is sent with every request.
#[repr(C)]
pub struct kal_header {
    /// The header's name.
    pub name: *const c_char,
    /// The header's value, of at most 16 KiB; never shown in errors or logs.
    pub value: *const c_char,
}

/// Take the proxy from the environment, as curl does: `https_proxy` or `HTTPS_PROXY` for an https server, `http_proxy` (not
/// `HTTP_PROXY`) for an http one, else `all_proxy` or `ALL_PROXY`, but for the hosts in `no_proxy` or `NO_PROXY`; docs/deploying.md
/// has the details. Read when the client is opened. A variable that counts and is no http or https proxy is refused by its name
/// (`KAL_INVALID_ARGUMENT`), never passed over. Without this flag, and with `proxy_url`, the environment is not looked at.
pub const KAL_CLIENT_PROXY_FROM_ENV: u32 = 1;
/// Do not check the server's certificate. Logged as a warning. For test benches only.
pub const KAL_CLIENT_INSECURE_TLS: u32 = 2;
/// Allow plain http to a host that is not loopback. Without it that is refused: the client secret would travel in clear.
pub const KAL_CLIENT_ALLOW_HTTP: u32 = 4;

/// How a client is opened. Begin with `kal_client_options o = KAL_CLIENT_OPTIONS_INIT;`. Zero means "default" for every
/// field. Everything is copied: nothing needs to outlive `kal_client_open`, except what `iap_user_data` points to.
#[repr(C)]
pub struct kal_client_options {
    /// `sizeof(kal_client_options)`, set by the initialiser.
    pub struct_size: usize,
    /// NULL: environment `KALEIDOSCOPE_API_CLIENT_ID`.
    pub client_id: *const c_char,
    /// NULL: environment `KALEIDOSCOPE_API_CLIENT_SECRET`. At most 16 KiB.
    pub client_secret: *const c_char,
    /// NULL: environment `KALEIDOSCOPE_API_URL`, then `https://api.kaleidoscope.bio`. A path is kept as a prefix.
    pub base_url: *const c_char,
    /// Sent with every request, token requests included; they win over the library's own.
    pub headers: *const kal_header,
    /// The number of `headers`.
    pub headers_len: usize,
    /// A PEM file of certificates that are trusted in addition to the system's roots.
    pub ca_bundle_path: *const c_char,
    /// `http://user:password@host:port` or `https://...`; read as the same text in the environment would be. NULL: no proxy, unless
    /// `KAL_CLIENT_PROXY_FROM_ENV`.
    pub proxy_url: *const c_char,
    /// Put before the library's own user agent.
    pub user_agent: *const c_char,
    /// Name lookup, TCP, a proxy's tunnel and TLS handshakes together; default 10 000. The addresses of a name are tried by turns,
    /// the next one 250 ms after the one before or less, within this time.
    pub connect_timeout_ms: u32,
    /// One whole call: sign-in, retries and waits included; default 60 000. `kal_call_options` may give a call a time of its own,
    /// less or more.
    pub timeout_ms: u32,
    /// Tries per request; default 6, 1 means never retry. See RETRIES at the top of this header.
    pub max_attempts: u32,
    /// `KAL_CLIENT_*`; an unknown flag is refused.
    pub flags: u32,
    /// The longest answer taken, in bytes after decompression; default 256 MiB, at most 4 GiB - 1. The records made of it may
    /// take twice as much besides. `KAL_RESPONSE_TOO_LARGE` beyond either.
    pub max_response_bytes: u64,
    /// 0: cached reads never expire by themselves.
    pub cache_ttl_ms: u64,
    /// Google IAP: called for the ID token. NULL: no IAP.
    pub iap_token_provider: kal_token_provider,
    /// Handed to `iap_token_provider` as it is; must be valid until the client is closed and its last call has returned.
    pub iap_user_data: *mut c_void,
    /// How many requests of this client may be on the wire at once; default 64. More wait their turn, under their deadline.
    pub max_in_flight: u32,
    /// Room for a later field; must be 0.
    pub reserved: u32,
    /// The first wait before a request is sent again, in milliseconds; default 250. It doubles from try to try up to 20 s, is four
    /// times as long after a 429, and is shortened at random by up to half.
    pub retry_wait_ms: u64,
}

// SAFETY: integers, raw pointers and an optional function pointer.
unsafe impl Versioned for kal_client_options {}

/// # Safety
/// `options` and everything in it is as the header requires.
pub(super) unsafe fn settings(options: *const kal_client_options) -> Result<Settings> {
    // SAFETY: required of the caller, here and below.
    let Some(options) = (unsafe { versioned::read(options, "options")? }) else { return Ok(Settings::default()) };
    let known = KAL_CLIENT_PROXY_FROM_ENV | KAL_CLIENT_INSECURE_TLS | KAL_CLIENT_ALLOW_HTTP;
    if options.flags & !known != 0 {
        return Err(Error::argument("flags", format_args!("{:#x} is unknown", options.flags & !known)));
    }
    if options.reserved != 0 {
        return Err(Error::argument("reserved", "it must be 0"));
    }
    // SAFETY: as above.
    unsafe {
        Ok(Settings {
            client_id: text::owned(options.client_id, "client_id")?,
            client_secret: text::owned(options.client_secret, "client_secret")?.map(Into::into),
            base_url: text::owned(options.base_url, "base_url")?,
            headers: headers(options.headers, options.headers_len)?,
            ca_bundle_path: text::owned(options.ca_bundle_path, "ca_bundle_path")?.map(Into::into),
            proxy_url: text::owned(options.proxy_url, "proxy_url")?,
            proxy_from_env: options.flags & KAL_CLIENT_PROXY_FROM_ENV != 0,
            insecure_tls: options.flags & KAL_CLIENT_INSECURE_TLS != 0,
            allow_http: options.flags & KAL_CLIENT_ALLOW_HTTP != 0,
            user_agent: text::owned(options.user_agent, "user_agent")?,
            connect_timeout: millis(options.connect_timeout_ms),
            timeout: millis(options.timeout_ms),
            max_attempts: (options.max_attempts != 0).then_some(options.max_attempts),
            retry_wait: (options.retry_wait_ms != 0).then(|| Duration::from_millis(options.retry_wait_ms)),
            max_response_bytes: (options.max_response_bytes != 0).then_some(options.max_response_bytes),
            cache_ttl: (options.cache_ttl_ms != 0).then(|| Duration::from_millis(options.cache_ttl_ms)),
            max_in_flight: (options.max_in_flight != 0).then_some(options.max_in_flight),
            iap: HostTokenProvider::shared(options.iap_token_provider, options.iap_user_data),
        })
    }
}

/// # Safety
/// `headers` is NULL or points to `len` headers of NUL-terminated strings.
unsafe fn headers(headers: *const kal_header, len: usize) -> Result<Vec<(String, String)>> {
    // SAFETY: required of the caller.
    let headers = unsafe { elements(headers, len, "headers")? };
    let part = |text, index: usize, name: &str| {
        // SAFETY: required of the caller.
        unsafe { text::required(text, &format!("headers[{index}].{name}")) }.map(str::to_owned)
    };
    headers
        .iter()
        .enumerate()
        .map(|(index, header)| Ok((part(header.name, index, "name")?, part(header.value, index, "value")?)))
        .collect()
}
