//! The scanner's scalars: block, quoted and plain.

use super::{Done, Fault, Kind, Mark, Scanner};

/// Line breaks and blanks met between words, folded when the next word comes.
#[derive(Default)]
struct Gap {
    blanks: Vec<u8>,
    first_break: Vec<u8>,
    more_breaks: Vec<u8>,
    /// A line break was met: blanks from now on are indentation.
    broken: bool,
}

impl Gap {
    fn fold_into(&mut self, out: &mut Vec<u8>) {
        if !self.broken {
            out.append(&mut self.blanks);
            return;
        }
        self.blanks.clear();
        // One line break is a space; of several the first one goes.
        if self.first_break.first() == Some(&b'\n') {
            if self.more_breaks.is_empty() {
                out.push(b' ');
            }
            self.first_break.clear();
        }
        out.append(&mut self.first_break);
        out.append(&mut self.more_breaks);
        self.broken = false;
    }
}

fn text(bytes: Vec<u8>) -> String {
    // Pieces of UTF-8 text, cut at characters: always valid.
    String::from_utf8(bytes).unwrap_or_default()
}

impl Scanner<'_> {
    pub(super) fn fetch_block_scalar(&mut self) -> Done {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        let start = self.mark;
        let literal = self.at(0) == b'|';
        self.skip();
        let (keep, increment) = self.block_header(start)?;
        let mut indent = if increment > 0 { self.indent.max(0) as usize + increment } else { 0 };
        let (mut out, mut first_break, mut more_breaks) = (Vec::new(), Vec::new(), Vec::new());
        let mut end = self.block_breaks(&mut indent, &mut more_breaks, start)?;
        let mut after_blank = false;
        while self.mark.column == indent && !self.is_end() {
            let blank = self.is_blank(0);
            let folds = !literal && first_break.first() == Some(&b'\n') && !after_blank && !blank;
            if folds {
                if more_breaks.is_empty() {
                    out.push(b' ');
                }
                first_break.clear();
            }
            out.append(&mut first_break);
            out.append(&mut more_breaks);
            after_blank = blank;
            while !self.is_breakz(0) {
                self.read(&mut out);
            }
            self.read_line(&mut first_break);
            end = self.block_breaks(&mut indent, &mut more_breaks, start)?;
        }
        if keep != Some(false) {
            out.append(&mut first_break);
        }
        if keep == Some(true) {
            out.append(&mut more_breaks);
        }
        self.tokens.push_back(super::Token { kind: Kind::Scalar { text: text(out), plain: false }, start, end });
        Ok(())
    }

    /// Chomping (`+` true, `-` false) and indentation after `|` or `>`, up to and with the line break.
    fn block_header(&mut self, start: Mark) -> Result<(Option<bool>, usize), Fault> {
        let (mut keep, mut increment) = (None, 0);
        for _ in 0..2 {
            match self.at(0) {
                c @ (b'+' | b'-') if keep.is_none() => keep = Some(c == b'+'),
                b'0' if increment == 0 => return self.fault(start, "found an indentation indicator equal to 0"),
                c @ b'1'..=b'9' if increment == 0 => increment = usize::from(c - b'0'),
                _ => break,
            }
            self.skip();
        }
        while self.is_blank(0) {
            self.skip();
        }
        if self.at(0) == b'#' {
            while !self.is_breakz(0) {
                self.skip();
            }
        }
        if !self.is_breakz(0) {
            return self.fault(start, "did not find expected comment or line break");
        }
        if self.is_break(0) {
            self.skip_line();
        }
        Ok((keep, increment))
    }

    /// Indentation and empty lines; finds the block's indentation if `indent` is still 0.
    fn block_breaks(&mut self, indent: &mut usize, breaks: &mut Vec<u8>, start: Mark) -> Result<Mark, Fault> {
        let mut end = self.mark;
        let mut deepest = 0;
        loop {
            while (*indent == 0 || self.mark.column < *indent) && self.at(0) == b' ' {
                self.skip();
            }
            deepest = deepest.max(self.mark.column);
            if (*indent == 0 || self.mark.column < *indent) && self.at(0) == b'\t' {
                return self.fault(start, "found a tab character where an indentation space is expected");
            }
            if !self.is_break(0) {
                break;
            }
            self.read_line(breaks);
            end = self.mark;
        }
        if *indent == 0 {
            *indent = deepest.max((self.indent + 1) as usize).max(1);
        }
        Ok(end)
    }

    pub(super) fn fetch_flow_scalar(&mut self) -> Done {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let quote = self.at(0);
        self.skip();
        let mut out = Vec::new();
        loop {
            if self.is_document_indicator() {
                return self.fault(start, "found unexpected document indicator");
            }
            if self.is_end() {
                return self.fault(start, "found unexpected end of stream");
            }
            let mut gap = Gap::default();
            while !self.is_blankz(0) {
                match self.at(0) {
                    b'\'' if quote == b'\'' && self.at(1) == b'\'' => {
                        out.push(b'\'');
                        self.skip();
                        self.skip();
                    }
                    c if c == quote => break,
                    b'\\' if quote == b'"' && self.is_break(1) => {
                        self.skip();
                        self.skip_line();
                        gap.broken = true;
                        break;
                    }
                    b'\\' if quote == b'"' => self.escape(&mut out, start)?,
                    _ => self.read(&mut out),
                }
            }
            if self.at(0) == quote {
                break;
            }
            while self.is_blank(0) || self.is_break(0) {
                self.eat_gap(&mut gap);
            }
            gap.fold_into(&mut out);
        }
        self.skip();
        self.push(Kind::Scalar { text: text(out), plain: false }, start);
        Ok(())
    }

    fn eat_gap(&mut self, gap: &mut Gap) {
        if self.is_blank(0) {
            if gap.broken {
                self.skip();
            } else {
                self.read(&mut gap.blanks);
            }
        } else if gap.broken {
            self.read_line(&mut gap.more_breaks);
        } else {
            gap.broken = true;
            self.read_line(&mut gap.first_break);
        }
    }

    /// `\n`, `\x41` …
    fn escape(&mut self, out: &mut Vec<u8>, start: Mark) -> Done {
        let simple = match self.at(1) {
            b'0' => "\0",
            b'a' => "\x07",
            b'b' => "\x08",
            b't' | b'\t' => "\t",
            b'n' => "\n",
            b'v' => "\x0b",
            b'f' => "\x0c",
            b'r' => "\r",
            b'e' => "\x1b",
            b' ' => " ",
            b'"' => "\"",
            b'\'' => "'",
            b'\\' => "\\",
            b'N' => "\u{85}",
            b'_' => "\u{a0}",
            b'L' => "\u{2028}",
            b'P' => "\u{2029}",
            b'x' | b'u' | b'U' => "",
            _ => return self.fault(start, "found unknown escape character"),
        };
        let digits = match self.at(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        self.skip();
        self.skip();
        out.extend_from_slice(simple.as_bytes());
        let mut code: u32 = 0;
        for i in 0..digits {
            let Some(digit) = char::from(self.at(i)).to_digit(16) else {
                return self.fault(start, "did not find expected hexdecimal number");
            };
            code = code << 4 | digit;
        }
        if digits > 0 {
            let Some(c) = char::from_u32(code) else {
                return self.fault(start, "found invalid Unicode character escape code");
            };
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        for _ in 0..digits {
            self.skip();
        }
        Ok(())
    }

    pub(super) fn fetch_plain_scalar(&mut self) -> Done {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let mut end = self.mark;
        let indent = self.indent + 1;
        let mut out = Vec::new();
        let mut gap = Gap::default();
        while !self.is_document_indicator() && self.at(0) != b'#' {
            while !self.is_blankz(0) && !self.ends_plain() {
                gap.fold_into(&mut out);
                self.read(&mut out);
                end = self.mark;
            }
            if !(self.is_blank(0) || self.is_break(0)) {
                break;
            }
            while self.is_blank(0) || self.is_break(0) {
                if gap.broken && (self.mark.column as isize) < indent && self.at(0) == b'\t' {
                    return self.fault(start, "found a tab character that violates indentation");
                }
                self.eat_gap(&mut gap);
            }
            if self.flow_level == 0 && (self.mark.column as isize) < indent {
                break;
            }
        }
        if gap.broken {
            self.simple_key_allowed = true;
        }
        self.tokens.push_back(super::Token { kind: Kind::Scalar { text: text(out), plain: true }, start, end });
        Ok(())
    }

    /// Whether an indicator here ends a plain scalar.
    fn ends_plain(&self) -> bool {
        match self.at(0) {
            b':' => self.is_blankz(1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
            _ => false,
        }
    }
}
