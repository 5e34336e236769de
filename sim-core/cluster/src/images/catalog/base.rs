//! Operating systems as images: `busybox`, `alpine`, `debian`, `ubuntu` and Google's distroless bases.

use super::{Entry, HUB, NO_FILES, NO_SOFTWARE, Spec, Variant};
use crate::images::http::Handler;
use crate::images::os::Os;
use crate::images::software::{Invocation, Program, Run, Server, Software};

pub const ENTRIES: &[Entry] = &[
    Entry {
        domain: HUB,
        repository: "library/busybox",
        series: &[
            ("1.24", 2),
            ("1.25", 1),
            ("1.26", 2),
            ("1.27", 2),
            ("1.28", 4),
            ("1.29", 3),
            ("1.30", 1),
            ("1.31", 1),
            ("1.32", 1),
            ("1.33", 1),
            ("1.34", 1),
            ("1.35", 0),
            ("1.36", 1),
            ("1.37", 0),
        ],
        latest: "1.37.0",
        aliases: &[("stable", "1.36.1"), ("musl", "1.37.0"), ("glibc", "1.37.0"), ("uclibc", "1.37.0")],
        variants: &[
            Variant { suffix: "", os: Os::Busybox, size: 2_160_406 },
            Variant { suffix: "-musl", os: Os::Busybox, size: 860_000 },
            Variant { suffix: "-glibc", os: Os::Busybox, size: 2_210_000 },
            Variant { suffix: "-uclibc", os: Os::Busybox, size: 750_000 },
        ],
        spec: Spec { cmd: &["sh"], ..Spec::EMPTY },
        software: &BUSYBOX,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "library/alpine",
        series: &[
            ("3.10", 9),
            ("3.11", 13),
            ("3.12", 12),
            ("3.13", 12),
            ("3.14", 10),
            ("3.15", 11),
            ("3.16", 9),
            ("3.17", 10),
            ("3.18", 12),
            ("3.19", 9),
            ("3.20", 8),
            ("3.21", 5),
            ("3.22", 2),
        ],
        latest: "3.22.2",
        aliases: &[("edge", "3.23.0")],
        variants: &[Variant { suffix: "", os: Os::Alpine, size: 3_800_000 }],
        spec: Spec { cmd: &["/bin/sh"], ..Spec::EMPTY },
        software: &BUSYBOX,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "library/debian",
        series: &[("10", 13), ("11", 11), ("12", 12), ("13", 2)],
        latest: "13.2",
        aliases: &[
            ("buster", "10.13"),
            ("bullseye", "11.11"),
            ("bookworm", "12.12"),
            ("trixie", "13.2"),
            ("stable", "13.2"),
            ("oldstable", "12.12"),
            ("sid", "14.0"),
        ],
        variants: &[
            Variant { suffix: "", os: Os::Debian, size: 48_480_000 },
            Variant { suffix: "-slim", os: Os::Debian, size: 28_230_000 },
        ],
        spec: Spec { cmd: &["bash"], ..Spec::EMPTY },
        software: &NO_SOFTWARE,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "library/ubuntu",
        series: &[],
        latest: "24.04",
        aliases: &[
            ("18.04", "18.04"),
            ("bionic", "18.04"),
            ("20.04", "20.04"),
            ("focal", "20.04"),
            ("22.04", "22.04"),
            ("jammy", "22.04"),
            ("24.04", "24.04"),
            ("noble", "24.04"),
            ("25.10", "25.10"),
            ("rolling", "25.10"),
        ],
        variants: &[Variant { suffix: "", os: Os::Ubuntu, size: 29_720_000 }],
        spec: Spec { cmd: &["/bin/bash"], ..Spec::EMPTY },
        software: &NO_SOFTWARE,
        files: NO_FILES,
    },
    Entry {
        domain: "gcr.io",
        repository: "distroless/static-debian12",
        series: &[],
        latest: "12",
        aliases: &[("nonroot", "12"), ("debug", "12")],
        variants: &[Variant { suffix: "", os: Os::Distroless, size: 810_000 }],
        spec: Spec::EMPTY,
        software: &NO_SOFTWARE,
        files: NO_FILES,
    },
    Entry {
        domain: "gcr.io",
        repository: "distroless/base-debian12",
        series: &[],
        latest: "12",
        aliases: &[("nonroot", "12"), ("debug", "12")],
        variants: &[Variant { suffix: "", os: Os::Distroless, size: 8_600_000 }],
        spec: Spec::EMPTY,
        software: &NO_SOFTWARE,
        files: NO_FILES,
    },
];

/// Busybox's own servers; its other commands are the machine's.
pub const BUSYBOX: Software = Software {
    name: "busybox",
    programs: &[
        Program { path: "/bin/httpd", run: httpd },
        Program { path: "/bin/nc", run: nc },
        Program { path: "/bin/busybox", run: busybox },
    ],
};

fn busybox(inv: &Invocation<'_>) -> Run {
    match inv.args.split_first() {
        Some((applet, rest)) => {
            let argv = [vec![applet.clone()], rest.to_vec()].concat();
            Run::Exec { argv, log: Vec::new() }
        }
        None => Run::print(format!("BusyBox v{} () multi-call binary.\n", inv.image.version)),
    }
}

fn httpd(inv: &Invocation<'_>) -> Run {
    if !inv.args.iter().any(|a| a.starts_with('-') && a.contains('f')) {
        // Without -f it goes into the background, and a container's first process ends.
        return Run::print("");
    }
    Run::serve(&HTTPD, &[inv.port_flag("p", 80)], inv.flag("h").unwrap_or(inv.cwd))
}

/// `nc -lk -p 8080` listens; with anything else the machine's own `nc` is asked.
fn nc(inv: &Invocation<'_>) -> Run {
    let listens = inv.args.iter().any(|a| a.starts_with('-') && a.contains('l'));
    let port = inv.args.iter().rev().find_map(|a| a.parse::<u16>().ok());
    match (listens, port) {
        (true, Some(port)) => Run::serve(&NC, &[port], ""),
        _ => Run::fail("nc: connections from a container's first process are not simulated yet\n", 1),
    }
}

const HTTPD: Server = Server { memory_bytes: 1 << 20, startup_ms: 5, ..Server::quiet(Handler::BusyboxFiles) };
const NC: Server =
    Server { memory_bytes: 1 << 20, startup_ms: 5, exit_code: 143, ..Server::quiet(Handler::Database("")) };
