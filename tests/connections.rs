//! How many connections requests use.

mod common;
#[path = "common/raw.rs"]
mod raw;

use common::get;
use kaleidoscope::Client;
use kaleidoscope::service::workspace::GET_EVENTS;
use raw::{Raw, Then, sized};

/// Red when the pool keeps no connections: 21 of them for one client. Red in one run of ten without `let_pool_take_back`: the
/// request after the sign-in opens a second connection.
#[test]
fn sequential_requests_share_one_connection() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n".to_vec();
    for answer in [sized("200 OK", "", b"[]"), chunked, sized("404 Not Found", "", b"{}")] {
        let server = Raw::answering(answer, Then::GoOn);
        for clients in 1..=20 {
            let client = Client::open(server.settings()).expect("good settings");
            for _ in 0..20 {
                let _ = get(&client, &GET_EVENTS);
            }
            assert_eq!(server.connections(), clients);
            assert_eq!(server.count("/workspaces/events"), 20 * clients);
        }
    }
}
