//! For tests: a laptop-like machine with nothing outside it, and scripts run on it to their end.

use crate::fs::{Cred, Fs, Volume};
use crate::host::{Exchange, ForwardTarget, Host, ListenerId, NetError};
use crate::machine::{Machine, MachineState, Start};
use apimachinery::http::{Request, StreamId, StreamRead};
use apimachinery::time::{Duration, Time};
use core::any::Any;

/// A world without anybody in it, whose clock moves when told.
#[derive(Clone, Debug)]
pub struct EmptyHost {
    pub now: Time,
}

impl Host for EmptyHost {
    fn now(&self) -> Time {
        self.now
    }
    fn http(&mut self, _: &str, _: &str, host: &str, _: u16, _: Request) -> Exchange {
        let known = host == "localhost" || host.starts_with("127.");
        let result = Err(if known { NetError::Refused } else { NetError::NoSuchHost });
        Exchange { after: Duration::ZERO, address: "127.0.0.1".into(), result }
    }
    fn stream_read(&mut self, _: StreamId) -> StreamRead {
        StreamRead { frames: Vec::new(), ended: true }
    }
    fn stream_write(&mut self, _: StreamId, _: u8, _: &[u8]) {}
    fn stream_close(&mut self, _: StreamId) {}
    fn resolve(&mut self, _: &str, name: &str) -> Result<Vec<String>, NetError> {
        if name == "localhost" { Ok(vec!["127.0.0.1".into()]) } else { Err(NetError::NoSuchHost) }
    }
    fn listen(&mut self, _: &str, _: u16, _: ForwardTarget) -> Result<ListenerId, NetError> {
        Err(NetError::Refused)
    }
    fn accepted(&mut self, _: ListenerId) -> Result<u32, String> {
        Ok(0)
    }
    fn unlisten(&mut self, _: ListenerId) {}
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// A laptop with a user `learner` and all tools.
pub fn laptop() -> Machine {
    let mut root = Volume::new(64 << 20);
    let passwd = "root:x:0:0:root:/root:/bin/bash\nlearner:x:1000:1000:Learner:/home/learner:/bin/bash\n";
    let group = "root:x:0:\nwheel:x:998:learner\nlearner:x:1000:\n";
    for (path, text) in [("/etc/passwd", passwd), ("/etc/group", group), ("/etc/hostname", "kaiki\n")] {
        root.install(path, 0o644, text).expect("an empty volume has room");
    }
    for (path, mode, id) in [("/home/learner", 0o755, 1000), ("/tmp", 0o1777, 0), ("/root", 0o700, 0)] {
        root.install_dir(path, mode, id, id).expect("an empty volume has room");
    }
    crate::coreutils::install_devices(&mut root);
    crate::coreutils::install_all(&mut root, "/usr/bin");
    let mut machine = Machine::new("laptop", "kaiki", Fs::new(root));
    machine.set_last_pid(1000);
    for (name, value) in [
        ("HOME", "/home/learner"),
        ("USER", "learner"),
        ("PATH", "/usr/local/bin:/usr/bin"),
        ("TERM", "xterm-256color"),
        ("LANG", "C.UTF-8"),
    ] {
        machine.set_env(name, value);
    }
    machine
}

pub fn learner() -> Cred {
    Cred { uid: 1000, gid: 1000, groups: vec![998] }
}

/// Turns a script gets before it counts as endless.
const TURNS_MAX: u32 = 200_000;

/// Runs the machine, letting time pass, until the session has ended or nothing more can happen.
pub fn run_to_end(machine: &mut Machine, host: &mut EmptyHost, ended: impl Fn(&Machine) -> bool) {
    let mut turns = 0;
    while !ended(machine) && turns < TURNS_MAX {
        turns += 1;
        match machine.run(host, 100) {
            MachineState::Busy => {}
            MachineState::Idle { until: Some(t), .. } => host.now = host.now.max(t),
            MachineState::Idle { until: None, .. } => return,
        }
    }
}

/// Runs `argv` on a machine as the learner; (standard output, standard error, exit code).
pub fn run_argv(machine: &mut Machine, argv: &[&str], input: Option<&str>) -> (String, String, i32) {
    let mut host = EmptyHost { now: Time::START };
    let start = Start {
        argv: argv.iter().map(|a| (*a).to_owned()).collect(),
        cwd: "/home/learner".into(),
        cred: learner(),
        stdin: input.is_some(),
        ..Start::default()
    };
    let session = match machine.spawn_session(start) {
        Ok(id) => id,
        Err(e) => return (String::new(), e.message().into(), 127),
    };
    if let Some(text) = input {
        machine.write_stdin(session, text.as_bytes());
        machine.close_stdin(session);
    }
    let (mut out, mut err) = (Vec::new(), Vec::new());
    for _ in 0..1000 {
        run_to_end(machine, &mut host, |m| m.exit_code(session).is_some());
        let (more_out, more_err) = (machine.take_stdout(session), machine.take_stderr(session));
        let quiet = more_out.is_empty() && more_err.is_empty();
        out.extend(more_out);
        err.extend(more_err);
        if machine.exit_code(session).is_some() || quiet {
            break;
        }
    }
    let code = machine.exit_code(session).unwrap_or(-1);
    machine.drop_session(session);
    (String::from_utf8_lossy(&out).into_owned(), String::from_utf8_lossy(&err).into_owned(), code)
}

/// Runs a script with bash on a fresh laptop.
pub fn run_script(script: &str) -> (String, String, i32) {
    run_argv(&mut laptop(), &["bash", "-c", script], None)
}
