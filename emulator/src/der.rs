//! DER, as far as certificates need it (X.690).

/// The identifier of an element.
#[derive(Clone, Copy)]
pub(crate) struct Tag(u8);

impl Tag {
    pub(crate) const BOOLEAN: Self = Self(1);
    const INTEGER: Self = Self(2);
    const BIT_STRING: Self = Self(3);
    pub(crate) const OCTET_STRING: Self = Self(4);
    pub(crate) const OBJECT_ID: Self = Self(6);
    const UTF8_STRING: Self = Self(12);
    const UTC_TIME: Self = Self(23);
    const GENERALIZED_TIME: Self = Self(24);
    const SEQUENCE: Self = Self(0x30);
    const SET: Self = Self(0x31);

    /// `[number]` around an element.
    pub(crate) const fn explicit(number: u8) -> Self {
        Self(0xA0 | number)
    }

    /// `[number]` instead of the identifier of a primitive element.
    pub(crate) const fn implicit(number: u8) -> Self {
        Self(0x80 | number)
    }
}

/// An element: identifier, length, contents.
pub(crate) fn encode(tag: Tag, contents: &[u8]) -> Vec<u8> {
    let mut element = vec![tag.0];
    let length = contents.len().to_be_bytes();
    let digits = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    match digits {
        [] => element.push(0),
        [length @ ..=0x7F] => element.push(*length),
        _ => {
            element.push(0x80 | u8::try_from(digits.len()).unwrap_or(0));
            element.extend(digits);
        }
    }
    element.extend(contents);
    element
}

pub(crate) fn sequence(elements: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    encode(Tag::SEQUENCE, &elements.into_iter().flatten().collect::<Vec<_>>())
}

/// A positive integer: big-endian, without leading zeros, its first bit clear.
pub(crate) fn integer(bytes: &[u8]) -> Vec<u8> {
    encode(Tag::INTEGER, bytes)
}

/// A bit string of whole bytes, without the last `unused` bits.
pub(crate) fn bits(bytes: &[u8], unused: u8) -> Vec<u8> {
    encode(Tag::BIT_STRING, &[&[unused], bytes].concat())
}

/// A `Name` with a common name.
pub(crate) fn name(common_name: &str) -> Vec<u8> {
    let attribute = sequence([attribute_type(3), encode(Tag::UTF8_STRING, common_name.as_bytes())]);
    sequence([encode(Tag::SET, &attribute)])
}

/// 2.5.4.`last`, the attributes of names.
fn attribute_type(last: u8) -> Vec<u8> {
    encode(Tag::OBJECT_ID, &[0x55, 4, last])
}

/// An extension, 2.5.29.`last`.
pub(crate) fn extension(last: u8, is_critical: bool, value: &[u8]) -> Vec<u8> {
    let mut elements = vec![encode(Tag::OBJECT_ID, &[0x55, 0x1D, last])];
    // The default, false, is left out.
    elements.extend(is_critical.then(|| encode(Tag::BOOLEAN, &[0xFF])));
    elements.push(encode(Tag::OCTET_STRING, value));
    sequence(elements)
}

/// A `Time`: two digits for the years until 2049 (RFC 5280, 4.1.2.5).
pub(crate) fn time((year, month, day): (i64, i64, i64), clock: &str) -> Vec<u8> {
    let text = format!("{year:04}{month:02}{day:02}{clock}Z");
    if year < 2050 {
        encode(Tag::UTC_TIME, &text.as_bytes()[2..])
    } else {
        encode(Tag::GENERALIZED_TIME, text.as_bytes())
    }
}

/// The algorithm of signatures, 1.2.840.10045.4.3.2.
pub(crate) fn ecdsa_with_sha256() -> Vec<u8> {
    sequence([encode(Tag::OBJECT_ID, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2])])
}

/// `SubjectPublicKeyInfo` of a point on P-256: 1.2.840.10045.2.1 with 1.2.840.10045.3.1.7.
pub(crate) fn p256_public_key(point: &[u8]) -> Vec<u8> {
    let algorithm = sequence([
        encode(Tag::OBJECT_ID, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1]),
        encode(Tag::OBJECT_ID, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7]),
    ]);
    sequence([algorithm, bits(point, 0)])
}
