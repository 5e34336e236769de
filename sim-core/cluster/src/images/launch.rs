//! From an image, a command and an environment to what actually runs, or to the runtime's refusal.
//!
//! Decides only; whoever runs containers acts on the answer. Models: `runc create` and the entry point rules of the
//! OCI runtime.

use super::image::Image;
use super::process::NativeProcess;
use super::software::{Files, Invocation, Run};
use apimachinery::time::Time;
use std::fmt;

/// A container about to start. `command` and `args` are as in a Pod: a command replaces entry point and `CMD`, args replace `CMD`.
pub struct LaunchRequest<'a> {
    pub image: &'a Image,
    pub command: &'a [String],
    pub args: &'a [String],
    /// Image and container environment, later entries win.
    pub env: &'a [(String, String)],
    pub workdir: &'a str,
    pub hostname: &'a str,
    pub files: &'a dyn Files,
    pub now: Time,
}

pub enum Launch {
    /// A server or tool of the image.
    Native(Box<NativeProcess>),
    /// A command that the container's machine runs; `then` replaces it when it ends well (`… && exec nginx`).
    Vm {
        argv: Vec<String>,
        then: Option<Box<NativeProcess>>,
    },
    Fail(LaunchError),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchError {
    /// Neither image nor pod names a command.
    NoCommand,
    /// A bare name that is in no directory of `$PATH`.
    NotInPath(String),
    NoSuchFile(String),
    NotExecutable(String),
    IsDirectory(String),
    NoSuchWorkdir(String),
}

/// The runtime's own words, without the layers above it.
impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCommand => f.write_str("no command specified"),
            Self::NotInPath(name) => write!(f, "exec: \"{name}\": executable file not found in $PATH"),
            Self::NoSuchFile(path) => write!(f, "exec: \"{path}\": stat {path}: no such file or directory"),
            Self::NotExecutable(path) => write!(f, "exec: \"{path}\": permission denied"),
            Self::IsDirectory(path) => write!(f, "exec: \"{path}\": is a directory"),
            Self::NoSuchWorkdir(path) => {
                write!(f, "mkdir {path}: permission denied")
            }
        }
    }
}

impl LaunchError {
    /// As containerd reports it to the kubelet: the message of `StartError` and of the `Failed` event (after `Error: `).
    pub fn cri(&self) -> String {
        match self {
            Self::NoCommand => {
                "failed to generate container spec: failed to generate spec: no command specified".to_owned()
            }
            _ => format!(
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: \
                 unable to start container process: error during container init: {self}: unknown"
            ),
        }
    }

    /// The words of an exec that could not start, after the layers that the API server and kubelet add.
    pub fn exec(&self) -> String {
        format!("OCI runtime exec failed: exec failed: unable to start container process: {self}: unknown")
    }

    /// As the Docker daemon reports it.
    pub fn docker(&self) -> String {
        match self {
            Self::NoCommand => "no command specified".to_owned(),
            _ => format!(
                "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: \
                 unable to start container process: error during container init: {self}: unknown"
            ),
        }
    }

    /// Exit code of `docker run` when this happens.
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::NotExecutable(_) | Self::IsDirectory(_) => 126,
            Self::NoCommand => 125,
            _ => 127,
        }
    }
}

/// Entry point scripts may hand over to each other; more often than this nobody does.
const HANDOVERS_MAX: usize = 8;

/// The command line a container of this image runs.
pub fn argv(image: &Image, command: &[String], args: &[String]) -> Vec<String> {
    let mut argv = if command.is_empty() { image.config.entrypoint.clone() } else { command.to_vec() };
    if !args.is_empty() {
        argv.extend_from_slice(args);
    } else if command.is_empty() {
        argv.extend(image.config.cmd.iter().cloned());
    }
    argv
}

/// Decides what a container runs.
pub fn launch(request: &LaunchRequest<'_>) -> Launch {
    let argv = argv(request.image, request.command, request.args);
    if let Err(e) = check(request, &argv) {
        return Launch::Fail(e);
    }
    if let Some(native) = native(request, &argv) {
        return Launch::Native(Box::new(native));
    }
    let (argv, then) = split_script(request, handed_over(request, argv));
    Launch::Vm { argv, then }
}

/// The command that entry point scripts leave to the machine.
fn handed_over(request: &LaunchRequest<'_>, mut argv: Vec<String>) -> Vec<String> {
    for _ in 0..HANDOVERS_MAX {
        let Some((name, args)) = argv.split_first() else { break };
        let Some(program) = request.image.software.program(name) else { break };
        let invocation =
            Invocation { image: request.image, args, env: request.env, cwd: request.workdir, files: request.files };
        match (program.run)(&invocation) {
            Run::Exec { argv: next, .. } => argv = next,
            Run::Machine { argv } => return argv,
            _ => break,
        }
    }
    argv
}

/// Whether the first word can be run at all.
pub fn check(request: &LaunchRequest<'_>, argv: &[String]) -> Result<(), LaunchError> {
    let Some(name) = argv.first() else { return Err(LaunchError::NoCommand) };
    if name.is_empty() {
        return Err(LaunchError::NotInPath(String::new()));
    }
    let image = request.image;
    if !name.contains('/') {
        let on_path = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/sbin", "/usr/sbin"]
            .iter()
            .any(|d| request.files.read(&format!("{d}/{name}")).is_ok());
        return if image.has_program(name) || on_path { Ok(()) } else { Err(LaunchError::NotInPath(name.clone())) };
    }
    let base = name.rsplit('/').next().unwrap_or_default();
    let in_bin = ["/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/"].iter().any(|d| name.starts_with(d));
    if image.software.program(name).is_some() || in_bin && image.os.has_program(base) {
        return Ok(());
    }
    let path =
        if name.starts_with('/') { name.clone() } else { format!("{}/{name}", request.workdir.trim_end_matches('/')) };
    if request.files.is_dir(&path) {
        return Err(LaunchError::IsDirectory(name.clone()));
    }
    match request.files.read(&path) {
        Ok(_) => Ok(()),
        Err(machine::fs::FsError::PermissionDenied) => Err(LaunchError::NotExecutable(name.clone())),
        Err(_) => Err(LaunchError::NoSuchFile(name.clone())),
    }
}

/// Follows entry point scripts to the program that stays; `None` when the machine has to run it.
fn native(request: &LaunchRequest<'_>, argv: &[String]) -> Option<NativeProcess> {
    let image = request.image;
    let mut argv = argv.to_vec();
    let mut said: Vec<&'static str> = Vec::new();
    for _ in 0..HANDOVERS_MAX {
        let (name, args) = argv.split_first()?;
        let program = image.software.program(name)?;
        let invocation = Invocation { image, args, env: request.env, cwd: request.workdir, files: request.files };
        let mut process = match (program.run)(&invocation) {
            Run::Exec { argv: next, log } => {
                said.extend(log);
                argv = next;
                continue;
            }
            Run::Serve(service) => NativeProcess::service(service, request.hostname, &image.version, request.now),
            Run::Print { out, err, code } => NativeProcess::print(&out, &err, code, request.now),
            Run::Idle => NativeProcess::idle(true, request.now),
            Run::Load { cpus, memory_bytes } => NativeProcess::load(cpus, memory_bytes, request.now),
            Run::Machine { .. } => return None,
        };
        process.preface(&said);
        return Some(process);
    }
    None
}

/// `sh -c 'prepare && exec nginx -g "daemon off;"'`: what comes before the last command is the machine's, the server is ours.
fn split_script(request: &LaunchRequest<'_>, mut argv: Vec<String>) -> (Vec<String>, Option<Box<NativeProcess>>) {
    let [shell, flag, script] = argv.as_slice() else { return (argv, None) };
    let is_shell = matches!(shell.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash"));
    if !is_shell || !flag.starts_with('-') || !flag.ends_with('c') {
        return (argv, None);
    }
    let script = script.trim_end().trim_end_matches(';').to_owned();
    let cut = ["&&", ";", "\n"].iter().filter_map(|s| last_outside_quotes(&script, s).map(|i| (i, i + s.len()))).max();
    let (before, last) = match cut {
        Some((end, start)) => (&script[..end], &script[start..]),
        None => ("", script.as_str()),
    };
    let mut words = words(last);
    if words.first().is_some_and(|w| w == "exec") {
        words.remove(0);
    }
    if words.iter().any(|w| w == "|" || w == "||" || w.starts_with('&') || w == "done" || w == "fi") {
        return (argv, None);
    }
    match native(request, &words) {
        Some(process) if process.speaks_http() || !process.ports().is_empty() => {
            argv[2] = before.to_owned();
            (argv, Some(Box::new(process)))
        }
        _ => (argv, None),
    }
}

fn last_outside_quotes(script: &str, mark: &str) -> Option<usize> {
    let (mut quote, mut last) = (None, None);
    for (i, c) in script.char_indices() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, _) if script[i..].starts_with(mark) => last = Some(i),
            _ => {}
        }
    }
    last
}

/// Words of a simple command: blanks separate, quotes hold together.
fn words(text: &str) -> Vec<String> {
    let (mut out, mut word, mut quote, mut open) = (Vec::new(), String::new(), None, false);
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => (quote, open) = (Some(c), true),
            (None, c) if c.is_whitespace() => {
                if open || !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                    open = false;
                }
            }
            (None, c) => word.push(c),
        }
    }
    if open || !word.is_empty() {
        out.push(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::catalog;
    use crate::images::http::Answer;
    use crate::images::image::{File, FileBody};
    use crate::images::process::Signal;
    use crate::images::reference::Reference;
    use apimachinery::http::{Reply, Request};
    use apimachinery::time::Duration;
    use machine::fs::FsError;

    /// A container's files as a plain list.
    struct Tree(Vec<File>);

    impl Files for Tree {
        fn read(&self, path: &str) -> Result<Vec<u8>, FsError> {
            let found = self.0.iter().rev().find(|f| f.path == path).ok_or(FsError::NotFound)?;
            match &found.body {
                FileBody::Bytes(b) => Ok(b.to_vec()),
                _ => Err(FsError::IsADirectory),
            }
        }
        fn list(&self, path: &str) -> Result<Vec<String>, FsError> {
            let inside = |f: &File| Some(f.path.strip_prefix(path)?.strip_prefix('/')?.to_owned());
            let mut names: Vec<String> = self.0.iter().filter_map(inside).filter(|n| !n.contains('/')).collect();
            names.dedup();
            Ok(names)
        }
        fn is_dir(&self, path: &str) -> bool {
            self.0.iter().rev().find(|f| f.path == path).is_some_and(|f| f.body == FileBody::Directory)
        }
    }

    fn run(name: &str, args: &[&str], more: Vec<File>) -> (Launch, Tree) {
        let r = Reference::parse(name).expect("well-formed");
        let image = catalog::find(&r.domain, &r.repository).and_then(|e| e.image(&r.tag)).expect("in the catalog");
        let mut tree = image.tree();
        tree.extend(more);
        let tree = Tree(tree);
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        let request = LaunchRequest {
            image: &image,
            command: &[],
            args: &args,
            env: &image.config.env,
            workdir: "/",
            hostname: "web",
            files: &tree,
            now: Time::START,
        };
        let launched = launch(&request);
        (launched, tree)
    }

    fn native(name: &str, args: &[&str], more: Vec<File>) -> (Box<NativeProcess>, Tree) {
        match run(name, args, more) {
            (Launch::Native(p), tree) => (p, tree),
            (Launch::Vm { argv, .. }, _) => panic!("{name} is left to the machine: {argv:?}"),
            (Launch::Fail(e), _) => panic!("{name}: {e}"),
        }
    }

    fn get(process: &mut NativeProcess, tree: &Tree, path: &str) -> Option<(u16, String)> {
        let now = Time::START + Duration::from_secs(10);
        match process.http(now, process.ports()[0], "10.244.0.1", "10.244.0.5", &Request::get(path), tree)? {
            Answer::Http(r) => match r.body {
                Reply::Bytes(b) => Some((r.code, String::from_utf8_lossy(&b).into_owned())),
                _ => Some((r.code, String::new())),
            },
            _ => None,
        }
    }

    #[test]
    fn nginx_serves_its_files_and_logs() {
        let (mut p, tree) = native("nginx:1.21.6", &[], Vec::new());
        assert!(p.http(Time::START, 80, "c", "a", &Request::get("/"), &tree).is_none(), "not before it listens");
        let (code, body) = get(&mut p, &tree, "/").expect("an answer");
        assert!(code == 200 && body.contains("Welcome to nginx!"));
        let (code, body) = get(&mut p, &tree, "/nosuch").expect("an answer");
        assert!(code == 404 && body.contains("<hr><center>nginx/1.21.6</center>"));
        let log: Vec<String> = p.poll(Time::START + Duration::from_secs(10)).log.into_iter().map(|l| l.text).collect();
        assert!(log[0].starts_with("/docker-entrypoint.sh: "), "{log:?}");
        assert!(log.iter().any(|l| l.contains("\"GET / HTTP/1.1\" 200 615")), "{log:?}");
        assert!(log.iter().any(|l| l.contains("open() \"/usr/share/nginx/html/nosuch\" failed")), "{log:?}");
    }

    #[test]
    fn nginx_follows_its_configuration() {
        let conf =
            "server { listen 8081; location / { return 200 'hi from $hostname'; } location /old { return 301 /new; } }";
        let (mut p, tree) = native("nginx", &[], vec![File::text("/etc/nginx/conf.d/default.conf", 0o644, conf)]);
        assert_eq!(p.ports(), [8081]);
        assert_eq!(get(&mut p, &tree, "/"), Some((200, "hi from web".to_owned())));
        assert_eq!(get(&mut p, &tree, "/old").map(|r| r.0), Some(301));
        let broken = vec![File::text("/etc/nginx/conf.d/default.conf", 0o644, "server {\n  lisen 80;\n}\n")];
        let (mut p, _) = native("nginx", &[], broken);
        let polled = p.poll(Time::START + Duration::from_secs(1));
        assert_eq!(polled.exit.map(|e| e.1), Some(1));
        let last = polled.log.last().map(|l| l.text.as_str());
        assert_eq!(last, Some("nginx: [emerg] unknown directive \"lisen\" in /etc/nginx/conf.d/default.conf:2"));
    }

    #[test]
    fn a_server_ends_when_told_to() {
        let (mut p, _) = native("nginx", &[], Vec::new());
        let now = Time::START + Duration::from_secs(5);
        p.signal(now, Signal::Quit);
        assert_eq!(p.poll(now).exit, None);
        assert_eq!(p.poll(now + Duration::from_secs(1)).exit.map(|e| e.1), Some(0));
    }

    #[test]
    fn databases_want_their_password() {
        let (mut p, _) = native("postgres:16", &[], Vec::new());
        let polled = p.poll(Time::START + Duration::from_secs(1));
        assert_eq!(polled.exit.map(|e| e.1), Some(1));
        assert!(polled.log[0].text.starts_with("Error: Database is uninitialized"));
    }

    #[test]
    fn commands_are_found_or_refused() {
        let refused = |name: &str, args: &[&str]| match run(name, args, Vec::new()).0 {
            Launch::Fail(e) => e.to_string(),
            _ => String::new(),
        };
        assert_eq!(refused("busybox", &["nosuch"]), "exec: \"nosuch\": executable file not found in $PATH");
        assert_eq!(refused("busybox", &["/nosuch"]), "exec: \"/nosuch\": stat /nosuch: no such file or directory");
        assert_eq!(refused("busybox", &["sleep", "1"]), "");
        assert_eq!(refused("registry.k8s.io/pause:3.10", &[]), "");
        assert_eq!(refused("gcr.io/distroless/static-debian12", &[]), "no command specified");
    }

    #[test]
    fn a_script_may_end_in_a_server() {
        let script = "echo hi > /usr/share/nginx/html/index.html && exec nginx -g 'daemon off;'";
        match run("nginx", &["sh", "-c", script], Vec::new()).0 {
            Launch::Vm { argv, then: Some(p) } => {
                assert_eq!(argv[2], "echo hi > /usr/share/nginx/html/index.html ");
                assert_eq!(p.ports(), [80]);
            }
            _ => panic!("both parts are needed"),
        }
        match run("busybox", &["sh", "-c", "while true; do echo hi; sleep 1; done"], Vec::new()).0 {
            Launch::Vm { argv, then: None } => assert_eq!(argv.len(), 3),
            _ => panic!("the machine runs this"),
        }
    }
}
