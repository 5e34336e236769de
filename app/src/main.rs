//! The page: draws a session and hands it what the learner does. Knows `session` only and never names a Kubernetes type.
//!
//! `playground` holds the session; `terminal`, `diagram`, `lesson` and `timebar` each draw one part of it; `page` puts
//! them in their places; `i18n` has their words.

mod diagram;
mod dom;
mod i18n;
mod lesson;
mod page;
mod playground;
mod terminal;
mod timebar;

fn main() {
    leptos::mount::mount_to_body(page::Page);
}
