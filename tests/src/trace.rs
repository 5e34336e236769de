//! What happened in a play, as lines that can be compared: all that was printed, and every change the cluster stored.

use crate::play::Entry;
use apimachinery::time::Time;
use terminal::World;

/// The whole of it: one line for each thing that happened.
pub fn trace(entries: &[Entry], world: &World) -> Vec<String> {
    let mut lines: Vec<String> = entries.iter().map(|e| format!("{e:?}")).collect();
    lines.extend(changes(world));
    lines
}

/// The storage's log: revision, verb, kind, key, instant and writer of each change.
pub fn changes(world: &World) -> Vec<String> {
    let Some(cluster) = world.cluster() else { return vec!["no cluster".into()] };
    let one = |c: &cluster::Change| {
        let kind = cluster.api.kind(c.kind);
        let meta = c.object.meta();
        let (namespace, name) = (meta.namespace.as_deref().unwrap_or("-"), meta.name.as_deref().unwrap_or("-"));
        let Time(at) = c.at;
        format!("{} {:?} {} {namespace}/{name} at {at} by {}", c.revision, c.verb, kind.info().kind, c.writer)
    };
    cluster.api.storage.changes_after(cluster.api.storage.compacted()).map(one).collect()
}

/// Where two traces part, for whoever has to find out why; `None` when they are the same.
pub fn parting(one: &[String], other: &[String]) -> Option<String> {
    let at = (0..one.len().max(other.len())).find(|i| one.get(*i) != other.get(*i))?;
    let line = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| "(ended)".into());
    Some(format!("line {at}:\n  {}\n  {}", line(one), line(other)))
}

/// FNV-1a, 64 bits: a short name for a long text.
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}
