//! Which lists of the built-in kinds merge, and by which key: the `patchStrategy` and `patchMergeKey` of the API types.

/// How a field is patched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldMeta {
    /// Lists merge instead of being replaced.
    pub merge: bool,
    /// The map is replaced as a whole.
    pub replace: bool,
    /// `$retainKeys`: fields that are not named go away.
    pub retain_keys: bool,
    /// What tells the elements of a merging list apart; empty for lists of scalars.
    pub merge_key: &'static str,
}

/// Where a walk through an object's type stands.
pub trait PatchMeta {
    /// How `field` of this type is patched, and the type below it (of its value, or of its elements).
    fn field(&self, field: &str) -> (FieldMeta, &dyn PatchMeta);
}

/// The table for a built-in kind; `None`: no strategic merge patch (custom resources).
pub fn for_kind(group: &str, kind: &str) -> Option<&'static dyn PatchMeta> {
    todo!()
}
