//! A PEM file, read whole, and why one cannot be used.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::failure::reason;
use crate::error::{Error, ErrorKind};
use crate::platform::is_exhaustion;

/// A bundle of all public authorities is a quarter of a megabyte.
const MAX_BYTES: u64 = 64 << 20;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why PEM cannot be used.
#[derive(Debug)]
pub(super) struct Fault {
    reason: String,
    /// The file may be good, but this process has no descriptor or memory left to read it.
    is_exhaustion: bool,
}

impl Fault {
    /// `what` cannot be read.
    pub(super) fn unreadable(what: impl fmt::Display, error: &io::Error) -> Self {
        let reason = format!("{what} cannot be read: {}", reason(error));
        Self { reason, is_exhaustion: is_exhaustion(error) }
    }

    pub(super) fn is_exhaustion(&self) -> bool {
        self.is_exhaustion
    }

    /// The fault of a part of what is to be read.
    pub(super) fn of(self, part: impl fmt::Display) -> Self {
        Self { reason: format!("{part}: {}", self.reason), ..self }
    }

    /// As the error of a call. `place`: which setting or variable names the file, and its path.
    pub(super) fn at(self, place: impl fmt::Display) -> Error {
        let message = format!("{place}: {}", self.reason);
        if self.is_exhaustion { Error::out_of_resources(message) } else { Error::new(ErrorKind::TlsFailed, message) }
    }
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self { reason, is_exhaustion: false }
    }
}

impl From<&str> for Fault {
    fn from(reason: &str) -> Self {
        reason.to_owned().into()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

pub(super) fn load(path: &Path) -> Result<Vec<u8>, Fault> {
    let cannot = |error: io::Error| Fault::unreadable("the file", &error);
    let too_long = || Fault::from(format!("the file is longer than {} MiB", MAX_BYTES >> 20));
    let metadata = fs::metadata(path).map_err(cannot)?;
    if metadata.is_dir() {
        return Err("this is a directory, not a PEM file".into());
    }
    if metadata.len() > MAX_BYTES {
        return Err(too_long());
    }
    // With room for all of it: a key leaves no copies behind.
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    // A device has no length.
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > MAX_BYTES { Err(too_long()) } else { Ok(bytes) }
}

/// The PEM as ASCII with text around it. Editors put a BOM before it, which hides the first block from a parser.
pub(super) fn without_bom(bytes: &[u8]) -> Result<&[u8], Fault> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("it is UTF-16; save it as ASCII or UTF-8".into());
    }
    Ok(bytes.strip_prefix(BOM).unwrap_or(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red without the limit: the process runs out of memory.
    #[test]
    fn a_file_without_an_end_is_refused() {
        let fault = load(Path::new("/dev/zero")).expect_err("no end");
        assert!(fault.to_string().contains("longer than 64 MiB"), "{fault}");
    }

    /// Red with one kind for all: `TlsFailed`, which no retry mends.
    #[test]
    fn a_process_without_descriptors_is_out_of_resources() {
        for (code, kind) in [
            (libc::EMFILE, ErrorKind::OutOfResources),
            (libc::ENFILE, ErrorKind::OutOfResources),
            (libc::ENOMEM, ErrorKind::OutOfResources),
            (libc::EACCES, ErrorKind::TlsFailed),
        ] {
            let error = Fault::unreadable("the file", &io::Error::from_raw_os_error(code)).at("SSL_CERT_FILE: ca.pem");
            assert_eq!((error.kind(), error.is_retryable()), (kind, kind == ErrorKind::OutOfResources), "{error}");
            assert!(error.to_string().starts_with("SSL_CERT_FILE: ca.pem: the file cannot be read: "), "{error}");
        }
    }
}
