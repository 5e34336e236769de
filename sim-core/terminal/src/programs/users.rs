//! `groupadd`, `groupdel`, `usermod`, `gpasswd`, `newgrp`, `groups`: users and groups in `/etc/passwd` and `/etc/group`.
//!
//! A running session keeps the groups it was given at login; `newgrp` or a new login sees what changed.

use super::sudo::as_user;
use crate::laptop;
use crate::play::{Act, Command, Flag, fail, no_candidates, out, parse};
use machine::process::Ctx;

const fn command(name: &'static str, summary: &'static str, run: fn(&mut Ctx<'_>, &[String]) -> Vec<Act>) -> Command {
    Command { name, summary, run, complete: no_candidates }
}

pub const GROUPADD: Command = command("groupadd", "create a new group", groupadd);
pub const GROUPDEL: Command = command("groupdel", "delete a group", groupdel);
pub const USERMOD: Command = command("usermod", "modify a user account", usermod);
pub const GPASSWD: Command = command("gpasswd", "administer a group's members", gpasswd);
pub const NEWGRP: Command = command("newgrp", "log in to a new group", newgrp);
pub const GROUPS: Command = command("groups", "print the groups a user is in", groups);

fn locked(program: &str) -> Vec<Act> {
    fail(format!("{program}: Permission denied.\n{program}: cannot lock /etc/group; try again later.\n"), 10)
}

fn groupadd(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    const FLAGS: &[Flag] = &[("gid", 'g', true), ("force", 'f', false), ("system", 'r', false)];
    let Ok(args) = parse(FLAGS, args, false) else { return fail("Usage: groupadd [options] GROUP\n", 2) };
    let [name] = args.words.as_slice() else { return fail("Usage: groupadd [options] GROUP\n", 2) };
    if ctx.cred().uid != 0 {
        return locked("groupadd");
    }
    let good = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
    if !good {
        return fail(format!("groupadd: '{name}' is not a valid group name\n"), 3);
    }
    let taken: Vec<u32> = laptop::groups(ctx.machine).iter().map(|g| g.1).collect();
    let free = || (1001..60_000).find(|g| !taken.contains(g)).unwrap_or(60_000);
    let gid = args.get("gid").and_then(|g| g.parse().ok()).unwrap_or_else(free);
    if !laptop::add_group(ctx.machine, name, gid) && !args.has("force") {
        return fail(format!("groupadd: group '{name}' already exists\n"), 9);
    }
    Vec::new()
}

fn groupdel(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let [name] = args else { return fail("Usage: groupdel [options] GROUP\n", 2) };
    if ctx.cred().uid != 0 {
        return locked("groupdel");
    }
    if laptop::remove_group(ctx.machine, name) {
        Vec::new()
    } else {
        fail(format!("groupdel: group '{name}' does not exist\n"), 6)
    }
}

fn usermod(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    const FLAGS: &[Flag] =
        &[("append", 'a', false), ("groups", 'G', true), ("shell", 's', true), ("remove", 'r', false)];
    const USAGE: &str = "Usage: usermod [options] LOGIN\n";
    let Ok(args) = parse(FLAGS, args, false) else { return fail(USAGE, 2) };
    let [user] = args.words.as_slice() else { return fail(USAGE, 2) };
    if ctx.cred().uid != 0 {
        return fail("usermod: Permission denied.\nusermod: cannot lock /etc/passwd; try again later.\n", 1);
    }
    if laptop::user(ctx.machine, user).is_none() {
        return fail(format!("usermod: user '{user}' does not exist\n"), 6);
    }
    let Some(list) = args.get("groups").map(str::to_owned) else { return Vec::new() };
    let wanted: Vec<&str> = list.split(',').filter(|g| !g.is_empty()).collect();
    if let Some(unknown) = wanted.iter().find(|g| laptop::group_id(ctx.machine, g).is_none()) {
        return fail(format!("usermod: group '{unknown}' does not exist\n"), 6);
    }
    if args.has("remove") {
        wanted.iter().for_each(|g| laptop::remove_member(ctx.machine, Some(g), user));
        return Vec::new();
    }
    if !args.has("append") {
        // Without -a the list replaces all groups: the classic mistake.
        laptop::remove_member(ctx.machine, None, user);
    }
    for group in wanted {
        laptop::add_member(ctx.machine, group, user);
    }
    Vec::new()
}

fn gpasswd(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let [flag, user, group] = args else { return fail("Usage: gpasswd [option] GROUP\n", 2) };
    if ctx.cred().uid != 0 {
        return fail("gpasswd: Permission denied.\n", 1);
    }
    if laptop::user(ctx.machine, user).is_none() {
        return fail(format!("gpasswd: user '{user}' does not exist\n"), 3);
    }
    if laptop::group_id(ctx.machine, group).is_none() {
        return fail(format!("gpasswd: group '{group}' does not exist in /etc/group\n"), 3);
    }
    match flag.as_str() {
        "-a" | "--add" => {
            laptop::add_member(ctx.machine, group, user);
            vec![out(format!("Adding user {user} to group {group}\n"))]
        }
        "-d" | "--delete" => {
            laptop::remove_member(ctx.machine, Some(group), user);
            vec![out(format!("Removing user {user} from group {group}\n"))]
        }
        _ => fail("Usage: gpasswd [option] GROUP\n", 2),
    }
}

fn newgrp(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let user = ctx.env("USER").unwrap_or_else(|| laptop::USER.to_owned());
    let name = args.iter().find(|a| *a != "-").cloned().unwrap_or_else(|| user.clone());
    let Some((_, gid, members)) = laptop::groups(ctx.machine).into_iter().find(|(n, ..)| *n == name) else {
        return fail(format!("newgrp: group '{name}' does not exist\n"), 1);
    };
    let mut cred = ctx.cred();
    let allowed =
        cred.uid == 0 || members.contains(&user) || laptop::user(ctx.machine, &user).is_some_and(|u| u.1 == gid);
    if !allowed {
        return fail("newgrp: Permission denied\n", 1);
    }
    cred.gid = gid;
    if !cred.groups.contains(&gid) {
        cred.groups.push(gid);
    }
    as_user(ctx, vec!["bash".into()], cred, Vec::new(), None)
}

fn groups(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let all = laptop::groups(ctx.machine);
    let name_of = |gid: u32| all.iter().find(|g| g.1 == gid).map_or_else(|| gid.to_string(), |g| g.0.clone());
    match args.first() {
        None => {
            let cred = ctx.cred();
            let mut gids = vec![cred.gid];
            gids.extend(cred.groups.iter().copied().filter(|g| *g != cred.gid));
            vec![out(format!("{}\n", gids.into_iter().map(name_of).collect::<Vec<_>>().join(" ")))]
        }
        Some(user) if laptop::user(ctx.machine, user).is_none() => fail(format!("groups: ‘{user}’: no such user\n"), 1),
        Some(user) => {
            let cred = laptop::credentials(ctx.machine, user);
            let mut gids = vec![cred.gid];
            gids.extend(cred.groups.iter().copied().filter(|g| *g != cred.gid));
            vec![out(format!("{user} : {}\n", gids.into_iter().map(name_of).collect::<Vec<_>>().join(" ")))]
        }
    }
}
