//! Nodes run over data.

#![allow(clippy::ptr_arg)] // whether a value is borrowed decides whether its parts can be

use super::Error;
use super::parse::{Bound, Node};
use crate::json::{go_display, go_type};
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::cmp::Ordering;

/// Ranges within ranges.
const DEPTH_MAX: usize = 100;
/// Values looked at in one run; a cluster of 100,000 pods needs a few million.
const STEPS_MAX: usize = 20_000_000;

type Results<'a> = Vec<Cow<'a, Value>>;

#[derive(Default)]
struct Run {
    allow_missing_keys: bool,
    /// A `range` was met and its loop is not begun.
    begins: usize,
    depth: usize,
    ends: usize,
    /// Where the `end` last met stands.
    last_end: usize,
    steps: usize,
}

pub(super) fn run<'a>(nodes: &[Node], allow_missing_keys: bool, data: &'a Value) -> Result<Vec<Results<'a>>, Error> {
    let mut run = Run { allow_missing_keys, ..Run::default() };
    let mut out = Vec::new();
    run.block(nodes, 0, &Cow::Borrowed(data), &mut out)?;
    Ok(out)
}

fn fail<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error(message.into()))
}

/// A part of a value, borrowed from the data where the value is. What templates make themselves has no parts.
fn parts<'a>(value: &Cow<'a, Value>) -> Option<&'a Value> {
    match value {
        Cow::Borrowed(value) => Some(value),
        Cow::Owned(_) => None,
    }
}

/// What a wildcard finds in a value. Of a text: its bytes, as upstream has it.
fn children<'a>(value: &Cow<'a, Value>) -> Results<'a> {
    match parts(value) {
        Some(Value::Object(map)) => map.values().map(Cow::Borrowed).collect(),
        Some(Value::Array(items)) => items.iter().map(Cow::Borrowed).collect(),
        _ => match value.as_ref() {
            Value::String(text) => text.bytes().map(|b| Cow::Owned(Value::from(b))).collect(),
            _ => Vec::new(),
        },
    }
}

impl Run {
    fn step(&mut self, n: usize) -> Result<(), Error> {
        self.steps += n + 1;
        if self.steps > STEPS_MAX { fail("the template visits too many values") } else { Ok(()) }
    }

    /// Runs from node `start` to the `end` of the range it is in, or to the end of all.
    fn block<'a>(
        &mut self,
        nodes: &[Node],
        start: usize,
        data: &Cow<'a, Value>,
        out: &mut Vec<Results<'a>>,
    ) -> Result<(), Error> {
        if self.depth > DEPTH_MAX {
            return fail("ranges are nested too deeply");
        }
        let mut i = start;
        while i < nodes.len() {
            let results = self.walk(vec![data.clone()], &nodes[i])?;
            if self.ends > 0 && self.ends <= self.depth {
                self.ends -= 1;
                self.last_end = i;
                return Ok(());
            }
            if self.begins > 0 {
                self.begins -= 1;
                self.depth += 1;
                if results.is_empty() {
                    // Run over nothing, to find the end.
                    self.block(nodes, i + 1, &Cow::Owned(Value::Null), &mut Vec::new())?;
                }
                for value in &results {
                    self.block(nodes, i + 1, value, out)?;
                }
                self.depth -= 1;
                if self.last_end > i {
                    i = self.last_end;
                }
            } else {
                out.push(results);
            }
            i += 1;
        }
        Ok(())
    }

    fn list<'a>(&mut self, mut values: Results<'a>, nodes: &[Node]) -> Result<Results<'a>, Error> {
        for node in nodes {
            values = self.walk(values, node)?;
        }
        Ok(values)
    }

    fn walk<'a>(&mut self, input: Results<'a>, node: &Node) -> Result<Results<'a>, Error> {
        self.step(input.len())?;
        let constant = |value: Value| Ok(input.iter().map(|_| Cow::Owned(value.clone())).collect());
        match node {
            Node::List(nodes) => self.list(input, nodes),
            Node::Text(text) => Ok(vec![Cow::Owned(Value::String(text.clone()))]),
            Node::Int(n) => constant((*n).into()),
            Node::Float(f) => constant(Number::from_f64(*f).map_or(Value::Null, Value::Number)),
            Node::Bool(b) => constant((*b).into()),
            Node::Field(name) => self.field(&input, name),
            Node::Array(bounds) => array(&input, *bounds),
            Node::Filter { left, operator, right } => self.filter(&input, left, operator, right),
            Node::Wildcard => Ok(input.iter().flat_map(children).collect()),
            Node::Recursive => {
                let mut out = Vec::new();
                for value in &input {
                    self.recursive(value, &mut out)?;
                }
                Ok(out)
            }
            Node::Union(lists) => {
                let mut out = Vec::new();
                for nodes in lists {
                    out.extend(self.list(input.clone(), nodes)?);
                }
                Ok(out)
            }
            Node::Identifier(name) => match name.as_str() {
                "range" => {
                    self.begins += 1;
                    Ok(input)
                }
                "end" if self.depth > 0 => {
                    self.ends += 1;
                    Ok(Vec::new())
                }
                "end" => fail("not in range, nothing to end"),
                _ => fail(format!("unrecognized identifier {name}")),
            },
        }
    }

    fn field<'a>(&mut self, input: &[Cow<'a, Value>], name: &str) -> Result<Results<'a>, Error> {
        let found: Results<'a> =
            input.iter().filter_map(|value| parts(value)?.as_object()?.get(name)).map(Cow::Borrowed).collect();
        if found.is_empty() && !input.is_empty() && !self.allow_missing_keys {
            return fail(format!("{name} is not found"));
        }
        Ok(found)
    }

    /// A value and all below it, parents first. Depth is bounded by that of the data.
    fn recursive<'a>(&mut self, value: &Cow<'a, Value>, out: &mut Results<'a>) -> Result<(), Error> {
        self.step(0)?;
        match value.as_ref() {
            Value::Object(_) | Value::Array(_) => {
                let below = children(value);
                if !below.is_empty() {
                    out.push(value.clone());
                    below.iter().try_for_each(|child| self.recursive(child, out))?;
                }
            }
            Value::String(text) if !text.is_empty() => out.push(value.clone()),
            _ => {}
        }
        Ok(())
    }

    fn filter<'a>(
        &mut self,
        input: &[Cow<'a, Value>],
        left: &[Node],
        operator: &str,
        right: &[Node],
    ) -> Result<Results<'a>, Error> {
        let mut out = Vec::new();
        for value in input {
            let Some(Value::Array(items)) = parts(value) else {
                return fail(format!("{} is not array or slice and cannot be filtered", go_display(value)));
            };
            for item in items {
                let item = Cow::Borrowed(item);
                let lefts = self.list(vec![item.clone()], left);
                if operator == "exists" {
                    if lefts.is_ok_and(|found| !found.is_empty()) {
                        out.push(item);
                    }
                    continue;
                }
                let Some(a) = single(lefts?)? else { continue };
                let Some(b) = single(self.list(vec![item.clone()], right)?)? else { continue };
                if compare(&a, operator, &b)? {
                    out.push(item);
                }
            }
        }
        Ok(out)
    }
}

/// The one result there is, if any.
fn single(mut results: Results<'_>) -> Result<Option<Cow<'_, Value>>, Error> {
    if results.len() > 1 { fail("can only compare one element at a time") } else { Ok(results.pop()) }
}

fn array<'a>(input: &[Cow<'a, Value>], bounds: [Bound; 3]) -> Result<Results<'a>, Error> {
    let mut out = Vec::new();
    for value in input.iter().filter(|v| !v.is_null()) {
        let Some(Value::Array(items)) = parts(value) else {
            return fail(format!("{} is not array or slice", go_type(value)));
        };
        let length = items.len() as i64;
        let [start, end, step] = bounds;
        let mut from = start.value.unwrap_or(0);
        if from < 0 {
            from += length;
        }
        let mut to = end.value.unwrap_or(length);
        if to < 0 || (to == 0 && end.derived) {
            to += length;
        }
        if from == to {
            return Ok(out);
        }
        if !(0..length).contains(&from) {
            return fail(format!("array index out of bounds: index {from}, length {length}"));
        }
        if !(0..=length).contains(&to) {
            return fail(format!("array index out of bounds: index {}, length {length}", to - 1));
        }
        if from > to {
            return fail(format!("starting index {from} is greater than ending index {to}"));
        }
        let step = match step.value {
            Some(..=0) => return fail("step must be > 0"),
            step => step.unwrap_or(1) as usize,
        };
        out.extend(items[from as usize..to as usize].iter().step_by(step).map(Cow::Borrowed));
    }
    Ok(out)
}

/// Compares as Go's templates do: only values of one basic type.
fn compare(a: &Value, operator: &str, b: &Value) -> Result<bool, Error> {
    let known = matches!(operator, "<" | ">" | "==" | "!=" | "<=" | ">=");
    if !known {
        return fail(format!("unrecognized filter operator {operator}"));
    }
    let ordering = match (a, b) {
        (Value::Bool(a), Value::Bool(b)) if matches!(operator, "==" | "!=") => Some(a.cmp(b)),
        (Value::Bool(_), Value::Bool(_)) => None,
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Number(x), Value::Number(y)) if x.is_f64() == y.is_f64() => match (x.as_i64(), y.as_i64()) {
            (Some(x), Some(y)) => Some(x.cmp(&y)),
            _ => x.as_f64().partial_cmp(&y.as_f64()),
        },
        (Value::Null | Value::Array(_) | Value::Object(_), _)
        | (_, Value::Null | Value::Array(_) | Value::Object(_)) => None,
        _ => return fail("incompatible types for comparison"),
    };
    let Some(ordering) = ordering else { return fail("invalid type for comparison") };
    Ok(match operator {
        "<" => ordering == Ordering::Less,
        ">" => ordering == Ordering::Greater,
        "==" => ordering == Ordering::Equal,
        "!=" => ordering != Ordering::Equal,
        "<=" => ordering != Ordering::Greater,
        _ => ordering != Ordering::Less,
    })
}
