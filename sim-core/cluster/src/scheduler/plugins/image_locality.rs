//! Nodes that already have the pod's images, and images that few nodes have, count more.

use super::{Incoming, NodeInfo, Plugin, SCORE_MAX, View};
use crate::scheduler::cache::Cache;

pub struct ImageLocality;

const BYTES_MIN: i64 = 23 << 20;
/// Per container.
const BYTES_MAX: i64 = 1000 << 20;

/// The pod's images, looked up once.
#[derive(Default)]
pub struct State {
    /// Those that some node has, with the share of nodes that do.
    known: Vec<(String, f64)>,
    count: i64,
}

impl State {
    pub fn prepare(pod: &Incoming, cache: &Cache) -> Self {
        let Some(spec) = pod.spec() else { return Self::default() };
        let mut state = Self::default();
        let total = cache.nodes.len().max(1) as f64;
        for c in spec.init_containers.iter().flatten().chain(&spec.containers) {
            state.count += 1;
            let name = with_tag(c.image.as_deref().unwrap_or_default());
            if let Some(nodes) = cache.image_nodes.get(&*name) {
                state.known.push((name.into_owned(), *nodes as f64 / total));
            }
        }
        state
    }
}

impl Plugin for ImageLocality {
    fn name(&self) -> &'static str {
        "ImageLocality"
    }
    fn weight(&self) -> i64 {
        1
    }
    fn scores(&self, view: &View<'_>) -> bool {
        !view.cache.image_nodes.is_empty()
    }
    fn score(&self, view: &View<'_>, node: &NodeInfo, _slot: usize) -> i64 {
        let images = &view.state.images;
        let sizes = images.known.iter().filter_map(|(name, spread)| Some((*node.images.get(name)?, spread)));
        let bytes: i64 = sizes.map(|(size, spread)| (size as f64 * spread) as i64).sum();
        let max = BYTES_MAX * images.count.max(1);
        SCORE_MAX * (bytes.clamp(BYTES_MIN, max) - BYTES_MIN) / (max - BYTES_MIN)
    }
}

fn with_tag(image: &str) -> std::borrow::Cow<'_, str> {
    let tagged = image.rfind(':') > image.rfind('/');
    if tagged { image.into() } else { format!("{image}:latest").into() }
}
