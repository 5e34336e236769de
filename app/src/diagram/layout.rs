//! Where everything in the picture stands. Pure: a view of the cluster and a width in, places out.
//!
//! From top to bottom: the quay (pods that wait for a node), harbour lights (services and forwarded ports), the decks
//! (nodes) with the pods on them, in brackets by owner. Invariants: nothing overlaps; what is not touched by a change
//! keeps its place as far as the order of names allows; lengths are CSS pixels.

use session::view::{ClusterView, OwnerView, PodView};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) w: f64,
    pub(crate) h: f64,
}

/// How large pods are drawn, by how many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Grain {
    /// With name and status.
    #[default]
    Card,
    /// With the sign of its state.
    Tile,
    /// A mark in its state's colour and shape.
    Dot,
}

impl Grain {
    fn of(pods: usize) -> Self {
        match pods {
            0..=36 => Self::Card,
            37..=240 => Self::Tile,
            _ => Self::Dot,
        }
    }

    /// Width and height of one pod; on narrow pictures two cards still stand side by side.
    fn size(self, width: f64) -> (f64, f64) {
        match self {
            Self::Card if width < 480.0 => (136.0, 44.0),
            Self::Card => (150.0, 44.0),
            Self::Tile => (30.0, 30.0),
            Self::Dot => (13.0, 13.0),
        }
    }

    fn gap(self) -> f64 {
        match self {
            Self::Card => 8.0,
            Self::Tile => 6.0,
            Self::Dot => 3.0,
        }
    }
}

/// Everything in its place. Keys are the ids of the view.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Scene {
    pub(crate) height: f64,
    pub(crate) grain: Grain,
    /// Width and height of one pod.
    pub(crate) pod: (f64, f64),
    pub(crate) pods: BTreeMap<String, Spot>,
    pub(crate) decks: BTreeMap<String, Deck>,
    pub(crate) brackets: BTreeMap<String, Bracket>,
    pub(crate) lights: BTreeMap<String, Rect>,
    pub(crate) ropes: BTreeMap<String, Rope>,
    /// Where pods wait for a node; zero height when none does.
    pub(crate) quay: Rect,
}

/// Where a pod stands, and where it is in the view it was laid out from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spot {
    pub(crate) place: Rect,
    pub(crate) index: usize,
    /// Key of the bracket around it; empty without one.
    pub(crate) bracket: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Deck {
    pub(crate) place: Rect,
    /// How many of the cluster's own pods run here, drawn or not.
    pub(crate) system: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bracket {
    pub(crate) place: Rect,
    /// `deploy`, `nginx`: the outermost owner.
    pub(crate) badge: String,
    pub(crate) name: String,
}

/// From a light to a pod that it would choose.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rope {
    pub(crate) from: (f64, f64),
    pub(crate) to: (f64, f64),
    pub(crate) ready: bool,
}

const MARGIN: f64 = 16.0;
const LIGHT: (f64, f64) = (250.0, 48.0);
const DECK_WIDTH_MIN: f64 = 320.0;
const DECK_HEAD: f64 = 36.0;
const DECK_KEEL: f64 = 44.0;
const DECK_PADDING: f64 = 14.0;
const BRACKET_HEAD: f64 = 20.0;
const BRACKET_PADDING: f64 = 8.0;

/// A pod with its place in the view's list.
type Numbered<'a> = (usize, &'a PodView);

pub(crate) fn layout(view: &ClusterView, width: f64, show_system: bool) -> Scene {
    let width = width.max(240.0);
    let drawn: Vec<Numbered<'_>> = view.pods.iter().enumerate().filter(|(_, p)| show_system || !p.system).collect();
    let grain = Grain::of(drawn.len());
    let mut scene = Scene { grain, pod: grain.size(width), ..Scene::default() };
    let mut y = quay(&mut scene, view, &drawn, width, MARGIN);
    y = lights(&mut scene, view, width, y, show_system);
    scene.height = decks(&mut scene, view, &drawn, width, y) + MARGIN;
    ropes(&mut scene, view);
    scene
}

/// Services and forwarded ports, in rows. Answers where the next band begins.
fn lights(scene: &mut Scene, view: &ClusterView, width: f64, top: f64, show_system: bool) -> f64 {
    let services = view.services.iter().filter(|s| show_system || !s.system).map(|s| s.id.clone());
    let forwards = view.forwards.iter().map(|f| forward_id(f.port));
    let per_row = (((width - MARGIN) / (LIGHT.0 + MARGIN)).floor() as usize).max(1);
    let mut rows = 0;
    for (n, id) in services.chain(forwards).enumerate() {
        let (row, column) = (n / per_row, n % per_row);
        rows = row + 1;
        let x = MARGIN + column as f64 * (LIGHT.0 + MARGIN);
        let y = top + row as f64 * (LIGHT.1 + MARGIN);
        scene.lights.insert(id, Rect { x, y, w: LIGHT.0.min(width - 2.0 * MARGIN), h: LIGHT.1 });
    }
    // Ropes need room to fall.
    if rows == 0 { top } else { top + rows as f64 * (LIGHT.1 + MARGIN) + 12.0 }
}

pub(crate) fn forward_id(port: u16) -> String {
    format!("forward-{port}")
}

fn quay(scene: &mut Scene, view: &ClusterView, drawn: &[Numbered<'_>], width: f64, y: f64) -> f64 {
    let waiting: Vec<Numbered<'_>> = drawn.iter().copied().filter(|(_, p)| p.node.is_empty()).collect();
    if waiting.is_empty() {
        return y;
    }
    let place = Rect { x: MARGIN, y, w: width - 2.0 * MARGIN, h: 0.0 };
    let inner = Rect { x: place.x + DECK_PADDING, y: y + 28.0, w: place.w - 2.0 * DECK_PADDING, h: 0.0 };
    let bottom = groups(scene, view, &waiting, "quay", inner);
    scene.quay = Rect { h: bottom + DECK_PADDING - y, ..place };
    y + scene.quay.h + MARGIN
}

/// Nodes side by side, as many as fit in a row. Answers the lower edge of the last row.
fn decks(scene: &mut Scene, view: &ClusterView, drawn: &[Numbered<'_>], width: f64, top: f64) -> f64 {
    let fitting = ((width - MARGIN) / (DECK_WIDTH_MIN + MARGIN)).floor() as usize;
    let columns = fitting.clamp(1, view.nodes.len().max(1));
    let deck_width = (width - MARGIN) / columns as f64 - MARGIN;
    let mut y = top;
    for row in view.nodes.chunks(columns) {
        let mut tallest: f64 = 0.0;
        for (column, node) in row.iter().enumerate() {
            let x = MARGIN + column as f64 * (deck_width + MARGIN);
            let here: Vec<Numbered<'_>> = drawn.iter().copied().filter(|(_, p)| p.node == node.name).collect();
            let inner = Rect { x: x + DECK_PADDING, y: y + DECK_HEAD, w: deck_width - 2.0 * DECK_PADDING, h: 0.0 };
            let bottom = groups(scene, view, &here, &node.id, inner).max(y + DECK_HEAD + 56.0);
            let system = view.pods.iter().filter(|p| p.system && p.node == node.name).count();
            let place = Rect { x, y, w: deck_width, h: bottom + DECK_KEEL - y };
            tallest = tallest.max(place.h);
            scene.decks.insert(node.id.clone(), Deck { place, system });
        }
        for node in row {
            if let Some(deck) = scene.decks.get_mut(&node.id) {
                deck.place.h = tallest;
            }
        }
        y += tallest + MARGIN;
    }
    y
}

/// Pods in brackets by their outermost owner, packed in rows into `area`. Answers the lower edge.
fn groups(scene: &mut Scene, view: &ClusterView, pods: &[Numbered<'_>], place: &str, area: Rect) -> f64 {
    type Group<'a> = (Option<&'a OwnerView>, Vec<Numbered<'a>>);
    let mut by_owner: BTreeMap<(String, String), Group<'_>> = BTreeMap::new();
    for &(index, pod) in pods {
        let root = pod.owner.as_deref().and_then(|id| outermost(view, id));
        let key = root.map_or_else(
            // Pods without an owner stand alone, behind those with one.
            || ("~".to_owned(), String::new()),
            |o| (o.name.clone(), o.id.clone()),
        );
        let group = by_owner.entry(key).or_insert((root, Vec::new()));
        group.1.push((index, pod));
    }
    let grain = scene.grain;
    let (w, h) = scene.pod;
    let gap = grain.gap();
    let (mut x, mut y, mut row_bottom) = (area.x, area.y, area.y);
    for (owner, members) in by_owner.into_values() {
        let (pad, head) = if owner.is_some() { (BRACKET_PADDING, BRACKET_HEAD) } else { (0.0, 0.0) };
        let fit = (((area.w - 2.0 * pad + gap) / (w + gap)).floor() as usize).max(1);
        let columns = fit.min(squarish(members.len(), grain));
        let rows = members.len().div_ceil(columns);
        let named = if owner.is_some() { 120.0_f64.min(area.w) } else { 0.0 };
        let width = (columns as f64 * (w + gap) - gap + 2.0 * pad).max(named);
        let height = head + rows as f64 * (h + gap) - gap + if owner.is_some() { pad } else { 0.0 };
        if x > area.x && x + width > area.x + area.w {
            (x, y) = (area.x, row_bottom + 10.0);
        }
        let bracket_key = owner.map(|o| format!("{place}/{}", o.id)).unwrap_or_default();
        // Ownerless pods line up with those inside brackets beside them.
        let top = if owner.is_some() || x == area.x { y } else { y + BRACKET_HEAD };
        for (n, (index, pod)) in members.iter().enumerate() {
            let place = Rect {
                x: x + pad + (n % columns) as f64 * (w + gap),
                y: top + head + (n / columns) as f64 * (h + gap),
                w,
                h,
            };
            scene.pods.insert(pod.id.clone(), Spot { place, index: *index, bracket: bracket_key.clone() });
        }
        if let Some(owner) = owner {
            let bracket = Bracket {
                place: Rect { x, y, w: width, h: height },
                badge: owner.badge.clone(),
                name: owner.name.clone(),
            };
            scene.brackets.insert(bracket_key, bracket);
        }
        row_bottom = row_bottom.max(top + height);
        x += width + 12.0;
    }
    row_bottom
}

/// How many pods of a group stand side by side: cards in one row up to six, small ones in a block.
fn squarish(count: usize, grain: Grain) -> usize {
    match grain {
        Grain::Card => count.min(6),
        Grain::Tile | Grain::Dot => ((count as f64 * 2.5).sqrt().ceil() as usize).max(4),
    }
}

/// Follows parents up to the one that nobody keeps. Bounded, since a view may hold a circle.
fn outermost<'a>(view: &'a ClusterView, id: &str) -> Option<&'a OwnerView> {
    let mut owner = view.owners.iter().find(|o| o.id == id)?;
    for _ in 0..8 {
        match owner.parent.as_deref().and_then(|p| view.owners.iter().find(|o| o.id == p)) {
            Some(parent) => owner = parent,
            None => break,
        }
    }
    Some(owner)
}

/// A light with more endpoints than this has one rope to each bracket instead of one to each pod.
const ROPES_MAX: usize = 8;

fn ropes(scene: &mut Scene, view: &ClusterView) {
    for service in &view.services {
        let bundled = service.endpoints.len() > ROPES_MAX;
        for endpoint in &service.endpoints {
            rope(scene, &service.id, &endpoint.pod, endpoint.ready, bundled);
        }
    }
    for forward in &view.forwards {
        rope(scene, &forward_id(forward.port), &forward.pod, true, false);
    }
}

fn rope(scene: &mut Scene, light: &str, pod: &str, ready: bool, bundled: bool) {
    let (Some(from), Some(spot)) = (scene.lights.get(light), scene.pods.get(pod)) else { return };
    let bracket = scene.brackets.get(&spot.bracket).filter(|_| bundled);
    let (end, to) = bracket.map_or((pod, spot.place), |b| (spot.bracket.as_str(), b.place));
    let rope = Rope { from: (from.x + 20.0, from.y + 34.0), to: (to.x + to.w / 2.0, to.y), ready };
    let drawn = scene.ropes.entry(format!("{light}/{end}")).or_insert_with(|| rope);
    drawn.ready |= ready;
}

#[cfg(test)]
mod tests {
    use super::{Grain, Rect, layout};
    use session::view::{ClusterView, EndpointView, NodeView, OwnerView, PodView, ServiceView};

    fn cluster(nodes: usize, pods: usize) -> ClusterView {
        let node = |n: usize| NodeView { id: format!("n{n}"), name: format!("node-{n}"), ..NodeView::default() };
        let pod = |n: usize| PodView {
            id: format!("p{n}"),
            name: format!("web-{n}"),
            node: if n % 7 == 6 { String::new() } else { format!("node-{}", n % nodes) },
            owner: (!n.is_multiple_of(3)).then(|| format!("rs{}", n % 3)),
            ..PodView::default()
        };
        let owner = |id: &str, parent: Option<&str>| OwnerView {
            id: id.to_owned(),
            name: id.to_owned(),
            parent: parent.map(str::to_owned),
            ..OwnerView::default()
        };
        ClusterView {
            nodes: (0..nodes).map(node).collect(),
            pods: (0..pods).map(pod).collect(),
            owners: vec![owner("deploy", None), owner("rs1", Some("deploy")), owner("rs2", Some("deploy"))],
            services: vec![ServiceView {
                id: "svc".to_owned(),
                endpoints: vec![EndpointView { pod: "p1".to_owned(), ready: true }],
                ..ServiceView::default()
            }],
            ..ClusterView::default()
        }
    }

    fn overlap(a: &Rect, b: &Rect) -> bool {
        a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
    }

    #[test]
    fn every_pod_has_a_place_of_its_own_inside_the_picture() {
        for (nodes, pods, width) in [(1, 3, 320.0), (1, 30, 900.0), (3, 36, 1100.0), (2, 200, 700.0), (4, 1000, 1400.0)]
        {
            let scene = layout(&cluster(nodes, pods), width, true);
            let places: Vec<&Rect> = scene.pods.values().map(|s| &s.place).collect();
            assert_eq!(places.len(), pods);
            for (n, a) in places.iter().enumerate() {
                assert!(a.x >= 0.0 && a.x + a.w <= width && a.y + a.h <= scene.height, "{pods} pods, {width}: {a:?}");
                assert!(!places[n + 1..].iter().any(|b| overlap(a, b)), "{pods} pods, {width}: {a:?}");
            }
        }
    }

    #[test]
    fn pods_of_one_deployment_share_a_bracket_on_each_deck() {
        let scene = layout(&cluster(2, 12), 1000.0, true);
        let brackets: Vec<_> = scene.brackets.keys().map(String::as_str).collect();
        assert_eq!(
            brackets,
            ["n0/deploy", "n1/deploy", "quay/deploy"].into_iter().filter(|k| brackets.contains(k)).collect::<Vec<_>>()
        );
        assert!(brackets.len() >= 2);
    }

    #[test]
    fn a_service_of_many_pods_has_one_rope_to_each_bracket() {
        let mut view = cluster(1, 40);
        let chosen = (0..40).filter(|n| n % 3 > 0 && n % 7 < 6);
        let ends: Vec<EndpointView> = chosen.map(|n| EndpointView { pod: format!("p{n}"), ready: n > 20 }).collect();
        view.services[0].endpoints = ends;
        let scene = layout(&view, 800.0, true);
        assert_eq!(scene.ropes.keys().collect::<Vec<_>>(), ["svc/n0/deploy"]);
        assert!(scene.ropes["svc/n0/deploy"].ready);
    }

    #[test]
    fn a_service_is_tied_to_the_pods_it_would_choose_and_size_follows_number() {
        let scene = layout(&cluster(1, 3), 800.0, true);
        assert_eq!(scene.ropes.keys().collect::<Vec<_>>(), ["svc/p1"]);
        for (pods, grain) in [(3, Grain::Card), (100, Grain::Tile), (1000, Grain::Dot)] {
            assert_eq!(layout(&cluster(1, pods), 800.0, true).grain, grain);
        }
    }
}
