//! The option structs, as C sees them. `arguments.rs` reads them.

use std::ffi::{c_char, c_void};

use super::status::kal_status;
use super::types::kal_cancel;

/// A header that is sent with every request.
#[repr(C)]
pub struct kal_header {
    /// The header's name.
    pub name: *const c_char,
    /// The header's value, of at most 16 KiB; never shown in errors or logs.
    pub value: *const c_char,
}

/// Gives the Google IAP ID token, for servers behind an identity-aware proxy.
///
/// Writes at most `capacity` bytes of token (16 KiB; no NUL needed) to `buffer`, its length to `length`, and returns `KAL_OK`; any
/// other status fails the call with `KAL_AUTH_FAILED`. Called on the thread that makes a call (never on the library's own),
/// before the request is sent, by one thread at a time. It is asked again after 50 minutes (time that the machine slept counts),
/// earlier where the token is a JWT whose `exp` comes earlier, and when the proxy refuses the token.
///
/// That is a 401, a 403 or a redirect to its login that Google's proxy marks as its own, a 403 that is no JSON object, a 401 or 403
/// that remains after the library has signed in anew, or one of the token endpoint without an OAuth error code. A call that blocks,
/// `kal_stream_next` included, asks for another token then and is repeated once. What was submitted fails with that status, and
/// is `retryable` if the token was good before: the next submission asks.
///
/// The other calls of the client wait for what that thread gets, and share its failure; `kal_submit` and
/// `kal_stream_submit_next` return at once. Their deadlines, their cancels and `kal_client_close` hold meanwhile. The call on
/// whose thread the function runs cannot be interrupted, but the time counts: it ends with `KAL_TIMED_OUT` afterwards if it has
/// none left.
///
/// The function must return: no `longjmp`, no exception. Within it, and within a log callback, every call on any client that
/// would wait or needs a token from a provider gives `KAL_WOULD_DEADLOCK`; what is cached can be read.
pub type kal_token_provider = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        buffer: *mut c_char,
        capacity: usize,
        length: *mut usize,
    ) -> kal_status,
>;

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

/// Answer from the cache, and ask the server only when nothing is there.
pub const KAL_CACHE_USE: i32 = 0;
/// Ask the server and keep the answer. When none comes (the request fails, or everybody who waits for it gives up, out of time
/// or cancelled), what was cached is dropped. A call that fails before it asks leaves the cache as it is.
pub const KAL_CACHE_REFRESH: i32 = 1;
/// Never ask the server: `KAL_NOT_FOUND` where nothing is cached.
pub const KAL_CACHE_ONLY: i32 = 2;

/// How one call is made. NULL wherever it is taken: all defaults.
#[repr(C)]
pub struct kal_call_options {
    /// `sizeof(kal_call_options)`, set by the initialiser.
    pub struct_size: usize,
    /// For the whole call, in milliseconds; 0: the client's.
    pub timeout_ms: u32,
    /// `KAL_CACHE_*`. Calls that are not cached take no notice of it, but `KAL_CACHE_ONLY` gives `KAL_NOT_FOUND`.
    pub cache: i32,
    /// Cancels the call when fired; none: it cannot be cancelled.
    pub cancel: kal_cancel,
}

/// Which events to get. Unset filters are not sent. NULL wherever it is taken: no filter.
#[repr(C)]
pub struct kal_events_query {
    /// `sizeof(kal_events_query)`, set by the initialiser.
    pub struct_size: usize,
    /// The page's number; 0: not sent, the server gives its first page.
    pub page: i32,
    /// Events a page; 0: not sent, the server decides.
    pub page_size: i32,
    /// Only events of these types, such as `"create"`.
    pub event_types: *const *const c_char,
    /// The number of `event_types`; 0: not sent.
    pub event_types_len: usize,
    /// Only events about resources of this type, such as `"task"`.
    pub resource_type: *const c_char,
    /// Only events of these users.
    pub event_user_ids: *const *const c_char,
    /// The number of `event_user_ids`; 0: not sent.
    pub event_user_ids_len: usize,
    /// RFC 3339, or a bare date; checked before anything is sent. Whether the bound is inclusive is the server's affair.
    pub after_date: *const c_char,
    /// As `after_date`.
    pub before_date: *const c_char,
}
