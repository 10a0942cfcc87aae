//! `ca_bundle_path`: reads all certificates of a PEM file, and explains why a file is unusable.

use std::path::Path;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rustls::pki_types::CertificateDer;

use super::pem_file::{self, Fault};
use crate::client_log::ClientLog;
use crate::error::Result;

const BEGIN: &str = "-----BEGIN ";
/// RFC 4648, section 4. Padding tells nothing that the length does not, and unused bits at the end tell nothing at all.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
/// The PEM labels of certificates; the content is the same.
const LABELS: [&str; 3] = ["CERTIFICATE", "X509 CERTIFICATE", "X.509 CERTIFICATE"];

pub(super) fn read(path: &Path, log: &ClientLog) -> Result<Vec<CertificateDer<'static>>> {
    let certificates = pem_file::load(path).and_then(|bytes| certificates(&bytes, log));
    certificates.map_err(|fault| fault.at(format_args!("ca_bundle_path: {}", path.display())))
}

/// The same of `ca_bundle_pem`.
pub(super) fn parse(pem: &str, log: &ClientLog) -> Result<Vec<CertificateDer<'static>>> {
    certificates(pem.as_bytes(), log).map_err(|fault| fault.at("ca_bundle_pem"))
}

/// Those certificates of a bundle that can be used, where the others do not matter: others maintain it.
pub(super) fn usable(bytes: &[u8], log: &ClientLog) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let text = String::from_utf8_lossy(pem_file::without_bom(bytes)?);
    let found: Vec<_> = blocks(&text).filter_map(|block| certificate(&block).ok()).collect();
    // Why there is none.
    if found.is_empty() { certificates(bytes, log) } else { Ok(found) }
}

fn certificates(bytes: &[u8], log: &ClientLog) -> Result<Vec<CertificateDer<'static>>, Fault> {
    if bytes.is_empty() {
        return Err("it is empty".into());
    }
    let bytes = pem_file::without_bom(bytes)?;
    // Text around the PEM blocks may be in any encoding.
    let text = String::from_utf8_lossy(bytes);
    let labels: Vec<&str> = text.lines().filter_map(label).collect();
    if labels.contains(&"TRUSTED CERTIFICATE") {
        return Err("it contains a TRUSTED CERTIFICATE, which is specific to OpenSSL; \
                    convert it to a CERTIFICATE with `openssl x509 -in FILE -out NEW`"
            .into());
    }
    let others: Vec<&str> = labels.iter().copied().filter(|label| !LABELS.contains(label)).collect();
    if others.len() == labels.len() {
        return Err(match labels.first() {
            Some(label) => format!("it contains no certificate, only a {label}").into(),
            None if is_der(bytes) => {
                "it is DER, not PEM; convert it with `openssl x509 -inform der -in FILE -out NEW`".into()
            }
            None => "it contains no PEM certificate".into(),
        });
    }
    let mut found = Vec::with_capacity(labels.len());
    for (number, block) in blocks(&text).enumerate() {
        let number = number + 1;
        found.push(certificate(&block).map_err(|why| format!("certificate {number} is malformed: {why}"))?);
    }
    for label in others {
        log.warn(format_args!("ignoring a {label} among the CA certificates"));
    }
    Ok(found)
}

/// A certificate between its lines.
#[derive(Default)]
struct Block {
    base64: String,
    has_end: bool,
}

/// Decoded here, which is most of what a first call does before it connects: rustls' own reader of PEM takes many times as many
/// instructions, because it decodes secrets in constant time.
fn certificate(block: &Block) -> Result<CertificateDer<'static>, &'static str> {
    let decoded = decode(&block.base64).filter(|_| block.has_end);
    let certificate = CertificateDer::from(decoded.ok_or("its END line is missing, or it is not valid Base64")?);
    rustls::RootCertStore::empty().add(certificate.clone()).map_err(|_| "it is not an X.509 version 3 certificate")?;
    Ok(certificate)
}

/// Blanks within a line are rare, and removed only where there are any.
fn decode(base64: &str) -> Option<Vec<u8>> {
    let decoded = BASE64.decode(base64);
    decoded.or_else(|_| BASE64.decode(base64.split_ascii_whitespace().collect::<String>())).ok()
}

fn label(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix(BEGIN)?.trim_end().strip_suffix("-----")
}

/// The certificates one by one.
fn blocks(text: &str) -> impl Iterator<Item = Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for line in text.lines().map(str::trim) {
        if let Some(label) = label(line) {
            is_open = LABELS.contains(&label);
            if is_open {
                blocks.push(Block::default());
            }
        } else if let Some(block) = blocks.last_mut().filter(|_| is_open) {
            if line.starts_with("-----END ") {
                (is_open, block.has_end) = (false, true);
            } else {
                block.base64.push_str(line);
            }
        }
    }
    blocks.into_iter()
}

/// An ASN.1 sequence with a length in the long form.
fn is_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 0x81..=0x84, ..])
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;

    use super::*;

    fn pem() -> String {
        let config = kal_emulator::Config { tls: true, ..kal_emulator::Config::default() };
        let emulator = kal_emulator::Emulator::start(config).expect("the emulator starts");
        emulator.ca_pem().expect("a CA").to_owned()
    }

    /// Red when the file is parsed as it is: a BOM hides the first certificate, and blocks with another label are skipped, so that
    /// none or one too few is found.
    #[test]
    fn every_certificate_of_a_bundle_is_read() {
        let one = pem();
        let der = CertificateDer::from_pem_slice(one.as_bytes()).expect("a certificate");
        let old = one.replace(" CERTIFICATE", " X509 CERTIFICATE");
        let crlf = one.replace('\n', "\r\n");
        let indented = one.lines().map(|line| format!("  {line} \n")).collect::<String>();
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for (what, text, count) in [
            ("a BOM", format!("\u{feff}{one}{one}"), 2),
            ("CRLF", format!("{crlf}{crlf}"), 2),
            ("a BOM and CRLF", format!("\u{feff}{crlf}"), 1),
            ("an old name", format!("{old}{one}"), 2),
            ("text around", format!("subject=/CN=é\n{one}\nmore: ----- text\n{one}the end"), 2),
            ("a key beside it", format!("{key}{one}{key}"), 1),
            ("indented", indented, 1),
            ("no line end", one.trim_end().to_owned(), 1),
        ] {
            let found =
                certificates(text.as_bytes(), &ClientLog::of_a_test()).unwrap_or_else(|why| panic!("{what}: {why}"));
            assert_eq!(found.len(), count, "{what}");
            assert!(found.iter().all(|found| *found == der), "{what}");
        }
        let latin = [b"# Autorit\xe9\n".as_slice(), one.as_bytes()].concat();
        assert_eq!(certificates(&latin, &ClientLog::of_a_test()).expect("one").len(), 1);
    }

    /// Red with `certificates`: "certificate 2 is malformed".
    #[test]
    fn the_usable_certificates_of_a_bundle_are_found() {
        let one = pem();
        let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let trusted = one.replace(" CERTIFICATE", " TRUSTED CERTIFICATE");
        let log = ClientLog::of_a_test();
        let found = usable(format!("\u{feff}{one}{bad}{trusted}{one}").as_bytes(), &log).expect("two");
        assert_eq!(found.len(), 2);
        let none = [
            ("", "it is empty"),
            (bad, "certificate 1 is malformed"),
            (&trusted, "TRUSTED CERTIFICATE"),
            ("x", "no PEM"),
        ];
        for (text, says) in none {
            let why = usable(text.as_bytes(), &log).expect_err(says);
            assert!(why.to_string().contains(says), "{why}");
        }
    }

    /// What rustls reads, this does, and nothing else: of the system's bundle, where there is one, and of one that is damaged.
    #[test]
    fn a_certificate_is_what_another_reader_of_pem_makes_of_it() {
        let system = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
        let one = pem();
        let body: String = one.lines().skip(1).filter(|line| !line.starts_with('-')).collect();
        let wrapped = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        let damaged = [
            wrapped(&body),
            wrapped(&body.replace('A', "*")),
            wrapped(&format!("{body}=")),
            wrapped(&format!("{body}A")),
            wrapped(&body[1..]),
            wrapped(""),
            one.replace("-----END CERTIFICATE-----", ""),
        ];
        for text in damaged.iter().map(String::as_str).chain([one.as_str(), &system]) {
            let theirs: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes())
                .filter_map(Result::ok)
                .filter(|der| rustls::RootCertStore::empty().add(der.clone()).is_ok())
                .collect();
            let ours: Vec<_> = blocks(text).filter_map(|block| certificate(&block).ok()).collect();
            assert!(ours == theirs, "{} and {} of {text:.200}", ours.len(), theirs.len());
        }
    }

    /// Red when Base64 may have no blanks within a line, and when it may have no unused bits at its end.
    #[test]
    fn base64_that_another_reader_of_pem_takes_is_taken() {
        let characters = ['A', 'R', '/', '=', ' ', '\t'];
        let mut texts = vec![String::new()];
        for start in 0.. {
            let Some(text) = texts.get(start).filter(|text| text.len() < 5).cloned() else { break };
            texts.extend(characters.map(|character| format!("{text}{character}")));
        }
        for text in texts {
            let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
            if let Ok(theirs) = CertificateDer::from_pem_slice(pem.as_bytes()) {
                assert_eq!(decode(&text).as_deref(), Some(&*theirs), "{text:?}");
            }
        }
    }

    /// Red with the parser's own errors: "no certificate" for all but the malformed ones.
    #[test]
    fn an_unusable_bundle_is_explained() {
        let one = pem();
        let der = CertificateDer::from_pem_slice(one.as_bytes()).expect("a certificate");
        let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(one.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let trusted = one.replace(" CERTIFICATE", " TRUSTED CERTIFICATE");
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let no_end = one.lines().take(3).collect::<Vec<_>>().join("\n");
        let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (bytes, says) in [
            (b"".as_slice(), "it is empty"),
            (&utf16, "UTF-16"),
            (&der, "openssl x509 -inform der"),
            (key.as_bytes(), "only a PRIVATE KEY"),
            (b"not PEM\n", "no PEM certificate"),
            (trusted.as_bytes(), "TRUSTED CERTIFICATE"),
            (format!("{one}{trusted}").as_bytes(), "TRUSTED CERTIFICATE"),
            (no_end.as_bytes(), "certificate 1 is malformed"),
            (format!("{one}{no_certificate}").as_bytes(), "certificate 2 is malformed"),
            (format!("{no_end}\n{one}").as_bytes(), "certificate 1 is malformed"),
        ] {
            let why = certificates(bytes, &ClientLog::of_a_test()).expect_err(says);
            assert!(why.to_string().contains(says), "{why}");
        }
    }
}
