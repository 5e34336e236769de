//! Watches: a cursor into the log per watching client.
//!
//! Models: the API server's watch cache. A watch costs nothing until it is read.

use crate::storage::KindId;
use apimachinery::fields::Selector as FieldSelector;
use apimachinery::labels::Selector;
use apimachinery::time::Time;

#[derive(Clone)]
pub struct Watch {
    pub kind: KindId,
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub labels: Selector,
    pub fields: FieldSelector,
    /// Everything up to this revision has been delivered.
    pub cursor: u64,
    /// Objects at the start are delivered as ADDED first (resourceVersion 0 or sendInitialEvents).
    pub initial: bool,
    pub send_initial_bookmark: bool,
    pub bookmarks: bool,
    pub as_table: bool,
    pub include_object: IncludeObject,
    pub ends_at: Option<Time>,
    pub ended: bool,
    /// Table watches send column definitions once.
    pub sent_columns: bool,
}

/// How much of each object a Table row carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncludeObject {
    #[default]
    Metadata,
    None,
    Object,
}
