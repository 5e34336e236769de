//! One pod in the picture: its state as shape and colour, its name when there is room.

use crate::diagram::at;
use crate::diagram::layout::{Grain, Scene, Spot};
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use leptos::svg;
use session::view::{ClusterView, PodState, PodView};

/// The state's name in styles and tests.
fn state_name(state: PodState) -> &'static str {
    match state {
        PodState::Pending => "pending",
        PodState::Pulling => "pulling",
        PodState::Starting => "starting",
        PodState::Running => "running",
        PodState::NotReady => "not-ready",
        PodState::Failed => "failed",
        PodState::Completed => "completed",
        PodState::Terminating => "terminating",
        PodState::Unknown => "unknown",
    }
}

#[component]
pub(crate) fn Pod(
    id: String,
    cluster: RwSignal<ClusterView>,
    scene: Memo<Scene>,
    selected: RwSignal<Option<String>>,
) -> impl IntoView {
    let key = StoredValue::new(id);
    let spot: Memo<Option<Spot>> = Memo::new(move |_| scene.with(|s| key.with_value(|id| s.pods.get(id).cloned())));
    // The scene was laid out from this very view, so the pod is where the scene says.
    let pod: Memo<PodView> = Memo::new(move |_| {
        let index = spot.with(|s| s.as_ref().map(|s| s.index));
        index.and_then(|i| cluster.with(|c| c.pods.get(i).cloned())).unwrap_or_default()
    });
    let place = Memo::new(move |_| spot.with(|s| s.as_ref().map(|s| s.place)).unwrap_or_default());
    let grain = Memo::new(move |_| scene.with(|s| s.grain));
    let state = Memo::new(move |_| pod.with(|p| p.state));
    let is_selected = move || selected.with(|s| key.with_value(|id| s.as_ref() == Some(id)));
    let select = move || selected.set(Some(key.get_value()));
    let on_key = move |e: KeyboardEvent| {
        if e.key() == "Enter" || e.key() == " " {
            e.prevent_default();
            select();
        }
    };
    let label = move || pod.with(|p| format!("po/{} · {} · {}/{}", p.name, p.status, p.ready, p.containers));
    let sign_at = move || match grain.get() {
        Grain::Card => "translate(20px, 22px)",
        Grain::Tile => "translate(15px, 15px)",
        Grain::Dot => "translate(6.5px, 6.5px) scale(0.62)",
    };
    view! {
        <g
            class="pod"
            class:selected=is_selected
            class:dot=move || grain.get() == Grain::Dot
            data-state=move || state_name(state.get())
            data-name=move || pod.with(|p| p.name.clone())
            tabindex="0"
            role="button"
            aria-label=label
            style:transform=move || at(place.get())
            on:click=move |_| select()
            on:keydown=on_key
        >
            {svg::title().child(label)}
            <rect class="body" rx="7" width=move || place.get().w height=move || place.get().h />
            <rect class="fade" rx="7" width=move || place.get().w height=move || place.get().h />
            <g style:transform=sign_at>
                <Sign pod state />
            </g>
            <Show when=move || grain.get() == Grain::Card>
                <text class="name" x="37" y="19">{move || pod.with(|p| short_name(&p.name))}</text>
                <text class="aside" x="37" y="34">{move || pod.with(|p| status_line(p, scene.with(|s| s.pod.0)))}</text>
            </Show>
        </g>
    }
}

/// The sign of a state: told apart by shape, not by colour alone.
#[component]
fn Sign(pod: Memo<PodView>, state: Memo<PodState>) -> impl IntoView {
    move || {
        match state.get() {
        PodState::Running => view! { <circle class="solid" r="7.5" /> }.into_any(),
        PodState::NotReady => view! { <circle class="ring" r="7" /><path class="solid" d="M0,-7 A7,7 0 0 0 0,7 Z" /> }.into_any(),
        PodState::Pending => view! { <circle class="ring dashed" r="7" /> }.into_any(),
        PodState::Starting => view! { <circle class="ring" r="7" /><circle class="solid" r="2.5" /> }.into_any(),
        PodState::Pulling => {
            view! {
                <circle class="ring faint" r="7" />
                <circle
                    class="ring arc"
                    r="7"
                    stroke-dasharray=move || format!("{:.2} 44", 43.98 * pod.with(|p| f64::from(p.progress.clamp(0.0, 1.0))))
                    transform="rotate(-90)"
                />
            }
            .into_any()
        }
        PodState::Failed => view! { <path class="stroke" d="M-5.5,-5.5 L5.5,5.5 M5.5,-5.5 L-5.5,5.5" /> }.into_any(),
        PodState::Completed => view! { <path class="stroke" d="M-6.5,0 L-2,5 L6.5,-5" /> }.into_any(),
        PodState::Terminating => view! { <circle class="hatched" r="7.5" /> }.into_any(),
        PodState::Unknown => view! { <text class="question" text-anchor="middle" y="5.5">"?"</text> }.into_any(),
    }
    }
}

/// The end of a long name is what tells pods apart.
fn short_name(name: &str) -> String {
    const ROOM: usize = 13;
    let length = name.chars().count();
    if length <= ROOM {
        name.to_owned()
    } else {
        format!("…{}", name.chars().skip(length - ROOM + 1).collect::<String>())
    }
}

/// The status as far as it fits on a card of this width.
fn status_line(pod: &PodView, width: f64) -> String {
    let room = ((width - 42.0) / 6.6) as usize;
    let mut line = match (pod.state, pod.status.as_str()) {
        (PodState::Pulling, _) => format!("{:.0} %", 100.0 * pod.progress.clamp(0.0, 1.0)),
        (PodState::NotReady, status) => format!("{status} {}/{}", pod.ready, pod.containers),
        (_, "ContainerCreating") => "Creating".to_owned(),
        (_, status) => status.to_owned(),
    };
    if pod.restarts > 0 {
        line.push_str(&format!(" ↻{}", pod.restarts));
    }
    if line.chars().count() > room {
        line = line.chars().take(room.saturating_sub(1)).chain(['…']).collect();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::short_name;

    #[test]
    fn long_names_keep_their_end() {
        for (name, shown) in
            [("nginx", "nginx"), ("nginx-cb69f686c-klqbg", "…9f686c-klqbg"), ("exactly-13-ab", "exactly-13-ab")]
        {
            assert!(shown.chars().count() <= 13);
            assert_eq!(short_name(name), shown);
        }
    }
}
