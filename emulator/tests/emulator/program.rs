//! The program: its output, its files and its exit.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::client::{Client, text};
use crate::eventually;

/// Killed when the test ends, also on failure.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) url: String,
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kal-emulator"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Program {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::of(command(arguments))
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("its output");
        BufReader::with_capacity(1, stdout).read_line(&mut line).expect("a line");
        let url = line.strip_prefix("kal-emulator: ready on ").expect("the ready line").trim_end().to_owned();
        Self { child, url }
    }

    pub(crate) fn client(&self) -> Client {
        let mut client = Client::connect(&self.url);
        let tokens = client.grant("demo-client", "demo-secret").json();
        client.use_access(&text(&tokens, "access_token"));
        client
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the program ends", || {
            status = self.child.try_wait().expect("a status");
            status.is_some()
        });
        status.expect("a status")
    }

    fn rest_of_stdout(&mut self) -> String {
        let mut rest = String::new();
        self.child.stdout.as_mut().expect("its output").read_to_string(&mut rest).expect("text");
        rest
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_prints_one_line_with_its_url() {
    let mut program = Program::start(&["--exit-with-stdin"]);
    assert!(program.url.starts_with("http://127.0.0.1:"), "{}", program.url);
    assert_eq!(program.client().get("/workspaces/members").list().len(), 12);
    drop(program.child.stdin.take());
    assert!(program.ended().success());
    assert_eq!(program.rest_of_stdout(), "");
}

#[test]
fn options_reach_the_emulator() {
    let arguments = [
        "--members",
        "5",
        "--groups=2",
        "--events=9",
        "--first-page=0",
        "--order=asc",
        "--dates=exclusive",
        "--page-size=4",
        "--max-page-size=6",
        "--host",
        "127.0.0.2",
        "--threads=2",
        "--no-gzip",
        "--latency=1",
        "--seed=7",
        "--expires-in=60",
        "--page-zero=empty",
    ];
    let program = Program::start(&arguments);
    assert!(program.url.starts_with("http://127.0.0.2:"), "{}", program.url);
    let mut client = program.client();
    assert_eq!(client.get("/workspaces/members").list().len(), 5);
    assert_eq!(client.get("/workspaces/groups").list().len(), 2);
    assert_eq!(client.get("/workspaces/events?page=0").list().len(), 4);
    let page = client.get("/workspaces/events?page_size=100").list();
    assert_eq!(page.len(), 6);
    assert!(text(&page[0], "created_at")[..10] < text(&page[5], "created_at")[..10], "oldest first");
}

#[test]
fn files_hold_the_url_and_the_ca() {
    let directory = tempfile::tempdir().expect("a directory");
    let (url_file, ca_file) = (directory.path().join("url"), directory.path().join("ca.pem"));
    let paths = [&url_file, &ca_file].map(|path| path.to_str().expect("a path").to_owned());
    let program = Program::start(&["--tls", "--url-file", &paths[0], "--ca-out", &paths[1]]);
    assert_eq!(std::fs::read_to_string(url_file).expect("the URL"), program.url);
    let ca = std::fs::read_to_string(ca_file).expect("the CA");
    Client::connect_tls(&program.url, "127.0.0.1", &ca).expect("a trusted connection");
    assert_eq!(std::fs::read_dir(directory.path()).expect("a listing").count(), 2, "no temporary file is left");
}

#[test]
fn invalid_options_are_rejected_with_a_reason() {
    for (arguments, reason) in [
        (&["--host", "0.0.0.0"][..], "allow that with `public`"),
        (&["--allow-host", "kal.test:80"], "without a port"),
        (&["--allow-host", ""], "neither a host name nor an IP address"),
        (&["--events", "1000001"], "the maximum is 1000000"),
        (&["--ca-out", "x"], "--tls"),
        (&["--first-page", "2"], "must be 0 or 1"),
        (&["--threads", "257"], "the maximum is 256"),
        (&["--host", "example.com"], "neither an IP address nor `localhost`"),
        (&["--order", "random"], "desc"),
    ] {
        let output = command(arguments).output().expect("it runs");
        assert!(!output.status.success(), "{arguments:?}");
        assert!(output.stdout.is_empty());
        let error = String::from_utf8(output.stderr).expect("text");
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn localhost_is_an_address() {
    let program = Program::start(&["--host", "localhost"]);
    assert!(program.url.starts_with("http://127.0.0.1:"), "{}", program.url);
    assert_eq!(program.client().get("/workspaces/members").list().len(), 12);
}

/// Red without the default of `--host` that it sets: nothing listens on 127.0.0.2.
#[test]
fn public_listens_on_every_address() {
    let mut program = Program::start(&["--public", "--allow-host=kal.test", "--allow-host", "other.test"]);
    assert!(program.url.starts_with("http://127.0.0.1:"), "{}", program.url);
    let other = program.url.replace("127.0.0.1", "127.0.0.2");
    for name in ["kal.test", "other.test", "10.0.0.1"] {
        let mut client = Client::connect(&other);
        client.use_host(name);
        assert_eq!(client.get("/__emulator/counts").status, 200, "{name}");
    }
    let mut client = Client::connect(&other);
    client.use_host("attacker.example");
    let refusal = client.get("/__emulator/counts");
    let expected = "admin requests are sent to an IP address, kal.test, other.test or localhost, or a name of --allow-host; \
                    the Host is \"attacker.example\"";
    assert_eq!((refusal.status, text(&refusal.json(), "message")), (403, expected.to_owned()));
    drop(program.child.stdin.take());
}

/// Red when the runtime is dropped inside another one: a panic, exit status 101.
#[test]
fn a_port_in_use_is_an_error_that_names_it() {
    let program = Program::start(&[]);
    let address = program.url.strip_prefix("http://").expect("a URL");
    let port = address.rsplit_once(':').expect("a port").1;
    let output = command(&["--port", port]).output().expect("it runs");
    let error = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1));
    assert!(error.starts_with(&format!("kal-emulator: cannot listen on {address}: Address already in use")), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let missing = directory.path().join("missing").join("url");
    let missing = missing.to_str().expect("a path");
    for arguments in [&["--url-file", missing][..], &["--tls", "--ca-out", missing]] {
        let output = command(arguments).output().expect("it runs");
        let error = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(1));
        assert!(error.starts_with(&format!("kal-emulator: cannot write {missing}: ")), "{error}");
    }
    // A directory is in its place: the temporary file is removed again.
    let occupied = directory.path().to_str().expect("a path");
    assert_eq!(command(&["--url-file", occupied]).output().expect("it runs").status.code(), Some(1));
    let beside = std::fs::read_dir(directory.path().parent().expect("a parent")).expect("a listing");
    let name = directory.path().file_name().expect("a name").to_str().expect("text").to_owned();
    let left = beside.filter(|entry| {
        let other = entry.as_ref().expect("an entry").file_name();
        other.to_string_lossy().starts_with(&format!("{name}."))
    });
    assert_eq!(left.count(), 0);
}

/// Red when the file is removed after the wait only.
#[cfg(target_os = "linux")]
#[test]
fn a_start_that_fails_leaves_no_url_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("url");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let output = command(&["--url-file", file.to_str().expect("a path")]).stdout(full).output().expect("it runs");
    let error = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1));
    assert!(error.starts_with("kal-emulator: cannot write to standard output: "), "{error}");
    assert!(!file.exists());
}

/// Red when the file is renamed over whatever is there: the socket was gone.
#[cfg(unix)]
#[test]
fn only_regular_files_are_replaced() {
    use std::os::unix::fs::FileTypeExt as _;
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    let output = command(&["--exit-with-stdin", "--url-file", socket.to_str().expect("a path")]).output();
    let error = String::from_utf8(output.expect("it runs").stderr).expect("text");
    let expected = format!("kal-emulator: cannot write {}: it is there, and not a regular file\n", socket.display());
    assert_eq!(error, expected);
    assert!(std::fs::metadata(&socket).expect("it is there").file_type().is_socket());
}

#[cfg(unix)]
fn terminate(program: &Program) {
    let kill = Command::new("kill").args(["-TERM", &program.child.id().to_string()]).status();
    assert!(kill.expect("kill runs").success());
}

#[cfg(unix)]
#[test]
fn the_file_with_the_url_is_removed_at_exit() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("url");
    let path = file.to_str().expect("a path");
    let mut program = Program::start(&["--url-file", path]);
    assert!(file.exists());
    terminate(&program);
    assert!(program.ended().success());
    assert!(!file.exists());

    let mut program = Program::start(&["--url-file", path, "--exit-with-stdin"]);
    // Another emulator's by now.
    std::fs::write(&file, "http://127.0.0.1:1").expect("a file");
    drop(program.child.stdin.take());
    assert!(program.ended().success());
    assert_eq!(std::fs::read_to_string(&file).expect("the other's URL"), "http://127.0.0.1:1");
}

/// Red when the body is compressed before it is sent: nothing is answered any more, SIGTERM included.
#[cfg(unix)]
#[test]
fn a_body_without_end_stops_neither_other_requests_nor_the_exit() {
    let mut program = Program::start(&["--threads", "1"]);
    let mut other = program.client();
    for gzip in [true, false] {
        let fault = serde_json::json!({"path": "/workspaces/members", "body_bytes": u64::MAX, "gzip": gzip});
        assert_eq!(other.admin("faults", &fault).status, 200);
        let mut reader = program.client();
        reader.start_get("/workspaces/members");
        assert_eq!(other.get("/workspaces/groups").list().len(), 4);
        reader.read_some(1 << 16);
        assert_eq!(other.get("/workspaces/groups").list().len(), 4);
    }
    let fault = serde_json::json!({"path": "/workspaces/members", "body_bytes": u64::MAX, "gzip": true});
    assert_eq!(other.admin("faults", &fault).status, 200);
    let mut reader = program.client();
    reader.start_get("/workspaces/members");
    terminate(&program);
    assert!(program.ended().success());
    drop(reader);
}

#[test]
fn the_help_ends_with_an_example() {
    let output = command(&["--help"]).output().expect("it runs");
    let help = String::from_utf8(output.stdout).expect("text");
    for word in ["--exit-with-stdin", "--iap-token", "Example:", "/__emulator/counts"] {
        assert!(help.contains(word), "{word} is missing from the help");
    }
}

#[cfg(unix)]
#[test]
fn sigterm_ends_it_gracefully() {
    let mut program = Program::start(&[]);
    let client = program.client();
    terminate(&program);
    assert!(program.ended().success());
    drop(client);
}

#[cfg(target_os = "linux")]
#[test]
fn a_million_events_start_in_little_memory_and_are_all_accessible() {
    let program = Program::start(&["--events", "1000000", "--members", "100000"]);
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.child.id())).expect("its status");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    let kilobytes: u64 = resident.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(kilobytes < 200_000, "{kilobytes} kB are resident");
    let mut client = program.client();
    assert_eq!(client.get("/workspaces/events?page=1000&page_size=1000").list().len(), 1000);
    assert!(client.get("/workspaces/events?page=1001&page_size=1000").list().is_empty());
    let deep = "/workspaces/events?page=90&page_size=1000&event_types=%5B%22delete%22%5D";
    assert_eq!(client.get(deep).list().len(), 1000);
}

#[test]
fn a_file_with_data_is_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("data.json");
    let path = file.to_str().expect("a path");
    std::fs::write(&file, r#"{"workspace": {"id": "w"}, "members": [{"id": "m"}]}"#).expect("a file");
    let program = Program::start(&["--data", path]);
    assert_eq!(program.client().get("/workspaces/members").body, br#"[{"id": "m"}]"#);
    // And so is a snapshot.
    let snapshot = program.client().control("GET", "snapshot", &serde_json::Value::Null).body;
    std::fs::write(&file, snapshot).expect("a file");
    let program = Program::start(&["--data", path]);
    assert_eq!(program.client().get("/workspaces/members").body, br#"[{"id": "m"}]"#);
}

#[test]
fn a_file_with_bad_data_is_an_error_that_names_file_and_field() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("data.json");
    let path = file.to_str().expect("a path");
    let refused = |arguments: &[&str]| {
        let output = command(arguments).output().expect("it runs");
        assert!(!output.status.success() && output.stdout.is_empty());
        (output.status.code(), String::from_utf8(output.stderr).expect("text"))
    };
    for (text, why) in [
        (
            r#"{"members": [{"id": "m", "email": 7}]}"#,
            "members[0].email: expected a string or null, found the number 7",
        ),
        (r#"{"members": []}"#, "workspace is missing"),
        ("", "it is empty, expected a JSON object"),
    ] {
        std::fs::write(&file, text).expect("a file");
        assert_eq!(refused(&["--data", path]), (Some(1), format!("kal-emulator: cannot use {path}: {why}\n")));
    }
    std::fs::remove_file(&file).expect("no file");
    let (code, why) = refused(&["--data", path]);
    assert_eq!(code, Some(1));
    assert!(why.starts_with(&format!("kal-emulator: cannot use {path}: ")), "{why}");
    let (_, why) = refused(&["--data", path, "--members", "5"]);
    assert!(why.contains("'--data <FILE>' cannot be used with '--members <N>'"), "{why}");
}

/// Red when both had port 8080: the second cannot start, and its last command reaches the first one.
#[test]
fn the_examples_of_the_help_run_after_each_other() {
    let output = command(&["--help"]).output().expect("it runs");
    let help = String::from_utf8(output.stdout).expect("text");
    let (_, examples) = help.split_once("Example:").expect("examples");
    let ports: Vec<_> = examples.split("kal-emulator --port ").skip(1).map(|rest| &rest[..4]).collect();
    assert_eq!(ports.len(), 2);
    assert_ne!(ports[0], ports[1]);
    let (before, after) = examples.split_once(&format!("--port {}", ports[1])).expect("the second");
    assert!(!before.contains(&format!(":{}", ports[1])) && !after.contains(&format!(":{}", ports[0])));
    assert!(after.contains(&format!("http://127.0.0.1:{}/__emulator/clock", ports[1])));
}
