//! Tools that make, move, copy and remove files.

use super::options::{Options, parse_or_tell};
use crate::fs::{Cred, FsError, Kind, Stat};
use crate::process::Ctx;

/// Directories deep a recursive tool goes.
const DEPTH_MAX: u32 = 64;

fn missing(ctx: &mut Ctx<'_>, tool: &str, what: &str) -> i32 {
    ctx.err(&format!("{tool}: missing {what}\nTry '{tool} --help' for more information.\n"));
    1
}

fn stat_of(ctx: &Ctx<'_>, path: &str) -> Result<Stat, FsError> {
    ctx.machine.fs.stat(&ctx.cred(), &ctx.full(path))
}

fn lstat_of(ctx: &Ctx<'_>, path: &str) -> Result<Stat, FsError> {
    ctx.machine.fs.lstat(&ctx.cred(), &ctx.full(path))
}

pub fn last_part(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/" } else { trimmed.rsplit('/').next().unwrap_or(trimmed) }
}

pub fn pwd(ctx: &mut Ctx<'_>, _: &[String]) -> i32 {
    let cwd = ctx.cwd();
    ctx.out(&format!("{cwd}\n"));
    0
}

pub fn basename(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let Some(o) = parse_or_tell(ctx, "basename", args, "as:", &[]) else { return 1 };
    let Some(first) = o.operands.first() else { return missing(ctx, "basename", "operand") };
    let many = o.has('a') || o.has('s');
    let suffix = o.value('s').map(str::to_owned).or_else(|| (!many).then(|| o.operands.get(1).cloned()).flatten());
    let names: Vec<&String> = if many { o.operands.iter().collect() } else { vec![first] };
    for name in names {
        let base = last_part(name);
        let base = suffix.as_deref().and_then(|s| base.strip_suffix(s)).filter(|b| !b.is_empty()).unwrap_or(base);
        ctx.out(&format!("{base}\n"));
    }
    0
}

pub fn dirname(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    if args.is_empty() {
        return missing(ctx, "dirname", "operand");
    }
    for name in args {
        let trimmed = name.trim_end_matches('/');
        let dir = match trimmed.rfind('/') {
            Some(0) => "/",
            Some(i) => trimmed[..i].trim_end_matches('/'),
            None if trimmed.is_empty() && name.starts_with('/') => "/",
            None => ".",
        };
        ctx.out(&format!("{}\n", if dir.is_empty() { "/" } else { dir }));
    }
    0
}

pub fn realpath(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let mut code = 0;
    for name in args.iter().filter(|a| !a.starts_with('-')) {
        match ctx.machine.fs.realpath(&ctx.cred(), &ctx.full(name)) {
            Ok(path) => ctx.out(&format!("{path}\n")),
            Err(e) => {
                let abs = ctx.abs(name);
                let parent = ctx.is_dir(&abs[..abs.rfind('/').unwrap_or(0).max(1)]);
                if e == FsError::NotFound && parent && !args.iter().any(|a| a == "-e") {
                    ctx.out(&format!("{abs}\n"));
                    continue;
                }
                ctx.err(&format!("realpath: {name}: {}\n", e.message()));
                code = 1;
            }
        }
    }
    code
}

pub fn readlink(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    if args.iter().any(|a| a == "-f" || a == "-e" || a == "-m") {
        return realpath(ctx, args);
    }
    let mut code = 0;
    for name in args.iter().filter(|a| !a.starts_with('-')) {
        match ctx.machine.fs.read_link(&ctx.cred(), &ctx.full(name)) {
            Ok(to) => ctx.out(&format!("{to}\n")),
            Err(_) => code = 1,
        }
    }
    code
}

pub fn mkdir(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let long = [("parents", 'p'), ("verbose", 'v'), ("mode", 'm')];
    let Some(o) = parse_or_tell(ctx, "mkdir", args, "pvm:", &long) else { return 1 };
    if o.operands.is_empty() {
        return missing(ctx, "mkdir", "operand");
    }
    let umask = ctx.machine.process(ctx.pid).map_or(0o022, |p| p.umask);
    let mode = o.value('m').and_then(|m| u16::from_str_radix(m, 8).ok()).unwrap_or(0o777 & !umask);
    let (cred, mut code) = (ctx.cred(), 0);
    for name in &o.operands {
        let full = ctx.full(name);
        let mut steps: Vec<String> = vec![full.clone()];
        if o.has('p') {
            let cuts = full.match_indices('/').map(|(i, _)| i).filter(|i| *i > 0 && *i + 1 < full.len());
            steps = cuts.map(|i| full[..i].to_owned()).chain([full.clone()]).collect();
        }
        for (i, step) in steps.iter().enumerate() {
            let last = i + 1 == steps.len();
            match ctx.machine.fs.mkdir(&cred, step, mode) {
                Ok(()) => {
                    if o.has('v') {
                        ctx.out(&format!("mkdir: created directory '{name}'\n"));
                    }
                }
                Err(_) if o.has('p') && ctx.machine.fs.stat(&cred, step).is_ok_and(|s| s.is_dir()) => {}
                Err(e) => {
                    let e = if o.has('p') && e == FsError::Exists && !last { FsError::NotADirectory } else { e };
                    ctx.err(&format!("mkdir: cannot create directory ‘{name}’: {}\n", e.message()));
                    code = 1;
                    break;
                }
            }
        }
    }
    code
}

pub fn rmdir(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let Some(o) = parse_or_tell(ctx, "rmdir", args, "pv", &[]) else { return 1 };
    if o.operands.is_empty() {
        return missing(ctx, "rmdir", "operand");
    }
    let (cred, mut code) = (ctx.cred(), 0);
    for name in &o.operands {
        let full = ctx.full(name);
        if let Err(e) = ctx.machine.fs.rmdir(&cred, full.trim_end_matches('/')) {
            ctx.err(&format!("rmdir: failed to remove '{name}': {}\n", e.message()));
            code = 1;
        }
    }
    code
}

pub fn rm(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let long = [("recursive", 'r'), ("force", 'f'), ("verbose", 'v'), ("dir", 'd')];
    let Some(o) = parse_or_tell(ctx, "rm", args, "rRfvid", &long) else { return 1 };
    if o.operands.is_empty() {
        return if o.has('f') { 0 } else { missing(ctx, "rm", "operand") };
    }
    let mut code = 0;
    for name in &o.operands {
        if matches!(last_part(name), "." | "..") {
            ctx.err(&format!("rm: refusing to remove '.' or '..' directory: skipping '{name}'\n"));
            code = 1;
            continue;
        }
        if ctx.abs(name) == "/" {
            ctx.err("rm: it is dangerous to operate recursively on '/'\nrm: use --no-preserve-root to override this failsafe\n");
            code = 1;
            continue;
        }
        let recursive = o.has('r') || o.has('R');
        match lstat_of(ctx, name) {
            Err(FsError::NotFound) if o.has('f') => {}
            Err(e) => {
                ctx.err(&format!("rm: cannot remove '{name}': {}\n", e.message()));
                code = 1;
            }
            Ok(s) if s.is_dir() && !recursive && !o.has('d') => {
                ctx.err(&format!("rm: cannot remove '{name}': Is a directory\n"));
                code = 1;
            }
            Ok(_) => remove(ctx, name.trim_end_matches('/'), &o, &mut code, 0),
        }
    }
    code
}

fn remove(ctx: &mut Ctx<'_>, name: &str, o: &Options, code: &mut i32, depth: u32) {
    let (cred, full) = (ctx.cred(), ctx.full(name));
    let is_dir = lstat_of(ctx, name).is_ok_and(|s| s.is_dir());
    if is_dir && depth < DEPTH_MAX {
        for (child, _) in ctx.machine.fs.list(&cred, &full).unwrap_or_default() {
            remove(ctx, &format!("{name}/{child}"), o, code, depth + 1);
        }
    }
    let done = if is_dir { ctx.machine.fs.rmdir(&cred, &full) } else { ctx.machine.fs.unlink(&cred, &full) };
    match done {
        Ok(()) if o.has('v') => {
            let what = if is_dir { "removed directory" } else { "removed" };
            ctx.out(&format!("{what} '{name}'\n"));
        }
        Ok(()) => {}
        Err(e) => {
            ctx.err(&format!("rm: cannot remove '{name}': {}\n", e.message()));
            *code = 1;
        }
    }
}

/// Splits operands into sources and where they go: (sources, target, target is a directory).
fn sources(ctx: &mut Ctx<'_>, tool: &str, o: &Options) -> Option<(Vec<String>, String, bool)> {
    let mut names = o.operands.clone();
    if names.is_empty() {
        missing(ctx, tool, "file operand");
        return None;
    }
    let target = match o.value('t') {
        Some(t) => t.to_owned(),
        None if names.len() == 1 => {
            missing(ctx, tool, &format!("destination file operand after '{}'", names[0]));
            return None;
        }
        None => names.pop()?,
    };
    let is_dir = stat_of(ctx, &target).is_ok_and(|s| s.is_dir());
    if names.len() > 1 && !is_dir {
        ctx.err(&format!(
            "{tool}: target '{target}': {}\n",
            if stat_of(ctx, &target).is_ok() { "Not a directory" } else { "No such file or directory" }
        ));
        return None;
    }
    Some((names, target, is_dir))
}

fn into(target: &str, is_dir: bool, source: &str) -> String {
    if is_dir { format!("{}/{}", target.trim_end_matches('/'), last_part(source)) } else { target.to_owned() }
}

pub fn cp(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let long = [("recursive", 'r'), ("archive", 'a'), ("force", 'f'), ("verbose", 'v'), ("no-clobber", 'n')];
    let Some(o) = parse_or_tell(ctx, "cp", args, "rRafvpnidLPt:T", &long) else { return 1 };
    let Some((names, target, is_dir)) = sources(ctx, "cp", &o) else { return 1 };
    let mut code = 0;
    for name in names {
        let to = into(&target, is_dir && !o.has('T'), &name);
        copy(ctx, &name, &to, &o, &mut code, 0);
    }
    code
}

fn copy(ctx: &mut Ctx<'_>, from: &str, to: &str, o: &Options, code: &mut i32, depth: u32) {
    let cred = ctx.cred();
    let recursive = o.has('r') || o.has('R') || o.has('a');
    let mut fail = |ctx: &mut Ctx<'_>, text: String| {
        ctx.err(&format!("cp: {text}\n"));
        *code = 1;
    };
    let stat = match if recursive { lstat_of(ctx, from) } else { stat_of(ctx, from) } {
        Ok(s) => s,
        Err(e) => return fail(ctx, format!("cannot stat '{from}': {}", e.message())),
    };
    let (full_from, full_to) = (ctx.full(from), ctx.full(to));
    if stat.is_dir() {
        if !recursive {
            return fail(ctx, format!("-r not specified; omitting directory '{from}'"));
        }
        if (ctx.abs(to) + "/").starts_with(&(ctx.abs(from) + "/")) || depth > DEPTH_MAX {
            return fail(ctx, format!("cannot copy a directory, '{from}', into itself, '{to}'"));
        }
        match ctx.machine.fs.mkdir(&cred, full_to.trim_end_matches('/'), stat.meta.mode) {
            Ok(()) | Err(FsError::Exists) => {}
            Err(e) => return fail(ctx, format!("cannot create directory '{to}': {}", e.message())),
        }
        for (child, _) in ctx.machine.fs.list(&cred, &full_from).unwrap_or_default() {
            copy(ctx, &format!("{from}/{child}"), &format!("{to}/{child}"), o, code, depth + 1);
        }
        return;
    }
    if ctx.machine.fs.realpath(&cred, &full_from) == ctx.machine.fs.realpath(&cred, &full_to) {
        return fail(ctx, format!("'{from}' and '{to}' are the same file"));
    }
    if o.has('n') && stat_of(ctx, to).is_ok() {
        return;
    }
    let done = if stat.kind == Kind::Link {
        let target = ctx.machine.fs.read_link(&cred, &full_from).unwrap_or_default();
        ctx.machine.fs.symlink(&cred, &target, &full_to)
    } else if stat.kind == Kind::Device {
        ctx.write_file(to, b"")
    } else {
        ctx.machine.fs.copy(&cred, &full_from, &full_to)
    };
    match done {
        Ok(()) => {
            if o.has('v') {
                ctx.out(&format!("'{from}' -> '{to}'\n"));
            }
            if o.has('p') || o.has('a') {
                let _ = ctx.machine.fs.set_mtime(&cred, &full_to, stat.meta.mtime);
            }
        }
        Err(e) => {
            let readable = ctx.machine.fs.access(&cred, &full_from, 4).is_ok();
            if readable {
                fail(ctx, format!("cannot create regular file '{to}': {}", e.message()));
            } else {
                fail(ctx, format!("cannot open '{from}' for reading: {}", e.message()));
            }
        }
    }
}

pub fn mv(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let long = [("force", 'f'), ("verbose", 'v'), ("no-clobber", 'n')];
    let Some(o) = parse_or_tell(ctx, "mv", args, "fvnit:T", &long) else { return 1 };
    let Some((names, target, is_dir)) = sources(ctx, "mv", &o) else { return 1 };
    let (cred, mut code) = (ctx.cred(), 0);
    for name in names {
        let to = into(&target, is_dir && !o.has('T'), &name);
        if o.has('n') && stat_of(ctx, &to).is_ok() {
            continue;
        }
        let (from_full, to_full) = (ctx.full(name.trim_end_matches('/')), ctx.full(to.trim_end_matches('/')));
        if let Err(e) = lstat_of(ctx, name.trim_end_matches('/')) {
            ctx.err(&format!("mv: cannot stat '{name}': {}\n", e.message()));
            code = 1;
            continue;
        }
        if ctx.abs(&name) == ctx.abs(&to) {
            ctx.err(&format!("mv: '{name}' and '{to}' are the same file\n"));
            code = 1;
            continue;
        }
        match ctx.machine.fs.rename(&cred, &from_full, &to_full) {
            Ok(()) if o.has('v') => ctx.out(&format!("renamed '{name}' -> '{to}'\n")),
            Ok(()) => {}
            Err(FsError::Invalid) => {
                ctx.err(&format!("mv: cannot move '{name}' to a subdirectory of itself, '{to}'\n"));
                code = 1;
            }
            Err(e) => {
                ctx.err(&format!("mv: cannot move '{name}' to '{to}': {}\n", e.message()));
                code = 1;
            }
        }
    }
    code
}

pub fn ln(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let long = [("symbolic", 's'), ("force", 'f'), ("verbose", 'v')];
    let Some(o) = parse_or_tell(ctx, "ln", args, "sfvnT", &long) else { return 1 };
    if !o.has('s') {
        ctx.err("ln: hard links are not simulated; use ln -s\n");
        return 1;
    }
    let mut names = o.operands.clone();
    let target = if names.len() == 1 { last_part(&names[0]).to_owned() } else { names.pop().unwrap_or_default() };
    if names.is_empty() {
        return missing(ctx, "ln", "file operand");
    }
    let is_dir = stat_of(ctx, &target).is_ok_and(|s| s.is_dir()) && !o.has('n') && !o.has('T');
    let (cred, mut code) = (ctx.cred(), 0);
    for name in names {
        let to = into(&target, is_dir, &name);
        let full = ctx.full(&to);
        if o.has('f') {
            let _ = ctx.machine.fs.unlink(&cred, &full);
        }
        if let Err(e) = ctx.machine.fs.symlink(&cred, &name, &full) {
            ctx.err(&format!("ln: failed to create symbolic link '{to}': {}\n", e.message()));
            code = 1;
        }
    }
    code
}

pub fn touch(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let Some(o) = parse_or_tell(ctx, "touch", args, "camt:d:r:", &[("no-create", 'c'), ("date", 'd')]) else {
        return 1;
    };
    if o.operands.is_empty() {
        return missing(ctx, "touch", "file operand");
    }
    let (cred, now, mut code) = (ctx.cred(), ctx.now(), 0);
    for name in &o.operands {
        let full = ctx.full(name);
        let done = if stat_of(ctx, name).is_ok() {
            ctx.machine.fs.access(&cred, &full, 2).and_then(|()| ctx.machine.fs.set_mtime(&Cred::ROOT, &full, now))
        } else if o.has('c') {
            Ok(())
        } else {
            ctx.write_file(name, b"")
        };
        if let Err(e) = done {
            ctx.err(&format!("touch: cannot touch '{name}': {}\n", e.message()));
            code = 1;
        }
    }
    code
}

pub fn mktemp(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let Some(o) = parse_or_tell(ctx, "mktemp", args, "duqp:t", &[("directory", 'd'), ("dry-run", 'u')]) else {
        return 1;
    };
    let template = o.operands.first().cloned().unwrap_or_else(|| "/tmp/tmp.XXXXXXXXXX".into());
    let xs = template.chars().rev().take_while(|c| *c == 'X').count();
    if xs < 3 {
        ctx.err(&format!("mktemp: too few X's in template ‘{template}’\n"));
        return 1;
    }
    let name = format!("{}{}", &template[..template.len() - xs], ctx.machine.rng.suffix(xs));
    let (cred, full) = (ctx.cred(), ctx.full(&name));
    let done = if o.has('u') {
        Ok(())
    } else if o.has('d') {
        ctx.machine.fs.mkdir(&cred, &full, 0o700)
    } else {
        ctx.machine.fs.create(&cred, &full, 0o600, true).map(|_| ())
    };
    match done {
        Ok(()) => {
            ctx.out(&format!("{name}\n"));
            0
        }
        Err(e) => {
            ctx.err(&format!("mktemp: failed to create file via template ‘{template}’: {}\n", e.message()));
            1
        }
    }
}

/// The mode that `u+x,go-w` or `755` makes of an old one.
pub fn new_mode(spec: &str, old: u16, is_dir: bool) -> Option<u16> {
    if spec.bytes().all(|b| (b'0'..=b'7').contains(&b)) && !spec.is_empty() {
        return u16::from_str_radix(spec, 8).ok().filter(|m| *m <= 0o7777);
    }
    let mut mode = old;
    for clause in spec.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let who = match &clause[..at] {
            "" => "a".to_owned(),
            w => w.to_owned(),
        };
        let op = clause[at..].chars().next()?;
        let mut bits = 0;
        for c in clause[at + 1..].chars() {
            bits |= match c {
                'r' => 4,
                'w' => 2,
                'x' => 1,
                'X' if is_dir || old & 0o111 != 0 => 1,
                'X' => 0,
                't' => 0,
                's' => 0,
                _ => return None,
            };
        }
        let sticky = if clause.ends_with('t') { 0o1000 } else { 0 };
        for w in who.chars() {
            let shifts: &[u16] = match w {
                'u' => &[6],
                'g' => &[3],
                'o' => &[0],
                'a' => &[6, 3, 0],
                _ => return None,
            };
            for s in shifts {
                match op {
                    '+' => mode |= bits << s | sticky,
                    '-' => mode &= !(bits << s | sticky),
                    _ => mode = mode & !(7 << s) | bits << s,
                }
            }
        }
    }
    Some(mode)
}

pub fn chmod(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    // `-x` is a mode, not an option.
    let (mut recursive, mut rest) = (false, Vec::new());
    for a in args {
        match a.as_str() {
            "-R" | "--recursive" => recursive = true,
            "-v" | "-f" | "-c" => {}
            _ => rest.push(a.clone()),
        }
    }
    let Some((spec, names)) = rest.split_first() else { return missing(ctx, "chmod", "operand") };
    if names.is_empty() {
        return missing(ctx, "chmod", &format!("operand after ‘{spec}’"));
    }
    if new_mode(spec, 0, false).is_none() {
        ctx.err(&format!("chmod: invalid mode: ‘{spec}’\nTry 'chmod --help' for more information.\n"));
        return 1;
    }
    let mut code = 0;
    for name in names {
        each(ctx, name, recursive, 0, &mut |ctx, path| {
            let full = ctx.full(path);
            let done = stat_of(ctx, path).and_then(|s| {
                let mode = new_mode(spec, s.meta.mode, s.is_dir()).unwrap_or(s.meta.mode);
                let cred = ctx.cred();
                ctx.machine.fs.chmod(&cred, &full, mode)
            });
            if let Err(e) = done {
                let what = if e == FsError::NotFound { "cannot access" } else { "changing permissions of" };
                ctx.err(&format!("chmod: {what} '{path}': {}\n", e.message()));
                code = 1;
            }
        });
    }
    code
}

fn each(ctx: &mut Ctx<'_>, path: &str, recursive: bool, depth: u32, f: &mut dyn FnMut(&mut Ctx<'_>, &str)) {
    f(ctx, path);
    if recursive && depth < DEPTH_MAX && lstat_of(ctx, path).is_ok_and(|s| s.is_dir()) {
        for name in ctx.list_dir(path).unwrap_or_default() {
            each(ctx, &format!("{}/{name}", path.trim_end_matches('/')), true, depth + 1, f);
        }
    }
}

pub fn chown(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let Some(o) = parse_or_tell(ctx, "chown", args, "Rvfh", &[("recursive", 'R')]) else { return 1 };
    let Some((spec, names)) = o.operands.split_first() else { return missing(ctx, "chown", "operand") };
    let (user, group) = spec.split_once([':', '.']).map_or((spec.as_str(), None), |(u, g)| (u, Some(g)));
    let uid = match user {
        "" => None,
        u => match u.parse().ok().or_else(|| super::users::by_name(ctx.machine, u).map(|u| u.uid)) {
            Some(uid) => Some(uid),
            None => {
                ctx.err(&format!("chown: invalid user: ‘{spec}’\n"));
                return 1;
            }
        },
    };
    let gid = match group.filter(|g| !g.is_empty()) {
        None => None,
        Some(g) => {
            let known = super::users::groups(ctx.machine).into_iter().find(|x| x.0 == g).map(|x| x.1);
            match g.parse().ok().or(known) {
                Some(gid) => Some(gid),
                None => {
                    ctx.err(&format!("chown: invalid group: ‘{spec}’\n"));
                    return 1;
                }
            }
        }
    };
    let mut code = 0;
    for name in names {
        each(ctx, name, o.has('R'), 0, &mut |ctx, path| {
            let (cred, full) = (ctx.cred(), ctx.full(path));
            if let Err(e) = ctx.machine.fs.chown(&cred, &full, uid, gid) {
                let what = if e == FsError::NotFound { "cannot access" } else { "changing ownership of" };
                ctx.err(&format!("chown: {what} '{path}': {}\n", e.message()));
                code = 1;
            }
        });
    }
    code
}

pub fn stat(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let Some(o) = parse_or_tell(ctx, "stat", args, "c:Lf", &[("format", 'c')]) else { return 1 };
    if o.operands.is_empty() {
        return missing(ctx, "stat", "operand");
    }
    let mut code = 0;
    for name in &o.operands {
        let s = match if o.has('L') { stat_of(ctx, name) } else { lstat_of(ctx, name) } {
            Ok(s) => s,
            Err(e) => {
                ctx.err(&format!("stat: cannot statx '{name}': {}\n", e.message()));
                code = 1;
                continue;
            }
        };
        let kind = match s.kind {
            Kind::File if s.size == 0 => "regular empty file",
            Kind::File => "regular file",
            Kind::Dir => "directory",
            Kind::Link => "symbolic link",
            Kind::Device => "character special file",
        };
        let user = super::users::name_of(ctx.machine, s.meta.uid);
        let group = super::users::group_name(ctx.machine, s.meta.gid);
        let time = super::date::format(s.meta.mtime, "%Y-%m-%d %H:%M:%S.000000000 +0000");
        let text = match o.value('c') {
            Some(format) => {
                let mut out = String::new();
                let mut chars = format.chars();
                while let Some(c) = chars.next() {
                    if c != '%' {
                        out.push(c);
                        continue;
                    }
                    match chars.next().unwrap_or('%') {
                        'n' => out.push_str(name),
                        's' => out.push_str(&s.size.to_string()),
                        'a' => out.push_str(&format!("{:o}", s.meta.mode)),
                        'A' => out.push_str(&s.mode_string()),
                        'U' => out.push_str(&user),
                        'G' => out.push_str(&group),
                        'u' => out.push_str(&s.meta.uid.to_string()),
                        'g' => out.push_str(&s.meta.gid.to_string()),
                        'F' => out.push_str(kind),
                        'y' => out.push_str(&time),
                        'Y' => out.push_str(&s.meta.mtime.secs().to_string()),
                        c => out.push(c),
                    }
                }
                out + "\n"
            }
            None => format!(
                "  File: {name}\n  Size: {:<10}\tBlocks: {:<10} IO Block: 4096   {kind}\nAccess: ({:04o}/{})  Uid: ({:>5}/{:>8})   Gid: ({:>5}/{:>8})\nModify: {time}\n",
                s.size,
                s.size.div_ceil(4096) * 8,
                s.meta.mode,
                s.mode_string(),
                s.meta.uid,
                user,
                s.meta.gid,
                group
            ),
        };
        ctx.out(&text);
    }
    code
}

pub fn file(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    for name in args.iter().filter(|a| !a.starts_with('-')) {
        let what = match lstat_of(ctx, name) {
            Err(e) => format!("cannot open `{name}' ({})", e.message()),
            Ok(s) if s.is_dir() => "directory".into(),
            Ok(s) if s.kind == Kind::Link => {
                format!(
                    "symbolic link to {}",
                    ctx.machine.fs.read_link(&ctx.cred(), &ctx.full(name)).unwrap_or_default()
                )
            }
            Ok(s) if s.kind == Kind::Device => "character special".into(),
            Ok(_) => {
                let bytes = ctx.read_file(name).unwrap_or_default();
                match core::str::from_utf8(&bytes) {
                    _ if bytes.is_empty() => "empty",
                    _ if bytes.starts_with(b"\x7fELF") => "ELF 64-bit LSB executable, x86-64",
                    _ if bytes.starts_with(&[0x1f, 0x8b]) => "gzip compressed data",
                    Ok(t) if t.starts_with("#!/bin/sh") => "POSIX shell script, ASCII text executable",
                    Ok(t) if t.starts_with("#!") => "script, ASCII text executable",
                    Ok(t) if t.starts_with('{') => "JSON text data",
                    Ok(t) if t.is_ascii() => "ASCII text",
                    Ok(_) => "Unicode text, UTF-8 text",
                    Err(_) => "data",
                }
                .into()
            }
        };
        ctx.out(&format!("{name}: {what}\n"));
    }
    0
}
