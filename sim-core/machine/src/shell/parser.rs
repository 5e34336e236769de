//! Commands: from text to instructions, one complete command at a time (so aliases and errors come when they come).
//!
//! Not a validator of everything bash refuses; what it accepts, it accepts as bash does. Nesting is bounded.

use super::code::{Assign, AssignValue, Code, Cond, How, Op, Part, Redirect, Simple, Target, Word};
use super::words::{is_name, is_name_char, plain};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

pub type Aliases = BTreeMap<String, String>;

#[derive(Clone, Debug, PartialEq)]
pub enum ParseError {
    /// The text ends in the middle: more lines may complete it. The character that was looked for, if one was.
    Incomplete(Option<char>),
    Unexpected(String),
    /// Something this shell does not do.
    Refused(String),
}

impl ParseError {
    pub(super) fn eof(looking_for: char) -> Self {
        Self::Incomplete(Some(looking_for))
    }
}

type Result<T> = core::result::Result<T, ParseError>;

const NESTING_MAX: u32 = 60;
const ALIAS_STEPS_MAX: u32 = 32;
const RESERVED_ENDS: [&str; 11] = ["then", "else", "elif", "fi", "do", "done", "esac", "}", "in", "))", "]]"];
const DECLARING: [&str; 5] = ["local", "declare", "typeset", "export", "readonly"];

struct PendingText {
    delimiter: String,
    strip_tabs: bool,
    quoted: bool,
    slot: Arc<OnceLock<Word>>,
}

pub struct Parser<'a> {
    chars: Arc<Vec<char>>,
    pub(super) pos: usize,
    pub line: u32,
    pub(super) aliases: &'a Aliases,
    pub(super) depth: u32,
    pub interactive: bool,
    pending: Vec<PendingText>,
}

impl<'a> Parser<'a> {
    pub fn new(text: &str, aliases: &'a Aliases) -> Self {
        Self::at(Arc::new(text.chars().collect()), 0, 1, aliases)
    }

    /// Goes on in a text read before.
    pub fn at(chars: Arc<Vec<char>>, pos: usize, line: u32, aliases: &'a Aliases) -> Self {
        Self { chars, pos, line, aliases, depth: 0, interactive: false, pending: Vec::new() }
    }

    /// What is left, to go on later.
    pub fn rest(self) -> (Arc<Vec<char>>, usize, u32) {
        (self.chars, self.pos, self.line)
    }

    pub(super) fn nested(mut self, depth: u32) -> Result<Self> {
        self.depth = depth + 1;
        if self.depth > NESTING_MAX { Err(ParseError::Refused("nested too deeply".into())) } else { Ok(self) }
    }

    pub(super) fn enter<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(ParseError::Refused("nested too deeply".into()));
        }
        let out = f(self);
        self.depth -= 1;
        out
    }

    /// The whole text as one piece.
    pub fn whole(mut self) -> Result<Code> {
        let ops = self.list(&[])?;
        if self.pos < self.chars.len() {
            return Err(self.unexpected());
        }
        Ok(Code { ops, text: self.chars.iter().collect() })
    }

    /// The next complete command line, or none at the end.
    pub fn next_line(&mut self) -> Result<Option<Code>> {
        self.newlines()?;
        if self.peek().is_none() {
            return Ok(None);
        }
        let start = self.pos;
        let mut ops = Vec::new();
        loop {
            self.item(&mut ops)?;
            self.blanks();
            match self.peek() {
                None => break,
                Some('\n') => {
                    self.newline()?;
                    break;
                }
                Some(_) if !self.at_end_of_list(&[]) => {}
                Some(_) => return Err(self.unexpected()),
            }
        }
        if !self.pending.is_empty() {
            self.read_texts()?;
        }
        Ok(Some(Code { ops, text: self.text_from(start).trim().to_owned() }))
    }

    // Characters.

    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.pos).copied()
    }

    pub(super) fn peek_at(&self, n: usize) -> Option<char> {
        self.chars.get(self.pos + n).copied()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += 1;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    pub(super) fn text_from(&self, start: usize) -> String {
        self.chars[start.min(self.pos)..self.pos].iter().collect()
    }

    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.peek_at(i) == Some(c))
    }

    fn skip(&mut self, text: &str) -> bool {
        let found = self.looking_at(text);
        if found {
            self.pos += text.chars().count();
        }
        found
    }

    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t') => self.pos += 1,
                Some('\\') if self.peek_at(1) == Some('\n') => {
                    self.pos += 2;
                    self.line += 1;
                }
                Some('#') if self.pos == 0 || " \t\n;&|()".contains(self.chars[self.pos - 1]) => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.pos += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn newline(&mut self) -> Result<()> {
        self.bump();
        if self.pending.is_empty() { Ok(()) } else { self.read_texts() }
    }

    fn newlines(&mut self) -> Result<()> {
        loop {
            self.blanks();
            if self.peek() != Some('\n') {
                return Ok(());
            }
            self.newline()?;
        }
    }

    /// Bodies of the here-documents announced on the line before.
    fn read_texts(&mut self) -> Result<()> {
        for doc in core::mem::take(&mut self.pending) {
            let mut body = String::new();
            loop {
                if self.peek().is_none() {
                    if self.interactive {
                        return Err(ParseError::Incomplete(None));
                    }
                    break;
                }
                let start = self.pos;
                while self.peek().is_some_and(|c| c != '\n') {
                    self.pos += 1;
                }
                let line = self.text_from(start);
                self.bump();
                let line = if doc.strip_tabs { line.trim_start_matches('\t') } else { &line };
                if line == doc.delimiter {
                    break;
                }
                body.push_str(line);
                body.push('\n');
            }
            let word = if doc.quoted {
                vec![Part::Quoted(body)]
            } else {
                vec![Part::Double(Parser::new(&body, self.aliases).nested(self.depth)?.double_quoted(None)?)]
            };
            let _ = doc.slot.set(word);
        }
        Ok(())
    }

    /// The unquoted word here, without consuming it.
    fn peek_word(&self) -> String {
        let mut n = 0;
        while self.peek_at(n).is_some_and(|c| !" \t\n;&|<>()\"'\\$`".contains(c)) {
            n += 1;
        }
        if self.peek_at(n).is_some_and(|c| "\"'\\$`".contains(c)) {
            return String::new();
        }
        self.chars[self.pos..self.pos + n].iter().collect()
    }

    fn keyword(&mut self, word: &str) -> bool {
        self.blanks();
        let found = self.peek_word() == word;
        if found {
            self.pos += word.chars().count();
        }
        found
    }

    fn expect(&mut self, word: &str) -> Result<()> {
        self.newlines()?;
        if self.keyword(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The error for what stands here.
    fn unexpected(&mut self) -> ParseError {
        self.blanks();
        let Some(c) = self.peek() else { return ParseError::Incomplete(None) };
        if c == '\n' {
            return ParseError::Unexpected("newline".into());
        }
        for op in [";;", "&&", "||", "<<", ">>", ">&", "<&", "&>", "|&", ";", "&", "|", "(", ")", "<", ">"] {
            if self.looking_at(op) {
                return ParseError::Unexpected(op.into());
            }
        }
        let start = self.pos;
        while self.peek().is_some_and(|c| !" \t\n;&|<>()".contains(c)) {
            self.pos += 1;
        }
        ParseError::Unexpected(self.text_from(start))
    }

    fn at_end_of_list(&self, until: &[&str]) -> bool {
        match self.peek() {
            None | Some(')') => true,
            Some(';') => matches!(self.peek_at(1), Some(';' | '&')),
            _ => {
                let word = self.peek_word();
                until.contains(&word.as_str()) || RESERVED_ENDS.contains(&word.as_str()) && word != "in"
            }
        }
    }

    // Lists and pipelines.

    /// Commands up to one of the closing words (or `)`, `;;`, the end), which is left.
    pub(super) fn list(&mut self, until: &[&str]) -> Result<Vec<Op>> {
        let mut ops = Vec::new();
        loop {
            self.newlines()?;
            if self.at_end_of_list(until) {
                if self.peek().is_none() && !until.is_empty() {
                    return Err(ParseError::Incomplete(if until == [")"] { Some(')') } else { None }));
                }
                return Ok(ops);
            }
            self.item(&mut ops)?;
        }
    }

    /// A list that must not be empty.
    fn body(&mut self, until: &[&str]) -> Result<Vec<Op>> {
        let ops = self.enter(|p| p.list(until))?;
        if ops.is_empty() { Err(self.unexpected()) } else { Ok(ops) }
    }

    /// `a && b || c` with its `;` or `&`.
    fn item(&mut self, ops: &mut Vec<Op>) -> Result<()> {
        self.blanks();
        let start = self.pos;
        let item = self.and_or()?;
        let text = self.text_from(start).trim().to_owned();
        self.blanks();
        match self.peek() {
            Some('&') if self.peek_at(1) != Some('&') => {
                self.bump();
                ops.push(Op::Background(Code { ops: item, text }.into()));
            }
            Some(';') if !matches!(self.peek_at(1), Some(';' | '&')) => {
                self.bump();
                ops.extend(item);
            }
            Some('\n' | ')') | None => ops.extend(item),
            Some(';') => ops.extend(item),
            Some(_) => return Err(self.unexpected()),
        }
        Ok(())
    }

    fn and_or(&mut self) -> Result<Vec<Op>> {
        let mut parts = vec![self.pipeline()?];
        let mut joins = Vec::new();
        loop {
            self.blanks();
            let and = if self.skip("&&") {
                true
            } else if self.skip("||") {
                false
            } else {
                break;
            };
            self.newlines()?;
            if self.peek().is_none() {
                return Err(ParseError::Incomplete(None));
            }
            joins.push(and);
            parts.push(self.pipeline()?);
        }
        if joins.is_empty() {
            return Ok(parts.remove(0));
        }
        let mut ops = Vec::new();
        let last = parts.len() - 1;
        for (i, part) in parts.into_iter().enumerate() {
            if i > 0 {
                let len = part.len() as i32 + if i < last { 2 } else { 0 };
                ops.push(Op::JumpIf(!joins[i - 1], len));
            }
            if i < last {
                ops.push(Op::Lenient(true));
                ops.extend(part);
                ops.push(Op::Lenient(false));
            } else {
                ops.extend(part);
            }
        }
        Ok(ops)
    }

    fn pipeline(&mut self) -> Result<Vec<Op>> {
        self.blanks();
        let mut not = false;
        while self.peek_word() == "!" {
            self.pos += 1;
            not = !not;
            self.blanks();
        }
        if self.peek_word() == "time" {
            return Err(ParseError::Refused("the keyword `time' is not supported here".into()));
        }
        let start = self.pos;
        let mut ops = self.command()?;
        let mut stages = Vec::new();
        let mut from = start;
        loop {
            self.blanks();
            let both = self.looking_at("|&");
            if self.looking_at("||") || self.peek() != Some('|') {
                break;
            }
            let text = self.text_from(from).trim().to_owned();
            self.pos += if both { 2 } else { 1 };
            if both {
                let dup = Redirect { fd: 2, how: How::Write, target: Target::Dup(vec![Part::Lit("1".into())]) };
                ops.insert(0, Op::Redirect(Arc::new(vec![dup])));
                ops.push(Op::Restore);
            }
            stages.push(Arc::new(Code { ops: core::mem::take(&mut ops), text }));
            self.newlines()?;
            if self.peek().is_none() {
                return Err(ParseError::Incomplete(None));
            }
            from = self.pos;
            ops = self.command()?;
        }
        if !stages.is_empty() {
            let text = self.text_from(from).trim().to_owned();
            stages.push(Arc::new(Code { ops, text }));
            ops = vec![Op::Pipeline(stages.into())];
        }
        if not {
            ops.insert(0, Op::Lenient(true));
            ops.extend([Op::Lenient(false), Op::Not]);
        }
        Ok(ops)
    }

    // Commands.

    fn command(&mut self) -> Result<Vec<Op>> {
        self.blanks();
        let start = self.pos;
        let compound = match self.peek() {
            None => return Err(ParseError::Incomplete(None)),
            Some('(') if self.peek_at(1) == Some('(') && self.closes_arith() => {
                self.pos += 2;
                let line = self.line;
                let text = self.arith_text("))")?;
                Some(vec![Op::Arith { text: text.into(), line }])
            }
            Some('(') => {
                self.bump();
                let from = self.pos;
                let ops = self.body(&[")"])?;
                let text = self.text_from(from);
                if self.bump() != Some(')') {
                    return Err(ParseError::eof(')'));
                }
                Some(vec![Op::Subshell(Code { ops, text }.into())])
            }
            _ => self.compound()?,
        };
        let Some(ops) = compound else { return self.simple() };
        let mut redirects = Vec::new();
        loop {
            self.blanks();
            match self.redirect()? {
                Some(r) => redirects.push(r),
                None => break,
            }
        }
        let _ = start;
        if redirects.is_empty() {
            return Ok(ops);
        }
        // A redirect that fails jumps over the body: `Restore` is its landing place.
        let mut out = vec![Op::Redirect(redirects.into()), Op::JumpIf(false, ops.len() as i32)];
        out.extend(ops);
        out.push(Op::Restore);
        Ok(out)
    }

    fn compound(&mut self) -> Result<Option<Vec<Op>>> {
        let word = self.peek_word();
        let width = word.chars().count();
        let ops = match word.as_str() {
            "if" => {
                self.pos += width;
                self.if_clause()?
            }
            "while" | "until" => {
                self.pos += width;
                self.while_clause(word == "while")?
            }
            "for" => {
                self.pos += width;
                self.for_clause()?
            }
            "case" => {
                self.pos += width;
                self.case_clause()?
            }
            "select" | "coproc" => {
                return Err(ParseError::Refused(format!("the keyword `{word}' is not supported here")));
            }
            "{" => {
                self.pos += width;
                let ops = self.body(&["}"])?;
                self.expect("}")?;
                ops
            }
            "[[" => {
                self.pos += width;
                let line = self.line;
                let cond = self.cond_or()?;
                self.newlines()?;
                if !self.keyword("]]") {
                    return Err(self.unexpected());
                }
                vec![Op::Test { cond: cond.into(), line }]
            }
            "function" => {
                self.pos += width;
                self.blanks();
                let name = self.word()?;
                let name = plain(&name).unwrap_or("").to_owned();
                self.blanks();
                if self.skip("(") {
                    self.blanks();
                    self.skip(")");
                }
                self.function(&name)?
            }
            w if RESERVED_ENDS.contains(&w) && w != "in" => return Err(self.unexpected()),
            _ => {
                // name () { … }
                let save = (self.pos, self.line);
                self.pos += width;
                self.blanks();
                if !word.is_empty() && !word.contains('=') && self.skip("(") {
                    self.blanks();
                    if !self.skip(")") {
                        return Err(self.unexpected());
                    }
                    self.function(&word)?
                } else {
                    (self.pos, self.line) = save;
                    return Ok(None);
                }
            }
        };
        Ok(Some(ops))
    }

    fn function(&mut self, name: &str) -> Result<Vec<Op>> {
        self.newlines()?;
        let start = self.pos;
        let ops = self.enter(Self::command)?;
        let text = self.text_from(start);
        Ok(vec![Op::Function { name: name.into(), body: Code { ops, text }.into() }])
    }

    fn if_clause(&mut self) -> Result<Vec<Op>> {
        let mut arms = Vec::new();
        let mut otherwise = None;
        loop {
            let cond = self.body(&["then"])?;
            self.expect("then")?;
            let body = self.body(&["elif", "else", "fi"])?;
            arms.push((cond, body));
            if self.keyword("elif") {
                continue;
            }
            if self.keyword("else") {
                otherwise = Some(self.body(&["fi"])?);
            }
            self.expect("fi")?;
            break;
        }
        let mut ops = otherwise.unwrap_or_else(|| vec![Op::SetStatus(0)]);
        for (cond, body) in arms.into_iter().rev() {
            let mut all = vec![Op::Lenient(true)];
            all.extend(cond);
            all.push(Op::Lenient(false));
            all.push(Op::JumpIf(false, body.len() as i32 + 1));
            all.extend(body);
            all.push(Op::Jump(ops.len() as i32));
            all.extend(ops);
            ops = all;
        }
        Ok(ops)
    }

    fn do_body(&mut self) -> Result<Vec<Op>> {
        self.newlines()?;
        if self.keyword("{") {
            let body = self.body(&["}"])?;
            self.expect("}")?;
            return Ok(body);
        }
        self.expect("do")?;
        let body = self.body(&["done"])?;
        self.expect("done")?;
        Ok(body)
    }

    fn while_clause(&mut self, wanted: bool) -> Result<Vec<Op>> {
        let cond = self.body(&["do"])?;
        let body = self.do_body()?;
        Ok(looping(cond, body, wanted))
    }

    fn for_clause(&mut self) -> Result<Vec<Op>> {
        self.blanks();
        if self.looking_at("((") {
            self.pos += 2;
            let line = self.line;
            let mut three = Vec::new();
            for end in [";", ";", "))"] {
                let text = self.arith_text(end)?;
                let empty = text.iter().all(|p| matches!(p, Part::Lit(s) if s.trim().is_empty()));
                three.push((!empty).then(|| Op::Arith { text: text.into(), line }));
            }
            self.blanks();
            self.skip(";");
            let body = self.do_body()?;
            let len = body.len() as i32;
            let mut part = |i: usize| three[i].take().unwrap_or(Op::SetStatus(0));
            let mut ops = vec![Op::Lenient(true), part(0), Op::Lenient(false)];
            // The first time round the step is jumped over; `continue` lands on it.
            ops.extend([Op::Loop { end: len + 10 }, Op::Jump(3)]);
            ops.extend([Op::Lenient(true), part(2), Op::Lenient(false)]);
            ops.extend([Op::Lenient(true), part(1), Op::Lenient(false), Op::JumpIf(false, len + 1)]);
            ops.extend(body);
            ops.extend([Op::Again(-(len + 8)), Op::EndLoop]);
            return Ok(ops);
        }
        let name = self.word()?;
        let Some(name) = plain(&name).filter(|n| is_name(n)) else { return Err(self.unexpected()) };
        let name: Arc<str> = name.into();
        self.newlines()?;
        let mut words = None;
        if self.keyword("in") {
            let mut list = Vec::new();
            loop {
                self.blanks();
                let word = self.word()?;
                if word.is_empty() {
                    break;
                }
                list.push(word);
            }
            words = Some(Arc::new(list));
            if !self.skip(";") && self.peek() != Some('\n') {
                return Err(self.unexpected());
            }
        } else {
            self.skip(";");
        }
        let body = self.do_body()?;
        let len = body.len() as i32;
        // For pushes the loop; Next is both entry and `continue`.
        let mut ops = vec![Op::For { words }, Op::Loop { end: len + 4 }, Op::Jump(0), Op::Next { name, done: len + 1 }];
        ops.extend(body);
        ops.extend([Op::Again(-(len + 2)), Op::EndLoop]);
        Ok(ops)
    }

    fn case_clause(&mut self) -> Result<Vec<Op>> {
        self.blanks();
        let word = self.word()?;
        self.expect("in")?;
        let mut arms: Vec<(Vec<Word>, Vec<Op>)> = Vec::new();
        let mut falls = Vec::new();
        loop {
            self.newlines()?;
            if self.keyword("esac") {
                break;
            }
            if self.peek().is_none() {
                return Err(ParseError::Incomplete(None));
            }
            self.skip("(");
            let mut patterns = Vec::new();
            loop {
                self.blanks();
                let pattern = self.word()?;
                if pattern.is_empty() {
                    return Err(self.unexpected());
                }
                patterns.push(pattern);
                self.blanks();
                if self.skip(")") {
                    break;
                }
                if !self.skip("|") {
                    return Err(self.unexpected());
                }
            }
            let body = self.enter(|p| p.list(&["esac"]))?;
            arms.push((patterns, body));
            self.newlines()?;
            if self.skip(";&") {
                falls.push(arms.len() - 1);
            } else if !self.skip(";;") {
                self.expect("esac")?;
                break;
            }
        }
        let mut ops = Vec::new();
        let mut table = Vec::new();
        let total: i32 = arms.iter().map(|(_, b)| b.len() as i32 + 2).sum();
        for (i, (patterns, body)) in arms.into_iter().enumerate() {
            table.push((patterns, ops.len() as i32));
            ops.push(Op::SetStatus(0));
            ops.extend(body);
            let rest = total - ops.len() as i32 - 1;
            ops.push(Op::Jump(if falls.contains(&i) { 0 } else { rest }));
        }
        ops.insert(0, Op::Case { word: word.into(), arms: table.into(), end: total });
        Ok(ops)
    }

    // Simple commands.

    fn simple(&mut self) -> Result<Vec<Op>> {
        let mut out = Simple { line: self.line, ..Simple::default() };
        let mut try_alias = true;
        let mut seen: Vec<String> = Vec::new();
        let mut steps = 0;
        loop {
            self.blanks();
            let Some(c) = self.peek() else { break };
            if let Some(redirect) = self.redirect()? {
                out.redirects.push(redirect);
                continue;
            }
            if "\n;&|()".contains(c) {
                break;
            }
            let declares = out.words.first().and_then(|w| plain(w)).is_some_and(|w| DECLARING.contains(&w));
            if (out.words.is_empty() || declares)
                && let Some(assign) = self.assignment(declares)?
            {
                if declares {
                    out.words.push(vec![Part::Lit(assign.name.clone())]);
                    out.arrays.push(assign);
                } else {
                    out.assigns.push(assign);
                }
                continue;
            }
            if try_alias {
                let word = self.peek_word();
                if let Some(text) = self.aliases.get(&word).filter(|_| !seen.contains(&word) && steps < ALIAS_STEPS_MAX)
                {
                    steps += 1;
                    try_alias = true;
                    let end = self.pos + word.chars().count();
                    let chars = Arc::make_mut(&mut self.chars);
                    chars.splice(self.pos..end, text.chars());
                    seen.push(word);
                    continue;
                }
            }
            try_alias = false;
            let word = self.word()?;
            if word.is_empty() {
                return Err(self.unexpected());
            }
            out.words.push(word);
        }
        if out.words.is_empty() && out.assigns.is_empty() && out.redirects.is_empty() {
            return Err(self.unexpected());
        }
        if self.peek() == Some('(') {
            return Err(self.unexpected());
        }
        Ok(vec![Op::Simple(out.into())])
    }

    /// `name=`, `name+=`, `name[i]=` here; with `only_arrays`, only `name=(`.
    fn assignment(&mut self, only_arrays: bool) -> Result<Option<Assign>> {
        let mut n = 0;
        while self.peek_at(n).is_some_and(is_name_char) {
            n += 1;
        }
        if n == 0 || self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return Ok(None);
        }
        let name: String = self.chars[self.pos..self.pos + n].iter().collect();
        let mut subscript = None;
        if self.peek_at(n) == Some('[') {
            let Some(close) = (n..n + 200).find(|i| self.peek_at(*i) == Some(']')) else { return Ok(None) };
            let text: String = self.chars[self.pos + n + 1..self.pos + close].iter().collect();
            if self.peek_at(close + 1) == Some('=') || self.peek_at(close + 1) == Some('+') {
                subscript = Some(vec![Part::Double(Parser::new(&text, self.aliases).double_quoted(None)?)]);
            }
            n = close + 1;
        }
        let append = self.peek_at(n) == Some('+') && self.peek_at(n + 1) == Some('=');
        if append {
            n += 1;
        }
        if self.peek_at(n) != Some('=') || only_arrays && self.peek_at(n + 1) != Some('(') {
            return Ok(None);
        }
        self.pos += n + 1;
        if self.peek() != Some('(') {
            let value = AssignValue::Word(self.word()?);
            return Ok(Some(Assign { name, subscript, append, value }));
        }
        self.bump();
        let mut items = Vec::new();
        loop {
            self.newlines()?;
            if self.skip(")") {
                break;
            }
            let key = self.array_key()?;
            let word = self.word()?;
            if word.is_empty() && key.is_none() {
                return Err(self.unexpected());
            }
            items.push((key, word));
        }
        Ok(Some(Assign { name, subscript, append, value: AssignValue::Array(items) }))
    }

    /// `[key]=` of an array's item.
    fn array_key(&mut self) -> Result<Option<Word>> {
        if self.peek() != Some('[') {
            return Ok(None);
        }
        let Some(close) = (1..200).find(|i| self.peek_at(*i) == Some(']')) else { return Ok(None) };
        if self.peek_at(close + 1) != Some('=') {
            return Ok(None);
        }
        self.bump();
        let key = self.word_until(|c| c == ']')?;
        self.pos += 2;
        Ok(Some(key))
    }

    fn redirect(&mut self) -> Result<Option<Redirect>> {
        let digits = (0..3).take_while(|i| self.peek_at(*i).is_some_and(|c| c.is_ascii_digit())).count();
        let Some(op @ ('<' | '>' | '&')) = self.peek_at(digits) else { return Ok(None) };
        if op == '&' && (digits > 0 || self.peek_at(1) != Some('>')) {
            return Ok(None);
        }
        let fd = (digits > 0).then(|| self.chars[self.pos..self.pos + digits].iter().collect::<String>());
        let fd = fd.and_then(|t| t.parse::<u32>().ok());
        self.pos += digits;
        for (text, how, kind) in [
            ("&>>", How::BothAppend, 'f'),
            ("&>", How::Both, 'f'),
            ("<<<", How::Read, 'l'),
            ("<<-", How::Read, '-'),
            ("<<", How::Read, 'h'),
            ("<(", How::Read, '('),
            (">(", How::Write, '('),
            ("<&", How::Read, 'd'),
            ("<>", How::ReadWrite, 'f'),
            (">>", How::Append, 'f'),
            (">&", How::Write, 'd'),
            (">|", How::Write, 'f'),
            ("<", How::Read, 'f'),
            (">", How::Write, 'f'),
        ] {
            if !self.skip(text) {
                continue;
            }
            if kind == '(' {
                return Err(ParseError::Refused(format!("process substitution {text}…) is not supported here")));
            }
            let default_fd = u32::from(!text.starts_with('<'));
            let mut how = how;
            self.blanks();
            let start = self.pos;
            let word = self.word()?;
            if word.is_empty() {
                return Err(self.unexpected());
            }
            let target = match kind {
                'f' => Target::File(word),
                'l' => Target::Line(word),
                'd' if fd.is_none()
                    && text == ">&"
                    && plain(&word).is_some_and(|w| w.parse::<u32>().is_err() && w != "-") =>
                {
                    how = How::Both;
                    Target::File(word)
                }
                'd' => Target::Dup(word),
                _ => {
                    let slot = Arc::new(OnceLock::new());
                    let delimiter: String = self.text_from(start).chars().filter(|c| !"'\"\\".contains(*c)).collect();
                    let quoted = plain(&word).is_none();
                    self.pending.push(PendingText { delimiter, strip_tabs: kind == '-', quoted, slot: slot.clone() });
                    Target::Text(slot)
                }
            };
            return Ok(Some(Redirect { fd: fd.unwrap_or(default_fd), how, target }));
        }
        Ok(None)
    }

    // [[ … ]].

    fn cond_or(&mut self) -> Result<Cond> {
        let mut left = self.cond_and()?;
        loop {
            self.newlines()?;
            if !self.skip("||") {
                return Ok(left);
            }
            left = Cond::Or(left.into(), self.cond_and()?.into());
        }
    }

    fn cond_and(&mut self) -> Result<Cond> {
        let mut left = self.cond_primary()?;
        loop {
            self.newlines()?;
            if !self.skip("&&") {
                return Ok(left);
            }
            left = Cond::And(left.into(), self.cond_primary()?.into());
        }
    }

    fn cond_primary(&mut self) -> Result<Cond> {
        self.newlines()?;
        if self.keyword("!") {
            return Ok(Cond::Not(self.enter(Self::cond_primary)?.into()));
        }
        if self.skip("(") {
            let inner = self.enter(Self::cond_or)?;
            self.blanks();
            return if self.skip(")") { Ok(inner) } else { Err(self.unexpected()) };
        }
        let first = self.word()?;
        if first.is_empty() || plain(&first) == Some("]]") {
            return Err(self.unexpected());
        }
        self.blanks();
        if let Some(op) = plain(&first).filter(|w| w.len() == 2 && w.starts_with('-')) {
            let next = self.peek_word();
            if next != "]]" && !self.looking_at("&&") && !self.looking_at("||") && !next.starts_with('=') {
                let op = op.to_owned();
                let operand = self.word()?;
                return Ok(Cond::Unary(op, operand));
            }
        }
        let op = if self.skip("<") {
            "<".to_owned()
        } else if self.skip(">") {
            ">".to_owned()
        } else {
            let word = self.peek_word();
            match word.as_str() {
                "==" | "=" | "!=" | "=~" | "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" | "-nt" | "-ot" | "-ef" => {
                    self.pos += word.len();
                    word
                }
                _ => return Ok(Cond::Word(first)),
            }
        };
        self.blanks();
        let second = if op == "=~" {
            // Parentheses and bars belong to the expression.
            let mut depth = 0;
            let mut word = Word::new();
            while let Some(c) = self.peek() {
                if c.is_whitespace() && depth == 0 {
                    break;
                }
                match c {
                    '(' => depth += 1,
                    ')' if depth == 0 => break,
                    ')' => depth -= 1,
                    _ => {}
                }
                if "()|<>;& \t".contains(c) {
                    self.bump();
                    word.push(Part::Lit(c.into()));
                } else if c == '\\' {
                    self.bump();
                    let next = self.bump().unwrap_or('\\');
                    word.push(Part::Lit(format!("\\{next}")));
                } else {
                    word.extend(self.word_until(|c| "()|<>;& \t\n\\".contains(c))?);
                }
            }
            word
        } else {
            self.word()?
        };
        if second.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Cond::Binary(first, op, second))
    }
}

/// Where `continue` lands, counted from the `Loop` instruction.
pub const CONTINUE_OFFSET: usize = 2;

/// `while cond; do body; done`.
fn looping(cond: Vec<Op>, body: Vec<Op>, wanted: bool) -> Vec<Op> {
    let (c, b) = (cond.len() as i32, body.len() as i32);
    let mut ops = vec![Op::SetStatus(0), Op::Loop { end: c + b + 6 }, Op::Jump(0), Op::Lenient(true)];
    ops.extend(cond);
    ops.extend([Op::Lenient(false), Op::JumpIf(!wanted, b + 1)]);
    ops.extend(body);
    ops.extend([Op::Again(-(c + b + 4)), Op::EndLoop]);
    ops
}
