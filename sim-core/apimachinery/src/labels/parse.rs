//! The string grammar of label selectors. Every step eats a token, so parsing ends.

use super::{Operator, Requirement, key_fault};
use crate::field::quote;
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Fault,
    End,
    Close,
    Comma,
    Not,
    DoubleEquals,
    Equals,
    Greater,
    Identifier,
    In,
    Less,
    NotEquals,
    NotIn,
    Open,
}

const TOKENS: [(&str, Kind); 11] = [
    (")", Kind::Close),
    (",", Kind::Comma),
    ("!", Kind::Not),
    ("==", Kind::DoubleEquals),
    ("=", Kind::Equals),
    (">", Kind::Greater),
    ("in", Kind::In),
    ("<", Kind::Less),
    ("!=", Kind::NotEquals),
    ("notin", Kind::NotIn),
    ("(", Kind::Open),
];

struct Token {
    kind: Kind,
    text: String,
}

fn known(text: &str) -> Option<Kind> {
    TOKENS.iter().find(|(t, _)| *t == text).map(|(_, kind)| *kind)
}

fn is_special(c: char) -> bool {
    matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// The tokens, without the end (which [`Parser::peek`] supplies for ever).
fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    // A NUL ends the text, as in upstream's lexer.
    let mut rest = text.split('\0').next().unwrap_or_default().trim_start_matches(is_space);
    while !rest.is_empty() {
        let special = rest.starts_with(is_special);
        let end = rest.find(|c| if special { !is_special(c) } else { is_special(c) || is_space(c) });
        let run = &rest[..end.unwrap_or(rest.len())];
        let (kind, text) = if special { special_token(run) } else { (known(run).unwrap_or(Kind::Identifier), run) };
        let used = text.len();
        let text = match kind {
            Kind::Fault => format!("error expected: keyword found '{text}'"),
            _ => text.to_owned(),
        };
        out.push(Token { kind, text });
        rest = rest[used..].trim_start_matches(is_space);
    }
    out
}

/// The longest operator at the front of `run`.
fn special_token(run: &str) -> (Kind, &str) {
    let longest = run.len().min(2);
    for length in (1..=longest).rev() {
        if let Some(kind) = known(&run[..length]) {
            return (kind, &run[..length]);
        }
    }
    (Kind::Fault, run)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

const END: &Token = &Token { kind: Kind::End, text: String::new() };

impl Parser {
    /// The next token where `in` and `notin` are plain words.
    fn peek(&self) -> (Kind, &str) {
        let token = self.tokens.get(self.at).unwrap_or(END);
        let kind = if matches!(token.kind, Kind::In | Kind::NotIn) { Kind::Identifier } else { token.kind };
        (kind, &token.text)
    }

    fn next(&mut self) -> (Kind, String) {
        let (kind, text) = self.peek();
        let out = (kind, text.to_owned());
        self.at += 1;
        out
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let (mut kind, mut key) = self.next();
        let negated = kind == Kind::Not;
        if negated {
            (kind, key) = self.next();
        }
        if kind != Kind::Identifier {
            return Err(format!("found '{key}', expected: identifier"));
        }
        if let Some(fault) = key_fault(&key) {
            // Upstream has no path here and prints so.
            return Err(format!("<nil>: Invalid value: {}: {fault}", quote(&key)));
        }
        if negated {
            return Requirement::new(&key, Operator::DoesNotExist, Vec::new());
        }
        if matches!(self.peek().0, Kind::End | Kind::Comma) {
            return Requirement::new(&key, Operator::Exists, Vec::new());
        }
        let operator = self.operator()?;
        let values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            _ => self.exact_value()?,
        };
        Requirement::new(&key, operator, values.into_iter().collect())
    }

    fn operator(&mut self) -> Result<Operator, String> {
        let token = self.tokens.get(self.at).unwrap_or(END);
        self.at += 1;
        Ok(match token.kind {
            Kind::In => Operator::In,
            Kind::NotIn => Operator::NotIn,
            Kind::Equals => Operator::Equals,
            Kind::DoubleEquals => Operator::DoubleEquals,
            Kind::NotEquals => Operator::NotEquals,
            Kind::Greater => Operator::GreaterThan,
            Kind::Less => Operator::LessThan,
            _ => return Err(format!("found '{}', expected: in, notin, =, ==, !=, gt, lt", token.text)),
        })
    }

    /// `(a,b)`; an empty place between commas is the empty string.
    fn values(&mut self) -> Result<BTreeSet<String>, String> {
        let (kind, text) = self.next();
        if kind != Kind::Open {
            return Err(format!("found '{text}' expected: '('"));
        }
        match self.peek() {
            (Kind::Identifier | Kind::Comma, _) => {
                let values = self.identifiers()?;
                self.at += 1; // `identifiers` stops before the closing parenthesis
                Ok(values)
            }
            (Kind::Close, _) => {
                self.at += 1;
                Ok(BTreeSet::from([String::new()]))
            }
            (_, text) => Err(format!("found '{text}', expected: ',', ')' or identifier")),
        }
    }

    fn identifiers(&mut self) -> Result<BTreeSet<String>, String> {
        let mut out = BTreeSet::new();
        loop {
            match self.next() {
                (Kind::Identifier, text) => {
                    out.insert(text);
                    match self.peek() {
                        (Kind::Comma, _) => {}
                        (Kind::Close, _) => return Ok(out),
                        (_, text) => return Err(format!("found '{text}', expected: ',' or ')'")),
                    }
                }
                (Kind::Comma, _) => {
                    let next = self.peek().0;
                    if out.is_empty() || matches!(next, Kind::Close | Kind::Comma) {
                        out.insert(String::new());
                    }
                    if next == Kind::Close {
                        return Ok(out);
                    }
                }
                (_, text) => return Err(format!("found '{text}', expected: ',', or identifier")),
            }
        }
    }

    fn exact_value(&mut self) -> Result<BTreeSet<String>, String> {
        if matches!(self.peek().0, Kind::End | Kind::Comma) {
            return Ok(BTreeSet::from([String::new()]));
        }
        match self.next() {
            (Kind::Identifier, text) => Ok(BTreeSet::from([text])),
            (_, text) => Err(format!("found '{text}', expected: identifier")),
        }
    }
}

/// All requirements of a selector, in the order written.
pub(super) fn requirements(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser { tokens: tokens(text), at: 0 };
    let mut out = Vec::new();
    loop {
        match parser.peek() {
            (Kind::End, _) => return Ok(out),
            (Kind::Identifier | Kind::Not, _) => {}
            (_, text) => return Err(format!("found '{text}', expected: !, identifier, or 'end of string'")),
        }
        out.push(parser.requirement().map_err(|e| format!("unable to parse requirement: {e}"))?);
        match parser.next() {
            (Kind::End, _) => return Ok(out),
            (Kind::Comma, _) => {}
            (_, text) => return Err(format!("found '{text}', expected: ',' or 'end of string'")),
        }
        if let (kind, text) = parser.peek()
            && !matches!(kind, Kind::Identifier | Kind::Not)
        {
            return Err(format!("found '{text}', expected: identifier after ','"));
        }
    }
}
