//! `create deployment`, `create job`, `create cronjob`.

use super::{CREATE_FLAGS, one_name, submit};
use crate::builder::split_slash;
use crate::commands::apply::VALIDATE_FLAG;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Kind, flag, short, string};
use crate::json::{at, name, namespace, set, text};
use crate::printers::{DRY_RUN_FLAG, PRINT_FLAGS};
use crate::session::Kube;
use crate::task::Next;
use serde_json::{Value, json};

pub static DEPLOYMENT: Command = Command {
    name: "deployment",
    aliases: &["deploy"],
    short: "Create a deployment with the specified name",
    usage: "NAME --image=image -- [COMMAND] [args...] [options]",
    examples: &[
        ("A deployment that runs busybox", "kubectl create deployment my-dep --image=busybox"),
        ("With 3 replicas", "kubectl create deployment my-dep --image=nginx --replicas=3"),
    ],
    flags: &[
        &[
            flag("image", Kind::Array, "", "Image names to run; several make several containers."),
            flag("port", Kind::Int, "-1", "The containers' port that this deployment exposes."),
            short('r', "replicas", Kind::Int, "1", "Number of replicas."),
        ],
        CREATE_FLAGS,
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
    ],
    required: &["image"],
    run: Some(deployment),
    ..Command::EMPTY
};

fn deployment(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let name = one_name(args)?;
    let images = args.list("image");
    if images.len() > 1 && args.dash.is_some() {
        return plain("cannot specify multiple --image options and command");
    }
    let mut containers: Vec<Value> = Vec::new();
    for image in &images {
        let mut c = json!({"name": container_name(image, &containers), "image": image, "resources": {}});
        if args.dash.is_some() {
            c["command"] = args.after_dash().into();
        }
        if args.int("port") >= 0 {
            c["ports"] = json!([{"containerPort": args.int("port")}]);
        }
        containers.push(c);
    }
    let labels = json!({"app": name});
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": args.int("replicas"), "selector": {"matchLabels": labels}, "strategy": {},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
        "status": {},
    });
    submit(k, args, object, "failed to create deployment")
}

/// The image's own name: what stands after the last slash, without tag and digest.
fn container_name(image: &str, others: &[Value]) -> String {
    let plain = image.rsplit('/').next().unwrap_or(image);
    let plain = plain.split(['@', ':']).next().unwrap_or(plain).to_lowercase();
    let name: String = plain.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
    let taken = others.iter().filter(|c| text(c, "/name").starts_with(&name)).count();
    if taken == 0 { name } else { format!("{name}-{taken}") }
}

pub static JOB: Command = Command {
    name: "job",
    short: "Create a job with the specified name",
    usage: "NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...] [options]",
    examples: &[
        ("A job", "kubectl create job my-job --image=busybox"),
        ("From a cron job", "kubectl create job test-job --from=cronjob/a-cronjob"),
    ],
    flags: &[
        &[string("from", "Resource to create the job from; cron jobs only."), string("image", "Image name to run.")],
        CREATE_FLAGS,
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
    ],
    run: Some(job),
    ..Command::EMPTY
};

fn job(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let name = one_name(args)?;
    let (image, from) = (args.str("image"), args.str("from"));
    if image.is_empty() == from.is_empty() {
        return plain("either --image or --from must be specified");
    }
    if !from.is_empty() && args.dash.is_some() {
        return plain("cannot specify --from and command");
    }
    let object = if from.is_empty() {
        let mut spec = json!({"template": {"metadata": {}, "spec": pod_spec(&name, args)}});
        if args.dash.is_some() {
            set(&mut spec, "/template/spec/containers/0/command", args.after_dash().into());
        }
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec, "status": {}})
    } else {
        from_cron_job(k, &name, from)?
    };
    submit(k, args, object, "failed to create job")
}

fn pod_spec(name: &str, args: &Args) -> Value {
    json!({"containers": [{"name": name, "image": args.str("image"), "resources": {}}], "restartPolicy": "Never"})
}

fn from_cron_job(k: &mut Kube<'_, '_>, job: &str, from: &str) -> Result<Value, Error> {
    let (kind, cron_name) = split_slash(from)?;
    let mapping = k.mapping(kind)?;
    let (place, _) = k.namespace()?;
    let cron = k.get(&mapping.object_path(&place, cron_name))?;
    if mapping.kind != "CronJob" {
        return plain("from must be an existing cronjob");
    }
    let template = at(&cron, "/spec/jobTemplate");
    let mut annotations = at(template, "/metadata/annotations").clone();
    set(&mut annotations, "/cronjob.kubernetes.io~1instantiate", json!("manual"));
    let mut metadata = json!({"name": job, "namespace": namespace(&cron), "annotations": annotations, "ownerReferences": [{
        "apiVersion": "batch/v1", "kind": "CronJob", "name": name(&cron), "uid": text(&cron, "/metadata/uid"), "controller": true,
    }]});
    if !at(template, "/metadata/labels").is_null() {
        metadata["labels"] = at(template, "/metadata/labels").clone();
    }
    Ok(
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": at(template, "/spec"), "status": {}}),
    )
}

pub static CRON_JOB: Command = Command {
    name: "cronjob",
    aliases: &["cj"],
    short: "Create a cron job with the specified name",
    usage: "NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...] [options]",
    examples: &[("A cron job", "kubectl create cronjob my-job --image=busybox --schedule=\"*/1 * * * *\"")],
    flags: &[
        &[
            string("image", "Image name to run."),
            string("restart", "Restart policy of the pods: OnFailure or Never."),
            string("schedule", "When to run, in cron's format."),
        ],
        CREATE_FLAGS,
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
    ],
    required: &["image", "schedule"],
    run: Some(cron_job),
    ..Command::EMPTY
};

fn cron_job(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let name = one_name(args)?;
    let mut spec = pod_spec(&name, args);
    let restart = args.str("restart");
    spec["restartPolicy"] = json!(if restart.is_empty() { "OnFailure" } else { restart });
    if args.dash.is_some() {
        spec["containers"][0]["command"] = args.after_dash().into();
    }
    let object = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name},
        "spec": {
            "schedule": args.str("schedule"),
            "jobTemplate": {"metadata": {"name": name}, "spec": {"template": {"metadata": {}, "spec": spec}}},
        },
        "status": {},
    });
    submit(k, args, object, "failed to create cronjob")
}
