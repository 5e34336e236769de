//! How many pods a rollout may have and may lack, and how sets are ordered and share what is to be added.
//!
//! Models: `pkg/controller/deployment/util`. Pure.

use super::super::meta::{annotation, name_of};
use k8s_openapi::api::apps::v1::{DeploymentSpec, ReplicaSet, RollingUpdateDeployment};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::cmp::Ordering;

pub const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub const MAX: &str = "deployment.kubernetes.io/max-replicas";

pub fn wanted(spec: &DeploymentSpec) -> i32 {
    spec.replicas.unwrap_or(1)
}

pub fn replicas(set: &ReplicaSet) -> i32 {
    set.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1)
}

pub fn recreates(spec: &DeploymentSpec) -> bool {
    spec.strategy.as_ref().and_then(|s| s.type_.as_deref()) == Some("Recreate")
}

fn rolling(spec: &DeploymentSpec) -> Option<&RollingUpdateDeployment> {
    spec.strategy.as_ref()?.rolling_update.as_ref()
}

/// Surge and unavailability in pods. Never both zero: then nothing could move.
fn fenceposts(spec: &DeploymentSpec) -> (i32, i32) {
    let of = |value: Option<&IntOrString>, up: bool| value.map_or(0, |v| scaled(v, wanted(spec), up));
    let surge = of(rolling(spec).and_then(|r| r.max_surge.as_ref()), true);
    let unavailable = of(rolling(spec).and_then(|r| r.max_unavailable.as_ref()), false);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

/// A number as it is; a percentage of `total`, rounded up or down.
pub fn scaled(value: &IntOrString, total: i32, up: bool) -> i32 {
    match value {
        IntOrString::Int(n) => *n,
        IntOrString::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            let product = percent.saturating_mul(i64::from(total));
            let whole = product.div_euclid(100) + i64::from(up && product.rem_euclid(100) != 0);
            i32::try_from(whole).unwrap_or(i32::MAX)
        }
    }
}

pub fn max_surge(spec: &DeploymentSpec) -> i32 {
    if recreates(spec) { 0 } else { fenceposts(spec).0 }
}

pub fn max_unavailable(spec: &DeploymentSpec) -> i32 {
    if recreates(spec) || wanted(spec) == 0 { 0 } else { fenceposts(spec).1.min(wanted(spec)) }
}

/// How large the new set may be, with `total` replicas in all sets and `own` in the new one.
pub fn new_set_size(spec: &DeploymentSpec, total: i32, own: i32) -> i32 {
    if recreates(spec) {
        return wanted(spec);
    }
    let surge = rolling(spec).and_then(|r| r.max_surge.as_ref()).map_or(0, |v| scaled(v, wanted(spec), true));
    let room = wanted(spec) + surge - total;
    if room <= 0 { own } else { own + room.min(wanted(spec) - own) }
}

pub fn by_age(a: &ReplicaSet, b: &ReplicaSet) -> Ordering {
    let key = |s: &ReplicaSet| s.metadata.creation_timestamp.as_ref().map(|t| t.0);
    key(a).cmp(&key(b)).then_with(|| name_of(&a.metadata).cmp(name_of(&b.metadata)))
}

/// A count kept in an annotation; `None` if it is missing or no count.
pub fn noted(set: &ReplicaSet, key: &str) -> Option<i32> {
    annotation(&set.metadata, key)?.parse().ok().filter(|n| *n >= 0)
}

/// This set's share of the `to_add` replicas (negative: to remove) of which `added` have been given out.
pub fn share(set: &ReplicaSet, spec: &DeploymentSpec, status_replicas: i32, to_add: i32, added: i32) -> i32 {
    if replicas(set) == 0 || to_add == 0 || to_add == added {
        return 0;
    }
    let fraction = fraction(set, spec, status_replicas);
    let allowed = to_add - added;
    if to_add > 0 { fraction.min(allowed) } else { fraction.max(allowed) }
}

fn fraction(set: &ReplicaSet, spec: &DeploymentSpec, status_replicas: i32) -> i32 {
    if wanted(spec) == 0 {
        return -replicas(set);
    }
    let before = noted(set, MAX).filter(|n| *n != 0).unwrap_or(status_replicas);
    if before == 0 {
        return 0;
    }
    let size = f64::from(replicas(set)) * f64::from(wanted(spec) + max_surge(spec)) / f64::from(before);
    // Rounded half away from zero; sizes are small enough for the cast.
    size.round() as i32 - replicas(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::apps::v1::DeploymentStrategy;

    fn spec(wanted: i32, surge: &str, unavailable: &str) -> DeploymentSpec {
        let value = |text: &str| match text.parse() {
            Ok(n) => IntOrString::Int(n),
            Err(_) => IntOrString::String(text.into()),
        };
        DeploymentSpec {
            replicas: Some(wanted),
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".into()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_surge: Some(value(surge)),
                    max_unavailable: Some(value(unavailable)),
                }),
            }),
            ..DeploymentSpec::default()
        }
    }

    #[test]
    fn surge_rounds_up_and_unavailability_down() {
        for (wanted, surge, unavailable, expected) in [
            (4, "25%", "25%", (1, 1)),
            (3, "25%", "25%", (1, 0)),
            (10, "25%", "25%", (3, 2)),
            (1, "0", "10%", (0, 1)),
            (2, "3", "5", (3, 2)),
            (0, "25%", "25%", (0, 0)),
        ] {
            let spec = spec(wanted, surge, unavailable);
            assert_eq!((max_surge(&spec), max_unavailable(&spec)), expected, "{wanted} {surge} {unavailable}");
        }
    }

    #[test]
    fn a_new_set_grows_into_the_surge() {
        let spec = spec(10, "30%", "0");
        for (total, own, expected) in [(10, 0, 3), (13, 3, 3), (0, 0, 10), (12, 9, 10), (14, 2, 2)] {
            assert_eq!(new_set_size(&spec, total, own), expected, "{total} {own}");
        }
    }
}
