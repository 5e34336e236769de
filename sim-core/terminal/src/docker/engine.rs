//! The docker daemon: its images, containers, networks and volumes, and what of them is due when.
//!
//! A container is an image's process (a [`NativeProcess`]) or a command in the container's own small machine.
//! Models: dockerd with containerd. Not here: how the commands print, which is in the command's own file.

use apimachinery::rng::Rng;
use apimachinery::time::{Duration, Time};
use cluster::images::image::Image;
use cluster::images::launch::{Launch, LaunchError, LaunchRequest, launch};
use cluster::images::os::Os;
use cluster::images::process::{LogLine, NativeProcess, Signal, Tcp};
use cluster::images::store::Store;
use cluster::images::unpack::FsFiles;
use machine::fs::{Cred, Fs, Volume};
use machine::machine::{Machine, MachineState, Personality, SessionId, ShellKind, Start, Tools, TtyId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of one container's writable layer.
const LAYER_BYTES: u64 = 64 << 20;
/// Lines of log kept for each container.
const LOG_LINES_MAX: usize = 20_000;
/// How long `docker stop` waits before it kills.
pub const STOP_GRACE: Duration = Duration::from_secs(10);
/// Containers one daemon holds.
const CONTAINERS_MAX: usize = 256;

#[derive(Clone)]
pub struct Engine {
    pub images: Store,
    /// In the order they were made.
    pub containers: Vec<Container>,
    pub networks: Vec<Network>,
    /// Named volumes with their files.
    pub volumes: BTreeMap<String, Volume>,
    /// Sources of `docker build`, so that a step done before is not done again.
    pub build_cache: BTreeMap<String, Arc<Image>>,
    seed: u64,
    made: u64,
    /// Grows with every change that somebody outside could wait for.
    pub revision: u64,
}

#[derive(Clone, Debug)]
pub struct Network {
    pub id: String,
    pub name: String,
    pub driver: &'static str,
    /// `172.17`
    pub prefix: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    pub host_ip: String,
    pub host_port: u16,
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Created,
    Running { since: Time },
    Exited { code: i32, at: Time },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    #[default]
    No,
    Always,
    UnlessStopped,
    OnFailure,
}

/// What `docker run` was told.
#[derive(Clone, Debug, Default)]
pub struct RunSpec {
    pub name: String,
    /// As typed: `nginx`.
    pub image: String,
    pub entrypoint: Vec<String>,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    pub publish: Vec<Publish>,
    /// (source: a volume's name or a path of the laptop, path in the container, read-only)
    pub mounts: Vec<(String, String, bool)>,
    pub tty: bool,
    pub interactive: bool,
    pub remove: bool,
    pub restart: Restart,
    pub network: String,
    pub workdir: String,
    pub user: String,
    pub hostname: String,
    pub labels: Vec<(String, String)>,
}

#[derive(Clone)]
pub struct Container {
    pub id: String,
    pub spec: RunSpec,
    pub image: Arc<Image>,
    pub argv: Vec<String>,
    pub created: Time,
    pub state: State,
    pub ip: String,
    pub log: Vec<LogLine>,
    /// The part of a line that has no end yet, for each stream.
    partial: [Vec<u8>; 2],
    pub native: Option<Box<NativeProcess>>,
    then: Option<Box<NativeProcess>>,
    /// Taken out while it runs.
    pub machine: Option<Box<Machine>>,
    pub main: Option<SessionId>,
    pub tty: Option<TtyId>,
    /// Output of a container with a terminal, for whoever is attached.
    pub screen: Vec<u8>,
    wake: Option<Time>,
    busy: bool,
    kill_at: Option<Time>,
    stopped_by_hand: bool,
    pub restarts: u32,
    /// Made by minikube: a node, shown but not run from here.
    pub node: bool,
    /// How many programs still read what it prints.
    pub watched: u32,
}

impl Engine {
    pub fn new(seed: u64) -> Self {
        let network = |name: &str, driver, prefix: &str| Network {
            id: hex(&mut Rng::derive(seed, "docker-network", name, 0), 64),
            name: name.to_owned(),
            driver,
            prefix: prefix.to_owned(),
        };
        Self {
            images: Store::default(),
            containers: Vec::new(),
            networks: vec![
                network("bridge", "bridge", "172.17.0"),
                network("host", "host", ""),
                network("none", "null", ""),
            ],
            volumes: BTreeMap::new(),
            build_cache: BTreeMap::new(),
            seed,
            made: 0,
            revision: 0,
        }
    }

    pub fn hex(&mut self, purpose: &str, len: usize) -> String {
        self.made += 1;
        hex(&mut Rng::derive(self.seed, purpose, "docker", self.made), len)
    }

    /// A container by name, id or the start of its id.
    pub fn find(&self, key: &str) -> Option<usize> {
        let by_name = self.containers.iter().position(|c| c.spec.name == key || c.id == key);
        by_name.or_else(|| {
            let mut hits = self.containers.iter().enumerate().filter(|(_, c)| !key.is_empty() && c.id.starts_with(key));
            let first = hits.next()?;
            hits.next().is_none().then_some(first.0)
        })
    }

    pub fn get(&self, id: &str) -> Option<&Container> {
        self.containers.iter().find(|c| c.id == id)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut Container> {
        self.containers.iter_mut().find(|c| c.id == id)
    }

    /// A name nobody has: `brave_kepler`.
    fn invent_name(&mut self) -> String {
        const LEFT: [&str; 12] = [
            "brave", "calm", "clever", "eager", "gentle", "happy", "keen", "nifty", "quiet", "sharp", "vibrant", "wise",
        ];
        const RIGHT: [&str; 12] = [
            "hypatia",
            "archimedes",
            "curie",
            "euclid",
            "hopper",
            "kepler",
            "lovelace",
            "noether",
            "ptolemy",
            "thales",
            "turing",
            "zeno",
        ];
        loop {
            self.made += 1;
            let mut rng = Rng::derive(self.seed, "docker-name", "docker", self.made);
            let mut name = format!("{}_{}", LEFT[rng.below(12) as usize], RIGHT[rng.below(12) as usize]);
            if self.made > 100 {
                name.push_str(&self.made.to_string());
            }
            if self.find(&name).is_none() {
                return name;
            }
        }
    }

    /// Makes a container; the error is the daemon's.
    pub fn create(&mut self, mut spec: RunSpec, image: Arc<Image>, now: Time) -> Result<String, String> {
        if self.containers.len() >= CONTAINERS_MAX {
            return Err("no space left on device".to_owned());
        }
        if let Some(i) = (!spec.name.is_empty()).then(|| self.find(&spec.name)).flatten() {
            return Err(format!(
                "Conflict. The container name \"/{}\" is already in use by container \"{}\". You have to remove (or rename) that container \
                 to be able to reuse that name.",
                spec.name, self.containers[i].id
            ));
        }
        if spec.network.is_empty() {
            spec.network = "bridge".to_owned();
        }
        let Some(network) = self.networks.iter().find(|n| n.name == spec.network || n.id.starts_with(&spec.network))
        else {
            return Err(format!("network {} not found", spec.network));
        };
        let prefix = network.prefix.clone();
        let taken = |last: u32| self.containers.iter().any(|c| c.ip == format!("{prefix}.{last}"));
        let last = (2..250).find(|n| !taken(*n)).unwrap_or(250);
        let ip = if prefix.is_empty() { String::new() } else { format!("{prefix}.{last}") };
        let id = self.hex("container", 64);
        if spec.name.is_empty() {
            spec.name = self.invent_name();
        }
        if spec.hostname.is_empty() {
            spec.hostname = id[..12].to_owned();
        }
        for (source, ..) in spec.mounts.iter().filter(|(s, ..)| !s.starts_with('/')) {
            self.volumes.entry(source.clone()).or_insert_with(|| Volume::new(LAYER_BYTES));
        }
        let argv = cluster::images::launch::argv(&image, &spec.entrypoint, &spec.args);
        self.containers.push(Container {
            id: id.clone(),
            spec,
            image,
            argv,
            created: now,
            state: State::Created,
            ip,
            log: Vec::new(),
            partial: [Vec::new(), Vec::new()],
            native: None,
            then: None,
            machine: None,
            main: None,
            tty: None,
            screen: Vec::new(),
            wake: None,
            busy: false,
            kill_at: None,
            stopped_by_hand: false,
            restarts: 0,
            node: false,
            watched: 0,
        });
        self.revision += 1;
        Ok(id)
    }

    /// A cluster's node: a container whose processes are the cluster's own business.
    pub fn add_node(&mut self, spec: RunSpec, image: Arc<Image>, ip: &str, now: Time) {
        let name = spec.name.clone();
        let Ok(id) = self.create(spec, image, now) else { return };
        let Some(at) = self.containers.iter().position(|c| c.id == id) else { return };
        let machine = self.machine_for(at, None, now);
        let c = &mut self.containers[at];
        c.machine = Some(Box::new(machine));
        c.ip = ip.to_owned();
        c.spec.network = name;
        c.node = true;
        c.state = State::Running { since: now };
        c.argv = vec!["/usr/local/bin/entrypoint".into(), "/sbin/init".into()];
    }

    /// Nodes of a cluster that was stopped.
    pub fn restart_nodes(&mut self, cluster: &str, now: Time) {
        let prefix = format!("{cluster}-m");
        for c in self
            .containers
            .iter_mut()
            .filter(|c| c.node && (c.spec.name == cluster || c.spec.name.starts_with(&prefix)))
        {
            c.state = State::Running { since: now };
        }
        self.revision += 1;
    }

    /// Who has published a port of the laptop.
    pub fn publisher(&self, port: u16) -> Option<&Container> {
        self.containers.iter().find(|c| c.running() && c.spec.publish.iter().any(|p| p.host_port == port))
    }

    /// Starts a container that was made; `laptop` lends the files of bind mounts.
    pub fn start(&mut self, id: &str, laptop: Option<&Fs>, size: (u16, u16), now: Time) -> Result<(), StartError> {
        let Some(at) = self.containers.iter().position(|c| c.id == id) else { return Ok(()) };
        let ports: Vec<Publish> = self.containers[at].spec.publish.clone();
        for p in &ports {
            if let Some(other) = self.publisher(p.host_port).filter(|c| c.id != id) {
                let endpoint = &self.containers[at].spec.name;
                let _ = other;
                return Err(StartError::Port(format!(
                    "failed to set up container networking: driver failed programming external connectivity on endpoint {endpoint} \
                     ({}): Bind for {}:{} failed: port is already allocated",
                    &self.containers[at].id, p.host_ip, p.host_port
                )));
            }
        }
        let mut machine = match self.containers[at].machine.take() {
            Some(machine) => machine,
            None => Box::new(self.machine_for(at, laptop, now)),
        };
        let container = &mut self.containers[at];
        container.spec.publish = ports;
        let outcome = container.launch(&mut machine, size, now);
        container.machine = Some(machine);
        self.revision += 1;
        outcome.map_err(StartError::Launch)
    }

    fn machine_for(&self, at: usize, laptop: Option<&Fs>, now: Time) -> Machine {
        let container = &self.containers[at];
        let mut machine =
            container_machine(&container.image, &format!("docker:{}", container.id), &container.spec.hostname);
        machine.booted = now;
        for (source, target, read_only) in &container.spec.mounts {
            let volume = match self.volumes.get(source) {
                Some(volume) => volume.clone(),
                None => laptop.map_or_else(|| Volume::new(LAYER_BYTES), |fs| borrow(fs, source)),
            };
            machine.fs.set_volume(source, volume);
            // A mount point that cannot be made leaves the path without the volume; nothing else breaks.
            let _ = machine.fs.mount(target, source, "", *read_only);
        }
        let hosts = format!("127.0.0.1\tlocalhost\n::1\tlocalhost\n{}\t{}\n", container.ip, container.spec.hostname);
        let _ = machine.fs.root.install("/etc/hosts", 0o644, hosts);
        let _ = machine.fs.root.install("/etc/hostname", 0o644, format!("{}\n", container.spec.hostname));
        let _ = machine.fs.root.install("/etc/resolv.conf", 0o644, "nameserver 192.168.1.1\n");
        for (name, value) in container.image.config.env.iter().chain(&container.spec.env) {
            machine.set_env(name, value);
        }
        machine.set_env("HOSTNAME", &container.spec.hostname);
        machine.set_env("HOME", "/root");
        if container.spec.tty {
            machine.set_env("TERM", "xterm");
        }
        machine
    }

    /// Takes a container away; its named volumes stay.
    pub fn remove(&mut self, id: &str) {
        self.save_volumes(id);
        self.containers.retain(|c| c.id != id);
        self.revision += 1;
    }

    /// Writes of a container to named volumes outlive it.
    fn save_volumes(&mut self, id: &str) {
        let Some(c) = self.containers.iter().find(|c| c.id == id) else { return };
        let Some(machine) = &c.machine else { return };
        for (source, ..) in &c.spec.mounts {
            if let (Some(stored), Some(used)) = (self.volumes.get_mut(source), machine.fs.volume(source)) {
                *stored = used.clone();
            }
        }
    }

    /// The next instant at which a container does something by itself.
    pub fn next_due(&self) -> Option<Time> {
        self.containers.iter().filter_map(|c| [c.wake, c.kill_at].into_iter().flatten().min()).min()
    }

    pub fn any_busy(&self) -> bool {
        self.containers.iter().any(|c| c.busy)
    }

    /// Ends what has run out of grace, restarts what is to be restarted, removes what is to be removed.
    pub fn tend(&mut self, now: Time) {
        let mut gone = Vec::new();
        let mut again = Vec::new();
        for c in &mut self.containers {
            if c.kill_at.is_some_and(|at| at <= now) && c.running() {
                c.kill(now);
                self.revision += 1;
            }
            c.poll_native(now);
            if let State::Exited { code, at } = c.state {
                if c.spec.remove {
                    gone.push(c.id.clone());
                } else if c.wants_restart(code) {
                    let wait = Duration::from_millis(100 << c.restarts.min(9));
                    match now.since(at) >= wait {
                        true => again.push(c.id.clone()),
                        false => c.wake = Some(at + wait),
                    }
                }
            }
        }
        for id in again {
            if let Some(c) = self.get_mut(&id) {
                c.restarts += 1;
                c.wake = None;
            }
            // A container that cannot start again stays as it ended.
            let _ = self.start(&id, None, (80, 24), now);
        }
        // Whoever is attached to a container reads its end before it goes.
        for id in gone {
            let read = self.get(&id).is_some_and(|c| c.screen.is_empty() && c.watched == 0);
            if read {
                self.remove(&id);
            }
        }
    }
}

/// Why a container did not start.
#[derive(Clone, Debug)]
pub enum StartError {
    Launch(LaunchError),
    Port(String),
}

impl Container {
    pub fn running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    fn wants_restart(&self, code: i32) -> bool {
        match self.spec.restart {
            Restart::No => false,
            Restart::Always | Restart::UnlessStopped => !self.stopped_by_hand,
            Restart::OnFailure => code != 0 && !self.stopped_by_hand,
        }
    }

    fn env(&self) -> Vec<(String, String)> {
        self.image.config.env.iter().chain(&self.spec.env).cloned().collect()
    }

    pub fn workdir(&self) -> String {
        let dir = if self.spec.workdir.is_empty() { &self.image.config.workdir } else { &self.spec.workdir };
        if dir.is_empty() { "/".to_owned() } else { dir.clone() }
    }

    fn launch(&mut self, machine: &mut Machine, size: (u16, u16), now: Time) -> Result<(), LaunchError> {
        let env = self.env();
        let workdir = self.workdir();
        let launched = launch(&LaunchRequest {
            image: &self.image,
            command: &self.spec.entrypoint,
            args: &self.spec.args,
            env: &env,
            workdir: &workdir,
            hostname: &self.spec.hostname,
            files: &FsFiles(&machine.fs),
            now,
        });
        self.stopped_by_hand = false;
        self.kill_at = None;
        match launched {
            Launch::Fail(e) => {
                self.state = State::Exited { code: e.exit_code(), at: now };
                return Err(e);
            }
            Launch::Native(process) => self.native = Some(process),
            Launch::Vm { argv, then } => {
                let tty = self.spec.tty.then(|| machine.new_tty(size.0, size.1));
                let start = Start { argv, cwd: workdir, tty, stdin: self.spec.interactive, ..Start::default() };
                let session = machine.spawn_session(start).map_err(|_| LaunchError::NoSuchFile(self.argv.join(" ")))?;
                (self.main, self.tty, self.then, self.busy) = (Some(session), tty, then, true);
            }
        }
        self.state = State::Running { since: now };
        self.poll_native(now);
        Ok(())
    }

    /// Moves what a native process said and did into the container.
    fn poll_native(&mut self, now: Time) {
        let Some(process) = &mut self.native else { return };
        let polled = process.poll(now);
        self.wake = polled.next;
        for line in polled.log {
            self.push_line(line);
        }
        if let Some((at, code)) = polled.exit {
            self.end(code, at);
        }
    }

    fn push_line(&mut self, line: LogLine) {
        if self.spec.tty {
            self.screen.extend(line.text.bytes());
            self.screen.extend(b"\r\n");
        }
        self.log.push(line);
        if self.log.len() > LOG_LINES_MAX {
            self.log.drain(..LOG_LINES_MAX / 2);
        }
    }

    fn push_bytes(&mut self, stderr: bool, bytes: &[u8], now: Time) {
        let mut held = std::mem::take(&mut self.partial[usize::from(stderr)]);
        held.extend_from_slice(bytes);
        while let Some(end) = held.iter().position(|b| *b == b'\n') {
            let rest = held.split_off(end + 1);
            held.pop();
            let text = String::from_utf8_lossy(&held).trim_end_matches('\r').to_owned();
            self.log.push(LogLine { at: now, stderr, text });
            held = rest;
        }
        self.partial[usize::from(stderr)] = held;
        if self.log.len() > LOG_LINES_MAX {
            self.log.drain(..LOG_LINES_MAX / 2);
        }
    }

    fn end(&mut self, code: i32, at: Time) {
        for stderr in [false, true] {
            let rest = std::mem::take(&mut self.partial[usize::from(stderr)]);
            if !rest.is_empty() {
                let text = String::from_utf8_lossy(&rest).into_owned();
                self.log.push(LogLine { at, stderr, text });
            }
        }
        self.state = State::Exited { code, at };
        self.native = None;
        self.then = None;
        self.wake = None;
        self.kill_at = None;
        self.busy = false;
    }

    /// After the container's machine had its turns.
    pub fn after_turns(&mut self, state: MachineState, now: Time) {
        let Some(mut machine) = self.machine.take() else { return };
        if let Some(tty) = self.tty {
            let bytes = machine.take_output(tty);
            self.push_bytes(false, &bytes, now);
            self.screen.extend(bytes);
        }
        if let Some(main) = self.main {
            let (out, err) = (machine.take_stdout(main), machine.take_stderr(main));
            self.push_bytes(false, &out, now);
            self.push_bytes(true, &err, now);
            if let Some(code) = machine.exit_code(main) {
                machine.drop_session(main);
                self.main = None;
                match self.then.take().filter(|_| code == 0) {
                    Some(process) => self.native = Some(process),
                    None => self.end(code, now),
                }
            }
        }
        self.machine = Some(machine);
        match state {
            MachineState::Busy => self.busy = true,
            MachineState::Idle { until, .. } => {
                self.busy = false;
                if self.native.is_none() {
                    self.wake = until;
                } else {
                    self.wake = [self.wake, until].into_iter().flatten().min();
                }
            }
        }
        self.poll_native(now);
    }

    /// Whether its machine has something to do at this instant.
    pub fn wants_turn(&self, now: Time) -> bool {
        self.machine.is_some() && self.running() && (self.busy || self.wake.is_some_and(|t| t <= now))
    }

    /// Something was written to it or started in it.
    pub fn poke(&mut self) {
        self.busy = true;
    }

    /// SIGTERM (or the image's own stop signal) now, SIGKILL after the grace period.
    pub fn stop(&mut self, grace: Duration, now: Time) {
        if !self.running() {
            return;
        }
        self.stopped_by_hand = true;
        self.kill_at = Some(now + grace);
        let signal = Signal::parse(&self.image.config.stop_signal).unwrap_or(Signal::Term);
        if let Some(process) = &mut self.native {
            process.signal(now, signal);
            self.poll_native(now);
        } else if let (Some(machine), Some(main)) = (&mut self.machine, self.main) {
            if let Some(pid) = machine.session_pid(main) {
                machine.signal(pid, machine::process::Signal::Term);
            }
            self.busy = true;
        }
    }

    pub fn kill(&mut self, now: Time) {
        self.stopped_by_hand = true;
        if let (Some(machine), Some(main)) = (&mut self.machine, self.main.take()) {
            machine.drop_session(main);
        }
        self.end(137, now);
    }

    /// Whether a port answers connections.
    pub fn listens(&self, port: u16, now: Time) -> bool {
        self.running() && self.native.as_ref().is_some_and(|p| p.tcp(now, port) == Tcp::Open)
    }

    /// `Up 3 minutes`
    pub fn status(&self, now: Time) -> String {
        match self.state {
            State::Created => "Created".to_owned(),
            State::Running { since } => format!("Up {}", ago(now.since(since))),
            State::Exited { code, at } => format!("Exited ({code}) {} ago", ago(now.since(at))),
        }
    }
}

/// Random hexadecimal digits.
fn hex(rng: &mut Rng, len: usize) -> String {
    let mut out = String::new();
    while out.len() < len {
        out.push_str(&format!("{:016x}", rng.next_u64()));
    }
    out.truncate(len);
    out
}

/// `About a minute`, as docker words a span of time.
pub fn ago(d: Duration) -> String {
    let s = d.as_secs();
    match s {
        0 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{s} seconds"),
        60..120 => "About a minute".to_owned(),
        120..3600 => format!("{} minutes", s / 60),
        3600..7200 => "About an hour".to_owned(),
        7200..172_800 => format!("{} hours", s / 3600),
        172_800..1_209_600 => format!("{} days", s / 86_400),
        1_209_600..5_184_000 => format!("{} weeks", s / 604_800),
        5_184_000..63_072_000 => format!("{} months", s / 2_592_000),
        _ => format!("{} years", s / 31_536_000),
    }
}

/// The machine of a container of this image: its files and the commands it has.
pub fn container_machine(image: &Image, id: &str, hostname: &str) -> Machine {
    let root = cluster::images::unpack::root(image);
    let mut machine = Machine::new(id, hostname, Fs::new(root));
    machine.personality = match image.os {
        Os::Debian | Os::Ubuntu => Personality { tools: Tools::Gnu, sh: ShellKind::Dash },
        _ => Personality { tools: Tools::Busybox, sh: ShellKind::Ash },
    };
    machine
}

/// A directory of the laptop as a volume: what a bind mount shows (changes on the laptop later are not followed).
fn borrow(laptop: &Fs, path: &str) -> Volume {
    let mut volume = Volume::new(LAYER_BYTES);
    let mut queue = vec![(path.to_owned(), String::new())];
    while let Some((from, to)) = queue.pop() {
        if let Ok(bytes) = laptop.read(&Cred::ROOT, &from) {
            let _ = volume.install(if to.is_empty() { "/file" } else { &to }, 0o644, bytes.to_vec());
            continue;
        }
        for (name, _) in laptop.list(&Cred::ROOT, &from).unwrap_or_default() {
            queue.push((format!("{}/{name}", from.trim_end_matches('/')), format!("{to}/{name}")));
        }
        if !to.is_empty() {
            let _ = volume.install_dir(&to, 0o755, 0, 0);
        }
    }
    volume
}
