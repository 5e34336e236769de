//! Text to tokens.
//!
//! Follows libyaml's scanner in what it accepts and in the words and lines of its complaints. Works on bytes of text
//! already known to be UTF-8; reads ahead only as far as a possible simple key needs. Never looks back, so it ends.

use super::DEPTH_MAX;
use std::collections::VecDeque;

mod scalar;
mod tag;

/// A place in the text: bytes, characters, and lines and columns from zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub byte: usize,
    /// Characters since the start.
    pub index: usize,
    pub line: usize,
    pub column: usize,
}

/// What libyaml calls a problem, with the lines by which Go tells where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub problem: String,
    pub problem_line: usize,
    pub context_line: usize,
    pub from_scanner: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    StreamStart,
    StreamEnd,
    Version(u32, u32),
    TagDirective { handle: String, prefix: String },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    Tag { handle: String, suffix: String },
    Scalar { text: String, plain: bool },
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: Mark,
    pub end: Mark,
}

/// A place where a key without `?` may have begun.
#[derive(Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    token_number: usize,
    mark: Mark,
}

pub(super) struct Scanner<'a> {
    text: &'a [u8],
    mark: Mark,
    tokens: VecDeque<Token>,
    /// Tokens handed out so far.
    tokens_parsed: usize,
    started: bool,
    ended: bool,
    flow_level: usize,
    /// Column of the current block; -1 outside any.
    indent: isize,
    indents: Vec<isize>,
    simple_key_allowed: bool,
    /// One for each flow level.
    simple_keys: Vec<SimpleKey>,
}

type Done = Result<(), Fault>;

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            mark: Mark::default(),
            tokens: VecDeque::new(),
            tokens_parsed: 0,
            started: false,
            ended: false,
            flow_level: 0,
            indent: -1,
            indents: Vec::new(),
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey::default()],
        }
    }

    /// The next token, left in place.
    pub(super) fn peek(&mut self) -> Result<&Token, Fault> {
        while self.needs_more()? {
            self.fetch()?;
        }
        Ok(self.tokens.front().expect("fetching goes on until a token is there, the stream's end at last"))
    }

    pub(super) fn next(&mut self) -> Result<Token, Fault> {
        self.peek()?;
        let token = self.tokens.pop_front().expect("just peeked");
        self.tokens_parsed += 1;
        if token.kind == Kind::StreamEnd {
            // Whoever asks again gets the end again.
            self.tokens.push_back(token.clone());
        }
        Ok(token)
    }

    fn needs_more(&mut self) -> Result<bool, Fault> {
        if self.tokens.is_empty() {
            return Ok(!self.ended);
        }
        let head = self.tokens_parsed;
        match self.simple_keys.iter().position(|k| k.possible && k.token_number == head) {
            Some(i) => self.key_is_valid(i),
            None => Ok(false),
        }
    }

    fn at(&self, ahead: usize) -> u8 {
        self.text.get(self.mark.byte + ahead).copied().unwrap_or(0)
    }

    fn is_end(&self) -> bool {
        self.mark.byte >= self.text.len()
    }

    fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), b' ' | b'\t')
    }

    fn is_break(&self, ahead: usize) -> bool {
        match self.at(ahead) {
            b'\r' | b'\n' => true,
            0xc2 => self.at(ahead + 1) == 0x85,
            0xe2 => self.at(ahead + 1) == 0x80 && matches!(self.at(ahead + 2), 0xa8 | 0xa9),
            _ => false,
        }
    }

    fn is_breakz(&self, ahead: usize) -> bool {
        self.is_break(ahead) || self.at(ahead) == 0
    }

    fn is_blankz(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_breakz(ahead)
    }

    fn width(&self) -> usize {
        match self.at(0) {
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            _ => 1,
        }
    }

    fn skip(&mut self) {
        self.mark.byte = (self.mark.byte + self.width()).min(self.text.len());
        self.mark.index += 1;
        self.mark.column += 1;
    }

    fn skip_line(&mut self) {
        let (bytes, chars) = if self.at(0) == b'\r' && self.at(1) == b'\n' { (2, 2) } else { (self.width(), 1) };
        self.mark.byte += bytes;
        self.mark.index += chars;
        self.mark.column = 0;
        self.mark.line += 1;
    }

    /// Copies a character.
    fn read(&mut self, out: &mut Vec<u8>) {
        let end = (self.mark.byte + self.width()).min(self.text.len());
        out.extend_from_slice(&self.text[self.mark.byte..end]);
        self.skip();
    }

    /// Copies a line break, normalised.
    fn read_line(&mut self, out: &mut Vec<u8>) {
        if self.at(0) == 0xe2 {
            out.extend_from_slice(&self.text[self.mark.byte..self.mark.byte + 3]);
        } else if self.is_break(0) {
            out.push(b'\n');
        } else {
            return;
        }
        self.skip_line();
    }

    fn fault<T>(&self, context: Mark, problem: impl Into<String>) -> Result<T, Fault> {
        Err(Fault {
            problem: problem.into(),
            problem_line: self.mark.line,
            context_line: context.line,
            from_scanner: true,
        })
    }

    fn push(&mut self, kind: Kind, start: Mark) {
        self.tokens.push_back(Token { kind, start, end: self.mark });
    }

    /// Takes one indicator character as a token.
    fn push_indicator(&mut self, kind: Kind) {
        let start = self.mark;
        self.skip();
        self.push(kind, start);
    }

    fn fetch(&mut self) -> Done {
        if !self.started {
            self.started = true;
            self.push(Kind::StreamStart, self.mark);
            return Ok(());
        }
        self.skip_to_token();
        self.unroll_indent(self.mark.column as isize);
        if self.is_end() {
            return self.fetch_end();
        }
        if self.mark.column == 0 {
            if self.at(0) == b'%' {
                return self.fetch_directive();
            }
            if self.is_document_indicator() {
                return self.fetch_document_indicator();
            }
        }
        let flow = self.flow_level > 0;
        match self.at(0) {
            b'[' => self.fetch_flow_start(Kind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(Kind::FlowMappingStart),
            b']' => self.fetch_flow_end(Kind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(Kind::FlowMappingEnd),
            b',' => {
                self.remove_simple_key()?;
                self.simple_key_allowed = true;
                self.push_indicator(Kind::FlowEntry);
                Ok(())
            }
            b'-' if self.is_blankz(1) => self.fetch_block_entry(),
            b'?' if flow || self.is_blankz(1) => self.fetch_key(),
            b':' if flow || self.is_blankz(1) => self.fetch_value(),
            b'*' | b'&' => self.fetch_anchor(),
            b'!' => self.fetch_tag(),
            b'|' | b'>' if !flow => self.fetch_block_scalar(),
            b'\'' | b'"' => self.fetch_flow_scalar(),
            b'-' if !self.is_blank(1) => self.fetch_plain_scalar(),
            b'?' | b':' if !flow && !self.is_blankz(1) => self.fetch_plain_scalar(),
            b'-' | b'?' | b':' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => self.no_token(),
            _ if self.is_blankz(0) => self.no_token(),
            _ => self.fetch_plain_scalar(),
        }
    }

    fn no_token(&self) -> Done {
        self.fault(self.mark, "found character that cannot start any token")
    }

    /// `--- ` or `... ` at the start of a line.
    fn is_document_indicator(&self) -> bool {
        let three = [self.at(0), self.at(1), self.at(2)];
        self.mark.column == 0 && (three == *b"---" || three == *b"...") && self.is_blankz(3)
    }

    /// Eats white space and comments.
    fn skip_to_token(&mut self) {
        loop {
            if self.mark.column == 0 && [self.at(0), self.at(1), self.at(2)] == [0xef, 0xbb, 0xbf] {
                self.skip();
            }
            // Tabs separate tokens, but never indent.
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            while self.at(0) == b' ' || (tabs && self.at(0) == b'\t') {
                self.skip();
            }
            if self.at(0) == b'#' {
                while !self.is_breakz(0) {
                    self.skip();
                }
            }
            if !self.is_break(0) {
                return;
            }
            self.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    /// Whether the place may still be a simple key; an expired one that had to be a key is an error.
    fn key_is_valid(&mut self, i: usize) -> Result<bool, Fault> {
        let key = self.simple_keys[i];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < self.mark.line || key.mark.index + 1024 < self.mark.index {
            if key.required {
                return self.fault(key.mark, "could not find expected ':'");
            }
            self.simple_keys[i].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn save_simple_key(&mut self) -> Done {
        if self.simple_key_allowed {
            let required = self.flow_level == 0 && self.indent == self.mark.column as isize;
            let token_number = self.tokens_parsed + self.tokens.len();
            self.remove_simple_key()?;
            let key = SimpleKey { possible: true, required, token_number, mark: self.mark };
            *self.simple_keys.last_mut().expect("one key for each level") = key;
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Done {
        let key = self.simple_keys.last_mut().expect("one key for each level");
        let was = *key;
        key.possible = false;
        if was.possible && was.required {
            return self.fault(was.mark, "could not find expected ':'");
        }
        Ok(())
    }

    /// Opens a block at `column` if it lies deeper; its token goes in before token `number`.
    fn roll_indent(&mut self, column: usize, number: Option<usize>, kind: Kind, mark: Mark) -> Done {
        let column = column as isize;
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > DEPTH_MAX {
            return self.fault(mark, format!("exceeded max depth of {DEPTH_MAX}"));
        }
        let at = number.map_or(self.tokens.len(), |n| n - self.tokens_parsed);
        self.tokens.insert(at, Token { kind, start: mark, end: mark });
        Ok(())
    }

    fn unroll_indent(&mut self, column: isize) {
        while self.flow_level == 0 && self.indent > column {
            self.push(Kind::BlockEnd, self.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn fetch_end(&mut self) -> Done {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.ended = true;
        self.push(Kind::StreamEnd, self.mark);
        Ok(())
    }

    fn fetch_document_indicator(&mut self) -> Done {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let kind = if self.at(0) == b'-' { Kind::DocumentStart } else { Kind::DocumentEnd };
        let start = self.mark;
        for _ in 0..3 {
            self.skip();
        }
        self.push(kind, start);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: Kind) -> Done {
        self.save_simple_key()?;
        self.simple_keys.push(SimpleKey::default());
        self.flow_level += 1;
        if self.flow_level > DEPTH_MAX {
            return self.fault(self.mark, format!("exceeded max depth of {DEPTH_MAX}"));
        }
        self.simple_key_allowed = true;
        self.push_indicator(kind);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: Kind) -> Done {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            self.simple_keys.pop();
        }
        self.simple_key_allowed = false;
        self.push_indicator(kind);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Done {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.fault(self.mark, "block sequence entries are not allowed in this context");
            }
            self.roll_indent(self.mark.column, None, Kind::BlockSequenceStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(Kind::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Done {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.fault(self.mark, "mapping keys are not allowed in this context");
            }
            self.roll_indent(self.mark.column, None, Kind::BlockMappingStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.push_indicator(Kind::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Done {
        let last = self.simple_keys.len() - 1;
        if self.key_is_valid(last)? {
            let key = self.simple_keys[last];
            let at = key.token_number - self.tokens_parsed;
            self.tokens.insert(at, Token { kind: Kind::Key, start: key.mark, end: key.mark });
            let number = Some(key.token_number);
            self.roll_indent(key.mark.column, number, Kind::BlockMappingStart, key.mark)?;
            self.simple_keys[last].possible = false;
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return self.fault(self.mark, "mapping values are not allowed in this context");
                }
                self.roll_indent(self.mark.column, None, Kind::BlockMappingStart, self.mark)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_indicator(Kind::Value);
        Ok(())
    }

    fn fetch_anchor(&mut self) -> Done {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let anchor = self.at(0) == b'&';
        self.skip();
        let name = self.word();
        if name.is_empty() || !(self.is_blankz(0) || b"?:,]}%@`".contains(&self.at(0))) {
            return self.fault(start, "did not find expected alphabetic or numeric character");
        }
        self.push(if anchor { Kind::Anchor(name) } else { Kind::Alias(name) }, start);
        Ok(())
    }

    /// Letters, digits, `_` and `-`.
    fn word(&mut self) -> String {
        let start = self.mark.byte;
        while self.at(0).is_ascii_alphanumeric() || matches!(self.at(0), b'_' | b'-') {
            self.skip();
        }
        self.slice(start)
    }

    /// The text from byte `start` to here.
    fn slice(&self, start: usize) -> String {
        String::from_utf8_lossy(&self.text[start..self.mark.byte]).into_owned()
    }
}
