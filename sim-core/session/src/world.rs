//! The one place where a session touches the simulated world: what it does with it, and how it turns it into views.

use crate::picture::{self, Forward};
use crate::tab::TabId;
use crate::view::{ClusterView, PodState};
use apimachinery::time::Time;
use machine::host::ForwardTarget;
use std::collections::BTreeMap;

#[derive(Clone)]
pub(crate) struct World {
    inner: terminal::World,
    /// What was drawn last: the cluster's revision, and when.
    drawn: Option<(u64, Time)>,
    /// The ports that were drawn last.
    forwards: Vec<Forward>,
    /// Something drawn changes with time alone (a pull).
    moving: bool,
    /// First bytes of a character whose rest has not been printed yet, per tab.
    pending: BTreeMap<TabId, Vec<u8>>,
}

impl World {
    pub(crate) fn new(config: &crate::Config) -> Self {
        let config = terminal::WorldConfig { seed: config.seed, ..terminal::WorldConfig::default() };
        Self {
            inner: terminal::World::new(&config),
            drawn: None,
            forwards: Vec::new(),
            moving: false,
            pending: BTreeMap::new(),
        }
    }

    pub(crate) fn now(&self) -> Time {
        self.inner.now()
    }

    /// Lets everything happen that is due up to and including `until`.
    pub(crate) fn run_until(&mut self, until: Time) {
        self.inner.run_until(until);
    }

    /// When the next thing is due.
    pub(crate) fn next_event(&mut self) -> Option<Time> {
        self.inner.next_event()
    }

    pub(crate) fn open_tab(&mut self, columns: u16, rows: u16) -> TabId {
        TabId(self.inner.open_tab(columns, rows).0)
    }

    pub(crate) fn close_tab(&mut self, tab: TabId) {
        self.inner.close_tab(terminal::TabId(tab.0));
        self.pending.remove(&tab);
    }

    pub(crate) fn resize(&mut self, tab: TabId, columns: u16, rows: u16) {
        self.inner.resize(terminal::TabId(tab.0), columns, rows);
    }

    /// Bytes from the terminal to the program in it.
    pub(crate) fn input(&mut self, tab: TabId, bytes: &[u8]) {
        self.inner.input(terminal::TabId(tab.0), bytes);
    }

    /// What was printed since last asked, escape sequences and all.
    pub(crate) fn take_output(&mut self, tab: TabId) -> String {
        let mut bytes = self.pending.remove(&tab).unwrap_or_default();
        bytes.extend(self.inner.take_output(terminal::TabId(tab.0)));
        let whole = whole_characters(&bytes);
        let rest = bytes.split_off(whole);
        if !rest.is_empty() {
            self.pending.insert(tab, rest);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The cluster as it is drawn, when it may have changed since last asked.
    pub(crate) fn cluster_if_changed(&mut self) -> Option<ClusterView> {
        let now = self.inner.now();
        let revision = self.inner.cluster().map_or(0, |c| c.api.storage.revision());
        let forwards = self.forwards();
        match self.drawn {
            _ if forwards != self.forwards => {}
            Some((drawn, _)) if drawn == revision && !self.moving => return None,
            Some(drawn) if drawn == (revision, now) => return None,
            _ => {}
        }
        self.drawn = Some((revision, now));
        self.forwards = forwards;
        let view = self.inner.cluster().map(|c| picture::draw(c, &self.forwards)).unwrap_or_default();
        self.moving = view.pods.iter().any(|p| p.state == PodState::Pulling);
        Some(view)
    }

    /// The ports of the learner's machine that lead into pods.
    fn forwards(&self) -> Vec<Forward> {
        let into_pods = self.inner.forwards().filter_map(|(port, to)| match to {
            ForwardTarget::Pod { namespace, pod, .. } => {
                Some(Forward { port, namespace: namespace.clone(), pod: pod.clone() })
            }
            ForwardTarget::ApiServer { .. } => None,
        });
        into_pods.collect()
    }
}

/// How many of the bytes are whole characters (or cannot become any).
fn whole_characters(bytes: &[u8]) -> usize {
    match core::str::from_utf8(bytes) {
        Err(e) if e.error_len().is_none() => e.valid_up_to(),
        _ => bytes.len(),
    }
}
