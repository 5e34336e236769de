//! Seeded randomness. A stream is derived from what it is for, so that a draw added in one place never moves another's.

/// A small deterministic generator (splitmix64): the same on every platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng(u64);

/// FNV-1a, 64 bits.
pub fn fnv64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

/// FNV-1a, 32 bits: what upstream hashes pod templates with.
pub fn fnv32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |h, b| (h ^ u32::from(*b)).wrapping_mul(0x0100_0193))
}

/// The alphabet of generated names: no vowels, nothing that looks like another.
const NAME_ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

impl Rng {
    /// The stream for one purpose: `Rng::derive(seed, "pod-suffix", uid, n)`.
    pub fn derive(seed: u64, purpose: &str, subject: &str, n: u64) -> Self {
        let mut rng =
            Self(seed ^ fnv64(purpose.as_bytes()).rotate_left(17) ^ fnv64(subject.as_bytes()) ^ n.rotate_left(41));
        rng.next_u64();
        rng
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0..n` (`n` > 0).
    pub fn below(&mut self, n: u64) -> u64 {
        self.next_u64() % n.max(1)
    }

    /// Random letters as `generateName` appends them: `x7k2p`.
    pub fn suffix(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(NAME_ALPHABET[self.below(27) as usize])).collect()
    }

    /// A version-4 UUID.
    pub fn uuid(&mut self) -> String {
        let a = self.next_u64();
        let b = self.next_u64();
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }
}

/// Makes a number's decimal digits safe to stand in a name, as `pod-template-hash` is made.
pub fn safe_encode(text: &str) -> String {
    text.bytes().map(|b| char::from(NAME_ALPHABET[usize::from(b) % 27])).collect()
}
