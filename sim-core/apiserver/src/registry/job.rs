//! Job: names, defaults, rules and columns.

use super::checks::{self, text};
use super::pod_defaults::default_template;
use super::printing::{images, names};
use super::{Column, Context, KindInfo, Strategy, age, pod_spec, workload};
use crate::selector;
use apimachinery::duration;
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde_json::Value;

pub struct JobStrategy;

impl Strategy for JobStrategy {
    type Object = Job;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::namespaced("batch", "Job", "jobs", "job")
                .category(&["all"])
                .subresources(&["status"])
                .with_generation()
        }
    }

    fn default(&self, object: &mut Job) {
        let spec = object.spec.get_or_insert_default();
        default_job(spec);
        default_labels(&mut object.metadata, spec);
        object.status.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut Job, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        let uid = object.metadata.uid.clone().unwrap_or_default();
        let name = object.metadata.name.clone().unwrap_or_default();
        if let Some(spec) = object.spec.as_mut().filter(|s| s.manual_selector != Some(true)) {
            generate_selector(spec, &name, &uid);
        }
        // What is stored is given its defaults again when it is read.
        if let Some(spec) = object.spec.as_ref() {
            default_labels(&mut object.metadata, spec);
        }
        Ok(())
    }

    fn prepare_update(&self, new: &mut Job, old: &Job, _: &mut Context<'_>) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut Job, old: &Job) {
        new.spec.clone_from(&old.spec);
    }

    fn spec_changed(&self, new: &Job, old: &Job) -> bool {
        new.spec != old.spec
    }

    fn validate(&self, object: &Job) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("spec");
        let Some(spec) = &object.spec else { return errors };
        let at = path.child("selector");
        match &spec.selector {
            None => errors.push(Error::required(&at, "")),
            Some(s) => {
                checks::label_selector(Some(s), &at, &mut errors);
                if let Ok(parsed) = selector::parse(s)
                    && !workload::selects(&parsed, &spec.template)
                {
                    workload::mismatch(&spec.template, &path.child("template"), &mut errors);
                }
            }
        }
        rules(spec, &path, &mut errors);
        errors
    }

    fn validate_update(&self, new: &Job, old: &Job) -> ErrorList {
        let mut errors = ErrorList::default();
        let (Some(n), Some(o)) = (&new.spec, &old.spec) else { return errors };
        let path = Path::new("spec");
        rules(n, &path, &mut errors);
        if n.completions != o.completions
            && !(n.completion_mode.as_deref() == Some("Indexed") && n.completions == n.parallelism)
        {
            checks::immutable(&n.completions, &o.completions, &path.child("completions"), &mut errors);
        }
        checks::immutable(&n.selector, &o.selector, &path.child("selector"), &mut errors);
        if o.suspend != Some(true) || old.status.as_ref().is_some_and(|s| s.start_time.is_some()) {
            checks::immutable(&n.template, &o.template, &path.child("template"), &mut errors);
        }
        checks::immutable(&n.completion_mode, &o.completion_mode, &path.child("completionMode"), &mut errors);
        checks::immutable(&n.pod_failure_policy, &o.pod_failure_policy, &path.child("podFailurePolicy"), &mut errors);
        let at = path.child("backoffLimitPerIndex");
        checks::immutable(&n.backoff_limit_per_index, &o.backoff_limit_per_index, &at, &mut errors);
        errors
    }

    fn warnings(&self, object: &Job) -> Vec<String> {
        workload::warnings(&object.metadata, object.spec.as_ref().map(|s| &s.template))
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Status", "Status of the job."),
                Column::new("Completions", "The number of pods which reached phase Succeeded."),
                Column::new("Duration", "Time required to complete the job."),
                Column::age(),
                Column::containers(),
                Column::images(),
                Column::new("Selector", "A label query over pods that should match the pod count.").wide(),
            ]
        }
    }

    fn cells(&self, object: &Job, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let spec = object.spec.as_ref();
        let pods = spec.and_then(|s| s.template.spec.as_ref());
        let succeeded = object.status.as_ref().and_then(|s| s.succeeded).unwrap_or(0);
        let parallelism = spec.and_then(|s| s.parallelism).unwrap_or(0);
        let completions = match spec.and_then(|s| s.completions) {
            Some(wanted) => format!("{succeeded}/{wanted}"),
            None if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
            None => format!("{succeeded}/1"),
        };
        vec![
            meta.name.as_deref().into(),
            status(object).into(),
            completions.into(),
            took(object, now).into(),
            age(meta, now).into(),
            names(pods).into(),
            images(pods).into(),
            selector::format(spec.and_then(|s| s.selector.as_ref())).into(),
        ]
    }

    fn fields(&self) -> &'static [&'static str] {
        &["status.successful"]
    }

    fn field(&self, object: &Job, path: &str) -> Option<String> {
        let succeeded = object.status.as_ref().and_then(|s| s.succeeded).unwrap_or(0);
        (path == "status.successful").then(|| succeeded.to_string())
    }
}

/// A job without labels has those of its pods.
fn default_labels(meta: &mut ObjectMeta, spec: &JobSpec) {
    let labels = spec.template.metadata.as_ref().and_then(|m| m.labels.as_ref());
    if let Some(labels) = labels.filter(|_| meta.labels.as_ref().is_none_or(|l| l.is_empty())) {
        meta.labels = Some(labels.clone());
    }
}

/// What a job's author may leave out; a CronJob's template gets only what every template gets.
fn default_job(spec: &mut JobSpec) {
    if spec.completions.is_none() && spec.parallelism.is_none() {
        spec.completions = Some(1);
    }
    spec.parallelism.get_or_insert(1);
    let backoff = if spec.backoff_limit_per_index.is_some() { i32::MAX } else { 6 };
    spec.backoff_limit.get_or_insert(backoff);
    spec.completion_mode.get_or_insert_with(|| "NonIndexed".into());
    spec.suspend.get_or_insert(false);
    let replacement = if spec.pod_failure_policy.is_some() { "Failed" } else { "TerminatingOrFailed" };
    spec.pod_replacement_policy.get_or_insert_with(|| replacement.into());
    spec.manual_selector.get_or_insert(false);
    let rules = spec.pod_failure_policy.iter_mut().flat_map(|p| &mut p.rules);
    for condition in rules.flat_map(|r| r.on_pod_conditions.iter_mut().flatten()) {
        condition.status.get_or_insert_with(|| "True".into());
    }
    default_template(&mut spec.template);
}

/// Pods of a job are known by its name and its UID, under an old and a new label each.
fn generate_selector(spec: &mut JobSpec, name: &str, uid: &str) {
    let labels = spec.template.metadata.get_or_insert_default().labels.get_or_insert_default();
    for key in ["job-name", "batch.kubernetes.io/job-name"] {
        labels.entry(key.into()).or_insert_with(|| name.into());
    }
    for key in ["controller-uid", "batch.kubernetes.io/controller-uid"] {
        labels.entry(key.into()).or_insert_with(|| uid.into());
    }
    let wanted = spec.selector.get_or_insert_with(LabelSelector::default).match_labels.get_or_insert_default();
    wanted.entry("batch.kubernetes.io/controller-uid".into()).or_insert_with(|| uid.into());
}

/// What holds of jobs and of the templates of cron jobs.
pub fn rules(spec: &JobSpec, path: &Path, errors: &mut ErrorList) {
    for (field, value) in [
        ("parallelism", spec.parallelism.map(i64::from)),
        ("completions", spec.completions.map(i64::from)),
        ("activeDeadlineSeconds", spec.active_deadline_seconds),
        ("backoffLimit", spec.backoff_limit.map(i64::from)),
        ("ttlSecondsAfterFinished", spec.ttl_seconds_after_finished.map(i64::from)),
        ("backoffLimitPerIndex", spec.backoff_limit_per_index.map(i64::from)),
        ("maxFailedIndexes", spec.max_failed_indexes.map(i64::from)),
    ] {
        checks::non_negative(value.unwrap_or(0), &path.child(field), errors);
    }
    let indexed = spec.completion_mode.as_deref() == Some("Indexed");
    if let Some(mode) = &spec.completion_mode {
        checks::one_of_if_set(mode, &["NonIndexed", "Indexed"], &path.child("completionMode"), errors);
        if indexed && spec.completions.is_none() {
            errors.push(Error::required(&path.child("completions"), "when completion mode is Indexed"));
        }
    }
    if !indexed {
        for (field, value) in
            [("backoffLimitPerIndex", spec.backoff_limit_per_index), ("maxFailedIndexes", spec.max_failed_indexes)]
        {
            if let Some(value) = value {
                errors.push(Error::invalid_raw(&path.child(field), value, "requires indexed completion mode"));
            }
        }
    }
    let at = path.child("template");
    pod_spec::template(&spec.template, &at, errors);
    let policy = spec.template.spec.as_ref().map(|s| text(&s.restart_policy)).unwrap_or_default();
    let at = path.child("template.spec.restartPolicy");
    match policy {
        "Always" => errors.push(Error::required(&at, "valid values: \"OnFailure\", \"Never\"")),
        "OnFailure" if spec.pod_failure_policy.is_some() => {
            let why = "only \"Never\" is supported when podFailurePolicy is specified";
            errors.push(Error::invalid(&at, policy, why));
        }
        "OnFailure" | "Never" => {}
        other => errors.push(Error::not_supported(&at, other, &["OnFailure", "Never"])),
    }
    if let Some(rule) = spec.pod_failure_policy.as_ref().and_then(|p| {
        p.rules
            .iter()
            .position(|r| r.on_exit_codes.is_some() == r.on_pod_conditions.as_ref().is_some_and(|c| !c.is_empty()))
    }) {
        let both = spec.pod_failure_policy.as_ref().is_some_and(|p| p.rules[rule].on_exit_codes.is_some());
        let why = if both {
            "specifying both OnExitCodes and OnPodConditions is not supported"
        } else {
            "specifying one of OnExitCodes and OnPodConditions is required"
        };
        let rules = path.child("podFailurePolicy.rules");
        errors.push(Error::invalid_raw(&rules.index(rule), "", why));
    }
}

fn status(job: &Job) -> &'static str {
    let conditions = job.status.as_ref().and_then(|s| s.conditions.as_deref()).unwrap_or_default();
    let is = |kind: &str| conditions.iter().find(|c| c.type_ == kind).is_some_and(|c| c.status == "True");
    if is("Complete") {
        "Complete"
    } else if is("Failed") {
        "Failed"
    } else if job.metadata.deletion_timestamp.is_some() {
        "Terminating"
    } else if is("Suspended") {
        "Suspended"
    } else if is("FailureTarget") {
        "FailureTarget"
    } else if is("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    }
}

/// How long it ran, or runs.
fn took(job: &Job, now: Time) -> String {
    let status = job.status.as_ref();
    let Some(start) = status.and_then(|s| s.start_time.as_ref()) else { return String::new() };
    let end = status.and_then(|s| s.completion_time.as_ref()).map_or(now, |t| Time::from(t.0));
    duration::human(end.since(Time::from(start.0)))
}
