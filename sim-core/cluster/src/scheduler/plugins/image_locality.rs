//! Nodes that already have the pod's images, and images that few nodes have, count more.

use super::{NodeInfo, Plugin, SCORE_MAX, View};

pub struct ImageLocality;

const BYTES_MIN: i64 = 23 << 20;
/// Per container.
const BYTES_MAX: i64 = 1000 << 20;

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
        let Some(spec) = view.pod.spec() else { return 0 };
        let containers = spec.init_containers.iter().flatten().chain(&spec.containers);
        let total = view.cache.nodes.len().max(1) as f64;
        let (mut bytes, mut count) = (0, 0);
        for image in containers.map(|c| c.image.as_deref().unwrap_or_default()) {
            count += 1;
            let name = with_tag(image);
            if let Some(size) = node.images.get(&*name) {
                let spread = view.cache.image_nodes.get(&*name).copied().unwrap_or(0) as f64 / total;
                bytes += (*size as f64 * spread) as i64;
            }
        }
        let max = BYTES_MAX * count.max(1);
        SCORE_MAX * (bytes.clamp(BYTES_MIN, max) - BYTES_MIN) / (max - BYTES_MIN)
    }
}

fn with_tag(image: &str) -> std::borrow::Cow<'_, str> {
    let tagged = image.rfind(':') > image.rfind('/');
    if tagged { image.into() } else { format!("{image}:latest").into() }
}
