//! What a learner at a terminal sees: typed keys in, a screen's worth of text out.

use apimachinery::time::{Duration, Time};
use machine::machine::{Machine, MachineState, SessionId, Start, TtyId};
use machine::testing::{EmptyHost, laptop, learner};

struct Desk {
    machine: Machine,
    host: EmptyHost,
    tty: TtyId,
    shell: SessionId,
}

impl Desk {
    fn new() -> Self {
        let mut machine = laptop();
        let tty = machine.new_tty(80, 24);
        let start = Start {
            argv: vec!["bash".into()],
            cwd: "/home/learner".into(),
            cred: learner(),
            tty: Some(tty),
            ..Start::default()
        };
        let shell = machine.spawn_session(start).expect("bash is there");
        let mut desk = Self { machine, host: EmptyHost { now: Time::START }, tty, shell };
        assert_eq!(desk.seen(), "learner@kaiki:~$ ");
        desk
    }

    /// Lets everything that can happen now happen; what was shown.
    fn seen(&mut self) -> String {
        let mut out = Vec::new();
        for _ in 0..1000 {
            let state = self.machine.run(&mut self.host, 1000);
            out.extend(self.machine.take_output(self.tty));
            if state != MachineState::Busy {
                break;
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    fn typed(&mut self, keys: &str) -> String {
        self.machine.feed(self.tty, keys.as_bytes());
        self.seen()
    }

    fn later(&mut self, secs: u64) -> String {
        self.host.now = self.host.now + Duration::from_secs(secs);
        self.seen()
    }
}

const PROMPT: &str = "learner@kaiki:~$ ";

#[test]
fn a_line_runs_and_the_prompt_comes_back() {
    let mut d = Desk::new();
    assert_eq!(d.typed("echo hi\r"), format!("echo hi\r\nhi\r\n{PROMPT}"));
    assert_eq!(d.typed("nosuch\r"), format!("nosuch\r\nbash: nosuch: command not found\r\n{PROMPT}"));
    assert_eq!(d.typed("for i in 1 2\r"), "for i in 1 2\r\n> ");
    assert_eq!(d.typed("do echo $i; done\r"), format!("do echo $i; done\r\n1\r\n2\r\n{PROMPT}"));
    assert!(d.typed("echo )\r").contains("bash: syntax error near unexpected token `)'"));
    assert!(d.typed("alias e='echo aliased'\re you\r").contains("\r\naliased you\r\n"));
    assert!(d.typed("cd /tmp\r").ends_with("learner@kaiki:/tmp$ "));
}

#[test]
fn ctrl_c_ends_what_runs() {
    let mut d = Desk::new();
    assert_eq!(d.typed("sleep 100\r"), "sleep 100\r\n");
    assert_eq!(d.typed("\x03"), format!("^C\r\n{PROMPT}"));
    assert!(d.typed("echo $?\r").contains("\r\n130\r\n"));
    d.machine.feed(d.tty, b"while true; do :; done\r");
    assert_eq!(d.machine.run(&mut d.host, 50), MachineState::Busy);
    assert!(d.typed("\x03").ends_with(PROMPT));
    assert_eq!(d.typed("abc\x03"), format!("abc^C\r\n{PROMPT}"));
}

#[test]
fn jobs_run_behind_and_stop() {
    let mut d = Desk::new();
    assert!(d.typed("sleep 5 &\r").contains("[1] 10"));
    assert!(d.typed("jobs\r").contains("[1]+  Running                 sleep 5 &"));
    d.later(6);
    assert!(d.typed("\r").contains("[1]+  Done                    sleep 5"));
    d.typed("sleep 50\r");
    assert!(d.typed("\x1a").contains("[1]+  Stopped                 sleep 50"));
    assert!(d.typed("bg\r").contains("[1]+ sleep 50 &"));
    d.typed("fg\r");
    assert!(d.later(60).ends_with(PROMPT));
}

#[test]
fn tab_completes_commands_and_files() {
    let mut d = Desk::new();
    d.typed("touch deploy-1.yaml deploy-2.yaml\r");
    assert!(d.typed("ls dep\t").ends_with("ls deploy-"));
    assert!(d.typed("\t").contains("deploy-1.yaml  deploy-2.yaml"));
    assert!(d.typed("1\t\r").contains("deploy-1.yaml \r\n"));
    assert!(d.typed("whoa\t\r").contains("whoami \r\nlearner\r\n"));
}

#[test]
fn programs_read_the_terminal() {
    let mut d = Desk::new();
    d.typed("cat > note\r");
    assert_eq!(d.typed("hello\r"), "hello\r\n");
    assert_eq!(d.typed("\x04"), PROMPT);
    assert!(d.typed("cat note\r").contains("\r\nhello\r\n"));
    assert!(d.typed("read -p 'Name: ' n; echo \"<$n>\"\r").ends_with("Name: "));
    assert!(d.typed("Γιάννης\r").contains("<Γιάννης>"));
}

#[test]
fn editors_write_files() {
    let mut d = Desk::new();
    assert!(d.typed("nano pod.yaml\r").contains("GNU nano"));
    d.typed("kind: Pod\rname: x\x18y\r");
    assert!(d.typed("cat pod.yaml\r").contains("kind: Pod\r\nname: x\r\n"));
    assert!(d.typed("vi pod.yaml\r").contains("\"pod.yaml\" 2L, 18B"));
    d.typed("jdd:%s/Pod/Job/\rosecond\x1b:wq\r");
    assert!(d.typed("cat pod.yaml\r").contains("kind: Job\r\nsecond\r\n"));
}

#[test]
fn watch_runs_again_until_interrupted() {
    let mut d = Desk::new();
    assert!(d.typed("watch date +%S\r").contains("\r\n00"));
    assert!(d.later(2).contains("\r\n02"));
    assert!(d.typed("\x03").ends_with(PROMPT));
    let copy = d.machine.clone();
    d.typed("rm -rf /home/learner/*; exit\r");
    assert_eq!(d.machine.exit_code(d.shell), Some(0));
    assert_eq!(copy.exit_code(d.shell), None);
}
