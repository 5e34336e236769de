//! Base64 without padding and with the URL alphabet, with Go's error words: continue tokens and bearer tokens.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            out.push(char::from(ALPHABET[(word >> (18 - 6 * i) & 63) as usize]));
        }
    }
    out
}

pub(super) fn decode(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut bits) = (0u32, 0u32);
    for (at, b) in text.bytes().enumerate() {
        let Some(digit) = ALPHABET.iter().position(|a| *a == b) else {
            return Err(format!("illegal base64 data at input byte {at}"));
        };
        word = word << 6 | digit as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits & 0xff) as u8);
        }
    }
    if text.len() % 4 == 1 {
        return Err(format!("illegal base64 data at input byte {}", text.len() - 1));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for text in ["", "a", "ab", "abc", "abcd", "{\"v\":1}?>"] {
            assert_eq!(decode(&encode(text.as_bytes())).as_deref(), Ok(text.as_bytes()));
        }
        assert_eq!(encode(b"{\"v\":\"meta"), "eyJ2IjoibWV0YQ");
        assert_eq!(decode("bogus"), Err("illegal base64 data at input byte 4".into()));
        assert_eq!(decode("a$"), Err("illegal base64 data at input byte 1".into()));
    }
}
