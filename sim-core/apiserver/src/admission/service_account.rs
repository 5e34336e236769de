//! Gives every pod a service account, and its token to every container.
//!
//! Models: `plugin/pkg/admission/serviceaccount`. The check of `enforce-mountable-secrets` is left out.

use super::{Plugin, Request, Verdict, typed};
use crate::object::{Object, view};
use crate::storage::KindId;
use apimachinery::rng::Rng;
use k8s_openapi::api::core::v1::{
    ConfigMapProjection, Container, DownwardAPIProjection, DownwardAPIVolumeFile, KeyToPath, ObjectFieldSelector, Pod,
    PodSpec, ProjectedVolumeSource, ServiceAccount as Account, ServiceAccountTokenProjection, Volume, VolumeMount,
    VolumeProjection,
};

const VOLUME: &str = "kube-api-access-";
const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// An hour and what a token is renewed before its end.
const TOKEN_SECONDS: i64 = 3607;
const MIRROR: &str = "kubernetes.io/config.mirror";

pub struct ServiceAccount;

impl Plugin for ServiceAccount {
    fn mutate(&self, object: &mut dyn Object, request: &mut Request<'_>) -> Verdict {
        if !request.creates(KindId::POD) {
            return Ok(());
        }
        let namespace = object.meta().namespace.clone().unwrap_or_default();
        let Some(pod) = typed::<Pod>(object) else { return Ok(()) };
        if pod.metadata.annotations.as_ref().is_some_and(|a| a.contains_key(MIRROR)) {
            return Ok(());
        }
        let spec = pod.spec.get_or_insert_default();
        let name = spec.service_account_name.get_or_insert_default();
        if name.is_empty() {
            "default".clone_into(name);
        }
        spec.service_account.clone_from(&spec.service_account_name);
        let name = spec.service_account_name.clone().unwrap_or_default();
        let stored = request.storage.get(KindId::SERVICE_ACCOUNT, &namespace, &name);
        let account = stored.and_then(|o| view::<Account>(&**o));
        // Upstream waits a moment for the account that every namespace is given; here it is taken as if it had come.
        if account.is_none() && name != "default" {
            let why =
                format!("error looking up service account {namespace}/{name}: serviceaccount \"{name}\" not found");
            return Err(request.forbidden(object, &why));
        }
        let mounts = spec.automount_service_account_token.or(account.and_then(|a| a.automount_service_account_token));
        if mounts.unwrap_or(true) {
            let subject = pod.metadata.uid.as_deref().unwrap_or_default();
            mount_token(spec, || Rng::derive(request.seed, "token-volume", subject, request.revision).suffix(5));
        }
        if spec.image_pull_secrets.as_ref().is_none_or(Vec::is_empty)
            && let Some(secrets) = account.and_then(|a| a.image_pull_secrets.as_ref()).filter(|s| !s.is_empty())
        {
            spec.image_pull_secrets = Some(secrets.clone());
        }
        Ok(())
    }
}

fn mount_token(spec: &mut PodSpec, suffix: impl FnOnce() -> String) {
    let existing = spec.volumes.iter().flatten().find(|v| v.name.starts_with(VOLUME)).map(|v| v.name.clone());
    let has_volume = existing.is_some();
    let name = existing.unwrap_or_else(|| format!("{VOLUME}{}", suffix()));
    let mut needed = false;
    let mut mount = |c: &mut Container| {
        let list = c.volume_mounts.get_or_insert_default();
        if !list.iter().any(|m| m.mount_path == MOUNT_PATH) {
            list.push(VolumeMount {
                name: name.clone(),
                mount_path: MOUNT_PATH.into(),
                read_only: Some(true),
                ..VolumeMount::default()
            });
            needed = true;
        }
    };
    spec.init_containers.iter_mut().flatten().for_each(&mut mount);
    spec.containers.iter_mut().for_each(&mut mount);
    if needed && !has_volume {
        spec.volumes.get_or_insert_default().push(token_volume(name));
    }
}

/// Token, certificate and namespace in one folder.
fn token_volume(name: String) -> Volume {
    let token = ServiceAccountTokenProjection {
        expiration_seconds: Some(TOKEN_SECONDS),
        path: "token".into(),
        ..ServiceAccountTokenProjection::default()
    };
    let certificate = ConfigMapProjection {
        name: "kube-root-ca.crt".into(),
        items: Some(vec![KeyToPath { key: "ca.crt".into(), path: "ca.crt".into(), mode: None }]),
        optional: None,
    };
    let namespace = DownwardAPIVolumeFile {
        path: "namespace".into(),
        field_ref: Some(ObjectFieldSelector {
            api_version: Some("v1".into()),
            field_path: "metadata.namespace".into(),
        }),
        ..DownwardAPIVolumeFile::default()
    };
    let sources = vec![
        VolumeProjection { service_account_token: Some(token), ..VolumeProjection::default() },
        VolumeProjection { config_map: Some(certificate), ..VolumeProjection::default() },
        VolumeProjection {
            downward_api: Some(DownwardAPIProjection { items: Some(vec![namespace]) }),
            ..VolumeProjection::default()
        },
    ];
    Volume {
        name,
        projected: Some(ProjectedVolumeSource { default_mode: Some(0o644), sources: Some(sources) }),
        ..Volume::default()
    }
}
