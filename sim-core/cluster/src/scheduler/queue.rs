//! The scheduling queue: pods to try now, pods that wait a little, pods that wait for something to change.
//!
//! Models: `pkg/scheduler/backend/queue`. Higher priority first, then who came first.
//! Invariant: a pod stands in one of the three places or is in the hands of the cycle.

use super::cache::PodKey;
use crate::latency;
use apimachinery::time::Time;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Plugins that refused a pod, as a set of bits by position in the plugin table.
pub type Refusers = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Active,
    Backoff,
    Unschedulable,
    /// Taken by the cycle.
    Taken,
}

#[derive(Clone, Debug)]
struct Entry {
    place: Place,
    priority: i32,
    arrived: u64,
    attempts: u32,
    /// When the last attempt failed.
    failed: Time,
    refusers: Refusers,
}

type Rank = (Reverse<i32>, u64);

#[derive(Clone, Default)]
pub struct Queue {
    entries: BTreeMap<PodKey, Entry>,
    active: BTreeMap<Rank, PodKey>,
    /// By the end of the back-off.
    backoff: BTreeMap<(Time, Rank), PodKey>,
    unschedulable: BTreeSet<PodKey>,
    arrivals: u64,
}

impl Entry {
    fn rank(&self) -> Rank {
        (Reverse(self.priority), self.arrived)
    }

    /// One second, doubled with every attempt, ten at most.
    fn backoff_end(&self) -> Time {
        let doublings = self.attempts.saturating_sub(1).min(10);
        self.failed + latency::SCHEDULE_BACKOFF.saturating_mul(1 << doublings).min(latency::SCHEDULE_BACKOFF_MAX)
    }
}

impl Queue {
    /// A new pod, or one whose own change may make it schedulable.
    pub fn add(&mut self, key: PodKey, priority: i32) {
        self.leave(&key);
        self.arrivals += 1;
        let arrived = self.arrivals;
        let entry = self.entries.entry(key.clone()).or_insert(Entry {
            place: Place::Active,
            priority,
            arrived,
            attempts: 0,
            failed: Time::default(),
            refusers: 0,
        });
        entry.place = Place::Active;
        entry.priority = priority;
        self.active.insert(entry.rank(), key);
    }

    pub fn remove(&mut self, key: &PodKey) {
        self.leave(key);
        self.entries.remove(key);
    }

    fn leave(&mut self, key: &PodKey) {
        let Some(entry) = self.entries.get(key) else { return };
        match entry.place {
            Place::Active => {
                self.active.remove(&entry.rank());
            }
            Place::Backoff => {
                self.backoff.remove(&(entry.backoff_end(), entry.rank()));
            }
            Place::Unschedulable => {
                self.unschedulable.remove(key);
            }
            Place::Taken => {}
        }
    }

    /// Takes the next pod. With nothing else to do, one that backs off is tried early.
    pub fn pop(&mut self) -> Option<(PodKey, u32)> {
        let key = match self.active.pop_first() {
            Some((_, key)) => key,
            None => self.backoff.pop_first()?.1,
        };
        let entry = self.entries.get_mut(&key)?;
        entry.place = Place::Taken;
        entry.attempts += 1;
        Some((key, entry.attempts))
    }

    pub fn has_work(&self) -> bool {
        !self.active.is_empty() || !self.backoff.is_empty()
    }

    /// The pod found no node; it waits until one of the plugins that refused it may think otherwise.
    pub fn park(&mut self, key: PodKey, refusers: Refusers, now: Time) {
        let Some(entry) = self.entries.get_mut(&key).filter(|e| e.place == Place::Taken) else { return };
        entry.place = Place::Unschedulable;
        entry.failed = now;
        entry.refusers = refusers;
        self.unschedulable.insert(key);
    }

    /// Something failed that a second try may not: back off.
    pub fn retry(&mut self, key: PodKey, now: Time) {
        let Some(entry) = self.entries.get_mut(&key).filter(|e| e.place == Place::Taken) else { return };
        entry.place = Place::Backoff;
        entry.failed = now;
        self.backoff.insert((entry.backoff_end(), entry.rank()), key);
    }

    /// Something happened that may change the mind of `plugins`: pods that they refused are tried again.
    pub fn wake(&mut self, plugins: Refusers, now: Time) {
        self.move_where(now, |entry| entry.refusers & plugins != 0);
    }

    /// Pods that have waited too long for any event are tried anyhow.
    pub fn flush(&mut self, now: Time) {
        self.move_where(now, |entry| entry.failed + latency::SCHEDULE_UNSCHEDULABLE_MAX <= now);
    }

    fn move_where(&mut self, now: Time, which: impl Fn(&Entry) -> bool) {
        let entries = &self.entries;
        let keys: Vec<_> = self.unschedulable.iter().filter(|k| entries.get(*k).is_some_and(&which)).cloned().collect();
        for key in keys {
            self.unschedulable.remove(&key);
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            let rank = entry.rank();
            if entry.backoff_end() <= now {
                entry.place = Place::Active;
                self.active.insert(rank, key);
            } else {
                entry.place = Place::Backoff;
                self.backoff.insert((entry.backoff_end(), rank), key);
            }
        }
    }

    /// Pods wait for something to change.
    pub fn has_parked(&self) -> bool {
        !self.unschedulable.is_empty()
    }

    #[cfg(test)]
    pub fn holds(&self, key: &PodKey) -> bool {
        self.entries.contains_key(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apimachinery::time::Duration;

    fn key(name: &str) -> PodKey {
        ("ns".into(), name.into())
    }

    #[test]
    fn important_pods_go_first_and_parked_ones_wait_for_their_event() {
        let mut queue = Queue::default();
        for (name, priority) in [("a", 0), ("b", 10), ("c", 0)] {
            queue.add(key(name), priority);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(k, _)| k.1.to_string()).collect();
        assert_eq!(order, ["b", "a", "c"]);
        queue.park(key("a"), 0b01, Time::START);
        queue.park(key("c"), 0b10, Time::START);
        assert!(!queue.has_work());
        queue.wake(0b01, Time::START + Duration::from_secs(2));
        assert_eq!(queue.pop(), Some((key("a"), 2)));
        assert_eq!(queue.pop(), None);
        queue.flush(Time::START + latency::SCHEDULE_UNSCHEDULABLE_MAX);
        assert_eq!(queue.pop(), Some((key("c"), 2)));
        queue.remove(&key("b"));
        assert!(!queue.holds(&key("b")));
    }
}
