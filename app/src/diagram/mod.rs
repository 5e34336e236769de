//! The picture of the cluster: harbour lights, decks and what stands on them. Drawn as SVG from [`layout::layout`]; each
//! thing is an element of its own that moves to its new place, so that a change is seen to happen.

mod inspector;
mod layout;
mod pod;

use crate::dom::on_resize;
use crate::i18n::{fill, language, t};
use crate::page::{Place, PlaceSignal};
use crate::playground::Playground;
use inspector::Inspector;
use layout::{Bracket, Deck, Rect, Rope, Scene, forward_id, layout};
use leptos::html;
use leptos::prelude::*;
use pod::Pod;
use session::view::{ClusterView, NodeState, NodeView, ServiceView};

#[component]
pub(crate) fn Diagram(playground: Playground, place: PlaceSignal) -> impl IntoView {
    let cluster = playground.cluster;
    let frame = NodeRef::<html::Div>::new();
    let width = RwSignal::new(800.0);
    let show_system = RwSignal::new(false);
    let selected = RwSignal::new(None::<String>);
    let language = language();
    Effect::new(move |_| {
        if let Some(frame) = frame.get() {
            let watched = frame.clone();
            on_resize(&frame, move || {
                let w = f64::from(watched.client_width());
                if w > 0.0 {
                    width.set(w);
                }
            });
        }
    });
    let scene = Memo::new(move |_| cluster.with(|c| layout(c, width.get(), show_system.get())));
    let is_empty = move || cluster.with(|c| c.nodes.is_empty());
    view! {
        <section class="diagram" aria-label=t("diagram.label")>
            <div class="frame" node_ref=frame>
                <Show when=is_empty>
                    <Shore playground place />
                </Show>
                <svg
                    class="scene"
                    width="100%"
                    height=move || scene.with(|s| format!("{:.0}", s.height))
                    role="img"
                    aria-label=move || summary(language, cluster)
                    class:hidden=is_empty
                >
                    <Hatching />
                    <QuayView scene />
                    <For each=move || keys(scene, |s| &s.decks) key=|id| id.clone() let:id>
                        <DeckView id cluster scene show_system />
                    </For>
                    <For each=move || keys(scene, |s| &s.brackets) key=|id| id.clone() let:id>
                        <BracketView id scene />
                    </For>
                    <For each=move || keys(scene, |s| &s.ropes) key=|id| id.clone() let:id>
                        <RopeView id scene />
                    </For>
                    <For each=move || keys(scene, |s| &s.lights) key=|id| id.clone() let:id>
                        <LightView id cluster scene />
                    </For>
                    <For each=move || keys(scene, |s| &s.pods) key=|id| id.clone() let:id>
                        <Pod id cluster scene selected />
                    </For>
                </svg>
            </div>
            <Inspector cluster selected />
        </section>
    }
}

fn keys<V: 'static>(scene: Memo<Scene>, of: fn(&Scene) -> &std::collections::BTreeMap<String, V>) -> Vec<String> {
    scene.with(|s| of(s).keys().cloned().collect())
}

/// The CSS transform that puts something in its place.
fn at(place: Rect) -> String {
    format!("translate({:.1}px, {:.1}px)", place.x, place.y)
}

/// Before there is a cluster: calm sea, and the command that builds one.
#[component]
fn Shore(playground: Playground, place: PlaceSignal) -> impl IntoView {
    const COMMAND: &str = "minikube start";
    view! {
        <div class="shore">
            <img src="icons/kaiki.svg" alt="" width="72" height="72" />
            <p>{t("diagram.empty")}</p>
            <button
                class="next"
                on:click=move |_| {
                    place.set(Place::Terminal);
                    playground.type_for_me(&format!("{COMMAND}\n"));
                }
            >
                <code>{COMMAND}</code>
            </button>
        </div>
    }
}

/// The pattern that marks what is on its way out.
#[component]
fn Hatching() -> impl IntoView {
    view! {
        <defs>
            <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                <line class="hatch" x1="0" y1="0" x2="0" y2="6" />
            </pattern>
        </defs>
    }
}

#[component]
fn QuayView(scene: Memo<Scene>) -> impl IntoView {
    let place = Memo::new(move |_| scene.with(|s| s.quay));
    view! {
        <g class="quay" class:hidden=move || place.get().h == 0.0 style:transform=move || at(place.get())>
            <rect width=move || place.get().w height=move || place.get().h rx="10" />
            <text x="14" y="19">{t("diagram.quay")}</text>
        </g>
    }
}

#[component]
fn DeckView(
    id: String,
    cluster: RwSignal<ClusterView>,
    scene: Memo<Scene>,
    show_system: RwSignal<bool>,
) -> impl IntoView {
    let language = language();
    let deck: Memo<Deck> = {
        let id = id.clone();
        Memo::new(move |_| scene.with(|s| s.decks.get(&id).cloned().unwrap_or_default()))
    };
    let node: Memo<NodeView> =
        Memo::new(move |_| cluster.with(|c| c.nodes.iter().find(|n| n.id == id).cloned().unwrap_or_default()));
    let w = move || deck.with(|d| d.place.w);
    let h = move || deck.with(|d| d.place.h);
    // A deck is a boat's: straight above, round below.
    let hull = move || {
        let (w, h) = (w(), h());
        let r = 30.0_f64.min(h / 3.0);
        format!(
            "M8,0 H{:.1} Q{w:.1},0 {w:.1},8 V{:.1} Q{w:.1},{h:.1} {:.1},{h:.1} H{r:.1} Q0,{h:.1} 0,{:.1} V8 Q0,0 8,0 Z",
            w - 8.0,
            h - r,
            w - r,
            h - r
        )
    };
    let load = move || {
        node.with(|n| if n.cpu_milli == 0 { 0.0 } else { (n.cpu_milli_requested as f64 / n.cpu_milli as f64).min(1.0) })
    };
    let state = move || {
        node.with(|n| match (n.state, n.cordoned) {
            (NodeState::Ready, false) => ("●", "Ready"),
            (NodeState::Ready, true) => ("◧", "Ready,SchedulingDisabled"),
            (NodeState::NotReady, _) => ("✕", "NotReady"),
            (NodeState::Unknown, _) => ("?", "Unknown"),
        })
    };
    let capacity = move || {
        node.with(|n| {
            let cpus = |milli: u64| {
                format!("{:.2}", milli as f64 / 1000.0).trim_end_matches('0').trim_end_matches('.').to_owned()
            };
            fill(language, "diagram.cpu", &[("used", &cpus(n.cpu_milli_requested)), ("of", &cpus(n.cpu_milli))])
        })
    };
    let own = move || deck.with(|d| d.system);
    let own_label = move || {
        let key = if show_system.get() { "diagram.hide-system" } else { "diagram.show-system" };
        fill(language, key, &[("n", &own().to_string())])
    };
    let toggle = move || show_system.update(|s| *s = !*s);
    view! {
        <g class="deck" data-state=move || state().1 style:transform=move || at(deck.get().place)>
            <path class="hull" d=hull />
            <text class="sign" x="14" y="23">{move || state().0}</text>
            <text x="30" y="23">
                <tspan class="badge">{move || "node "}</tspan>
                <tspan class="name">{move || node.with(|n| n.name.clone())}</tspan>
                <tspan class="aside" dx="10">
                    {move || node.with(|n| format!("{} · {} · {}", state().1, n.roles, n.version))}
                </tspan>
            </text>
            <g style:transform=move || format!("translate(0px, {:.1}px)", h() - 26.0)>
                <rect class="keel" x="24" y="10" rx="2.5" height="5" width=move || (w() - 48.0).max(0.0) />
                <rect class="keel used" x="24" y="10" rx="2.5" height="5" width=move || ((w() - 48.0) * load()).max(0.0) />
                <text class="aside" x="24" y="4">{capacity}</text>
                <text
                    class="aside own"
                    class:hidden=move || own() == 0
                    text-anchor="end"
                    x=move || w() - 24.0
                    y="4"
                    tabindex="0"
                    role="button"
                    aria-pressed=move || show_system.get().to_string()
                    on:click=move |_| toggle()
                    on:keydown=move |e| {
                        if e.key() == "Enter" {
                            toggle();
                        }
                    }
                >
                    {own_label}
                </text>
            </g>
        </g>
    }
}

#[component]
fn BracketView(id: String, scene: Memo<Scene>) -> impl IntoView {
    let bracket: Memo<Bracket> = Memo::new(move |_| scene.with(|s| s.brackets.get(&id).cloned().unwrap_or_default()));
    view! {
        <g class="bracket" style:transform=move || at(bracket.get().place)>
            <rect width=move || bracket.get().place.w height=move || bracket.get().place.h rx="9" />
            <text x="9" y="14">
                <tspan class="badge">{move || format!("{} ", bracket.get().badge)}</tspan>
                <tspan class="name">{move || bracket.get().name}</tspan>
            </text>
        </g>
    }
}

#[component]
fn RopeView(id: String, scene: Memo<Scene>) -> impl IntoView {
    let rope: Memo<Rope> = Memo::new(move |_| scene.with(|s| s.ropes.get(&id).cloned().unwrap_or_default()));
    let path = move || {
        let Rope { from: (x1, y1), to: (x2, y2), .. } = rope.get();
        let bend = ((y2 - y1) * 0.55).max(20.0);
        format!("M{x1:.1},{y1:.1} C{x1:.1},{:.1} {x2:.1},{:.1} {x2:.1},{y2:.1}", y1 + bend, y2 - bend)
    };
    view! { <path class="rope" class:waiting=move || !rope.get().ready d=path /> }
}

/// A service, or a port of the learner's own machine.
#[component]
fn LightView(id: String, cluster: RwSignal<ClusterView>, scene: Memo<Scene>) -> impl IntoView {
    let language = language();
    let place: Memo<Rect> = {
        let id = id.clone();
        Memo::new(move |_| scene.with(|s| s.lights.get(&id).copied().unwrap_or_default()))
    };
    let service: Memo<Option<ServiceView>> = {
        let id = id.clone();
        Memo::new(move |_| cluster.with(|c| c.services.iter().find(|s| s.id == id).cloned()))
    };
    let port = Memo::new(move |_| {
        cluster.with(|c| c.forwards.iter().find(|f| forward_id(f.port) == id).map(|f| f.port).unwrap_or_default())
    });
    let badge = move || if service.with(Option::is_some) { "svc " } else { "" };
    let name = move || {
        service.with(|s| s.as_ref().map(|s| s.name.clone())).unwrap_or_else(|| format!("localhost:{}", port.get()))
    };
    let dark = move || service.with(|s| s.as_ref().is_some_and(|s| s.endpoints.iter().all(|e| !e.ready)));
    let aside = move || {
        service.with(|s| match s {
            None => fill(language, "diagram.forward", &[]),
            Some(s) if s.endpoints.is_empty() && !s.selector.is_empty() => {
                fill(language, "diagram.no-match", &[("selector", &s.selector)])
            }
            Some(s) => [s.kind.as_str(), s.ip.as_str(), s.ports.as_str()].join(" "),
        })
    };
    view! {
        <g class="light" class:dark=dark class:own=move || service.with(Option::is_none) style:transform=move || at(place.get())>
            <path class="beam" d="M20,17 L0,8 V26 Z M20,17 L40,8 V26 Z" />
            <path class="tower" d="M16,34 L17.5,22 H22.5 L24,34 Z" />
            <circle class="lamp" cx="20" cy="17" r="5" />
            <text x="46" y="19">
                <tspan class="badge">{badge}</tspan>
                <tspan class="name">{name}</tspan>
            </text>
            <text class="aside" x="46" y="35">{aside}</text>
        </g>
    }
}

/// The picture in words, for those who do not see it.
fn summary(language: RwSignal<crate::i18n::Language>, cluster: RwSignal<ClusterView>) -> String {
    cluster.with(|c| {
        let own: Vec<_> = c.pods.iter().filter(|p| !p.system).collect();
        let counts = [
            ("nodes", c.nodes.len().to_string()),
            ("pods", own.len().to_string()),
            ("services", c.services.iter().filter(|s| !s.system).count().to_string()),
        ];
        let counts: Vec<(&str, &str)> = counts.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let mut text = fill(language, "diagram.summary", &counts);
        for pod in own.iter().take(40) {
            text.push_str(&format!(" po/{}: {} {}/{}.", pod.name, pod.status, pod.ready, pod.containers));
        }
        text
    })
}
