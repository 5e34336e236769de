//! The learner's laptop: an Arch-like machine with one user, built in one of its start states.

use crate::programs;
use apimachinery::order::Order as _;
use apimachinery::time::Time;
use machine::fs::{Cred, Fs, Node, Volume};
use machine::machine::{Machine, Personality, ShellKind, Tools};

/// What the laptop has when the playground begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartState {
    /// Nothing of docker, minikube or kubectl but the commands to install them.
    Fresh,
    /// Docker runs, minikube has started a cluster, kubectl points at it.
    Ready,
}

pub const USER: &str = "learner";
pub const HOME: &str = "/home/learner";
pub const UID: u32 = 1000;
pub const DOCKER_GID: u32 = 970;
/// Numbers of processes on a machine that has booted begin about here.
pub const FIRST_PID: u32 = 1800;
pub const BOOT_MESSAGE: &str = "Arch Linux 6.12.8-kaiki (tty1)\r\n\r\nlaptop login: learner (automatic login)\r\n\r\n";

const DISK_BYTES: u64 = 256 << 20;

const PASSWD: &str = "root:x:0:0::/root:/usr/bin/bash\nbin:x:1:1::/:/usr/bin/nologin\ndaemon:x:2:2::/:/usr/bin/nologin\n\
    nobody:x:65534:65534:Kernel Overflow User:/:/usr/bin/nologin\nlearner:x:1000:1000::/home/learner:/usr/bin/bash\n";
const GROUP: &str = "root:x:0:root\nbin:x:1:daemon\ndaemon:x:2:bin\nwheel:x:998:learner\nusers:x:984:\n\
    nobody:x:65534:\nlearner:x:1000:\n";
const OS_RELEASE: &str = "NAME=\"Arch Linux\"\nPRETTY_NAME=\"Arch Linux\"\nID=arch\nBUILD_ID=rolling\n\
    ANSI_COLOR=\"38;2;23;147;209\"\nHOME_URL=\"https://archlinux.org/\"\n";
const BASHRC: &str = "#\n# ~/.bashrc\n#\n\nalias ls='ls --color=auto'\nalias grep='grep --color=auto'\n\
    PS1='\\[\\e[1;32m\\]\\u@\\h\\[\\e[0m\\]:\\[\\e[1;34m\\]\\w\\[\\e[0m\\]\\$ '\n";
const BASH_PROFILE: &str = "#\n# ~/.bash_profile\n#\n\n[[ -f ~/.bashrc ]] && . ~/.bashrc\n";
const SUDOERS: &str = "root ALL=(ALL:ALL) ALL\n%wheel ALL=(ALL:ALL) NOPASSWD: ALL\n";

pub fn build(state: StartState, now: Time) -> Machine {
    let mut root = Volume::new(DISK_BYTES);
    for (path, mode, text) in [
        ("/etc/passwd", 0o644, PASSWD),
        ("/etc/group", 0o644, GROUP),
        ("/etc/os-release", 0o644, OS_RELEASE),
        ("/etc/arch-release", 0o644, ""),
        ("/etc/hostname", 0o644, "laptop\n"),
        ("/etc/hosts", 0o644, "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 laptop\n"),
        ("/etc/resolv.conf", 0o644, "nameserver 192.168.1.1\n"),
        ("/etc/shells", 0o644, "/bin/sh\n/bin/bash\n/usr/bin/bash\n"),
        ("/etc/sudoers", 0o440, SUDOERS),
    ] {
        expect(root.install(path, mode, text));
    }
    for (path, mode) in
        [("/tmp", 0o1777), ("/root", 0o700), ("/var/log", 0o755), ("/mnt", 0o755), ("/opt", 0o755), ("/run", 0o755)]
    {
        expect(root.install_dir(path, mode, 0, 0));
    }
    expect(root.install_dir(HOME, 0o700, UID, UID));
    for (name, text) in [(".bashrc", BASHRC), (".bash_profile", BASH_PROFILE)] {
        let meta = machine::fs::Meta { mode: 0o644, uid: UID, gid: UID, mtime: now };
        expect(root.install_node(&format!("{HOME}/{name}"), Node::file(meta, text.as_bytes().to_vec())));
    }
    programs::install_base(&mut root);
    if state == StartState::Ready {
        programs::install_packages(&mut root, programs::READY);
    }
    let mut fs = Fs::new(root);
    fs.now = now;
    let mut machine = Machine::new("laptop", "laptop", fs);
    machine.personality = Personality { tools: Tools::Gnu, sh: ShellKind::Bash };
    machine.booted = now;
    machine.cpus = 8;
    machine.memory_bytes = 16 << 30;
    machine.set_last_pid(FIRST_PID);
    for (name, value) in [
        ("HOME", HOME),
        ("USER", USER),
        ("LOGNAME", USER),
        ("SHELL", "/usr/bin/bash"),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/bin:/bin"),
        ("LANG", "C.UTF-8"),
        ("TERM", "xterm-256color"),
        ("EDITOR", "nano"),
    ] {
        machine.set_env(name, value);
    }
    if state == StartState::Ready {
        add_group(&mut machine, "docker", DOCKER_GID);
        add_member(&mut machine, "docker", USER);
    }
    machine
}

fn expect<T>(result: Result<T, machine::fs::FsError>) {
    assert!(result.is_ok(), "the laptop's own files fit on its disk");
}

/// The lines of `/etc/group`: name, number, members.
pub fn groups(machine: &Machine) -> Vec<(String, u32, Vec<String>)> {
    let bytes = machine.fs.read(&Cred::ROOT, "/etc/group").map(|b| b.to_vec()).unwrap_or_default();
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, gid, members] = fields.as_slice() else { return None };
        let members = members.split(',').filter(|m| !m.is_empty()).map(str::to_owned).collect();
        Some(((*name).to_owned(), gid.parse().ok()?, members))
    };
    String::from_utf8_lossy(&bytes).lines().filter_map(line).collect()
}

pub fn group_id(machine: &Machine, name: &str) -> Option<u32> {
    groups(machine).into_iter().find(|(n, ..)| n == name).map(|(_, gid, _)| gid)
}

/// (uid, gid, home) of a user of `/etc/passwd`.
pub fn user(machine: &Machine, name: &str) -> Option<(u32, u32, String)> {
    let bytes = machine.fs.read(&Cred::ROOT, "/etc/passwd").map(|b| b.to_vec()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [n, _, uid, gid, _, home, ..] = fields.as_slice() else { return None };
        (*n == name).then_some(())?;
        Some((uid.parse().ok()?, gid.parse().ok()?, (*home).to_owned()))
    })
}

/// What a login as this user gives: its number and the groups it is in at this moment.
pub fn credentials(machine: &Machine, name: &str) -> Cred {
    let Some((uid, gid, _)) = user(machine, name) else { return Cred { uid: 65534, gid: 65534, groups: Vec::new() } };
    let member = |(_, g, members): (String, u32, Vec<String>)| members.iter().any(|m| m == name).then_some(g);
    let mut groups: Vec<u32> = groups(machine).into_iter().filter_map(member).collect();
    groups.push(gid);
    groups.order();
    groups.dedup();
    Cred { uid, gid, groups }
}

fn write_groups(machine: &mut Machine, groups: &[(String, u32, Vec<String>)]) {
    let mut text = String::new();
    for (name, gid, members) in groups {
        text.push_str(&format!("{name}:x:{gid}:{}\n", members.join(",")));
    }
    // Root's own file on root's behalf: fails only when the disk is full, and then nothing changes.
    let _ = machine.fs.write(&Cred::ROOT, "/etc/group", text.as_bytes());
}

/// Adds a group; false when there is one of that name.
pub fn add_group(machine: &mut Machine, name: &str, gid: u32) -> bool {
    let mut all = groups(machine);
    if all.iter().any(|(n, ..)| n == name) {
        return false;
    }
    all.push((name.to_owned(), gid, Vec::new()));
    write_groups(machine, &all);
    true
}

/// Adds a user to a group; false when there is no such group.
pub fn add_member(machine: &mut Machine, group: &str, user: &str) -> bool {
    let mut all = groups(machine);
    let Some((_, _, members)) = all.iter_mut().find(|(n, ..)| n == group) else { return false };
    if !members.iter().any(|m| m == user) {
        members.push(user.to_owned());
    }
    write_groups(machine, &all);
    true
}

/// Takes a user out of a group (all groups when `group` is `None`).
pub fn remove_member(machine: &mut Machine, group: Option<&str>, user: &str) {
    let mut all = groups(machine);
    for (_, _, members) in all.iter_mut().filter(|(n, ..)| group.is_none_or(|g| g == n)) {
        members.retain(|m| m != user);
    }
    write_groups(machine, &all);
}

/// Deletes a group; false when there is none.
pub fn remove_group(machine: &mut Machine, name: &str) -> bool {
    let mut all = groups(machine);
    let before = all.len();
    all.retain(|(n, ..)| n != name);
    write_groups(machine, &all);
    all.len() < before
}
