//! One machine: its files, users, programs and processes.

/// A machine and everything that runs in it.
#[derive(Clone, Default)]
pub struct Machine {}
