//! The steps of a rollout: growing the new set, shrinking old ones, resizing all in proportion.
//!
//! Models: `rolling.go`, `recreate.go` and the scaling part of `sync.go` in `pkg/controller/deployment`.
//! Invariant: a rolling step never lets the available pods fall below `replicas - maxUnavailable` by its own doing.

use super::super::Action;
use super::super::meta::{annotation, name_of, uid_of};
use super::arithmetic::{self, DESIRED, by_age};
use super::revision::annotate_sizes;
use super::{At, Rollout};
use crate::recorder::EventType;
use apimachinery::order::Order as _;
use apimachinery::status::Status;
use apiserver::server::Door;
use k8s_openapi::api::apps::v1::ReplicaSet;

impl Rollout<'_, '_> {
    pub fn roll(&mut self) -> Result<Action, Status> {
        let new = self.sync_revision(true)?.expect("a set is created if there is none");
        if self.grow_new(new)? || self.shrink_olds(new)? {
            return self.sync_rollout_status(Some(new));
        }
        if self.is_complete() {
            self.clean_up(Some(new))?;
        }
        self.sync_rollout_status(Some(new))
    }

    pub fn recreate(&mut self) -> Result<Action, Status> {
        let mut new = self.sync_revision(false)?;
        let mut scaled = false;
        for at in self.olds(new) {
            if self.replicas(at) > 0 {
                scaled |= self.scale_set(at, 0, false)?;
            }
        }
        if scaled || self.old_pods_run(new) {
            return self.sync_rollout_status(new);
        }
        if new.is_none() {
            new = self.sync_revision(true)?;
        }
        if let Some(at) = new {
            self.scale_set(at, self.wanted(), false)?;
        }
        if self.is_complete() {
            self.clean_up(new)?;
        }
        self.sync_rollout_status(new)
    }

    /// A paused or resized deployment: no rollout, only sizes.
    pub fn resize(&mut self, paused: bool) -> Result<Action, Status> {
        let new = self.sync_revision(false)?;
        self.scale(new)?;
        if paused {
            self.clean_up(new)?;
        }
        self.sync_status(new)
    }

    /// Some active set was sized for another number of replicas than is wanted now.
    pub fn is_scaling(&self) -> bool {
        let wanted = self.wanted();
        let active = self.sets.iter().filter(|s| arithmetic::replicas(s) > 0);
        active.filter_map(|s| arithmetic::noted(s, DESIRED)).any(|n| n != wanted)
    }

    fn old_pods_run(&self, new: Option<At>) -> bool {
        let counted = |at: &At| {
            let owned = self.informer.owned(uid_of(&self.sets[*at].metadata));
            owned.is_some_and(|o| o.active + o.terminating > 0)
        };
        let olds = self.olds(new);
        self.sum(&olds, |s| s.replicas) > 0 || olds.iter().any(counted)
    }

    fn grow_new(&mut self, new: At) -> Result<bool, Status> {
        let (has, wanted) = (self.replicas(new), self.wanted());
        if has == wanted {
            return Ok(false);
        }
        if has > wanted {
            return self.scale_set(new, wanted, false);
        }
        let size = arithmetic::new_set_size(self.spec(), self.replicas_of(&self.all()), has);
        self.scale_set(new, size, false)
    }

    fn shrink_olds(&mut self, new: At) -> Result<bool, Status> {
        let mut olds = self.olds(Some(new));
        olds.retain(|at| self.replicas(*at) > 0);
        if self.replicas_of(&olds) == 0 {
            return Ok(false);
        }
        let min_available = self.wanted() - arithmetic::max_unavailable(self.spec());
        let new_unavailable = self.replicas(new) - self.available(&[new]);
        let room = self.replicas_of(&self.all()) - min_available - new_unavailable;
        if room <= 0 {
            return Ok(false);
        }
        let cleaned = self.drop_unhealthy(&olds, room)?;
        let everyone: Vec<At> = olds.iter().copied().chain([new]).collect();
        let spare = self.available(&everyone) - min_available;
        let dropped = self.drop_spare(&olds, spare)?;
        Ok(cleaned + dropped > 0)
    }

    /// Shrinks old sets by their pods that are not available anyway, `max` at most.
    fn drop_unhealthy(&mut self, olds: &[At], max: i32) -> Result<i32, Status> {
        let mut total = 0;
        for at in olds {
            let (size, available) = (self.replicas(*at), self.available(&[*at]));
            if total >= max || size == 0 || size <= available {
                continue;
            }
            let count = (max - total).min(size - available);
            self.scale_set(*at, size - count, false)?;
            total += count;
        }
        Ok(total)
    }

    fn drop_spare(&mut self, olds: &[At], spare: i32) -> Result<i32, Status> {
        let mut total = 0;
        for at in olds {
            let size = self.replicas(*at);
            if total >= spare || size == 0 {
                continue;
            }
            let count = size.min(spare - total);
            self.scale_set(*at, size - count, false)?;
            total += count;
        }
        Ok(total)
    }

    fn scale(&mut self, new: Option<At>) -> Result<(), Status> {
        let mut active = self.all();
        active.retain(|at| self.replicas(*at) > 0);
        let latest = new.or_else(|| self.all().last().copied());
        let single = match active.as_slice() {
            [] => latest,
            [one] => Some(*one),
            _ => None,
        };
        if let Some(at) = single {
            return self.scale_set(at, self.wanted(), false).map(drop);
        }
        if active.is_empty() {
            return Ok(());
        }
        if new.is_some_and(|at| self.is_saturated(at)) {
            for at in active.into_iter().filter(|at| Some(*at) != new) {
                self.scale_set(at, 0, false)?;
            }
            return Ok(());
        }
        if arithmetic::recreates(self.spec()) { Ok(()) } else { self.scale_in_proportion(active) }
    }

    /// The new set has all the replicas that are wanted, sized for just this number, and all available.
    fn is_saturated(&self, at: At) -> bool {
        let wanted = self.wanted();
        let noted = annotation(&self.sets[at].metadata, DESIRED).and_then(|n| n.parse::<i32>().ok());
        self.replicas(at) == wanted && noted == Some(wanted) && self.available(&[at]) == wanted
    }

    fn scale_in_proportion(&mut self, mut active: Vec<At>) -> Result<(), Status> {
        let wanted = self.wanted();
        let allowed = if wanted > 0 { wanted + arithmetic::max_surge(self.spec()) } else { 0 };
        let to_add = allowed - self.replicas_of(&active);
        active.order_by(|a, b| {
            let (a, b) = (&self.sets[*a], &self.sets[*b]);
            let age = if to_add > 0 { by_age(b, a) } else { by_age(a, b) };
            arithmetic::replicas(b).cmp(&arithmetic::replicas(a)).then(age)
        });
        let status_replicas = self.d.status.as_ref().and_then(|s| s.replicas).unwrap_or(0);
        let mut added = 0;
        let mut sizes: Vec<(At, i32)> = Vec::with_capacity(active.len());
        for at in active {
            let share = arithmetic::share(&self.sets[at], self.spec(), status_replicas, to_add, added);
            added += share;
            sizes.push((at, self.replicas(at) + share));
        }
        if let Some(first) = sizes.first_mut().filter(|_| to_add != 0) {
            first.1 = (first.1 + to_add - added).max(0);
        }
        for (at, size) in sizes {
            self.scale_set(at, size, true)?;
        }
        Ok(())
    }

    /// Resizes a set and notes what it was sized for; true if the size changed. `force`: note even an equal size.
    pub fn scale_set(&mut self, at: At, size: i32, force: bool) -> Result<bool, Status> {
        let set: &ReplicaSet = &self.sets[at];
        let before = arithmetic::replicas(set);
        if before == size && !force {
            return Ok(false);
        }
        let mut annotations = set.metadata.annotations.clone().unwrap_or_default();
        let noted = annotate_sizes(&mut annotations, self.spec());
        if before == size && !noted {
            return Ok(false);
        }
        let (namespace, name) = (self.namespace().to_owned(), name_of(&set.metadata).to_owned());
        self.sets[at] = self.cx.api.modify::<ReplicaSet>(&namespace, &name, Door::Main, &self.cx.writer, |s| {
            s.metadata.annotations = Some(annotations);
            if let Some(spec) = &mut s.spec {
                spec.replicas = Some(size);
            }
        })?;
        if before != size {
            let way = if before < size { "up" } else { "down" };
            let message = format!("Scaled {way} replica set {name} from {before} to {size}");
            self.tell(EventType::Normal, "ScalingReplicaSet", &message);
        }
        Ok(before != size)
    }
}
