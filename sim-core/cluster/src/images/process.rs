//! A native process of a container: a server (or a tool that prints and ends) as data.
//!
//! Whoever runs containers (kubelet, docker) polls it, hands it requests and signals, and moves its log lines to the log.
//! Invariant: it never acts by itself; everything it does falls at an instant it has announced through `poll`.

use super::calendar;
use super::http::{self, Handler, Served, Visit};
use super::software::{Clock, Files, Server, Service};
use apimachinery::http::Request;
use apimachinery::time::{Duration, Time};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Term,
    Kill,
    Quit,
    Hup,
    Int,
}

/// A line of a container's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub at: Time,
    pub stderr: bool,
    pub text: String,
}

/// What came due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    pub log: Vec<LogLine>,
    /// Set once the process has ended: when, with which code.
    pub exit: Option<(Time, i32)>,
    /// The next instant at which something happens by itself.
    pub next: Option<Time>,
}

/// What a connection to a port finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tcp {
    Open,
    Refused,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time used since the start.
    pub cpu: Duration,
    pub memory_bytes: u64,
}

#[derive(Clone)]
pub struct NativeProcess {
    kind: Kind,
    hostname: String,
    version: String,
    started: Time,
    served: u64,
    pending: Vec<LogLine>,
    exit: Option<(Time, i32)>,
    /// Only SIGKILL ends it: a process that is PID 1 and installs no handler.
    deaf: bool,
}

#[derive(Clone)]
enum Kind {
    Service(Service),
    /// Prints and ends.
    Print,
    Idle,
    Load {
        cpus: u32,
        memory_bytes: u64,
    },
}

impl NativeProcess {
    pub fn service(service: Service, hostname: &str, version: &str, now: Time) -> Self {
        let server = service.server;
        let mut this = Self::new(Kind::Service(service), hostname, version, now);
        let ready = now + Duration::from_millis(u64::from(server.startup_ms));
        this.say(server.start_log, ready);
        this
    }

    /// Prints `out` and `err` and ends with `code`.
    pub fn print(out: &str, err: &str, code: i32, now: Time) -> Self {
        let mut this = Self::new(Kind::Print, "", "", now);
        for (stderr, text) in [(false, out), (true, err)] {
            let time = calendar::log_time(Clock::Entrypoint, now);
            let lines = text.lines().map(|l| LogLine { at: now, stderr, text: l.replace("{time}", &time) });
            this.pending.extend(lines);
        }
        this.exit = Some((now + Duration::from_millis(10), code));
        this
    }

    /// Waits for a signal.
    pub fn idle(hears_term: bool, now: Time) -> Self {
        let mut this = Self::new(Kind::Idle, "", "", now);
        this.deaf = !hears_term;
        this
    }

    /// Burns CPU and holds memory until it is ended.
    pub fn load(cpus: u32, memory_bytes: u64, now: Time) -> Self {
        Self::new(Kind::Load { cpus, memory_bytes }, "", "", now)
    }

    fn new(kind: Kind, hostname: &str, version: &str, now: Time) -> Self {
        Self {
            kind,
            hostname: hostname.to_owned(),
            version: version.to_owned(),
            started: now,
            served: 0,
            pending: Vec::new(),
            exit: None,
            deaf: false,
        }
    }

    /// Puts lines before everything else: what an entry point script said.
    pub fn preface(&mut self, lines: &[&str]) {
        let lines = lines.iter().map(|l| self.line(l, Clock::Slashes, self.started)).collect::<Vec<_>>();
        self.pending.splice(0..0, lines);
    }

    fn line(&self, template: &str, clock: Clock, at: Time) -> LogLine {
        let (stderr, template) = match template.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, template),
        };
        let mut text = template.to_owned();
        // Most lines hold at most one of these, many none.
        let mut put = |name: &str, value: &dyn Fn() -> String| {
            if text.contains('{') && text.contains(name) {
                text = text.replace(name, &value());
            }
        };
        put("{time}", &|| calendar::log_time(clock, at));
        put("{version}", &|| self.version.clone());
        put("{hostname}", &|| self.hostname.clone());
        put("{port}", &|| self.ports().first().map(u16::to_string).unwrap_or_default());
        put("{text}", &|| self.text().to_owned());
        LogLine { at, stderr, text }
    }

    fn say(&mut self, templates: &[&str], at: Time) {
        let clock = self.server().map_or(Clock::Slashes, |s| s.clock);
        let lines: Vec<LogLine> = templates.iter().map(|t| self.line(t, clock, at)).collect();
        self.pending.extend(lines);
    }

    fn server(&self) -> Option<&'static Server> {
        match &self.kind {
            Kind::Service(s) => Some(s.server),
            _ => None,
        }
    }

    fn text(&self) -> &str {
        match &self.kind {
            Kind::Service(s) => &s.text,
            _ => "",
        }
    }

    /// The ports it listens on once it is up.
    pub fn ports(&self) -> &[u16] {
        match &self.kind {
            Kind::Service(s) => &s.ports,
            _ => &[],
        }
    }

    /// When it begins to listen.
    pub fn listens_at(&self) -> Time {
        let startup = self.server().map_or(0, |s| s.startup_ms);
        self.started + Duration::from_millis(u64::from(startup))
    }

    fn listens(&self, now: Time, port: u16) -> bool {
        self.ports().contains(&port) && now >= self.listens_at() && !self.ended(now)
    }

    pub fn ended(&self, now: Time) -> bool {
        self.exit.is_some_and(|(at, _)| at <= now)
    }

    /// Everything due up to `now`: log lines in order, and the end.
    pub fn poll(&mut self, now: Time) -> Polled {
        let due = self.pending.iter().take_while(|l| l.at <= now).count();
        let log = self.pending.drain(..due).collect();
        let exit = self.exit.filter(|(at, _)| *at <= now);
        let end = self.exit.filter(|(at, _)| *at > now).map(|(at, _)| at);
        let next = self.pending.first().map(|l| l.at).into_iter().chain(end).min();
        Polled { log, exit, next }
    }

    /// One request at a port; `None` when nothing listens there.
    pub fn http(
        &mut self,
        now: Time,
        port: u16,
        client: &str,
        address: &str,
        request: &Request,
        files: &dyn Files,
    ) -> Option<http::Answer> {
        let Kind::Service(service) = &self.kind else { return None };
        if !self.listens(now, port) {
            return None;
        }
        let visit = Visit {
            now,
            port,
            client,
            hostname: &self.hostname,
            address,
            version: &self.version,
            served: self.served,
            service,
            request,
            files,
        };
        let Served { answer, log } = http::serve(&visit);
        self.served += 1;
        self.pending.extend(log.into_iter().map(|(stderr, text)| LogLine { at: now, stderr, text }));
        Some(answer)
    }

    pub fn tcp(&self, now: Time, port: u16) -> Tcp {
        if self.listens(now, port) { Tcp::Open } else { Tcp::Refused }
    }

    /// Whether the port speaks HTTP at all.
    pub fn speaks_http(&self) -> bool {
        self.server().is_some_and(|s| !matches!(s.handler, Handler::Database(_)))
    }

    /// Delivers a signal; the end, if any, is announced by the next `poll`.
    pub fn signal(&mut self, now: Time, signal: Signal) {
        if self.ended(now) {
            return;
        }
        let server = self.server();
        match signal {
            Signal::Kill => {
                self.pending.retain(|l| l.at <= now);
                self.exit = Some((now, 137));
            }
            Signal::Hup => {}
            Signal::Term | Signal::Quit | Signal::Int if self.deaf => {}
            Signal::Term | Signal::Quit | Signal::Int => {
                if self.exit.is_some() {
                    return;
                }
                let (after, code) = match server {
                    Some(s) => (Duration::from_millis(u64::from(s.shutdown_ms)), s.exit_code),
                    None => (Duration::from_millis(5), 0),
                };
                self.pending.retain(|l| l.at <= now);
                if let Some(s) = server {
                    let lines: Vec<String> =
                        s.stop_log.iter().map(|l| l.replace("{signal}", signal.described())).collect();
                    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                    self.say(&lines, now);
                }
                self.exit = Some((now + after, code));
            }
        }
    }

    pub fn usage(&self, now: Time) -> Usage {
        let age = now.since(self.started);
        if let Kind::Load { cpus, memory_bytes } = self.kind {
            return Usage { cpu: age * cpus, memory_bytes };
        }
        let Some(server) = self.server() else { return Usage { cpu: Duration::ZERO, memory_bytes: 1 << 20 } };
        let idle = age.as_secs() * u64::from(server.cpu_idle_micros_per_s);
        let busy = self.served * u64::from(server.cpu_micros_per_request);
        Usage { cpu: Duration::from_micros(idle + busy), memory_bytes: server.memory_bytes }
    }

    pub fn served(&self) -> u64 {
        self.served
    }
}

impl Signal {
    /// `3 (SIGQUIT)`
    fn described(self) -> &'static str {
        match self {
            Self::Hup => "1 (SIGHUP)",
            Self::Int => "2 (SIGINT)",
            Self::Quit => "3 (SIGQUIT)",
            Self::Kill => "9 (SIGKILL)",
            Self::Term => "15 (SIGTERM)",
        }
    }

    /// By name (`SIGQUIT`, `QUIT`) or number.
    pub fn parse(name: &str) -> Option<Self> {
        match name.strip_prefix("SIG").unwrap_or(name) {
            "TERM" | "15" | "" => Some(Self::Term),
            "KILL" | "9" => Some(Self::Kill),
            "QUIT" | "3" => Some(Self::Quit),
            "HUP" | "1" => Some(Self::Hup),
            "INT" | "2" => Some(Self::Int),
            _ => None,
        }
    }
}
