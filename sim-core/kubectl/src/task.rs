//! How a command runs: at once as a function, or over time as a state machine that can be cloned.

use crate::error::Error;
use crate::flags::Args;
use crate::session::Kube;
use machine::process::Wake;

pub type Run = fn(&mut Kube<'_, '_>, &Args) -> Result<Next, Error>;

/// What a command leaves to be done.
pub enum Next {
    /// Nothing: the exit code.
    Done(i32),
    Task(Box<dyn Task>),
}

pub const DONE: Result<Next, Error> = Ok(Next::Done(0));

/// What a task answers after a turn.
pub enum Turn {
    Done(i32),
    Again,
    Wait(Wake),
}

/// The part of a command that takes time: watching, following, waiting, talking.
pub trait Task: CloneTask + Send {
    /// One bounded turn.
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error>;
}

/// Lets `Box<dyn Task>` be cloned.
pub trait CloneTask {
    fn clone_task(&self) -> Box<dyn Task>;
}

impl<T: Task + Clone + 'static> CloneTask for T {
    fn clone_task(&self) -> Box<dyn Task> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Task> {
    fn clone(&self) -> Self {
        (**self).clone_task()
    }
}

pub fn task(t: impl Task + 'static) -> Result<Next, Error> {
    Ok(Next::Task(Box::new(t)))
}
