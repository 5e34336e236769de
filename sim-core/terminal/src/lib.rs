//! The learner's machine and the world around it: a laptop with docker and minikube, and the clusters they make.
//!
//! [`World`] owns the laptop and everything outside it, and lets their common time pass. Programs that only a laptop has (docker,
//! minikube, pacman, systemctl …) live here; the shell and its tools are the `machine` crate's, kubectl its own crate's.
//! Invariants: every change has its instant in virtual time; a world is a value and can be cloned at any instant.

mod docker;
pub mod laptop;
mod link;
mod minikube;
pub mod outside;
mod play;
mod programs;
mod relay;
mod system;
pub mod tabs;
#[cfg(test)]
mod tests;
pub mod world;

pub use laptop::StartState;
pub use tabs::TabId;
pub use world::{World, WorldConfig};
