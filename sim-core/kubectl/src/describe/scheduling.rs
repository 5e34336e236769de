//! PriorityClasses.

use super::Doc;
use super::doc::pairs;
use crate::error::Error;
use crate::json::{at, boolean, int, name, text};
use crate::session::Kube;
use serde_json::Value;

pub fn describe_priority(_: &mut Kube<'_, '_>, class: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.field(0, "Name", name(class));
    doc.field(0, "Value", &int(class, "/value").to_string());
    doc.field(0, "GlobalDefault", &boolean(class, "/globalDefault").to_string());
    let preemption = text(class, "/preemptionPolicy");
    doc.field(0, "PreemptionPolicy", if preemption.is_empty() { "PreemptLowerPriority" } else { preemption });
    doc.field(0, "Description", text(class, "/description"));
    doc.field(0, "Annotations", &pairs(at(class, "/metadata/annotations")));
    Ok(())
}
