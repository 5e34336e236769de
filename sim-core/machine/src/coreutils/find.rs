//! `find`: -name, -iname, -path, -type, -maxdepth, -mindepth, -empty, -size, -exec, -delete, -print.

use crate::fs::{Kind, Stat};
use crate::process::{Ctx, Pid, Process, Step, Wake};
use crate::shell::pattern;

const DEPTH_MAX: u32 = 64;

/// Visits a path and everything below it, directories before what is in them.
pub fn walk(ctx: &mut Ctx<'_>, path: &str, depth: u32, visit: &mut dyn FnMut(&mut Ctx<'_>, &str, &Stat)) {
    let Ok(stat) = ctx.machine.fs.lstat(&ctx.cred(), &ctx.full(path)) else { return };
    visit(ctx, path, &stat);
    if stat.is_dir() && depth < DEPTH_MAX {
        match ctx.machine.fs.list(&ctx.cred(), &ctx.full(path)) {
            Ok(list) => {
                for (name, _) in list {
                    walk(ctx, &format!("{}/{name}", path.trim_end_matches('/')), depth + 1, visit);
                }
            }
            Err(e) => ctx.err(&format!("find: ‘{path}’: {}\n", e.message())),
        }
    }
}

#[derive(Clone)]
enum Test {
    Name(String, bool),
    Path(String),
    Type(char),
    Empty,
    MinDepth(usize),
    MaxDepth(usize),
    Not(Box<Test>),
}

#[derive(Clone)]
struct Find {
    args: Vec<String>,
    /// Commands of `-exec` still to run.
    commands: Option<Vec<Vec<String>>>,
    child: Option<Pid>,
    code: i32,
}

pub fn start(args: Vec<String>) -> Box<dyn Process> {
    Box::new(Find { args, commands: None, child: None, code: 0 })
}

struct Plan {
    places: Vec<String>,
    tests: Vec<Test>,
    exec: Option<(Vec<String>, bool)>,
    delete: bool,
    print0: bool,
}

fn plan(args: &[String]) -> Result<Plan, String> {
    let mut p = Plan { places: Vec::new(), tests: Vec::new(), exec: None, delete: false, print0: false };
    let mut rest = args.iter().peekable();
    while let Some(a) = rest.next_if(|a| !a.starts_with('-') && *a != "!" && *a != "(") {
        p.places.push(a.clone());
    }
    if p.places.is_empty() {
        p.places.push(".".into());
    }
    let mut not = false;
    while let Some(a) = rest.next() {
        let mut value = || rest.next().cloned().ok_or_else(|| format!("missing argument to `{a}'"));
        let test = match a.as_str() {
            "!" | "-not" => {
                not = !not;
                continue;
            }
            "-name" => Test::Name(value()?, false),
            "-iname" => Test::Name(value()?.to_lowercase(), true),
            "-path" | "-wholename" => Test::Path(value()?),
            "-type" => Test::Type(value()?.chars().next().unwrap_or('f')),
            "-empty" => Test::Empty,
            "-maxdepth" => Test::MaxDepth(value()?.parse().unwrap_or(0)),
            "-mindepth" => Test::MinDepth(value()?.parse().unwrap_or(0)),
            "-print" | "-a" | "-and" => continue,
            "-print0" => {
                p.print0 = true;
                continue;
            }
            "-delete" => {
                p.delete = true;
                continue;
            }
            "-exec" => {
                let mut words = Vec::new();
                loop {
                    let word = rest.next().cloned().ok_or("missing argument to `-exec'")?;
                    if word == ";" || word == "+" {
                        p.exec = Some((words, word == "+"));
                        break;
                    }
                    words.push(word);
                }
                continue;
            }
            "-mtime" | "-size" | "-newer" | "-perm" | "-user" | "-o" | "-or" | "(" | "-prune" | "-regex" => {
                return Err(format!("`{a}' is not supported in this simulated find"));
            }
            _ => return Err(format!("unknown predicate `{a}'")),
        };
        p.tests.push(if core::mem::take(&mut not) { Test::Not(Box::new(test)) } else { test });
    }
    Ok(p)
}

fn holds(ctx: &Ctx<'_>, test: &Test, path: &str, depth: usize, stat: &Stat) -> bool {
    let matches = |p: &str, text: &str| pattern::matches(&pattern::unquoted(p), &text.chars().collect::<Vec<_>>());
    match test {
        Test::Name(p, false) => matches(p, super::files::last_part(path)),
        Test::Name(p, true) => matches(p, &super::files::last_part(path).to_lowercase()),
        Test::Path(p) => matches(p, path),
        Test::Type(c) => {
            matches!((c, stat.kind), ('f', Kind::File) | ('d', Kind::Dir) | ('l', Kind::Link) | ('c', Kind::Device))
        }
        Test::Empty if stat.is_dir() => ctx.list_dir(path).is_ok_and(|l| l.is_empty()),
        Test::Empty => stat.size == 0,
        Test::MinDepth(n) => depth >= *n,
        Test::MaxDepth(n) => depth <= *n,
        Test::Not(inner) => !holds(ctx, inner, path, depth, stat),
    }
}

impl Find {
    fn search(&mut self, ctx: &mut Ctx<'_>) -> Vec<Vec<String>> {
        let plan = match plan(&self.args) {
            Ok(p) => p,
            Err(message) => {
                ctx.err(&format!("find: {message}\n"));
                self.code = 1;
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for place in &plan.places {
            if let Err(e) = ctx.machine.fs.lstat(&ctx.cred(), &ctx.full(place)) {
                ctx.err(&format!("find: ‘{place}’: {}\n", e.message()));
                self.code = 1;
                continue;
            }
            let base = place.trim_end_matches('/').matches('/').count();
            walk(ctx, place, 0, &mut |ctx, path, stat| {
                let depth = path.trim_end_matches('/').matches('/').count() - base.min(path.matches('/').count());
                if plan.tests.iter().all(|t| holds(ctx, t, path, depth, stat)) {
                    found.push(path.to_owned());
                }
            });
        }
        if plan.delete {
            for path in found.iter().rev() {
                let (cred, full) = (ctx.cred(), ctx.full(path));
                let fs = &mut ctx.machine.fs;
                if let Err(e) = fs.unlink(&cred, &full).or_else(|_| fs.rmdir(&cred, &full)) {
                    ctx.err(&format!("find: cannot delete ‘{path}’: {}\n", e.message()));
                    self.code = 1;
                }
            }
            return Vec::new();
        }
        match plan.exec {
            Some((words, true)) => {
                vec![words.iter().flat_map(|w| if w == "{}" { found.clone() } else { vec![w.clone()] }).collect()]
            }
            Some((words, false)) => {
                found.iter().map(|f| words.iter().map(|w| w.replace("{}", f)).collect()).rev().collect()
            }
            None => {
                let end = if plan.print0 { "\0" } else { "\n" };
                let text: String = found.iter().flat_map(|f| [f.as_str(), end]).collect();
                ctx.out(&text);
                Vec::new()
            }
        }
    }
}

impl Process for Find {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if self.commands.is_none() {
            self.commands = Some(self.search(ctx));
        }
        loop {
            if let Some(child) = self.child {
                if ctx.reap(child).is_none() {
                    return Step::Wait(Wake::Child(child));
                }
                self.child = None;
            }
            let Some(argv) = self.commands.as_mut().and_then(Vec::pop) else { return Step::Exit(self.code) };
            let name = argv.first().cloned().unwrap_or_default();
            match ctx.spawn(argv) {
                Ok(pid) => self.child = Some(pid),
                Err(e) => {
                    ctx.err(&format!("find: ‘{name}’: {}\n", e.message()));
                    self.code = 1;
                }
            }
        }
    }
}
