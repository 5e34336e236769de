//! The scanner's tags (`!!str`, `!<uri>`) and directives (`%YAML`, `%TAG`).

use super::{Done, Fault, Kind, Mark, Scanner, Token};

impl Scanner<'_> {
    pub(super) fn fetch_tag(&mut self) -> Done {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let (handle, suffix) = if self.at(1) == b'<' {
            self.skip();
            self.skip();
            let uri = self.tag_uri("", start)?;
            if self.at(0) != b'>' {
                return self.fault(start, "did not find the expected '>'");
            }
            self.skip();
            (String::new(), uri)
        } else {
            let handle = self.tag_handle();
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.tag_uri("", start)?;
                (handle, suffix)
            } else {
                match self.tag_uri(&handle, start)? {
                    suffix if suffix.is_empty() => (String::new(), "!".to_owned()),
                    suffix => ("!".to_owned(), suffix),
                }
            }
        };
        if !self.is_blankz(0) {
            return self.fault(start, "did not find expected whitespace or line break");
        }
        self.push(Kind::Tag { handle, suffix }, start);
        Ok(())
    }

    /// `!`, `!word` or `!word!`; the caller has seen the first `!`.
    fn tag_handle(&mut self) -> String {
        let start = self.mark.byte;
        self.skip();
        self.word();
        if self.at(0) == b'!' {
            self.skip();
        }
        self.slice(start)
    }

    /// What remains of a tag; `head` is what was read already, with its `!`.
    fn tag_uri(&mut self, head: &str, start: Mark) -> Result<String, Fault> {
        let mut out = head.as_bytes().get(1..).unwrap_or_default().to_vec();
        let mut any = !head.is_empty();
        while self.at(0).is_ascii_alphanumeric() || b"_-;/?:@&=+$,.!~*'()[]%".contains(&self.at(0)) && !self.is_end() {
            if self.at(0) == b'%' {
                let digit = |b: u8| char::from(b).to_digit(16);
                let (Some(high), Some(low)) = (digit(self.at(1)), digit(self.at(2))) else {
                    return self.fault(start, "did not find URI escaped octet");
                };
                out.push((high * 16 + low) as u8);
                for _ in 0..3 {
                    self.skip();
                }
            } else {
                self.read(&mut out);
            }
            any = true;
        }
        if !any {
            return self.fault(start, "did not find expected tag URI");
        }
        match String::from_utf8(out) {
            Ok(text) => Ok(text),
            Err(_) => self.fault(start, "found an incorrect leading UTF-8 octet"),
        }
    }

    pub(super) fn fetch_directive(&mut self) -> Done {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip();
        let name = self.word();
        if name.is_empty() {
            return self.fault(start, "could not find expected directive name");
        }
        if !self.is_blankz(0) {
            return self.fault(start, "found unexpected non-alphabetical character");
        }
        let kind = match name.as_str() {
            "YAML" => {
                self.blanks();
                let major = self.version_number(start)?;
                if self.at(0) != b'.' {
                    return self.fault(start, "did not find expected digit or '.' character");
                }
                self.skip();
                Kind::Version(major, self.version_number(start)?)
            }
            "TAG" => {
                self.blanks();
                if self.at(0) != b'!' {
                    return self.fault(start, "did not find expected '!'");
                }
                let handle = self.tag_handle();
                if handle.len() > 1 && !handle.ends_with('!') {
                    return self.fault(start, "did not find expected '!'");
                }
                if !self.is_blank(0) {
                    return self.fault(start, "did not find expected whitespace");
                }
                self.blanks();
                let prefix = self.tag_uri("", start)?;
                Kind::TagDirective { handle, prefix }
            }
            _ => return self.fault(start, "found unknown directive name"),
        };
        let end = self.mark;
        self.blanks();
        if self.at(0) == b'#' {
            while !self.is_breakz(0) {
                self.skip();
            }
        }
        if !self.is_breakz(0) {
            return self.fault(start, "did not find expected comment or line break");
        }
        self.tokens.push_back(Token { kind, start, end });
        Ok(())
    }

    fn blanks(&mut self) {
        while self.is_blank(0) {
            self.skip();
        }
    }

    fn version_number(&mut self, start: Mark) -> Result<u32, Fault> {
        let from = self.mark.byte;
        while self.at(0).is_ascii_digit() {
            self.skip();
        }
        match self.slice(from) {
            digits if digits.is_empty() => self.fault(start, "did not find expected version number"),
            digits if digits.len() > 2 => self.fault(start, "found extremely long version number"),
            digits => Ok(digits.parse().unwrap_or(0)),
        }
    }
}
