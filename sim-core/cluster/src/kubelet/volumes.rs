//! The volumes of a pod as file trees: what ConfigMaps, Secrets, tokens and the downward API put into them.
//!
//! Models: kubelet volume plugins (empty_dir, configmap, secret, projected, downwardapi). Data lives as long as the pod,
//! except hostPath and persistent volumes, which live on the node.

use super::env::{Place, field, resource};
use super::status::specs;
use apimachinery::order::Gather as _;
use apimachinery::rng::Rng;
use apiserver::ApiServer;
use k8s_openapi::api::core::v1::{
    ConfigMap, DownwardAPIVolumeFile, KeyToPath, PersistentVolume, PersistentVolumeClaim, Pod, Secret,
    Volume as VolumeSpec,
};
use machine::fs::Volume;
use std::collections::BTreeMap;

/// Bytes that one emptyDir may hold unless its spec says otherwise.
const EMPTY_DIR_BYTES: u64 = 64 << 20;

/// A volume that cannot be set up yet: the text of the `FailedMount` event.
pub fn check(api: &ApiServer, pod: &Pod) -> Result<(), String> {
    let ns = pod.metadata.namespace.as_deref().unwrap_or_default();
    for volume in pod.spec.iter().flat_map(|s| s.volumes.iter().flatten()) {
        let missing = |kind: &str, name: &str| {
            Err(format!("MountVolume.SetUp failed for volume \"{}\" : {kind} \"{name}\" not found", volume.name))
        };
        if let Some(c) = &volume.config_map
            && !c.optional.unwrap_or(false)
            && api.get::<ConfigMap>(ns, &c.name).is_none()
        {
            return missing("configmap", &c.name);
        }
        if let Some(s) = &volume.secret {
            let name = s.secret_name.as_deref().unwrap_or_default();
            if !s.optional.unwrap_or(false) && api.get::<Secret>(ns, name).is_none() {
                return missing("secret", name);
            }
        }
        for source in volume.projected.iter().flat_map(|p| p.sources.iter().flatten()) {
            if let Some(c) = &source.config_map
                && !c.optional.unwrap_or(false)
                && api.get::<ConfigMap>(ns, &c.name).is_none()
            {
                return missing("configmap", &c.name);
            }
            if let Some(s) = &source.secret
                && !s.optional.unwrap_or(false)
                && api.get::<Secret>(ns, &s.name).is_none()
            {
                return missing("secret", &s.name);
            }
        }
        if let Some(c) = &volume.config_map
            && let Some(map) = api.get::<ConfigMap>(ns, &c.name)
            && !c.optional.unwrap_or(false)
        {
            let has = |k: &str| {
                map.data.as_ref().is_some_and(|d| d.contains_key(k))
                    || map.binary_data.as_ref().is_some_and(|d| d.contains_key(k))
            };
            if let Some(item) = c.items.iter().flatten().find(|i| !has(&i.key)) {
                return Err(format!(
                    "MountVolume.SetUp failed for volume \"{}\" : configmap references non-existent config key: {}",
                    volume.name, item.key
                ));
            }
        }
    }
    Ok(())
}

/// Builds every volume of the pod that is made from API objects, and empty ones.
pub fn build(
    api: &ApiServer,
    pod: &Pod,
    place: &Place<'_>,
    node_disk: &BTreeMap<String, Volume>,
) -> BTreeMap<String, Volume> {
    let mut out = BTreeMap::new();
    for spec in pod.spec.iter().flat_map(|s| s.volumes.iter().flatten()) {
        let volume = match host_key(api, pod, spec) {
            Some(key) => node_disk.get(&key).cloned().unwrap_or_else(|| Volume::new(EMPTY_DIR_BYTES)),
            None => one(api, pod, spec, place),
        };
        out.insert(spec.name.clone(), volume);
    }
    out
}

/// Under which name the node keeps a volume that outlives the pod; `None` for those that do not.
pub fn host_key(api: &ApiServer, pod: &Pod, spec: &VolumeSpec) -> Option<String> {
    if let Some(h) = &spec.host_path {
        return Some(format!("host:{}", h.path));
    }
    let ns = pod.metadata.namespace.as_deref().unwrap_or_default();
    let claim = spec.persistent_volume_claim.as_ref()?;
    let bound = api.get::<PersistentVolumeClaim>(ns, &claim.claim_name).and_then(|c| c.spec.clone()?.volume_name);
    let volume = bound.and_then(|name| api.get::<PersistentVolume>("", &name));
    let path = volume.and_then(|v| v.spec.clone()?.host_path).map(|h| h.path);
    Some(path.map_or_else(|| format!("claim:{ns}/{}", claim.claim_name), |path| format!("host:{path}")))
}

/// Whether the kubelet refreshes the volume when its source changes.
pub fn from_api(spec: &VolumeSpec) -> bool {
    spec.config_map.is_some() || spec.secret.is_some() || spec.projected.is_some() || spec.downward_api.is_some()
}

fn one(api: &ApiServer, pod: &Pod, spec: &VolumeSpec, place: &Place<'_>) -> Volume {
    let ns = pod.metadata.namespace.as_deref().unwrap_or_default();
    let mut files = Files::default();
    let mut limit = EMPTY_DIR_BYTES;
    if let Some(e) = &spec.empty_dir
        && let Some(q) = e.size_limit.as_ref().and_then(|q| apimachinery::quantity::Quantity::parse(&q.0).ok())
    {
        limit = u64::try_from(q.value()).unwrap_or(limit).min(EMPTY_DIR_BYTES);
    }
    if let Some(c) = &spec.config_map {
        files.mode = mode(c.default_mode);
        files.config_map(api, ns, &c.name, c.items.as_deref());
    }
    if let Some(s) = &spec.secret {
        files.mode = mode(s.default_mode);
        files.secret(api, ns, s.secret_name.as_deref().unwrap_or_default(), s.items.as_deref());
    }
    if let Some(d) = &spec.downward_api {
        files.mode = mode(d.default_mode);
        files.downward(pod, d.items.as_deref().unwrap_or_default(), place);
    }
    if let Some(p) = &spec.projected {
        files.mode = mode(p.default_mode);
        for source in p.sources.iter().flatten() {
            if let Some(c) = &source.config_map {
                files.config_map(api, ns, &c.name, c.items.as_deref());
            }
            if let Some(s) = &source.secret {
                files.secret(api, ns, &s.name, s.items.as_deref());
            }
            if let Some(d) = &source.downward_api {
                files.downward(pod, d.items.as_deref().unwrap_or_default(), place);
            }
            if let Some(t) = &source.service_account_token {
                files.put(&t.path, token(api, pod).into_bytes(), None);
            }
        }
    }
    files.into_volume(limit)
}

fn mode(given: Option<i32>) -> u16 {
    u16::try_from(given.unwrap_or(0o644) & 0o777).unwrap_or(0o644)
}

/// A service account token in the form of a JWT; it names the account, and the API server knows it by that.
pub fn token(api: &ApiServer, pod: &Pod) -> String {
    let ns = pod.metadata.namespace.as_deref().unwrap_or_default();
    let account = pod.spec.as_ref().and_then(|s| s.service_account_name.as_deref()).unwrap_or("default");
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    let mut rng = Rng::derive(api.config.seed, "token", uid, 0);
    let signature: String = (0..8).map(|_| format!("{:x}", rng.next_u64())).collect();
    let claims = format!("{{\"sub\":\"system:serviceaccount:{ns}:{account}\"}}");
    format!("eyJhbGciOiJSUzI1NiJ9.{}.{signature}", base64_url(claims.as_bytes()))
}

fn base64_url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            out.push(char::from(LETTERS[(n >> (18 - 6 * i) & 63) as usize]));
        }
    }
    out
}

#[derive(Default)]
struct Files {
    mode: u16,
    list: BTreeMap<String, (Vec<u8>, u16)>,
}

impl Files {
    fn put(&mut self, path: &str, bytes: Vec<u8>, mode_given: Option<i32>) {
        let mode = mode_given.map_or(self.mode, |m| mode(Some(m)));
        self.list.insert(path.to_owned(), (bytes, if mode == 0 { 0o644 } else { mode }));
    }

    fn items(&mut self, all: &BTreeMap<String, Vec<u8>>, items: Option<&[KeyToPath]>) {
        match items.filter(|i| !i.is_empty()) {
            None => {
                for (k, v) in all {
                    self.put(k, v.clone(), None);
                }
            }
            Some(items) => {
                for item in items {
                    if let Some(v) = all.get(&item.key) {
                        self.put(&item.path, v.clone(), item.mode);
                    }
                }
            }
        }
    }

    fn config_map(&mut self, api: &ApiServer, ns: &str, name: &str, items: Option<&[KeyToPath]>) {
        let Some(map) = api.get::<ConfigMap>(ns, name) else { return };
        let text = map.data.iter().flatten().map(|(k, v)| (k.clone(), v.clone().into_bytes()));
        let binary = map.binary_data.iter().flatten().map(|(k, v)| (k.clone(), v.0.clone()));
        self.items(&text.chain(binary).gather(), items);
    }

    fn secret(&mut self, api: &ApiServer, ns: &str, name: &str, items: Option<&[KeyToPath]>) {
        let Some(secret) = api.get::<Secret>(ns, name) else { return };
        let all = secret.data.iter().flatten().map(|(k, v)| (k.clone(), v.0.clone())).gather();
        self.items(&all, items);
    }

    fn downward(&mut self, pod: &Pod, items: &[DownwardAPIVolumeFile], place: &Place<'_>) {
        for item in items {
            let text = if let Some(f) = &item.field_ref {
                field(pod, &f.field_path, place).unwrap_or_default()
            } else if let Some(r) = &item.resource_field_ref {
                let of = r.container_name.as_deref().unwrap_or_default();
                let divisor = r.divisor.as_ref().map_or("1", |q| q.0.as_str());
                resource(specs(pod).find(|s| s.name == of), &r.resource, divisor, place)
            } else {
                continue;
            };
            self.put(&item.path, text.into_bytes(), item.mode);
        }
    }

    fn into_volume(self, limit: u64) -> Volume {
        let mut volume = Volume::new(limit);
        for (path, (bytes, mode)) in self.list {
            // What does not fit is left out, as a full disk would leave it.
            let _ = volume.install(&format!("/{path}"), mode, bytes);
        }
        volume
    }
}
