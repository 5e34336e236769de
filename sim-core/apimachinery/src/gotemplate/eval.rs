//! Nodes run over data.

use super::parse::{Command, Kind, Node, Pipe, Word};
use super::{Error, Template, funcs, place};
use crate::json::go_display;
use serde_json::Value;
use std::borrow::Cow;

/// Templates within templates, and blocks in them.
const DEPTH_MAX: usize = 200;
/// Nodes run in all; a list of 100,000 pods takes a few million.
const STEPS_MAX: usize = 10_000_000;
const OUTPUT_MAX: usize = 64 << 20;

/// A value; `None` is what a missing key gives.
pub(super) type Val<'a> = Option<Cow<'a, Value>>;

struct Run<'a> {
    template: &'a Template,
    /// Which template's nodes run: for errors.
    name: &'a str,
    variables: Vec<(&'a str, Val<'a>)>,
    depth: usize,
    steps: usize,
    out: String,
}

/// How a list of nodes ended.
#[derive(PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

pub(super) fn run(template: &Template, data: &Value) -> Result<String, Error> {
    let dot = Some(Cow::Borrowed(data));
    let mut run = Run {
        template,
        name: &template.name,
        variables: vec![("$", dot.clone())],
        depth: 0,
        steps: 0,
        out: String::new(),
    };
    run.list(&template.body, &dot)?;
    Ok(run.out)
}

/// What Go takes for true.
pub(super) fn truth(value: &Val<'_>) -> bool {
    match value.as_deref() {
        None | Some(Value::Null) => false,
        Some(Value::Bool(b)) => *b,
        Some(Value::Number(n)) => n.as_f64() != Some(0.0),
        Some(Value::String(s)) => !s.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
    }
}

/// A field of a value; the parts of what the run made itself are copied.
pub(super) fn get<'a>(value: &Cow<'a, Value>, key: &str) -> Val<'a> {
    match value {
        Cow::Borrowed(value) => value.get(key).map(Cow::Borrowed),
        Cow::Owned(value) => value.get(key).cloned().map(Cow::Owned),
    }
}

fn items<'a>(value: &Cow<'a, Value>) -> Vec<(Value, Cow<'a, Value>)> {
    let number = |(i, item): (usize, Cow<'a, Value>)| (Value::from(i), item);
    match value {
        Cow::Borrowed(Value::Array(items)) => items.iter().map(Cow::Borrowed).enumerate().map(number).collect(),
        Cow::Owned(Value::Array(items)) => items.iter().cloned().map(Cow::Owned).enumerate().map(number).collect(),
        Cow::Borrowed(Value::Object(map)) => {
            map.iter().map(|(key, item)| (key.as_str().into(), Cow::Borrowed(item))).collect()
        }
        Cow::Owned(Value::Object(map)) => {
            map.iter().map(|(key, item)| (key.as_str().into(), Cow::Owned(item.clone()))).collect()
        }
        _ => Vec::new(),
    }
}

impl<'a> Run<'a> {
    fn fail<T>(&self, at: usize, shown: &str, words: impl core::fmt::Display) -> Result<T, Error> {
        let (line, column) = place(&self.template.text, at);
        let root = &self.template.name;
        let name = self.name;
        Err(Error(format!("template: {root}:{line}:{column}: executing \"{name}\" at <{shown}>: {words}")))
    }

    fn step(&mut self) -> Result<(), Error> {
        self.steps += 1;
        if self.steps > STEPS_MAX || self.out.len() > OUTPUT_MAX {
            return Err(Error(format!("template: {}: does too much", self.template.name)));
        }
        Ok(())
    }

    fn list(&mut self, nodes: &'a [Node], dot: &Val<'a>) -> Result<Flow, Error> {
        for node in nodes {
            self.step()?;
            match self.node(node, dot)? {
                Flow::On => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::On)
    }

    fn node(&mut self, node: &'a Node, dot: &Val<'a>) -> Result<Flow, Error> {
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Action(pipe) => {
                let value = self.pipe(pipe, dot)?;
                if pipe.variables.is_empty() {
                    match value.as_deref() {
                        None | Some(Value::Null) => self.out.push_str("<no value>"),
                        Some(value) => self.out.push_str(&go_display(value)),
                    }
                }
            }
            Node::If { pipe, then, otherwise } | Node::With { pipe, then, otherwise } => {
                let visible = self.variables.len();
                let value = self.pipe(pipe, dot)?;
                let within = if matches!(node, Node::With { .. }) { &value } else { dot };
                let flow = if truth(&value) { self.list(then, within)? } else { self.list(otherwise, dot)? };
                self.variables.truncate(visible);
                return Ok(flow);
            }
            Node::Range { pipe, body, otherwise } => return self.range(pipe, body, otherwise, dot),
            Node::Template { name, pipe, at } => self.call_template(name, pipe.as_ref(), *at, dot)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn range(&mut self, pipe: &'a Pipe, body: &'a [Node], otherwise: &'a [Node], dot: &Val<'a>) -> Result<Flow, Error> {
        let visible = self.variables.len();
        let value = self.commands(pipe, dot)?;
        let values: Vec<(Value, Cow<'a, Value>)> = match value.as_ref() {
            None => Vec::new(),
            Some(value) => match value.as_ref() {
                Value::Null => Vec::new(),
                Value::Array(_) | Value::Object(_) => items(value),
                Value::Number(n) if n.is_i64() => {
                    let count = n.as_i64().unwrap_or(0).clamp(0, STEPS_MAX as i64);
                    (0..count).map(|i| (i.into(), Cow::Owned(i.into()))).collect()
                }
                other => {
                    let first = pipe.commands.first().and_then(|c| c.words.first());
                    let (at, shown) = first.map_or((0, ""), |w| (w.at, w.shown.as_str()));
                    return self.fail(at, shown, format_args!("range can't iterate over {}", go_display(other)));
                }
            },
        };
        if values.is_empty() {
            let flow = self.list(otherwise, dot)?;
            self.variables.truncate(visible);
            return Ok(flow);
        }
        for (key, item) in values {
            self.step()?;
            let item = Some(item);
            match pipe.variables.as_slice() {
                [] => {}
                [one] => self.set(one, item.clone(), pipe.assigns),
                [index, one, ..] => {
                    self.set(index, Some(Cow::Owned(key)), pipe.assigns);
                    self.set(one, item.clone(), pipe.assigns);
                }
            }
            let flow = self.list(body, &item)?;
            self.variables.truncate(visible);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::On)
    }

    fn call_template(&mut self, name: &'a str, pipe: Option<&'a Pipe>, at: usize, dot: &Val<'a>) -> Result<(), Error> {
        let Some(body) = self.template.defined.get(name) else {
            let shown = format!("{{{{template \"{name}\"}}}}");
            return self.fail(at, &shown, format_args!("template \"{name}\" not defined"));
        };
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let shown = format!("{{{{template \"{name}\"}}}}");
            return self.fail(at, &shown, format_args!("exceeded maximum template depth ({DEPTH_MAX})"));
        }
        let within = match pipe {
            Some(pipe) => self.pipe(pipe, dot)?,
            None => None,
        };
        let variables = core::mem::replace(&mut self.variables, vec![("$", within.clone())]);
        let outer = core::mem::replace(&mut self.name, name);
        self.list(body, &within)?;
        self.name = outer;
        self.variables = variables;
        self.depth -= 1;
        Ok(())
    }

    fn set(&mut self, name: &'a str, value: Val<'a>, assigns: bool) {
        match self.variables.iter_mut().rev().find(|(n, _)| assigns && *n == name) {
            Some(slot) => slot.1 = value,
            None => self.variables.push((name, value)),
        }
    }

    /// Runs a pipeline and sets its variables.
    fn pipe(&mut self, pipe: &'a Pipe, dot: &Val<'a>) -> Result<Val<'a>, Error> {
        let value = self.commands(pipe, dot)?;
        for name in &pipe.variables {
            self.set(name, value.clone(), pipe.assigns);
        }
        Ok(value)
    }

    fn commands(&mut self, pipe: &'a Pipe, dot: &Val<'a>) -> Result<Val<'a>, Error> {
        let mut value = None;
        for (i, command) in pipe.commands.iter().enumerate() {
            let piped = (i > 0).then_some(value);
            value = self.command(command, piped, dot)?;
        }
        Ok(value)
    }

    fn command(&mut self, command: &'a Command, piped: Option<Val<'a>>, dot: &Val<'a>) -> Result<Val<'a>, Error> {
        self.step()?;
        let [first, rest @ ..] = command.words.as_slice() else { return Ok(None) };
        if let Kind::Function(name) = &first.kind {
            let value = self.call(name, command, rest, piped, dot)?;
            return self.fields(value, first);
        }
        if !rest.is_empty() || piped.is_some() {
            let last = first.fields.last();
            return match last {
                Some(field) => {
                    self.fail(first.at, &first.shown, format_args!("{field} is not a method but has arguments"))
                }
                None => {
                    let shown = &first.shown;
                    self.fail(first.at, shown, format_args!("can't give argument to non-function {shown}"))
                }
            };
        }
        if matches!(first.kind, Kind::Nil) {
            return self.fail(first.at, &first.shown, "nil is not a command");
        }
        self.word(first, dot)
    }

    fn call(
        &mut self,
        name: &str,
        command: &'a Command,
        words: &'a [Word],
        piped: Option<Val<'a>>,
        dot: &Val<'a>,
    ) -> Result<Val<'a>, Error> {
        let mut arguments: Vec<Val<'a>> = Vec::with_capacity(words.len() + 1);
        let shortcut = matches!(name, "and" | "or");
        for word in words {
            let value = match &word.kind {
                Kind::Function(inner) if word.fields.is_empty() => self.call(inner, command, &[], None, dot)?,
                _ => self.word(word, dot)?,
            };
            if shortcut && truth(&value) == (name == "or") {
                return Ok(value);
            }
            arguments.push(value);
        }
        arguments.extend(piped);
        match funcs::call(name, &arguments) {
            Ok(value) => Ok(value),
            Err(funcs::Fault::Count(words)) => {
                let at = command.words.first().map_or(0, |w| w.at);
                self.fail(at, name, words)
            }
            Err(funcs::Fault::Calling(words)) => {
                let shown: Vec<&str> = command.words.iter().map(|w| w.shown.as_str()).collect();
                let at = command.words.first().map_or(0, |w| w.at);
                self.fail(at, &shown.join(" "), format_args!("error calling {name}: {words}"))
            }
        }
    }

    fn word(&mut self, word: &'a Word, dot: &Val<'a>) -> Result<Val<'a>, Error> {
        let value = match &word.kind {
            Kind::Dot => dot.clone(),
            Kind::Nil => Some(Cow::Owned(Value::Null)),
            Kind::Constant(value) => Some(Cow::Borrowed(value)),
            Kind::Variable(name) => {
                self.variables.iter().rev().find(|(n, _)| n == name).and_then(|(_, value)| value.clone())
            }
            Kind::Pipe(pipe) => {
                let visible = self.variables.len();
                let value = self.pipe(pipe, dot)?;
                self.variables.truncate(visible);
                value
            }
            Kind::Function(_) => None,
        };
        self.fields(value, word)
    }

    fn fields(&self, mut value: Val<'a>, word: &Word) -> Result<Val<'a>, Error> {
        for field in &word.fields {
            let Some(current) = value else {
                if self.template.allow_missing_keys {
                    return Ok(None);
                }
                return self.fail(word.at, &word.shown, format_args!("nil data; no entry for key \"{field}\""));
            };
            value = match current.as_ref() {
                Value::Object(_) => get(&current, field),
                Value::Null => {
                    let words = format_args!("nil pointer evaluating interface {{}}.{field}");
                    return self.fail(word.at, &word.shown, words);
                }
                _ => {
                    let words = format_args!("can't evaluate field {field} in type interface {{}}");
                    return self.fail(word.at, &word.shown, words);
                }
            };
            if value.is_none() && !self.template.allow_missing_keys {
                return self.fail(word.at, &word.shown, format_args!("map has no entry for key \"{field}\""));
            }
        }
        Ok(value)
    }
}
