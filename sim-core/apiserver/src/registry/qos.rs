//! Quality of service: how sure of its resources a pod may be.
//!
//! Models: `pkg/apis/core/v1/helper/qos`.

use apimachinery::quantity::Quantity;
use k8s_openapi::api::core::v1::{PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;
use std::collections::BTreeMap;

/// The resources that count: CPU, then memory.
const COUNTED: [&str; 2] = ["cpu", "memory"];
type Sums = [Option<Quantity>; 2];

/// `Guaranteed`, `Burstable` or `BestEffort`.
pub fn class(spec: &PodSpec) -> &'static str {
    let mut requests = Sums::default();
    let mut limits = Sums::default();
    let mut all_limited = true;
    let mut count = |resources: Option<&ResourceRequirements>| {
        add(&mut requests, resources.and_then(|r| r.requests.as_ref()));
        all_limited &= add(&mut limits, resources.and_then(|r| r.limits.as_ref()));
    };
    match &spec.resources {
        Some(of_pod) => count(Some(of_pod)),
        None => spec
            .containers
            .iter()
            .chain(spec.init_containers.iter().flatten())
            .for_each(|c| count(c.resources.as_ref())),
    }
    if requests.iter().chain(&limits).all(Option::is_none) {
        return "BestEffort";
    }
    if all_limited && requests == limits { "Guaranteed" } else { "Burstable" }
}

/// Adds what counts and is above zero; tells whether every resource that counts was there.
fn add(sums: &mut Sums, list: Option<&BTreeMap<String, Text>>) -> bool {
    let Some(list) = list else { return false };
    let mut all = true;
    for (sum, name) in sums.iter_mut().zip(COUNTED) {
        let amount = list.get(name).and_then(|q| Quantity::parse(&q.0).ok()).filter(|q| q.sign() > 0);
        match amount {
            Some(q) => *sum = Some(sum.map_or(q, |s| s.add(q))),
            None => all = false,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::class;
    use k8s_openapi::api::core::v1::PodSpec;

    fn check(containers: &str, wanted: &str) {
        let value = serde_json::json!({"containers": serde_json::from_str::<serde_json::Value>(containers).unwrap()});
        let (spec, _) = crate::decode::from_value::<PodSpec>(&value).unwrap();
        assert_eq!(class(&spec), wanted, "{containers}");
    }

    #[test]
    fn classes() {
        check(r#"[{"name":"a"}]"#, "BestEffort");
        check(r#"[{"name":"a","resources":{"requests":{"cpu":"1"}}}]"#, "Burstable");
        check(r#"[{"name":"a","resources":{"requests":{"cpu":"0"}}}]"#, "BestEffort");
        let full = r#"{"name":"a","resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"1000m","memory":"1Gi"}}}"#;
        check(&format!("[{full}]"), "Guaranteed");
        check(&format!("[{full},{{\"name\":\"b\"}}]"), "Burstable");
    }
}
