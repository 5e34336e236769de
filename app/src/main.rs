//! The page: draws a session and hands it what the learner does. Knows `session` only.

use leptos::prelude::*;

fn main() {
    leptos::mount::mount_to_body(|| view! { <p>"Kaiki"</p> });
}
