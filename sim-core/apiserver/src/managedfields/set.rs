//! Sets of field paths, as `fieldsV1` writes them: a tree whose keys are `f:name`, `k:{"name":"web"}` and `v:"x"`.
//!
//! Models: structured-merge-diff `fieldpath`.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// The path that leads here is in the set itself, not only paths below it.
    member: bool,
    children: BTreeMap<String, Set>,
}

const DEPTH_MAX: usize = 100;

impl Set {
    pub fn is_empty(&self) -> bool {
        !self.member && self.children.is_empty()
    }

    pub fn insert(&mut self, path: &[String]) {
        let mut at = self;
        for step in path {
            at = at.children.entry(step.clone()).or_default();
        }
        at.member = true;
    }

    /// Whether the path or anything below it is in the set.
    pub fn touches(&self, path: &[String]) -> bool {
        let mut at = self;
        for step in path {
            let Some(next) = at.children.get(step) else { return false };
            at = next;
        }
        true
    }

    pub fn union(&mut self, other: &Self) {
        self.member |= other.member;
        for (step, theirs) in &other.children {
            self.children.entry(step.clone()).or_default().union(theirs);
        }
    }

    pub fn intersection(&self, other: &Self) -> Self {
        let mut out = Self { member: self.member && other.member, children: BTreeMap::new() };
        for (step, mine) in &self.children {
            if let Some(theirs) = other.children.get(step) {
                let both = mine.intersection(theirs);
                if !both.is_empty() {
                    out.children.insert(step.clone(), both);
                }
            }
        }
        out
    }

    pub fn difference(&self, other: &Self) -> Self {
        let mut out = Self { member: self.member && !other.member, children: BTreeMap::new() };
        for (step, mine) in &self.children {
            let left = other.children.get(step).map_or_else(|| mine.clone(), |theirs| mine.difference(theirs));
            if !left.is_empty() {
                out.children.insert(step.clone(), left);
            }
        }
        out
    }

    /// Takes away a path and everything below it.
    pub fn cut(&mut self, path: &[&str]) {
        let Some((step, rest)) = path.split_first() else { return };
        let Some(child) = self.children.get_mut(*step) else { return };
        if rest.is_empty() {
            self.children.remove(*step);
            return;
        }
        child.cut(rest);
        if child.is_empty() {
            self.children.remove(*step);
        }
    }

    /// Takes away a path, but not what is below it.
    pub fn cut_member(&mut self, step: &str) {
        if let Some(child) = self.children.get_mut(step) {
            child.member = false;
            if child.is_empty() {
                self.children.remove(step);
            }
        }
    }

    /// All paths: those that end at one level before those that go deeper.
    pub fn paths(&self) -> Vec<Vec<String>> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, at: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
        for (step, _) in self.children.iter().filter(|(_, c)| c.member) {
            let mut path = at.clone();
            path.push(step.clone());
            out.push(path);
        }
        for (step, child) in &self.children {
            at.push(step.clone());
            child.collect(at, out);
            at.pop();
        }
    }

    pub fn from_value(value: &Value) -> Self {
        Self::read(value, 0)
    }

    fn read(value: &Value, depth: usize) -> Self {
        let mut out = Self::default();
        let Value::Object(map) = value else { return out };
        if depth > DEPTH_MAX {
            return out;
        }
        for (step, below) in map {
            if step == "." {
                out.member = true;
                continue;
            }
            let mut child = Self::read(below, depth + 1);
            child.member |= child.children.is_empty();
            out.children.insert(step.clone(), child);
        }
        out
    }

    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (step, child) in &self.children {
            let mut below = child.to_value();
            if child.member && !child.children.is_empty() {
                below["."] = Value::Object(Map::new());
            }
            map.insert(step.clone(), below);
        }
        Value::Object(map)
    }
}

/// A path as conflicts show it: `.spec.containers[name="web"].image`.
pub fn display(path: &[String]) -> String {
    let mut out = String::new();
    for step in path {
        let (kind, rest) = step.split_at(2.min(step.len()));
        match kind {
            "f:" => {
                out.push('.');
                out.push_str(rest);
            }
            "k:" => {
                let key: Map<String, Value> = serde_json::from_str(rest).unwrap_or_default();
                let parts: Vec<String> = key.iter().map(|(k, v)| format!("{k}={v}")).collect();
                out.push_str(&format!("[{}]", parts.join(",")));
            }
            _ => out.push_str(&format!("[={rest}]")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_v1_round_trip() {
        let value = json!({"f:metadata": {"f:labels": {".": {}, "f:app": {}}}, "f:spec": {"f:replicas": {}}});
        let set = Set::from_value(&value);
        assert_eq!(set.to_value(), value);
        let paths: Vec<String> = set.paths().iter().map(|p| display(p)).collect();
        assert_eq!(paths, [".metadata.labels", ".metadata.labels.app", ".spec.replicas"]);
        let step = r#"k:{"containerPort":80,"protocol":"TCP"}"#.to_owned();
        assert_eq!(display(&["f:ports".into(), step]), r#".ports[containerPort=80,protocol="TCP"]"#);
    }
}
