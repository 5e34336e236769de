//! Backslash escapes of `echo -e`, `printf`, `$'…'` and `tr`.

/// The bytes that escapes mean, and whether `\c` cut the rest. `zero_octal`: octal numbers begin with `\0` (echo).
pub fn unescape(text: &str, zero_octal: bool) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(text.len());
    let chars: Vec<char> = text.chars().collect();
    let mut i = 0;
    let put = |out: &mut Vec<u8>, c: char| out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
    while i < chars.len() {
        let c = chars[i];
        i += 1;
        if c != '\\' || i == chars.len() {
            put(&mut out, c);
            continue;
        }
        let c = chars[i];
        i += 1;
        let mut digits = |radix: u32, max: usize| -> Option<u32> {
            let start = i;
            let mut n = 0;
            while i < chars.len() && i - start < max {
                let Some(d) = chars[i].to_digit(radix) else { break };
                n = n * radix + d;
                i += 1;
            }
            (i > start).then_some(n)
        };
        match c {
            'n' => out.push(b'\n'),
            't' => out.push(b'\t'),
            'r' => out.push(b'\r'),
            'a' => out.push(7),
            'b' => out.push(8),
            'e' | 'E' => out.push(0x1b),
            'f' => out.push(12),
            'v' => out.push(11),
            '\\' => out.push(b'\\'),
            'c' => return (out, true),
            'x' => match digits(16, 2) {
                Some(n) => out.push(n as u8),
                None => out.extend(b"\\x"),
            },
            'u' | 'U' => match digits(16, if c == 'u' { 4 } else { 8 }).and_then(char::from_u32) {
                Some(c) => put(&mut out, c),
                None => out.extend([b'\\', c as u8]),
            },
            '0' if zero_octal => out.push(digits(8, 3).unwrap_or(0) as u8),
            '0'..='7' if !zero_octal => {
                i -= 1;
                let mut n = 0;
                let start = i;
                while i < chars.len() && i - start < 3 {
                    let Some(d) = chars[i].to_digit(8) else { break };
                    n = n * 8 + d;
                    i += 1;
                }
                out.push(n as u8);
            }
            c => {
                out.push(b'\\');
                put(&mut out, c);
            }
        }
    }
    (out, false)
}
