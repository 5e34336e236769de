//! A small Unix-like machine as plain data: files, users, processes, a shell and the usual tools.
//!
//! The same machine is the learner's laptop, a node (`minikube ssh`) and a container (`kubectl exec`). It knows no
//! Kubernetes: programs such as kubectl are added by whoever builds the machine, through its table of programs.
//! Invariants: no I/O, no wall clock, no threads; a machine with everything running in it can be cloned at any instant.

pub mod coreutils;
pub mod fs;
pub mod host;
pub mod machine;
pub mod net;
pub mod process;
pub mod regex;
pub mod shell;
pub mod testing;
