//! `kal_client_options`: how a client is opened.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use super::kit::millis::millis;
use super::kit::pointer::elements;
use super::kit::text;
use super::kit::versioned::{self, Versioned, size_through};
use super::logger::{Sink, kal_log_callback};
use super::token_provider::{HostTokenProvider, kal_token_provider};
use crate::config::Settings;
use crate::error::{Error, Result};

/// An HTTP header to send with every request.
///
/// Never grows, as arrays of it are passed.
#[repr(C)]
pub struct kal_header {
    /// The name of the header; never NULL.
    pub name: *const c_char,
    /// The value of the header, at most 16 KiB; never NULL, never shown in errors or logs.
    pub value: *const c_char,
}

/// Take the proxy from the environment when the client is opened, by curl's rules; see ENVIRONMENT VARIABLES. A
/// variable that applies and is not a valid http or https proxy is `KAL_INVALID_ARGUMENT` with its name. Ignored when
/// `proxy_url` is set.
pub const KAL_CLIENT_PROXY_FROM_ENV: u32 = 1;
/// Do not verify the server's certificate. Logged as a warning. For tests only.
pub const KAL_CLIENT_INSECURE_TLS: u32 = 2;
/// Allow plain http to a host that is not loopback. Without it, `kal_client_open` refuses such a URL, as the client
/// secret would be sent in clear.
pub const KAL_CLIENT_ALLOW_HTTP: u32 = 4;

/// How to open a client. Start with `kal_client_options o = KAL_CLIENT_OPTIONS_INIT;`. Zero means the default for every
/// field. `kal_client_open` copies everything; only what `iap_user_data` and `log_user_data` point to has to stay valid.
///
/// May grow at its end: `struct_size` says which version the program was compiled with.
#[repr(C)]
pub struct kal_client_options {
    /// `sizeof(kal_client_options)`, set by the initialiser.
    pub struct_size: usize,
    /// NULL: the environment variable `KALEIDOSCOPE_API_CLIENT_ID`.
    pub client_id: *const c_char,
    /// At most 16 KiB. NULL: the environment variable `KALEIDOSCOPE_API_CLIENT_SECRET`.
    pub client_secret: *const c_char,
    /// The API's URL; a path is kept as a prefix. NULL: the environment variable `KALEIDOSCOPE_API_URL`, or else
    /// `https://api.kaleidoscope.bio`.
    pub base_url: *const c_char,
    /// Sent with every request, token requests included; they take precedence over the library's own. NULL when
    /// `headers_len` is 0.
    pub headers: *const kal_header,
    /// The number of `headers`.
    pub headers_len: usize,
    /// A PEM file of certificates to trust in addition to the system's. NULL: none. First read when the client
    /// connects.
    pub ca_bundle_path: *const c_char,
    /// `http://user:password@host:port` or `https://...`. NULL: no proxy, unless `KAL_CLIENT_PROXY_FROM_ENV` is set.
    pub proxy_url: *const c_char,
    /// Put before the library's own user agent. NULL: only the library's.
    pub user_agent: *const c_char,
    /// Milliseconds for name lookup, TCP, a proxy's tunnel and TLS handshakes together; default 10,000. The addresses
    /// of a name are tried in turn within this time, at intervals of at most 250 ms.
    pub connect_timeout_ms: u32,
    /// Milliseconds for one whole call, sign-in, retries and waits included; default 60,000. `KAL_WAIT_FOREVER`: no
    /// limit. `kal_call_options` can set another time, shorter or longer, for a call.
    pub timeout_ms: u32,
    /// Attempts for each request; default 6, 1 disables retries. See RETRIES.
    pub max_attempts: u32,
    /// `KAL_CLIENT_*` flags, combined with `|`. Unknown flags are `KAL_INVALID_ARGUMENT`.
    pub flags: u32,
    /// The largest response to accept, in bytes after decompression; default 256 MiB, at most 4 GiB - 1. The records
    /// made from it may need twice as much in addition. Beyond either, the call fails with `KAL_RESPONSE_TOO_LARGE`.
    pub max_response_bytes: u64,
    /// Milliseconds for which a cached read is used; 0: until it is refreshed or cleared. See CACHE.
    pub cache_ttl_ms: u64,
    /// Google IAP: called for the ID token. NULL: no IAP.
    pub iap_token_provider: kal_token_provider,
    /// Passed to `iap_token_provider`; must stay valid until the client is closed and its last call has returned,
    /// or until `kal_client_shutdown` returns `KAL_OK`.
    pub iap_user_data: *mut c_void,
    /// The number of requests of this client that may be in flight at once, token requests not included; default 64.
    /// Others wait, within their deadline.
    pub max_in_flight: u32,
    /// For a later field; must be 0.
    pub reserved: u32,
    /// Milliseconds before the first retry; default 250. See RETRIES.
    pub retry_wait_ms: u64,
    /// PEM text of certificates to trust in addition to the system's and those of `ca_bundle_path`. NULL: none.
    pub ca_bundle_pem: *const c_char,
    /// A PEM file of the certificate to present to the server (mutual TLS), its intermediates after it. NULL: none,
    /// unless `client_certificate_pem` is set. First read when the client connects, as the key is.
    pub client_certificate_path: *const c_char,
    /// The same as PEM text; one of the two may be set.
    pub client_certificate_pem: *const c_char,
    /// A PEM file of the certificate's private key, not encrypted. NULL: the key is with the certificate, unless
    /// `client_key_pem` is set.
    pub client_key_path: *const c_char,
    /// The same as PEM text; one of the two may be set.
    pub client_key_pem: *const c_char,
    /// The client's name in its log lines: 1 to 64 characters of visible ASCII without spaces. NULL: a number, counted
    /// from 1 in each process.
    pub name: *const c_char,
    /// Receives the log lines of this client, instead of the callback of `kal_set_log`. NULL: that callback does.
    pub log_callback: kal_log_callback,
    /// Passed to `log_callback`; must stay valid until `kal_client_shutdown` returns `KAL_OK`.
    pub log_user_data: *mut c_void,
    /// `KAL_LOG_*`: the least severe lines to pass to `log_callback`; `KAL_LOG_OFF`, which is 0: none.
    pub log_level: i32,
    /// For a later field; must be 0.
    pub reserved_2: u32,
}

// SAFETY: integers, raw pointers and an optional function pointer.
unsafe impl Versioned for kal_client_options {}

/// Initialises a `kal_client_options` as `KAL_CLIENT_OPTIONS_INIT` does, for languages that have no macros of C.
///
/// - `options`: the struct, of which the fields of 0.2.0 are written, also by later versions; see OPTIONS. NULL is
///   ignored.
///
/// Returns: nothing.
///
/// Since: 0.2.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kal_client_options_init(options: *mut kal_client_options) {
    // SAFETY: the pointer is as the header requires.
    unsafe { versioned::init(options, size_through!(kal_client_options, reserved_2)) }
}

/// # Safety
/// `options` and everything in it is as the header requires.
#[cold]
pub(super) unsafe fn settings(options: *const kal_client_options) -> Result<Settings> {
    // SAFETY: required of the caller, here and below.
    let Some(options) = (unsafe { versioned::read(options, "options")? }) else { return Ok(Settings::default()) };
    if options.reserved != 0 {
        return Err(Error::argument("reserved", "it must be 0"));
    }
    if options.reserved_2 != 0 {
        return Err(Error::argument("reserved_2", "it must be 0"));
    }
    let log = Sink::new(options.log_level, options.log_callback, options.log_user_data, "log_level")?;
    // SAFETY: as above.
    let mut settings = unsafe {
        Settings {
            client_id: text::owned(options.client_id, "client_id")?,
            client_secret: text::owned(options.client_secret, "client_secret")?.map(Into::into),
            base_url: text::owned(options.base_url, "base_url")?,
            headers: headers(options.headers, options.headers_len)?,
            ca_bundle_path: text::owned(options.ca_bundle_path, "ca_bundle_path")?.map(Into::into),
            ca_bundle_pem: text::owned(options.ca_bundle_pem, "ca_bundle_pem")?,
            client_certificate_path: text::owned(options.client_certificate_path, "client_certificate_path")?
                .map(Into::into),
            client_certificate_pem: text::owned(options.client_certificate_pem, "client_certificate_pem")?,
            client_key_path: text::owned(options.client_key_path, "client_key_path")?.map(Into::into),
            client_key_pem: text::owned(options.client_key_pem, "client_key_pem")?.map(Into::into),
            proxy_url: text::owned(options.proxy_url, "proxy_url")?,
            user_agent: text::owned(options.user_agent, "user_agent")?,
            connect_timeout: millis(options.connect_timeout_ms),
            timeout: millis(options.timeout_ms),
            max_attempts: (options.max_attempts != 0).then_some(options.max_attempts),
            retry_wait: (options.retry_wait_ms != 0).then(|| Duration::from_millis(options.retry_wait_ms)),
            max_response_bytes: (options.max_response_bytes != 0).then_some(options.max_response_bytes),
            cache_ttl: (options.cache_ttl_ms != 0).then(|| Duration::from_millis(options.cache_ttl_ms)),
            max_in_flight: (options.max_in_flight != 0).then_some(options.max_in_flight),
            iap: HostTokenProvider::shared(options.iap_token_provider, options.iap_user_data),
            name: text::owned(options.name, "name")?,
            log: log.map(Sink::shared),
            ..Settings::default()
        }
    };
    set_flags(&mut settings, options.flags)?;
    Ok(settings)
}

/// Sets what the `KAL_CLIENT_*` flags stand for.
pub(super) fn set_flags(settings: &mut Settings, flags: u32) -> Result<()> {
    let known = KAL_CLIENT_PROXY_FROM_ENV | KAL_CLIENT_INSECURE_TLS | KAL_CLIENT_ALLOW_HTTP;
    if flags & !known != 0 {
        return Err(Error::argument("flags", format_args!("{:#x} is unknown", flags & !known)));
    }
    settings.proxy_from_env = flags & KAL_CLIENT_PROXY_FROM_ENV != 0;
    settings.insecure_tls = flags & KAL_CLIENT_INSECURE_TLS != 0;
    settings.allow_http = flags & KAL_CLIENT_ALLOW_HTTP != 0;
    Ok(())
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
