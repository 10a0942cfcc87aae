//! The system's certificates, whatever `SSL_CERT_FILE` and `SSL_CERT_DIR` say. The platform's verifier reads these two itself.

use std::fs;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The bundles of Debian, Red Hat, SUSE, Alpine and others.
const FILES: [&str; 7] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/opt/etc/ssl/certs/ca-certificates.crt",
];
const FOLDERS: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// The certificates of the first bundle that has any, or else of the folders.
pub(super) fn load() -> Vec<CertificateDer<'static>> {
    let bundles = FILES.iter().map(|file| of_file(Path::new(file)));
    bundles
        .into_iter()
        .find(|found| !found.is_empty())
        .unwrap_or_else(|| FOLDERS.iter().flat_map(|folder| of_folder(Path::new(folder))).collect())
}

/// The certificates of all files in a folder.
pub(super) fn of_folder(folder: &Path) -> Vec<CertificateDer<'static>> {
    let files: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.iter().flat_map(|file| of_file(file)).collect()
}

fn of_file(file: &Path) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(file).into_iter().flatten().flatten().collect()
}
