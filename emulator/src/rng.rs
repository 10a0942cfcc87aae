//! The random source of generated data: a small generator that is seeded from the index of each record.

/// `SplitMix64`. Each record has its own stream, so that record 900,000 can be generated without those before it.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

const HEX: &[u8; 16] = b"0123456789abcdef";
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Rng {
    /// Stream number `index` of one kind (`stream`).
    pub(crate) fn new(seed: u64, stream: u64, index: u64) -> Self {
        let start = mix(seed.wrapping_add(GOLDEN)) ^ mix(stream.wrapping_mul(GOLDEN));
        Self(mix(start.wrapping_add(index.wrapping_mul(GOLDEN))))
    }

    /// A stream that is unique to this process, for tokens and request ids, which must not repeat after a restart.
    pub(crate) fn unrepeatable() -> Self {
        use std::hash::{BuildHasher, Hasher};
        let process = std::hash::RandomState::new().build_hasher().finish();
        Self::new(process, u64::from(std::process::id()), 0)
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number in `0..bound`; 0 when the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.draw()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A position in a list of `length` items; 0 when the list is empty.
    pub(crate) fn position(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.position(words.len())]
    }

    /// A lower-case UUID, version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let high = self.draw() & !0xf000 | 0x4000;
        let low = self.draw() & !(0b11 << 62) | 0b10 << 62;
        let octets = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
        // Formatted by hand: a million events contain several million ids, and `format!` would dominate the cost.
        let mut text = String::with_capacity(36);
        for (position, octet) in octets.into_iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push(char::from(HEX[usize::from(octet >> 4)]));
            text.push(char::from(HEX[usize::from(octet & 15)]));
        }
        text
    }

    /// 64 hexadecimal digits.
    pub(crate) fn token(&mut self) -> String {
        format!("{:016x}{:016x}{:016x}{:016x}", self.draw(), self.draw(), self.draw(), self.draw())
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn a_stream_is_repeatable_and_differs_from_its_neighbours() {
        let id = |seed, stream, index| Rng::new(seed, stream, index).uuid();
        assert_eq!(id(1, 2, 3), id(1, 2, 3));
        assert_ne!(id(1, 2, 3), id(1, 2, 4));
        assert_ne!(id(1, 2, 3), id(1, 3, 3));
        assert_ne!(id(1, 2, 3), id(2, 2, 3));
    }

    #[test]
    fn an_id_is_a_lower_case_version_4_uuid() {
        for index in 0..1000 {
            let id = Rng::new(7, 7, index).uuid();
            let bytes = id.as_bytes();
            assert_eq!(bytes.len(), 36, "{id}");
            assert_eq!(bytes[14], b'4', "{id}");
            assert!(b"89ab".contains(&bytes[19]), "{id}");
            assert_eq!(id, id.to_ascii_lowercase());
        }
    }
}
