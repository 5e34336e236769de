//! CertificateSigningRequest: names, defaults, rules and columns.

use super::checks::{self, text};
use super::printing::NONE;
use super::{Column, Context, KindInfo, Strategy, age};
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use core::time::Duration;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use serde_json::Value;

pub struct CertificateSigningRequestStrategy;

impl Strategy for CertificateSigningRequestStrategy {
    type Object = CertificateSigningRequest;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::cluster(
                "certificates.k8s.io",
                "CertificateSigningRequest",
                "certificatesigningrequests",
                "certificatesigningrequest",
            )
            .short(&["csr"])
            .subresources(&["approval", "status"])
        }
    }

    fn prepare_create(&self, object: &mut CertificateSigningRequest, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        Ok(())
    }

    fn prepare_update(
        &self,
        new: &mut CertificateSigningRequest,
        old: &CertificateSigningRequest,
        _: &mut Context<'_>,
    ) -> Result<(), ErrorList> {
        // A request is never changed; only judged.
        new.spec.clone_from(&old.spec);
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut CertificateSigningRequest, old: &CertificateSigningRequest) {
        new.spec.clone_from(&old.spec);
    }

    fn validate(&self, object: &CertificateSigningRequest) -> ErrorList {
        let mut errors = ErrorList::default();
        let (spec, path) = (&object.spec, Path::new("spec"));
        if !spec.request.0.starts_with(b"-----BEGIN CERTIFICATE REQUEST-----") {
            let why = "PEM block type must be CERTIFICATE REQUEST";
            errors.push(Error::invalid_raw(&path.child("request"), checks::json(&spec.request), why));
        }
        if spec.usages.as_ref().is_none_or(Vec::is_empty) {
            errors.push(Error::required(&path.child("usages"), "usages must contain at least one value"));
        }
        let at = path.child("signerName");
        if spec.signer_name.is_empty() {
            errors.push(Error::required(&at, ""));
        } else if !spec.signer_name.contains('/') {
            let why = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
            errors.push(Error::invalid(&at, &spec.signer_name, why));
        }
        if let Some(seconds) = spec.expiration_seconds.filter(|s| *s < 600) {
            let why = "may not specify a duration less than 600 seconds (10 minutes)";
            errors.push(Error::invalid_raw(&path.child("expirationSeconds"), seconds, why));
        }
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::age(),
                Column::new("SignerName", "signerName indicates the requested signer, and is a qualified name."),
                Column::new(
                    "Requestor",
                    "request contains an x509 certificate signing request encoded in a \"CERTIFICATE REQUEST\" PEM block.",
                ),
                Column::new(
                    "RequestedDuration",
                    "expirationSeconds is the requested duration of validity of the issued certificate.",
                ),
                Column::new("Condition", "conditions applied to the request."),
            ]
        }
    }

    fn cells(&self, object: &CertificateSigningRequest, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let spec = &object.spec;
        let span = spec.expiration_seconds.map(|s| Duration::from_secs(u64::try_from(s).unwrap_or(0)));
        vec![
            meta.name.as_deref().into(),
            age(meta, now).into(),
            if spec.signer_name.is_empty() { NONE } else { &spec.signer_name }.into(),
            text(&spec.username).into(),
            span.map_or_else(|| NONE.to_owned(), apimachinery::duration::human).into(),
            condition(object).into(),
        ]
    }

    fn fields(&self) -> &'static [&'static str] {
        &["spec.signerName"]
    }

    fn field(&self, object: &CertificateSigningRequest, path: &str) -> Option<String> {
        (path == "spec.signerName").then(|| object.spec.signer_name.clone())
    }
}

/// `Approved,Issued`.
fn condition(request: &CertificateSigningRequest) -> String {
    let status = request.status.as_ref();
    let has =
        |kind: &str| status.and_then(|s| s.conditions.as_ref()).is_some_and(|c| c.iter().any(|c| c.type_ == kind));
    let mut out = if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    }
    .to_owned();
    if has("Failed") {
        out.push_str(",Failed");
    }
    if status.and_then(|s| s.certificate.as_ref()).is_some_and(|c| !c.0.is_empty()) {
        out.push_str(",Issued");
    }
    out
}
