//! Root certificates from files and folders.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;

use super::ca_bundle;
use super::pem_file::{self, Fault};
use crate::client_log::ClientLog;
use crate::platform::is_exhaustion;

/// The certificates found so far.
#[derive(Default)]
pub(super) struct RootFiles {
    certificates: Vec<CertificateDer<'static>>,
    /// Each file without links: `openssl rehash` links to each one by its hash.
    seen: HashSet<PathBuf>,
    unreadable: usize,
}

impl RootFiles {
    /// Adds the certificates of a file that can be used; there has to be one.
    pub(super) fn add_file(&mut self, file: &Path, log: &ClientLog) -> Result<(), Fault> {
        self.is_new(file);
        let found = ca_bundle::usable(&pem_file::load(file)?, log)?;
        self.certificates.extend(found);
        Ok(())
    }

    /// Adds the certificates of the files in a folder until there are `enough`. Those that are no PEM are skipped, and those that
    /// cannot be read, unless this process is out of what it needs for that.
    pub(super) fn add_folder(&mut self, folder: &Path, enough: usize, log: &ClientLog) -> Result<(), Fault> {
        let cannot = |error| Fault::unreadable(format_args!("the directory {}", folder.display()), &error);
        for entry in fs::read_dir(folder).map_err(cannot)? {
            if self.certificates.len() >= enough {
                break;
            }
            let file = entry.map_err(cannot)?.path();
            let metadata = match fs::metadata(&file) {
                Ok(metadata) => metadata,
                Err(error) if is_exhaustion(&error) => {
                    return Err(Fault::unreadable("the file", &error).of(file.display()));
                }
                // A link to a file that was removed.
                Err(_) => continue,
            };
            if !metadata.is_file() || !self.is_new(&file) {
                continue;
            }
            match pem_file::load(&file) {
                Ok(bytes) => self.certificates.extend(ca_bundle::usable(&bytes, log).into_iter().flatten()),
                Err(fault) if fault.is_exhaustion() => return Err(fault.of(file.display())),
                Err(_) => self.unreadable += 1,
            }
        }
        Ok(())
    }

    /// A file that cannot be told from others counts as new: reading it says why.
    fn is_new(&mut self, file: &Path) -> bool {
        fs::canonicalize(file).map_or(true, |file| self.seen.insert(file))
    }

    /// How many files of folders cannot be read.
    pub(super) fn unreadable(&self) -> usize {
        self.unreadable
    }

    /// Each certificate once: a folder has often those of the bundle, too.
    pub(super) fn certificates(mut self) -> Vec<CertificateDer<'static>> {
        self.certificates.sort_unstable_by(|one, other| one.cmp(other));
        self.certificates.dedup();
        self.certificates
    }
}
