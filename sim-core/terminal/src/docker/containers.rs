//! `docker ps`, `stop`, `start`, `restart`, `kill`, `rm`, `logs`, `wait`, `port`, `rename`, `container prune`.

use super::engine::{Container, STOP_GRACE, StartError, State, ago};
use super::images::columns;
use super::{bad_flag, daemon, refused, usage};
use crate::outside;
use crate::play::{Act, Flag, fail, out, parse};
use apimachinery::time::Duration;
use machine::process::{Ctx, Process, Step, Wake};

pub fn ps(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    const FLAGS: &[Flag] = &[
        ("all", 'a', false),
        ("quiet", 'q', false),
        ("no-trunc", '\0', false),
        ("latest", 'l', false),
        ("size", 's', false),
        ("filter", 'f', true),
        ("format", '\0', true),
        ("last", 'n', true),
    ];
    let args = match parse(FLAGS, args, false) {
        Ok(args) => args,
        Err(e) => return bad_flag("ps", &e),
    };
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let now = outside.now;
    let filters: Vec<(String, String)> =
        args.all("filter").filter_map(|f| f.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    let wanted = |c: &&Container| {
        (args.has("all") || args.has("latest") || c.running())
            && filters.iter().all(|(n, v)| match n.as_str() {
                "name" => c.spec.name.contains(v.as_str()),
                "status" => c.state_word() == v,
                "ancestor" => c.spec.image.split(':').next() == Some(v) || c.spec.image == *v,
                _ => true,
            })
    };
    let mut list: Vec<&Container> = outside.docker.containers.iter().rev().filter(wanted).collect();
    if args.has("latest") {
        list.truncate(1);
    }
    let id = |c: &Container| if args.has("no-trunc") { c.id.clone() } else { c.id[..12].to_owned() };
    if args.has("quiet") {
        return vec![out(list.iter().map(|c| format!("{}\n", id(c))).collect::<String>())];
    }
    if let Some(format) = args.get("format") {
        let render = |c: &&Container| {
            let fields = [
                ("{{.ID}}", id(c)),
                ("{{.Names}}", c.spec.name.clone()),
                ("{{.Image}}", c.spec.image.clone()),
                ("{{.Status}}", c.status(now)),
                ("{{.Ports}}", ports(c)),
                ("{{.State}}", c.state_word().to_owned()),
            ];
            fields.iter().fold(format.to_owned(), |t, (name, value)| t.replace(name, value)) + "\n"
        };
        return vec![out(list.iter().map(render).collect::<String>())];
    }
    let mut rows =
        vec![["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"].map(str::to_owned).to_vec()];
    for c in list {
        let mut command = c.argv.join(" ");
        if !args.has("no-trunc") && command.chars().count() > 20 {
            command = command.chars().take(19).chain(['…']).collect();
        }
        let created = format!("{} ago", ago(now.since(c.created)));
        rows.push(vec![
            id(c),
            c.spec.image.clone(),
            format!("\"{command}\""),
            created,
            c.status(now),
            ports(c),
            c.spec.name.clone(),
        ]);
    }
    vec![out(columns(&rows))]
}

/// `0.0.0.0:8080->80/tcp, [::]:8080->80/tcp`
fn ports(c: &Container) -> String {
    if !c.running() {
        return String::new();
    }
    let mut out: Vec<String> = Vec::new();
    for p in &c.spec.publish {
        out.push(format!("{}:{}->{}/tcp", p.host_ip, p.host_port, p.port));
        if p.host_ip == "0.0.0.0" {
            out.push(format!("[::]:{}->{}/tcp", p.host_port, p.port));
        }
    }
    let bare = c.image.config.ports.iter().filter(|p| !c.spec.publish.iter().any(|x| x.port == **p));
    out.extend(bare.map(|p| format!("{p}/tcp")));
    out.join(", ")
}

impl Container {
    pub fn state_word(&self) -> &'static str {
        match self.state {
            State::Created => "created",
            State::Running { .. } => "running",
            State::Exited { .. } => "exited",
        }
    }
}

/// Runs `act` on each named container; prints the names that went well.
fn each(
    ctx: &mut Ctx<'_>,
    command: &str,
    words: &[String],
    mut act: impl FnMut(&mut outside::Outside, usize) -> Result<(), String>,
) -> Vec<Act> {
    if words.is_empty() {
        return usage(command, "at least 1 argument");
    }
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let mut acts = Vec::new();
    let mut code = 0;
    for name in words {
        let result = match outside.docker.find(name) {
            Some(i) => act(outside, i),
            None => Err(format!("No such container: {name}")),
        };
        match result {
            Ok(()) => acts.push(out(format!("{name}\n"))),
            Err(words) => {
                acts.push(Act::Err(format!("Error response from daemon: {words}\n")));
                code = 1;
            }
        }
    }
    outside.docker_ports_changed();
    acts.push(Act::Exit(code));
    acts
}

/// Waits until the container has ended, then goes on with the rest of the command line.
#[derive(Clone)]
struct Stopping {
    ids: Vec<(String, String)>,
    failed: bool,
    /// Start them again afterwards.
    restart: bool,
}

impl Process for Stopping {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        loop {
            let Some((name, id)) = self.ids.first().cloned() else { return Step::Exit(i32::from(self.failed)) };
            let laptop = self.restart.then(|| ctx.machine.fs.clone());
            let Some(outside) = outside::of(ctx.host) else { return Step::Exit(1) };
            let now = outside.now;
            if outside.docker.get(&id).is_some_and(Container::running) {
                return Step::Wait(Wake::World { until: outside.docker.next_due() });
            }
            if let Some(laptop) = laptop
                && let Err(StartError::Port(words)) = outside.docker.start(&id, Some(&laptop), (80, 24), now)
            {
                ctx.err(&format!("Error response from daemon: Cannot restart container {name}: {words}\n"));
                self.failed = true;
            } else {
                ctx.out(&format!("{name}\n"));
            }
            self.ids.remove(0);
        }
    }
}

fn stop_all(ctx: &mut Ctx<'_>, command: &str, args: &[String], restart: bool) -> Vec<Act> {
    const FLAGS: &[Flag] = &[("time", 't', true), ("timeout", '\0', true), ("signal", 's', true)];
    let args = match parse(FLAGS, args, false) {
        Ok(args) => args,
        Err(e) => return bad_flag(command, &e),
    };
    if args.words.is_empty() {
        return usage(command, "at least 1 argument");
    }
    let grace =
        args.get("time").or(args.get("timeout")).and_then(|t| t.parse().ok()).map_or(STOP_GRACE, Duration::from_secs);
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let now = outside.now;
    let mut acts = Vec::new();
    let mut process = Stopping { ids: Vec::new(), failed: false, restart };
    for name in &args.words {
        match outside.docker.find(name) {
            Some(i) => {
                let c = &mut outside.docker.containers[i];
                c.stop(grace, now);
                process.ids.push((name.clone(), c.id.clone()));
            }
            None => {
                acts.push(Act::Err(format!("Error response from daemon: No such container: {name}\n")));
                process.failed = true;
            }
        }
    }
    acts.push(Act::Become(Box::new(process)));
    acts
}

pub fn stop(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    stop_all(ctx, "stop", args, false)
}

pub fn restart(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    stop_all(ctx, "restart", args, true)
}

pub fn start(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let words: Vec<String> = args.iter().filter(|a| !a.starts_with('-')).cloned().collect();
    let laptop = ctx.machine.fs.clone();
    each(ctx, "start", &words, |outside, i| {
        let (id, now) = (outside.docker.containers[i].id.clone(), outside.now);
        if outside.docker.containers[i].running() {
            return Ok(());
        }
        outside.docker.start(&id, Some(&laptop), (80, 24), now).map_err(|e| match e {
            StartError::Launch(e) => e.docker(),
            StartError::Port(words) => words,
        })
    })
}

pub fn kill(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let words: Vec<String> = args.iter().filter(|a| !a.starts_with('-')).cloned().collect();
    each(ctx, "kill", &words, |outside, i| {
        let now = outside.now;
        let c = &mut outside.docker.containers[i];
        if !c.running() {
            return Err(format!("cannot kill container: {}: container {} is not running", c.spec.name, c.id));
        }
        c.kill(now);
        outside.docker.revision += 1;
        Ok(())
    })
}

pub fn rm(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    const FLAGS: &[Flag] = &[("force", 'f', false), ("volumes", 'v', false), ("link", 'l', false)];
    let args = match parse(FLAGS, args, false) {
        Ok(args) => args,
        Err(e) => return bad_flag("rm", &e),
    };
    let force = args.has("force");
    each(ctx, "rm", &args.words, |outside, i| {
        let now = outside.now;
        let c = &mut outside.docker.containers[i];
        if c.running() {
            if !force {
                return Err(format!(
                    "cannot remove container \"{}\": container is running: stop the container before removing or force remove",
                    c.spec.name
                ));
            }
            c.kill(now);
        }
        let id = c.id.clone();
        outside.docker.remove(&id);
        Ok(())
    })
}

pub fn prune(ctx: &mut Ctx<'_>, _args: &[String]) -> Vec<Act> {
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let ids: Vec<String> = outside.docker.containers.iter().filter(|c| !c.running()).map(|c| c.id.clone()).collect();
    let mut text = if ids.is_empty() { String::new() } else { "Deleted Containers:\n".to_owned() };
    for id in &ids {
        text.push_str(&format!("{id}\n"));
        outside.docker.remove(id);
    }
    vec![out(format!("{text}\nTotal reclaimed space: 0B\n"))]
}

pub fn rename(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let [old, new] = args else { return usage("rename", "2 arguments") };
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    if outside.docker.find(new).is_some() {
        return refused(format!(
            "Error when allocating new name: Conflict. The container name \"/{new}\" is already in use"
        ));
    }
    match outside.docker.find(old) {
        Some(i) => {
            outside.docker.containers[i].spec.name = new.clone();
            Vec::new()
        }
        None => refused(format!("No such container: {old}")),
    }
}

pub fn port(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let Some(name) = args.first() else { return usage("port", "at least 1 argument") };
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let Some(i) = outside.docker.find(name) else { return refused(format!("No such container: {name}")) };
    let c = &outside.docker.containers[i];
    let text: String =
        c.spec.publish.iter().map(|p| format!("{}/tcp -> {}:{}\n", p.port, p.host_ip, p.host_port)).collect();
    vec![out(text)]
}

pub fn logs(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    const FLAGS: &[Flag] = &[
        ("follow", 'f', false),
        ("timestamps", 't', false),
        ("tail", 'n', true),
        ("since", '\0', true),
        ("until", '\0', true),
        ("details", '\0', false),
    ];
    let args = match parse(FLAGS, args, false) {
        Ok(args) => args,
        Err(e) => return bad_flag("logs", &e),
    };
    let [name] = args.words.as_slice() else { return usage("logs", "1 argument") };
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let Some(i) = outside.docker.find(name) else { return refused(format!("No such container: {name}")) };
    let c = &outside.docker.containers[i];
    let tail = args.get("tail").and_then(|t| t.parse::<usize>().ok()).unwrap_or(usize::MAX);
    let shown = c.log.len().saturating_sub(tail);
    vec![Act::Become(Box::new(Logs {
        id: c.id.clone(),
        shown,
        follow: args.has("follow"),
        stamps: args.has("timestamps"),
    }))]
}

#[derive(Clone)]
struct Logs {
    id: String,
    shown: usize,
    follow: bool,
    stamps: bool,
}

impl Process for Logs {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let Some(c) = outside::of(ctx.host).and_then(|o| o.docker.get(&self.id)) else { return Step::Exit(0) };
        let stamp =
            |at: apimachinery::time::Time| if self.stamps { format!("{} ", at.rfc3339_micro()) } else { String::new() };
        let lines: Vec<(bool, String)> =
            c.log.iter().skip(self.shown).map(|l| (l.stderr, format!("{}{}\n", stamp(l.at), l.text))).collect();
        self.shown = c.log.len();
        let over = !self.follow || !c.running();
        for (stderr, line) in lines {
            if stderr { ctx.err(&line) } else { ctx.out(&line) }
        }
        if over { Step::Exit(0) } else { Step::Wait(Wake::World { until: None }) }
    }
}

pub fn wait(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    if args.is_empty() {
        return usage("wait", "at least 1 argument");
    }
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    match args
        .iter()
        .map(|n| outside.docker.find(n).map(|i| outside.docker.containers[i].id.clone()).ok_or(n))
        .collect::<Result<Vec<_>, _>>()
    {
        Ok(ids) => vec![Act::Become(Box::new(Waiting { ids }))],
        Err(name) => fail(format!("Error response from daemon: No such container: {name}\n"), 1),
    }
}

#[derive(Clone)]
struct Waiting {
    ids: Vec<String>,
}

impl Process for Waiting {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        while let Some(id) = self.ids.first().cloned() {
            let state = outside::of(ctx.host).and_then(|o| o.docker.get(&id)).map(|c| c.state.clone());
            match state {
                Some(State::Exited { code, .. }) => ctx.out(&format!("{code}\n")),
                None => ctx.out("0\n"),
                Some(_) => return Step::Wait(Wake::World { until: None }),
            }
            self.ids.remove(0);
        }
        Step::Exit(0)
    }
}
