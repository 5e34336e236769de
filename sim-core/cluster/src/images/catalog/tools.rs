//! Images that bring commands for looking around or making load. The commands themselves are the machine's.

use super::{Entry, HUB, NO_FILES, NO_SOFTWARE, Spec, Variant};
use crate::images::os::Os;
use crate::images::software::{Program, Run, Software};

/// A command that the container's machine runs: named here so that `$PATH` has it.
fn machine(name: &str, args: &[String]) -> Run {
    Run::Machine { argv: [vec![name.to_owned()], args.to_vec()].concat() }
}

pub const ENTRIES: &[Entry] = &[
    Entry {
        domain: HUB,
        repository: "curlimages/curl",
        series: &[("7.88", 1), ("8.5", 0), ("8.10", 1), ("8.16", 0)],
        latest: "8.16.0",
        aliases: &[],
        variants: &[Variant { suffix: "", os: Os::Alpine, size: 9_700_000 }],
        spec: Spec { entrypoint: &["/entrypoint.sh"], cmd: &["curl"], user: "curl_user", ..Spec::EMPTY },
        software: &CURL,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "nicolaka/netshoot",
        series: &[("v0", 14)],
        latest: "v0.14",
        aliases: &[],
        variants: &[Variant { suffix: "", os: Os::Alpine, size: 202_000_000 }],
        spec: Spec { cmd: &["zsh"], workdir: "/root", ..Spec::EMPTY },
        software: &NETSHOOT,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "radial/busyboxplus",
        series: &[],
        latest: "1",
        aliases: &[("curl", "1")],
        variants: &[Variant { suffix: "", os: Os::Busybox, size: 4_200_000 }],
        spec: Spec { cmd: &["/bin/sh"], ..Spec::EMPTY },
        software: &CURL,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "library/bash",
        series: &[("5.1", 16), ("5.2", 37), ("5.3", 3)],
        latest: "5.3.3",
        aliases: &[],
        variants: &[Variant { suffix: "", os: Os::Alpine, size: 6_500_000 }],
        spec: Spec { entrypoint: &["docker-entrypoint.sh"], cmd: &["bash"], ..Spec::EMPTY },
        software: &BASH,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "polinux/stress",
        series: &[],
        latest: "1.0.4",
        aliases: &[("1.0.4", "1.0.4")],
        variants: &[Variant { suffix: "", os: Os::Alpine, size: 4_000_000 }],
        spec: Spec { cmd: &["stress"], ..Spec::EMPTY },
        software: &STRESS,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "vish/stress",
        series: &[],
        latest: "1",
        aliases: &[],
        variants: &[Variant { suffix: "", os: Os::Scratch, size: 1_500_000 }],
        spec: Spec { entrypoint: &["/stress", "--logtostderr"], ..Spec::EMPTY },
        software: &NO_SOFTWARE,
        files: NO_FILES,
    },
];

const CURL: Software = Software {
    name: "curl",
    programs: &[
        Program { path: "/entrypoint.sh", run: |inv| Run::pass_on(inv, "curl") },
        Program { path: "/usr/bin/curl", run: |inv| machine("curl", inv.args) },
    ],
};

const NETSHOOT: Software = Software {
    name: "netshoot",
    programs: &[
        Program { path: "/usr/bin/curl", run: |inv| machine("curl", inv.args) },
        Program { path: "/bin/bash", run: |inv| machine("bash", inv.args) },
        Program { path: "/bin/zsh", run: |inv| machine("sh", inv.args) },
        Program { path: "/usr/bin/dig", run: |inv| machine("dig", inv.args) },
        Program { path: "/usr/bin/host", run: |inv| machine("host", inv.args) },
        Program { path: "/usr/bin/jq", run: |inv| machine("jq", inv.args) },
    ],
};

const BASH: Software = Software {
    name: "bash",
    programs: &[
        Program { path: "/usr/local/bin/docker-entrypoint.sh", run: |inv| Run::pass_on(inv, "bash") },
        Program { path: "/usr/local/bin/bash", run: |inv| machine("bash", inv.args) },
    ],
};

const STRESS: Software = Software {
    name: "stress",
    programs: &[Program {
        path: "/usr/local/bin/stress",
        run: |inv| Run::Load {
            cpus: inv.flag("cpu").or(inv.flag("c")).and_then(|n| n.parse().ok()).unwrap_or(0),
            memory_bytes: inv.flag("vm-bytes").and_then(bytes).unwrap_or(0),
        },
    }],
};

/// `150M`
fn bytes(text: &str) -> Option<u64> {
    let (number, shift) = match text.as_bytes().last()? {
        b'K' | b'k' => (&text[..text.len() - 1], 10),
        b'M' | b'm' => (&text[..text.len() - 1], 20),
        b'G' | b'g' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    number.parse::<u64>().ok()?.checked_shl(shift)
}
