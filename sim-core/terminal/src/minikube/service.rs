//! `minikube service`, `tunnel`, `dashboard`.

use super::profile::boxed;
use super::{complaint, not_found, not_running, profile_name};
use crate::link;
use crate::outside;
use crate::play::{Act, Args, fail, out};
use machine::process::Ctx;

pub fn service(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let profile = profile_name(args, outside);
    let Some(p) = outside.minikube.get_mut(&profile) else { return not_found(ctx, &profile) };
    if !p.running {
        return not_running(ctx, &profile);
    }
    let ip = p.node_ip(0);
    let namespace = args.get("namespace").unwrap_or("default").to_owned();
    let Some(cluster) = p.cluster.as_deref_mut() else { return Vec::new() };
    let word = args.words.first().cloned();
    let name = match word.as_deref() {
        None => return fail("Error: You must specify a service name\n", 14),
        Some("list") => {
            let head = ["NAMESPACE", "NAME", "TARGET PORT", "URL"].map(str::to_owned);
            let rows: Vec<[String; 4]> = link::services(cluster, None)
                .into_iter()
                .map(|s| {
                    let (target, url) = match s.ports.iter().find(|p| p.node_port > 0) {
                        Some(p) => (format!("{}/{}", p.name, p.port), format!("http://{ip}:{}", p.node_port)),
                        None => ("No node port".to_owned(), String::new()),
                    };
                    [s.namespace, s.name, target, url]
                })
                .collect();
            return vec![out(boxed(&head, &rows))];
        }
        Some(name) => name.to_owned(),
    };
    let Some(found) = link::services(cluster, Some(&namespace)).into_iter().find(|s| s.name == name) else {
        return vec![
            complaint(
                ctx,
                "❌",
                &format!(
                    "Exiting due to SVC_NOT_FOUND: Service '{name}' was not found in '{namespace}' namespace.\n\
                You may select another namespace by using 'minikube service {name} -n <namespace>'. Or list out all the services using 'minikube service list'"
                ),
            ),
            Act::Exit(100),
        ];
    };
    let urls: Vec<String> =
        found.ports.iter().filter(|p| p.node_port > 0).map(|p| format!("http://{ip}:{}", p.node_port)).collect();
    if urls.is_empty() {
        return vec![complaint(ctx, "😿", &format!("service {namespace}/{name} has no node port"))];
    }
    if args.has("url") {
        return vec![out(urls.iter().map(|u| format!("{u}\n")).collect::<String>())];
    }
    let head = ["NAMESPACE", "NAME", "TARGET PORT", "URL"].map(str::to_owned);
    let target = found.ports.first().map(|p| p.port.to_string()).unwrap_or_default();
    let rows = [[namespace.clone(), name.clone(), target, urls[0].clone()]];
    let opening = super::line(ctx, "🎉", &format!("Opening service {namespace}/{name} in default browser..."));
    let hint = super::line(ctx, "👉", &urls[0]);
    vec![out(boxed(&head, &rows)), opening, hint]
}

pub fn tunnel(_: &mut Ctx<'_>, _args: &Args<'_>) -> Vec<Act> {
    fail("minikube tunnel: not simulated yet; use kubectl port-forward or a NodePort\n", 1)
}

pub fn dashboard(_: &mut Ctx<'_>, _args: &Args<'_>) -> Vec<Act> {
    fail("minikube dashboard: not simulated; the diagram beside the terminal shows the cluster\n", 1)
}
