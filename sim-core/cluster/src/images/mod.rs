//! Container images: references, registries, what is inside an image and what a container of it does.
//!
//! For the kubelet and for docker: [`Images::pull_plan`] says when a pull ends and how, [`launch::launch`] says what a container runs,
//! and a [`process::NativeProcess`] behaves as the server inside. Not here: pods, containers, back-off, garbage collection.
//! Invariants: the catalog is constant; the same pull against the same registries and store takes the same time.
//! Models: containerd's image service and the public registries.

mod calendar;
pub mod catalog;
pub mod hosts;
pub mod http;
pub mod image;
pub mod latency;
pub mod launch;
pub mod os;
pub mod process;
pub mod reference;
pub mod registry;
pub mod software;
pub mod store;
pub mod unpack;

use apimachinery::time::{Duration, Time};
use image::Image;
use reference::Reference;
use registry::{Credentials, PullError, Registries};
use std::sync::Arc;
use store::Store;

/// The outside world's images as one cluster sees them.
#[derive(Clone, Default)]
pub struct Images {
    pub registries: Registries,
    /// Pulls go through a mirror of the cluster's own, so that the public registries' limits do not count.
    pub mirrored: bool,
}

/// How a pull will go.
pub struct PullPlan {
    /// From the start of the pull to its end, good or bad.
    pub after: Duration,
    pub result: Result<Arc<Image>, PullError>,
}

impl Images {
    /// Works out a pull that starts now on a machine with these images. Credentials are tried in order, then none.
    pub fn pull_plan(
        &mut self,
        reference: &Reference,
        credentials: &[Credentials],
        store: &Store,
        now: Time,
    ) -> PullPlan {
        if self.mirrored {
            self.registries.forget_pulls();
        }
        let mut result = Err(PullError::Denied);
        for attempt in credentials.iter().map(Some).chain([None]) {
            match self.registries.pull(reference, attempt, now) {
                Ok(image) => {
                    result = Ok(image);
                    break;
                }
                // With credentials at hand, their refusal is what the caller is told.
                Err(e) if attempt.is_some() || credentials.is_empty() => result = Err(e),
                Err(_) => {}
            }
        }
        let after = match &result {
            Ok(image) => {
                let slowness = self.registries.slowness(&reference.domain);
                latency::RESOLVE + latency::transfer(store.missing_bytes(image), slowness)
            }
            Err(e) => e.took(),
        };
        PullPlan { after, result }
    }
}
