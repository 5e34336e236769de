//! The usual tools. A tool is one entry of [`TOOLS`]; which of them a machine has is up to who builds it.
//!
//! GNU's words on a laptop or node, busybox's in images that have busybox (`Machine::personality`).
//! A tool that only looks and prints is a function; one that reads its input whole is a function that is called again when
//! the input is complete; one that goes on (pipes, `tail -f`, `sleep`) is a process of its own.

pub mod archive;
pub mod awk;
pub mod date;
pub mod diff;
pub mod echo;
pub mod editors;
pub mod escapes;
pub mod files;
pub mod find;
pub mod follow;
pub mod grep;
pub mod hashes;
pub mod identity;
pub mod less;
pub mod ls;
pub mod options;
pub mod printf;
pub mod processes;
pub mod run_as;
pub mod sed;
pub mod stream;
pub mod system;
pub mod text;
pub mod users;
pub mod watch;
pub mod whole;
pub mod xargs;

use crate::fs::tree::{Body, Device, Meta, Node, Volume};
use crate::process::{Ctx, Process, Program, Step};
use crate::shell;
use apimachinery::time::Time;

/// How a tool runs.
pub enum Kind {
    /// Does everything in one turn, without its standard input.
    Once(fn(&mut Ctx<'_>, &[String]) -> i32),
    /// Called with the whole standard input, once that is there. Reads it only if it says so.
    Whole { needs_input: fn(&[String]) -> bool, run: fn(&mut Ctx<'_>, &[String], &[u8]) -> i32 },
    /// Makes a process that goes on.
    Process(fn(Vec<String>) -> Box<dyn Process>),
}

pub struct Tool {
    pub name: &'static str,
    pub summary: &'static str,
    pub kind: Kind,
}

const fn once(name: &'static str, summary: &'static str, run: fn(&mut Ctx<'_>, &[String]) -> i32) -> Tool {
    Tool { name, summary, kind: Kind::Once(run) }
}

const fn process(name: &'static str, summary: &'static str, start: fn(Vec<String>) -> Box<dyn Process>) -> Tool {
    Tool { name, summary, kind: Kind::Process(start) }
}

const fn whole(name: &'static str, summary: &'static str, run: fn(&mut Ctx<'_>, &[String], &[u8]) -> i32) -> Tool {
    Tool { name, summary, kind: Kind::Whole { needs_input: whole::reads_standard_input, run } }
}

/// Every tool there is.
pub static TOOLS: &[Tool] = &[
    process("awk", "scan lines for patterns and act on them", awk::start),
    whole("base64", "encode or decode base64", hashes::base64),
    once("basename", "strip directory and suffix from names", files::basename),
    process("cat", "print files one after another", stream::cat),
    once("chmod", "change permissions", files::chmod),
    once("chown", "change owners", files::chown),
    once("clear", "clear the terminal", system::clear),
    once("cp", "copy files", files::cp),
    process("cut", "print parts of lines", text::cut),
    once("date", "print the date and time", date::run),
    once("df", "show free space", system::df),
    once("diff", "compare files line by line", diff::run),
    once("dirname", "strip the last part from names", files::dirname),
    once("du", "show used space", system::du),
    once("echo", "print a line", echo::run),
    process("env", "run a command in a changed environment", run_as::env),
    once("expr", "evaluate an expression", system::expr),
    once("false", "fail", |_, _| 1),
    once("file", "say what a file is", files::file),
    process("find", "search for files", find::start),
    once("free", "show memory", system::free),
    process("grep", "print lines that match", grep::start),
    once("groups", "show group names", identity::groups),
    process("head", "print the first lines", stream::head),
    once("hostname", "show the machine's name", system::hostname),
    once("id", "show user and group", identity::id),
    once("kill", "send a signal", processes::kill),
    process("less", "show text page by page", less::start),
    once("ln", "make links", files::ln),
    once("ls", "list files", ls::run),
    whole("md5sum", "print MD5 sums", hashes::md5sum),
    once("mkdir", "make directories", files::mkdir),
    once("mktemp", "make a temporary file", files::mktemp),
    process("more", "show text page by page", less::start),
    once("mv", "move or rename files", files::mv),
    process("nano", "edit a file", editors::nano),
    whole("nl", "number lines", whole::nl),
    once("nproc", "count processors", system::nproc),
    once("pgrep", "find processes by name", processes::pgrep),
    once("pkill", "send a signal by name", processes::pkill),
    once("printenv", "print the environment", system::printenv),
    once("printf", "print formatted", printf::run),
    once("ps", "list processes", processes::ps),
    once("pwd", "print the working directory", files::pwd),
    once("readlink", "print where a link leads", files::readlink),
    once("realpath", "print the resolved path", files::realpath),
    once("reset", "reset the terminal", system::clear),
    process("rev", "reverse lines", text::rev),
    once("rm", "remove files", files::rm),
    once("rmdir", "remove empty directories", files::rmdir),
    process("sed", "edit a stream", sed::start),
    once("seq", "print numbers", system::seq),
    whole("sha256sum", "print SHA-256 sums", hashes::sha256sum),
    process("sleep", "wait", follow::sleep),
    whole("sort", "sort lines", whole::sort),
    once("stat", "show what is known about a file", files::stat),
    process("su", "become another user", run_as::su),
    process("sudo", "run as root", run_as::sudo),
    whole("tac", "print lines in reverse order", whole::tac),
    process("tail", "print the last lines", follow::tail),
    Tool {
        name: "tar",
        summary: "pack and unpack archives",
        kind: Kind::Whole { needs_input: archive::reads_standard_input, run: archive::run },
    },
    process("tee", "copy input to files", stream::tee),
    once("test", "check a condition", system::test),
    process("timeout", "run with a time limit", run_as::timeout),
    process("top", "watch processes", watch::top),
    once("touch", "make a file or renew its time", files::touch),
    process("tr", "translate characters", text::tr),
    once("true", "succeed", |_, _| 0),
    once("tty", "print the terminal's name", system::tty),
    once("uname", "show what the system is", system::uname),
    process("uniq", "drop repeated lines", text::uniq),
    once("uptime", "show how long the system runs", system::uptime),
    process("vi", "edit a file", editors::vi),
    process("vim", "edit a file", editors::vi),
    process("watch", "run a command every two seconds", watch::start),
    whole("wc", "count lines, words and bytes", whole::wc),
    once("which", "show where a command is", system::which),
    once("whoami", "print the user's name", identity::whoami),
    process("xargs", "build commands from input", xargs::start),
    process("yes", "print y for ever", follow::yes),
];

/// A tool, a shell or a network tool by name.
pub fn find(name: &str) -> Option<&'static dyn Program> {
    match name {
        "bash" => return Some(&shell::BASH),
        "sh" => return Some(&shell::SH),
        "ash" => return Some(&shell::ASH),
        "dash" => return Some(&shell::DASH),
        "busybox" => return Some(&BUSYBOX),
        _ => {}
    }
    let tool = find_tool(name).map(|t| t as &dyn Program);
    tool.or_else(|| crate::net::PROGRAMS.iter().copied().find(|p| p.name() == name))
}

pub fn find_tool(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|t| t.name == name)
}

impl Program for Tool {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn start(&self, args: Vec<String>) -> Box<dyn Process> {
        if args.iter().any(|a| a == "--help")
            && !matches!(self.name, "echo" | "printf" | "test" | "curl" | "env" | "sudo")
        {
            return Box::new(Help { name: self.name, summary: self.summary });
        }
        match self.kind {
            Kind::Once(run) => Box::new(OnceProcess { run, args }),
            Kind::Whole { needs_input, run } => {
                let reads = needs_input(&args);
                Box::new(whole::WholeProcess { run, args, input: reads.then(Vec::new), bytes: Vec::new() })
            }
            Kind::Process(start) => start(args),
        }
    }
}

#[derive(Clone)]
struct OnceProcess {
    run: fn(&mut Ctx<'_>, &[String]) -> i32,
    args: Vec<String>,
}

impl Process for OnceProcess {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        Step::Exit((self.run)(ctx, &self.args))
    }
}

#[derive(Clone)]
struct Help {
    name: &'static str,
    summary: &'static str,
}

impl Process for Help {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let text =
            format!("Usage: {} [OPTION]... [ARGUMENT]...\n{}: {} (simulated)\n", self.name, self.name, self.summary);
        ctx.out(&text);
        Step::Exit(0)
    }
}

/// The multi-call binary of images that have busybox.
pub struct Busybox;

pub static BUSYBOX: Busybox = Busybox;

impl Program for Busybox {
    fn name(&self) -> &'static str {
        "busybox"
    }

    fn summary(&self) -> &'static str {
        "many tools in one"
    }

    fn start(&self, args: Vec<String>) -> Box<dyn Process> {
        let name = args.first().map_or("", |a| a.rsplit('/').next().unwrap_or(""));
        let program: Option<&'static dyn Program> = match name {
            "sh" | "ash" => Some(&shell::SH),
            name => find_tool(name)
                .map(|t| t as &dyn Program)
                .or_else(|| crate::net::PROGRAMS.iter().copied().find(|p| p.name() == name)),
        };
        match program {
            Some(p) => p.start(args[1..].to_vec()),
            None => Box::new(Help { name: "busybox", summary: "BusyBox v1.37.0 multi-call binary" }),
        }
    }
}

const BUSYBOX_LACKS: [&str; 5] = ["sudo", "nano", "vim", "file", "su"];

/// `/dev` with its usual nodes.
pub fn install_devices(root: &mut Volume) {
    let meta = Meta { mode: 0o666, uid: 0, gid: 0, mtime: Time::START };
    for (name, device) in [
        ("null", Device::Null),
        ("zero", Device::Zero),
        ("full", Device::Full),
        ("random", Device::Random),
        ("urandom", Device::Random),
        ("tty", Device::Tty),
        ("stdin", Device::Fd(0)),
        ("stdout", Device::Fd(1)),
        ("stderr", Device::Fd(2)),
    ] {
        let _ = root.install_node(&format!("/dev/{name}"), Node { meta, body: Body::Device(device) });
    }
    // Where many images send a server's logs.
    let _ = root.install_node("/proc/self/fd/1", Node { meta, body: Body::Device(Device::Fd(1)) });
    let _ = root.install_node("/proc/self/fd/2", Node { meta, body: Body::Device(Device::Fd(2)) });
}

/// All tools and shells, as on a laptop or node.
pub fn install_all(root: &mut Volume, dir: &str) {
    for tool in TOOLS {
        let _ = root.install_program(&format!("{dir}/{}", tool.name), tool);
    }
    for program in crate::net::PROGRAMS {
        let _ = root.install_program(&format!("{dir}/{}", program.name()), *program);
    }
    for (name, program) in [("bash", &shell::BASH), ("sh", &shell::SH)] {
        let _ = root.install_program(&format!("{dir}/{name}"), program);
    }
    for program in crate::net::PROGRAMS {
        let _ = root.install_program(&format!("{dir}/{}", program.name()), *program);
    }
    if dir != "/bin" {
        let _ = root.install_link("/bin", dir.trim_start_matches('/'));
    }
}

/// What an image built on Debian has: GNU's core tools, bash, dash as `sh`; neither curl nor ps nor editors.
pub fn install_debian(root: &mut Volume) {
    const LACKS: [&str; 12] =
        ["more", "sudo", "nano", "vi", "vim", "ps", "top", "free", "less", "file", "watch", "pkill"];
    for tool in TOOLS.iter().filter(|t| !LACKS.contains(&t.name)) {
        let _ = root.install_program(&format!("/usr/bin/{}", tool.name), tool);
    }
    for (name, program) in [("bash", &shell::BASH), ("dash", &shell::DASH), ("sh", &shell::SH)] {
        let _ = root.install_program(&format!("/usr/bin/{name}"), program);
    }
    let _ = root.install_link("/bin", "usr/bin");
}

/// What an image with busybox (and Alpine) has.
pub fn install_busybox(root: &mut Volume) {
    for tool in TOOLS.iter().filter(|t| !BUSYBOX_LACKS.contains(&t.name)) {
        let _ = root.install_program(&format!("/bin/{}", tool.name), tool);
    }
    for program in crate::net::PROGRAMS.iter().filter(|p| matches!(p.name(), "wget" | "nslookup" | "ping" | "nc")) {
        let _ = root.install_program(&format!("/bin/{}", program.name()), *program);
    }
    let _ = root.install_program("/bin/busybox", &BUSYBOX);
    for (name, program) in [("sh", &shell::SH), ("ash", &shell::ASH)] {
        let _ = root.install_program(&format!("/bin/{name}"), program);
    }
}
