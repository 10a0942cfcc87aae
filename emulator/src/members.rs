//! Generated workspace, members and groups.

use crate::json_text::{ObjectWriter, Spelling};
use crate::names;
use crate::rng::Rng;
use crate::timestamp;

/// Kinds of record, each with its own random streams.
pub(crate) mod stream {
    pub(crate) const WORKSPACE: u64 = 1;
    pub(crate) const MEMBER: u64 = 2;
    pub(crate) const GROUP: u64 = 3;
    pub(crate) const EVENT_TIMES: u64 = 4;
    pub(crate) const EVENT_TRAITS: u64 = 5;
    pub(crate) const EVENT_ID: u64 = 6;
    pub(crate) const EVENT_TEXT: u64 = 7;
}

// 2024-01-08T09:00:00Z, when the workspace was created.
const FOUNDED: timestamp::Micros = 1_704_704_400_000_000;

/// A member, determined by seed and index.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) full_name: String,
    pub(crate) preferred_name: Option<String>,
    email: Option<String>,
    access_level: &'static str,
    spelling: Spelling,
    joined: timestamp::Micros,
    logins: u64,
}

impl Member {
    /// Edge cases are at fixed indexes, so that a dozen members contain them all.
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        let mut rng = Rng::new(seed, stream::MEMBER, index);
        let id = rng.uuid();
        let ascii = index % 7 == 2;
        let accented = ascii || rng.percent(15);
        let first = rng.pick(if accented { names::ACCENTED_FIRST_NAMES } else { names::FIRST_NAMES });
        let last = rng.pick(names::LAST_NAMES);
        let nickname = rng.pick(names::NICKNAMES);
        let full_name = match index {
            _ if index % 13 == 3 => format!("{first} \"{nickname}\" {last}"),
            _ if index % 29 == 11 => format!("{first}\n{last}"),
            _ => format!("{first} {last}"),
        };
        let access_level = match index {
            0 => "admin",
            _ if index % 23 == 7 => "external-auditor",
            _ => rng.pick(&[
                "team-member",
                "team-member",
                "team-member",
                "team-member",
                "admin",
                "guest",
                "viewer",
                "deactivated",
            ]),
        };
        Self {
            id,
            full_name,
            preferred_name: rng.percent(40).then(|| if rng.percent(50) { first } else { nickname }.to_owned()),
            email: (index % 11 != 5).then(|| email(first, last, index)),
            access_level,
            spelling: if ascii { Spelling::Ascii } else { Spelling::Utf8 },
            joined: FOUNDED + i64::try_from(rng.below(400 * 86_400_000)).unwrap_or(0) * 1000,
            logins: rng.below(5000),
        }
    }

    fn render(&self, workspace_id: &str, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::begin(out, self.spelling);
        object.string("id", &self.id);
        object.string("full_name", &self.full_name);
        object.optional("preferred_name", self.preferred_name.as_deref());
        object.string("access_level", self.access_level);
        object.optional("email", self.email.as_deref());
        // The remaining fields are unknown to clients.
        object.string("workspace_id", workspace_id);
        object.string("created_at", &timestamp::zulu(self.joined));
        object.number("login_count", self.logins);
        object.object("settings", |settings| {
            settings.boolean("dark_mode", self.logins % 2 == 0);
            settings.strings("pinned", ["tasks", "records"]);
            settings.raw("quota", "1.5e3");
        });
        object.end();
    }
}

fn email(first: &str, last: &str, index: u64) -> String {
    let plain = |name: &str| -> String {
        let kept = name.chars().filter(char::is_ascii_alphabetic);
        let kept: String = kept.map(|letter| letter.to_ascii_lowercase()).collect();
        // A name may contain no ASCII letter.
        if kept.is_empty() { "user".to_owned() } else { kept }
    };
    format!("{}.{}{index}@example.com", plain(first), plain(last))
}

pub(crate) fn workspace_id(seed: u64) -> String {
    Rng::new(seed, stream::WORKSPACE, 0).uuid()
}

pub(crate) fn render_workspace(seed: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut object = ObjectWriter::begin(&mut out, Spelling::Utf8);
    object.string("id", &workspace_id(seed));
    object.string("workspace_name", "Hélix Therapeutics");
    object.string("created_at", &timestamp::zulu(FOUNDED));
    object.object("plan", |plan| {
        plan.string("name", "research");
        plan.number("seats", 250);
        plan.strings("features", ["registration", "dashboards"]);
    });
    object.end();
    out
}

pub(crate) fn render_members(seed: u64, count: usize) -> Vec<u8> {
    let workspace_id = workspace_id(seed);
    render_list(count, |index, out| {
        Member::new(seed, index).render(&workspace_id, out);
    })
}

pub(crate) fn render_groups(seed: u64, count: usize, members: usize) -> Vec<u8> {
    let workspace_id = workspace_id(seed);
    render_list(count, |index, out| {
        render_group(seed, index, members, &workspace_id, out);
    })
}

fn render_group(seed: u64, index: u64, members: usize, workspace_id: &str, out: &mut Vec<u8>) {
    let mut rng = Rng::new(seed, stream::GROUP, index);
    let team = names::TEAMS[usize::try_from(index).unwrap_or(0) % names::TEAMS.len()];
    let round = index / names::TEAMS.len() as u64;
    let name = if round == 0 { team.to_owned() } else { format!("{team} {}", round + 1) };
    let size = rng.position(members.min(24) + 1);
    // A range of consecutive indexes, so that they are distinct.
    let start = rng.below(members as u64);
    let user_ids: Vec<String> =
        (0..size as u64).map(|step| Member::new(seed, (start + step) % members as u64).id).collect();
    let program_ids: Vec<String> = (0..rng.below(4)).map(|_| rng.uuid()).collect();
    let mut object = ObjectWriter::begin(out, if index % 5 == 2 { Spelling::Ascii } else { Spelling::Utf8 });
    object.string("id", &rng.uuid());
    object.string("group_name", &name);
    object.strings("user_ids", user_ids.iter().map(String::as_str));
    object.strings("program_ids", program_ids.iter().map(String::as_str));
    let email = format!("group{index}@example.com");
    object.optional("email", (index % 3 != 1).then_some(email.as_str()));
    object.string("workspace_id", workspace_id);
    object.boolean("is_archived", false);
    object.raw("policy", r#"{"visibility":"members","limits":[1,2.5,-3]}"#);
    object.end();
}

fn render_list(count: usize, mut render: impl FnMut(u64, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![b'['];
    for index in 0..count as u64 {
        if index > 0 {
            out.push(b',');
        }
        render(index, &mut out);
    }
    out.push(b']');
    out
}
