//! What a failed TLS handshake means, in words for whoever runs the machine.

use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// The reason, and what to do about it.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(fault) => certificate(fault),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the port does not speak TLS; it may be one for plain http".into()
        }
        Error::InvalidMessage(_) => "the port does not speak TLS, or the connection is damaged on the way".into(),
        Error::AlertReceived(alert) => format!("the server ended it: {}", self::alert(*alert)),
        Error::NoCertificatesPresented => "the server has no certificate".into(),
        Error::PeerIncompatible(_) => {
            "the server and this library have no TLS version or cipher suite in common (TLS 1.2 or 1.3 is needed)"
                .into()
        }
        Error::PeerMisbehaved(_) | Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server does not keep to the TLS protocol".into()
        }
        Error::DecryptError => "what came cannot be decrypted: it was damaged or changed on the way".into(),
        Error::PeerSentOversizedRecord => "the server sent a TLS record that is too long".into(),
        Error::General(text) => text.clone(),
        other => other.to_string(),
    }
}

fn certificate(fault: &CertificateError) -> String {
    const OWN: &str = "if it is to be trusted, give the certificate of the authority that signed it as ca_bundle_path";
    match fault {
        CertificateError::UnknownIssuer => {
            format!("the server's certificate is signed by an authority that is not trusted here, or by itself; {OWN}")
        }
        CertificateError::ExpiredContext { time, not_after } => format!(
            "the server's certificate expired on {}; it is {} by the clock of this machine",
            date(*not_after),
            date(*time)
        ),
        CertificateError::Expired => "the server's certificate has expired, by the clock of this machine".into(),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the server's certificate is not valid before {}; it is {} by the clock of this machine",
            date(*not_before),
            date(*time)
        ),
        CertificateError::NotValidYet => {
            "the server's certificate is not valid yet, by the clock of this machine".into()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let presented = if presented.is_empty() { "no host".to_owned() } else { names(presented) };
            format!("the server's certificate is not for {}, but for {presented}", expected.to_str())
        }
        CertificateError::NotValidForName => "the server's certificate is for another host".into(),
        CertificateError::Revoked => "the server's certificate is revoked".into(),
        // An authority of that name is trusted, and has another key.
        CertificateError::BadSignature | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "the server's certificate is not signed by the trusted authority whose name it bears, but by another of that name, \
             such as a newer one; give the certificate of that one as ca_bundle_path"
                .into()
        }
        CertificateError::BadEncoding => "the server's certificate cannot be read".into(),
        CertificateError::UnhandledCriticalExtension => {
            "the server's certificate has a critical extension that is not known".into()
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. } => {
            "the server's certificate is signed with an algorithm that is not supported, or not secure any more".into()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => NOT_FOR_SERVERS.into(),
        // These have no variant of their own, only a text.
        CertificateError::Other(other) => match other.to_string() {
            text if text.contains("CaUsedAsEndEntity") => {
                "the server's own certificate is one of an authority (CA:TRUE), which no server may show; \
                 sign one for the server with it (CA:FALSE), and give that of the authority as ca_bundle_path"
                    .into()
            }
            text if text.contains("invalid extensions") => NOT_FOR_SERVERS.into(),
            text if text.contains("UnsupportedCertVersion") => {
                "the server's certificate is not of X.509 version 3".into()
            }
            text => format!("the server's certificate cannot be used: {text}"),
        },
        other => format!("the server's certificate cannot be used: {other}"),
    }
}

const NOT_FOR_SERVERS: &str = "the server's certificate is not for servers (its extended key usage lacks serverAuth)";
/// So many names of a certificate are shown.
const NAMES: usize = 5;

/// rustls quotes them: `DnsName("api.example")`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| match (name.find('"'), name.rfind('"')) {
        (Some(begin), Some(end)) if begin < end => name[begin + 1..end].to_owned(),
        _ => match (name.find('('), name.rfind(')')) {
            (Some(begin), Some(end)) if begin < end => name[begin + 1..end].to_owned(),
            _ => name.clone(),
        },
    };
    let shown: Vec<_> = presented.iter().take(NAMES).map(bare).collect();
    let more = presented.len().saturating_sub(NAMES);
    let names = shown.join(", ");
    if more > 0 { format!("{names} and {more} more") } else { names }
}

fn date(time: UnixTime) -> String {
    // A certificate may have been made for any year; the format knows those up to 9999.
    const LATEST: u64 = 253_402_300_799;
    let since = Duration::from_secs(time.as_secs().min(LATEST));
    httpdate::fmt_http_date(std::time::SystemTime::UNIX_EPOCH + since)
}

fn alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::HandshakeFailure => {
            "handshake failure (no version or cipher suite in common, or it wants a client certificate)".into()
        }
        AlertDescription::ProtocolVersion => "it speaks no TLS 1.2 or 1.3".into(),
        AlertDescription::UnrecognisedName => "it does not know the host name that it was asked for".into(),
        AlertDescription::CertificateRequired => "it wants a client certificate, which this library has not".into(),
        AlertDescription::InternalError => "it has an internal error".into(),
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
    fn no_sentence_is_debug_text() {
        let time = UnixTime::since_unix_epoch(Duration::from_hours(500_000));
        let long_ago = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
        let other = |text: &'static str| CertificateError::Other(OtherError(Arc::new(std::io::Error::other(text))));
        for (fault, says) in [
            (CertificateError::UnknownIssuer, "authority that is not trusted here"),
            (CertificateError::ExpiredContext { time, not_after: time }, "expired on Fri, 15 Jan 2027 "),
            (CertificateError::NotValidYetContext { time, not_before: long_ago }, "not valid before Fri, 31 Dec 9999"),
            (other("CaUsedAsEndEntity"), "(CA:TRUE)"),
            (other("certificate had invalid extensions"), "not for servers"),
            (CertificateError::BadSignature, "another of that name"),
            (CertificateError::NotValidForName, "for another host"),
            (CertificateError::BadEncoding, "cannot be read"),
            (CertificateError::ApplicationVerificationFailure, "cannot be used"),
        ] {
            let text = words(&Error::InvalidCertificate(fault));
            assert!(text.contains(says), "{text}");
            assert!(!text.contains("OtherError") && !text.contains("Context"), "{text}");
        }
        assert_eq!(
            names(&["DnsName(\"a.example\")".to_owned(), "IpAddress(127.0.0.1)".to_owned()]),
            "a.example, 127.0.0.1"
        );
        let text = words(&Error::InvalidMessage(InvalidMessage::InvalidContentType));
        assert!(text.contains("plain http"), "{text}");
    }
}
