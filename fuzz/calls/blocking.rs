//! Clients and blocking calls.

use std::ffi::{CStr, CString};
use std::sync::OnceLock;

use kal_emulator::{Config, Emulator};
use kaleidoscope::ffi::cache::kal_client_clear_caches;
use kaleidoscope::ffi::call::kal_call;
use kaleidoscope::ffi::client::{kal_client_close, kal_client_open, kal_client_stats, kal_stats};
use kaleidoscope::ffi::client_options::kal_client_options;
use kaleidoscope::ffi::result::{
    kal_result_json, kal_result_workspace, kal_result_workspace_events, kal_result_workspace_groups,
    kal_result_workspace_users,
};
use kaleidoscope::ffi::types::{kal_client, kal_error, kal_result};
use kaleidoscope::ffi::workspace::{
    kal_workspace_get_events, kal_workspace_get_groups, kal_workspace_get_groups_by_ids, kal_workspace_get_members,
    kal_workspace_get_members_by_ids, kal_workspace_get_workspace,
};

use super::memory::{elements, pointer, pointer_to, read};
use super::{Kind, Sequence, TIMEOUT_MS};

pub(super) const METHODS: [&CStr; 8] = [
    c"workspace.get_workspace",
    c"workspace.get_members",
    c"workspace.get_members_by_ids",
    c"workspace.get_groups",
    c"workspace.get_groups_by_ids",
    c"workspace.get_events",
    c"workspace.get_everything",
    c"",
];

impl Sequence<'_> {
    pub(super) fn open_client(&mut self) {
        static EMULATOR: OnceLock<(Emulator, CString)> = OnceLock::new();
        let (_, url) = EMULATOR.get_or_init(|| {
            let emulator = Emulator::start(Config { events: 60, ..Config::default() }).expect("the emulator starts");
            let url = CString::new(emulator.url()).expect("a URL");
            (emulator, url)
        });
        let (given_url, user_agent) = match self.byte() % 8 {
            // A closed port.
            0 => (Some(c"http://127.0.0.1:9".to_owned()), None),
            1 => (self.text(), None),
            2 => (Some(url.clone()), self.text()),
            _ => (Some(url.clone()), None),
        };
        let options = kal_client_options {
            client_id: c"demo-client".as_ptr(),
            client_secret: c"demo-secret".as_ptr(),
            base_url: given_url.as_ref().map_or(c"http://127.0.0.1:9".as_ptr(), |url| url.as_ptr()),
            user_agent: pointer(user_agent.as_ref()),
            connect_timeout_ms: 100,
            timeout_ms: TIMEOUT_MS,
            max_attempts: 1,
            // SAFETY: zeros are valid in every field.
            ..unsafe { std::mem::zeroed() }
        };
        let options = kal_client_options { struct_size: size_of::<kal_client_options>(), ..options };
        // Never send a request to a host name chosen by the fuzzer.
        let is_other_host = given_url.as_deref().is_some_and(|given| given != &**url && given != c"http://127.0.0.1:9");
        let (mut client, mut error) = (kal_client { id: 1 }, kal_error { id: 1 });
        // SAFETY: as above.
        let status = unsafe { kal_client_open(&raw const options, &raw mut client, &raw mut error) };
        if self.settle(status, true, error, Some((client.id, Kind::Client))) && is_other_host {
            kal_client_close(client);
            self.live.remove(&client.id);
        }
    }

    pub(super) fn typed(&mut self) {
        let choice = self.byte();
        let id = self.handle(Kind::Client);
        let (query, _text) = self.query();
        let (options, cancel_is_good) = self.options();
        let client = kal_client { id };
        let options = pointer_to(options.as_ref());
        let some_id = self.text();
        let ids = [pointer(some_id.as_ref())];
        let (mut result, mut error) = (kal_result { id: 1 }, kal_error { id: 1 });
        let (out, problem) = (&raw mut result, &raw mut error);
        // SAFETY: as above.
        let status = unsafe {
            match choice % 6 {
                0 => kal_workspace_get_workspace(client, options, out, problem),
                1 => kal_workspace_get_members(client, options, out, problem),
                2 => kal_workspace_get_groups(client, options, out, problem),
                3 => kal_workspace_get_members_by_ids(client, ids.as_ptr(), 1, options, out, problem),
                4 => kal_workspace_get_groups_by_ids(client, ids.as_ptr(), 1, options, out, problem),
                _ => kal_workspace_get_events(client, &raw const query, options, out, problem),
            }
        };
        self.settle_call(status, self.is(id, Kind::Client), cancel_is_good, error, Some((result.id, Kind::Result)));
    }

    pub(super) fn generic_call(&mut self) {
        let id = self.handle(Kind::Client);
        let method = METHODS[usize::from(self.byte()) % METHODS.len()];
        let params = self.text();
        let (options, cancel_is_good) = self.options();
        let (mut result, mut error) = (kal_result { id: 1 }, kal_error { id: 1 });
        // SAFETY: as above.
        let status = unsafe {
            kal_call(
                kal_client { id },
                method.as_ptr(),
                pointer(params.as_ref()),
                pointer_to(options.as_ref()),
                &raw mut result,
                &raw mut error,
            )
        };
        self.settle_call(status, self.is(id, Kind::Client), cancel_is_good, error, Some((result.id, Kind::Result)));
    }

    pub(super) fn stats_or_clear_caches(&mut self) {
        let id = self.handle(Kind::Client);
        let client = kal_client { id };
        let mut error = kal_error { id: 1 };
        // SAFETY: as above; integers may be zero.
        let status = unsafe {
            if self.byte() % 2 == 0 {
                kal_client_clear_caches(client, &raw mut error)
            } else {
                let mut stats: kal_stats = std::mem::zeroed();
                stats.struct_size = size_of::<kal_stats>();
                kal_client_stats(client, &raw mut stats, &raw mut error)
            }
        };
        self.settle(status, self.is(id, Kind::Client), error, None);
    }

    pub(super) fn read_result(&mut self) {
        let id = self.handle(Kind::Result);
        let result = kal_result { id };
        let mut len = usize::MAX;
        // SAFETY: as above; the text lives as long as the result.
        let json = unsafe { kal_result_json(result, &raw mut len) };
        assert_eq!(read(json).map(str::len), self.is(id, Kind::Result).then_some(len));
        // SAFETY: as above.
        if let Some(workspace) = unsafe { kal_result_workspace(result).as_ref() } {
            assert!(self.is(id, Kind::Result) && read(workspace.id).is_some());
        }
        // SAFETY: as above; the first field of each of these structs is the id.
        let ids = unsafe {
            let users = kal_result_workspace_users(result, &raw mut len);
            let users = elements(users, len).iter().map(|user| (**user).id).collect::<Vec<_>>();
            let groups = kal_result_workspace_groups(result, &raw mut len);
            let groups = elements(groups, len).iter().map(|group| (**group).id).collect::<Vec<_>>();
            let events = kal_result_workspace_events(result, &raw mut len);
            let events = elements(events, len).iter().map(|event| (**event).id).collect::<Vec<_>>();
            [users, groups, events].concat()
        };
        assert!(ids.is_empty() || self.is(id, Kind::Result));
        assert!(ids.into_iter().all(|id| read(id).is_some()));
    }
}
