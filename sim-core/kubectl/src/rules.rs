//! RBAC rules broken down to single resources and put together again by verbs, as tables of rules show them.
//!
//! Models: component-helpers `auth/rbac/validation` and kubectl `util/rbac`.

use crate::json::list;
use apimachinery::order::Order as _;
use serde_json::Value;

/// One row: what may be done to what.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub verbs: Vec<String>,
    pub groups: Vec<String>,
    pub resources: Vec<String>,
    pub names: Vec<String>,
    pub urls: Vec<String>,
}

/// The rows of a role's rules, sorted.
pub fn compact<'a>(rules: impl Iterator<Item = &'a Value>) -> Vec<Rule> {
    let mut out: Vec<Rule> = Vec::new();
    for rule in rules.flat_map(break_down) {
        let simple = rule.urls.is_empty() && rule.resources.len() == 1;
        let same = |r: &&mut Rule| {
            r.groups == rule.groups && r.resources == rule.resources && r.names == rule.names && r.urls.is_empty()
        };
        match out.iter_mut().find(same) {
            Some(r) if simple => {
                for verb in rule.verbs {
                    if !r.verbs.contains(&verb) {
                        r.verbs.push(verb);
                    }
                }
            }
            _ => out.push(rule),
        }
    }
    out.order_by_key(|r| {
        format!("{:?}{:?}{:?}{:?}{:?}", Go(&r.verbs), Go(&r.groups), Go(&r.resources), Go(&r.names), Go(&r.urls))
    });
    out
}

struct Go<'a>(&'a [String]);

impl core::fmt::Debug for Go<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "[{}],", self.0.join(" "))
    }
}

fn break_down(rule: &Value) -> Vec<Rule> {
    let words =
        |key: &str| -> Vec<String> { list(rule, key).iter().filter_map(Value::as_str).map(Into::into).collect() };
    let (verbs, groups, resources) = (words("/verbs"), words("/apiGroups"), words("/resources"));
    let (names, urls) = (words("/resourceNames"), words("/nonResourceURLs"));
    let empty = Rule { verbs: vec![], groups: vec![], resources: vec![], names: vec![], urls: vec![] };
    let mut out = Vec::new();
    for group in &groups {
        for resource in &resources {
            for verb in &verbs {
                let one = Rule {
                    verbs: vec![verb.clone()],
                    groups: vec![group.clone()],
                    resources: vec![resource.clone()],
                    ..empty.clone()
                };
                if names.is_empty() {
                    out.push(one);
                } else {
                    out.extend(names.iter().map(|n| Rule { names: vec![n.clone()], ..one.clone() }));
                }
            }
        }
    }
    for url in &urls {
        out.extend(verbs.iter().map(|v| Rule { verbs: vec![v.clone()], urls: vec![url.clone()], ..empty.clone() }));
    }
    out
}

impl Rule {
    /// Cells: resources, URLs, names, verbs.
    pub fn cells(&self) -> [String; 4] {
        let go = |items: &[String]| format!("[{}]", items.join(" "));
        [self.combined(), go(&self.urls), go(&self.names), go(&self.verbs)]
    }

    /// `deployments.apps/scale`.
    fn combined(&self) -> String {
        let Some(resource) = self.resources.first() else { return String::new() };
        let group = match self.groups.first() {
            Some(g) if !g.is_empty() => format!(".{g}"),
            _ => String::new(),
        };
        match resource.split_once('/') {
            Some((r, sub)) => format!("{r}{group}/{sub}"),
            None => format!("{resource}{group}"),
        }
    }
}
