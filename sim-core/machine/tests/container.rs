//! What a container's main process does: number 1, signals, busybox's words.

use apimachinery::time::{Duration, Time};
use machine::fs::{Fs, Volume};
use machine::machine::{Machine, Personality, SessionId, ShellKind, Start, Tools};
use machine::process::{Pid, Signal};
use machine::testing::EmptyHost;

/// A busybox container running `argv` as number 1, after its first turns.
fn container(argv: &[&str]) -> (Machine, EmptyHost, SessionId) {
    let mut root = Volume::new(1 << 20);
    machine::coreutils::install_devices(&mut root);
    machine::coreutils::install_busybox(&mut root);
    let mut machine = Machine::new("c", "web", Fs::new(root));
    machine.personality = Personality { tools: Tools::Busybox, sh: ShellKind::Ash };
    let mut host = EmptyHost { now: Time::START };
    let argv = argv.iter().map(|a| (*a).to_owned()).collect();
    let id = machine.spawn_session(Start { argv, ..Start::default() }).expect("busybox has it");
    machine.run(&mut host, 1000);
    (machine, host, id)
}

#[test]
fn number_one_ignores_term_unless_it_traps_it() {
    let check = |argv: &[&str], signal, want: Option<i32>, output: &str| {
        let (mut m, mut host, id) = container(argv);
        assert_eq!(m.session_pid(id), Some(Pid(1)));
        m.signal(Pid(1), signal);
        m.run(&mut host, 1000);
        host.now = host.now + Duration::from_secs(2);
        m.run(&mut host, 1000);
        assert_eq!(m.exit_code(id), want, "{argv:?}");
        assert_eq!(String::from_utf8_lossy(&m.take_stdout(id)), output, "{argv:?}");
    };
    check(&["sleep", "100"], Signal::Term, None, "");
    check(&["sleep", "100"], Signal::Kill, Some(137), "");
    check(&["sh", "-c", "sleep 100"], Signal::Term, None, "");
    check(&["sh", "-c", "trap 'echo bye; exit 0' TERM; sleep 100 & wait"], Signal::Term, Some(0), "bye\n");
    check(&["sh", "-c", "trap 'echo bye; exit 3' TERM; while true; do sleep 1; done"], Signal::Term, Some(3), "bye\n");
}

#[test]
fn images_speak_their_own_words() {
    let check = |script: &str, error: &str, code: i32| {
        let (mut m, _, id) = container(&["sh", "-c", script]);
        assert_eq!(String::from_utf8_lossy(&m.take_stderr(id)), error, "{script}");
        assert_eq!(m.exit_code(id), Some(code), "{script}");
    };
    check("nosuch", "sh: nosuch: not found\n", 127);
    check("cat nofile", "cat: can't open 'nofile': No such file or directory\n", 1);
    check("ls nofile", "ls: nofile: No such file or directory\n", 1);
    check("cd nodir", "sh: cd: can't cd to nodir: No such file or directory\n", 1);
}
