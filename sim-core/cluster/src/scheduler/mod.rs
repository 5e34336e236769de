//! The scheduler: a queue of pods without a node, and one cycle at a time that finds each a node.
//!
//! Models: kube-scheduler.

use crate::clock::Agenda;
use crate::cluster::Ctx;
use apiserver::{ApiServer, Change};

/// What the scheduler can be woken for.
#[derive(Clone)]
pub enum SchedulerTimer {
    /// Take the next pod of the active queue.
    Cycle,
}

#[derive(Clone, Default)]
pub struct Scheduler {}

impl Scheduler {
    pub fn observe(&mut self, _change: &Change, _api: &ApiServer, _agenda: &mut Agenda) {}
    pub fn fire(&mut self, _timer: SchedulerTimer, _cx: &mut Ctx<'_>) {}
}
