//! The system's root certificates.

use std::path::Path;

use rustls::pki_types::CertificateDer;

use super::root_files::RootFiles;
use crate::client_log::ClientLog;
use crate::error::Result;

/// The bundles of Debian, Red Hat, SUSE, Alpine and others.
const FILES: [&str; 9] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/opt/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/certs/cacert.pem",
    "/usr/local/etc/ssl/cert.pem",
];
const FOLDERS: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// The certificates of the first bundle that has any.
pub(super) fn of_file(log: &ClientLog) -> Result<Vec<CertificateDer<'static>>> {
    of(&FILES.map(Path::new), &[], log)
}

/// The same, and those of the folders: an administrator may have added some there only.
pub(super) fn all(log: &ClientLog) -> Result<Vec<CertificateDer<'static>>> {
    of(&FILES.map(Path::new), &FOLDERS.map(Path::new), log)
}

/// Places that do not exist are skipped. What cannot be read for now is an error, lest the rest be all that is ever trusted.
fn of(files: &[&Path], folders: &[&Path], log: &ClientLog) -> Result<Vec<CertificateDer<'static>>> {
    const WHAT: &str = "the system's CA certificates";
    let mut roots = RootFiles::default();
    for file in files {
        match roots.add_file(file, log) {
            Ok(()) => break,
            Err(fault) if fault.is_exhaustion() => return Err(fault.of(file.display()).at(WHAT)),
            Err(_) => {}
        }
    }
    for folder in folders {
        if let Err(fault) = roots.add_folder(folder, usize::MAX, log) {
            if fault.is_exhaustion() {
                return Err(fault.at(WHAT));
            }
        }
    }
    Ok(roots.certificates())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Red with the bundle alone: 1. Red when files are read twice, or certificates kept twice: 4.
    #[test]
    fn the_first_bundle_and_the_folders_are_read() {
        let pem = || {
            let config = kal_emulator::Config { tls: true, ..kal_emulator::Config::default() };
            let emulator = kal_emulator::Emulator::start(config).expect("the emulator starts");
            emulator.ca_pem().expect("a CA").to_owned()
        };
        let folder = tempfile::tempdir().expect("a folder");
        let [missing, empty, bundle, later] =
            ["missing", "empty", "bundle", "later"].map(|name| folder.path().join(name));
        let certificates = folder.path().join("certificates");
        fs::create_dir(&certificates).expect("a folder");
        let (of_all, added) = (pem(), pem());
        for (file, text) in [(&empty, ""), (&bundle, &of_all), (&later, &pem())] {
            fs::write(file, text).expect("a file");
        }
        for (name, text) in [("of_all.pem", &of_all), ("added.pem", &added), ("README", &String::new())] {
            fs::write(certificates.join(name), text).expect("a file");
        }
        let log = ClientLog::of_a_test();
        let files = [&*missing, &empty, &bundle, &later];
        assert_eq!(of(&files, &[&missing, &certificates], &log).expect("two").len(), 2);
        assert!(of(&[&missing], &[&missing], &log).expect("none").is_empty());
    }
}
