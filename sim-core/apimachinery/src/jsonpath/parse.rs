//! Templates to nodes.

use super::Error;

/// Filters within filters and the like; each level is a shorter text, this is only a stop.
const DEPTH_MAX: usize = 50;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// One `{…}`: its nodes work on each other's results.
    List(Vec<Node>),
    Field(String),
    Wildcard,
    Recursive,
    Array([Bound; 3]),
    Union(Vec<Vec<Node>>),
    Filter {
        left: Vec<Node>,
        operator: String,
        right: Vec<Node>,
    },
    Int(i64),
    Float(f64),
    Bool(bool),
    Identifier(String),
}

/// Start, end or step of a slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bound {
    pub value: Option<i64>,
    /// The end that `[3]` implies.
    pub derived: bool,
}

pub(super) fn template(text: &str) -> Result<Vec<Node>, Error> {
    parse(text, 0)
}

fn parse(text: &str, depth: usize) -> Result<Vec<Node>, Error> {
    if depth > DEPTH_MAX {
        return fail("nested too deeply");
    }
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        if open > 0 {
            out.push(Node::Text(rest[..open].to_owned()));
        }
        let mut parser = Parser { text: &rest[open + 1..], at: 0, depth, nodes: Vec::new() };
        parser.action()?;
        let used = open + 1 + parser.at;
        out.push(Node::List(parser.nodes));
        rest = &rest[used..];
    }
    if !rest.is_empty() {
        out.push(Node::Text(rest.to_owned()));
    }
    Ok(out)
}

/// Parses the inside of one action.
fn parse_action(text: &str, depth: usize) -> Result<Vec<Node>, Error> {
    match parse(&format!("{{{text}}}"), depth + 1)?.into_iter().next() {
        Some(Node::List(nodes)) => Ok(nodes),
        _ => Ok(Vec::new()),
    }
}

fn fail<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error(message.into()))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    nodes: Vec<Node>,
}

fn is_terminator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Up to and with the closing brace.
    fn action(&mut self) -> Result<(), Error> {
        loop {
            if self.rest().starts_with("[?(") {
                self.at += 3;
                self.filter()?;
                continue;
            }
            if self.rest().starts_with("..") {
                if self.nodes.last() == Some(&Node::Recursive) {
                    return fail("invalid multiple recursive descent");
                }
                self.at += 2;
                self.nodes.push(Node::Recursive);
                if self.rest().starts_with(is_alphanumeric) {
                    self.field();
                }
                continue;
            }
            match self.next() {
                Some('}') => return Ok(()),
                None | Some('\r' | '\n') => return fail("unclosed action"),
                Some(' ' | '@' | '$') => {}
                Some('[') => self.array()?,
                Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
                Some('.') => self.field(),
                Some(c) if matches!(c, '+' | '-') || c.is_numeric() => {
                    self.at -= c.len_utf8();
                    self.number()?;
                }
                Some(c) if is_alphanumeric(c) => {
                    self.at -= c.len_utf8();
                    let word = self.take_while(|c| !is_terminator(c));
                    self.nodes.push(match word {
                        "true" | "false" => Node::Bool(word == "true"),
                        _ => Node::Identifier(word.to_owned()),
                    });
                }
                Some(c) => return fail(format!("unrecognized character in action: U+{:04X} '{c}'", c as u32)),
            }
        }
    }

    fn take_while(&mut self, holds: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !holds(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn number(&mut self) -> Result<(), Error> {
        let start = self.at;
        if self.rest().starts_with(['+', '-']) {
            self.at += 1;
        }
        self.take_while(|c| c == '.' || c.is_numeric());
        let text = &self.text[start..self.at];
        let node = match (text.parse(), text.parse()) {
            (Ok(int), _) => Node::Int(int),
            (_, Ok(float)) => Node::Float(float),
            _ => return fail(format!("cannot parse number {text}")),
        };
        self.nodes.push(node);
        Ok(())
    }

    /// A field's name, up to a terminator that no backslash stands before.
    fn field(&mut self) {
        let start = self.at;
        while let Some(c) = self.next() {
            if c == '\\' {
                self.next();
            } else if is_terminator(c) {
                self.at -= c.len_utf8();
                break;
            }
        }
        let name = &self.text[start..self.at];
        self.nodes.push(if name == "*" { Node::Wildcard } else { Node::Field(name.replace('\\', "")) });
    }

    fn array(&mut self) -> Result<(), Error> {
        let start = self.at;
        loop {
            match self.next() {
                None | Some('\n') => return fail("unterminated array"),
                Some(']') => break,
                Some(_) => {}
            }
        }
        let text = match &self.text[start..self.at - 1] {
            "*" => ":",
            other => other,
        };
        if text.contains(',') {
            let parts = text.split(',').map(|part| parse_action(&format!("[{}]", part.trim_matches(' ')), self.depth));
            self.nodes.push(Node::Union(parts.collect::<Result<_, Error>>()?));
            return Ok(());
        }
        let key = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).filter(|t| !t.contains('\''));
        if let Some(key) = key {
            self.nodes.extend(parse_action(&format!(".{key}"), self.depth)?);
            return Ok(());
        }
        self.nodes.push(Node::Array(slice(text)?));
        Ok(())
    }

    fn filter(&mut self) -> Result<(), Error> {
        let start = self.at;
        let mut quote = None;
        let mut closed = false;
        loop {
            let escaped = self.text[..self.at].ends_with('\\');
            match self.next() {
                None | Some('\n') => return fail("unterminated filter"),
                Some(c @ ('"' | '\'')) => match quote {
                    None => quote = Some(c),
                    Some(pair) => closed |= c == pair && !escaped,
                },
                Some(')') if quote.is_some() == closed => break,
                Some(_) => {}
            }
        }
        let text = &self.text[start..self.at - 1];
        if self.next() != Some(']') {
            return fail("unclosed array expect ]");
        }
        let is_operator = |c| matches!(c, '!' | '<' | '>' | '=');
        let left = text.find(is_operator).unwrap_or(text.len());
        let after = &text[left..];
        let mut length = after.find(|c| !is_operator(c)).unwrap_or(after.len());
        if length == after.len() && length > 1 {
            // Something must be left to compare with.
            length -= 1;
        }
        let right = &after[length..];
        let node = if left == 0 || length == 0 || right.is_empty() || right.contains('\n') {
            let left = parse_action(text, self.depth)?;
            Node::Filter { left, operator: "exists".to_owned(), right: Vec::new() }
        } else {
            Node::Filter {
                left: parse_action(&text[..left], self.depth)?,
                operator: after[..length].to_owned(),
                right: parse_action(right, self.depth)?,
            }
        };
        self.nodes.push(node);
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), Error> {
        let start = self.at;
        loop {
            let escaped = self.text[..self.at].ends_with('\\');
            match self.next() {
                None | Some('\n') => return fail("unterminated quoted string"),
                Some(c) if c == quote && !escaped => break,
                Some(_) => {}
            }
        }
        let inside = &self.text[start..self.at - 1];
        let text = unquote(inside, quote);
        let words = || Error(format!("unquote string {quote}{inside}{quote} error invalid syntax"));
        self.nodes.push(Node::Text(text.ok_or_else(words)?));
        Ok(())
    }
}

/// `1`, `1:`, `:2`, `1:-1:2`.
fn slice(text: &str) -> Result<[Bound; 3], Error> {
    let parts: Vec<&str> = text.split(':').collect();
    let integer = |s: &str| s.strip_prefix('-').unwrap_or(s).bytes().all(|b| b.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(|part| integer(part)) {
        return fail(format!("invalid array index {text}"));
    }
    let mut out = [Bound::default(); 3];
    for (bound, part) in out.iter_mut().zip(&parts) {
        if !part.is_empty() {
            let number = part.parse().map_err(|_| Error(format!("array index {part} is not a number")))?;
            bound.value = Some(number);
        }
    }
    if parts.len() == 1 {
        let end = out[0].value.unwrap_or(0).saturating_add(1);
        out[1] = Bound { value: Some(end), derived: true };
    }
    Ok(out)
}

/// Go's escapes in a string between `quote`s.
pub(crate) fn unquote(text: &str, quote: char) -> Option<String> {
    let mut out: Vec<u8> = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let simple = match chars.next()? {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' => b'\\',
            c @ ('"' | '\'') if c == quote => c as u8,
            'x' => u8::try_from(code(&mut chars, 2, 16)?).ok()?,
            c @ '0'..='7' => {
                let low = code(&mut chars, 2, 8)?;
                u8::try_from(c.to_digit(8)? * 64 + low).ok()?
            }
            c @ ('u' | 'U') => {
                let c = char::from_u32(code(&mut chars, if c == 'u' { 4 } else { 8 }, 16)?)?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            _ => return None,
        };
        out.push(simple);
    }
    Some(String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

fn code(chars: &mut core::str::Chars<'_>, digits: usize, radix: u32) -> Option<u32> {
    let mut out: u32 = 0;
    for _ in 0..digits {
        out = out.checked_mul(radix)?.checked_add(chars.next()?.to_digit(radix)?)?;
    }
    Some(out)
}
