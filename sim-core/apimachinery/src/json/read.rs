//! The reading half: a recursive reader with Go's complaints. Depth is bounded.

use super::{Error, UNEXPECTED_END};
use serde_json::{Map, Number, Value};

/// Go stops at 10,000; stacks here are smaller.
const DEPTH_MAX: usize = 250;

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

/// Reads exactly one value; depth is bounded (Go's bound is 10,000, here it is lower for the stack's sake).
pub fn parse(text: &[u8]) -> Result<Value, Error> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    let value = reader.value()?;
    reader.blanks();
    if reader.at < text.len() { reader.unexpected("after top-level value") } else { Ok(value) }
}

/// Reads one value from the front of `text`: the value and the bytes used. `None` when only white space is left.
pub fn parse_prefix(text: &[u8]) -> Result<Option<(Value, usize)>, Error> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    reader.blanks();
    if reader.at == text.len() {
        return Ok(None);
    }
    let value = reader.value()?;
    Ok(Some((value, reader.at)))
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The byte here is not what may stand in `context`.
    fn unexpected<T>(&self, context: &str) -> Result<T, Error> {
        let Some(byte) = self.peek() else {
            return Err(Error { message: UNEXPECTED_END.to_owned(), offset: self.at });
        };
        let shown = match char::from(byte) {
            '\'' => "'\\''".to_owned(),
            '"' => "'\"'".to_owned(),
            c => format!("'{}'", crate::field::quote(&c.to_string()).trim_matches('"')),
        };
        Err(Error { message: format!("invalid character {shown} {context}"), offset: self.at + 1 })
    }

    fn value(&mut self) -> Result<Value, Error> {
        self.blanks();
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.unexpected("looking for beginning of value"),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Error>) -> Result<Value, Error> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Error { message: "exceeded max depth".to_owned(), offset: self.at + 1 });
        }
        self.at += 1;
        self.blanks();
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, Error> {
        let mut map = Map::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(map));
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.unexpected("looking for beginning of object key string");
            }
            let key = self.string()?;
            self.blanks();
            if self.peek() != Some(b':') {
                return self.unexpected("after object key");
            }
            self.at += 1;
            let value = self.value()?;
            map.insert(key, value);
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Object(map));
                }
                _ => return self.unexpected("after object key:value pair"),
            }
            self.blanks();
        }
    }

    fn array(&mut self) -> Result<Value, Error> {
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::Array(items));
                }
                _ => return self.unexpected("after array element"),
            }
        }
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, Error> {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                return self.unexpected(&format!("in literal {word} (expecting '{}')", char::from(expected)));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > start
    }

    fn number(&mut self) -> Result<Value, Error> {
        let start = self.at;
        let mut whole = true;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else if !self.digits() {
            return self.unexpected("in numeric literal");
        }
        if self.peek() == Some(b'.') {
            whole = false;
            self.at += 1;
            if !self.digits() {
                return self.unexpected("after decimal point in numeric literal");
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            if matches!(self.peek(), Some(b'-' | b'+')) {
                self.at += 1;
            }
            if !self.digits() {
                return self.unexpected("in exponent of numeric literal");
            }
        }
        // Digits and signs only: valid UTF-8.
        let text = core::str::from_utf8(&self.text[start..self.at]).unwrap_or("0");
        if let (true, Ok(n)) = (whole, text.parse::<i64>()) {
            return Ok(n.into());
        }
        let float = text.parse::<f64>().ok().and_then(Number::from_f64);
        let error = || Error {
            message: format!("json: cannot unmarshal number {text} into Go value of type float64"),
            offset: self.at,
        };
        float.map(Value::Number).ok_or_else(error)
    }

    fn string(&mut self) -> Result<String, Error> {
        self.at += 1;
        let mut out: Vec<u8> = Vec::new();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into()));
                }
                Some(b'\\') => self.escape(&mut out)?,
                Some(byte) if byte >= 0x20 => {
                    out.push(byte);
                    self.at += 1;
                }
                _ => return self.unexpected("in string literal"),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.at += 1;
        let byte = match self.peek() {
            Some(c @ (b'"' | b'\\' | b'/')) => c,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.at += 1;
                let c = self.unicode()?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return self.unexpected("in string escape code"),
        };
        self.at += 1;
        out.push(byte);
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|b| char::from(b).to_digit(16)) else {
                return self.unexpected("in \\u hexadecimal character escape");
            };
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }

    /// After `\u`; a lone half of a pair becomes U+FFFD.
    fn unicode(&mut self) -> Result<char, Error> {
        let high = self.hex4()?;
        if (0xd800..0xdc00).contains(&high) && self.text[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}
