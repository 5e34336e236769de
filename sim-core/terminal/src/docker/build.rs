//! `docker build`: reads the context and the Dockerfile, runs the steps in throw-away containers, keeps the image.
//!
//! Models: BuildKit's `dockerfile` front end with the `docker` driver; its plain progress output.

use super::dockerfile::{self, Instruction};
use super::engine::container_machine;
use super::login::stored;
use super::{bad_flag, daemon};
use crate::outside::{self, Outside};
use crate::play::{Act, Flag, fail, parse};
use apimachinery::order::Order as _;
use apimachinery::time::{Duration, Time};
use cluster::images::image::{Config, File, FileBody, Image, Layer, digest_of};
use cluster::images::latency;
use cluster::images::reference::Reference;
use machine::fs::{Body, Cred, FsError, Node};
use machine::machine::{Machine, MachineState, SessionId, Start};
use machine::process::{Ctx, Process, Step, Wake};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of a build context at most.
const CONTEXT_BYTES_MAX: usize = 32 << 20;
const TURNS: u32 = 4096;
/// What a step costs besides what runs in it.
const STEP: Duration = Duration::from_millis(120);

pub fn build(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    const FLAGS: &[Flag] = &[
        ("tag", 't', true),
        ("file", 'f', true),
        ("no-cache", '\0', false),
        ("pull", '\0', false),
        ("quiet", 'q', false),
        ("build-arg", '\0', true),
        ("target", '\0', true),
        ("progress", '\0', true),
        ("platform", '\0', true),
        ("load", '\0', false),
        ("push", '\0', false),
        ("label", '\0', true),
    ];
    let args = match parse(FLAGS, args, false) {
        Ok(args) => args,
        Err(e) => return bad_flag("build", &e),
    };
    let [context] = args.words.as_slice() else {
        return fail(
            "ERROR: docker: 'docker buildx build' requires 1 argument\n\nUsage:  docker buildx build [OPTIONS] PATH | URL | -\n\n\
             Run 'docker buildx build --help' for more information\n",
            1,
        );
    };
    if let Err(acts) = daemon(ctx) {
        return match acts.first() {
            Some(Act::Err(text)) => fail(format!("ERROR: {text}"), 1),
            _ => acts,
        };
    }
    let mut tags = Vec::new();
    for tag in args.all("tag") {
        match Reference::parse(tag) {
            Ok(r) => tags.push(r),
            Err(e) => return fail(format!("ERROR: failed to build: invalid tag \"{tag}\": {e}\n"), 1),
        }
    }
    if context == "-" || context.contains("://") {
        return fail("ERROR: build contexts from standard input or a URL are not simulated\n", 1);
    }
    let root = ctx.abs(context);
    if !ctx.is_dir(&root) {
        return fail(format!("ERROR: failed to build: unable to prepare context: path \"{context}\" not found\n"), 1);
    }
    let file = args.get("file").map_or_else(|| format!("{}/Dockerfile", root.trim_end_matches('/')), |f| ctx.abs(f));
    let text = match ctx.read_file(&file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => {
            let shown = file.rsplit('/').next().unwrap_or_default();
            return fail(
                format!(
                    "ERROR: failed to build: failed to solve: failed to read dockerfile: open {shown}: no such file or directory\n"
                ),
                1,
            );
        }
    };
    let steps = match dockerfile::parse(&text) {
        Ok(steps) => steps,
        Err(p) => {
            let at = if p.line > 0 { format!("dockerfile parse error on line {}: ", p.line) } else { String::new() };
            return fail(format!("ERROR: failed to build: failed to solve: {at}{}\n", p.message), 1);
        }
    };
    let build_args: Vec<(String, String)> =
        args.all("build-arg").filter_map(|a| a.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    let files = match read_context(ctx, &root) {
        Ok(files) => files,
        Err(e) => return fail(format!("ERROR: failed to build: {}\n", e.message().to_lowercase()), 1),
    };
    let process = Build {
        total: steps.iter().filter(|s| counted(s)).count(),
        steps,
        at: 0,
        number: 0,
        tags,
        files,
        args: build_args,
        quiet: args.has("quiet"),
        no_cache: args.has("no-cache"),
        target: args.get("target").map(str::to_owned),
        stages: Vec::new(),
        stage: None,
        running: None,
        wait: None,
        vertex: 3,
        key: String::new(),
        sent: text.len(),
    };
    process.say(ctx, "#0 building with \"default\" instance using docker driver\n\n");
    process.say(ctx, &format!("#1 [internal] load build definition from Dockerfile\n#1 transferring dockerfile: {}B done\n#1 DONE 0.0s\n\n", process.sent));
    vec![Act::Become(Box::new(process))]
}

/// Instructions that make a step of the progress output.
fn counted(i: &Instruction) -> bool {
    matches!(i.name.as_str(), "FROM" | "RUN" | "COPY" | "ADD" | "WORKDIR")
}

/// The files of the context by relative path, less what `.dockerignore` names.
fn read_context(ctx: &Ctx<'_>, root: &str) -> Result<BTreeMap<String, Vec<u8>>, FsError> {
    let ignore = ctx.read_file(&format!("{root}/.dockerignore")).unwrap_or_default();
    let ignore: Vec<String> = String::from_utf8_lossy(&ignore)
        .lines()
        .map(|l| l.trim().trim_matches('/').to_owned())
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .collect();
    let mut out = BTreeMap::new();
    let mut queue = vec![String::new()];
    let mut bytes = 0;
    while let Some(directory) = queue.pop() {
        for name in ctx.list_dir(&format!("{root}/{directory}"))? {
            let path = if directory.is_empty() { name } else { format!("{directory}/{name}") };
            if ignore.iter().any(|i| path == *i || path.starts_with(&format!("{i}/"))) {
                continue;
            }
            let full = format!("{root}/{path}");
            if ctx.is_dir(&full) {
                queue.push(path);
            } else if let Ok(content) = ctx.read_file(&full) {
                bytes += content.len();
                if bytes > CONTEXT_BYTES_MAX {
                    return Err(FsError::NoSpace);
                }
                out.insert(path, content);
            }
        }
    }
    Ok(out)
}

/// One stage of the build: the image so far and a machine with its files.
#[derive(Clone)]
struct Stage {
    name: String,
    base: Arc<Image>,
    config: Config,
    layers: Vec<Layer>,
    machine: Box<Machine>,
    args: Vec<(String, String)>,
}

#[derive(Clone)]
struct Build {
    steps: Vec<Instruction>,
    at: usize,
    /// Steps of the progress output so far, and in all.
    number: usize,
    total: usize,
    tags: Vec<Reference>,
    files: BTreeMap<String, Vec<u8>>,
    args: Vec<(String, String)>,
    quiet: bool,
    no_cache: bool,
    target: Option<String>,
    stages: Vec<Stage>,
    stage: Option<Stage>,
    /// A RUN step under way: its session, when it began, its output's numbering.
    running: Option<(SessionId, Time)>,
    wait: Option<Time>,
    vertex: usize,
    /// What the image was made from so far: the key of the build cache.
    key: String,
    sent: usize,
}

/// What a step ends in when it cannot go on.
enum Halt {
    Fail(String),
    Wait(Time),
}

impl Process for Build {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if let Some(at) = self.wait {
            if ctx.now() < at {
                return Step::Wait(Wake::At(at));
            }
            self.wait = None;
        }
        let outcome = if self.running.is_some() { self.go_on(ctx) } else { self.next(ctx) };
        match outcome {
            Ok(true) => Step::Exit(0),
            Ok(false) => Step::Again,
            Err(Halt::Wait(at)) => {
                self.wait = Some(at);
                Step::Wait(Wake::At(at))
            }
            Err(Halt::Fail(words)) => {
                ctx.err(&format!("------\nERROR: failed to build: failed to solve: {words}\n"));
                Step::Exit(1)
            }
        }
    }
}

impl Build {
    fn say(&self, ctx: &mut Ctx<'_>, text: &str) {
        if !self.quiet {
            ctx.err(text);
        }
    }

    /// `${NAME}` and `$NAME` of arguments and environment.
    fn expand(&self, text: &str) -> String {
        let mut known: Vec<(&String, &String)> = self.args.iter().map(|(n, v)| (n, v)).collect();
        if let Some(stage) = &self.stage {
            known.extend(stage.args.iter().map(|(n, v)| (n, v)));
            known.extend(stage.config.env.iter().map(|(n, v)| (n, v)));
        }
        known.order_by_key(|(n, _)| std::cmp::Reverse(n.len()));
        known.iter().fold(text.to_owned(), |t, (n, v)| t.replace(&format!("${{{n}}}"), v).replace(&format!("${n}"), v))
    }

    fn next(&mut self, ctx: &mut Ctx<'_>) -> Result<bool, Halt> {
        let Some(instruction) = self.steps.get(self.at).cloned() else { return self.finish(ctx).map(|()| true) };
        self.at += 1;
        let rest = match instruction.name.as_str() {
            "RUN" | "CMD" | "ENTRYPOINT" => instruction.rest.clone(),
            _ => self.expand(&instruction.rest),
        };
        if instruction.name != "FROM" {
            self.key.push_str(&format!("\n{} {rest}", instruction.name));
        }
        if counted(&instruction) && instruction.name != "FROM" {
            self.number += 1;
            self.vertex += 1;
            self.say(ctx, &format!("#{} [{}/{}] {} {rest}\n", self.vertex, self.number, self.total, instruction.name));
        }
        match instruction.name.as_str() {
            "FROM" => return self.from(ctx, &rest).map(|()| false),
            "RUN" => return self.run(ctx, &rest).map(|()| false),
            "COPY" | "ADD" => {
                self.copy(&instruction, &rest)?;
                self.say(ctx, &format!("#{} DONE 0.0s\n\n", self.vertex));
                return Err(Halt::Wait(ctx.now() + STEP));
            }
            "WORKDIR" => {
                self.workdir(&rest);
                self.say(ctx, &format!("#{} DONE 0.0s\n\n", self.vertex));
            }
            name => self.configure(name, &rest),
        }
        Ok(false)
    }

    fn configure(&mut self, name: &str, rest: &str) {
        let given = self.args.clone();
        let Some(stage) = &mut self.stage else {
            if name == "ARG"
                && let Some((n, v)) = rest.split_once('=')
                && !given.iter().any(|(g, _)| g == n)
            {
                self.args.push((n.to_owned(), v.to_owned()));
            }
            return;
        };
        match name {
            "CMD" => stage.config.cmd = dockerfile::command(rest),
            "ENTRYPOINT" => {
                stage.config.entrypoint = dockerfile::command(rest);
                stage.config.cmd.clear();
            }
            "ENV" => {
                for (n, v) in dockerfile::pairs(rest) {
                    stage.config.env.retain(|(have, _)| *have != n);
                    stage.machine.set_env(&n, &v);
                    stage.config.env.push((n, v));
                }
            }
            "ARG" => {
                let (n, v) = rest.split_once('=').unwrap_or((rest, ""));
                if !given.iter().any(|(g, _)| g == n) {
                    stage.args.push((n.to_owned(), v.trim_matches('"').to_owned()));
                }
            }
            "EXPOSE" => {
                let ports = rest.split_whitespace().filter_map(|p| p.split('/').next()?.parse::<u16>().ok());
                stage.config.ports.extend(ports);
            }
            "LABEL" => stage.config.labels.extend(dockerfile::pairs(rest)),
            "USER" => stage.config.user = rest.to_owned(),
            "STOPSIGNAL" => stage.config.stop_signal = rest.to_owned(),
            "VOLUME" => stage.config.volumes.extend(dockerfile::words(rest.trim_matches(['[', ']', '"']))),
            _ => {}
        }
    }

    fn workdir(&mut self, rest: &str) {
        let Some(stage) = &mut self.stage else { return };
        let base = if stage.config.workdir.is_empty() { "/" } else { &stage.config.workdir };
        stage.config.workdir = machine::fs::absolute(base, rest);
        // It may be there already.
        let _ = stage.machine.fs.root.install_dir(&stage.config.workdir, 0o755, 0, 0);
    }

    fn from(&mut self, ctx: &mut Ctx<'_>, rest: &str) -> Result<(), Halt> {
        if let Some(stage) = self.stage.take() {
            let stop = self.target.as_deref() == Some(stage.name.as_str());
            self.stages.push(stage);
            if stop {
                self.at = self.steps.len();
                self.stage = self.stages.last().cloned();
                return Ok(());
            }
        }
        let words: Vec<&str> = rest.split_whitespace().collect();
        let image = words.first().copied().unwrap_or_default();
        let name = match words.as_slice() {
            [_, word, name] if word.eq_ignore_ascii_case("as") => (*name).to_owned(),
            _ => self.stages.len().to_string(),
        };
        if let Some(earlier) = self.stages.iter().find(|s| s.name == image) {
            self.stage = Some(Stage { name, ..earlier.clone() });
            return Ok(());
        }
        let (base, after) = if image == "scratch" { (scratch(), Duration::ZERO) } else { self.base(ctx, image)? };
        self.key = base.id.clone();
        self.number += 1;
        self.vertex += 1;
        self.say(
            ctx,
            &format!(
                "#{} [{}/{}] FROM {}@{}\n#{} DONE {:.1}s\n\n",
                self.vertex,
                self.number,
                self.total,
                full(image),
                base.digest,
                self.vertex,
                after.as_secs_f64()
            ),
        );
        let mut machine = container_machine(&base, "docker:build", "buildkitsandbox");
        for (n, v) in &base.config.env {
            machine.set_env(n, v);
        }
        self.stage = Some(Stage {
            name,
            config: base.config.clone(),
            layers: base.layers.clone(),
            machine: Box::new(machine),
            args: Vec::new(),
            base,
        });
        Err(Halt::Wait(ctx.now() + after + STEP))
    }

    /// The base image, from the store or a registry, and how long it takes to get.
    fn base(&mut self, ctx: &mut Ctx<'_>, name: &str) -> Result<(Arc<Image>, Duration), Halt> {
        let reference =
            Reference::parse(name).map_err(|e| Halt::Fail(format!("failed to parse stage name \"{name}\": {e}")))?;
        let credentials = stored(ctx, &reference.domain);
        self.say(ctx, &format!("#2 [internal] load metadata for {reference}\n#2 DONE 0.6s\n\n"));
        self.say(ctx, "#3 [internal] load .dockerignore\n#3 transferring context: 2B done\n#3 DONE 0.0s\n\n");
        let Some(outside) = outside::of(ctx.host) else { return Err(Halt::Fail("no daemon".into())) };
        if let Some(image) = outside.docker.images.get(&reference) {
            return Ok((image.clone(), Duration::ZERO));
        }
        let now = outside.now;
        match outside.registries.pull(&reference, credentials.as_ref(), now) {
            Ok(image) => {
                let bytes = outside.docker.images.missing_bytes(&image);
                Ok((image, latency::RESOLVE + latency::transfer(bytes, outside.registries.slowness(&reference.domain))))
            }
            Err(e) => {
                let words = e.cri(&reference);
                let why = words.rsplit_once("failed to resolve reference ").map_or(words.as_str(), |(_, r)| r);
                let why = why.split_once("\": ").map_or(why, |(_, r)| r);
                Err(Halt::Fail(format!("{name}: failed to resolve source metadata for {reference}: {why}")))
            }
        }
    }

    fn run(&mut self, ctx: &mut Ctx<'_>, rest: &str) -> Result<(), Halt> {
        let key = self.key.clone();
        let cached =
            outside::of(ctx.host).and_then(|o| o.docker.build_cache.get(&key).cloned()).filter(|_| !self.no_cache);
        let vertex = self.vertex;
        if let (Some(image), Some(stage)) = (cached, self.stage.as_mut()) {
            let config = stage.config.clone();
            *stage.machine = container_machine(&image, "docker:build", "buildkitsandbox");
            for (n, v) in &config.env {
                stage.machine.set_env(n, v);
            }
            stage.layers = image.layers.clone();
            self.say(ctx, &format!("#{vertex} CACHED\n\n"));
            return Ok(());
        }
        let Some(stage) = self.stage.as_mut() else { return Ok(()) };
        let argv = dockerfile::command(rest);
        let cwd = stage.config.workdir.clone();
        for (n, v) in stage.args.clone().iter().chain(&self.args) {
            stage.machine.set_env(n, v);
        }
        match stage.machine.spawn_session(Start { argv, cwd, ..Start::default() }) {
            Ok(session) => self.running = Some((session, ctx.now())),
            Err(_) => {
                return Err(Halt::Fail(format!(
                    "process \"/bin/sh -c {rest}\" did not complete successfully: exit code: 127"
                )));
            }
        }
        Ok(())
    }

    /// A RUN step has its turns.
    fn go_on(&mut self, ctx: &mut Ctx<'_>) -> Result<bool, Halt> {
        let (Some((session, began)), Some(mut stage)) = (self.running, self.stage.take()) else { return Ok(false) };
        let state = stage.machine.run(ctx.host, TURNS);
        let output = [stage.machine.take_stdout(session), stage.machine.take_stderr(session)].concat();
        let exit = stage.machine.exit_code(session);
        self.stage = Some(stage);
        let elapsed = ctx.now().since(began).as_secs_f64();
        for line in String::from_utf8_lossy(&output).lines() {
            self.say(ctx, &format!("#{} {elapsed:.3} {line}\n", self.vertex));
        }
        let Some(code) = exit else {
            return match state {
                MachineState::Busy => Ok(false),
                MachineState::Idle { until: Some(at), .. } => Err(Halt::Wait(at)),
                MachineState::Idle { .. } => Err(Halt::Wait(ctx.now() + Duration::from_secs(1))),
            };
        };
        self.running = None;
        let rest = self.steps.get(self.at - 1).map(|i| i.rest.clone()).unwrap_or_default();
        if code != 0 {
            self.say(
                ctx,
                &format!(
                    "#{} ERROR: process \"/bin/sh -c {rest}\" did not complete successfully: exit code: {code}\n",
                    self.vertex
                ),
            );
            return Err(Halt::Fail(format!(
                "process \"/bin/sh -c {rest}\" did not complete successfully: exit code: {code}"
            )));
        }
        self.say(ctx, &format!("#{} DONE {elapsed:.1}s\n\n", self.vertex));
        self.add_layer(&format!("RUN /bin/sh -c {rest} # buildkit"), 48_000);
        let snapshot = self.snapshot(ctx.now());
        if let (Some(image), Some(outside)) = (snapshot, outside::of(ctx.host)) {
            outside.docker.build_cache.insert(self.key.clone(), Arc::new(image));
        }
        Err(Halt::Wait(ctx.now() + STEP))
    }

    fn add_layer(&mut self, created_by: &str, size: u64) {
        let key = self.key.clone();
        if let Some(stage) = &mut self.stage {
            let digest = digest_of("layer", &format!("{key}{}", stage.layers.len()));
            stage.layers.push(Layer { digest, size, created_by: created_by.to_owned() });
        }
    }

    fn copy(&mut self, instruction: &Instruction, rest: &str) -> Result<(), Halt> {
        let words = match serde_json::from_str::<Vec<String>>(rest) {
            Ok(words) => words,
            Err(_) => dockerfile::words(rest),
        };
        let [sources @ .., target] = words.as_slice() else {
            return Err(Halt::Fail(format!("{} requires at least two arguments", instruction.name)));
        };
        let from = instruction.flags.iter().find(|(n, _)| n == "from").map(|(_, v)| v.clone());
        let Some(workdir) = self.stage.as_ref().map(|s| s.config.workdir.clone()) else { return Ok(()) };
        let absolute = machine::fs::absolute(if workdir.is_empty() { "/" } else { &workdir }, target);
        let into_dir = target.ends_with('/') || target == "." || sources.len() > 1;
        let mut bytes = 0u64;
        for source in sources {
            let files = match &from {
                Some(stage) => self.stage_files(stage, source)?,
                None => self.context_files(source),
            };
            if files.is_empty() {
                return Err(Halt::Fail(format!(
                    "failed to compute cache key: failed to calculate checksum of ref: \"/{}\": not found",
                    source.trim_start_matches("./")
                )));
            }
            let existing = self
                .stage
                .as_ref()
                .is_some_and(|s| s.machine.fs.stat(&Cred::ROOT, &absolute).is_ok_and(|s| s.is_dir()));
            for (relative, content) in files {
                let path = match relative.as_str() {
                    "" if into_dir || existing => {
                        format!("{}/{}", absolute.trim_end_matches('/'), source.rsplit('/').next().unwrap_or_default())
                    }
                    "" => absolute.clone(),
                    relative => format!("{}/{relative}", absolute.trim_end_matches('/')),
                };
                bytes += content.len() as u64;
                self.key.push_str(&format!("{path}{}", apimachinery::rng::fnv64(&content)));
                if let Some(stage) = &mut self.stage {
                    let done = stage.machine.fs.root.install(&path, 0o755, content);
                    done.map_err(|e| Halt::Fail(format!("failed to copy files: {}", e.message().to_lowercase())))?;
                }
            }
        }
        self.add_layer(&format!("{} {rest} # buildkit", instruction.name), bytes.max(120));
        Ok(())
    }

    /// Files of the context under a source: (path below it, content); an empty path is the source itself.
    fn context_files(&self, source: &str) -> Vec<(String, Vec<u8>)> {
        let source = source.trim_start_matches("./").trim_matches('/');
        let source = if source == "." { "" } else { source };
        if let Some((head, tail)) = source.split_once('*') {
            let hits = self.files.iter().filter(|(p, _)| {
                p.starts_with(head)
                    && p.ends_with(tail)
                    && p.len() >= head.len() + tail.len()
                    && !p[head.len()..].contains('/')
            });
            return hits.map(|(p, c)| (p.rsplit('/').next().unwrap_or_default().to_owned(), c.clone())).collect();
        }
        if let Some(content) = self.files.get(source) {
            return vec![(String::new(), content.clone())];
        }
        let prefix = if source.is_empty() { String::new() } else { format!("{source}/") };
        self.files.iter().filter_map(|(p, c)| Some((p.strip_prefix(&prefix)?.to_owned(), c.clone()))).collect()
    }

    fn stage_files(&self, stage: &str, source: &str) -> Result<Vec<(String, Vec<u8>)>, Halt> {
        let found = self.stages.iter().find(|s| s.name == stage);
        let Some(stage) = found else {
            return Err(Halt::Fail(format!(
                "{stage}: copying from images that are not stages of this build is not simulated"
            )));
        };
        let mut out = Vec::new();
        let mut queue = vec![(source.trim_end_matches('/').to_owned(), String::new())];
        while let Some((path, relative)) = queue.pop() {
            if let Ok(bytes) = stage.machine.fs.read(&Cred::ROOT, &path) {
                out.push((relative, bytes.to_vec()));
                continue;
            }
            for (name, _) in stage.machine.fs.list(&Cred::ROOT, &path).unwrap_or_default() {
                let below = if relative.is_empty() { name.clone() } else { format!("{relative}/{name}") };
                queue.push((format!("{path}/{name}"), below));
            }
        }
        Ok(out)
    }

    /// The image that the present stage amounts to.
    fn snapshot(&self, now: Time) -> Option<Image> {
        let stage = self.stage.as_ref()?;
        let mut files = Vec::new();
        let mut queue = vec![(String::new(), stage.machine.fs.root.root())];
        while let Some((path, node)) = queue.pop() {
            collect(&path, node, &mut files, &mut queue);
        }
        files.order_by(|a, b| a.path.cmp(&b.path));
        Some(stage.base.derive(stage.config.clone(), files, stage.layers.clone(), now))
    }

    fn finish(&mut self, ctx: &mut Ctx<'_>) -> Result<(), Halt> {
        let Some(image) = self.snapshot(ctx.now()) else {
            return Err(Halt::Fail("no build stage in current context".into()));
        };
        self.vertex += 1;
        let v = self.vertex;
        self.say(
            ctx,
            &format!("#{v} exporting to image\n#{v} exporting layers done\n#{v} writing image {} done\n", image.id),
        );
        for tag in self.tags.clone() {
            self.say(ctx, &format!("#{v} naming to {tag} done\n"));
        }
        self.say(ctx, &format!("#{v} DONE 0.1s\n"));
        if self.quiet {
            ctx.out(&format!("{}\n", image.id));
        }
        let image = Arc::new(image);
        let Some(outside) = outside::of(ctx.host) else { return Ok(()) };
        keep(outside, &self.tags, image);
        Ok(())
    }
}

fn keep(outside: &mut Outside, tags: &[Reference], image: Arc<Image>) {
    for tag in tags {
        outside.docker.images.insert(tag, image.clone());
    }
    if tags.is_empty() {
        outside.docker.images.keep_unnamed(image);
    }
}

fn collect<'a>(path: &str, node: &'a Node, files: &mut Vec<File>, queue: &mut Vec<(String, &'a Node)>) {
    match &node.body {
        Body::Dir(entries) => {
            if !path.is_empty() {
                files.push(File { path: path.to_owned(), mode: u32::from(node.meta.mode), body: FileBody::Directory });
            }
            queue.extend(entries.iter().map(|(name, node)| (format!("{path}/{name}"), node)));
        }
        Body::File(bytes) => {
            let body = FileBody::Bytes(bytes.as_slice().into());
            files.push(File { path: path.to_owned(), mode: u32::from(node.meta.mode), body });
        }
        Body::Link(to) => files.push(File::link(path, &**to)),
        Body::Device(_) | Body::Program(_) => {}
    }
}

fn full(image: &str) -> String {
    Reference::parse(image).map_or_else(|_| image.to_owned(), |r| r.to_string())
}

/// `FROM scratch`: nothing.
fn scratch() -> Arc<Image> {
    Arc::new(Image {
        id: digest_of("config", "scratch"),
        digest: digest_of("manifest", "scratch"),
        os: cluster::images::os::Os::Scratch,
        config: Config::default(),
        layers: Vec::new(),
        files: Vec::new(),
        software: &cluster::images::catalog::NO_SOFTWARE,
        version: String::new(),
        created: Time::START,
    })
}
