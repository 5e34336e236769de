//! Claims and ingresses that name no class get the one that is marked as the default.
//!
//! Models: `plugin/pkg/admission/storage/storageclass/setdefault`, `plugin/pkg/admission/network/defaultingressclass`.

use super::{Plugin, Request, Verdict, typed};
use crate::object::{Object, view};
use crate::registry::{is_default_ingress_class, is_default_storage_class};
use crate::storage::KindId;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use k8s_openapi::api::storage::v1::StorageClass;

pub struct DefaultStorageClass;

impl Plugin for DefaultStorageClass {
    fn mutate(&self, object: &mut dyn Object, request: &mut Request<'_>) -> Verdict {
        if !request.creates(KindId::PERSISTENT_VOLUME_CLAIM) {
            return Ok(());
        }
        let Some(claim) = typed::<PersistentVolumeClaim>(object) else { return Ok(()) };
        let annotated = claim.metadata.annotations.as_ref();
        if annotated.is_some_and(|a| a.contains_key("volume.beta.kubernetes.io/storage-class")) {
            return Ok(());
        }
        let spec = claim.spec.get_or_insert_default();
        // An empty class is an answer too: none.
        if spec.storage_class_name.is_some() {
            return Ok(());
        }
        let classes = request.storage.list(KindId::STORAGE_CLASS, None).filter_map(|o| view::<StorageClass>(&**o));
        // Of several the newest; of those made in the same second the first by name.
        let newest = classes.filter(|c| is_default_storage_class(c)).reduce(|best, c| {
            let age = |c: &StorageClass| c.metadata.creation_timestamp.as_ref().map(|t| t.0);
            if age(c) > age(best) { c } else { best }
        });
        spec.storage_class_name = newest.and_then(|c| c.metadata.name.clone());
        Ok(())
    }
}

pub struct DefaultIngressClass;

impl Plugin for DefaultIngressClass {
    fn mutate(&self, object: &mut dyn Object, request: &mut Request<'_>) -> Verdict {
        if !request.creates(KindId::INGRESS) {
            return Ok(());
        }
        let Some(ingress) = typed::<Ingress>(object) else { return Ok(()) };
        let annotated = ingress.metadata.annotations.as_ref();
        let spec = ingress.spec.get_or_insert_default();
        if spec.ingress_class_name.is_some() || annotated.is_some_and(|a| a.contains_key("kubernetes.io/ingress.class"))
        {
            return Ok(());
        }
        let classes = request.storage.list(KindId::INGRESS_CLASS, None).filter_map(|o| view::<IngressClass>(&**o));
        let newest = classes.filter(|c| is_default_ingress_class(c)).reduce(|best, c| {
            let age = |c: &IngressClass| c.metadata.creation_timestamp.as_ref().map(|t| t.0);
            if age(c) > age(best) { c } else { best }
        });
        spec.ingress_class_name = newest.and_then(|c| c.metadata.name.clone());
        Ok(())
    }
}
