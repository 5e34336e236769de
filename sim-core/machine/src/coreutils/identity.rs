//! Who one is: id, whoami, groups.

use super::users;
use crate::process::Ctx;

pub fn whoami(ctx: &mut Ctx<'_>, _: &[String]) -> i32 {
    let uid = ctx.cred().uid;
    if uid != 0 && !users::all(ctx.machine).iter().any(|u| u.uid == uid) {
        ctx.err(&format!("whoami: cannot find name for user ID {uid}\n"));
        return 1;
    }
    let name = users::name_of(ctx.machine, uid);
    ctx.out(&format!("{name}\n"));
    0
}

pub fn id(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let Some(o) = super::options::parse_or_tell(ctx, "id", args, "ugGn", &[]) else { return 1 };
    let cred = match o.operands.first() {
        None => ctx.cred(),
        Some(name) => match users::by_name(ctx.machine, name) {
            Some(u) => users::cred(ctx.machine, &u),
            None => {
                ctx.err(&format!("id: ‘{name}’: no such user\n"));
                return 1;
            }
        },
    };
    let group = |gid: u32| users::group_name(ctx.machine, gid);
    let mut all = vec![cred.gid];
    all.extend(cred.groups.iter().filter(|g| **g != cred.gid));
    let line = match o.last_of("ugG") {
        Some('u') if o.has('n') => users::name_of(ctx.machine, cred.uid),
        Some('u') => cred.uid.to_string(),
        Some('g') if o.has('n') => group(cred.gid),
        Some('g') => cred.gid.to_string(),
        Some(_) => all.iter().map(|g| if o.has('n') { group(*g) } else { g.to_string() }).collect::<Vec<_>>().join(" "),
        None => {
            let named = |id: u32, name: String| if name == id.to_string() { name } else { format!("{id}({name})") };
            let groups: Vec<String> = all.iter().map(|g| named(*g, group(*g))).collect();
            let user = named(cred.uid, users::name_of(ctx.machine, cred.uid));
            format!("uid={user} gid={} groups={}", named(cred.gid, group(cred.gid)), groups.join(","))
        }
    };
    ctx.out(&format!("{line}\n"));
    0
}

pub fn groups(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let (prefix, cred) = match args.first() {
        None => (String::new(), ctx.cred()),
        Some(name) => match users::by_name(ctx.machine, name) {
            Some(u) => (format!("{name} : "), users::cred(ctx.machine, &u)),
            None => {
                ctx.err(&format!("groups: ‘{name}’: no such user\n"));
                return 1;
            }
        },
    };
    let mut names = vec![users::group_name(ctx.machine, cred.gid)];
    names.extend(cred.groups.iter().filter(|g| **g != cred.gid).map(|g| users::group_name(ctx.machine, *g)));
    ctx.out(&format!("{prefix}{}\n", names.join(" ")));
    0
}
