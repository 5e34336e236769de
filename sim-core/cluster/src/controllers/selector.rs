//! Which selectors select an object: an index, so that a change of one pod need not ask every service.
//!
//! Models: the label indexes that upstream does without; the outcome is that of asking every selector in turn.
//! Invariant: a selector with an equality stands under its first equality, so a look-up costs the number of labels.

use apimachinery::labels::{Operator, Requirement, Selector};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The selector of a typed `metav1.LabelSelector`; what cannot be read selects nothing.
pub fn selector(object: &LabelSelector) -> Selector {
    let mut out = object.match_labels.as_ref().map(Selector::from_map).unwrap_or_default();
    for e in object.match_expressions.iter().flatten() {
        let operator = match e.operator.as_str() {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            _ => return Selector::nothing(),
        };
        out.require(Requirement { key: e.key.clone(), operator, values: e.values.clone().unwrap_or_default() });
    }
    out
}

type Labels = BTreeMap<String, String>;
type Entries<K> = BTreeMap<K, Selector>;

#[derive(Clone)]
struct Space<K> {
    by_pair: BTreeMap<String, BTreeMap<String, Entries<K>>>,
    rest: Entries<K>,
}

impl<K> Default for Space<K> {
    fn default() -> Self {
        Self { by_pair: BTreeMap::new(), rest: BTreeMap::new() }
    }
}

/// Selectors by namespace, found by the labels they select.
#[derive(Clone)]
pub struct SelectorIndex<K> {
    spaces: BTreeMap<Arc<str>, Space<K>>,
}

impl<K> Default for SelectorIndex<K> {
    fn default() -> Self {
        Self { spaces: BTreeMap::new() }
    }
}

fn first_pair(selector: &Selector) -> Option<(&str, &str)> {
    selector.requirements().iter().find_map(|r| match (r.operator, r.values.as_slice()) {
        (Operator::Equals | Operator::DoubleEquals | Operator::In, [one]) => Some((r.key.as_str(), one.as_str())),
        _ => None,
    })
}

impl<K: Ord + Clone> SelectorIndex<K> {
    pub fn insert(&mut self, namespace: &str, id: K, selector: Selector) {
        let space = self.spaces.entry(namespace.into()).or_default();
        let entries = match first_pair(&selector) {
            Some((key, value)) => space.by_pair.entry(key.to_owned()).or_default().entry(value.to_owned()).or_default(),
            None => &mut space.rest,
        };
        entries.insert(id, selector);
    }

    /// Takes out what was put in with this very selector.
    pub fn remove(&mut self, namespace: &str, id: &K, selector: &Selector) {
        let Some(space) = self.spaces.get_mut(namespace) else { return };
        match first_pair(selector) {
            None => {
                space.rest.remove(id);
            }
            Some((key, value)) => {
                let Some(values) = space.by_pair.get_mut(key) else { return };
                if let Some(entries) = values.get_mut(value) {
                    entries.remove(id);
                    if entries.is_empty() {
                        values.remove(value);
                    }
                }
                if values.is_empty() {
                    space.by_pair.remove(key);
                }
            }
        }
    }

    /// Hands every selector that matches `labels` to `found`.
    pub fn matching(&self, namespace: &str, labels: Option<&Labels>, mut found: impl FnMut(&K)) {
        let Some(space) = self.spaces.get(namespace) else { return };
        for (key, value) in labels.into_iter().flatten() {
            let Some(entries) = space.by_pair.get(key).and_then(|values| values.get(value)) else { continue };
            entries.iter().filter(|(_, s)| s.matches(&labels)).for_each(|(id, _)| found(id));
        }
        space.rest.iter().filter(|(_, s)| s.matches(&labels)).for_each(|(id, _)| found(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Labels {
        text.split(',').filter_map(|p| p.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    }

    #[test]
    fn finds_what_asking_every_selector_would_find() {
        let texts = ["a=1", "a=1,b=2", "b=2", "a in (1,3)", "!a", "a!=1", "c", "a in (1)", ""];
        let mut index = SelectorIndex::default();
        for (i, text) in texts.iter().enumerate() {
            index.insert("ns", i, Selector::parse(text).unwrap_or_default());
        }
        for set in ["", "a=1", "a=1,b=2", "a=3", "b=2,c=x", "a=2,c=1"] {
            let set = labels(set);
            let check = |index: &SelectorIndex<usize>, except: Option<usize>| {
                let mut got = Vec::new();
                index.matching("ns", Some(&set), |i| got.push(*i));
                got.sort_unstable();
                let all = texts.iter().enumerate().filter(|(i, _)| Some(*i) != except);
                let want: Vec<usize> =
                    all.filter(|(_, t)| Selector::parse(t).unwrap_or_default().matches(&set)).map(|(i, _)| i).collect();
                assert_eq!(got, want, "{set:?}");
            };
            check(&index, None);
            for (i, text) in texts.iter().enumerate() {
                let mut without = index.clone();
                without.remove("ns", &i, &Selector::parse(text).unwrap_or_default());
                check(&without, Some(i));
            }
        }
    }
}
