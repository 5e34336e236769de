//! The playground itself: hands in, views out.

use crate::input::Key;
use crate::tab::{Output, TabId};
use crate::view::{ClockView, ClusterView};
use crate::world::World;
use apimachinery::time::{Duration, Time};
use std::collections::BTreeMap;

/// How a playground begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Every name, delay and choice follows from it.
    pub seed: u64,
    /// Columns and rows of the first terminal.
    pub size: (u16, u16),
}

impl Default for Config {
    fn default() -> Self {
        Self { seed: 1, size: (80, 24) }
    }
}

/// How fast virtual time goes, a closed set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speed {
    Paused,
    #[default]
    Real,
    Fast,
    Faster,
}

impl Speed {
    pub const ALL: [Self; 4] = [Self::Paused, Self::Real, Self::Fast, Self::Faster];

    /// Virtual seconds for each real one.
    pub fn factor(self) -> u32 {
        match self {
            Self::Paused => 0,
            Self::Real => 1,
            Self::Fast => 10,
            Self::Faster => 60,
        }
    }
}

/// A frame that comes late (a sleeping tab) moves the clock by no more than this much real time.
const FRAME_MAX: Duration = Duration::from_millis(250);
const TABS_MAX: usize = 8;

#[derive(Clone)]
pub struct Session {
    world: World,
    speed: Speed,
    began: Time,
    tabs: BTreeMap<TabId, Output>,
    cluster: ClusterView,
    cluster_revision: u64,
}

impl Session {
    pub fn new(config: &Config) -> Self {
        let world = World::new(config);
        let began = world.now();
        let mut session = Self {
            world,
            speed: Speed::default(),
            began,
            tabs: BTreeMap::new(),
            cluster: ClusterView::default(),
            cluster_revision: 0,
        };
        session.open_tab(config.size.0, config.size.1);
        session
    }

    /// Opens one more terminal on the learner's machine; `None` when there are enough already.
    pub fn open_tab(&mut self, columns: u16, rows: u16) -> Option<TabId> {
        if self.tabs.len() >= TABS_MAX {
            return None;
        }
        let id = self.world.open_tab(columns, rows);
        self.tabs.insert(id, Output::default());
        self.settle();
        Some(id)
    }

    /// Closes a terminal; what runs in it ends, as when a window is closed. The last one stays.
    pub fn close_tab(&mut self, tab: TabId) {
        if self.tabs.len() > 1 && self.tabs.remove(&tab).is_some() {
            self.world.close_tab(tab);
            self.settle();
        }
    }

    pub fn tabs(&self) -> impl Iterator<Item = TabId> + '_ {
        self.tabs.keys().copied()
    }

    /// What a terminal has printed; `None` for a tab that is not open.
    pub fn output(&self, tab: TabId) -> Option<&Output> {
        self.tabs.get(&tab)
    }

    pub fn key(&mut self, tab: TabId, key: Key) {
        self.world.input(tab, &key.to_bytes());
        self.settle();
    }

    /// Text that arrives at once: line ends count as Enter.
    pub fn paste(&mut self, tab: TabId, text: &str) {
        self.world.input(tab, text.replace("\r\n", "\r").replace('\n', "\r").as_bytes());
        self.settle();
    }

    pub fn resize(&mut self, tab: TabId, columns: u16, rows: u16) {
        self.world.resize(tab, columns, rows);
        self.settle();
    }

    pub fn speed(&self) -> Speed {
        self.speed
    }

    pub fn set_speed(&mut self, speed: Speed) {
        self.speed = speed;
    }

    /// Lets time pass: `real` since the last call, times the speed.
    pub fn tick(&mut self, real: Duration) {
        let step = real.min(FRAME_MAX) * self.speed.factor();
        if !step.is_zero() {
            self.world.run_until(self.world.now() + step);
            self.settle();
        }
    }

    /// Jumps to the next thing that is going to happen, also while paused. False when nothing will.
    pub fn skip_to_next_event(&mut self) -> bool {
        let Some(at) = self.world.next_event() else { return false };
        self.world.run_until(at);
        self.settle();
        true
    }

    pub fn clock(&self) -> ClockView {
        let now = self.world.now();
        ClockView { now_us: now.0, elapsed_us: now.0 - self.began.0, speed: self.speed.factor() }
    }

    /// The cluster as it is drawn.
    pub fn cluster(&self) -> &ClusterView {
        &self.cluster
    }

    /// Changes whenever [`Session::cluster`] does.
    pub fn cluster_revision(&self) -> u64 {
        self.cluster_revision
    }

    /// After anything happened: collect what was printed and what the cluster looks like now.
    fn settle(&mut self) {
        for (tab, output) in &mut self.tabs {
            output.push(&self.world.take_output(*tab));
        }
        if let Some(cluster) = self.world.cluster_if_changed() {
            self.cluster = cluster;
            self.cluster_revision += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Session, Speed};
    use crate::Key;
    use apimachinery::time::Duration;

    #[test]
    fn a_session_greets_with_a_prompt_and_echoes() {
        let mut session = Session::new(&Config::default());
        let tab = session.tabs().next().expect("one tab is open");
        let before = session.output(tab).expect("it is open").end();
        assert!(before > 0, "a prompt is there before anything is typed");
        session.key(tab, Key::Char('l'));
        assert!(session.output(tab).expect("it is open").since(before).contains('l'));
    }

    #[test]
    fn time_follows_the_speed_and_a_late_frame_does_not_leap() {
        for (speed, expected_us) in [(Speed::Paused, 0), (Speed::Real, 100_000), (Speed::Faster, 6_000_000)] {
            let mut session = Session::new(&Config::default());
            session.set_speed(speed);
            session.tick(Duration::from_millis(100));
            assert_eq!(session.clock().elapsed_us, expected_us, "{speed:?}");
        }
        let mut session = Session::new(&Config::default());
        session.tick(Duration::from_secs(3600));
        assert_eq!(session.clock().elapsed_us, 250_000);
    }

    #[test]
    fn tabs_open_up_to_a_bound_and_the_last_one_stays() {
        let mut session = Session::new(&Config::default());
        while session.open_tab(80, 24).is_some() {}
        assert_eq!(session.tabs().count(), super::TABS_MAX);
        for tab in session.tabs().collect::<Vec<_>>() {
            session.close_tab(tab);
        }
        assert_eq!(session.tabs().count(), 1);
    }
}
