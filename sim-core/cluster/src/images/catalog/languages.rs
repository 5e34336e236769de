//! Language images: `python`, `node`, `golang` and relatives. `python -m http.server` serves; programs are not interpreted, and say so.

use super::{Entry, HUB, NO_FILES, Spec, Variant};
use crate::images::http::Handler;
use crate::images::os::Os;
use crate::images::software::{Invocation, Program, Run, Server, Software};

pub const ENTRIES: &[Entry] = &[
    Entry {
        domain: HUB,
        repository: "library/python",
        series: &[
            ("3.7", 17),
            ("3.8", 20),
            ("3.9", 24),
            ("3.10", 19),
            ("3.11", 14),
            ("3.12", 12),
            ("3.13", 9),
            ("3.14", 0),
        ],
        latest: "3.14.0",
        aliases: &[],
        variants: &[
            Variant { suffix: "", os: Os::Debian, size: 402_000_000 },
            Variant { suffix: "-slim", os: Os::Debian, size: 45_400_000 },
            Variant { suffix: "-alpine", os: Os::Alpine, size: 17_400_000 },
            Variant { suffix: "-bookworm", os: Os::Debian, size: 402_000_000 },
            Variant { suffix: "-slim-bookworm", os: Os::Debian, size: 45_400_000 },
        ],
        spec: Spec { cmd: &["python3"], env: &[("PYTHON_VERSION", "{version}"), ("LANG", "C.UTF-8")], ..Spec::EMPTY },
        software: &PYTHON,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "library/node",
        series: &[("14.21", 3), ("16.20", 2), ("18.20", 8), ("20.19", 5), ("22.21", 1), ("24.11", 1), ("25.2", 0)],
        latest: "25.2.0",
        aliases: &[("lts", "24.11.1"), ("current", "25.2.0")],
        variants: &[
            Variant { suffix: "", os: Os::Debian, size: 409_000_000 },
            Variant { suffix: "-slim", os: Os::Debian, size: 79_000_000 },
            Variant { suffix: "-alpine", os: Os::Alpine, size: 56_000_000 },
            Variant { suffix: "-bookworm", os: Os::Debian, size: 409_000_000 },
        ],
        spec: Spec {
            entrypoint: &["docker-entrypoint.sh"],
            cmd: &["node"],
            env: &[("NODE_VERSION", "{version}")],
            ..Spec::EMPTY
        },
        software: &NODE,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "library/golang",
        series: &[("1.19", 13), ("1.20", 14), ("1.21", 13), ("1.22", 12), ("1.23", 12), ("1.24", 10), ("1.25", 4)],
        latest: "1.25.4",
        aliases: &[],
        variants: &[
            Variant { suffix: "", os: Os::Debian, size: 316_000_000 },
            Variant { suffix: "-alpine", os: Os::Alpine, size: 63_000_000 },
            Variant { suffix: "-bookworm", os: Os::Debian, size: 316_000_000 },
        ],
        spec: Spec {
            cmd: &["bash"],
            env: &[("GOLANG_VERSION", "{version}"), ("GOPATH", "/go")],
            workdir: "/go",
            ..Spec::EMPTY
        },
        software: &GO,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "library/perl",
        series: &[("5.34", 3), ("5.36", 3), ("5.38", 5), ("5.40", 3), ("5.42", 0)],
        latest: "5.42.0",
        aliases: &[],
        variants: &[
            Variant { suffix: "", os: Os::Debian, size: 369_000_000 },
            Variant { suffix: "-slim", os: Os::Debian, size: 52_000_000 },
        ],
        spec: Spec { cmd: &["perl", "-de0"], workdir: "/usr/src/app", ..Spec::EMPTY },
        software: &PERL,
        files: NO_FILES,
    },
];

const NOT_INTERPRETED: &str = "programs are not interpreted in this simulation";

const PYTHON: Software = Software {
    name: "python",
    programs: &[
        Program { path: "/usr/local/bin/python3", run: python },
        Program { path: "/usr/local/bin/python", run: python },
    ],
};

fn python(inv: &Invocation<'_>) -> Run {
    let args: Vec<&str> = inv.args.iter().map(String::as_str).filter(|a| *a != "-u").collect();
    match args.as_slice() {
        // Without a terminal the interactive interpreter reads its end of input and leaves.
        [] => Run::print(""),
        ["-V" | "--version", ..] => Run::print(format!("Python {}\n", inv.image.version)),
        ["-m", "http.server", rest @ ..] => {
            let port = rest.iter().find_map(|a| a.parse().ok()).unwrap_or(8000);
            let root = inv.flag("directory").or(inv.flag("d")).unwrap_or(inv.cwd);
            Run::serve(&PYTHON_SERVER, &[port], root)
        }
        ["-c", code] if is_print(code) => Run::print(format!("{}\n", code[7..code.len() - 2].trim_matches('"'))),
        ["-c" | "-m", ..] => Run::fail(format!("python3: {NOT_INTERPRETED}\n"), 1),
        [script, ..] if inv.files.read(&absolute(inv, script)).is_err() => Run::fail(
            format!("python3: can't open file '{}': [Errno 2] No such file or directory\n", absolute(inv, script)),
            2,
        ),
        _ => Run::fail(format!("python3: {NOT_INTERPRETED}\n"), 1),
    }
}

/// `print("text")` and nothing else.
fn is_print(code: &str) -> bool {
    code.strip_prefix("print(\"").and_then(|r| r.strip_suffix("\")")).is_some_and(|t| !t.contains(['"', '\\', '{']))
}

fn absolute(inv: &Invocation<'_>, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", inv.cwd.trim_end_matches('/')) }
}

/// Python ignores SIGTERM as PID 1 only if it has no handler: `http.server` has none, so only SIGKILL ends it; the grace period passes.
const PYTHON_SERVER: Server = Server {
    start_log: &["Serving HTTP on 0.0.0.0 port {port} (http://0.0.0.0:{port}/) ..."],
    startup_ms: 150,
    shutdown_ms: 600_000,
    memory_bytes: 18 << 20,
    ..Server::quiet(Handler::PythonFiles)
};

const NODE: Software = Software {
    name: "node",
    programs: &[
        Program { path: "/usr/local/bin/docker-entrypoint.sh", run: |inv| Run::pass_on(inv, "node") },
        Program {
            path: "/usr/local/bin/node",
            run: |inv| match inv.args.first().map(String::as_str) {
                None => Run::print(""),
                Some("-v" | "--version") => Run::print(format!("v{}\n", inv.image.version)),
                Some(_) => Run::fail(format!("node: {NOT_INTERPRETED}\n"), 1),
            },
        },
        Program { path: "/usr/local/bin/npm", run: |_| Run::fail(format!("npm: {NOT_INTERPRETED}\n"), 1) },
    ],
};

const GO: Software = Software {
    name: "golang",
    programs: &[Program {
        path: "/usr/local/go/bin/go",
        run: |inv| match inv.args.first().map(String::as_str) {
            Some("version") => Run::print(format!("go version go{} linux/amd64\n", inv.image.version)),
            _ => Run::fail("go: programs are not compiled in this simulation\n", 1),
        },
    }],
};

const PERL: Software = Software { name: "perl", programs: &[Program { path: "/usr/local/bin/perl", run: perl }] };

/// Digits of π that `bignum=bpi` can be asked for (upstream's example job asks for 2000).
const PI: &str = "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214808651328230664709384460955058223172535940812848111745028410270193852110555964462294895493038196";

fn perl(inv: &Invocation<'_>) -> Run {
    let code = inv.args.last().map_or("", String::as_str);
    match code.strip_prefix("print bpi(").and_then(|r| r.strip_suffix(')')).and_then(|n| n.parse::<usize>().ok()) {
        Some(digits) => Run::print(format!("{}\n", pi(digits.min(10_000)))),
        None => Run::fail(format!("perl: {NOT_INTERPRETED}\n"), 1),
    }
}

/// π to `digits` significant digits, by the spigot of Rabinowitz and Wagon.
fn pi(digits: usize) -> String {
    if digits + 1 < PI.len() {
        return PI[..=digits.max(1)].to_owned();
    }
    let cells = digits * 10 / 3 + 2;
    let mut row = vec![2u32; cells];
    let (mut out, mut held, mut nines) = (String::new(), None, 0);
    for _ in 0..digits + 2 {
        let mut carry = 0u64;
        for i in (0..cells).rev() {
            let value = u64::from(row[i]) * 10 + carry * (i as u64 + 1);
            let base = if i == 0 { 10 } else { 2 * i as u64 + 1 };
            row[i] = (value % base) as u32;
            carry = value / base;
        }
        match carry {
            9 => nines += 1,
            10 => {
                out.extend(held.map(|h: u32| char::from(b'0' + (h + 1) as u8)));
                out.extend(std::iter::repeat_n('0', nines));
                (held, nines) = (Some(0), 0);
            }
            digit => {
                out.extend(held.map(|h: u32| char::from(b'0' + h as u8)));
                out.extend(std::iter::repeat_n('9', nines));
                (held, nines) = (Some(digit as u32), 0);
            }
        }
    }
    out.truncate(digits);
    out.insert(1, '.');
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn pi_continues_where_the_table_ends() {
        let long = super::pi(300);
        assert_eq!(long.len(), 301);
        assert!(long.starts_with(super::PI));
    }
}
