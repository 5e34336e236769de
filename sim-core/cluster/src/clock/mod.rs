//! The agenda: what is due when. Virtual time moves only by taking the next entry.
//!
//! Invariant: entries due at one instant are taken in the order they were written, so a run is reproducible.

use crate::controllers::ControllerTimer;
use crate::kubelet::KubeletTimer;
use crate::scheduler::SchedulerTimer;
use apimachinery::time::Time;
use std::collections::BTreeMap;

/// What can be due: one variant for each component.
#[derive(Clone)]
pub enum Timer {
    Controller(ControllerTimer),
    Scheduler(SchedulerTimer),
    Kubelet(KubeletTimer),
}

/// Whether the cluster counts as busy while an entry waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Work in progress: `settle` waits for it.
    Work,
    /// Heartbeats, resyncs, probes of healthy pods: goes on for ever.
    Background,
}

#[derive(Clone, Default)]
pub struct Agenda {
    entries: BTreeMap<(Time, u64), (Weight, Timer)>,
    written: u64,
    work: usize,
}

impl Agenda {
    pub fn at(&mut self, due: Time, weight: Weight, timer: Timer) {
        self.written += 1;
        self.work += usize::from(weight == Weight::Work);
        self.entries.insert((due, self.written), (weight, timer));
    }

    pub fn next_due(&self) -> Option<Time> {
        self.entries.first_key_value().map(|((due, _), _)| *due)
    }

    /// Takes the next entry that is due at or before `until`.
    pub fn take(&mut self, until: Time) -> Option<(Time, Timer)> {
        let entry = self.entries.first_entry()?;
        let due = entry.key().0;
        if due > until {
            return None;
        }
        let (weight, timer) = entry.remove();
        self.work -= usize::from(weight == Weight::Work);
        Some((due, timer))
    }

    /// Entries of [`Weight::Work`] that wait.
    pub fn work(&self) -> usize {
        self.work
    }
}
