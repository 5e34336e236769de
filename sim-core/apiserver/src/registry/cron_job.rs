//! CronJob: names, defaults, rules and columns.

use super::checks::{self, text};
use super::pod_defaults::default_template;
use super::printing::{NONE, images, names, since};
use super::{Column, Context, KindInfo, Strategy, age, cron, job, pod_spec};
use crate::selector;
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::batch::v1::CronJob;
use serde_json::Value;

pub struct CronJobStrategy;

impl Strategy for CronJobStrategy {
    type Object = CronJob;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::namespaced("batch", "CronJob", "cronjobs", "cronjob")
                .short(&["cj"])
                .category(&["all"])
                .subresources(&["status"])
                .with_generation()
        }
    }

    fn default(&self, object: &mut CronJob) {
        let spec = &mut object.spec;
        spec.concurrency_policy.get_or_insert_with(|| "Allow".into());
        spec.suspend.get_or_insert(false);
        spec.successful_jobs_history_limit.get_or_insert(3);
        spec.failed_jobs_history_limit.get_or_insert(1);
        spec.job_template.metadata.get_or_insert_default();
        default_template(&mut spec.job_template.spec.get_or_insert_default().template);
        object.status.get_or_insert_default();
    }

    fn prepare_create(&self, object: &mut CronJob, _: &mut Context<'_>) -> Result<(), ErrorList> {
        object.status = Some(Default::default());
        Ok(())
    }

    fn prepare_update(&self, new: &mut CronJob, old: &CronJob, _: &mut Context<'_>) -> Result<(), ErrorList> {
        new.status.clone_from(&old.status);
        Ok(())
    }

    fn prepare_status(&self, new: &mut CronJob, old: &CronJob) {
        new.spec.clone_from(&old.spec);
    }

    fn spec_changed(&self, new: &CronJob, old: &CronJob) -> bool {
        new.spec != old.spec
    }

    fn validate(&self, object: &CronJob) -> ErrorList {
        let mut errors = ErrorList::default();
        let name = text(&object.metadata.name);
        // Eleven letters are added to make the names of its jobs.
        if name.len() > 52 {
            errors.push(Error::invalid(&Path::new("metadata.name"), name, "must be no more than 52 characters"));
        }
        let (spec, path) = (&object.spec, Path::new("spec"));
        let at = path.child("schedule");
        if spec.schedule.is_empty() {
            errors.push(Error::required(&at, ""));
        } else if spec.schedule.contains("TZ") {
            let why = if spec.time_zone.is_some() {
                "cannot use both timeZone field and TZ or CRON_TZ in schedule"
            } else {
                "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
            };
            errors.push(Error::invalid(&at, &spec.schedule, why));
        } else if let Err(why) = cron::check(&spec.schedule) {
            errors.push(Error::invalid(&at, &spec.schedule, why));
        }
        if let Some(seconds) = spec.starting_deadline_seconds {
            checks::non_negative(seconds, &path.child("startingDeadlineSeconds"), &mut errors);
        }
        let known = ["Allow", "Forbid", "Replace"];
        let at = path.child("concurrencyPolicy");
        checks::one_of(text(&spec.concurrency_policy), &known, &at, &mut errors);
        let template = path.child("jobTemplate");
        if let Some(inner) = &spec.job_template.spec {
            job::rules(inner, &template.child("spec"), &mut errors);
        }
        for (field, value) in [
            ("successfulJobsHistoryLimit", spec.successful_jobs_history_limit),
            ("failedJobsHistoryLimit", spec.failed_jobs_history_limit),
        ] {
            checks::non_negative(value.unwrap_or(0).into(), &path.child(field), &mut errors);
        }
        errors
    }

    fn warnings(&self, object: &CronJob) -> Vec<String> {
        let pods = object.spec.job_template.spec.as_ref().and_then(|s| s.template.spec.as_ref());
        pods.map(|p| pod_spec::warnings(p, &Path::new("spec.jobTemplate.spec.template.spec"))).unwrap_or_default()
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Schedule", "The schedule in Cron format, see https://en.wikipedia.org/wiki/Cron."),
                Column::new("Timezone", "The time zone name for the given schedule, see https://en.wikipedia.org/wiki/List_of_tz_database_time_zones."),
                Column::new("Suspend", "This flag tells the controller to suspend subsequent executions, it does not apply to already started executions.").boolean(),
                Column::new("Active", "A list of pointers to currently running jobs.").integer(),
                Column::new("Last Schedule", "Information when was the last time the job was successfully scheduled."),
                Column::age(),
                Column::containers(),
                Column::images(),
                Column::new("Selector", "A label query over pods that should match the pod count.").wide(),
            ]
        }
    }

    fn cells(&self, object: &CronJob, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let spec = &object.spec;
        let status = object.status.as_ref();
        let job = spec.job_template.spec.as_ref();
        let pods = job.and_then(|j| j.template.spec.as_ref());
        let last = status.and_then(|s| s.last_schedule_time.as_ref());
        let suspended = spec.suspend.map(|s| if s { "True" } else { "False" });
        vec![
            meta.name.as_deref().into(),
            spec.schedule.as_str().into(),
            spec.time_zone.as_deref().unwrap_or(NONE).into(),
            suspended.unwrap_or("<unset>").into(),
            status.and_then(|s| s.active.as_ref()).map_or(0, Vec::len).into(),
            last.map_or_else(|| NONE.to_owned(), |t| since(Some(Time::from(t.0)), now)).into(),
            age(meta, now).into(),
            names(pods).into(),
            images(pods).into(),
            selector::format(job.and_then(|j| j.selector.as_ref())).into(),
        ]
    }
}
