//! Revisions of Deployments, StatefulSets and DaemonSets.
//!
//! Models: kubectl `polymorphichelpers/history.go` and `util/deployment`.

use crate::error::Error;
use crate::json::{annotation, at, int, list, name, namespace, remove, text};
use crate::session::Kube;
use apimachinery::order::Order as _;
use serde_json::Value;

pub const REVISION: &str = "deployment.kubernetes.io/revision";
pub const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";

fn owned(object: &Value, owner: &Value) -> bool {
    let uid = text(owner, "/metadata/uid");
    list(object, "/metadata/ownerReferences").iter().any(|o| text(o, "/uid") == uid)
}

/// The replica sets of a deployment, oldest first.
pub fn replica_sets(k: &mut Kube<'_, '_>, deployment: &Value) -> Result<Vec<Value>, Error> {
    let path = format!("/apis/apps/v1/namespaces/{}/replicasets", namespace(deployment));
    let labels = crate::pod_spec::selector_text(deployment);
    let mut sets = k.list_of(&path, &[("labelSelector", &labels)])?;
    sets.retain(|s| owned(s, deployment));
    sets.order_by(|a, b| {
        let key = |s: &Value| (text(s, "/metadata/creationTimestamp").to_owned(), name(s).to_owned());
        key(a).cmp(&key(b))
    });
    Ok(sets)
}

/// The replica set with the deployment's own template.
pub fn new_replica_set<'a>(deployment: &Value, sets: &'a [Value]) -> Option<&'a Value> {
    let wanted = template_key(at(deployment, "/spec/template"));
    sets.iter().find(|s| template_key(at(s, "/spec/template")) == wanted)
}

fn template_key(template: &Value) -> Value {
    let mut t = template.clone();
    remove(&mut t, "/metadata/labels/pod-template-hash");
    remove(&mut t, "/metadata/creationTimestamp");
    t
}

pub fn revision_of(set: &Value) -> i64 {
    annotation(set, REVISION).and_then(|r| r.parse().ok()).unwrap_or(0)
}

/// The controller revisions of a stateful set or daemon set, by number.
pub fn controller_revisions(k: &mut Kube<'_, '_>, owner: &Value) -> Result<Vec<Value>, Error> {
    let path = format!("/apis/apps/v1/namespaces/{}/controllerrevisions", namespace(owner));
    let labels = crate::pod_spec::selector_text(owner);
    let mut all = k.list_of(&path, &[("labelSelector", &labels)])?;
    all.retain(|r| owned(r, owner));
    all.order_by_key(|r| int(r, "/revision"));
    Ok(all)
}
