//! Users and groups as `/etc/passwd` and `/etc/group` of the machine tell them.

use crate::fs::Cred;
use crate::machine::Machine;

#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: String,
    pub shell: String,
}

fn lines(machine: &Machine, file: &str) -> Vec<Vec<String>> {
    let bytes = machine.fs.read(&Cred::ROOT, file).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.lines().map(|l| l.split(':').map(str::to_owned).collect()).collect()
}

pub fn all(machine: &Machine) -> Vec<User> {
    let users = lines(machine, "/etc/passwd").into_iter().filter_map(|f| {
        let number = |i: usize| f.get(i)?.parse::<u32>().ok();
        Some(User {
            uid: number(2)?,
            gid: number(3)?,
            name: f[0].clone(),
            home: f.get(5)?.clone(),
            shell: f.get(6).cloned().unwrap_or_default(),
        })
    });
    users.collect()
}

pub fn by_name(machine: &Machine, name: &str) -> Option<User> {
    all(machine).into_iter().find(|u| u.name == name)
}

/// The user's name, or the number where the machine knows no name.
pub fn name_of(machine: &Machine, uid: u32) -> String {
    match all(machine).into_iter().find(|u| u.uid == uid) {
        Some(u) => u.name,
        None if uid == 0 => "root".into(),
        None => uid.to_string(),
    }
}

/// (name, gid, members).
pub fn groups(machine: &Machine) -> Vec<(String, u32, Vec<String>)> {
    let groups = lines(machine, "/etc/group").into_iter().filter_map(|f| {
        let members = f.get(3).map(|m| m.split(',').filter(|n| !n.is_empty()).map(str::to_owned).collect());
        Some((f[0].clone(), f.get(2)?.parse().ok()?, members.unwrap_or_default()))
    });
    groups.collect()
}

pub fn group_name(machine: &Machine, gid: u32) -> String {
    match groups(machine).into_iter().find(|g| g.1 == gid) {
        Some(g) => g.0,
        None if gid == 0 => "root".into(),
        None => gid.to_string(),
    }
}

/// The identity with which a user's sessions run.
pub fn cred(machine: &Machine, user: &User) -> Cred {
    let more = groups(machine).into_iter().filter(|g| g.2.contains(&user.name)).map(|g| g.1).filter(|g| *g != user.gid);
    Cred { uid: user.uid, gid: user.gid, groups: more.collect() }
}
