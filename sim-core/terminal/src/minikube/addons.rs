//! `minikube addons`: the list, and which are on. Addons that would install workloads are only noted, and say so.

use super::{complaint, line, not_found, profile_name};
use crate::outside;
use crate::play::{Act, Args, fail, out, wait_ms};
use machine::process::Ctx;

const ADDONS: &[(&str, &str)] = &[
    ("ambassador", "3rd party (Ambassador)"),
    ("csi-hostpath-driver", "Kubernetes"),
    ("dashboard", "Kubernetes"),
    ("default-storageclass", "Kubernetes"),
    ("ingress", "Kubernetes"),
    ("ingress-dns", "minikube"),
    ("istio", "3rd party (Istio)"),
    ("metallb", "3rd party (MetalLB)"),
    ("metrics-server", "Kubernetes"),
    ("registry", "minikube"),
    ("storage-provisioner", "minikube"),
    ("volumesnapshots", "Kubernetes"),
];

pub fn addons(ctx: &mut Ctx<'_>, args: &Args<'_>) -> Vec<Act> {
    let words: Vec<String> = args.words.clone();
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let name = profile_name(args, outside);
    if outside.minikube.get(&name).is_none() {
        return not_found(ctx, &name);
    }
    let Some(profile) = outside.minikube.get_mut(&name) else { return Vec::new() };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["list"] => {
            let mut text = String::new();
            text.push_str(&format!(
                "|{}|----------|--------------|--------------------------------|\n",
                "-".repeat(29)
            ));
            text.push_str(&format!(
                "| {:<27} | {:<8} | {:<12} | {:<30} |\n",
                "ADDON NAME", "PROFILE", "STATUS", "MAINTAINER"
            ));
            text.push_str(&format!(
                "|{}|----------|--------------|--------------------------------|\n",
                "-".repeat(29)
            ));
            for (addon, maintainer) in ADDONS {
                let on = if profile.addons.contains(addon) { "enabled ✅" } else { "disabled" };
                text.push_str(&format!("| {addon:<27} | {name:<8} | {on:<12} | {maintainer:<30} |\n"));
            }
            text.push_str(&format!(
                "|{}|----------|--------------|--------------------------------|\n",
                "-".repeat(29)
            ));
            vec![out(text)]
        }
        ["enable" | "disable", addon] => {
            let Some((addon, maintainer)) = ADDONS.iter().find(|(n, _)| n == addon) else {
                return vec![
                    complaint(
                        ctx,
                        "❌",
                        &format!(
                            "Exiting due to MK_ADDON_ENABLE: enable failed: run callbacks: property name \"{addon}\" not found"
                        ),
                    ),
                    Act::Exit(10),
                ];
            };
            if words[0] == "disable" {
                profile.addons.retain(|a| a != addon);
                return vec![line(ctx, "🌑", &format!("\"The '{addon}' addon is disabled"))];
            }
            if !profile.addons.contains(addon) {
                profile.addons.push(addon);
            }
            let mut acts = vec![line(
                ctx,
                "💡",
                &format!(
                    "{addon} is an addon maintained by {maintainer}. For any concerns contact minikube on GitHub."
                ),
            )];
            if !["default-storageclass", "storage-provisioner"].contains(addon) {
                acts.push(complaint(ctx, "❗", &format!("the workloads of the addon '{addon}' are not simulated yet")));
            }
            acts.push(wait_ms(1500));
            acts.push(line(ctx, "🌟", &format!("The '{addon}' addon is enabled")));
            acts
        }
        _ => fail("Usage: minikube addons list|enable|disable [ADDON_NAME]\n", 1),
    }
}
