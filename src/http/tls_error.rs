//! Explains TLS errors to an administrator: the reason, and what to do about it.

use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, OtherError};

use crate::error;

/// What kept a certificate from being verified, and says nothing about it: for now, the roots cannot be read.
pub(super) fn not_of_tls(error: &Error) -> Option<&error::Error> {
    match error {
        Error::Other(OtherError(other)) => other.downcast_ref(),
        _ => None,
    }
}

pub(super) fn explain(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(fault) => certificate(fault),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the port does not speak TLS; it may be one for plain http".into()
        }
        Error::InvalidMessage(_) => "the port does not speak TLS, or data was corrupted in transit".into(),
        Error::AlertReceived(alert) => format!("the server aborted the handshake: {}", self::alert(*alert)),
        Error::NoCertificatesPresented => "the server sent no certificate".into(),
        Error::PeerIncompatible(_) => {
            "the server and this library have no TLS version or cipher suite in common (TLS 1.2 or 1.3 is required)"
                .into()
        }
        Error::PeerMisbehaved(_) | Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server violates the TLS protocol".into()
        }
        Error::DecryptError => "received data cannot be decrypted: it was corrupted or modified in transit".into(),
        Error::PeerSentOversizedRecord => "the server sent a TLS record that is too long".into(),
        Error::General(text) => text.clone(),
        other => other.to_string(),
    }
}

fn certificate(fault: &CertificateError) -> String {
    const HINT: &str = "to trust it, set ca_bundle_path to the certificate of the authority that signed it";
    match fault {
        CertificateError::UnknownIssuer => {
            format!("the server's certificate is signed by an authority that is not trusted, or self-signed; {HINT}")
        }
        CertificateError::ExpiredContext { time, not_after } => format!(
            "the server's certificate expired on {}; this machine's clock says {}",
            date(*not_after),
            date(*time)
        ),
        CertificateError::Expired => "the server's certificate has expired according to this machine's clock".into(),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the server's certificate is not valid before {}; this machine's clock says {}",
            date(*not_before),
            date(*time)
        ),
        CertificateError::NotValidYet => {
            "the server's certificate is not valid yet according to this machine's clock".into()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let presented = if presented.is_empty() { "no host name".to_owned() } else { names(presented) };
            format!("the server's certificate is not valid for {}, only for {presented}", expected.to_str())
        }
        CertificateError::NotValidForName => "the server's certificate is for another host name".into(),
        CertificateError::Revoked => "the server's certificate is revoked".into(),
        // A trusted authority has the issuer's name, but another key.
        CertificateError::BadSignature | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "the server's certificate was not signed with the key of the trusted authority that it names, but with another key, \
             perhaps a newer one; set ca_bundle_path to the current certificate of that authority"
                .into()
        }
        CertificateError::BadEncoding => "the server's certificate is malformed".into(),
        CertificateError::UnhandledCriticalExtension => {
            "the server's certificate has an unknown critical extension".into()
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. } => {
            "the server's certificate is signed with an unsupported or insecure algorithm".into()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => NOT_FOR_SERVERS.into(),
        // These have no variant, only a text.
        CertificateError::Other(other) => match other.to_string() {
            text if text.contains("CaUsedAsEndEntity") => {
                "the server's certificate is a CA certificate (CA:TRUE), which is not allowed; use it to sign a certificate for the \
                 server (CA:FALSE), and set ca_bundle_path to the CA certificate"
                    .into()
            }
            text if text.contains("invalid extensions") => NOT_FOR_SERVERS.into(),
            text if text.contains("UnsupportedCertVersion") => {
                "the server's certificate is not X.509 version 3".into()
            }
            text => format!("the server's certificate cannot be used: {text}"),
        },
        other => format!("the server's certificate cannot be used: {other}"),
    }
}

const NOT_FOR_SERVERS: &str =
    "the server's certificate is not a server certificate (its extended key usage lacks serverAuth)";
/// The maximum number of names of a certificate in a message.
const MAX_NAMES: usize = 5;

/// Strips rustls' debug format: `DnsName("api.example")`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| match (name.find('"'), name.rfind('"')) {
        (Some(begin), Some(end)) if begin < end => name[begin + 1..end].to_owned(),
        _ => match (name.find('('), name.rfind(')')) {
            (Some(begin), Some(end)) if begin < end => name[begin + 1..end].to_owned(),
            _ => name.clone(),
        },
    };
    let shown: Vec<_> = presented.iter().take(MAX_NAMES).map(bare).collect();
    let more = presented.len().saturating_sub(MAX_NAMES);
    let names = shown.join(", ");
    if more > 0 { format!("{names} and {more} more") } else { names }
}

fn date(time: UnixTime) -> String {
    // Certificates may have any year; the HTTP date format ends with 9999.
    const LATEST: u64 = 253_402_300_799;
    let since = Duration::from_secs(time.as_secs().min(LATEST));
    httpdate::fmt_http_date(std::time::SystemTime::UNIX_EPOCH + since)
}

fn alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::HandshakeFailure => {
            "handshake failure (no version or cipher suite in common, or a client certificate is required)".into()
        }
        AlertDescription::ProtocolVersion => "it supports neither TLS 1.2 nor 1.3".into(),
        AlertDescription::UnrecognisedName => "it does not serve this host name".into(),
        AlertDescription::CertificateRequired => {
            "it requires a client certificate; set client_certificate_path or client_certificate_pem".into()
        }
        AlertDescription::InternalError => "internal error".into(),
        AlertDescription::AccessDenied => "access denied".into(),
        other => format!("TLS alert {}", u8::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::OtherError;

    use super::*;

    /// Red with rustls' own text: "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))".
    #[test]
    fn messages_contain_no_debug_text() {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(500_000 * 60 * 60));
        let long_ago = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
        let other = |text: &'static str| CertificateError::Other(OtherError(Arc::new(std::io::Error::other(text))));
        for (fault, says) in [
            (CertificateError::UnknownIssuer, "authority that is not trusted"),
            (CertificateError::ExpiredContext { time, not_after: time }, "expired on Fri, 15 Jan 2027 "),
            (CertificateError::NotValidYetContext { time, not_before: long_ago }, "not valid before Fri, 31 Dec 9999"),
            (other("CaUsedAsEndEntity"), "(CA:TRUE)"),
            (other("certificate had invalid extensions"), "not a server certificate"),
            (CertificateError::BadSignature, "with another key"),
            (CertificateError::NotValidForName, "for another host name"),
            (CertificateError::BadEncoding, "malformed"),
            (CertificateError::ApplicationVerificationFailure, "cannot be used"),
        ] {
            let text = explain(&Error::InvalidCertificate(fault));
            assert!(text.contains(says), "{text}");
            assert!(!text.contains("OtherError") && !text.contains("Context"), "{text}");
        }
        assert_eq!(
            names(&["DnsName(\"a.example\")".to_owned(), "IpAddress(127.0.0.1)".to_owned()]),
            "a.example, 127.0.0.1"
        );
        let text = explain(&Error::InvalidMessage(InvalidMessage::InvalidContentType));
        assert!(text.contains("plain http"), "{text}");
    }
}
