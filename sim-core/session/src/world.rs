//! The one place where a session touches the simulated world: what it does with it, and how it turns it into views.
//!
//! This is a stand-in until `terminal::World` is there: an empty cluster and a prompt that echoes. Its methods are the
//! seam; nothing else in this crate changes when the real world takes its place.

use crate::tab::TabId;
use crate::view::ClusterView;
use apimachinery::time::Time;
use std::collections::BTreeMap;

const PROMPT: &str = "\x1b[1;32mlearner@laptop\x1b[0m:\x1b[1;34m~\x1b[0m$ ";

#[derive(Clone)]
pub(crate) struct World {
    now: Time,
    tabs: BTreeMap<TabId, Tab>,
    next_tab: u32,
    fresh: bool,
}

#[derive(Clone, Default)]
struct Tab {
    line: String,
    output: String,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let _ = seed;
        Self { now: Time::START, tabs: BTreeMap::new(), next_tab: 0, fresh: true }
    }

    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// Lets everything happen that is due up to and including `until`.
    pub(crate) fn run_until(&mut self, until: Time) {
        self.now = self.now.max(until);
    }

    /// When the next thing is due.
    pub(crate) fn next_event(&self) -> Option<Time> {
        None
    }

    pub(crate) fn open_tab(&mut self, columns: u16, rows: u16) -> TabId {
        let _ = (columns, rows);
        let id = TabId(self.next_tab);
        self.next_tab += 1;
        self.tabs.insert(id, Tab { line: String::new(), output: PROMPT.to_owned() });
        id
    }

    pub(crate) fn close_tab(&mut self, tab: TabId) {
        self.tabs.remove(&tab);
    }

    pub(crate) fn resize(&mut self, tab: TabId, columns: u16, rows: u16) {
        let _ = (tab, columns, rows);
    }

    /// Bytes from the terminal to the program in it.
    pub(crate) fn input(&mut self, tab: TabId, bytes: &[u8]) {
        let Some(tab) = self.tabs.get_mut(&tab) else { return };
        for c in String::from_utf8_lossy(bytes).chars() {
            match c {
                '\r' => {
                    tab.output.push_str("\r\n");
                    if !tab.line.trim().is_empty() {
                        tab.output.push_str("This machine is not connected yet.\r\n");
                    }
                    tab.line.clear();
                    tab.output.push_str(PROMPT);
                }
                '\x03' => {
                    tab.line.clear();
                    tab.output.push_str("^C\r\n");
                    tab.output.push_str(PROMPT);
                }
                '\x7f' => {
                    if tab.line.pop().is_some() {
                        tab.output.push_str("\x08 \x08");
                    }
                }
                c if c.is_control() => {}
                c => {
                    tab.line.push(c);
                    tab.output.push(c);
                }
            }
        }
    }

    /// What was printed since last asked, escape sequences and all.
    pub(crate) fn take_output(&mut self, tab: TabId) -> String {
        self.tabs.get_mut(&tab).map(|t| std::mem::take(&mut t.output)).unwrap_or_default()
    }

    /// The cluster as it is drawn, when it may have changed since last asked.
    pub(crate) fn cluster_if_changed(&mut self) -> Option<ClusterView> {
        std::mem::take(&mut self.fresh).then(ClusterView::default)
    }
}
