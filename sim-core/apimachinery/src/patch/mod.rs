//! The patches of the API: JSON patch, JSON merge patch and strategic merge patch, applied and created.

pub mod json;
pub mod merge;
pub mod meta;
pub mod strategic;

use core::fmt;

/// In upstream's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
