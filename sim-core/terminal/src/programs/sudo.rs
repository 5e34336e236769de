//! `sudo`: runs a command as root, or as another user, for members of `wheel` (who are not asked for a password here).

use crate::laptop;
use crate::play::{Act, Command, fail, no_candidates};
use machine::fs::Cred;
use machine::process::{Ctx, Pid, Process, Spawn, Step, Wake};

pub const SUDO: Command = Command { name: "sudo", summary: "run a command as root", run, complete: no_candidates };

const USAGE: &str =
    "usage: sudo -h | -K | -k | -V\nusage: sudo [-bEHnPSsi] [-u user] [VAR=value] [command [arg ...]]\n";

fn run(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let mut user = "root".to_owned();
    let mut shell = false;
    let mut login = false;
    let mut rest = args.iter();
    let mut argv: Vec<String> = Vec::new();
    let mut env: Vec<(String, String)> = Vec::new();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "-u" | "--user" => user = rest.next().cloned().unwrap_or_default(),
            "-i" | "--login" => login = true,
            "-s" | "--shell" => shell = true,
            "-k" | "-K" => return Vec::new(),
            "-V" | "--version" => return vec![Act::Out("Sudo version 1.9.17p2\n".into())],
            "--" => argv.extend(rest.by_ref().cloned()),
            flag if flag.starts_with('-') && argv.is_empty() => {}
            word => match word.split_once('=').filter(|_| argv.is_empty()) {
                Some((n, v)) => env.push((n.to_owned(), v.to_owned())),
                None => {
                    argv.push(word.to_owned());
                    argv.extend(rest.by_ref().cloned());
                }
            },
        }
    }
    let me = ctx.cred();
    let wheel = laptop::group_id(ctx.machine, "wheel");
    if me.uid != 0 && !wheel.is_some_and(|w| me.groups.contains(&w) || me.gid == w) {
        let name = ctx.env("USER").unwrap_or_default();
        return fail(format!("{name} is not in the sudoers file.\n"), 1);
    }
    let Some((uid, gid, home)) = laptop::user(ctx.machine, &user) else {
        return fail(format!("sudo: unknown user {user}\nsudo: error initializing audit plugin sudoers_audit\n"), 1);
    };
    if argv.is_empty() && !shell && !login {
        return fail(USAGE, 1);
    }
    if argv.is_empty() {
        argv = if login { vec!["bash".into(), "-l".into()] } else { vec!["bash".into()] };
    } else if login || shell {
        argv = vec!["bash".into(), "-c".into(), argv.join(" ")];
    }
    let cred = if uid == 0 { Cred { groups: vec![0], ..Cred::ROOT } } else { laptop::credentials(ctx.machine, &user) };
    let cred = Cred { uid, gid, ..cred };
    env.push(("SUDO_USER".into(), ctx.env("USER").unwrap_or_default()));
    env.push(("HOME".into(), home.clone()));
    env.push(("USER".into(), user.clone()));
    env.push(("LOGNAME".into(), user));
    let cwd = login.then_some(home);
    as_user(ctx, argv, cred, env, cwd)
}

/// Runs a command with other credentials and ends with its code.
pub fn as_user(
    ctx: &mut Ctx<'_>,
    argv: Vec<String>,
    cred: Cred,
    env: Vec<(String, String)>,
    cwd: Option<String>,
) -> Vec<Act> {
    let name = argv.first().cloned().unwrap_or_default();
    let mut all = ctx.machine.process(ctx.pid).map(|p| (*p.env).clone()).unwrap_or_default();
    all.extend(env);
    let spawn = Spawn { argv, env: Some(std::sync::Arc::new(all)), cwd, cred: Some(cred), ..Spawn::default() };
    match ctx.machine.spawn_child(ctx.pid, spawn) {
        Ok(child) => vec![Act::Become(Box::new(Child(child)))],
        Err(machine::fs::FsError::NotFound) => fail(format!("sudo: {name}: command not found\n"), 1),
        Err(e) => fail(format!("sudo: unable to execute {name}: {}\n", e.message()), 1),
    }
}

#[derive(Clone)]
struct Child(Pid);

impl Process for Child {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        // Signals of the terminal reach the child itself: it is in the same group.
        let _ = ctx.interrupted();
        match ctx.reap(self.0) {
            Some(code) => Step::Exit(code),
            None => Step::Wait(Wake::Child(self.0)),
        }
    }
}
