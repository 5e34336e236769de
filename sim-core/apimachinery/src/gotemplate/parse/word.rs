//! The words of a command: fields, variables, constants, functions, parentheses.

use super::{Error, Kind, Parser, Word, is_word};
use crate::gotemplate::funcs;
use serde_json::{Number, Value};

impl Parser<'_> {
    pub(super) fn quoted(&mut self) -> Result<String, Error> {
        let quote = self.rest().chars().next().unwrap_or('"');
        let rest = &self.rest()[1..];
        let mut escaped = false;
        for (i, c) in rest.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' if quote != '`' => escaped = true,
                '\n' if quote != '`' => break,
                c if c == quote => {
                    self.at += i + 2;
                    let inside = &rest[..i];
                    if quote == '`' {
                        return Ok(inside.to_owned());
                    }
                    return match crate::jsonpath::unquote(inside, quote) {
                        Some(text) => Ok(text),
                        None => self.fail("invalid syntax"),
                    };
                }
                _ => {}
            }
        }
        let kind = match quote {
            '`' => "raw quoted string",
            '\'' => "character constant",
            _ => "quoted string",
        };
        self.fail(format_args!("unterminated {kind}"))
    }

    pub(super) fn word(&mut self, context: &str) -> Result<Option<Word>, Error> {
        let start = self.at;
        let Some(first) = self.rest().chars().next() else { return Ok(None) };
        let second = self.rest()[first.len_utf8()..].chars().next();
        let kind = match first {
            '.' if second.is_some_and(|c| c.is_ascii_digit()) => self.number()?,
            '.' => {
                if !second.is_some_and(is_word) {
                    self.at += 1;
                }
                Kind::Dot
            }
            '$' => {
                self.at += 1;
                self.at += self.rest().find(|c| !is_word(c)).unwrap_or(self.rest().len());
                let name = &self.text[start..self.at];
                self.known(name)?;
                Kind::Variable(name.to_owned())
            }
            '(' => {
                self.at += 1;
                let inside = self.pipe("parenthesized pipeline", true)?;
                self.spaces();
                if !self.eat(")") {
                    return if self.rest().is_empty() || self.rest().starts_with("}}") {
                        self.fail("unclosed left paren")
                    } else {
                        self.unexpected(context)
                    };
                }
                Kind::Pipe(Box::new(inside))
            }
            '"' | '`' => Kind::Constant(self.quoted()?.into()),
            '\'' => match self.quoted()?.chars().next() {
                Some(c) => Kind::Constant((c as u32).into()),
                None => return self.fail("malformed character constant: ''"),
            },
            '0'..='9' => self.number()?,
            '+' | '-' if second.is_some_and(|c| c.is_ascii_digit() || c == '.') => self.number()?,
            c if is_word(c) => {
                let rest = self.rest();
                let name = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
                if !matches!(name, "nil" | "true" | "false") && !funcs::exists(name) {
                    return self.fail(format_args!("function {} not defined", crate::field::quote(name)));
                }
                self.at += name.len();
                match name {
                    "nil" => Kind::Nil,
                    "true" | "false" => Kind::Constant((name == "true").into()),
                    _ => Kind::Function(name.to_owned()),
                }
            }
            _ => return Ok(None),
        };
        // Go points at the second field of a chain, at the first of a lone one.
        let mut at = start;
        let mut fields = Vec::new();
        while self.rest().starts_with('.') && self.rest()[1..].starts_with(|c: char| is_word(c) && !c.is_ascii_digit())
        {
            let field_at = self.at;
            self.at += 1;
            let rest = self.rest();
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            fields.push(rest[..end].to_owned());
            self.at += end;
            let chained = fields.len() == 2 || (fields.len() == 1 && !matches!(kind, Kind::Dot));
            if chained && at == start {
                at = field_at;
            }
        }
        Ok(Some(Word { kind, fields, at, shown: self.text[start..self.at].to_owned() }))
    }

    fn number(&mut self) -> Result<Kind, Error> {
        let rest = self.rest();
        let mut end = 0;
        for c in rest.chars() {
            let exponent_sign = matches!(c, '+' | '-') && (end == 0 || rest[..end].ends_with(['e', 'E']));
            if !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_') || exponent_sign) {
                break;
            }
            end += c.len_utf8();
        }
        let text = &rest[..end];
        self.at += end;
        let value = match parse_number(text) {
            Some(value) => value,
            None => return self.fail(format_args!("bad number syntax: {}", crate::field::quote(text))),
        };
        Ok(Kind::Constant(value))
    }
}

fn parse_number(text: &str) -> Option<Value> {
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let (radix, body) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some(_) if digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()) => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !body.starts_with(['+', '-'])
        && let Ok(n) = i64::from_str_radix(body, radix)
    {
        return Some(if negative { n.checked_neg()? } else { n }.into());
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let float: f64 = plain.parse().ok()?;
    Number::from_f64(float).map(Value::Number)
}
