//! Tools that run another command differently: sudo, su, env, timeout.

use super::users;
use crate::fs::{Cred, FsError};
use crate::process::{Ctx, Pid, Process, Signal, Spawn, Step, Wake};
use apimachinery::time::Time;
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Sudo,
    Su,
    Env,
    Timeout,
}

#[derive(Clone)]
struct Runner {
    way: Way,
    args: Vec<String>,
    child: Option<Pid>,
    until: Option<Time>,
    timed_out: bool,
}

fn runner(way: Way, args: Vec<String>) -> Box<dyn Process> {
    Box::new(Runner { way, args, child: None, until: None, timed_out: false })
}

pub fn sudo(args: Vec<String>) -> Box<dyn Process> {
    runner(Way::Sudo, args)
}

pub fn su(args: Vec<String>) -> Box<dyn Process> {
    runner(Way::Su, args)
}

pub fn env(args: Vec<String>) -> Box<dyn Process> {
    runner(Way::Env, args)
}

pub fn timeout(args: Vec<String>) -> Box<dyn Process> {
    runner(Way::Timeout, args)
}

/// The environment and identity of a user's command.
fn become_user(ctx: &Ctx<'_>, spawn: &mut Spawn, user: &users::User, login: bool) {
    let mut env = ctx.machine.process(ctx.pid).map(|p| p.env.clone()).unwrap_or_default();
    let vars = Arc::make_mut(&mut env);
    for (name, value) in [("HOME", &user.home), ("USER", &user.name), ("LOGNAME", &user.name), ("SHELL", &user.shell)] {
        vars.insert(name.into(), value.clone());
    }
    spawn.env = Some(env);
    spawn.cred = Some(users::cred(ctx.machine, user));
    if login {
        spawn.cwd = Some(user.home.clone());
    }
}

fn root_user() -> users::User {
    users::User { name: "root".into(), uid: 0, gid: 0, home: "/root".into(), shell: "/bin/bash".into() }
}

impl Runner {
    /// What to start, or the exit code at once.
    fn plan(&mut self, ctx: &mut Ctx<'_>) -> Result<Spawn, i32> {
        match self.way {
            Way::Sudo => self.plan_sudo(ctx),
            Way::Su => self.plan_su(ctx),
            Way::Env => self.plan_env(ctx),
            Way::Timeout => {
                let rest: Vec<String> = self.args.iter().skip_while(|a| a.starts_with('-')).cloned().collect();
                let [time, argv @ ..] = rest.as_slice() else { return Err(125) };
                let Some(limit) = super::follow::duration(time) else {
                    ctx.err(&format!(
                        "timeout: invalid time interval ‘{time}’\nTry 'timeout --help' for more information.\n"
                    ));
                    return Err(125);
                };
                if argv.is_empty() {
                    ctx.err("timeout: missing operand\nTry 'timeout --help' for more information.\n");
                    return Err(125);
                }
                self.until = Some(ctx.now() + limit);
                Ok(Spawn::new(argv.to_vec()))
            }
        }
    }

    fn plan_sudo(&mut self, ctx: &mut Ctx<'_>) -> Result<Spawn, i32> {
        let mut user = users::by_name(ctx.machine, "root").unwrap_or_else(root_user);
        let (mut shell, mut login) = (false, false);
        let mut rest = self.args.iter();
        let mut argv: Vec<String> = Vec::new();
        while let Some(a) = rest.next() {
            match a.as_str() {
                "-i" => (shell, login) = (true, true),
                "-s" => shell = true,
                "-E" | "-n" | "-H" | "-S" | "-k" | "-v" => {}
                "-u" => {
                    let name = rest.next().cloned().unwrap_or_default();
                    user = users::by_name(ctx.machine, &name).ok_or_else(|| {
                        ctx.err(&format!(
                            "sudo: unknown user {name}\nsudo: error initializing audit plugin sudoers_audit\n"
                        ));
                        1
                    })?;
                }
                "--" => break,
                a if a.starts_with('-') => {
                    ctx.err(&format!("sudo: unrecognized option '{a}'\n"));
                    return Err(1);
                }
                _ => {
                    argv.push(a.clone());
                    break;
                }
            }
        }
        argv.extend(rest.cloned());
        let me = ctx.cred();
        let admins = users::groups(ctx.machine).into_iter().filter(|g| matches!(g.0.as_str(), "wheel" | "sudo"));
        let allowed = me.uid == 0 || admins.into_iter().any(|g| me.groups.contains(&g.1) || me.gid == g.1);
        if !allowed {
            let name = users::name_of(ctx.machine, me.uid);
            ctx.err(&format!("{name} is not in the sudoers file.\n"));
            return Err(1);
        }
        if argv.is_empty() && !shell {
            ctx.err("usage: sudo -h | -K | -k | -V\nusage: sudo [-EHnPS] [-u user] [command [arg ...]]\n");
            return Err(1);
        }
        if argv.is_empty() {
            argv.push(user.shell.clone());
        }
        // Assignments before the command go to its environment.
        let mut assigned = Vec::new();
        while argv.len() > 1 && argv[0].split_once('=').is_some_and(|(n, _)| !n.contains('/')) {
            assigned.push(argv.remove(0));
        }
        let mut spawn = Spawn::new(argv);
        become_user(ctx, &mut spawn, &user, login);
        if let Some(env) = &mut spawn.env {
            let env = Arc::make_mut(env);
            env.insert("SUDO_USER".into(), users::name_of(ctx.machine, me.uid));
            env.extend(assigned.iter().filter_map(|a| a.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())));
        }
        Ok(spawn)
    }

    fn plan_su(&mut self, ctx: &mut Ctx<'_>) -> Result<Spawn, i32> {
        let command = self.args.iter().position(|a| a == "-c").and_then(|i| self.args.get(i + 1)).cloned();
        let login = self.args.iter().any(|a| a == "-" || a == "-l");
        let name = self.args.iter().find(|a| !a.starts_with('-') && Some(*a) != command.as_ref());
        let name = name.map_or("root", String::as_str);
        let Some(user) = users::by_name(ctx.machine, name) else {
            ctx.err(&format!(
                "su: user {name} does not exist or the user entry does not contain all the required fields\n"
            ));
            return Err(1);
        };
        if ctx.cred().uid != 0 {
            ctx.err("su: Authentication failure\n");
            return Err(1);
        }
        let mut argv = vec![user.shell.clone()];
        if let Some(command) = command {
            argv.extend(["-c".into(), command]);
        }
        let mut spawn = Spawn::new(argv);
        become_user(ctx, &mut spawn, &user, login);
        Ok(spawn)
    }

    fn plan_env(&mut self, ctx: &mut Ctx<'_>) -> Result<Spawn, i32> {
        let mut env = ctx.machine.process(ctx.pid).map(|p| p.env.clone()).unwrap_or_default();
        let path = env.get("PATH").cloned();
        let vars = Arc::make_mut(&mut env);
        let mut rest = self.args.iter().peekable();
        while let Some(a) = rest.next_if(|a| a.starts_with('-') || a.contains('=')) {
            match a.as_str() {
                "-i" | "-" | "--ignore-environment" => vars.clear(),
                "-u" => {
                    let name = rest.next().cloned().unwrap_or_default();
                    vars.remove(&name);
                }
                a => match a.split_once('=') {
                    Some((name, value)) if !a.starts_with('-') => {
                        vars.insert(name.into(), value.into());
                    }
                    _ => {
                        let c = a.trim_start_matches('-').chars().next().unwrap_or('-');
                        ctx.err(&format!("env: invalid option -- '{c}'\nTry 'env --help' for more information.\n"));
                        return Err(125);
                    }
                },
            }
        }
        let argv: Vec<String> = rest.cloned().collect();
        if argv.is_empty() {
            for (name, value) in env.iter() {
                ctx.out(&format!("{name}={value}\n"));
            }
            return Err(0);
        }
        if env.get("PATH").is_none() && !argv[0].contains('/') {
            // Looked up where the caller would look.
            let found = ctx.machine.find_program(&ctx.cred(), path.as_deref(), &ctx.cwd(), &argv[0]);
            let mut argv = argv;
            if let Ok(file) = found {
                argv[0] = file;
            }
            return Ok(Spawn { env: Some(env), ..Spawn::new(argv) });
        }
        Ok(Spawn { env: Some(env), ..Spawn::new(argv) })
    }

    fn name(&self) -> &'static str {
        match self.way {
            Way::Sudo => "sudo",
            Way::Su => "su",
            Way::Env => "env",
            Way::Timeout => "timeout",
        }
    }
}

impl Process for Runner {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let child = match self.child {
            Some(child) => child,
            None => {
                let spawn = match self.plan(ctx) {
                    Ok(spawn) => spawn,
                    Err(code) => return Step::Exit(code),
                };
                let name = spawn.argv.first().cloned().unwrap_or_default();
                let pid = ctx.pid;
                match ctx.machine.spawn_child(pid, spawn) {
                    Ok(child) => *self.child.insert(child),
                    Err(e) => {
                        let code = if e == FsError::NotFound { 127 } else { 126 };
                        let text = match self.way {
                            Way::Sudo if code == 127 => format!("sudo: {name}: command not found\n"),
                            Way::Timeout => format!("timeout: failed to run command ‘{name}’: {}\n", e.message()),
                            _ => format!("{}: ‘{name}’: {}\n", self.name(), e.message()),
                        };
                        ctx.err(&text);
                        return Step::Exit(if self.way == Way::Sudo { 1 } else { code });
                    }
                }
            }
        };
        // What the terminal sends goes to the child as well; this process only waits for it.
        while let Some(signal) = ctx.take_signal() {
            if signal != Signal::Int {
                ctx.kill(child, signal);
            }
        }
        if let Some(code) = ctx.reap(child) {
            return Step::Exit(if self.timed_out { 124 } else { code });
        }
        match self.until {
            Some(until) if ctx.now() >= until && !self.timed_out => {
                self.timed_out = true;
                ctx.kill(child, Signal::Term);
                Step::Wait(Wake::Child(child))
            }
            // Woken by the child or the clock, whichever is first.
            Some(until) if !self.timed_out => Step::Wait(Wake::ChildUntil(child, until)),
            _ => Step::Wait(Wake::Child(child)),
        }
    }
}

/// The identity of the machine's superuser, for whoever starts services.
pub const ROOT: Cred = Cred::ROOT;
