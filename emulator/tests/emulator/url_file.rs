//! The file with the URL: there while the emulator runs, and not with the URL of one that is gone.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::program::{Program, command};

fn send(signal: &str, program: &Program) {
    let kill = Command::new("kill").args([signal, &program.child.id().to_string()]).status();
    assert!(kill.expect("kill runs").success());
}

fn path(file: &Path) -> &str {
    file.to_str().expect("a path")
}

/// Red when SIGHUP ended it at once: no exit status, and the file stayed.
#[cfg(target_os = "linux")]
#[test]
fn it_is_removed_when_the_terminal_is_closed() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("url");
    let mut program = Program::start(&["--url-file", path(&file)]);
    assert!(file.exists());
    send("-HUP", &program);
    assert_eq!(program.ended().code(), Some(0));
    assert!(!file.exists());
}

/// Red when SIGHUP was handled whatever `nohup` asked for: it ended, and the connection was refused.
#[cfg(target_os = "linux")]
#[test]
fn it_goes_on_under_nohup() {
    let mut ignoring = Command::new("sh");
    ignoring.args(["-c", r#"trap "" HUP && exec "$0""#, env!("CARGO_BIN_EXE_kal-emulator")]);
    let program = Program::of(ignoring);
    send("-HUP", &program);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(program.client().get("/workspaces/members").list().len(), 12);
}

/// Red when it stayed until the new one was there: the old URL was read while the start went on.
#[test]
fn one_that_was_left_is_gone_before_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("url");
    let mut killed = Program::start(&["--url-file", path(&file)]);
    let old = killed.url.clone();
    send("-KILL", &killed);
    assert!(!killed.ended().success());
    assert_eq!(std::fs::read_to_string(&file).expect("it was left"), old);
    // The data comes through a pipe, so that the start lasts as long as the test wants.
    let pipe = directory.path().join("data");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let starting = command(&["--url-file", path(&file), "--data", path(&pipe)]);
    let starting = std::thread::spawn(move || Program::of(starting));
    let begun = Instant::now();
    while file.exists() && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let is_gone = !file.exists();
    std::fs::write(&pipe, r#"{"workspace": {"id": "w"}}"#).expect("written");
    let program = starting.join().expect("it starts");
    assert!(is_gone);
    assert_eq!(std::fs::read_to_string(&file).expect("the URL"), program.url);
    // Red when it stayed away: whoever waits for that of the emulator that is running waits for ever.
    let port = program.url.rsplit(':').next().expect("a port");
    for options in [["--port", port], ["--data", "/nonexistent"]] {
        let output = command(&[&options[..], &["--url-file", path(&file)]].concat()).output().expect("it runs");
        assert!(!output.status.success(), "{options:?}");
        assert_eq!(std::fs::read_to_string(&file).expect("it is there again"), program.url, "{options:?}");
    }
    drop(program);
    // Something else is no file with a URL.
    let output = command(&["--exit-with-stdin", "--url-file", path(&pipe)]).output().expect("it runs");
    assert!(!output.status.success());
    assert!(pipe.exists());
}
