//! What the server serves: resources by name, short name, kind and category, and the paths they live at.
//!
//! Models: client-go `discovery` and `restmapper`.

use crate::error::{ApiError, Error};
use crate::json::{at, boolean, list, text};
use crate::session::Kube;
use apimachinery::http::Request;
use serde_json::Value;
use std::sync::Arc;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// One resource of one version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub singular: String,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub namespaced: bool,
    pub verbs: Vec<String>,
}

pub type Mapping = Arc<Resource>;

impl Resource {
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `deployments.apps`.
    pub fn group_resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `deployment.apps`: how printed lines call an object.
    pub fn group_kind(&self) -> String {
        let kind = self.kind.to_lowercase();
        if self.group.is_empty() { kind } else { format!("{kind}.{}", self.group) }
    }

    /// Path of the collection, in a namespace or (empty) in all.
    pub fn path(&self, namespace: &str) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        if self.namespaced && !namespace.is_empty() {
            format!("{root}/namespaces/{namespace}/{}", self.plural)
        } else {
            format!("{root}/{}", self.plural)
        }
    }

    pub fn object_path(&self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.path(namespace))
    }

    pub fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|v| v == verb)
    }
}

#[derive(Clone, Default)]
pub struct Discovery {
    /// In the server's order: groups, in each its preferred version first.
    pub resources: Vec<Mapping>,
    /// Group versions served, in order.
    pub versions: Vec<(String, String)>,
}

impl Discovery {
    /// `pods`, `po`, `deploy.apps`, `deployments.v1.apps`, `Pod`.
    pub fn find(&self, word: &str) -> Option<Mapping> {
        let word = word.to_lowercase();
        if let Some((resource, rest)) = word.split_once('.') {
            if let Some((version, group)) = rest.split_once('.') {
                let exact = |r: &&Mapping| r.version == version && r.group == group && names(r, resource);
                if let Some(r) = self.resources.iter().find(exact) {
                    return Some(r.clone());
                }
            }
            if let Some(r) = self.resources.iter().find(|r| r.group == rest && names(r, resource)) {
                return Some(r.clone());
            }
            if let Some(r) =
                self.resources.iter().find(|r| r.group.is_empty() && r.version == rest && names(r, resource))
            {
                return Some(r.clone());
            }
            return self.resources.iter().find(|r| r.group.starts_with(rest) && names(r, resource)).cloned();
        }
        self.resources
            .iter()
            .find(|r| r.plural == word || r.singular == word)
            .or_else(|| self.resources.iter().find(|r| names(r, &word)))
            .cloned()
    }

    pub fn for_kind(&self, api_version: &str, kind: &str) -> Option<Mapping> {
        self.resources.iter().find(|r| r.kind == kind && r.api_version() == api_version).cloned()
    }

    /// A kind of a group in its preferred version.
    pub fn for_group_kind(&self, group: &str, kind: &str) -> Option<Mapping> {
        self.resources.iter().find(|r| r.kind == kind && r.group == group).cloned()
    }

    /// Members of a category (`all`), each resource once.
    pub fn category(&self, name: &str) -> Vec<Mapping> {
        let mut out: Vec<Mapping> = Vec::new();
        for r in self.resources.iter().filter(|r| r.categories.iter().any(|c| c == name)) {
            if !out.iter().any(|o| o.group == r.group && o.plural == r.plural) {
                out.push(r.clone());
            }
        }
        out
    }
}

fn names(r: &Resource, word: &str) -> bool {
    r.plural == word || r.singular == word || r.short_names.iter().any(|s| s == word) || r.kind.to_lowercase() == word
}

impl Kube<'_, '_> {
    pub fn discovery(&mut self) -> Result<&Discovery, Error> {
        if self.s.discovery.is_none() {
            let found = self.discover()?;
            self.s.discovery = Some(found);
        }
        Ok(self.s.discovery.as_ref().expect("found above"))
    }

    fn discover(&mut self) -> Result<Discovery, Error> {
        let mut out = Discovery::default();
        for root in ["/api", "/apis"] {
            let answer = self.json(Request::get(root).header("accept", AGGREGATED))?;
            if text(&answer, "/kind") == "APIGroupDiscoveryList" {
                aggregated(&answer, &mut out);
                continue;
            }
            let mut versions: Vec<String> = Vec::new();
            if root == "/api" {
                versions.extend(list(&answer, "/versions").iter().filter_map(Value::as_str).map(Into::into));
            } else {
                for group in list(&answer, "/groups") {
                    let preferred = text(group, "/preferredVersion/groupVersion");
                    versions.push(preferred.to_owned());
                    let others = list(group, "/versions").iter().map(|v| text(v, "/groupVersion"));
                    versions.extend(others.filter(|v| *v != preferred).map(Into::into));
                }
            }
            for version in versions {
                let found = self.get(&format!("{root}/{version}"))?;
                let (group, version) = split_version(&version);
                out.versions.push((group.into(), version.into()));
                for r in list(&found, "/resources").iter().filter(|r| !text(r, "/name").contains('/')) {
                    out.resources.push(Arc::new(one(r, group, version)));
                }
            }
        }
        Ok(out)
    }

    /// The resource that `word` names.
    pub fn mapping(&mut self, word: &str) -> Result<Mapping, Error> {
        match self.discovery()?.find(word) {
            Some(m) => Ok(m),
            None => {
                let resource = word.split('.').next().unwrap_or(word);
                Err(Error::Plain(format!("the server doesn't have a resource type \"{resource}\"")))
            }
        }
    }

    /// The resource of an object.
    pub fn mapping_of(&mut self, object: &Value) -> Result<Mapping, Error> {
        let (api_version, kind) = (text(object, "/apiVersion").to_owned(), text(object, "/kind").to_owned());
        self.discovery()?.for_kind(&api_version, &kind).ok_or_else(|| no_match(&api_version, &kind))
    }
}

pub fn no_match(api_version: &str, kind: &str) -> Error {
    Error::Plain(format!("no matches for kind \"{kind}\" in version \"{api_version}\""))
}

/// `apps/v1` as group and version.
pub fn split_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

fn words(v: &Value, pointer: &str) -> Vec<String> {
    list(v, pointer).iter().filter_map(Value::as_str).map(Into::into).collect()
}

fn one(r: &Value, group: &str, version: &str) -> Resource {
    let kind = text(r, "/kind").to_owned();
    let singular = text(r, "/singularName");
    Resource {
        group: group.into(),
        version: version.into(),
        plural: text(r, "/name").to_owned(),
        singular: if singular.is_empty() { kind.to_lowercase() } else { singular.into() },
        kind,
        short_names: words(r, "/shortNames"),
        categories: words(r, "/categories"),
        namespaced: boolean(r, "/namespaced"),
        verbs: words(r, "/verbs"),
    }
}

fn aggregated(answer: &Value, out: &mut Discovery) {
    for group in list(answer, "/items") {
        let name = text(group, "/metadata/name");
        for v in list(group, "/versions") {
            let version = text(v, "/version");
            out.versions.push((name.into(), version.into()));
            for r in list(v, "/resources").iter().filter(|r| !at(r, "/responseKind").is_null()) {
                let kind = text(r, "/responseKind/kind").to_owned();
                let singular = text(r, "/singularResource");
                out.resources.push(Arc::new(Resource {
                    group: name.into(),
                    version: version.into(),
                    plural: text(r, "/resource").to_owned(),
                    singular: if singular.is_empty() { kind.to_lowercase() } else { singular.into() },
                    kind,
                    short_names: words(r, "/shortNames"),
                    categories: words(r, "/categories"),
                    namespaced: text(r, "/scope") == "Namespaced",
                    verbs: words(r, "/verbs"),
                }));
            }
        }
    }
}

/// The `NotFound` that a client makes up without asking.
pub fn not_found(mapping: &Resource, name: &str) -> Error {
    let message = format!("{} \"{name}\" not found", mapping.group_resource());
    Error::Api(Box::new(ApiError { code: 404, reason: "NotFound".into(), message, details: Value::Null }))
}
