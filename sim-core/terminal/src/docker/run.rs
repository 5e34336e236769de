//! `docker run`, `create`, `exec`, `attach`.

use super::engine::{Publish, Restart, RunSpec, StartError};
use super::images::{find, pull_then};
use super::{bad_flag, daemon, refused, usage};
use crate::outside;
use crate::play::{Act, Args, Flag, fail, out, parse, wait_ms};
use crate::relay::Relay;
use cluster::images::reference::Reference;
use machine::machine::Start;
use machine::process::Ctx;

const FLAGS: &[Flag] = &[
    ("detach", 'd', false),
    ("interactive", 'i', false),
    ("tty", 't', false),
    ("rm", '\0', false),
    ("publish", 'p', true),
    ("publish-all", 'P', false),
    ("env", 'e', true),
    ("volume", 'v', true),
    ("name", '\0', true),
    ("network", '\0', true),
    ("net", '\0', true),
    ("workdir", 'w', true),
    ("user", 'u', true),
    ("hostname", 'h', true),
    ("entrypoint", '\0', true),
    ("restart", '\0', true),
    ("label", 'l', true),
    ("memory", 'm', true),
    ("cpus", '\0', true),
    ("pull", '\0', true),
    ("platform", '\0', true),
    ("init", '\0', false),
    ("privileged", '\0', false),
    ("quiet", 'q', false),
    ("add-host", '\0', true),
    ("stop-signal", '\0', true),
];

pub fn run(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    begin(ctx, args, false)
}

pub fn create(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    begin(ctx, args, true)
}

/// What stands between looking for the image and starting the container, as text: one argument a line.
fn begin(ctx: &mut Ctx<'_>, args: &[String], only_create: bool) -> Vec<Act> {
    let name = if only_create { "create" } else { "run" };
    let parsed = match parse(FLAGS, args, true) {
        Ok(parsed) => parsed,
        Err(e) => return bad_flag(name, &e),
    };
    let Some(image) = parsed.words.first() else { return usage(name, "at least 1 argument") };
    let reference = match Reference::parse(image) {
        Ok(r) => r,
        Err(e) => return fail(format!("docker: {e}\n\nRun 'docker run --help' for more information\n"), 125),
    };
    if let Err(words) = spec(&parsed, &mut |_| Vec::new()) {
        return fail(format!("docker: {words}\n\nRun 'docker run --help' for more information\n"), 125);
    }
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return as_run(acts),
    };
    let with = format!("{}\u{1f}{}", if only_create { "create" } else { "run" }, args.join("\u{1f}"));
    if find(outside, image).is_some() && parsed.get("pull") != Some("always") {
        return vec![Act::Then(made, with)];
    }
    if parsed.get("pull") == Some("never") {
        return fail(format!("docker: Error response from daemon: No such image: {}\n", reference.familiar()), 125);
    }
    let mut acts = vec![Act::Err(format!("Unable to find image '{}' locally\n", reference.familiar()))];
    acts.extend(pull_then(&reference, made, with));
    acts
}

/// Failures to reach the daemon carry `docker: ` and another exit code under `docker run`.
fn as_run(acts: Vec<Act>) -> Vec<Act> {
    let tail = "\n\nRun 'docker run --help' for more information\n";
    let turn = |act| match act {
        Act::Err(text) => Act::Err(format!("docker: {}{tail}", text.trim_end())),
        Act::Exit(_) => Act::Exit(125),
        other => other,
    };
    acts.into_iter().map(turn).collect()
}

/// Reads the flags; `absolute` turns a source path of a bind mount into an absolute one.
fn spec(args: &Args<'_>, host_env: &mut dyn FnMut(&str) -> Vec<String>) -> Result<RunSpec, String> {
    let mut publish = Vec::new();
    for p in args.all("publish") {
        publish.push(published(p)?);
    }
    let mut env = Vec::new();
    for e in args.all("env") {
        match e.split_once('=') {
            Some((n, v)) => env.push((n.to_owned(), v.to_owned())),
            None => env.extend(host_env(e).into_iter().map(|v| (e.to_owned(), v))),
        }
    }
    let mut mounts = Vec::new();
    for v in args.all("volume") {
        let parts: Vec<&str> = v.split(':').collect();
        match parts.as_slice() {
            [target] => mounts.push((format!("anonymous-{}", mounts.len()), (*target).to_owned(), false)),
            [source, target] => mounts.push(((*source).to_owned(), (*target).to_owned(), false)),
            [source, target, mode] => {
                mounts.push(((*source).to_owned(), (*target).to_owned(), mode.split(',').any(|m| m == "ro")))
            }
            _ => return Err(format!("invalid spec: {v}: too many colons")),
        }
    }
    if let Some((_, target, _)) = mounts.iter().find(|(_, t, _)| !t.starts_with('/')) {
        return Err(format!(
            "Error response from daemon: invalid volume specification: invalid mount path: '{target}' mount path must be absolute"
        ));
    }
    let restart = match args.get("restart").unwrap_or("no").split(':').next() {
        Some("always") => Restart::Always,
        Some("unless-stopped") => Restart::UnlessStopped,
        Some("on-failure") => Restart::OnFailure,
        Some("no") => Restart::No,
        other => {
            return Err(format!(
                "Error response from daemon: invalid restart policy: unknown policy '{}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
                other.unwrap_or("")
            ));
        }
    };
    if restart != Restart::No && args.has("rm") {
        return Err("conflicting options: cannot specify both --restart and --rm".to_owned());
    }
    let text = |name: &str| args.get(name).unwrap_or_default().to_owned();
    Ok(RunSpec {
        name: text("name"),
        image: args.words.first().cloned().unwrap_or_default(),
        entrypoint: args.get("entrypoint").filter(|e| !e.is_empty()).map(|e| vec![e.to_owned()]).unwrap_or_default(),
        args: args.words.get(1..).unwrap_or_default().to_vec(),
        env,
        publish,
        mounts,
        tty: args.has("tty"),
        interactive: args.has("interactive"),
        remove: args.has("rm"),
        restart,
        network: args.get("network").or(args.get("net")).unwrap_or_default().to_owned(),
        workdir: text("workdir"),
        user: text("user"),
        hostname: text("hostname"),
        labels: args
            .all("label")
            .map(|l| l.split_once('=').unwrap_or((l, "")))
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect(),
    })
}

/// `8080:80`, `127.0.0.1:8080:80`, `80`
fn published(text: &str) -> Result<Publish, String> {
    let bare = text.strip_suffix("/tcp").unwrap_or(text);
    let number =
        |p: &str, what: &str| p.parse::<u16>().ok().filter(|n| *n > 0).ok_or_else(|| format!("invalid {what}: {p}"));
    let parts: Vec<&str> = bare.split(':').collect();
    let publish = |ip: &str, host: &str, port: &str| {
        let host_port = if host.is_empty() { 0 } else { number(host, "hostPort")? };
        Ok(Publish { host_ip: ip.to_owned(), host_port, port: number(port, "containerPort")? })
    };
    match parts.as_slice() {
        [port] => publish("0.0.0.0", "", port),
        [host, port] => publish("0.0.0.0", host, port),
        [ip, host, port] => publish(ip, host, port),
        _ => Err(format!("invalid publish specification: {text}")),
    }
}

/// The image is here: make and start the container.
fn made(ctx: &mut Ctx<'_>, with: &str) -> Vec<Act> {
    let mut parts = with.split('\u{1f}').map(str::to_owned);
    let only_create = parts.next().as_deref() == Some("create");
    let words: Vec<String> = parts.collect();
    let Ok(args) = parse(FLAGS, &words, true) else { return Vec::new() };
    let mut env_of = |name: &str| ctx.env(name).into_iter().collect();
    let Ok(mut spec) = spec(&args, &mut env_of) else { return Vec::new() };
    for (source, ..) in &mut spec.mounts {
        if source.starts_with('.') || source.starts_with('~') {
            *source = ctx.abs(source);
        }
    }
    let detached = args.has("detach");
    let (columns, rows) = ctx.term_size();
    if spec.tty && !detached && !only_create && !ctx.is_tty(0) {
        return fail("the input device is not a TTY\n", 1);
    }
    let (tty, interactive) = (spec.tty, spec.interactive);
    let laptop = ctx.machine.fs.clone();
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return as_run(acts),
    };
    let now = outside.now;
    let Some(image) = find(outside, &spec.image) else {
        return fail(format!("docker: Error response from daemon: No such image: {}\n", spec.image), 125);
    };
    if args.has("publish-all") {
        spec.publish.extend(image.config.ports.iter().map(|p| Publish {
            host_ip: "0.0.0.0".into(),
            host_port: 0,
            port: *p,
        }));
    }
    for i in 0..spec.publish.len() {
        if spec.publish[i].host_port == 0 {
            let taken = |p: u16| outside.docker.publisher(p).is_some() || spec.publish.iter().any(|x| x.host_port == p);
            spec.publish[i].host_port = (32768..61000).find(|p| !taken(*p)).unwrap_or(32768);
        }
    }
    let id = match outside.docker.create(spec, image, now) {
        Ok(id) => id,
        Err(words) => {
            return fail(
                format!(
                    "docker: Error response from daemon: {words}\n\nRun 'docker run --help' for more information\n"
                ),
                125,
            );
        }
    };
    if only_create {
        return vec![out(format!("{id}\n"))];
    }
    if let Err(e) = outside.docker.start(&id, Some(&laptop), (columns, rows), now) {
        let (words, code) = match e {
            StartError::Launch(e) => (e.docker(), e.exit_code()),
            StartError::Port(words) => (words, 125),
        };
        if outside.docker.get(&id).is_some_and(|c| c.spec.remove) {
            outside.docker.remove(&id);
        }
        let shown = if detached { format!("{id}\n") } else { String::new() };
        let text =
            format!("docker: Error response from daemon: {words}\n\nRun 'docker run --help' for more information\n");
        return vec![wait_ms(300), out(shown), Act::Err(text), Act::Exit(code)];
    }
    outside.docker_ports_changed();
    if detached {
        return vec![wait_ms(350), out(format!("{id}\n"))];
    }
    if let Some(c) = outside.docker.get_mut(&id) {
        c.watched += 1;
    }
    vec![wait_ms(350), Act::Become(Box::new(Relay::main(&id, interactive, tty, 0)))]
}

pub fn attach(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let [name] = args else { return usage("attach", "1 argument") };
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let Some(i) = outside.docker.find(name) else { return refused(format!("No such container: {name}")) };
    let c = &mut outside.docker.containers[i];
    if !c.running() {
        return fail("cannot attach to a stopped container, start it first\n", 1);
    }
    c.watched += 1;
    let relay = Relay::main(&c.id, c.spec.interactive, c.spec.tty, c.log.len());
    vec![Act::Become(Box::new(relay))]
}

pub fn exec(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    const FLAGS: &[Flag] = &[
        ("detach", 'd', false),
        ("interactive", 'i', false),
        ("tty", 't', false),
        ("env", 'e', true),
        ("workdir", 'w', true),
        ("user", 'u', true),
        ("privileged", '\0', false),
    ];
    let args = match parse(FLAGS, args, true) {
        Ok(args) => args,
        Err(e) => return bad_flag("exec", &e),
    };
    let [name, argv @ ..] = args.words.as_slice() else { return usage("exec", "at least 2 arguments") };
    if argv.is_empty() {
        return usage("exec", "at least 2 arguments");
    }
    let (tty, interactive) = (args.has("tty"), args.has("interactive"));
    if tty && !ctx.is_tty(0) {
        return fail("the input device is not a TTY\n", 1);
    }
    let size = ctx.term_size();
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let Some(i) = outside.docker.find(name) else { return refused(format!("No such container: {name}")) };
    let c = &outside.docker.containers[i];
    if !c.running() {
        return refused(format!("container {} is not running", c.id));
    }
    let env: Vec<(String, String)> =
        args.all("env").filter_map(|e| e.split_once('=')).map(|(n, v)| (n.into(), v.into())).collect();
    let cwd = args.get("workdir").map_or_else(|| c.workdir(), str::to_owned);
    match start_session(outside, i, argv, env, cwd, tty.then_some(size), interactive) {
        Ok(relay) => vec![wait_ms(60), Act::Become(Box::new(relay))],
        Err(words) => fail(format!("{words}\n"), 127),
    }
}

/// Starts a command in a running container.
fn start_session(
    outside: &mut outside::Outside,
    at: usize,
    argv: &[String],
    env: Vec<(String, String)>,
    cwd: String,
    tty: Option<(u16, u16)>,
    interactive: bool,
) -> Result<Relay, String> {
    let id = outside.docker.containers[at].id.clone();
    let has_shell = outside.docker.containers[at].image.os.has_shell();
    let name = argv.first().cloned().unwrap_or_default();
    let started = outside.with_machine(&id, |machine, _| {
        let tty = tty.map(|(columns, rows)| machine.new_tty(columns, rows));
        let mut all = (*machine.env).clone();
        all.extend(env);
        let start = Start {
            argv: argv.to_vec(),
            env: Some(std::sync::Arc::new(all)),
            cwd,
            tty,
            stdin: interactive,
            ..Start::default()
        };
        machine.spawn_session(start).map(|session| (session, tty))
    });
    let missing = || {
        let why = if name.contains('/') {
            format!("stat {name}: no such file or directory")
        } else {
            "executable file not found in $PATH".to_owned()
        };
        format!(
            "OCI runtime exec failed: exec failed: unable to start container process: exec: \"{name}\": {why}: unknown"
        )
    };
    match started {
        Some(Ok((session, tty))) => Ok(Relay::session(&id, session, tty, interactive, "")),
        Some(Err(_)) => Err(missing()),
        None if !has_shell => Err(missing()),
        None => Err(format!("Error response from daemon: container {id} is not running")),
    }
}

/// A shell on a node, for `minikube ssh`.
pub fn shell_on(
    outside: &mut outside::Outside,
    name: &str,
    argv: &[String],
    tty: Option<(u16, u16)>,
) -> Result<Relay, String> {
    let at = outside.docker.find(name).ok_or_else(|| format!("No such container: {name}"))?;
    let words = if argv.is_empty() { vec!["bash".to_owned(), "-l".to_owned()] } else { argv.to_vec() };
    start_session(outside, at, &words, Vec::new(), "/home/docker".to_owned(), tty, true)
}
