//! The images one machine has: a node's containerd or a laptop's docker.
//!
//! Invariant: several names may point at one image; layers are shared between images.

use super::image::Image;
use super::reference::Reference;
use apimachinery::order::Gather as _;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Clone, Default)]
pub struct Store {
    /// By full reference: `docker.io/library/nginx:1.21.6`.
    names: BTreeMap<String, Arc<Image>>,
    /// Images that lost their last name.
    dangling: Vec<Arc<Image>>,
}

impl Store {
    /// An image by reference, or by any of its digests.
    pub fn get(&self, reference: &Reference) -> Option<&Arc<Image>> {
        self.names.get(&reference.to_string()).or_else(|| {
            let digest = reference.digest.as_ref()?;
            let name = format!("{}:", reference.name());
            self.names.iter().find(|(n, i)| n.starts_with(&name) && i.digest == *digest).map(|(_, i)| i)
        })
    }

    /// By image id or the start of it, without `sha256:`.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Image>> {
        let id = id.strip_prefix("sha256:").unwrap_or(id);
        let matches = |i: &&Arc<Image>| !id.is_empty() && i.id["sha256:".len()..].starts_with(id);
        self.names.values().chain(&self.dangling).find(matches)
    }

    pub fn insert(&mut self, reference: &Reference, image: Arc<Image>) {
        if let Some(old) = self.names.insert(reference.to_string(), image.clone())
            && old.id != image.id
            && !self.names.values().any(|i| i.id == old.id)
        {
            self.dangling.push(old);
        }
        self.dangling.retain(|i| i.id != image.id);
    }

    /// Keeps an image that nobody gave a name.
    pub fn keep_unnamed(&mut self, image: Arc<Image>) {
        if self.by_id(&image.id).is_none() {
            self.dangling.push(image);
        }
    }

    /// Takes a name away; the image too when it was the last. Says what is gone.
    pub fn remove(&mut self, reference: &Reference) -> Option<Arc<Image>> {
        self.names.remove(&reference.to_string())
    }

    pub fn remove_image(&mut self, id: &str) {
        self.names.retain(|_, i| i.id != id);
        self.dangling.retain(|i| i.id != id);
    }

    /// Names and images in the order of names; dangling images have no name.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&str>, &Arc<Image>)> {
        let named = self.names.iter().map(|(n, i)| (Some(n.as_str()), i));
        named.chain(self.dangling.iter().map(|i| (None, i)))
    }

    pub fn names_of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.names.iter().filter(move |(_, i)| i.id == id).map(|(n, _)| n.as_str())
    }

    /// Digests of the layers that are here.
    pub fn layers(&self) -> BTreeSet<&str> {
        self.iter().flat_map(|(_, i)| i.layers.iter().map(|l| l.digest.as_str())).gather()
    }

    /// Bytes that a pull still has to bring.
    pub fn missing_bytes(&self, image: &Image) -> u64 {
        let have = self.layers();
        image.layers.iter().filter(|l| !have.contains(l.digest.as_str())).map(|l| l.size).sum()
    }
}
