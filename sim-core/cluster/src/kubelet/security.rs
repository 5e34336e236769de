//! What the kubelet checks of a security context before it creates a container.
//!
//! Models: kubelet `kuberuntime/security_context.go` (verifyRunAsNonRoot).

use crate::images::image::Image;
use k8s_openapi::api::core::v1::{Container, Pod};

/// The error is the message of `CreateContainerConfigError`.
pub fn check(pod: &Pod, spec: &Container, image: &Image) -> Result<(), String> {
    let of_pod = pod.spec.as_ref().and_then(|s| s.security_context.as_ref());
    let own = spec.security_context.as_ref();
    let non_root = own.and_then(|s| s.run_as_non_root).or_else(|| of_pod.and_then(|s| s.run_as_non_root));
    if non_root != Some(true) {
        return Ok(());
    }
    let m = &pod.metadata;
    let subject = format!(
        "(pod: \"{}_{}({})\", container: {})",
        m.name.as_deref().unwrap_or_default(),
        m.namespace.as_deref().unwrap_or_default(),
        m.uid.as_deref().unwrap_or_default(),
        spec.name
    );
    let uid = own.and_then(|s| s.run_as_user).or_else(|| of_pod.and_then(|s| s.run_as_user));
    match uid {
        Some(0) => return Err(format!("container's runAsUser breaks non-root policy {subject}")),
        Some(_) => return Ok(()),
        None => {}
    }
    let user = image.config.user.split(':').next().unwrap_or_default();
    match user.parse::<i64>() {
        Ok(0) => Err(format!("container has runAsNonRoot and image will run as root {subject}")),
        Ok(_) => Ok(()),
        Err(_) if user.is_empty() || user == "root" => {
            Err(format!("container has runAsNonRoot and image will run as root {subject}"))
        }
        Err(_) => Err(format!(
            "container has runAsNonRoot and image has non-numeric user ({user}), cannot verify user is non-root {subject}"
        )),
    }
}
