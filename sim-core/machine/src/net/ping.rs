//! ping: whether an address answers. The simulated network carries no ICMP, so a live address is one where a connection
//! is answered or refused at once.

use crate::host::NetError;
use crate::process::{Ctx, Process, Program, Step, Wake};
use apimachinery::http::Request;
use apimachinery::time::{Duration, Time};

pub struct Ping;

impl Program for Ping {
    fn name(&self) -> &'static str {
        "ping"
    }
    fn summary(&self) -> &'static str {
        "see whether an address answers"
    }
    fn start(&self, args: Vec<String>) -> Box<dyn Process> {
        Box::new(Run { args, ..Run::default() })
    }
}

#[derive(Clone, Default)]
struct Run {
    args: Vec<String>,
    target: Option<(String, String)>,
    count: Option<u32>,
    sent: u32,
    received: u32,
    next: Option<Time>,
    began: Time,
}

/// A port that nothing in the catalogue listens on: refused by a live host, lost by a dead one.
const PORT_UNUSED: u16 = 7;

impl Process for Run {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if self.target.is_none() {
            let mut words = self.args.iter();
            let mut name = None;
            while let Some(w) = words.next() {
                match w.as_str() {
                    "-c" => self.count = words.next().and_then(|n| n.parse().ok()),
                    "-w" | "-W" | "-i" | "-s" => drop(words.next()),
                    w if w.starts_with('-') => {}
                    w => name = Some(w.to_owned()),
                }
            }
            let Some(name) = name else {
                ctx.err("ping: usage error: Destination address required\n");
                return Step::Exit(1);
            };
            let id = ctx.machine.id.clone();
            let Some(ip) = ctx.host.resolve(&id, &name).ok().and_then(|a| a.into_iter().next()) else {
                ctx.err(&format!("ping: bad address '{name}'\n"));
                return Step::Exit(1);
            };
            ctx.out(&format!("PING {name} ({ip}): 56 data bytes\n"));
            self.began = ctx.now();
            self.target = Some((name, ip));
        }
        let Some((name, ip)) = self.target.clone() else { return Step::Exit(1) };
        let now = ctx.now();
        if ctx.interrupted() || self.count.is_some_and(|n| self.sent >= n) {
            let lost = (self.sent - self.received) * 100 / self.sent.max(1);
            ctx.out(&format!(
                "\n--- {name} ping statistics ---\n{} packets transmitted, {} packets received, {lost}% packet loss\n",
                self.sent, self.received
            ));
            return Step::Exit(i32::from(self.received == 0));
        }
        if let Some(at) = self.next.filter(|t| now < *t) {
            return Step::Wait(Wake::At(at));
        }
        let id = ctx.machine.id.clone();
        let exchange = ctx.host.http(&id, "http", &ip, PORT_UNUSED, Request::get("/"));
        if !matches!(exchange.result, Err(NetError::TimedOut | NetError::Unreachable | NetError::NoSuchHost)) {
            self.received += 1;
            let ms = exchange.after.as_secs_f64() * 1000.0;
            ctx.out(&format!("64 bytes from {ip}: seq={} ttl=63 time={ms:.3} ms\n", self.sent));
        }
        self.sent += 1;
        let at = now + Duration::from_secs(1);
        self.next = Some(at);
        Step::Wait(Wake::At(at))
    }
}
