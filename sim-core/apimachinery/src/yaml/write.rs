//! Values to YAML in Go's layout: sorted keys, lists at their key's indentation, lines folded past 80 columns.
//!
//! Models: goyaml.v2's encoder and libyaml's emitter, for what JSON values need of them.

use super::resolve::{Scalar, is_base_60, resolve};
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// Past this column a space in a scalar becomes a line break.
const WIDTH: usize = 80;
const INDENT: isize = 2;
/// A longer key is written with `?`.
const SIMPLE_KEY_MAX: usize = 128;

#[derive(Default)]
struct Emitter {
    out: String,
    column: usize,
    indent: isize,
    /// The last thing written was white space.
    whitespace: bool,
    /// Nothing but indentation stands on this line.
    indention: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// What a text allows.
struct Analysis {
    multiline: bool,
    plain: bool,
    single: bool,
    block: bool,
}

pub(super) fn to_string(value: &Value) -> String {
    let mut emitter = Emitter { indent: -1, whitespace: true, indention: true, ..Emitter::default() };
    emitter.node(value, false);
    emitter.write_indent();
    emitter.out
}

/// The order of keys: as texts, but runs of digits as numbers.
fn key_order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() && !a.bytes().any(|c| c.is_ascii_digit()) && !b.bytes().any(|c| c.is_ascii_digit())
    {
        return ascii_order(a.as_bytes(), b.as_bytes());
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(i) = a.iter().zip(&b).position(|(x, y)| x != y) else { return a.len().cmp(&b.len()) };
    match (a[i].is_alphabetic(), b[i].is_alphabetic()) {
        (true, true) => return a[i].cmp(&b[i]),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // A zero that differs counts as a digit inside a number, not as its start.
    let inside =
        (a[i] == '0' || b[i] == '0') && a[..i].iter().rev().take_while(|c| c.is_ascii_digit()).any(|c| *c != '0');
    let number = |text: &[char]| {
        let digits = text[i..].iter().take_while(|c| c.is_ascii_digit());
        let start = i64::from(inside);
        digits.fold((start, 0_usize), |(n, length), c| {
            (n.wrapping_mul(10).wrapping_add(i64::from(*c as u32 - 48)), length + 1)
        })
    };
    number(&a).cmp(&number(&b)).then(a[i].cmp(&b[i]))
}

/// [`key_order`] where no digit occurs.
fn ascii_order(a: &[u8], b: &[u8]) -> Ordering {
    let Some((x, y)) = a.iter().zip(b).find(|(x, y)| x != y) else { return a.len().cmp(&b.len()) };
    x.is_ascii_alphabetic().cmp(&y.is_ascii_alphabetic()).then(x.cmp(y))
}

impl Emitter {
    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    fn write_indent(&mut self) {
        let indent = self.indent.max(0) as usize;
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn indicator(&mut self, text: &str, needs_space: bool, is_indention: bool) {
        if needs_space && !self.whitespace {
            self.put(' ');
        }
        text.chars().for_each(|c| self.put(c));
        self.whitespace = false;
        self.indention &= is_indention;
    }

    fn node(&mut self, value: &Value, in_mapping: bool) {
        match value {
            Value::Object(map) if map.is_empty() => self.indicator("{}", true, false),
            Value::Array(items) if items.is_empty() => self.indicator("[]", true, false),
            Value::Object(map) => self.mapping(map),
            Value::Array(items) => self.sequence(items, in_mapping),
            Value::String(text) => self.text(text, false),
            Value::Null => self.plain_word("null"),
            Value::Bool(b) => self.plain_word(if *b { "true" } else { "false" }),
            Value::Number(n) => self.plain_word(&number(n)),
        }
    }

    fn mapping(&mut self, map: &Map<String, Value>) {
        let outer = self.indent;
        self.indent = if outer < 0 { 0 } else { outer + INDENT };
        // Upstream's order has cycles (`a10`, `a1b`, `a2`), at which the library's sort may panic.
        let mut pairs: Vec<(&String, &Value)> = Vec::with_capacity(map.len());
        for pair in map {
            let at = pairs.partition_point(|(key, _)| key_order(key, pair.0).is_le());
            pairs.insert(at, pair);
        }
        for (key, value) in pairs {
            self.write_indent();
            let simple = key.len() <= SIMPLE_KEY_MAX && !analyze(key).multiline;
            if simple {
                self.text(key, true);
                self.indicator(":", false, false);
            } else {
                self.indicator("?", true, true);
                self.text(key, false);
                self.write_indent();
                self.indicator(":", true, true);
            }
            self.node(value, true);
        }
        self.indent = outer;
    }

    fn sequence(&mut self, items: &[Value], in_mapping: bool) {
        let outer = self.indent;
        let indentless = in_mapping && !self.indention;
        self.indent = match outer {
            ..0 => 0,
            _ if indentless => outer,
            _ => outer + INDENT,
        };
        for item in items {
            self.write_indent();
            self.indicator("-", true, true);
            self.node(item, false);
        }
        self.indent = outer;
    }

    fn plain_word(&mut self, text: &str) {
        self.plain(text, false);
    }

    fn text(&mut self, text: &str, simple_key: bool) {
        let analysis = analyze(text);
        let plain_means_text = matches!(resolve(text), Scalar::String) && !is_base_60(text);
        let style = match () {
            () if text.contains('\n') && analysis.block && !simple_key => Style::Literal,
            () if text.contains('\n') || !plain_means_text => Style::Double,
            () if analysis.multiline && simple_key => Style::Double,
            () if analysis.plain => Style::Plain,
            () if analysis.single => Style::Single,
            () => Style::Double,
        };
        let outer = self.indent;
        self.indent = if outer < 0 { INDENT } else { outer + INDENT };
        match style {
            Style::Plain => self.plain(text, !simple_key),
            Style::Single => self.single(text, !simple_key),
            Style::Double => self.double(text, !simple_key),
            Style::Literal => self.literal(text),
        }
        self.indent = outer;
    }

    /// Writes a character of a folded scalar; a lone space past the width becomes a line break.
    fn fold_space(&mut self, may_break: bool, after_space: bool) {
        if may_break && !after_space && self.column > WIDTH {
            self.write_indent();
        } else {
            self.put(' ');
        }
    }

    fn plain(&mut self, text: &str, breaks: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        let mut after_space = false;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c == ' ' {
                self.fold_space(breaks && chars.peek() != Some(&' '), after_space);
            } else {
                self.put(c);
                self.indention = false;
            }
            after_space = c == ' ';
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn single(&mut self, text: &str, breaks: bool) {
        self.indicator("'", true, false);
        let mut after_space = false;
        let mut after_break = false;
        let mut chars = text.chars().enumerate().peekable();
        while let Some((i, c)) = chars.next() {
            let next = chars.peek().map(|(_, c)| *c);
            if c == ' ' {
                let inside = i > 0 && next.is_some() && next != Some(' ');
                self.fold_space(breaks && inside, after_space);
            } else if is_break(c) {
                // Only Unicode's own line breaks get here; a newline makes a literal.
                self.out.push(c);
                self.column = 0;
                self.indention = true;
            } else {
                if after_break {
                    self.write_indent();
                }
                if c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
            }
            after_space = if is_break(c) { after_space } else { c == ' ' };
            after_break = if c == ' ' { after_break } else { is_break(c) };
        }
        self.indicator("'", false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn double(&mut self, text: &str, breaks: bool) {
        self.indicator("\"", true, false);
        // Upstream looks for a byte order mark at the text's start whenever it means here.
        let marked = text.starts_with('\u{feff}');
        let mut after_space = false;
        let mut chars = text.chars().enumerate().peekable();
        while let Some((i, c)) = chars.next() {
            let next = chars.peek().map(|(_, c)| *c);
            if marked || !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                self.escape(c);
                after_space = false;
            } else if c == ' ' {
                if breaks && !after_space && self.column > WIDTH && i > 0 && next.is_some() {
                    self.write_indent();
                    if next == Some(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                after_space = true;
            } else {
                self.put(c);
                after_space = false;
            }
        }
        self.indicator("\"", false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn escape(&mut self, c: char) {
        let short = match c {
            '\0' => "0",
            '\x07' => "a",
            '\x08' => "b",
            '\t' => "t",
            '\n' => "n",
            '\x0b' => "v",
            '\x0c' => "f",
            '\r' => "r",
            '\x1b' => "e",
            '"' => "\"",
            '\\' => "\\",
            '\u{85}' => "N",
            '\u{a0}' => "_",
            '\u{2028}' => "L",
            '\u{2029}' => "P",
            _ => "",
        };
        let code = c as u32;
        let text = match code {
            _ if !short.is_empty() => format!("\\{short}"),
            ..=0xff => format!("\\x{code:02X}"),
            0x100..=0xffff => format!("\\u{code:04X}"),
            _ => format!("\\U{code:08X}"),
        };
        text.chars().for_each(|c| self.put(c));
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false);
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.indicator("2", false, false);
        }
        let mut tail = text.chars().rev();
        let hint = match (tail.next().is_some_and(is_break), tail.next().is_none_or(is_break)) {
            (false, _) => "-",
            (true, true) => "+",
            (true, false) => "",
        };
        self.indicator(hint, false, false);
        self.put_break();
        self.indention = true;
        self.whitespace = true;
        let mut after_break = true;
        for c in text.chars() {
            if is_break(c) {
                self.out.push(c);
                self.column = 0;
                self.indention = true;
                after_break = true;
            } else {
                if after_break {
                    self.write_indent();
                }
                self.put(c);
                self.indention = false;
                after_break = false;
            }
        }
    }
}

/// Upstream goes by way of JSON, where a whole number has no point and so reads back as an integer.
fn number(n: &serde_json::Number) -> String {
    let text = crate::json::format_number(n);
    let whole = text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok();
    if whole { text } else { crate::json::go_number(n) }
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Upstream escapes everything outside the basic plane.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

fn analyze(text: &str) -> Analysis {
    if text.is_empty() {
        return Analysis { multiline: false, plain: true, single: true, block: false };
    }
    let mut indicators = text.starts_with("---") || text.starts_with("...");
    let (mut special, mut multiline) = (false, false);
    let (mut break_space, mut space_break) = (false, false);
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next_blank = chars.peek().is_none_or(|n| matches!(n, ' ' | '\t'));
        let after_space = before.is_none_or(|b| matches!(b, ' ' | '\t') || is_break(b));
        indicators |= match (c, before) {
            ('#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`', None) => {
                true
            }
            ('?' | '-', None) | (':', _) => next_blank,
            ('#', Some(_)) => after_space,
            _ => false,
        };
        special |= !is_printable(c);
        multiline |= is_break(c);
        break_space |= c == ' ' && before.is_some_and(is_break);
        space_break |= is_break(c) && before == Some(' ');
        before = Some(c);
    }
    let edge = |c: Option<char>| c.is_some_and(|c| c == ' ' || is_break(c));
    let loose = edge(text.chars().next()) || edge(text.chars().next_back());
    let broken = space_break || special;
    Analysis {
        multiline,
        plain: !(indicators || loose || break_space || broken || multiline),
        single: !(break_space || broken),
        block: !(text.ends_with(' ') || broken),
    }
}
