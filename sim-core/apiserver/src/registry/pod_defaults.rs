//! What a pod's author may leave out.
//!
//! Models: the defaulting of `pkg/apis/core/v1/defaults.go` that concerns pods and pod templates. It also fills in the
//! empty structs that Go always writes (`resources: {}`), so that objects read the same.

use k8s_openapi::api::core::v1::{
    Container, EphemeralContainer, HTTPGetAction, Lifecycle, LifecycleHandler, ObjectFieldSelector, Pod, PodSpec,
    PodTemplateSpec, Probe, ResourceRequirements, Volume, VolumeProjection,
};

/// Files of ConfigMaps, Secrets and projections: `rw-r--r--`.
const FILE_MODE: i32 = 0o644;

pub fn default_template(template: &mut PodTemplateSpec) {
    template.metadata.get_or_insert_default();
    default_pod_spec(template.spec.get_or_insert_default());
}

/// What holds of pods only, not of templates; goes before [`default_pod_spec`].
pub fn default_pod(pod: &mut Pod) {
    let spec = pod.spec.get_or_insert_default();
    default_pod_spec(spec);
    for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
        if let Some(resources) = &mut container.resources {
            default_requests(resources);
        }
    }
    spec.enable_service_links.get_or_insert(true);
    if spec.host_network == Some(true) {
        for port in spec
            .containers
            .iter_mut()
            .chain(spec.init_containers.iter_mut().flatten())
            .flat_map(|c| c.ports.iter_mut().flatten())
        {
            if port.host_port.unwrap_or(0) == 0 {
                port.host_port = Some(port.container_port);
            }
        }
    }
    pod.status.get_or_insert_default();
}

pub fn default_pod_spec(spec: &mut PodSpec) {
    spec.dns_policy.get_or_insert_with(|| "ClusterFirst".into());
    spec.restart_policy.get_or_insert_with(|| "Always".into());
    spec.security_context.get_or_insert_default();
    spec.termination_grace_period_seconds.get_or_insert(30);
    spec.scheduler_name.get_or_insert_with(|| "default-scheduler".into());
    // The old name of the field is written beside the new one.
    if let Some(name) = &spec.service_account_name {
        if spec.service_account.as_ref() != Some(name) {
            spec.service_account = Some(name.clone());
        }
    } else if spec.service_account.is_some() {
        spec.service_account_name.clone_from(&spec.service_account);
    }
    for volume in spec.volumes.iter_mut().flatten() {
        default_volume(volume);
    }
    for container in spec.init_containers.iter_mut().flatten().chain(&mut spec.containers) {
        default_container(container);
    }
    for container in spec.ephemeral_containers.iter_mut().flatten() {
        default_ephemeral(container);
    }
}

/// A limit without a request is also the request.
fn default_requests(resources: &mut ResourceRequirements) {
    let Some(limits) = &resources.limits else { return };
    let requests = resources.requests.get_or_insert_default();
    for (name, limit) in limits {
        if !requests.contains_key(name) {
            requests.insert(name.clone(), limit.clone());
        }
    }
}

fn default_container(c: &mut Container) {
    if c.image_pull_policy.is_none() {
        c.image_pull_policy = Some(pull_policy(c.image.as_deref().unwrap_or_default()).to_owned());
    }
    c.termination_message_path.get_or_insert_with(|| "/dev/termination-log".into());
    c.termination_message_policy.get_or_insert_with(|| "File".into());
    c.resources.get_or_insert_default();
    for port in c.ports.iter_mut().flatten() {
        port.protocol.get_or_insert_with(|| "TCP".into());
    }
    for field in c.env.iter_mut().flatten().filter_map(|e| e.value_from.as_mut()?.field_ref.as_mut()) {
        default_field_ref(field);
    }
    for divisor in c.env.iter_mut().flatten().filter_map(|e| e.value_from.as_mut()?.resource_field_ref.as_mut()) {
        divisor.divisor.get_or_insert_with(zero);
    }
    for probe in [&mut c.liveness_probe, &mut c.readiness_probe, &mut c.startup_probe].into_iter().flatten() {
        default_probe(probe);
    }
    if let Some(lifecycle) = &mut c.lifecycle {
        default_lifecycle(lifecycle);
    }
}

fn default_ephemeral(c: &mut EphemeralContainer) {
    if c.image_pull_policy.is_none() {
        c.image_pull_policy = Some(pull_policy(c.image.as_deref().unwrap_or_default()).to_owned());
    }
    c.termination_message_path.get_or_insert_with(|| "/dev/termination-log".into());
    c.termination_message_policy.get_or_insert_with(|| "File".into());
    c.resources.get_or_insert_default();
    for field in c.env.iter_mut().flatten().filter_map(|e| e.value_from.as_mut()?.field_ref.as_mut()) {
        default_field_ref(field);
    }
}

/// `Always` for `:latest` (said or meant), else `IfNotPresent`.
pub fn pull_policy(image: &str) -> &'static str {
    let (rest, digest) = image.split_once('@').map_or((image, false), |(rest, _)| (rest, true));
    let last = rest.rsplit('/').next().unwrap_or(rest);
    match last.split_once(':') {
        Some((_, "latest")) => "Always",
        // A name that cannot be parsed is told off elsewhere; it does not count as `latest`.
        None if !digest && !rest.is_empty() && !rest.bytes().any(|b| b.is_ascii_uppercase()) => "Always",
        Some(_) | None => "IfNotPresent",
    }
}

fn default_probe(probe: &mut Probe) {
    for (field, value) in [
        (&mut probe.timeout_seconds, 1),
        (&mut probe.period_seconds, 10),
        (&mut probe.success_threshold, 1),
        (&mut probe.failure_threshold, 3),
    ] {
        if field.unwrap_or(0) == 0 {
            *field = Some(value);
        }
    }
    if let Some(get) = &mut probe.http_get {
        default_http_get(get);
    }
    if let Some(grpc) = &mut probe.grpc {
        grpc.service.get_or_insert_default();
    }
}

fn default_lifecycle(lifecycle: &mut Lifecycle) {
    let handlers: [Option<&mut LifecycleHandler>; 2] = [lifecycle.post_start.as_mut(), lifecycle.pre_stop.as_mut()];
    for get in handlers.into_iter().flatten().filter_map(|h| h.http_get.as_mut()) {
        default_http_get(get);
    }
}

fn default_http_get(get: &mut HTTPGetAction) {
    get.path.get_or_insert_with(|| "/".into());
    get.scheme.get_or_insert_with(|| "HTTP".into());
}

fn default_field_ref(field: &mut ObjectFieldSelector) {
    field.api_version.get_or_insert_with(|| "v1".into());
}

fn zero() -> k8s_openapi::apimachinery::pkg::api::resource::Quantity {
    k8s_openapi::apimachinery::pkg::api::resource::Quantity("0".into())
}

fn default_volume(volume: &mut Volume) {
    if let Some(v) = &mut volume.config_map {
        v.default_mode.get_or_insert(FILE_MODE);
    } else if let Some(v) = &mut volume.secret {
        v.default_mode.get_or_insert(FILE_MODE);
    } else if let Some(v) = &mut volume.projected {
        v.default_mode.get_or_insert(FILE_MODE);
        v.sources.iter_mut().flatten().for_each(default_projection);
    } else if let Some(v) = &mut volume.downward_api {
        v.default_mode.get_or_insert(FILE_MODE);
        for field in v.items.iter_mut().flatten().filter_map(|i| i.field_ref.as_mut()) {
            default_field_ref(field);
        }
    } else if let Some(v) = &mut volume.host_path {
        v.type_.get_or_insert_default();
    } else if let Some(v) = &mut volume.image {
        if v.pull_policy.is_none() {
            v.pull_policy = Some(pull_policy(v.reference.as_deref().unwrap_or_default()).to_owned());
        }
    } else if let Some(template) = volume.ephemeral.as_mut().and_then(|e| e.volume_claim_template.as_mut()) {
        template.spec.volume_mode.get_or_insert_with(|| "Filesystem".into());
        template.spec.resources.get_or_insert_default();
    } else if super::volumes::sources(volume).next().is_none() {
        volume.empty_dir = Some(Default::default());
    }
}

fn default_projection(source: &mut VolumeProjection) {
    if let Some(token) = &mut source.service_account_token {
        token.expiration_seconds.get_or_insert(3600);
    }
    let items = source.downward_api.as_mut().and_then(|d| d.items.as_mut());
    for field in items.into_iter().flatten().filter_map(|i| i.field_ref.as_mut()) {
        default_field_ref(field);
    }
}

#[cfg(test)]
mod tests {
    use super::pull_policy;

    #[test]
    fn only_latest_is_always_pulled() {
        for (image, wanted) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("localhost:5000/nginx", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("localhost:5000/nginx:1", "IfNotPresent"),
            ("nginx@sha256:0123", "IfNotPresent"),
            ("NGINX", "IfNotPresent"),
            ("", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), wanted, "{image}");
        }
    }
}
