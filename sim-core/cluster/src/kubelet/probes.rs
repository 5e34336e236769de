//! Liveness, readiness and startup probes of one container: when each is due, and what its last results mean.
//!
//! Models: kubelet `prober`. The probing itself (exec, HTTP, TCP) is done by whoever holds the world; here are only the
//! counters and the clock.

use apimachinery::time::{Duration, Time};
use k8s_openapi::api::core::v1::{Container as Spec, Probe as ProbeSpec};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeKind {
    Startup,
    Liveness,
    Readiness,
}

impl ProbeKind {
    /// As events begin: `Liveness probe failed: …`
    pub fn title(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Liveness => "Liveness",
            Self::Readiness => "Readiness",
        }
    }
}

/// One probe's worker.
#[derive(Clone, Debug)]
pub struct Probe {
    pub kind: ProbeKind,
    pub next: Time,
    period: Duration,
    success_threshold: u32,
    failure_threshold: u32,
    run: u32,
    run_ok: bool,
}

/// What a result leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not enough in a row yet.
    Unchanged,
    Passed,
    Failed,
}

impl Probe {
    fn new(kind: ProbeKind, spec: &ProbeSpec, started: Time, jitter: u64) -> Self {
        let seconds = |n: Option<i32>, or: i32| Duration::from_secs(u64::from(n.unwrap_or(or).max(0).unsigned_abs()));
        let count = |n: Option<i32>, or: i32| n.unwrap_or(or).max(1).unsigned_abs();
        let period = seconds(spec.period_seconds, 10).max(Duration::from_secs(1));
        let delay = seconds(spec.initial_delay_seconds, 0);
        // Workers tick at their period, started at a random moment of it; the first probe is at the first tick after the delay.
        let first = Duration::from_micros(jitter % u64::try_from(period.as_micros().min(1_000_000)).unwrap_or(1));
        Self {
            kind,
            next: started + delay + first,
            period,
            success_threshold: count(spec.success_threshold, 1),
            failure_threshold: count(spec.failure_threshold, 3),
            run: 0,
            run_ok: false,
        }
    }

    /// Counts a result at `now` and plans the next probe.
    pub fn record(&mut self, ok: bool, now: Time) -> Verdict {
        self.next = now + self.period;
        if ok == self.run_ok {
            self.run = self.run.saturating_add(1);
        } else {
            self.run_ok = ok;
            self.run = 1;
        }
        match (ok, self.run) {
            (true, n) if n >= self.success_threshold => Verdict::Passed,
            (false, n) if n >= self.failure_threshold => Verdict::Failed,
            _ => Verdict::Unchanged,
        }
    }
}

/// The probes of a running container.
#[derive(Clone, Debug)]
pub struct Probes {
    pub list: Vec<Probe>,
}

impl Probes {
    /// `None` for a container without probes.
    pub fn new(spec: &Spec, started: Time, jitter: u64) -> Option<Self> {
        let list: Vec<Probe> = [
            (ProbeKind::Startup, &spec.startup_probe),
            (ProbeKind::Liveness, &spec.liveness_probe),
            (ProbeKind::Readiness, &spec.readiness_probe),
        ]
        .into_iter()
        .filter_map(|(kind, probe)| Some(Probe::new(kind, probe.as_ref()?, started, jitter)))
        .collect();
        (!list.is_empty()).then_some(Self { list })
    }

    /// The next instant at which a probe is due; liveness and readiness wait for startup.
    pub fn next(&self, container_started: bool) -> Option<Time> {
        self.list.iter().filter(|p| active(p.kind, container_started)).map(|p| p.next).min()
    }

    pub fn due(&self, now: Time, container_started: bool) -> Vec<ProbeKind> {
        self.list.iter().filter(|p| active(p.kind, container_started) && p.next <= now).map(|p| p.kind).collect()
    }

    pub fn get_mut(&mut self, kind: ProbeKind) -> Option<&mut Probe> {
        self.list.iter_mut().find(|p| p.kind == kind)
    }

    pub fn has(&self, kind: ProbeKind) -> bool {
        self.list.iter().any(|p| p.kind == kind)
    }
}

fn active(kind: ProbeKind, container_started: bool) -> bool {
    (kind == ProbeKind::Startup) != container_started
}

/// The probe of `kind` in a container's spec.
pub fn spec_of(spec: &Spec, kind: ProbeKind) -> Option<&ProbeSpec> {
    match kind {
        ProbeKind::Startup => spec.startup_probe.as_ref(),
        ProbeKind::Liveness => spec.liveness_probe.as_ref(),
        ProbeKind::Readiness => spec.readiness_probe.as_ref(),
    }
}
