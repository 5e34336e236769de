//! Role-based access: which rules hold for a user, and what a rule allows.
//!
//! Roles and bindings are looked up by name in the registry, so that this works from the moment their kinds exist. The
//! few rules of a fresh cluster that everybody needs are written here until the cluster itself brings them.
//!
//! Models: `plugin/pkg/auth/authorizer/rbac`, `bootstrappolicy`.

use super::auth::{Attributes, User};
use crate::ApiServer;
use crate::object::Object;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject};
use serde_json::{Value, json};

const GROUP: &str = "rbac.authorization.k8s.io";

/// The rules that hold for a user, and what went wrong while they were looked up.
#[derive(Default)]
pub(super) struct Rules {
    rules: Vec<PolicyRule>,
    errors: Vec<String>,
}

/// Everything that `user` may, cluster-wide and (if given) in a namespace.
pub(super) fn rules_for(server: &ApiServer, user: &User, namespace: &str) -> Rules {
    let mut out = Rules::default();
    bootstrap(server, user, &mut out.rules);
    for binding in all::<ClusterRoleBinding>(server, "ClusterRoleBinding", None) {
        if applies(user, binding.subjects.as_deref(), "") {
            out.add(server, &binding.role_ref, "");
        }
    }
    if !namespace.is_empty() {
        for binding in all::<RoleBinding>(server, "RoleBinding", Some(namespace)) {
            if applies(user, binding.subjects.as_deref(), namespace) {
                out.add(server, &binding.role_ref, namespace);
            }
        }
    }
    out
}

/// All objects of a kind that may not be registered.
fn all<'s, T: Object>(server: &'s ApiServer, kind: &str, namespace: Option<&str>) -> Vec<&'s T> {
    let found = server.kinds().find(|(_, k)| k.info().kind == kind && k.info().group == GROUP);
    let Some((id, _)) = found else { return Vec::new() };
    server.storage.list(id, namespace).filter_map(|o| o.as_any().downcast_ref()).collect()
}

fn one<'s, T: Object>(server: &'s ApiServer, kind: &str, namespace: &str, name: &str) -> Option<&'s T> {
    let (id, _) = server.kinds().find(|(_, k)| k.info().kind == kind && k.info().group == GROUP)?;
    server.storage.get(id, namespace, name)?.as_any().downcast_ref()
}

impl Rules {
    fn add(&mut self, server: &ApiServer, role: &RoleRef, namespace: &str) {
        let rules = match role.kind.as_str() {
            "ClusterRole" => one::<ClusterRole>(server, "ClusterRole", "", &role.name).map(|r| &r.rules),
            _ => one::<Role>(server, "Role", namespace, &role.name).map(|r| &r.rules),
        };
        match rules {
            Some(rules) => self.rules.extend(rules.iter().flatten().cloned()),
            None => {
                let kind = role.kind.to_lowercase();
                self.errors.push(format!("{kind}.{GROUP} \"{}\" not found", role.name));
            }
        }
    }

    pub(super) fn allow(&self, wanted: &Attributes<'_>) -> bool {
        self.rules.iter().any(|rule| allows(rule, wanted))
    }

    pub(super) fn allow_path(&self, verb: &str, path: &str) -> bool {
        self.rules.iter().any(|rule| {
            has(Some(&rule.verbs), verb)
                && rule
                    .non_resource_urls
                    .iter()
                    .flatten()
                    .any(|url| url == path || url.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix)))
        })
    }

    /// Why nothing was found, in the words that follow a refusal; empty if there is nothing to say.
    pub(super) fn reason(&self) -> String {
        match self.errors.as_slice() {
            [] => String::new(),
            [one] => format!(": RBAC: {one}"),
            many => format!(": RBAC: [{}]", many.join(", ")),
        }
    }

    /// The status of a SelfSubjectRulesReview.
    pub(super) fn to_status(&self) -> Value {
        let (mut resources, mut paths) = (Vec::new(), Vec::new());
        for rule in &self.rules {
            if rule.resources.as_ref().is_some_and(|r| !r.is_empty()) {
                let mut out = json!({"verbs": rule.verbs, "apiGroups": rule.api_groups, "resources": rule.resources});
                if let Some(names) = &rule.resource_names {
                    out["resourceNames"] = names.clone().into();
                }
                resources.push(out);
            }
            if let Some(urls) = &rule.non_resource_urls {
                paths.push(json!({"verbs": rule.verbs, "nonResourceURLs": urls}));
            }
        }
        let mut out = json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false});
        if !self.errors.is_empty() {
            out["evaluationError"] = self.errors.join(", ").into();
        }
        out
    }
}

fn has(list: Option<&Vec<String>>, wanted: &str) -> bool {
    list.into_iter().flatten().any(|item| item == "*" || item == wanted)
}

fn allows(rule: &PolicyRule, wanted: &Attributes<'_>) -> bool {
    let resource = if wanted.subresource.is_empty() {
        wanted.resource.to_owned()
    } else {
        format!("{}/{}", wanted.resource, wanted.subresource)
    };
    let any_of = format!("*/{}", wanted.subresource);
    let resource_matches = rule
        .resources
        .iter()
        .flatten()
        .any(|r| r == "*" || *r == resource || (!wanted.subresource.is_empty() && *r == any_of));
    let names = rule.resource_names.as_deref().unwrap_or_default();
    has(Some(&rule.verbs), wanted.verb)
        && has(rule.api_groups.as_ref(), wanted.group)
        && resource_matches
        && (names.is_empty() || names.iter().any(|n| n == wanted.name))
}

fn applies(user: &User, subjects: Option<&[Subject]>, namespace: &str) -> bool {
    subjects.unwrap_or_default().iter().any(|s| match s.kind.as_str() {
        "User" => s.name == user.name,
        "Group" => user.groups.contains(&s.name),
        "ServiceAccount" => {
            let of = s.namespace.as_deref().filter(|n| !n.is_empty()).unwrap_or(namespace);
            !of.is_empty() && user.name == format!("system:serviceaccount:{of}:{}", s.name)
        }
        _ => false,
    })
}

/// What a fresh cluster's bindings give: everything to masters, questions about oneself and discovery to everybody known,
/// health and version to all.
fn bootstrap(server: &ApiServer, user: &User, out: &mut Vec<PolicyRule>) {
    const INFO: [&str; 5] = ["/healthz", "/livez", "/readyz", "/version", "/version/"];
    const DISCOVERY: [&str; 6] = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"];
    const ISSUER: [&str; 4] = [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/",
        "/openid/v1/jwks",
        "/openid/v1/jwks/",
    ];
    let words = |list: &[&str]| Some(list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
    let urls = |list: &[&str]| PolicyRule {
        verbs: vec!["get".into()],
        non_resource_urls: words(list),
        ..PolicyRule::default()
    };
    let member = |group: &str| user.groups.iter().any(|g| g == group);
    if member("system:masters") {
        let all = || words(&["*"]);
        let verbs = vec!["*".to_owned()];
        out.push(PolicyRule { verbs: verbs.clone(), api_groups: all(), resources: all(), ..PolicyRule::default() });
        out.push(PolicyRule { verbs, non_resource_urls: all(), ..PolicyRule::default() });
    }
    if one::<ClusterRoleBinding>(server, "ClusterRoleBinding", "", "system:basic-user").is_some() {
        // The cluster brings its own.
        return;
    }
    if member("system:authenticated") {
        for (group, resources) in [
            ("authentication.k8s.io", &["selfsubjectreviews"][..]),
            ("authorization.k8s.io", &["selfsubjectaccessreviews", "selfsubjectrulesreviews"][..]),
        ] {
            out.push(PolicyRule {
                verbs: vec!["create".into()],
                api_groups: words(&[group]),
                resources: words(resources),
                ..PolicyRule::default()
            });
        }
        out.push(urls(&[&DISCOVERY[..], &INFO[..]].concat()));
    }
    out.push(urls(&INFO));
    if member("system:serviceaccounts") {
        out.push(urls(&ISSUER));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: [&[&str]; 4], wanted: [&str; 5], expected: bool) {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let rule = PolicyRule {
            verbs: words(rule[0]),
            api_groups: Some(words(rule[1])),
            resources: Some(words(rule[2])),
            resource_names: Some(words(rule[3])),
            non_resource_urls: None,
        };
        let [verb, group, resource, subresource, name] = wanted;
        let wanted = Attributes { verb, group, resource, subresource, name, namespace: "default" };
        assert_eq!(allows(&rule, &wanted), expected, "{wanted:?}");
    }

    #[test]
    fn rules_allow_what_they_name() {
        let reader: [&[&str]; 4] = [&["get", "list"], &[""], &["pods"], &[]];
        check(reader, ["get", "", "pods", "", "web"], true);
        check(reader, ["delete", "", "pods", "", "web"], false);
        check(reader, ["get", "", "pods", "log", "web"], false);
        check(reader, ["get", "apps", "pods", "", "web"], false);
        let logs: [&[&str]; 4] = [&["*"], &["*"], &["*/log"], &["web"]];
        check(logs, ["get", "", "pods", "log", "web"], true);
        check(logs, ["get", "", "pods", "log", "db"], false);
        check([&["*"], &["*"], &["*"], &[]], ["patch", "apps", "deployments", "scale", "x"], true);
    }
}
