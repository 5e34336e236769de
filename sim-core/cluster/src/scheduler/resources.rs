//! Amounts of resources: what a pod asks for, what a node has.
//!
//! Models: `component-helpers/resource` and the scheduler framework's `Resource`.

use apimachinery::quantity::Quantity as Amount;
use k8s_openapi::api::core::v1::{Container, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use std::collections::BTreeMap;

/// What the scheduler assumes a container uses that does not say: a tenth of a CPU and 200 MiB.
const DEFAULT_MILLI_CPU: i64 = 100;
const DEFAULT_MEMORY: i64 = 200 << 20;

/// Millicores, bytes, bytes; and everything else by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    pub milli_cpu: i64,
    pub memory: i64,
    pub ephemeral: i64,
    pub others: BTreeMap<String, i64>,
}

/// `pods` is counted by [`super::cache::NodeInfo`], not here.
const COUNTED_ELSEWHERE: &str = "pods";

impl Resources {
    pub fn read(list: Option<&BTreeMap<String, Quantity>>) -> Self {
        let mut out = Self::default();
        for (name, text) in list.into_iter().flatten() {
            let Ok(amount) = Amount::parse(&text.0) else { continue };
            match name.as_str() {
                "cpu" => out.milli_cpu = amount.milli_value(),
                "memory" => out.memory = amount.value(),
                "ephemeral-storage" => out.ephemeral = amount.value(),
                COUNTED_ELSEWHERE => {}
                _ => {
                    out.others.insert(name.clone(), amount.value());
                }
            }
        }
        out
    }

    pub fn add(&mut self, other: &Self, sign: i64) {
        self.milli_cpu += sign * other.milli_cpu;
        self.memory += sign * other.memory;
        self.ephemeral += sign * other.ephemeral;
        for (name, n) in &other.others {
            *self.others.entry(name.clone()).or_default() += sign * n;
        }
    }

    fn raise(&mut self, other: &Self) {
        self.milli_cpu = self.milli_cpu.max(other.milli_cpu);
        self.memory = self.memory.max(other.memory);
        self.ephemeral = self.ephemeral.max(other.ephemeral);
        for (name, n) in &other.others {
            let mine = self.others.entry(name.clone()).or_default();
            *mine = (*mine).max(*n);
        }
    }

    pub fn is_zero(&self) -> bool {
        self.milli_cpu == 0 && self.memory == 0 && self.ephemeral == 0 && self.others.values().all(|n| *n == 0)
    }
}

/// How many pods a node may have.
pub fn pods_allowed(allocatable: Option<&BTreeMap<String, Quantity>>) -> i64 {
    let text = allocatable.and_then(|a| a.get(COUNTED_ELSEWHERE));
    text.and_then(|q| Amount::parse(&q.0).ok()).map_or(0, Amount::value)
}

/// What a pod asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// What has to fit.
    pub exact: Resources,
    /// CPU and memory with the assumed minimum per container, by which nodes are scored.
    pub assumed_milli_cpu: i64,
    pub assumed_memory: i64,
}

fn of_container(c: &Container) -> Resources {
    Resources::read(c.resources.as_ref().and_then(|r| r.requests.as_ref()))
}

fn assumed(r: &Resources) -> (i64, i64) {
    let or = |n: i64, default: i64| if n == 0 { default } else { n };
    (or(r.milli_cpu, DEFAULT_MILLI_CPU), or(r.memory, DEFAULT_MEMORY))
}

impl Requests {
    /// The sum over containers, or the largest init container if that is more; sidecars count on both sides.
    pub fn of(spec: &PodSpec) -> Self {
        let mut exact = Resources::default();
        let (mut cpu, mut memory) = (0, 0);
        for c in &spec.containers {
            let r = of_container(c);
            let a = assumed(&r);
            exact.add(&r, 1);
            (cpu, memory) = (cpu + a.0, memory + a.1);
        }
        let mut sidecars = Resources::default();
        let (mut side_cpu, mut side_memory) = (0, 0);
        let mut peak = Resources::default();
        let (mut peak_cpu, mut peak_memory) = (0, 0);
        for c in spec.init_containers.iter().flatten() {
            let mut r = of_container(c);
            let a = assumed(&r);
            if c.restart_policy.as_deref() == Some("Always") {
                sidecars.add(&r, 1);
                (side_cpu, side_memory) = (side_cpu + a.0, side_memory + a.1);
                peak.raise(&sidecars);
                (peak_cpu, peak_memory) = (peak_cpu.max(side_cpu), peak_memory.max(side_memory));
            } else {
                r.add(&sidecars, 1);
                peak.raise(&r);
                (peak_cpu, peak_memory) = (peak_cpu.max(side_cpu + a.0), peak_memory.max(side_memory + a.1));
            }
        }
        exact.add(&sidecars, 1);
        exact.raise(&peak);
        (cpu, memory) = ((cpu + side_cpu).max(peak_cpu), (memory + side_memory).max(peak_memory));
        if let Some(whole) = spec.resources.as_ref().and_then(|r| r.requests.as_ref()) {
            // Requests of the pod as a whole take the place of its containers'.
            let r = Resources::read(Some(whole));
            if whole.contains_key("cpu") {
                (exact.milli_cpu, cpu) = (r.milli_cpu, r.milli_cpu);
            }
            if whole.contains_key("memory") {
                (exact.memory, memory) = (r.memory, r.memory);
            }
        }
        let overhead = Resources::read(spec.overhead.as_ref());
        exact.add(&overhead, 1);
        Self { exact, assumed_milli_cpu: cpu + overhead.milli_cpu, assumed_memory: memory + overhead.memory }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ResourceRequirements;

    fn container(cpu: &str, always: bool) -> Container {
        let requests = (!cpu.is_empty()).then(|| BTreeMap::from([("cpu".to_owned(), Quantity(cpu.into()))]));
        Container {
            resources: Some(ResourceRequirements { requests, ..ResourceRequirements::default() }),
            restart_policy: always.then(|| "Always".into()),
            ..Container::default()
        }
    }

    #[test]
    fn init_containers_count_by_their_peak_and_sidecars_always() {
        for (init, main, exact, assumed) in [
            (vec![], vec!["100m", "200m"], 300, 300),
            (vec![], vec![""], 0, 100),
            (vec![("1", false)], vec!["100m"], 1000, 1000),
            (vec![("50m", true)], vec!["100m"], 150, 150),
            (vec![("50m", true), ("200m", false)], vec!["100m"], 250, 250),
            (vec![("200m", false), ("50m", true)], vec!["100m"], 200, 200),
        ] {
            let spec = PodSpec {
                init_containers: Some(init.iter().map(|(cpu, always)| container(cpu, *always)).collect()),
                containers: main.iter().map(|cpu| container(cpu, false)).collect(),
                ..PodSpec::default()
            };
            let got = Requests::of(&spec);
            assert_eq!((got.exact.milli_cpu, got.assumed_milli_cpu), (exact, assumed), "{init:?} {main:?}");
        }
    }
}
