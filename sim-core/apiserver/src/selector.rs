//! Label selectors of the typed objects, without a way round through JSON.
//!
//! Models: `metav1.LabelSelectorAsSelector`, `metav1.FormatLabelSelector`.

use apimachinery::labels::{Operator, Requirement, Selector};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// The selector that an object's `LabelSelector` stands for; an empty one selects everything. The error is upstream's
/// text.
pub fn parse(selector: &LabelSelector) -> Result<Selector, String> {
    let mut out = Selector::everything();
    for (key, value) in selector.match_labels.iter().flatten() {
        out.require(Requirement::new(key, Operator::Equals, vec![value.clone()])?);
    }
    for expression in selector.match_expressions.iter().flatten() {
        let operator = match expression.operator.as_str() {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            other => return Err(format!("\"{other}\" is not a valid label selector operator")),
        };
        out.require(Requirement::new(&expression.key, operator, expression.values.clone().unwrap_or_default())?);
    }
    Ok(out)
}

/// A selector that is absent selects nothing.
pub fn parse_option(selector: Option<&LabelSelector>) -> Result<Selector, String> {
    selector.map_or_else(|| Ok(Selector::nothing()), parse)
}

/// As the SELECTOR columns show it: `<none>`, `<error>` or the string form.
pub fn format(selector: Option<&LabelSelector>) -> String {
    let Some(selector) = selector else { return "<none>".to_owned() };
    match parse(selector).map(|s| s.to_string()) {
        Err(_) => "<error>".to_owned(),
        Ok(text) if text.is_empty() => "<none>".to_owned(),
        Ok(text) => text,
    }
}
