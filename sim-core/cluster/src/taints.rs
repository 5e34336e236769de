//! Taints of nodes and what pods tolerate.
//!
//! Models: `component-helpers/scheduling/corev1` and `k8s.io/api/core/v1/toleration.go`.

use k8s_openapi::api::core::v1::{Pod, Taint, Toleration};

pub const NO_SCHEDULE: &str = "NoSchedule";
pub const PREFER_NO_SCHEDULE: &str = "PreferNoSchedule";
pub const NO_EXECUTE: &str = "NoExecute";

pub fn tolerations(pod: &Pod) -> &[Toleration] {
    pod.spec.as_ref().and_then(|s| s.tolerations.as_deref()).unwrap_or_default()
}

pub fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    fn is(field: &Option<String>) -> &str {
        field.as_deref().unwrap_or_default()
    }
    let (effect, key) = (is(&toleration.effect), is(&toleration.key));
    if !effect.is_empty() && effect != taint.effect || !key.is_empty() && key != taint.key {
        return false;
    }
    match toleration.operator.as_deref() {
        Some("Exists") => true,
        None | Some("" | "Equal") => is(&toleration.value) == is(&taint.value),
        Some(_) => false,
    }
}

/// The first taint with one of `effects` that no toleration covers.
pub fn untolerated<'a>(taints: &'a [Taint], tolerations: &[Toleration], effects: &[&str]) -> Option<&'a Taint> {
    taints
        .iter()
        .filter(|t| effects.contains(&t.effect.as_str()))
        .find(|taint| !tolerations.iter().any(|t| tolerates(t, taint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerations_match_by_key_value_and_effect() {
        let taint = |key: &str, value: &str, effect: &str| Taint {
            key: key.into(),
            value: (!value.is_empty()).then(|| value.into()),
            effect: effect.into(),
            time_added: None,
        };
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        for (key, operator, value, effect, expected) in [
            ("", "Exists", "", "", true),
            ("a", "Exists", "", "", true),
            ("a", "", "1", "", true),
            ("a", "Equal", "2", "", false),
            ("a", "Exists", "", "NoExecute", false),
            ("b", "Exists", "", "", false),
            ("a", "", "", "", false),
        ] {
            let t = Toleration {
                key: some(key),
                operator: some(operator),
                value: some(value),
                effect: some(effect),
                toleration_seconds: None,
            };
            assert_eq!(tolerates(&t, &taint("a", "1", NO_SCHEDULE)), expected, "{key} {operator} {value} {effect}");
        }
    }
}
