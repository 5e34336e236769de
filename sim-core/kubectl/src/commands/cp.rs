//! `kubectl cp`: files to and from containers, through the `tar` that runs there.
//!
//! Models: kubectl `cmd/cp`. Permissions and owners of copies into a pod are what the container's tar makes of them;
//! `--retries` is accepted, but a copy never breaks off half-way here.

use crate::commands::exec::{pod_for, stream_request};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, short};
use crate::json::{name, namespace, text};
use crate::pod_spec;
use crate::session::Kube;
use crate::streams::outcome;
use crate::task::{Next, Task, Turn, task};
use apimachinery::http::{Frame, StreamId};
use machine::coreutils::archive::{self, DIRECTORY, FILE, LINK, Member};
use machine::fs::{Kind as FileKind, absolute};
use machine::process::Wake;
use serde_json::Value;

const FLAGS: &[Flag] = &[
    short('c', "container", Kind::Str, "", "The container; the pod's default or first one if not named."),
    boolean("no-preserve", "Do not keep owners and permissions."),
    flag("retries", Kind::Int, "0", "How often to try again."),
];

pub static COMMAND: Command = Command {
    name: "cp",
    group: Group::Trouble,
    short: "Copy files and directories to and from containers",
    usage: "<file-spec-src> <file-spec-dest> [options]",
    long: "Copy files and directories to and from containers.",
    examples: &[
        ("Copy a local file into a pod", "kubectl cp /tmp/foo some-namespace/some-pod:/tmp/bar"),
        ("Copy a file out of a pod", "kubectl cp some-namespace/some-pod:/tmp/foo /tmp/bar"),
        ("Into a certain container", "kubectl cp /tmp/foo some-pod:/tmp/bar -c some-container"),
    ],
    flags: &[FLAGS],
    run: Some(run),
    ..Command::EMPTY
};

/// One end of a copy: a path, on this machine if no pod is named.
#[derive(Clone, Debug, PartialEq)]
struct End {
    namespace: String,
    pod: String,
    path: String,
}

impl End {
    fn parse(word: &str) -> Result<Self, Error> {
        const FORMAT: &str = "filespec must match the canonical format: [[namespace/]pod:]file/path";
        let Some((pod, path)) = word.split_once(':') else {
            return Ok(Self { namespace: String::new(), pod: String::new(), path: unslashed(word).to_owned() });
        };
        let (space, pod) = match pod.split('/').collect::<Vec<_>>()[..] {
            [pod] if !pod.is_empty() => ("", pod),
            [space, pod] => (space, pod),
            _ => return plain(FORMAT),
        };
        Ok(Self { namespace: space.to_owned(), pod: pod.to_owned(), path: unslashed(path).to_owned() })
    }
}

fn unslashed(path: &str) -> &str {
    if path == "/" { path } else { path.strip_suffix('/').unwrap_or(path) }
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What comes before the last part.
fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((dir, _)) => dir,
        None => ".",
    }
}

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let [from, to] = args.rest.as_slice() else {
        return plain("source and destination are required");
    };
    let (from, to) = (End::parse(from)?, End::parse(to)?);
    if !from.pod.is_empty() && !to.pod.is_empty() {
        return plain("one of src or dest must be a local file specification");
    }
    if from.path.is_empty() || to.path.is_empty() {
        return plain("filepath can not be empty");
    }
    if !from.pod.is_empty() {
        let at = Place::find(k, &from, args)?;
        let stream = at.start(k, &["tar", "cf", "-", &from.path], false)?;
        return task(FromPod { at, stream, from: from.path, to: to.path, archive: Vec::new() });
    }
    if to.pod.is_empty() {
        return plain("one of src or dest must be a remote file specification");
    }
    if k.ctx.machine.fs.stat(&k.ctx.cred(), &k.ctx.full(&from.path)).is_err() {
        return plain(format!("{} doesn't exist in local filesystem", from.path));
    }
    let at = Place::find(k, &to, args)?;
    let stream = at.start(k, &["test", "-d", &to.path], false)?;
    task(ToPod { at, stream, from: from.path, to: to.path, keep: !args.bool("no-preserve"), asking: true })
}

/// The container at the far end.
#[derive(Clone)]
struct Place {
    pod: Value,
    container: String,
}

impl Place {
    fn find(k: &mut Kube<'_, '_>, end: &End, args: &Args) -> Result<Self, Error> {
        let pod = if end.namespace.is_empty() {
            pod_for(k, &end.pod)?
        } else {
            k.get(&format!("/api/v1/namespaces/{}/pods/{}", end.namespace, end.pod))?
        };
        let phase = text(&pod, "/status/phase");
        if phase == "Succeeded" || phase == "Failed" {
            return plain(format!("cannot exec into a container in a completed pod; current phase is {phase}"));
        }
        let (container, note) = pod_spec::container(&pod, args.str("container"))?;
        if let Some(note) = note {
            k.err(&note);
        }
        let container = container.to_owned();
        Ok(Self { pod, container })
    }

    fn start(&self, k: &mut Kube<'_, '_>, command: &[&str], stdin: bool) -> Result<StreamId, Error> {
        let mut request = stream_request(&self.pod, "exec", &self.container, stdin, false);
        for word in command {
            request = request.query("command", (*word).to_owned());
        }
        k.stream(request)
    }
}

/// What a remote command has said since last asked, and how it ended if it has.
struct Heard {
    out: Vec<u8>,
    err: Vec<u8>,
    ended: Option<Value>,
}

fn listen(k: &mut Kube<'_, '_>, stream: StreamId) -> Heard {
    let read = k.ctx.host.stream_read(stream);
    let mut heard = Heard { out: Vec::new(), err: Vec::new(), ended: None };
    for frame in read.frames {
        match frame {
            Frame::Data { channel: 1, bytes } => heard.out.extend(bytes),
            Frame::Data { channel: 2, bytes } => heard.err.extend(bytes),
            Frame::Data { channel: 3, bytes } => heard.ended = apimachinery::json::parse(&bytes).ok(),
            Frame::Json(status) => heard.ended = Some(status),
            Frame::Data { .. } => {}
        }
    }
    if read.ended && heard.ended.is_none() {
        heard.ended = Some(Value::Null);
    }
    if heard.ended.is_some() {
        k.ctx.host.stream_close(stream);
    }
    heard
}

const LISTEN_ON: Turn = Turn::Wait(Wake::World { until: None });

#[derive(Clone)]
struct FromPod {
    at: Place,
    stream: StreamId,
    from: String,
    to: String,
    archive: Vec<u8>,
}

impl Task for FromPod {
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        if k.ctx.interrupted() {
            k.ctx.host.stream_close(self.stream);
            return Ok(Turn::Done(130));
        }
        let heard = listen(k, self.stream);
        self.archive.extend(heard.out);
        // The far tar's complaints come out here, where upstream sends them.
        k.write(false, &heard.err);
        let Some(status) = heard.ended else { return Ok(LISTEN_ON) };
        if !archive::is_whole(&self.archive) {
            return outcome(&status);
        }
        self.unpack(k)?;
        Ok(Turn::Done(0))
    }
}

impl FromPod {
    fn unpack(&self, k: &mut Kube<'_, '_>) -> Result<(), Error> {
        let clean = absolute("/", &self.from);
        let prefix = clean.trim_start_matches('/');
        let Some(members) = archive::unpack(&self.archive) else { return plain("tar contents corrupted") };
        let root = k.ctx.abs(&self.to);
        let mut told = false;
        for mut member in members {
            let Some(rest) = member.name.strip_prefix(prefix) else { return plain("tar contents corrupted") };
            let path = absolute("/", &format!("{root}/{}", rest.trim_matches('/')));
            if path != root && !path.starts_with(&format!("{}/", root.trim_end_matches('/'))) {
                k.err(&format!("warning: file {path:?} is outside target destination, skipping\n"));
                continue;
            }
            if member.kind == LINK {
                let shown = format!("{}{}", self.to, rest.trim_end_matches('/'));
                let hint = format!(
                    " (consider using \"kubectl exec -n {:?} {:?} -- tar cf - {:?} | tar xf -\")",
                    namespace(&self.at.pod),
                    name(&self.at.pod),
                    self.from
                );
                let hint = if told { "" } else { &hint };
                k.err(&format!("warning: skipping symlink: {shown:?} -> {:?}{hint}\n", member.link));
                told = true;
                continue;
            }
            // New files get the usual permissions here, not those of the far side.
            member.mode = if member.kind == DIRECTORY { 0o755 } else { 0o644 };
            if let Err(e) = archive::lay_down(k.ctx, &path, &member) {
                let why = e.message().to_lowercase();
                return plain(format!("open {}: {why}", self.to));
            }
        }
        Ok(())
    }
}

#[derive(Clone)]
struct ToPod {
    at: Place,
    stream: StreamId,
    from: String,
    to: String,
    keep: bool,
    /// Still finding out whether the destination is a directory.
    asking: bool,
}

impl Task for ToPod {
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        if k.ctx.interrupted() {
            k.ctx.host.stream_close(self.stream);
            return Ok(Turn::Done(130));
        }
        let heard = listen(k, self.stream);
        if !self.asking {
            k.write(false, &heard.out);
            k.write(true, &heard.err);
        }
        let Some(status) = heard.ended else { return Ok(LISTEN_ON) };
        if !self.asking {
            return outcome(&status);
        }
        self.asking = false;
        let to = absolute("/", &self.to);
        let to = if self.to.starts_with('/') { to } else { to.trim_start_matches('/').to_owned() };
        let here = k.ctx.abs(&self.from);
        let to = if text(&status, "/status") == "Failure" { to } else { format!("{}/{}", self.to, base(&here)) };
        let mut members = Vec::new();
        collect(k, &here, base(&to), 0, &mut members);
        let mut command = vec!["tar"];
        if !self.keep {
            command.extend(["--no-same-permissions", "--no-same-owner"]);
        }
        command.extend(["-xmf", "-", "-C", parent(&to)]);
        self.stream = self.at.start(k, &command, true)?;
        k.ctx.host.stream_write(self.stream, 0, &archive::pack(&members));
        k.ctx.host.stream_write(self.stream, 255, &[0]);
        Ok(LISTEN_ON)
    }
}

/// Directories one inside the other that are followed.
const DEPTH_MAX: usize = 64;

/// A file, or what is in a directory, under the name it is to have. A directory is a member of its own only if it is empty.
fn collect(k: &mut Kube<'_, '_>, path: &str, name: &str, depth: usize, members: &mut Vec<Member>) {
    let cred = k.ctx.cred();
    let Ok(stat) = k.ctx.machine.fs.lstat(&cred, path) else { return };
    let mut member =
        Member { name: name.to_owned(), mode: stat.meta.mode, kind: FILE, link: String::new(), bytes: Vec::new() };
    match stat.kind {
        FileKind::Dir => {
            let inside = k.ctx.list_dir(path).unwrap_or_default();
            if depth < DEPTH_MAX && !inside.is_empty() {
                for file in inside {
                    collect(k, &format!("{path}/{file}"), &format!("{name}/{file}"), depth + 1, members);
                }
                return;
            }
            member.kind = DIRECTORY;
        }
        FileKind::Link => {
            member.kind = LINK;
            member.link = k.ctx.machine.fs.read_link(&cred, path).unwrap_or_default();
        }
        _ => member.bytes = k.ctx.read_file(path).unwrap_or_default(),
    }
    members.push(member);
}

#[cfg(test)]
mod tests {
    use super::{End, parent};

    #[test]
    fn ends_name_a_pod_or_a_local_path() {
        let end = |n: &str, p: &str, f: &str| Some(End { namespace: n.into(), pod: p.into(), path: f.into() });
        let cases = [
            ("a/b/", end("", "", "a/b")),
            ("web:/etc/nginx/", end("", "web", "/etc/nginx")),
            ("shop/web:/", end("shop", "web", "/")),
            (":x", None),
            ("a/b/c:/x", None),
        ];
        for (word, expected) in cases {
            assert_eq!(End::parse(word).ok(), expected, "{word}");
        }
    }

    #[test]
    fn parents_of_paths() {
        for (path, expected) in [("/tmp/g", "/tmp"), ("/g", "/"), ("g", "."), ("a/b/c", "a/b")] {
            assert_eq!(parent(path), expected, "{path}");
        }
    }
}
