//! The scheduler: a queue of pods without a node, and one cycle at a time that finds each a node.
//!
//! Models: kube-scheduler with the default profile. The queue is in [`queue`], what is known of nodes in [`cache`], the
//! rules in [`plugins`], the choice in [`cycle`]; this file wakes, binds and tells.
//! Invariant: a node is never given more than it has: between two cycles every binding has been seen.

pub mod cache;
mod cycle;
mod decision;
mod plugins;
mod preemption;
mod queue;
mod resources;
#[cfg(test)]
mod tests;

pub use decision::{Decision, NodeVerdict};
pub use plugins::node_affinity::labels_allow;

use crate::clock::{Agenda, Timer, Weight};
use crate::cluster::Ctx;
use crate::controllers::meta::{is_terminal, name_of, namespace_of, node_of, set_pod_condition, uid_of};
use crate::latency;
use crate::recorder::{EventType, Source, reference};
use apimachinery::rng::Rng;
use apimachinery::status::Status;
use apimachinery::time::Duration;
use apiserver::object::view;
use apiserver::server::Door;
use apiserver::{ApiServer, Change, DeleteOptions, KindId, Verb};
use cache::{Cache, PodKey, pod_key};
use cycle::{Scores, Search};
use decision::Decisions;
use k8s_openapi::api::core::v1::{Node, Pod};
use plugins::{Event, Incoming, State, View, priority, woken_by};
use queue::Queue;
use std::sync::Arc;

const NAME: &str = "default-scheduler";
const SOURCE: Source<'static> = Source { component: NAME, host: "" };
/// How often pods that have waited too long are looked for.
const FLUSH: Duration = Duration::from_secs(30);

/// What the scheduler can be woken for.
#[derive(Clone)]
pub enum SchedulerTimer {
    /// Take the next pod of the queue.
    Cycle,
    /// Try pods again that have waited for an event for too long.
    Flush,
}

#[derive(Clone, Default)]
pub struct Scheduler {
    queue: Queue,
    cache: Cache,
    decisions: Decisions,
    /// Where the next search among the nodes begins.
    start: usize,
    cycle_due: bool,
    flush_due: bool,
}

impl Scheduler {
    /// What was last thought about a pod; `None` if that is long ago.
    pub fn explain(&self, uid: &str) -> Option<&Decision> {
        self.decisions.get(uid)
    }

    pub fn observe(&mut self, change: &Change, api: &ApiServer, agenda: &mut Agenda) {
        let deleted = change.verb == Verb::Deleted;
        match change.kind {
            KindId::POD => {
                let old = change.old.as_deref().and_then(view::<Pod>);
                let new = view::<Pod>(&*change.object).filter(|_| !deleted);
                self.pod_changed(old, new, api);
            }
            KindId::NODE => {
                let Some(node) = view::<Node>(&*change.object) else { return };
                if deleted {
                    self.cache.node_gone(name_of(&node.metadata));
                } else if self.cache.node(node, api) {
                    self.queue.wake(woken_by(Event::Node), api.now);
                }
            }
            _ => return,
        }
        if self.queue.has_work() && !self.cycle_due {
            self.cycle_due = true;
            agenda.at(api.now + latency::SCHEDULE_WAKE, Weight::Work, Timer::Scheduler(SchedulerTimer::Cycle));
        }
    }

    fn pod_changed(&mut self, old: Option<&Pod>, new: Option<&Pod>, api: &ApiServer) {
        self.cache.pod(old, new);
        let Some(any) = new.or(old) else { return };
        let placed = |pod: &&Pod| !node_of(pod).is_empty() && !is_terminal(pod);
        match (old.is_some_and(|p| placed(&p)), new.is_some_and(|p| placed(&p))) {
            (true, false) => self.queue.wake(woken_by(Event::PodGone), api.now),
            (false, true) => self.queue.wake(woken_by(Event::PodAssigned), api.now),
            _ => {}
        }
        self.nomination_changed(old, new);
        let pending = new.filter(|p| node_of(p).is_empty() && is_ours(p));
        match pending {
            None => {
                if old.is_some_and(|p| node_of(p).is_empty()) {
                    self.queue.remove(&pod_key(any));
                }
            }
            Some(pod) => {
                // Its own status says nothing that the scheduler did not write.
                let relevant = old.is_none_or(|o| {
                    o.metadata.generation != pod.metadata.generation
                        || o.metadata.labels != pod.metadata.labels
                        || !is_ours(o)
                });
                if relevant {
                    self.queue.add(pod_key(pod), priority(pod));
                }
            }
        }
    }

    fn nomination_changed(&mut self, old: Option<&Pod>, new: Option<&Pod>) {
        let of = |pod: Option<&Pod>| {
            let pod = pod.filter(|p| node_of(p).is_empty())?;
            pod.status.as_ref()?.nominated_node_name.clone().filter(|n| !n.is_empty())
        };
        let (from, to) = (of(old), of(new));
        if from == to {
            return;
        }
        let Some(key) = new.or(old).map(pod_key) else { return };
        if let Some(node) = from
            && let Some(set) = self.cache.nominated.get_mut(node.as_str())
        {
            set.remove(&key);
            if set.is_empty() {
                self.cache.nominated.remove(node.as_str());
            }
        }
        if let Some(node) = to {
            self.cache.nominated.entry(node.into()).or_default().insert(key);
        }
    }

    pub fn fire(&mut self, timer: SchedulerTimer, cx: &mut Ctx<'_>) {
        cx.writer.name = "kube-scheduler".into();
        match timer {
            SchedulerTimer::Cycle => {
                self.cycle_due = false;
                if let Some((key, attempt)) = self.queue.pop() {
                    self.schedule(key, attempt, cx);
                }
            }
            SchedulerTimer::Flush => {
                self.flush_due = false;
                self.queue.flush(cx.api.now);
            }
        }
        let now = cx.api.now;
        if self.queue.has_work() && !self.cycle_due {
            self.cycle_due = true;
            let cycle = Timer::Scheduler(SchedulerTimer::Cycle);
            cx.agenda.at(now + latency::SCHEDULE_CYCLE, Weight::Work, cycle);
        }
        if self.queue.has_parked() && !self.flush_due {
            self.flush_due = true;
            cx.agenda.at(now + FLUSH, Weight::Background, Timer::Scheduler(SchedulerTimer::Flush));
        }
    }

    fn schedule(&mut self, key: PodKey, attempt: u32, cx: &mut Ctx<'_>) {
        let Some(pod) = cx.api.get::<Pod>(&key.0, &key.1).filter(|p| node_of(p).is_empty() && is_ours(p)) else {
            self.queue.remove(&key);
            return;
        };
        cx.writer.cause = pod.metadata.resource_version.as_deref().and_then(|v| v.parse().ok());
        let incoming = Incoming::new(pod);
        let uid = uid_of(&incoming.pod.metadata).to_owned();
        let state = State::prepare(&incoming, &mut self.cache, cx.api, None);
        let view = View { pod: &incoming, cache: &self.cache, api: cx.api, state: &state };
        let search = cycle::search(&view, self.start);
        self.start = (self.start + search.looked_at) % self.cache.nodes.len().max(1);
        let scores = (search.feasible.len() > 1).then(|| Scores::of(&view, &search.feasible));
        let lots = Rng::derive(cx.api.config.seed, "schedule", &uid, u64::from(attempt));
        let best = scores.as_ref().map_or(0, |s| s.best(search.feasible.len(), lots));
        let node = search.feasible.get(best).map(|slot| Arc::clone(&self.cache.nodes[*slot].name));
        let mut decision = Decision {
            pod: key.clone(),
            attempt,
            node: node.clone(),
            message: String::new(),
            nodes: cycle::verdicts(&view, &search, scores.as_ref()),
        };
        match node {
            Some(node) => {
                if bind(&incoming, &node, cx).is_err() {
                    self.queue.retry(key, cx.api.now);
                }
            }
            None => decision.message = self.refuse(&incoming, &search, cx),
        }
        self.decisions.keep(&uid, decision);
    }

    /// No node will do: makes room if that can be, tells why, and parks the pod. Returns the message.
    fn refuse(&mut self, pod: &Incoming, search: &Search, cx: &mut Ctx<'_>) -> String {
        let message = if self.cache.nodes.is_empty() {
            "no nodes available to schedule pods".to_owned()
        } else {
            let reasons = search.refused.iter().flat_map(|r| r.refusal.reasons.iter().map(AsRef::as_ref));
            cycle::histogram(self.cache.nodes.len(), reasons)
        };
        let mut nominated = None;
        let message = if self.cache.nodes.is_empty() {
            message
        } else {
            match preemption::preempt(pod, search, &mut self.cache, cx.api) {
                Ok(candidate) => {
                    let node = Arc::clone(&self.cache.nodes[candidate.slot].name);
                    candidate.victims.iter().for_each(|victim| evict(pod, victim, &node, cx));
                    nominated = Some(node);
                    message
                }
                Err(why) => format!("{message} no new claims to deallocate, preemption: {why}"),
            }
        };
        let regarding = reference(cx.api, &*pod.pod);
        cx.recorder.event(cx.api, &cx.writer, SOURCE, regarding, EventType::Warning, "FailedScheduling", &message);
        let now = cx.api.now;
        // Without nodes, a node is what the pod waits for.
        let refusers = if search.refused.is_empty() { woken_by(Event::Node) } else { cycle::refusers(search) };
        self.queue.park(pod.key.clone(), refusers, now);
        let written = cx.api.modify::<Pod>(&pod.key.0, &pod.key.1, Door::Status, &cx.writer, |p| {
            set_pod_condition(p, "PodScheduled", "False", "Unschedulable", &message, now);
            if let (Some(node), Some(status)) = (&nominated, &mut p.status) {
                status.nominated_node_name = Some(node.to_string());
            }
        });
        // A pod that went away meanwhile needs no condition.
        drop(written);
        message
    }
}

/// The pod is for this scheduler, alive, and not held back by a gate.
fn is_ours(pod: &Pod) -> bool {
    let Some(spec) = pod.spec.as_ref() else { return false };
    let gated = spec.scheduling_gates.as_ref().is_some_and(|g| !g.is_empty());
    let mine = spec.scheduler_name.as_deref().is_none_or(|n| n.is_empty() || n == NAME);
    mine && !gated && pod.metadata.deletion_timestamp.is_none() && !is_terminal(pod)
}

fn bind(pod: &Incoming, node: &str, cx: &mut Ctx<'_>) -> Result<(), Status> {
    let now = cx.api.now;
    let bound = cx.api.modify::<Pod>(&pod.key.0, &pod.key.1, Door::Binding, &cx.writer, |p| {
        if let Some(spec) = &mut p.spec {
            spec.node_name = Some(node.to_owned());
        }
        set_pod_condition(p, "PodScheduled", "True", "", "", now);
        if let Some(status) = &mut p.status {
            status.nominated_node_name = None;
        }
    })?;
    let m = &bound.metadata;
    let message = format!("Successfully assigned {}/{} to {node}", namespace_of(m), name_of(m));
    let regarding = reference(cx.api, &*bound);
    cx.recorder.event(cx.api, &cx.writer, SOURCE, regarding, EventType::Normal, "Scheduled", &message);
    Ok(())
}

/// Takes a less important pod off its node.
fn evict(preemptor: &Incoming, victim: &Pod, node: &str, cx: &mut Ctx<'_>) {
    let m = &victim.metadata;
    let now = cx.api.now;
    let (namespace, name) = (namespace_of(m), name_of(m));
    let marked = cx.api.modify::<Pod>(namespace, name, Door::Status, &cx.writer, |p| {
        let message = "default-scheduler: preempting to accommodate a higher priority pod";
        set_pod_condition(p, "DisruptionTarget", "True", "PreemptionByScheduler", message, now);
    });
    if marked.is_err() || cx.api.delete::<Pod>(namespace, name, &DeleteOptions::default(), &cx.writer).is_err() {
        return;
    }
    let message = format!("Preempted by pod {} on node {node}", uid_of(&preemptor.pod.metadata));
    let regarding = reference(cx.api, victim);
    cx.recorder.event(cx.api, &cx.writer, SOURCE, regarding, EventType::Normal, "Preempted", &message);
}
