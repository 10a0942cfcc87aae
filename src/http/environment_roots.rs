//! The root certificates that `SSL_CERT_FILE` and `SSL_CERT_DIR` name. If one of them is set, nothing else is read: who pins the
//! authority of a company would trust all public ones otherwise.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use rustls::pki_types::CertificateDer;

use super::pem_file::Fault;
use super::root_files::RootFiles;
use crate::client_log::ClientLog;
use crate::environment;
use crate::error::Result;

const FILE: &str = "SSL_CERT_FILE";
const FOLDERS: &str = "SSL_CERT_DIR";

/// The files that the variables name.
pub(super) struct Named {
    file: Option<OsString>,
    folders: Option<OsString>,
}

impl Named {
    /// None: neither variable is set.
    pub(super) fn by_the_environment() -> Option<Self> {
        let (file, folders) = (environment::variable(FILE), environment::variable(FOLDERS));
        (file.is_some() || folders.is_some()).then_some(Self { file, folders })
    }

    pub(super) fn of_file(&self, log: &ClientLog) -> Result<Vec<CertificateDer<'static>>> {
        let Some(file) = self.file.as_deref().map(Path::new) else { return Ok(Vec::new()) };
        let mut roots = RootFiles::default();
        roots.add_file(file, log).map_err(|fault| fault.at(format_args!("{FILE}: {}", file.display())))?;
        Ok(roots.certificates())
    }

    pub(super) fn of_folders(&self, log: &ClientLog) -> Result<Vec<CertificateDer<'static>>> {
        self.some_of_folders(usize::MAX, log)
    }

    /// Fails as `of_folders` does, but reads only as far as is needed for that.
    pub(super) fn check_folders(&self, log: &ClientLog) -> Result<()> {
        self.some_of_folders(1, log).map(drop)
    }

    fn some_of_folders(&self, enough: usize, log: &ClientLog) -> Result<Vec<CertificateDer<'static>>> {
        let Some(folders) = &self.folders else { return Ok(Vec::new()) };
        let at = |fault: Fault| fault.at(format_args!("{FOLDERS}: {}", Path::new(folders).display()));
        of_folders(folders, enough, log).map_err(at)
    }
}

/// The certificates of a list of folders, or `enough` of them. A folder that does not exist is skipped, as by OpenSSL.
fn of_folders(folders: &OsStr, enough: usize, log: &ClientLog) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let mut roots = RootFiles::default();
    let mut missing = Vec::new();
    for folder in env::split_paths(folders).filter(|folder| !folder.as_os_str().is_empty()) {
        if matches!(folder.try_exists(), Ok(false)) {
            missing.push(format!("{} does not exist", folder.display()));
            continue;
        }
        roots.add_folder(&folder, enough, log)?;
    }
    match roots.unreadable() {
        0 => {}
        1 => missing.push("a file in it cannot be read".to_owned()),
        count => missing.push(format!("{count} files in it cannot be read")),
    }
    let found = roots.certificates();
    let missing = missing.join(", ");
    if found.is_empty() {
        let why = if missing.is_empty() { String::new() } else { format!(" ({missing})") };
        return Err(format!("no PEM certificate was found in it{why}").into());
    }
    if !missing.is_empty() {
        log.warn(format_args!("{FOLDERS}: {}: {missing}", Path::new(folders).display()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::error::ErrorKind;

    fn pem() -> String {
        let config = kal_emulator::Config { tls: true, ..kal_emulator::Config::default() };
        let emulator = kal_emulator::Emulator::start(config).expect("the emulator starts");
        emulator.ca_pem().expect("a CA").to_owned()
    }

    /// A new folder with `a.pem` and `b.pem`, of two authorities.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a.pem", "b.pem"] {
            fs::write(folder.path().join(name), pem()).expect("a file");
        }
        folder
    }

    fn count(file: Option<&Path>, folders: Option<&str>) -> Result<usize> {
        let named = Named { file: file.map(OsString::from), folders: folders.map(OsString::from) };
        let log = ClientLog::of_a_test();
        Ok(named.of_file(&log)?.len() + named.of_folders(&log)?.len())
    }

    /// Red when the system's certificates are read, too, or a link as another file.
    #[test]
    fn only_what_is_named_is_read() {
        let folder = folder();
        let (a, path) = (folder.path().join("a.pem"), folder.path().display().to_string());
        fs::write(folder.path().join("README"), "no PEM").expect("a file");
        fs::write(folder.path().join("key.pem"), "-----BEGIN PRIVATE KEY-----\nAAAA\n").expect("a file");
        std::os::unix::fs::symlink(&a, folder.path().join("01234567.0")).expect("a link");
        std::os::unix::fs::symlink("/nonexistent", folder.path().join("89abcdef.0")).expect("a link");
        fs::create_dir(folder.path().join("c.pem")).expect("a folder");
        assert_eq!(count(Some(&a), None).expect("one"), 1);
        assert_eq!(count(None, Some(&path)).expect("two"), 2);
        assert_eq!(count(None, Some(&format!("/nonexistent::{path}:"))).expect("two"), 2);
        assert_eq!(count(Some(&a), Some(&path)).expect("both"), 3, "one of them twice");
    }

    /// Red when a file is skipped because of its fault: no error, or that of the other variable.
    #[test]
    fn a_variable_without_certificates_is_an_error() {
        let (full, empty) = (folder(), tempfile::tempdir().expect("a folder"));
        let (a, path) = (full.path().join("a.pem"), full.path().display().to_string());
        let nothing: PathBuf = empty.path().join("nothing");
        fs::write(&nothing, "nothing").expect("a file");
        let none = empty.path().display().to_string();
        for (file, folders, says) in [
            (
                Some(Path::new("/nonexistent")),
                None,
                "SSL_CERT_FILE: /nonexistent: the file cannot be read: no such file",
            ),
            (Some(full.path()), None, "this is a directory"),
            (Some(Path::new("/dev/null")), None, "SSL_CERT_FILE: /dev/null: it is empty"),
            (Some(&nothing), Some(path.as_str()), "it contains no PEM certificate"),
            (Some(&a), Some(none.as_str()), "no PEM certificate was found in it"),
            (
                None,
                Some("/nonexistent"),
                "SSL_CERT_DIR: /nonexistent: no PEM certificate was found in it (/nonexistent does not",
            ),
            (None, Some(":"), "SSL_CERT_DIR: :: no PEM certificate"),
            (
                None,
                Some("/dev/null"),
                "SSL_CERT_DIR: /dev/null: the directory /dev/null cannot be read: not a directory",
            ),
        ] {
            let error = count(file, folders).expect_err(says);
            assert_eq!(error.kind(), ErrorKind::TlsFailed, "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
