//! Jobs and CronJobs.

use super::Doc;
use super::doc::{controller, selector, title_bool};
use super::pod_template::pod_template;
use crate::error::Error;
use crate::json::{at, boolean, has, int, list, shown, text};
use crate::session::Kube;
use crate::times::{parse, rfc1123};
use apimachinery::duration::human;
use serde_json::Value;

const INDEXES_SHOWN: usize = 50;

pub fn describe_job(_: &mut Kube<'_, '_>, job: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.names(job);
    doc.field(0, "Selector", &selector(at(job, "/spec/selector")));
    doc.meta(job);
    if let Some(owner) = controller(job) {
        doc.field(0, "Controlled By", &owner);
    }
    for (title, key, unset) in [
        ("Parallelism", "/spec/parallelism", ""),
        ("Completions", "/spec/completions", "<unset>"),
        ("Completion Mode", "/spec/completionMode", ""),
        ("Suspend", "/spec/suspend", ""),
        ("Backoff Limit", "/spec/backoffLimit", ""),
        ("TTL Seconds After Finished", "/spec/ttlSecondsAfterFinished", ""),
    ] {
        let value = if has(job, key) { shown(at(job, key)) } else { unset.into() };
        if !value.is_empty() {
            doc.field(0, title, &value);
        }
    }
    let (start, end) = (text(job, "/status/startTime"), text(job, "/status/completionTime"));
    if !start.is_empty() {
        doc.field(0, "Start Time", &rfc1123(start));
    }
    if !end.is_empty() {
        doc.field(0, "Completed At", &rfc1123(end));
    }
    if let (Some(start), Some(end)) = (parse(start), parse(end)) {
        doc.field(0, "Duration", &human(end.since(start)));
    }
    if has(job, "/spec/activeDeadlineSeconds") {
        doc.field(0, "Active Deadline Seconds", &format!("{}s", int(job, "/spec/activeDeadlineSeconds")));
    }
    let count = |key: &str| int(job, &format!("/status/{key}"));
    let ready = if has(job, "/status/ready") { format!(" ({} Ready)", count("ready")) } else { String::new() };
    let (active, succeeded, failed) = (count("active"), count("succeeded"), count("failed"));
    doc.field(0, "Pods Statuses", &format!("{active} Active{ready} / {succeeded} Succeeded / {failed} Failed"));
    if text(job, "/spec/completionMode") == "Indexed" {
        doc.field(0, "Completed Indexes", &indexes(text(job, "/status/completedIndexes")));
    }
    pod_template(doc, at(job, "/spec/template"));
    Ok(())
}

fn indexes(all: &str) -> String {
    if all.is_empty() {
        return "<none>".into();
    }
    match all.get(INDEXES_SHOWN..).and_then(|rest| rest.find(',')) {
        Some(comma) => format!("{}...", &all[..=INDEXES_SHOWN + comma]),
        None => all.into(),
    }
}

pub fn describe_cron_job(_: &mut Kube<'_, '_>, cron: &Value, doc: &mut Doc) -> Result<(), Error> {
    doc.head(cron);
    let or_unset = |key: &str, unit: &str| {
        let v = at(cron, key);
        if v.is_null() { "<unset>".to_owned() } else { format!("{}{unit}", shown(v)) }
    };
    doc.field(0, "Schedule", text(cron, "/spec/schedule"));
    doc.field(0, "Concurrency Policy", text(cron, "/spec/concurrencyPolicy"));
    let suspend = if has(cron, "/spec/suspend") { title_bool(boolean(cron, "/spec/suspend")) } else { "<unset>" };
    doc.field(0, "Suspend", suspend);
    doc.field(0, "Time Zone", &or_unset("/spec/timeZone", ""));
    doc.field(0, "Successful Job History Limit", &or_unset("/spec/successfulJobsHistoryLimit", ""));
    doc.field(0, "Failed Job History Limit", &or_unset("/spec/failedJobsHistoryLimit", ""));
    doc.field(0, "Starting Deadline Seconds", &or_unset("/spec/startingDeadlineSeconds", "s"));
    let template = at(cron, "/spec/jobTemplate/spec");
    let labels = if has(template, "/selector") { selector(at(template, "/selector")) } else { "<unset>".into() };
    doc.field(0, "Selector", &labels);
    doc.field(0, "Parallelism", &or_unset("/spec/jobTemplate/spec/parallelism", ""));
    doc.field(0, "Completions", &or_unset("/spec/jobTemplate/spec/completions", ""));
    if has(template, "/activeDeadlineSeconds") {
        doc.field(0, "Active Deadline Seconds", &format!("{}s", int(template, "/activeDeadlineSeconds")));
    }
    pod_template(doc, at(template, "/template"));
    let last = text(cron, "/status/lastScheduleTime");
    doc.field(0, "Last Schedule Time", &if last.is_empty() { "<unset>".into() } else { rfc1123(last) });
    let active: Vec<&str> = list(cron, "/status/active").iter().map(|j| text(j, "/name")).collect();
    doc.field(0, "Active Jobs", &if active.is_empty() { "<none>".into() } else { active.join(", ") });
    Ok(())
}
