//! base64, md5sum, sha256sum.

use super::options::{Options, parse_or_tell};
use super::whole::contents;
use crate::process::Ctx;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub fn encode_base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 4);
    for chunk in bytes.chunks(3) {
        let n = u32::from(chunk[0]) << 16
            | u32::from(*chunk.get(1).unwrap_or(&0)) << 8
            | u32::from(*chunk.get(2).unwrap_or(&0));
        for i in 0..4 {
            out.push(if i <= chunk.len() { char::from(ALPHABET[(n >> (18 - 6 * i)) as usize & 63]) } else { '=' });
        }
    }
    out
}

/// The bytes, and whether all of it was base64.
pub fn decode_base64(text: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let (mut n, mut bits) = (0u32, 0);
    for b in text.iter().filter(|b| !b.is_ascii_whitespace()) {
        if *b == b'=' {
            break;
        }
        let Some(v) = ALPHABET.iter().position(|a| a == b) else { return (out, false) };
        n = n << 6 | v as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((n >> bits) as u8);
        }
    }
    let digits = text.iter().filter(|b| !b.is_ascii_whitespace()).count();
    (out, digits % 4 == 0)
}

pub fn base64(ctx: &mut Ctx<'_>, args: &[String], input: &[u8]) -> i32 {
    let Some(o) = parse_or_tell(ctx, "base64", args, "dDw:i", &[("decode", 'd'), ("wrap", 'w')]) else { return 1 };
    let mut code = 0;
    for (_, bytes) in contents(ctx, "base64", &o, input, &mut code) {
        if o.has('d') || o.has('D') {
            let (out, good) = decode_base64(&bytes);
            ctx.out_bytes(&out);
            if !good {
                ctx.err("base64: invalid input\n");
                return 1;
            }
            continue;
        }
        let wrap = o.value('w').and_then(|w| w.parse::<usize>().ok()).unwrap_or(76);
        let text = encode_base64(&bytes);
        if wrap == 0 {
            ctx.out(&text);
        } else {
            let lines: String =
                text.as_bytes().chunks(wrap).flat_map(|l| [String::from_utf8_lossy(l), "\n".into()]).collect();
            ctx.out(&lines);
        }
    }
    code
}

fn sums(ctx: &mut Ctx<'_>, tool: &str, o: &Options, input: &[u8], digest: fn(&[u8]) -> Vec<u8>) -> i32 {
    let mut code = 0;
    for (name, bytes) in contents(ctx, tool, o, input, &mut code) {
        let hex: String = digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        let name = if name.is_empty() { "-" } else { &name };
        ctx.out(&format!("{hex}  {name}\n"));
    }
    code
}

pub fn md5sum(ctx: &mut Ctx<'_>, args: &[String], input: &[u8]) -> i32 {
    let Some(o) = parse_or_tell(ctx, "md5sum", args, "bt", &[]) else { return 1 };
    sums(ctx, "md5sum", &o, input, md5)
}

pub fn sha256sum(ctx: &mut Ctx<'_>, args: &[String], input: &[u8]) -> i32 {
    let Some(o) = parse_or_tell(ctx, "sha256sum", args, "bt", &[]) else { return 1 };
    sums(ctx, "sha256sum", &o, input, sha256)
}

/// The message with its padding; `big`: length in big-endian order.
fn padded(bytes: &[u8], big: bool) -> Vec<u8> {
    let mut m = bytes.to_vec();
    let bits = (bytes.len() as u64) * 8;
    m.push(0x80);
    while m.len() % 64 != 56 {
        m.push(0);
    }
    m.extend(if big { bits.to_be_bytes() } else { bits.to_le_bytes() });
    m
}

fn md5(bytes: &[u8]) -> Vec<u8> {
    const TURNS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut state = [0x6745_2301u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded(bytes, false).chunks(64) {
        let word = |i: usize| u32::from_le_bytes([block[i * 4], block[i * 4 + 1], block[i * 4 + 2], block[i * 4 + 3]]);
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64usize {
            let (f, g) = match i / 16 {
                0 => (b & c | !b & d, i),
                1 => (d & b | !d & c, (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), 7 * i % 16),
            };
            // The constant is the sine of the step's number, as RFC 1321 defines it.
            let k = (((i + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(f).wrapping_add(k).wrapping_add(word(g));
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(TURNS[i / 16][i % 4]));
        }
        for (s, v) in state.iter_mut().zip([a, b, c, d]) {
            *s = s.wrapping_add(v);
        }
    }
    state.iter().flat_map(|s| s.to_le_bytes()).collect()
}

/// The first 32 bits of the fractional part of the root of each of the first primes.
fn prime_roots(count: usize, root: f64) -> Vec<u32> {
    let primes = (2u32..).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0));
    primes.take(count).map(|p| (f64::from(p).powf(1.0 / root).fract() * 4_294_967_296.0) as u32).collect()
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    let k = prime_roots(64, 3.0);
    let mut state: Vec<u32> = prime_roots(8, 2.0);
    for block in padded(bytes, true).chunks(64) {
        let mut w: Vec<u32> = block.chunks(4).map(|c| u32::from_be_bytes([c[0], c[1], c[2], c[3]])).collect();
        for i in 16..64 {
            let s0 = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ w[i - 15] >> 3;
            let s1 = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ w[i - 2] >> 10;
            w.push(w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1));
        }
        let mut v = state.clone();
        for i in 0..64 {
            let s1 = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
            let ch = v[4] & v[5] ^ !v[4] & v[6];
            let t1 = v[7].wrapping_add(s1).wrapping_add(ch).wrapping_add(k[i]).wrapping_add(w[i]);
            let s0 = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
            let maj = v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2];
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(t1);
            v[0] = t1.wrapping_add(s0).wrapping_add(maj);
        }
        state.iter_mut().zip(v).for_each(|(s, v)| *s = s.wrapping_add(v));
    }
    state.iter().flat_map(|s| s.to_be_bytes()).collect()
}
