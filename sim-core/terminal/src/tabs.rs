//! Terminal tabs: each a terminal of the laptop with a login shell on it.
//!
//! Keys come in as the bytes a terminal sends, output goes out as the bytes it is to show. Invariant: a tab lives until it is closed;
//! when its shell ends, a new one takes its place.

use crate::laptop;
use crate::world::World;
use machine::fs::Cred;
use machine::machine::{Machine, SessionId, Start, TtyId};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TabId(pub u32);

#[derive(Clone, Debug)]
struct Tab {
    tty: TtyId,
    shell: Option<SessionId>,
    size: (u16, u16),
    /// Shown before anything else: what the boot said.
    pending: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
pub struct Tabs {
    tabs: BTreeMap<TabId, Tab>,
    last: u32,
    /// Groups as they were when the learner logged in; read at boot.
    login: Option<Cred>,
}

impl Tabs {
    pub(crate) fn ttys(&self) -> Vec<TtyId> {
        self.tabs.values().map(|t| t.tty).collect()
    }

    /// Whose shells the tabs run.
    pub(crate) fn login(&mut self, laptop: &Machine) -> Cred {
        self.login.get_or_insert_with(|| laptop::credentials(laptop, laptop::USER)).clone()
    }

    fn start(&mut self, id: TabId, laptop: &mut Machine) {
        let cred = self.login(laptop);
        let Some(tab) = self.tabs.get_mut(&id) else { return };
        let start = Start {
            argv: vec!["bash".into(), "-l".into()],
            cwd: laptop::HOME.into(),
            cred,
            tty: Some(tab.tty),
            ..Start::default()
        };
        match laptop.spawn_session(start) {
            Ok(session) => tab.shell = Some(session),
            Err(e) => tab.pending.extend(format!("bash: {}\r\n", e.message()).into_bytes()),
        }
    }

    /// After a reboot: new terminals, new login, new shells.
    pub(crate) fn restart(&mut self, laptop: &mut Machine) {
        self.login = None;
        let ids: Vec<TabId> = self.tabs.keys().copied().collect();
        for id in ids {
            if let Some(tab) = self.tabs.get_mut(&id) {
                tab.tty = laptop.new_tty(tab.size.0, tab.size.1);
                tab.shell = None;
                tab.pending = b"\r\n\x1b[2J\x1b[H".to_vec();
                tab.pending.extend(laptop::BOOT_MESSAGE.bytes());
            }
            self.start(id, laptop);
        }
    }
}

impl World {
    pub fn open_tab(&mut self, columns: u16, rows: u16) -> TabId {
        self.tabs.last += 1;
        let id = TabId(self.tabs.last);
        let tty = self.laptop.new_tty(columns, rows);
        self.tabs.tabs.insert(id, Tab { tty, shell: None, size: (columns, rows), pending: Vec::new() });
        self.tabs.start(id, &mut self.laptop);
        self.poke();
        id
    }

    pub fn close_tab(&mut self, id: TabId) {
        if let Some(tab) = self.tabs.tabs.remove(&id) {
            self.laptop.close_tty(tab.tty);
            if let Some(shell) = tab.shell {
                self.laptop.drop_session(shell);
            }
            self.poke();
        }
    }

    pub fn resize(&mut self, id: TabId, columns: u16, rows: u16) {
        if let Some(tab) = self.tabs.tabs.get_mut(&id) {
            tab.size = (columns, rows);
            self.laptop.resize(tab.tty, columns, rows);
            self.poke();
        }
    }

    /// Bytes from the terminal to the program in it.
    pub fn input(&mut self, id: TabId, bytes: &[u8]) {
        if let Some(tab) = self.tabs.tabs.get(&id) {
            self.laptop.feed(tab.tty, bytes);
            self.poke();
        }
    }

    /// What was printed since last asked, escape sequences and all.
    pub fn take_output(&mut self, id: TabId) -> Vec<u8> {
        let Some(tab) = self.tabs.tabs.get_mut(&id) else { return Vec::new() };
        let mut out = std::mem::take(&mut tab.pending);
        out.extend(self.laptop.take_output(tab.tty));
        if let Some(shell) = tab.shell
            && self.laptop.exit_code(shell).is_some()
        {
            self.laptop.drop_session(shell);
            self.tabs.start(id, &mut self.laptop);
            self.poke();
        }
        out
    }
}
