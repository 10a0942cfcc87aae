//! What C passes in, checked and copied. Every refusal names the argument.

use std::ffi::{CStr, c_char};
use std::mem::{MaybeUninit, size_of};
use std::time::Duration;

use super::callbacks::HostTokenProvider;
use super::client::kal_stats;
use super::guard::null;
use super::handles;
use super::options::{
    KAL_CACHE_ONLY, KAL_CACHE_REFRESH, KAL_CACHE_USE, KAL_CLIENT_ALLOW_HTTP, KAL_CLIENT_INSECURE_TLS,
    KAL_CLIENT_PROXY_FROM_ENV, kal_call_options, kal_client_options, kal_events_query, kal_header,
};
use super::queue::kal_completion;
use crate::client::{CacheUse, CallOptions};
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::service::{self, Params, Value};

/// No struct of any version comes near it; a `struct_size` above it is a variable that was never set.
const STRUCT_MOST: usize = 4096;
/// More elements than that are a length that was computed wrongly, not a list.
const ELEMENTS_MOST: usize = 1 << 20;

/// A struct that begins with its own size, and for which all zeros is a valid value.
///
/// # Safety
/// `repr(C)`, a `usize` first, and every field is valid when zeroed.
pub(super) unsafe trait Versioned {}
// SAFETY: integers, raw pointers and an optional function pointer.
unsafe impl Versioned for kal_client_options {}
// SAFETY: integers.
unsafe impl Versioned for kal_call_options {}
// SAFETY: integers and raw pointers.
unsafe impl Versioned for kal_events_query {}
// SAFETY: integers.
unsafe impl Versioned for kal_stats {}
// SAFETY: integers and a raw pointer.
unsafe impl Versioned for kal_completion {}

/// Copies a struct of whatever version the caller was compiled with.
///
/// # Safety
/// `from` is NULL or points to at least as many readable bytes as its `struct_size` says.
unsafe fn read<T: Versioned>(from: *const T, name: &str) -> Result<Option<T>> {
    if from.is_null() {
        return Ok(None);
    }
    // SAFETY: every version of the struct begins with its size.
    let size = unsafe { check_size(from, name)? };
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: the caller vouches for `size` bytes at `from`; `copy` has room for `size_of::<T>()`.
    unsafe { from.cast::<u8>().copy_to_nonoverlapping(copy.as_mut_ptr().cast(), size.min(size_of::<T>())) };
    for unknown in size_of::<T>()..size {
        // SAFETY: within `size`.
        if unsafe { *from.cast::<u8>().add(unknown) } != 0 {
            return Err(Error::argument(
                format_args!("{name}.struct_size"),
                "the struct has fields that this version of the library does not know, and they are not zero",
            ));
        }
    }
    // SAFETY: `Versioned` says that zeros are valid, and what was copied over them is the caller's own.
    Ok(Some(unsafe { copy.assume_init() }))
}

/// # Safety
/// `of` points to a readable `usize`.
unsafe fn check_size<T: Versioned>(of: *const T, name: &str) -> Result<usize> {
    // SAFETY: asked of the caller.
    let size = unsafe { of.cast::<usize>().read() };
    if (size_of::<usize>()..=STRUCT_MOST).contains(&size) {
        Ok(size)
    } else {
        Err(Error::argument(
            format_args!("{name}.struct_size"),
            format_args!("{size} is no size of this struct; begin with its initialiser (KAL_..._INIT)"),
        ))
    }
}

/// A struct that the library fills, as far as the caller knows it.
pub(super) struct OutStruct<T>(*mut T, usize);

impl<T: Versioned> OutStruct<T> {
    /// # Safety
    /// `to` is NULL or points to at least as many writable bytes as its `struct_size` says.
    pub(super) unsafe fn new(to: *mut T, name: &str) -> Result<Self> {
        if to.is_null() {
            return Err(null(name));
        }
        // SAFETY: every version of the struct begins with its size.
        let size = unsafe { check_size(to, name)? };
        Ok(Self(to, size))
    }

    /// Writes everything but the size, which stays the caller's; fields of a later version are zeroed.
    pub(super) fn write(self, value: &T) {
        let (skip, known) = (size_of::<usize>(), self.1.min(size_of::<T>()));
        // SAFETY: `new` was promised `self.1` writable bytes, and `value` has `size_of::<T>()`.
        unsafe {
            let to = self.0.cast::<u8>();
            std::ptr::from_ref(value).cast::<u8>().add(skip).copy_to_nonoverlapping(to.add(skip), known - skip);
            to.add(known).write_bytes(0, self.1 - known);
        }
    }
}

/// # Safety
/// `text` is NULL or a NUL-terminated string that stays as it is for `'a`.
pub(super) unsafe fn optional_text<'a>(text: *const c_char, name: impl std::fmt::Display) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: asked of the caller.
    unsafe { CStr::from_ptr(text) }.to_str().map(Some).map_err(|error| {
        Error::new(ErrorKind::InvalidUtf8, format!("{name}: this is not UTF-8 (at byte {})", error.valid_up_to()))
    })
}

/// # Safety
/// As [`optional_text`].
pub(super) unsafe fn required_text<'a>(text: *const c_char, name: &str) -> Result<&'a str> {
    // SAFETY: asked of the caller.
    unsafe { optional_text(text, name)? }.ok_or_else(|| null(name))
}

/// # Safety
/// `first` is NULL or points to `len` elements.
unsafe fn elements<'a, T>(first: *const T, len: usize, name: &str) -> Result<&'a [T]> {
    if len == 0 {
        return Ok(&[]);
    }
    if len > ELEMENTS_MOST {
        return Err(Error::argument(format_args!("{name}_len"), format_args!("{len} is more than {ELEMENTS_MOST}")));
    }
    if first.is_null() {
        return Err(Error::argument(name, format_args!("NULL is not allowed when {name}_len is {len}")));
    }
    // SAFETY: asked of the caller; not NULL, and the length is sane.
    Ok(unsafe { std::slice::from_raw_parts(first, len) })
}

/// # Safety
/// `texts` is NULL or points to `len` NUL-terminated strings.
pub(super) unsafe fn texts(texts: *const *const c_char, len: usize, name: &str) -> Result<Vec<String>> {
    // SAFETY: asked of the caller.
    let texts = unsafe { elements(texts, len, name)? };
    texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let name = format!("{name}[{index}]");
            // SAFETY: asked of the caller.
            unsafe { required_text(*text, &name) }.map(str::to_owned)
        })
        .collect()
}

pub(super) fn millis(ms: u32) -> Option<Duration> {
    (ms != 0).then(|| Duration::from_millis(ms.into()))
}

/// # Safety
/// `options` and everything in it is as the header asks.
pub(super) unsafe fn client_options(options: *const kal_client_options) -> Result<Settings> {
    // SAFETY: asked of the caller, here and below.
    let Some(options) = (unsafe { read(options, "options")? }) else { return Ok(Settings::default()) };
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
            client_id: owned(options.client_id, "client_id")?,
            client_secret: owned(options.client_secret, "client_secret")?.map(Into::into),
            base_url: owned(options.base_url, "base_url")?,
            headers: headers(options.headers, options.headers_len)?,
            ca_bundle_path: owned(options.ca_bundle_path, "ca_bundle_path")?.map(Into::into),
            proxy_url: owned(options.proxy_url, "proxy_url")?,
            proxy_from_env: options.flags & KAL_CLIENT_PROXY_FROM_ENV != 0,
            insecure_tls: options.flags & KAL_CLIENT_INSECURE_TLS != 0,
            allow_http: options.flags & KAL_CLIENT_ALLOW_HTTP != 0,
            user_agent: owned(options.user_agent, "user_agent")?,
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
/// As [`optional_text`].
unsafe fn owned(text: *const c_char, name: &str) -> Result<Option<String>> {
    // SAFETY: asked of the caller.
    Ok(unsafe { optional_text(text, name)? }.map(str::to_owned))
}

/// # Safety
/// `headers` is NULL or points to `len` headers of NUL-terminated strings.
unsafe fn headers(headers: *const kal_header, len: usize) -> Result<Vec<(String, String)>> {
    // SAFETY: asked of the caller.
    let headers = unsafe { elements(headers, len, "headers")? };
    let text = |text, index: usize, part: &str| {
        // SAFETY: asked of the caller.
        unsafe { required_text(text, &format!("headers[{index}].{part}")) }.map(str::to_owned)
    };
    headers
        .iter()
        .enumerate()
        .map(|(index, header)| Ok((text(header.name, index, "name")?, text(header.value, index, "value")?)))
        .collect()
}

/// # Safety
/// `options` is as the header asks.
pub(super) unsafe fn call_options(options: *const kal_call_options) -> Result<CallOptions> {
    // SAFETY: asked of the caller.
    let Some(options) = (unsafe { read(options, "options")? }) else { return Ok(CallOptions::default()) };
    Ok(CallOptions {
        timeout: millis(options.timeout_ms),
        cache: match options.cache {
            KAL_CACHE_USE => CacheUse::Use,
            KAL_CACHE_REFRESH => CacheUse::Refresh,
            KAL_CACHE_ONLY => CacheUse::Only,
            other => return Err(Error::argument("options.cache", format_args!("{other} is no KAL_CACHE_*"))),
        },
        cancel: if options.cancel.id == 0 { None } else { Some(handles::get(options.cancel)?) },
    })
}

/// # Safety
/// `query` and everything in it is as the header asks.
pub(super) unsafe fn events_query(params: &mut Params, query: *const kal_events_query) -> Result<()> {
    // SAFETY: asked of the caller, here and below.
    let Some(query) = (unsafe { read(query, "query")? }) else { return Ok(()) };
    for (name, count) in [("page", query.page), ("page_size", query.page_size)] {
        if count != 0 {
            params.set(name, Value::Count(count.into()))?;
        }
    }
    let lists = [
        ("event_types", query.event_types, query.event_types_len),
        ("event_user_ids", query.event_user_ids, query.event_user_ids_len),
    ];
    for (name, first, len) in lists {
        // SAFETY: as above.
        let given = unsafe { texts(first, len, name)? };
        if !given.is_empty() {
            params.set(name, Value::TextList(given))?;
        }
    }
    let single =
        [("resource_type", query.resource_type), ("after_date", query.after_date), ("before_date", query.before_date)];
    for (name, text) in single {
        // SAFETY: as above.
        if let Some(text) = unsafe { owned(text, name)? } {
            params.set(name, Value::Text(text))?;
        }
    }
    Ok(())
}

/// The parameters of a call through the JSON door.
///
/// # Safety
/// `params_json` is NULL or a NUL-terminated string.
pub(super) unsafe fn json_params(method: &str, params_json: *const c_char) -> Result<Params> {
    let operation = service::operation(method).ok_or_else(|| service::unknown_method(method))?;
    // SAFETY: asked of the caller.
    let text = unsafe { optional_text(params_json, "params_json")? };
    Params::from_json(operation, text.unwrap_or_default())
}

/// # Safety
/// `ids` is NULL or points to `len` NUL-terminated strings.
pub(super) unsafe fn ids_param(params: &mut Params, ids: *const *const c_char, len: usize) -> Result<()> {
    // SAFETY: asked of the caller.
    params.set("ids", Value::TextList(unsafe { texts(ids, len, "ids")? }))
}
