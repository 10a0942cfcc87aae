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
        let old = arguments.url_file.as_deref().map(OldFile::remove).transpose()?;
        let emulator = Emulator::start(arguments.config()?).map_err(|why| arguments.name_data(why))?;
        if let Some(old) = old {
            old.forget();
        }
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
    let mut hangup = if hangup_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
    let hung_up = async move {
        match &mut hangup {
            Some(hangup) => drop(hangup.recv().await),
            None => std::future::pending().await,
        }
    };
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = hung_up => {}
        }
    })
}

/// Whether `nohup` or the like asked to go on when the terminal is closed. Where that cannot be known, the signal keeps its meaning:
/// the system either ignores it, or ends the program.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is number 1, and its bit the lowest.
    ignored.is_none_or(|mask| mask & 1 == 1)
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

/// The file of an emulator that was killed, which is removed, so that whoever waits for the file does not read that one's URL. If the
/// start fails, as on a port in use, it is there again: the other one may be running. Another kind of file is refused when the URL is
/// written.
struct OldFile<'a> {
    file: &'a Path,
    text: Option<Vec<u8>>,
}

impl<'a> OldFile<'a> {
    fn remove(file: &'a Path) -> io::Result<Self> {
        if !std::fs::metadata(file).is_ok_and(|there| there.is_file()) {
            return Ok(Self { file, text: None });
        }
        let text = std::fs::read(file).ok();
        std::fs::remove_file(file)
            .map_err(|why| io::Error::new(why.kind(), format!("cannot remove {}: {why}", file.display())))?;
        Ok(Self { file, text })
    }

    fn forget(mut self) {
        self.text = None;
    }
}

impl Drop for OldFile<'_> {
    fn drop(&mut self) {
        if let Some(text) = self.text.take() {
            // Not over that of an emulator that has started meanwhile.
            let created = std::fs::File::create_new(self.file);
            let _ = created.and_then(|mut file| file.write_all(&text));
        }
    }
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
