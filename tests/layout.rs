//! Compares the layout of the C structs in Rust with the table that `tests/header/layout.c` asserts for the header.
#![cfg(all(target_pointer_width = "64", unix))]

use std::mem::{align_of, offset_of, size_of};

/// The lines of `layout.def` for these structs.
macro_rules! lines {
    ($($module:ident :: $name:ident { $($field:ident),* })*) => {
        vec![$(
            format!(
                "STRUCT({}, {}, {})",
                stringify!($name),
                size_of::<kaleidoscope::ffi::$module::$name>(),
                align_of::<kaleidoscope::ffi::$module::$name>()
            ),
            $(format!(
                "FIELD({}, {}, {})",
                stringify!($name),
                stringify!($field),
                offset_of!(kaleidoscope::ffi::$module::$name, $field)
            ),)*
        )*]
    };
}

#[test]
fn the_structs_have_the_layout_of_the_header() {
    let table = include_str!("header/layout.def");
    let table =
        table.lines().filter(|line| line.starts_with("STRUCT(") || line.starts_with("FIELD(")).collect::<Vec<_>>();
    let ours = lines! {
        types::kal_client { id }
        types::kal_result { id }
        types::kal_error { id }
        types::kal_stream { id }
        types::kal_queue { id }
        types::kal_cancel { id }
        client_options::kal_header { name, value }
        client_options::kal_client_options {
            struct_size, client_id, client_secret, base_url, headers, headers_len, ca_bundle_path, proxy_url,
            user_agent, connect_timeout_ms, timeout_ms, max_attempts, flags, max_response_bytes, cache_ttl_ms,
            iap_token_provider, iap_user_data, max_in_flight, reserved, retry_wait_ms, ca_bundle_pem, client_certificate_path, client_certificate_pem, client_key_path, client_key_pem,
            name, log_callback, log_user_data, log_level, reserved_2
        }
        client::kal_stats {
            struct_size, requests, retries, token_requests, cache_hits, shared_requests, bytes_received
        }
        call_options::kal_call_options { struct_size, timeout_ms, cache, cancel }
        events_query::kal_events_query {
            struct_size, page, page_size, event_types, event_types_len, resource_type, event_user_ids,
            event_user_ids_len, after_date, before_date
        }
        records::kal_workspace { id, workspace_name }
        records::kal_workspace_user { id, full_name, preferred_name, email, access_level, access_level_name }
        records::kal_workspace_group { id, group_name, email, user_ids, user_ids_len, program_ids, program_ids_len }
        records::kal_workspace_event {
            id, event_type, event_type_version, created_at, created_at_us, event_user_id, full_name, preferred_name,
            resource_id, resource_type, parent_bulk_event_id, event_attrs, is_bot, is_bulk
        }
        error_info::kal_error_info {
            status, http_status, attempts, retryable, retry_after_ms, message, method, url, code, request_id, body,
            body_len
        }
        completion::kal_completion { struct_size, user_data, status, result, error }
    };
    assert_eq!(ours, table);
}
