//! The program `kal-emulator`.

#![forbid(unsafe_code)]

mod cli;

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use kal_emulator::Emulator;
use tokio::sync::oneshot;

use crate::cli::Arguments;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("kal-emulator: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        // Installed before the ready line is printed: its reader may send a signal immediately.
        let terminated = signals()?;
        let stdin_closed = stdin_closed(arguments.exit_with_stdin);
        let emulator = Emulator::start(arguments.config()?).map_err(|why| arguments.name_data(why))?;
        if let (Some(file), Some(pem)) = (&arguments.ca_out, emulator.ca_pem()) {
            write_atomically(file, pem)?;
        }
        let url_file = arguments.url_file.as_deref().map(|file| UrlFile::write(file, emulator.url())).transpose()?;
        announce(emulator.url())?;
        tokio::select! {
            () = terminated => {}
            () = stdin_closed => {}
        }
        drop(url_file);
        // Its threads end with the process, whatever they are doing.
        std::mem::forget(emulator);
        Ok(())
    })
}

fn announce(url: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "kal-emulator: ready on {url}")
        .and_then(|()| stdout.flush())
        .map_err(|why| io::Error::new(why.kind(), format!("cannot write to standard output: {why}")))
}

#[cfg(unix)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn signals() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Completes when standard input is closed; never if `watch` is false.
async fn stdin_closed(watch: bool) {
    if !watch {
        std::future::pending::<()>().await;
    }
    let (closed, wait) = oneshot::channel();
    // Reading standard input cannot be cancelled; a detached thread does not keep the process alive.
    std::thread::spawn(move || {
        let mut ignored = [0; 1024];
        let mut stdin = io::stdin().lock();
        while matches!(stdin.read(&mut ignored), Ok(count) if count > 0) {}
        let _ = closed.send(());
    });
    let _ = wait.await;
}

/// Writes a file atomically, in place of a regular one only: the program may be allowed to replace a device.
fn write_atomically(file: &Path, text: &str) -> io::Result<()> {
    if std::fs::metadata(file).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::other(format!("cannot write {}: it is there, and not a regular file", file.display())));
    }
    let mut temporary = file.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let written = std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, file));
    written.map_err(|why| {
        let _ = std::fs::remove_file(&temporary);
        io::Error::new(why.kind(), format!("cannot write {}: {why}", file.display()))
    })
}

/// The file with the URL, removed when dropped unless another emulator has written its own since.
struct UrlFile<'a> {
    file: &'a Path,
    url: &'a str,
}

impl<'a> UrlFile<'a> {
    fn write(file: &'a Path, url: &'a str) -> io::Result<Self> {
        write_atomically(file, url)?;
        Ok(Self { file, url })
    }
}

impl Drop for UrlFile<'_> {
    fn drop(&mut self) {
        if std::fs::read_to_string(self.file).is_ok_and(|text| text == self.url) {
            let _ = std::fs::remove_file(self.file);
        }
    }
}
