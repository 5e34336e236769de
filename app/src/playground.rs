//! The session as the page holds it: the one place where the learner's hands, the passing of time and what is drawn meet.
//!
//! Invariant: the session is changed only through the methods here, and each of them ends in `publish`, which tells
//! the views what is new and nothing else.

use crate::terminal::keys::Press;
use leptos::prelude::*;
use session::view::{ClockView, ClusterView};
use session::{Config, Key, Session, Speed, TabId};
use std::collections::VecDeque;
use std::time::Duration;

/// How fast "type it for me" types: slow enough to be followed, quick enough not to be waited for.
const TYPING_MS_PER_KEY: f64 = 22.0;

#[derive(Clone, Copy)]
pub(crate) struct Playground {
    session: StoredValue<Session, LocalStorage>,
    hands: StoredValue<Hands, LocalStorage>,
    pub(crate) cluster: RwSignal<ClusterView>,
    /// Moves once a second of virtual time and when the speed changes.
    pub(crate) clock: RwSignal<ClockView>,
    pub(crate) speed: RwSignal<Speed>,
    pub(crate) tabs: RwSignal<Vec<TabId>>,
    pub(crate) active: RwSignal<TabId>,
    /// The terminal that was there first; the others are numbered from it.
    pub(crate) first: TabId,
    /// Counts up whenever a terminal has printed.
    pub(crate) printed: RwSignal<u64>,
    /// Counts up when the terminal should take the keyboard.
    pub(crate) focus: RwSignal<u64>,
}

/// What is being typed for the learner, and what the views were last told.
#[derive(Default)]
struct Hands {
    queue: VecDeque<char>,
    last_frame_ms: f64,
    typing_credit_ms: f64,
    cluster_revision: u64,
    printed_bytes: u64,
}

impl Playground {
    pub(crate) fn begin() -> Self {
        let session = Session::new(&Config::default());
        let tabs: Vec<TabId> = session.tabs().collect();
        let playground = Self {
            hands: StoredValue::new_local(Hands { last_frame_ms: now_ms(), ..Hands::default() }),
            cluster: RwSignal::new(session.cluster().clone()),
            clock: RwSignal::new(session.clock()),
            speed: RwSignal::new(session.speed()),
            active: RwSignal::new(tabs[0]),
            first: tabs[0],
            tabs: RwSignal::new(tabs),
            printed: RwSignal::new(0),
            focus: RwSignal::new(0),
            session: StoredValue::new_local(session),
        };
        playground.publish();
        playground.run();
        playground
    }

    /// Every frame: let time pass, type on, publish.
    fn run(self) {
        request_animation_frame(move || {
            self.frame();
            self.run();
        });
    }

    fn frame(self) {
        let now = now_ms();
        let elapsed_ms = self.hands.try_update_value(|h| {
            let elapsed = (now - h.last_frame_ms).max(0.0);
            h.last_frame_ms = now;
            elapsed
        });
        let Some(elapsed_ms) = elapsed_ms else { return };
        self.type_on(elapsed_ms);
        self.session.update_value(|s| s.tick(Duration::from_micros((elapsed_ms * 1000.0) as u64)));
        self.publish();
    }

    fn type_on(self, elapsed_ms: f64) {
        let due: Vec<char> = self
            .hands
            .try_update_value(|h| {
                if h.queue.is_empty() {
                    h.typing_credit_ms = 0.0;
                    return Vec::new();
                }
                h.typing_credit_ms += elapsed_ms;
                let count = (h.typing_credit_ms / TYPING_MS_PER_KEY) as usize;
                h.typing_credit_ms -= count as f64 * TYPING_MS_PER_KEY;
                let count = count.min(h.queue.len());
                h.queue.drain(..count).collect()
            })
            .unwrap_or_default();
        for c in due {
            self.key(if c == '\n' { Key::Enter } else { Key::Char(c) });
        }
    }

    /// Tells the views what is new.
    fn publish(self) {
        let Some((clock, revision, printed)) = self.session.try_with_value(|s| {
            let printed = s.tabs().filter_map(|t| s.output(t)).map(|o| o.end() + u64::from(o.epoch())).sum();
            (s.clock(), s.cluster_revision(), printed)
        }) else {
            return;
        };
        let shown = self.clock.get_untracked();
        if shown.speed != clock.speed || shown.now_us.div_euclid(1_000_000) != clock.now_us.div_euclid(1_000_000) {
            self.clock.set(clock);
        }
        let (new_cluster, new_text) = self
            .hands
            .try_update_value(|h| {
                let new = (h.cluster_revision != revision, h.printed_bytes != printed);
                (h.cluster_revision, h.printed_bytes) = (revision, printed);
                new
            })
            .unwrap_or_default();
        if new_cluster && let Some(cluster) = self.session.try_with_value(|s| s.cluster().clone()) {
            self.cluster.set(cluster);
        }
        if new_text {
            self.printed.update(|n| *n += 1);
        }
    }

    fn act(self, act: impl FnOnce(&mut Session)) {
        self.session.update_value(act);
        self.publish();
    }

    pub(crate) fn key(self, key: Key) {
        let tab = self.active.get_untracked();
        self.act(|s| s.key(tab, key));
    }

    /// A key event that belongs to the terminal; false leaves it to the browser.
    pub(crate) fn press(self, press: &Press) -> bool {
        let Some(key) = crate::terminal::keys::key_of(press) else { return false };
        // Whoever types takes over from the helping hand.
        self.hands.update_value(|h| h.queue.clear());
        self.key(key);
        true
    }

    pub(crate) fn paste(self, text: &str) {
        let tab = self.active.get_untracked();
        self.act(|s| s.paste(tab, text));
    }

    /// Types `text` visibly into the active terminal; each line end is Enter.
    pub(crate) fn type_for_me(self, text: &str) {
        self.hands.update_value(|h| h.queue.extend(text.chars()));
        self.focus.update(|n| *n += 1);
    }

    pub(crate) fn resize(self, tab: TabId, columns: usize, rows: usize) {
        let clamp = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        self.act(|s| s.resize(tab, clamp(columns), clamp(rows)));
    }

    pub(crate) fn open_tab(self, columns: usize, rows: usize) {
        let opened = self.session.try_update_value(|s| s.open_tab(columns as u16, rows as u16)).flatten();
        self.follow_tabs();
        if let Some(tab) = opened {
            self.active.set(tab);
            self.focus.update(|n| *n += 1);
        }
        self.publish();
    }

    pub(crate) fn close_tab(self, tab: TabId) {
        self.session.update_value(|s| s.close_tab(tab));
        self.follow_tabs();
        self.publish();
    }

    fn follow_tabs(self) {
        let tabs: Vec<TabId> = self.session.try_with_value(|s| s.tabs().collect()).unwrap_or_default();
        if !tabs.contains(&self.active.get_untracked())
            && let Some(last) = tabs.last()
        {
            self.active.set(*last);
        }
        self.tabs.set(tabs);
    }

    pub(crate) fn set_speed(self, speed: Speed) {
        self.act(|s| s.set_speed(speed));
        self.speed.set(speed);
    }

    pub(crate) fn skip_to_next_event(self) {
        self.act(|s| {
            s.skip_to_next_event();
        });
    }

    /// What a terminal printed after `(epoch, position)`, and where that ends. From another epoch: all of it.
    pub(crate) fn read(self, tab: TabId, seen: (u32, u64)) -> Option<Printed> {
        self.session.try_with_value(|s| {
            let output = s.output(tab)?;
            let anew = output.epoch() != seen.0;
            Some(Printed {
                text: output.since(if anew { 0 } else { seen.1 }).to_owned(),
                anew,
                seen: (output.epoch(), output.end()),
            })
        })?
    }
}

/// A piece of a terminal's output.
pub(crate) struct Printed {
    pub(crate) text: String,
    /// The text does not continue what was read before: begin with an empty screen.
    pub(crate) anew: bool,
    pub(crate) seen: (u32, u64),
}

/// Milliseconds since the page began, for pacing only; the simulation never sees it.
pub(crate) fn now_ms() -> f64 {
    window().performance().map(|p| p.now()).unwrap_or_default()
}
