//! One playground: a world, its clock and what a front end may see and do. Any front end (the page, a test, an embed)
//! knows this crate only.
//!
//! The boundary is plain data ([`view`], [`Key`], [`Config`]): no Kubernetes type crosses it, and nothing here knows a
//! browser. Invariants: a session is a value (clone it and both go on independently); time moves only in
//! [`Session::tick`] and [`Session::skip_to_next_event`]; the same configuration and calls give the same views.

mod input;
mod picture;
mod session;
mod tab;
pub mod view;
mod world;

pub use input::Key;
pub use session::{Config, Session, Speed};
pub use tab::{Output, TabId};
