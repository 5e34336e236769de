//! Text to nodes.

mod word;

use super::{Error, place};
use serde_json::Value;
use std::collections::BTreeMap;

/// Blocks within blocks, parentheses within parentheses.
const DEPTH_MAX: usize = 100;

#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(String),
    Action(Pipe),
    If { pipe: Pipe, then: Vec<Node>, otherwise: Vec<Node> },
    With { pipe: Pipe, then: Vec<Node>, otherwise: Vec<Node> },
    Range { pipe: Pipe, body: Vec<Node>, otherwise: Vec<Node> },
    Template { name: String, pipe: Option<Pipe>, at: usize },
    Break,
    Continue,
}

/// Commands, each handing its value to the next.
#[derive(Clone, Debug)]
pub(super) struct Pipe {
    /// Variables set to the value: `$x :=`, `$i, $e :=`.
    pub variables: Vec<String>,
    /// `=` rather than `:=`.
    pub assigns: bool,
    pub commands: Vec<Command>,
}

#[derive(Clone, Debug)]
pub(super) struct Command {
    pub words: Vec<Word>,
}

/// An operand, with the text an error shows for it.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub kind: Kind,
    /// Fields taken from it in turn.
    pub fields: Vec<String>,
    pub at: usize,
    pub shown: String,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Dot,
    Nil,
    Variable(String),
    Constant(Value),
    Function(String),
    Pipe(Box<Pipe>),
}

type Defined = BTreeMap<String, Vec<Node>>;

pub(super) fn parse(name: &str, text: &str) -> Result<(Vec<Node>, Defined), Error> {
    let mut parser = Parser {
        name,
        text,
        at: 0,
        depth: 0,
        loops: 0,
        trim: false,
        variables: vec!["$".to_owned()],
        defined: Defined::new(),
    };
    let (body, end) = parser.list()?;
    match end {
        Stop::Eof => Ok((body, parser.defined)),
        Stop::Closed => parser.fail("unexpected {{end}}"),
        Stop::Else(_) => parser.fail("unexpected {{else}}"),
    }
}

/// What ended a list of nodes.
enum Stop {
    Eof,
    Closed,
    /// With the keyword that follows: `else if`.
    Else(Option<&'static str>),
}

struct Parser<'a> {
    name: &'a str,
    text: &'a str,
    at: usize,
    depth: usize,
    loops: usize,
    /// The last action ended with `-}}`.
    trim: bool,
    variables: Vec<String>,
    defined: Defined,
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

impl<'a> Parser<'a> {
    fn fail<T>(&self, words: impl core::fmt::Display) -> Result<T, Error> {
        let (line, _) = place(self.text, self.at);
        Err(Error(format!("template: {}:{line}: {words}", self.name)))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn spaces(&mut self) -> bool {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        self.rest().len() < rest.len()
    }

    /// Nodes up to `{{end}}`, `{{else}}` or the end of the text.
    fn list(&mut self) -> Result<(Vec<Node>, Stop), Error> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.fail("nested too deeply");
        }
        let mut out = Vec::new();
        loop {
            let open = self.rest().find("{{");
            let mut text = &self.rest()[..open.unwrap_or(self.rest().len())];
            self.at += text.len();
            if self.trim {
                text = text.trim_start_matches([' ', '\t', '\r', '\n']);
            }
            self.trim = false;
            if open.is_none() {
                out.extend((!text.is_empty()).then(|| Node::Text(text.to_owned())));
                self.depth -= 1;
                return Ok((out, Stop::Eof));
            }
            self.at += 2;
            let mut after = self.rest().chars();
            if after.next() == Some('-') && after.next().is_some_and(|c| matches!(c, ' ' | '\t' | '\r' | '\n')) {
                self.at += 2;
                text = text.trim_end_matches([' ', '\t', '\r', '\n']);
            }
            out.extend((!text.is_empty()).then(|| Node::Text(text.to_owned())));
            if self.comment()? {
                continue;
            }
            self.spaces();
            if let Some(end) = self.statement(&mut out)? {
                self.depth -= 1;
                return Ok((out, end));
            }
        }
    }

    fn comment(&mut self) -> Result<bool, Error> {
        let rest = self.rest();
        if !rest.starts_with("/*") {
            return Ok(false);
        }
        let Some(end) = rest.find("*/") else { return self.fail("unclosed comment") };
        self.at += end + 2;
        if self.close() { Ok(true) } else { self.fail("comment ends before closing delimiter") }
    }

    /// Takes `}}` or ` -}}`.
    fn close(&mut self) -> bool {
        let start = self.at;
        let space = self.spaces();
        if space && self.eat("-}}") {
            self.trim = true;
            return true;
        }
        let closed = self.eat("}}");
        if !closed {
            self.at = start;
        }
        closed
    }

    fn expect_close(&mut self, context: &str) -> Result<(), Error> {
        if self.close() { Ok(()) } else { self.unexpected(context) }
    }

    fn unexpected<T>(&mut self, context: &str) -> Result<T, Error> {
        self.spaces();
        match self.rest().chars().next() {
            None => self.fail("unclosed action"),
            Some(c) if is_word(c) || "\"`'.$()|,:=-+".contains(c) => {
                let rest = self.rest();
                let end = rest[c.len_utf8()..].find(|c| !is_word(c)).map_or(rest.len(), |i| i + c.len_utf8());
                let token = &rest[..end];
                self.fail(format_args!("unexpected {} in {context}", crate::field::quote(token)))
            }
            Some(c) => self.fail(format_args!("bad character U+{:04X} '{c}'", c as u32)),
        }
    }

    /// The keyword at hand, if it stands alone.
    fn keyword(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let word = self.rest().split(|c| !is_word(c)).next().unwrap_or_default();
        let found = words.iter().find(|w| **w == word)?;
        self.at += word.len();
        Some(found)
    }

    fn statement(&mut self, out: &mut Vec<Node>) -> Result<Option<Stop>, Error> {
        const WORDS: [&str; 10] =
            ["if", "with", "range", "else", "end", "template", "define", "block", "break", "continue"];
        let start = self.at;
        match self.keyword(&WORDS) {
            Some("end") => {
                self.expect_close("end")?;
                return Ok(Some(Stop::Closed));
            }
            Some("else") => {
                self.spaces();
                let chained = self.keyword(&["if", "with"]);
                if chained.is_none() {
                    self.expect_close("else")?;
                }
                return Ok(Some(Stop::Else(chained)));
            }
            Some(word @ ("if" | "with" | "range")) => out.push(self.control(word)?),
            Some("template") => out.push(self.template(start)?),
            Some("define") => self.define()?,
            Some("block") => {
                self.spaces();
                let name = self.string("block clause")?;
                let pipe = self.pipe("block clause", true)?;
                self.expect_close("block clause")?;
                self.definition(name.clone())?;
                out.push(Node::Template { name, pipe: Some(pipe), at: start });
            }
            Some(word @ ("break" | "continue")) => {
                if self.loops == 0 {
                    return self.fail(format_args!("{{{{{word}}}}} outside {{{{range}}}}"));
                }
                self.expect_close(word)?;
                out.push(if word == "break" { Node::Break } else { Node::Continue });
            }
            _ => {
                let pipe = self.pipe("command", true)?;
                self.expect_close("command")?;
                out.push(Node::Action(pipe));
            }
        }
        Ok(None)
    }

    fn control(&mut self, word: &'static str) -> Result<Node, Error> {
        let visible = self.variables.len();
        let pipe = self.pipe(word, true)?;
        if pipe.variables.len() > 1 && word != "range" {
            return self.fail(format_args!("too many declarations in {word}"));
        }
        self.expect_close(word)?;
        let is_loop = usize::from(word == "range");
        self.loops += is_loop;
        let (then, end) = self.list()?;
        self.loops -= is_loop;
        let otherwise = match end {
            Stop::Eof => return self.fail("unexpected EOF"),
            Stop::Closed => Vec::new(),
            Stop::Else(Some(chained)) if chained == word => vec![self.control(chained)?],
            Stop::Else(Some(_)) => return self.unexpected("else"),
            Stop::Else(None) => match self.list()? {
                (nodes, Stop::Closed) => nodes,
                (_, Stop::Eof) => return self.fail("unexpected EOF"),
                (_, Stop::Else(_)) => return self.fail("expected end; found {{else}}"),
            },
        };
        self.variables.truncate(visible);
        Ok(match word {
            "if" => Node::If { pipe, then, otherwise },
            "with" => Node::With { pipe, then, otherwise },
            _ => Node::Range { pipe, body: then, otherwise },
        })
    }

    fn template(&mut self, start: usize) -> Result<Node, Error> {
        self.spaces();
        // Go points at the name here.
        let at = self.at.max(start);
        let name = self.string("template clause")?;
        if self.close() {
            return Ok(Node::Template { name, pipe: None, at });
        }
        let pipe = self.pipe("template clause", true)?;
        self.expect_close("template clause")?;
        Ok(Node::Template { name, pipe: Some(pipe), at })
    }

    fn define(&mut self) -> Result<(), Error> {
        self.spaces();
        let name = self.string("define clause")?;
        self.expect_close("define clause")?;
        self.definition(name)
    }

    /// The body of a template of its own, with variables of its own.
    fn definition(&mut self, name: String) -> Result<(), Error> {
        let outer = core::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = core::mem::take(&mut self.loops);
        let (body, end) = self.list()?;
        self.variables = outer;
        self.loops = loops;
        match end {
            Stop::Closed => {
                self.defined.insert(name, body);
                Ok(())
            }
            Stop::Eof => self.fail("unexpected EOF"),
            Stop::Else(_) => self.fail("unexpected {{else}} in define clause"),
        }
    }

    fn string(&mut self, context: &str) -> Result<String, Error> {
        if !self.rest().starts_with(['"', '`']) {
            return self.unexpected(context);
        }
        self.quoted()
    }

    fn pipe(&mut self, context: &str, declares: bool) -> Result<Pipe, Error> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.fail("nested too deeply");
        }
        let mut pipe = Pipe { variables: Vec::new(), assigns: false, commands: Vec::new() };
        if declares {
            self.declaration(context, &mut pipe)?;
        }
        loop {
            let command = self.command(context)?;
            if command.words.is_empty() {
                self.spaces();
                if self.rest().is_empty() {
                    return self.fail("unclosed action");
                }
                let here = self.rest();
                let ends = here.starts_with("}}") || here.starts_with("-}}");
                if ends && !pipe.commands.is_empty() {
                    // A bar with nothing after it is let pass.
                    break;
                }
                if ends {
                    return self.fail(format_args!("missing value for {context}"));
                }
                if here.starts_with(')') {
                    return self.fail("unexpected right paren");
                }
                return self.unexpected(context);
            }
            pipe.commands.push(command);
            self.spaces_before_operator();
            if !self.eat("|") {
                break;
            }
        }
        self.depth -= 1;
        Ok(pipe)
    }

    /// White space, unless it belongs to ` -}}`.
    fn spaces_before_operator(&mut self) {
        let start = self.at;
        self.spaces();
        if self.rest().starts_with("-}}") {
            self.at = start;
        }
    }

    /// `$x :=`, `$x =`, `$i, $e := `; leaves anything else alone.
    fn declaration(&mut self, context: &str, pipe: &mut Pipe) -> Result<(), Error> {
        let start = self.at;
        let mut names = Vec::new();
        loop {
            self.spaces();
            if !self.rest().starts_with('$') {
                break;
            }
            let rest = self.rest();
            let end = rest[1..].find(|c| !is_word(c)).map_or(rest.len(), |i| i + 1);
            names.push(rest[..end].to_owned());
            self.at += end;
            self.spaces();
            if self.eat(":=") || self.rest().starts_with('=') && self.eat("=") {
                pipe.assigns = !self.text[..self.at].ends_with(":=");
                if pipe.assigns {
                    names.iter().try_for_each(|name| self.known(name))?;
                } else {
                    self.variables.extend(names.iter().cloned());
                }
                pipe.variables = names;
                return Ok(());
            }
            if !self.eat(",") {
                break;
            }
            if context != "range" || names.len() > 1 {
                return self.fail(format_args!("too many declarations in {context}"));
            }
        }
        self.at = start;
        Ok(())
    }

    fn known(&self, name: &str) -> Result<(), Error> {
        if self.variables.iter().any(|v| v == name) {
            return Ok(());
        }
        self.fail(format_args!("undefined variable {}", crate::field::quote(name)))
    }

    fn command(&mut self, context: &str) -> Result<Command, Error> {
        let mut words = Vec::new();
        loop {
            self.spaces_before_operator();
            let Some(word) = self.word(context)? else { return Ok(Command { words }) };
            words.push(word);
            let next = self.rest();
            let separated = next.starts_with([' ', '\t', '\r', '\n', '|', ')']) || next.starts_with("}}");
            if !separated && !next.is_empty() {
                return self.unexpected("operand");
            }
        }
    }
}
