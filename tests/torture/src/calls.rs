//! Makes calls as a C program does: through the exported functions, with their statuses and texts.
#![allow(unsafe_code, reason = "it calls the C API")]

use std::ffi::{CStr, CString, c_char};
use std::{mem, ptr};

use kaleidoscope::ffi::cache::kal_client_clear_caches;
use kaleidoscope::ffi::call::kal_call;
use kaleidoscope::ffi::call_options::kal_call_options;
use kaleidoscope::ffi::cancel::{kal_cancel_close, kal_cancel_fire, kal_cancel_open};
use kaleidoscope::ffi::client::{kal_client_close, kal_client_open, kal_client_stats, kal_stats};
use kaleidoscope::ffi::client_options::{kal_client_options, kal_header};
use kaleidoscope::ffi::completion::kal_completion;
use kaleidoscope::ffi::error::{kal_error_free, kal_error_get};
use kaleidoscope::ffi::events_query::kal_events_query;
use kaleidoscope::ffi::library::kal_shutdown;
use kaleidoscope::ffi::queue::{kal_queue_close, kal_queue_next, kal_queue_open, kal_submit};
use kaleidoscope::ffi::result::{kal_result_free, kal_result_json};
use kaleidoscope::ffi::status::{KAL_NOT_READY, KAL_OK, kal_status, kal_status_name};
use kaleidoscope::ffi::token_provider::kal_token_provider;
use kaleidoscope::ffi::types::{kal_cancel, kal_client, kal_error, kal_queue, kal_result};
use kaleidoscope::ffi::workspace::{
    kal_workspace_get_events, kal_workspace_get_groups, kal_workspace_get_groups_by_ids, kal_workspace_get_members,
    kal_workspace_get_members_by_ids, kal_workspace_get_workspace,
};

const NO_ERROR: kal_error = kal_error { id: 0 };
const NO_RESULT: kal_result = kal_result { id: 0 };

/// The options of a client; the defaults suit most tests.
#[derive(Clone)]
pub struct Opening {
    /// The server's URL.
    pub base_url: String,
    /// Of the credentials.
    pub client_id: String,
    /// Of the credentials.
    pub client_secret: String,
    /// Sent with every request.
    pub headers: Vec<(String, String)>,
    /// A CA bundle.
    pub ca_bundle_path: Option<String>,
    /// A proxy.
    pub proxy_url: Option<String>,
    /// 0: the library's default.
    pub connect_timeout_ms: u32,
    /// 0: the library's default.
    pub timeout_ms: u32,
    /// 0: the library's default.
    pub max_attempts: u32,
    /// 0: the library's default.
    pub retry_wait_ms: u64,
    /// 0: the library's default.
    pub max_response_bytes: u64,
    /// 0: the library's default.
    pub max_in_flight: u32,
    /// `KAL_CLIENT_*`
    pub flags: u32,
    /// Google IAP.
    pub iap_token_provider: kal_token_provider,
}

impl Opening {
    /// For a server at `base_url`.
    pub fn at(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            client_id: "demo-client".into(),
            client_secret: "demo-secret".into(),
            headers: Vec::new(),
            ca_bundle_path: None,
            proxy_url: None,
            connect_timeout_ms: 0,
            timeout_ms: 0,
            max_attempts: 0,
            retry_wait_ms: 0,
            max_response_bytes: 0,
            max_in_flight: 0,
            flags: 0,
            iap_token_provider: None,
        }
    }
}

/// The methods of the workspace service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `workspace.get_workspace`
    Workspace,
    /// `workspace.get_members`
    Members,
    /// `workspace.get_members_by_ids`
    MembersByIds,
    /// `workspace.get_groups`
    Groups,
    /// `workspace.get_groups_by_ids`
    GroupsByIds,
    /// `workspace.get_events`
    Events,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Workspace, Self::Members, Self::MembersByIds, Self::Groups, Self::GroupsByIds, Self::Events];

    /// The path of its request.
    pub fn path(self) -> &'static str {
        match self {
            Self::Workspace => "/workspaces/active",
            Self::Members | Self::MembersByIds => "/workspaces/members",
            Self::Groups | Self::GroupsByIds => "/workspaces/groups",
            Self::Events => "/workspaces/events",
        }
    }

    fn name(self) -> &'static CStr {
        match self {
            Self::Workspace => c"workspace.get_workspace",
            Self::Members => c"workspace.get_members",
            Self::MembersByIds => c"workspace.get_members_by_ids",
            Self::Groups => c"workspace.get_groups",
            Self::GroupsByIds => c"workspace.get_groups_by_ids",
            Self::Events => c"workspace.get_events",
        }
    }

    fn params(self) -> &'static CStr {
        match self {
            Self::MembersByIds | Self::GroupsByIds => cr#"{"ids":["id-1","unknown"]}"#,
            _ => c"{}",
        }
    }
}

/// The ways to make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryPoint {
    /// The method's own function.
    Typed,
    /// `kal_call`
    Json,
    /// `kal_submit` and a queue.
    Queue,
}

impl EntryPoint {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Typed, Self::Json, Self::Queue];
}

/// The outcome of a call, as C sees it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The status that the function returned, or that of the completion.
    pub status: kal_status,
    /// The result's JSON text.
    pub json: Option<String>,
    /// `kal_error_info`'s fields.
    pub http_status: i32,
    /// Attempts made.
    pub attempts: i32,
    /// Whether the call may be retried.
    pub retryable: bool,
    /// The server's `Retry-After`.
    pub retry_after_ms: i64,
    /// Every string of the error, in the header's order: message, method, url, code, `request_id`, body.
    pub texts: [Option<Vec<u8>>; 6],
}

impl Outcome {
    /// Path and query of the request that failed.
    pub fn url(&self) -> String {
        self.texts[2].as_deref().map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default()
    }

    /// The error's message.
    pub fn message(&self) -> String {
        self.texts[0].as_deref().map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default()
    }
}

/// The name of a status, with its number if the name is generic.
pub fn name(status: kal_status) -> String {
    // SAFETY: the name is static.
    let name = unsafe { CStr::from_ptr(kal_status_name(status)) }.to_string_lossy();
    if name.contains("HTTP_") { format!("{name} {status}") } else { name.into_owned() }
}

/// A client; closed when dropped.
pub struct Client(kal_client);

/// A cancel handle; closed when dropped.
pub struct Cancel(kal_cancel);

/// A queue; closed when dropped.
pub struct Queue(kal_queue);

/// How one call is made.
#[derive(Clone, Copy, Default)]
pub struct How<'a> {
    /// 0: the client's.
    pub timeout_ms: u32,
    /// `KAL_CACHE_*`
    pub cache: i32,
    /// Cancels it.
    pub cancel: Option<&'a Cancel>,
}

impl How<'_> {
    fn options(&self) -> kal_call_options {
        kal_call_options {
            struct_size: size_of::<kal_call_options>(),
            timeout_ms: self.timeout_ms,
            cache: self.cache,
            cancel: self.cancel.map_or(kal_cancel { id: 0 }, |cancel| cancel.0),
        }
    }
}

fn text(text: &str) -> CString {
    CString::new(text).expect("no NUL in it")
}

fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_ptr())
}

impl Client {
    /// Opens a client.
    ///
    /// # Errors
    ///
    /// The error of `kal_client_open`.
    pub fn open(opening: &Opening) -> Result<Self, Box<Outcome>> {
        let (id, secret, url) = (text(&opening.client_id), text(&opening.client_secret), text(&opening.base_url));
        let (ca, proxy) = (opening.ca_bundle_path.as_deref().map(text), opening.proxy_url.as_deref().map(text));
        let named: Vec<_> = opening.headers.iter().map(|(name, value)| (text(name), text(value))).collect();
        let headers: Vec<_> =
            named.iter().map(|(name, value)| kal_header { name: name.as_ptr(), value: value.as_ptr() }).collect();
        // SAFETY: all zero is "default" for every field.
        let mut options: kal_client_options = unsafe { mem::zeroed() };
        options.struct_size = size_of::<kal_client_options>();
        options.client_id = id.as_ptr();
        options.client_secret = secret.as_ptr();
        options.base_url = url.as_ptr();
        options.headers = headers.as_ptr();
        options.headers_len = headers.len();
        options.ca_bundle_path = pointer(ca.as_ref());
        options.proxy_url = pointer(proxy.as_ref());
        options.connect_timeout_ms = opening.connect_timeout_ms;
        options.timeout_ms = opening.timeout_ms;
        options.max_attempts = opening.max_attempts;
        options.retry_wait_ms = opening.retry_wait_ms;
        options.max_response_bytes = opening.max_response_bytes;
        options.max_in_flight = opening.max_in_flight;
        options.flags = opening.flags;
        options.iap_token_provider = opening.iap_token_provider;
        let (mut client, mut error) = (kal_client { id: 0 }, NO_ERROR);
        // SAFETY: everything that the options point to is valid until the end of the call.
        let status = unsafe { kal_client_open(&raw const options, &raw mut client, &raw mut error) };
        if status == KAL_OK { Ok(Self(client)) } else { Err(Box::new(outcome(status, NO_RESULT, error))) }
    }

    /// Makes a call and waits for its end.
    pub fn call(&self, entry_point: EntryPoint, method: Method, how: How<'_>) -> Outcome {
        match entry_point {
            EntryPoint::Typed => self.typed(method, how),
            EntryPoint::Json => self.json(method.name(), method.params(), how),
            EntryPoint::Queue => {
                let queue = Queue::open();
                match self.submit(&queue, method, how) {
                    KAL_OK => queue.next(u32::MAX).expect("a completion"),
                    status => Outcome { status, ..Outcome::default() },
                }
            }
        }
    }

    /// Fetches events of one resource type, which the server sees in the query.
    pub fn events_of(&self, resource_type: &str, how: How<'_>) -> Outcome {
        let params = text(&serde_json::json!({"resource_type": resource_type}).to_string());
        self.json(Method::Events.name(), &params, how)
    }

    fn json(&self, method: &CStr, params: &CStr, how: How<'_>) -> Outcome {
        let (options, mut result, mut error) = (how.options(), NO_RESULT, NO_ERROR);
        // SAFETY: the texts and the options are valid until the end of the call.
        let status = unsafe {
            kal_call(self.0, method.as_ptr(), params.as_ptr(), &raw const options, &raw mut result, &raw mut error)
        };
        outcome(status, result, error)
    }

    fn typed(&self, method: Method, how: How<'_>) -> Outcome {
        let (options, mut result, mut error) = (how.options(), NO_RESULT, NO_ERROR);
        let (options, r, e) = (&raw const options, &raw mut result, &raw mut error);
        let ids = [c"id-1".as_ptr(), c"unknown".as_ptr()];
        // SAFETY: an all-zero query has no filters.
        let mut query: kal_events_query = unsafe { mem::zeroed() };
        query.struct_size = size_of::<kal_events_query>();
        // SAFETY: every pointer is valid until the end of the call.
        let status = unsafe {
            match method {
                Method::Workspace => kal_workspace_get_workspace(self.0, options, r, e),
                Method::Members => kal_workspace_get_members(self.0, options, r, e),
                Method::MembersByIds => {
                    kal_workspace_get_members_by_ids(self.0, ids.as_ptr(), ids.len(), options, r, e)
                }
                Method::Groups => kal_workspace_get_groups(self.0, options, r, e),
                Method::GroupsByIds => kal_workspace_get_groups_by_ids(self.0, ids.as_ptr(), ids.len(), options, r, e),
                Method::Events => kal_workspace_get_events(self.0, &raw const query, options, r, e),
            }
        };
        outcome(status, result, error)
    }

    /// Submits a call.
    pub fn submit(&self, queue: &Queue, method: Method, how: How<'_>) -> kal_status {
        let (options, mut error) = (how.options(), NO_ERROR);
        // SAFETY: the texts and the options are valid until the end of the call.
        let status = unsafe {
            kal_submit(
                self.0,
                method.name().as_ptr(),
                method.params().as_ptr(),
                &raw const options,
                queue.0,
                ptr::null_mut(),
                &raw mut error,
            )
        };
        kal_error_free(error);
        status
    }

    /// The raw handle, for functions without a method here.
    pub fn handle(&self) -> kal_client {
        self.0
    }

    /// Clears the caches.
    pub fn clear_caches(&self) -> kal_status {
        // SAFETY: the error may be NULL.
        unsafe { kal_client_clear_caches(self.0, ptr::null_mut()) }
    }

    /// The client's statistics.
    pub fn stats(&self) -> kal_stats {
        let mut figures = kal_stats { struct_size: size_of::<kal_stats>(), ..kal_stats::default() };
        // SAFETY: the struct is ours.
        let status = unsafe { kal_client_stats(self.0, &raw mut figures, ptr::null_mut()) };
        assert_eq!(status, KAL_OK);
        figures
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        kal_client_close(self.0);
    }
}

impl Default for Cancel {
    fn default() -> Self {
        let mut cancel = kal_cancel { id: 0 };
        // SAFETY: the handle is ours.
        let status = unsafe { kal_cancel_open(&raw mut cancel, ptr::null_mut()) };
        assert_eq!(status, KAL_OK);
        Self(cancel)
    }
}

impl Cancel {
    /// Cancels.
    pub fn fire(&self) {
        kal_cancel_fire(self.0);
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        kal_cancel_close(self.0);
    }
}

impl Queue {
    /// Opens a queue.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub fn open() -> Self {
        let mut queue = kal_queue { id: 0 };
        // SAFETY: the handle is ours.
        let status = unsafe { kal_queue_open(&raw mut queue, ptr::null_mut()) };
        assert_eq!(status, KAL_OK);
        Self(queue)
    }

    /// The next completion, if one arrives in time.
    pub fn next(&self, timeout_ms: u32) -> Option<Outcome> {
        // SAFETY: all zero is an empty completion.
        let mut completion: kal_completion = unsafe { mem::zeroed() };
        completion.struct_size = size_of::<kal_completion>();
        let mut error = NO_ERROR;
        // SAFETY: the struct and the handle are ours.
        let status = unsafe { kal_queue_next(self.0, timeout_ms, &raw mut completion, &raw mut error) };
        match status {
            KAL_OK => Some(outcome(completion.status, completion.result, completion.error)),
            KAL_NOT_READY => None,
            _ => Some(outcome(status, NO_RESULT, error)),
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        kal_queue_close(self.0);
    }
}

/// Ends the library's thread.
pub fn shutdown() -> kal_status {
    kal_shutdown(10_000)
}

/// Reads and frees the result or the error of a call.
fn outcome(status: kal_status, result: kal_result, error: kal_error) -> Outcome {
    let mut outcome = Outcome { status, retry_after_ms: -1, ..Outcome::default() };
    let mut len = 0;
    // SAFETY: the text is valid until the result is freed, and has the length that was written.
    let json = unsafe {
        kal_result_json(result, &raw mut len)
            .cast::<u8>()
            .as_ref()
            .map(|first| std::slice::from_raw_parts(ptr::from_ref(first), len))
    };
    outcome.json = json.map(|json| String::from_utf8_lossy(json).into_owned());
    // SAFETY: the struct and its strings are valid until the error is freed.
    if let Some(info) = unsafe { kal_error_get(error).as_ref() } {
        assert_eq!(info.status, status, "the error's status differs from the call's");
        outcome.http_status = info.http_status;
        outcome.attempts = info.attempts;
        outcome.retryable = info.retryable;
        outcome.retry_after_ms = info.retry_after_ms;
        // SAFETY: as above.
        let read = |text: *const c_char| (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes().to_vec());
        let body = (!info.body.is_null()).then(|| {
            // SAFETY: as above; a body may hold NULs.
            unsafe { std::slice::from_raw_parts(info.body.cast::<u8>(), info.body_len) }.to_vec()
        });
        outcome.texts =
            [read(info.message), read(info.method), read(info.url), read(info.code), read(info.request_id), body];
    }
    kal_result_free(result);
    kal_error_free(error);
    outcome
}
