//! The programs inside images that the simulation knows as a whole: servers, entry point scripts, one-shot tools.
//!
//! A program is an entry of its image's table: where it lies and how an invocation of it behaves. Everything else in a
//! container (shells, `sleep`, `cat`) is run by the container's machine, not from here.
//! Invariant: what a program does depends on its arguments, environment and files only.

use super::http::Handler;
use super::http::nginx_conf::ServerBlock;
use super::image::Image;
use machine::fs::FsError;
use std::sync::Arc;

/// The files of a container as its native processes see them, mounts included.
pub trait Files {
    fn read(&self, path: &str) -> Result<Vec<u8>, FsError>;
    /// Names in a directory, sorted.
    fn list(&self, path: &str) -> Result<Vec<String>, FsError>;
    fn is_dir(&self, path: &str) -> bool;
}

/// What an image brings beyond its operating system.
pub struct Software {
    pub name: &'static str,
    pub programs: &'static [Program],
}

pub struct Program {
    pub path: &'static str,
    pub run: fn(&Invocation<'_>) -> Run,
}

/// A program about to run.
pub struct Invocation<'a> {
    pub image: &'a Image,
    /// Without the program's own name.
    pub args: &'a [String],
    pub env: &'a [(String, String)],
    pub cwd: &'a str,
    pub files: &'a dyn Files,
}

/// How an invocation turns out.
pub enum Run {
    /// Goes on as a server.
    Serve(Service),
    /// Replaces itself by another command (entry point scripts), after saying something.
    Exec { argv: Vec<String>, log: Vec<&'static str> },
    /// Prints and ends.
    Print { out: String, err: String, code: i32 },
    /// Waits until it is told to end, doing nothing.
    Idle,
    /// The container's machine runs this command.
    Machine { argv: Vec<String> },
    /// Uses CPU and memory and does nothing else (`stress`).
    Load { cpus: u32, memory_bytes: u64 },
}

/// A server with its settings.
#[derive(Clone)]
pub struct Service {
    pub server: &'static Server,
    pub ports: Vec<u16>,
    /// Document root, reply text or whatever the handler takes its answer from.
    pub text: String,
    /// nginx's sites, when its configuration is not the image's own.
    pub sites: Option<Arc<Vec<ServerBlock>>>,
}

/// How a server behaves, as data.
pub struct Server {
    pub handler: Handler,
    /// Lines on start; `{time}`, `{version}`, `{hostname}` and `{port}` are filled in. A line that starts with `!` goes to
    /// standard error.
    pub start_log: &'static [&'static str],
    pub stop_log: &'static [&'static str],
    pub clock: Clock,
    /// From exec to listening.
    pub startup_ms: u32,
    /// From the signal to the end.
    pub shutdown_ms: u32,
    pub exit_code: i32,
    pub cpu_idle_micros_per_s: u32,
    pub cpu_micros_per_request: u32,
    pub memory_bytes: u64,
}

/// How a server writes the time in its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// `2026/01/05 08:00:00`
    Slashes,
    /// `Mon Jan 05 08:00:00.000000 2026`
    Apache,
    /// `05 Jan 2026 08:00:00.000`
    Redis,
    /// `2026-01-05 08:00:00.000 UTC`
    Postgres,
    /// `2026-01-05T08:00:00.000000Z`
    Rfc3339,
    /// `2026-01-05 08:00:00+00:00`
    Entrypoint,
    /// `2026-01-05 8:00:00`
    Mariadb,
}

impl Software {
    /// A program by absolute path or by name as `$PATH` would find it.
    pub fn program(&self, command: &str) -> Option<&'static Program> {
        let programs: &'static [Program] = self.programs;
        programs.iter().find(|p| {
            p.path == command
                || (!command.contains('/') && p.path.rsplit('/').next().is_some_and(|name| name == command))
        })
    }
}

impl Invocation<'_> {
    pub fn env(&self, name: &str) -> Option<&str> {
        self.env.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub fn has_env(&self, name: &str) -> bool {
        self.env(name).is_some_and(|v| !v.is_empty())
    }

    /// The value of a flag, written `-name=value`, `--name=value` or as two words.
    pub fn flag(&self, name: &str) -> Option<&str> {
        let mut args = self.args.iter();
        while let Some(arg) = args.next() {
            let bare = arg.trim_start_matches('-');
            if bare.len() == arg.len() {
                continue;
            }
            match bare.split_once('=') {
                Some((n, v)) if n == name => return Some(v),
                None if bare == name => return args.next().map(String::as_str),
                _ => {}
            }
        }
        None
    }

    pub fn port_flag(&self, name: &str, default: u16) -> u16 {
        self.flag(name).and_then(|v| v.rsplit(':').next()?.parse().ok()).unwrap_or(default)
    }

    pub fn port_env(&self, name: &str, default: u16) -> u16 {
        self.env(name).and_then(|v| v.parse().ok()).unwrap_or(default)
    }
}

impl Run {
    pub fn serve(server: &'static Server, ports: &[u16], text: impl Into<String>) -> Self {
        Self::Serve(Service { server, ports: ports.to_vec(), text: text.into(), sites: None })
    }

    pub fn print(out: impl Into<String>) -> Self {
        Self::Print { out: out.into(), err: String::new(), code: 0 }
    }

    pub fn fail(err: impl Into<String>, code: i32) -> Self {
        Self::Print { out: String::new(), err: err.into(), code }
    }

    /// What official entry point scripts end with: run the arguments, putting `program` before them when they start
    /// with a flag.
    pub fn pass_on(inv: &Invocation<'_>, program: &str) -> Self {
        let mut argv = inv.args.to_vec();
        if argv.first().is_none_or(|a| a.starts_with('-')) {
            argv.insert(0, program.to_owned());
        }
        Self::Exec { argv, log: Vec::new() }
    }
}

impl Server {
    /// A server that answers HTTP and says nothing.
    pub const fn quiet(handler: Handler) -> Self {
        Self {
            handler,
            start_log: &[],
            stop_log: &[],
            clock: Clock::Slashes,
            startup_ms: 50,
            shutdown_ms: 20,
            exit_code: 0,
            cpu_idle_micros_per_s: 200,
            cpu_micros_per_request: 300,
            memory_bytes: 8 << 20,
        }
    }
}
