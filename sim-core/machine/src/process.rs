//! Programs and processes. A program is an entry of a table; a process is data: a resumable state machine that can be
//! cloned and continued, never a thread or a future.

use apimachinery::time::Time;

/// Process number on one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(pub u32);

/// What a process answers after a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Exit(i32),
    /// Ran its quantum; wants another turn at the same instant.
    Again,
    Wait(Wake),
}

/// What a waiting process waits for. A pending interrupt (Ctrl-C) always wakes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The instant comes.
    At(Time),
    /// Something can be read on standard input (or its end).
    Input,
    /// The world outside changed (a watch has news), or the instant comes, whichever is first.
    World { until: Option<Time> },
    /// The child has ended.
    Child(Pid),
    /// Any child has ended.
    AnyChild,
}
