//! `pacman`: installs, removes and lists the packages this laptop knows.
//!
//! Models: pacman 7. The repositories hold what the lessons need; anything else is not found, as a misspelt name would be.

use crate::outside;
use crate::play::{Act, Command, fail, no_candidates, out, wait_ms};
use crate::{laptop, programs};
use machine::process::Ctx;

pub const PACMAN: Command =
    Command { name: "pacman", summary: "install and remove packages", run, complete: no_candidates };

struct Package {
    name: &'static str,
    version: &'static str,
    /// MiB to fetch and on disk, in tenths.
    download: u32,
    installed: u32,
    needs: &'static [&'static str],
    optional: &'static [&'static str],
    hooks: &'static [&'static str],
}

const fn package(name: &'static str, version: &'static str, download: u32, installed: u32) -> Package {
    Package { name, version, download, installed, needs: &[], optional: &[], hooks: &[] }
}

const PACKAGES: &[Package] = &[
    Package {
        needs: &["bridge-utils", "runc", "containerd", "docker-buildx"],
        optional: &[
            "btrfs-progs: btrfs backend support [pending]",
            "pigz: parallel gzip compressor support",
            "docker-buildx: extended build capabilities [pending]",
        ],
        hooks: &[
            "Creating system user accounts...",
            "Reloading system manager configuration...",
            "Reloading device manager configuration...",
        ],
        ..package("docker", "1:28.5.2-1", 271, 1068)
    },
    package("containerd", "2.1.5-1", 225, 1016),
    package("runc", "1.3.3-1", 28, 109),
    package("bridge-utils", "1.7.1-3", 1, 1),
    package("docker-buildx", "0.29.1-1", 172, 651),
    package("docker-compose", "2.40.3-1", 128, 564),
    package("minikube", "1.38.0-1", 356, 1302),
    package("kubectl", "1.36.2-1", 141, 577),
    package("helm", "4.0.0-1", 161, 559),
    package("kind", "0.31.0-1", 31, 105),
    package("git", "2.52.0-1", 69, 362),
    package("vim", "9.1.1903-1", 24, 52),
    package("nano", "8.7-1", 7, 25),
    package("jq", "1.8.1-1", 3, 9),
    package("curl", "8.17.0-1", 12, 22),
];

fn find(name: &str) -> Option<&'static Package> {
    PACKAGES.iter().find(|p| p.name == name)
}

fn run(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let Some(first) = args.first() else { return fail("error: no operation specified (use -h for help)\n", 1) };
    let no_confirm = args.iter().any(|a| a == "--noconfirm");
    let names: Vec<String> = args[1..].iter().filter(|a| !a.starts_with('-')).cloned().collect();
    let root = ctx.cred().uid == 0;
    match first.as_str() {
        "-V" | "--version" => done("Pacman v7.1.0 - libalpm v16.0.1\n"),
        "-h" | "--help" => done(
            "usage:  pacman <operation> [...]\noperations:\n    pacman {-S --sync}     [options] [package(s)]\n    \
            pacman {-R --remove}   [options] <package(s)>\n    pacman {-Q --query}    [options] [package(s)]\n",
        ),
        f if f.starts_with("-S") && f.contains('s') => search(&names),
        f if f.starts_with("-S") || f == "--sync" => {
            if !root {
                return fail("error: you cannot perform this operation unless you are root.\n", 1);
            }
            sync(ctx, f, &names, no_confirm)
        }
        f if f.starts_with("-R") => {
            if !root {
                return fail("error: you cannot perform this operation unless you are root.\n", 1);
            }
            remove(ctx, &names)
        }
        f if f.starts_with("-Q") => query(ctx, &names),
        f => fail(format!("error: invalid option '{f}'\n"), 1),
    }
}

fn done(text: &str) -> Vec<Act> {
    vec![out(text)]
}

fn search(names: &[String]) -> Vec<Act> {
    let hit = |p: &&Package| names.iter().all(|n| p.name.contains(n.as_str()));
    let text: String = PACKAGES.iter().filter(hit).map(|p| format!("extra/{} {}\n", p.name, p.version)).collect();
    let code = i32::from(text.is_empty());
    vec![out(text), Act::Exit(code)]
}

fn query(ctx: &mut Ctx<'_>, names: &[String]) -> Vec<Act> {
    let has = |p: &&Package| programs::has_package(&ctx.machine.fs.root, p.name);
    if names.is_empty() {
        return vec![out(PACKAGES
            .iter()
            .filter(has)
            .map(|p| format!("{} {}\n", p.name, p.version))
            .collect::<String>())];
    }
    let mut acts = Vec::new();
    let mut code = 0;
    for name in names {
        match find(name).filter(has) {
            Some(p) => acts.push(out(format!("{} {}\n", p.name, p.version))),
            None => {
                acts.push(Act::Err(format!("error: package '{name}' was not found\n")));
                code = 1;
            }
        }
    }
    acts.push(Act::Exit(code));
    acts
}

fn sync(ctx: &mut Ctx<'_>, flags: &str, names: &[String], no_confirm: bool) -> Vec<Act> {
    let mut acts = Vec::new();
    if flags.contains('y') {
        acts.push(out(":: Synchronizing package databases...\n"));
        for repository in ["core", "extra"] {
            acts.extend([wait_ms(400), out(format!(" {repository} is up to date\n"))]);
        }
    }
    if flags.contains('u') {
        acts.push(out(":: Starting full system upgrade...\n"));
        if names.is_empty() {
            acts.push(out(" there is nothing to do\n"));
        }
    }
    if names.is_empty() {
        if acts.is_empty() {
            return fail("error: no targets specified (use -h for help)\n", 1);
        }
        return acts;
    }
    let unknown: Vec<&String> = names.iter().filter(|n| find(n).is_none()).collect();
    if !unknown.is_empty() {
        acts.push(Act::Err(unknown.iter().map(|n| format!("error: target not found: {n}\n")).collect()));
        acts.push(Act::Exit(1));
        return acts;
    }
    let mut wanted: Vec<&'static Package> = Vec::new();
    for p in names.iter().filter_map(|n| find(n)) {
        if programs::has_package(&ctx.machine.fs.root, p.name) {
            acts.push(Act::Err(format!("warning: {}-{} is up to date -- reinstalling\n", p.name, p.version)));
        }
        let needs = p.needs.iter().filter_map(|n| find(n));
        wanted.extend(needs.filter(|d| !programs::has_package(&ctx.machine.fs.root, d.name)));
        wanted.push(p);
    }
    wanted.dedup_by_key(|p| p.name);
    let list: Vec<String> = wanted.iter().map(|p| format!("{}-{}", p.name, p.version)).collect();
    let total = |size: fn(&Package) -> u32| {
        let sum: u32 = wanted.iter().map(|p| size(p)).sum();
        format!("{}.{}0 MiB", sum / 10, sum % 10)
    };
    acts.push(out(format!(
        "resolving dependencies...\nlooking for conflicting packages...\n\nPackages ({}) {}\n\nTotal Download Size:   {:>10}\n\
         Total Installed Size:  {:>10}\n\n",
        list.len(),
        list.join("  "),
        total(|p| p.download),
        total(|p| p.installed)
    )));
    let with = wanted.iter().map(|p| p.name).collect::<Vec<_>>().join(" ");
    let question = ":: Proceed with installation? [Y/n] ";
    if no_confirm {
        acts.extend([out(format!("{question}\n")), Act::Then(install, format!("{with}\n"))]);
    } else {
        acts.push(Act::Ask { prompt: question.into(), echo: true, then: install, with });
    }
    acts
}

/// `names\nanswer`
fn install(_: &mut Ctx<'_>, with: &str) -> Vec<Act> {
    let (names, answer) = with.split_once('\n').unwrap_or((with, ""));
    if !matches!(answer.trim(), "" | "y" | "Y" | "yes") {
        return vec![Act::Exit(1)];
    }
    let packages: Vec<&Package> = names.split(' ').filter_map(find).collect();
    let n = packages.len();
    let mut acts = vec![out(":: Retrieving packages...\n")];
    for p in &packages {
        // About 10 MiB a second.
        acts.extend([
            wait_ms(u64::from(p.download) * 10 + 80),
            out(format!(" {}-{}-x86_64 downloaded\n", p.name, p.version)),
        ]);
    }
    for what in [
        "checking keys in keyring",
        "checking package integrity",
        "loading package files",
        "checking for file conflicts",
    ] {
        acts.extend([wait_ms(120), out(format!("({n}/{n}) {what}\n"))]);
    }
    acts.push(out(":: Processing package changes...\n"));
    for (i, p) in packages.iter().enumerate() {
        acts.extend([
            wait_ms(u64::from(p.installed) * 3),
            out(format!("({}/{n}) installing {}\n", i + 1, p.name)),
            Act::Then(unpack, p.name.to_owned()),
        ]);
        if !p.optional.is_empty() {
            let list: String = p.optional.iter().map(|o| format!("    {o}\n")).collect();
            acts.push(out(format!("Optional dependencies for {}\n{list}", p.name)));
        }
    }
    let hooks: Vec<&str> =
        packages.iter().flat_map(|p| p.hooks.iter().copied()).chain(["Arming ConditionNeedsUpdate..."]).collect();
    acts.push(out(":: Running post-transaction hooks...\n"));
    for (i, hook) in hooks.iter().enumerate() {
        acts.extend([wait_ms(150), out(format!("({}/{}) {hook}\n", i + 1, hooks.len()))]);
    }
    acts
}

fn unpack(ctx: &mut Ctx<'_>, name: &str) -> Vec<Act> {
    programs::install_packages(&mut ctx.machine.fs.root, &[name]);
    if name == "docker" {
        // The package's own system group; who added it before by hand keeps his.
        laptop::add_group(ctx.machine, "docker", laptop::DOCKER_GID);
    }
    if let Some(outside) = outside::of(ctx.host) {
        outside.system.install(name);
    }
    Vec::new()
}

fn remove(ctx: &mut Ctx<'_>, names: &[String]) -> Vec<Act> {
    if let Some(unknown) = names.iter().find(|n| !programs::has_package(&ctx.machine.fs.root, n)) {
        return fail(format!("error: target not found: {unknown}\n"), 1);
    }
    let now = ctx.now();
    let n = names.len();
    let mut acts = vec![out("checking dependencies...\n\n"), out(":: Processing package changes...\n")];
    for (i, name) in names.iter().enumerate() {
        programs::remove_package(&mut ctx.machine.fs.root, name, now);
        acts.extend([wait_ms(200), out(format!("({}/{n}) removing {name}\n", i + 1))]);
    }
    acts
}
