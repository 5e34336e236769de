//! `minikube ssh`, `ip`, `node`, `image`, `logs`.

use super::{complaint, line, not_found, not_running, profile_name};
use crate::docker;
use crate::outside;
use crate::play::{Act, Args, fail, out, wait_ms};
use machine::process::Ctx;

pub fn ip(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let name = profile_name(args, outside);
    let Some(profile) = outside.minikube.get(&name) else { return not_found(ctx, &name) };
    if !profile.running {
        return not_running(ctx, &name);
    }
    let node = args.get("node").map_or(Some(0), |n| (0..profile.nodes).find(|i| profile.node_name(*i) == n));
    match node {
        Some(node) => vec![out(format!("{}\n", profile.node_ip(node)))],
        None => vec![
            complaint(ctx, "❌", "Exiting due to GUEST_NODE_RETRIEVE: retrieving node: could not find node"),
            Act::Exit(80),
        ],
    }
}

pub fn ssh(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let size = ctx.is_tty(0).then(|| ctx.term_size());
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let name = profile_name(args, outside);
    let Some(profile) = outside.minikube.get(&name) else { return not_found(ctx, &name) };
    if !profile.running {
        return not_running(ctx, &name);
    }
    let node = args.get("node").map_or_else(|| profile.node_name(0), str::to_owned);
    let argv: Vec<String> = match args.words.as_slice() {
        [] => Vec::new(),
        words => vec!["bash".into(), "-c".into(), words.join(" ")],
    };
    match docker::shell_on(outside, &node, &argv, size) {
        Ok(relay) => vec![wait_ms(250), Act::Become(Box::new(relay))],
        Err(words) => fail(format!("{words}\n"), 80),
    }
}

pub fn node(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let name = profile_name(args, outside);
    let Some(profile) = outside.minikube.get(&name) else { return not_found(ctx, &name) };
    match args.words.first().map(String::as_str) {
        Some("list") => {
            let row = |n: u32| format!("{}\t{}\n", profile.node_name(n), profile.node_ip(n));
            vec![out((0..profile.nodes).map(row).collect::<String>())]
        }
        Some("add" | "delete" | "start" | "stop") => fail(
            "minikube node: adding and removing nodes of a running cluster is not simulated yet; use minikube start --nodes N\n",
            1,
        ),
        _ => fail("Usage: minikube node [add|start|stop|delete|list]\n", 64),
    }
}

/// `image load`: from the laptop's docker into the cluster's nodes.
pub fn image(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let name = profile_name(args, outside);
    if outside.minikube.get(&name).is_none() {
        return not_found(ctx, &name);
    }
    match args.words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["load", image] => {
            let Some(found) = docker::find_image(outside, image) else {
                let words = format!(
                    "Exiting due to GUEST_IMAGE_LOAD: Failed to load image: unable to find image {image} in the docker daemon"
                );
                return vec![complaint(ctx, "❌", &words), Act::Exit(80)];
            };
            let Ok(reference) = cluster::images::reference::Reference::parse(image) else { return Vec::new() };
            let loaded = outside
                .minikube
                .get_mut(&name)
                .and_then(|p| p.cluster.as_deref_mut())
                .is_some_and(|cluster| crate::link::load_image(cluster, &reference, found));
            match loaded {
                true => vec![wait_ms(1500)],
                false => fail("minikube image load: loading images into nodes is not simulated yet\n", 1),
            }
        }
        ["ls" | "list"] => fail("minikube image ls: not simulated yet\n", 1),
        _ => vec![line(ctx, "💡", "minikube image: only load is simulated"), Act::Exit(1)],
    }
}

pub fn logs(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let name = profile_name(args, outside);
    if outside.minikube.get(&name).is_none() {
        return not_found(ctx, &name);
    }
    fail("minikube logs: the logs of the cluster's own components are not simulated; try kubectl get events -A\n", 1)
}
