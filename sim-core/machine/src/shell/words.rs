//! Reading words: quotes, `$` in all its forms, backticks.

use super::code::{Param, ParamOp, Part, Subscript, Word};
use super::parser::{ParseError, Parser};

type Result<T> = core::result::Result<T, ParseError>;

const META: &str = " \t\n;&|<>()";

fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

pub fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

pub fn is_name(word: &str) -> bool {
    word.starts_with(is_name_start) && word.chars().all(is_name_char)
}

fn push_char(parts: &mut Word, c: char) {
    match parts.last_mut() {
        Some(Part::Lit(s)) => s.push(c),
        _ => parts.push(Part::Lit(c.into())),
    }
}

/// The word's text if nothing in it is quoted or expanded.
pub fn plain(word: &[Part]) -> Option<&str> {
    match word {
        [Part::Lit(s)] => Some(s),
        _ => None,
    }
}

impl Parser<'_> {
    /// One word up to an unquoted metacharacter; empty if there is none.
    pub(super) fn word(&mut self) -> Result<Word> {
        self.word_until(|c| META.contains(c))
    }

    pub(super) fn word_until(&mut self, stop: impl Fn(char) -> bool) -> Result<Word> {
        let mut parts = Word::new();
        while let Some(c) = self.peek() {
            if stop(c) {
                break;
            }
            self.part(c, &mut parts)?;
        }
        Ok(parts)
    }

    fn part(&mut self, c: char, parts: &mut Word) -> Result<()> {
        match c {
            '\\' => {
                self.bump();
                match self.bump() {
                    Some('\n') => {}
                    Some(c) => parts.push(Part::Quoted(c.into())),
                    None if self.interactive => return Err(ParseError::eof('\\')),
                    None => push_char(parts, '\\'),
                }
            }
            '\'' => {
                self.bump();
                let text = self.till('\'')?;
                parts.push(Part::Quoted(text));
            }
            '"' => {
                self.bump();
                let inner = self.double_quoted(Some('"'))?;
                parts.push(Part::Double(inner));
            }
            '$' => self.dollar(parts, false)?,
            '`' => self.backticks(parts)?,
            _ => {
                self.bump();
                push_char(parts, c);
            }
        }
        Ok(())
    }

    /// Raw text up to `end`, which is consumed.
    fn till(&mut self, end: char) -> Result<String> {
        let mut text = String::new();
        loop {
            match self.bump() {
                None => return Err(ParseError::eof(end)),
                Some(c) if c == end => return Ok(text),
                Some(c) => text.push(c),
            }
        }
    }

    /// What stands between double quotes (or in a here-document, which nothing closes).
    pub(super) fn double_quoted(&mut self, end: Option<char>) -> Result<Word> {
        let mut parts = Word::new();
        loop {
            let Some(c) = self.peek() else {
                return if let Some(end) = end { Err(ParseError::eof(end)) } else { Ok(parts) };
            };
            match c {
                _ if Some(c) == end => {
                    self.bump();
                    return Ok(parts);
                }
                '\\' => {
                    self.bump();
                    match self.peek() {
                        Some('\n') => {
                            self.bump();
                        }
                        Some(c) if "$`\\".contains(c) || Some(c) == end => {
                            self.bump();
                            push_char(&mut parts, c);
                        }
                        _ => push_char(&mut parts, '\\'),
                    }
                }
                '$' => self.dollar(&mut parts, true)?,
                '`' => self.backticks(&mut parts)?,
                _ => {
                    self.bump();
                    push_char(&mut parts, c);
                }
            }
        }
    }

    fn backticks(&mut self, parts: &mut Word) -> Result<()> {
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump() {
                None => return Err(ParseError::eof('`')),
                Some('`') => break,
                Some('\\') => match self.bump() {
                    Some(c) if "$`\\".contains(c) => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                    None => return Err(ParseError::eof('`')),
                },
                Some(c) => text.push(c),
            }
        }
        let code = Parser::new(&text, self.aliases).nested(self.depth)?.whole()?;
        parts.push(Part::Subst(code.into()));
        Ok(())
    }

    fn dollar(&mut self, parts: &mut Word, quoted: bool) -> Result<()> {
        self.enter(|p| p.expansion(parts, quoted))
    }

    fn expansion(&mut self, parts: &mut Word, quoted: bool) -> Result<()> {
        self.bump();
        let simple =
            |name: String| Part::Param(Box::new(Param { name, subscript: Subscript::None, op: ParamOp::Plain }));
        match self.peek() {
            Some('(') if self.peek_at(1) == Some('(') && self.closes_arith() => {
                self.bump();
                self.bump();
                let text = self.arith_text("))")?;
                parts.push(Part::Arith(text));
            }
            Some('(') => {
                self.bump();
                let start = self.pos;
                let ops = self.enter(|p| p.list(&[")"]))?;
                let text = self.text_from(start);
                if self.bump() != Some(')') {
                    return Err(ParseError::eof(')'));
                }
                parts.push(Part::Subst(super::code::Code { ops, text }.into()));
            }
            Some('{') => {
                self.bump();
                let param = self.enter(Self::braced)?;
                parts.push(Part::Param(Box::new(param)));
            }
            Some('\'') if !quoted => {
                self.bump();
                let text = self.ansi_quoted()?;
                parts.push(Part::Quoted(text));
            }
            Some('"') if !quoted => {} // $"…" is "…"
            Some(c) if is_name_start(c) => {
                let name = self.name();
                parts.push(simple(name));
            }
            Some(c) if "@*#?-$!0123456789".contains(c) => {
                self.bump();
                parts.push(simple(c.into()));
            }
            _ => push_char(parts, '$'),
        }
        Ok(())
    }

    pub(super) fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| is_name_char(*c)) {
            self.bump();
            name.push(c);
        }
        name
    }

    /// `$'…'`.
    fn ansi_quoted(&mut self) -> Result<String> {
        let mut raw = String::new();
        loop {
            match self.bump() {
                None => return Err(ParseError::eof('\'')),
                Some('\'') => break,
                Some('\\') => match self.bump() {
                    Some('\'') => raw.push('\''),
                    Some('"') => raw.push('"'),
                    Some('E') => raw.push('\x1b'),
                    Some(c) => raw.extend(['\\', c]),
                    None => return Err(ParseError::eof('\'')),
                },
                Some(c) => raw.push(c),
            }
        }
        Ok(String::from_utf8_lossy(&crate::coreutils::escapes::unescape(&raw, false).0).into_owned())
    }

    /// Whether the `((` here is closed by `))` (else it is a subshell in a subshell).
    pub(super) fn closes_arith(&self) -> bool {
        let (mut depth, mut i) = (0, 0);
        while let Some(c) = self.peek_at(i) {
            match c {
                '(' => depth += 1,
                ')' => {
                    depth -= 1;
                    if depth == 1 {
                        return self.peek_at(i + 1) == Some(')');
                    }
                }
                _ => {}
            }
            i += 1;
        }
        true
    }

    /// Arithmetic up to `end` (`))`, or `;` and `))` inside `for ((`); parameters and substitutions are read as in quotes.
    pub(super) fn arith_text(&mut self, end: &str) -> Result<Word> {
        let mut parts = Word::new();
        let mut depth = 0;
        loop {
            let Some(c) = self.peek() else { return Err(ParseError::eof(')')) };
            match c {
                ';' if end == ";" && depth == 0 => {
                    self.bump();
                    return Ok(parts);
                }
                ')' if depth == 0 => {
                    self.bump();
                    if self.bump() != Some(')') {
                        return Err(ParseError::eof(')'));
                    }
                    return Ok(parts);
                }
                '$' => {
                    self.dollar(&mut parts, true)?;
                    continue;
                }
                '`' => {
                    self.backticks(&mut parts)?;
                    continue;
                }
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            self.bump();
            if c != '"' {
                push_char(&mut parts, c);
            }
        }
    }

    /// After `${`.
    fn braced(&mut self) -> Result<Param> {
        let start = self.pos;
        let mut op = ParamOp::Plain;
        let next = self.peek_at(1);
        if self.peek() == Some('#') && next.is_some_and(|c| c != '}' && (is_name_char(c) || "@*?!-$#".contains(c))) {
            self.bump();
            op = ParamOp::Length;
        } else if self.peek() == Some('!') && next.is_some_and(is_name_char) {
            self.bump();
            op = ParamOp::Indirect;
        }
        let name = match self.peek() {
            Some(c) if is_name_char(c) => self.name(),
            Some(c) if "@*#?-$!".contains(c) => {
                self.bump();
                c.into()
            }
            _ => return self.bad(start),
        };
        let mut subscript = Subscript::None;
        if self.peek() == Some('[') {
            self.bump();
            let text = self.till(']')?;
            subscript = match text.as_str() {
                "@" => Subscript::At,
                "*" => Subscript::Star,
                _ => Subscript::Of(text),
            };
        }
        if self.peek() != Some('}') && matches!(op, ParamOp::Plain) {
            op = self.param_op(start)?;
        }
        match self.bump() {
            Some('}') => Ok(Param { name, subscript, op }),
            None => Err(ParseError::eof('}')),
            Some(_) => self.bad(start),
        }
    }

    fn bad(&mut self, start: usize) -> Result<Param> {
        self.till('}')?;
        // Told when it is expanded, as bash does.
        Ok(Param { name: format!("${{{}", self.text_from(start)), subscript: Subscript::None, op: ParamOp::Plain })
    }

    fn brace_word(&mut self, also: &[char]) -> Result<Word> {
        let mut parts = Word::new();
        while let Some(c) = self.peek() {
            if c == '}' || also.contains(&c) {
                break;
            }
            self.part(c, &mut parts)?;
        }
        Ok(parts)
    }

    fn param_op(&mut self, start: usize) -> Result<ParamOp> {
        let c = self.bump().unwrap_or('}');
        Ok(match c {
            ':' if self.peek().is_some_and(|c| "-=?+".contains(c)) => {
                let op = self.bump().unwrap_or('-');
                ParamOp::Default { op, colon: true, word: self.brace_word(&[])? }
            }
            ':' => {
                let from = self.brace_word(&[':'])?;
                let length = if self.peek() == Some(':') {
                    self.bump();
                    Some(self.brace_word(&[])?)
                } else {
                    None
                };
                ParamOp::Slice { from, length }
            }
            '-' | '=' | '?' | '+' => ParamOp::Default { op: c, colon: false, word: self.brace_word(&[])? },
            '#' | '%' => {
                let longest = self.peek() == Some(c);
                if longest {
                    self.bump();
                }
                ParamOp::Trim { suffix: c == '%', longest, pattern: self.brace_word(&[])? }
            }
            '/' => {
                let all = self.peek() == Some('/');
                if all {
                    self.bump();
                }
                let anchor = self.peek().filter(|c| !all && "#%".contains(*c));
                if anchor.is_some() {
                    self.bump();
                }
                let pattern = self.brace_word(&['/'])?;
                let mut with = Word::new();
                if self.peek() == Some('/') {
                    self.bump();
                    with = self.brace_word(&[])?;
                }
                ParamOp::Replace { all, anchor, pattern, with }
            }
            '^' | ',' => {
                let all = self.peek() == Some(c);
                if all {
                    self.bump();
                }
                ParamOp::Case { upper: c == '^', all }
            }
            _ => {
                self.pos -= 1;
                let _ = start;
                ParamOp::Plain
            }
        })
    }
}
