//! Images of the platform itself: pause, agnhost, the registry, monitoring.

use super::{Entry, HUB, NO_FILES, Spec, Variant};
use crate::images::http::Handler;
use crate::images::os::Os;
use crate::images::software::{Clock, Invocation, Program, Run, Server, Software};

const AGNHOST_VARIANTS: &[Variant] = &[Variant { suffix: "", os: Os::Alpine, size: 51_000_000 }];
const AGNHOST_SPEC: Spec =
    Spec { entrypoint: &["/agnhost"], cmd: &["pause"], ports: &[80, 8080, 8081, 9376], ..Spec::EMPTY };

pub const ENTRIES: &[Entry] = &[
    Entry {
        domain: "registry.k8s.io",
        repository: "pause",
        series: &[("3", 10), ("3.10", 1)],
        latest: "3.10.1",
        aliases: &[("2.0", "2.0"), ("1.0", "1.0")],
        variants: &[Variant { suffix: "", os: Os::Scratch, size: 320_368 }],
        spec: Spec { entrypoint: &["/pause"], user: "65535:65535", ..Spec::EMPTY },
        software: &PAUSE,
        files: NO_FILES,
    },
    Entry {
        domain: "registry.k8s.io",
        repository: "e2e-test-images/agnhost",
        series: &[("2", 57)],
        latest: "",
        aliases: &[],
        variants: AGNHOST_VARIANTS,
        spec: AGNHOST_SPEC,
        software: &AGNHOST,
        files: NO_FILES,
    },
    Entry {
        domain: "registry.k8s.io",
        repository: "e2e-test-images/busybox",
        series: &[("1.29", 4), ("1.36", 1)],
        latest: "",
        aliases: &[("1.29-4", "1.29.4"), ("1.36.1-1", "1.36.1"), ("1.37.0-1", "1.37.0")],
        variants: &[Variant { suffix: "", os: Os::Busybox, size: 2_160_406 }],
        spec: Spec { cmd: &["sh"], ..Spec::EMPTY },
        software: &super::base::BUSYBOX,
        files: NO_FILES,
    },
    Entry {
        domain: "registry.k8s.io",
        repository: "liveness",
        series: &[],
        latest: "1",
        aliases: &[],
        variants: AGNHOST_VARIANTS,
        spec: Spec { entrypoint: &["/agnhost"], cmd: &["liveness"], ..Spec::EMPTY },
        software: &AGNHOST,
        files: NO_FILES,
    },
    Entry {
        domain: "registry.k8s.io",
        repository: "serve_hostname",
        series: &[],
        latest: "1.4",
        aliases: &[("1.4", "1.4")],
        variants: AGNHOST_VARIANTS,
        spec: Spec { entrypoint: &["/agnhost"], cmd: &["serve-hostname"], ports: &[9376], ..Spec::EMPTY },
        software: &AGNHOST,
        files: NO_FILES,
    },
    Entry {
        domain: "registry.k8s.io",
        repository: "hpa-example",
        series: &[],
        latest: "1",
        aliases: &[],
        variants: &[Variant { suffix: "", os: Os::Debian, size: 181_000_000 }],
        spec: Spec { cmd: &["apache2-foreground"], ports: &[80], ..Spec::EMPTY },
        software: &HPA_EXAMPLE,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "library/registry",
        series: &[("2.7", 1), ("2.8", 3), ("3.0", 0)],
        latest: "3.0.0",
        aliases: &[("2", "2.8.3")],
        variants: &[Variant { suffix: "", os: Os::Alpine, size: 10_000_000 }],
        spec: Spec {
            entrypoint: &["/entrypoint.sh"],
            cmd: &["/etc/docker/registry/config.yml"],
            ports: &[5000],
            volumes: &["/var/lib/registry"],
            ..Spec::EMPTY
        },
        software: &REGISTRY,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "prom/prometheus",
        series: &[("v2.53", 5), ("v3.5", 0), ("v3.7", 3)],
        latest: "v3.7.3",
        aliases: &[],
        variants: &[Variant { suffix: "", os: Os::Busybox, size: 127_000_000 }],
        spec: Spec {
            entrypoint: &["/bin/prometheus"],
            cmd: &["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"],
            ports: &[9090],
            user: "nobody",
            ..Spec::EMPTY
        },
        software: &PROMETHEUS,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "grafana/grafana",
        series: &[("10.4", 19), ("11.6", 7), ("12.2", 1)],
        latest: "12.2.1",
        aliases: &[],
        variants: &[Variant { suffix: "", os: Os::Alpine, size: 200_000_000 }],
        spec: Spec { entrypoint: &["/run.sh"], ports: &[3000], user: "472", ..Spec::EMPTY },
        software: &GRAFANA,
        files: NO_FILES,
    },
];

const PAUSE: Software = Software { name: "pause", programs: &[Program { path: "/pause", run: |_| Run::Idle }] };

const AGNHOST: Software = Software { name: "agnhost", programs: &[Program { path: "/agnhost", run: agnhost }] };

const AGNHOST_SERVER: Server =
    Server { startup_ms: 20, memory_bytes: 6 << 20, exit_code: 2, ..Server::quiet(Handler::Agnhost) };

fn agnhost(inv: &Invocation<'_>) -> Run {
    let Some(mode) = inv.args.first().map(String::as_str) else { return Run::fail("Usage:\n  app [command]\n", 1) };
    match mode {
        "pause" => Run::Idle,
        "netexec" => {
            let ports = [inv.port_flag("http-port", 8080), inv.port_flag("udp-port", 8081)];
            Run::serve(&AGNHOST_SERVER, &ports[..1], mode)
        }
        "serve-hostname" => Run::serve(&AGNHOST_SERVER, &[inv.port_flag("port", 9376)], mode),
        "test-webserver" => Run::serve(&AGNHOST_SERVER, &[inv.port_flag("port", 80)], mode),
        "liveness" => Run::serve(&AGNHOST_SERVER, &[inv.port_flag("port", 8080)], mode),
        "porter" => {
            let ports: Vec<u16> =
                inv.env.iter().filter_map(|(n, _)| n.strip_prefix("SERVE_PORT_")?.parse().ok()).collect();
            Run::serve(&AGNHOST_SERVER, &ports, mode)
        }
        "fake-gitserver" | "guestbook" | "webhook" | "dns-suffix" | "entrypoint-tester" => {
            Run::fail(format!("agnhost {mode} is not simulated\n"), 1)
        }
        _ => Run::fail(format!("Error: unknown command \"{mode}\" for \"app\"\nRun 'app --help' for usage.\n"), 1),
    }
}

const HPA_EXAMPLE: Software = Software {
    name: "hpa-example",
    programs: &[Program {
        path: "/usr/local/bin/apache2-foreground",
        run: |_| Run::serve(&HPA_EXAMPLE_SERVER, &[80], "OK!"),
    }],
};

/// Each request counts to a million: that is what it is for.
const HPA_EXAMPLE_SERVER: Server = Server {
    clock: Clock::Apache,
    start_log: &["![{time}] [core:notice] [pid 1] AH00094: Command line: 'apache2 -D FOREGROUND'"],
    cpu_micros_per_request: 60_000,
    memory_bytes: 12 << 20,
    ..Server::quiet(Handler::FixedText)
};

const REGISTRY: Software = Software {
    name: "registry",
    programs: &[
        Program {
            path: "/entrypoint.sh",
            run: |inv| {
                let mut argv = inv.args.to_vec();
                if argv.first().is_some_and(|a| a.ends_with(".yml") || a.ends_with(".yaml")) {
                    argv.splice(0..0, ["registry".to_owned(), "serve".to_owned()]);
                }
                Run::Exec { argv, log: Vec::new() }
            },
        },
        Program {
            path: "/bin/registry",
            run: |inv| {
                let port =
                    inv.env("REGISTRY_HTTP_ADDR").and_then(|a| a.rsplit(':').next()?.parse().ok()).unwrap_or(5000);
                Run::serve(&REGISTRY_SERVER, &[port], "")
            },
        },
    ],
};

const REGISTRY_SERVER: Server = Server {
    start_log: &[
        "!time=\"{time}\" level=warning msg=\"No HTTP secret provided - generated random secret. This may cause problems with uploads if \
         multiple registries are behind a load-balancer.\" version={version}",
        "!time=\"{time}\" level=info msg=\"redis not configured\" version={version}",
        "!time=\"{time}\" level=info msg=\"using inmemory blob descriptor cache\" version={version}",
        "!time=\"{time}\" level=info msg=\"listening on [::]:{port}\" version={version}",
    ],
    clock: Clock::Rfc3339,
    exit_code: 2,
    memory_bytes: 14 << 20,
    ..Server::quiet(Handler::Registry)
};

const PROMETHEUS: Software = Software {
    name: "prometheus",
    programs: &[Program { path: "/bin/prometheus", run: |_| Run::serve(&PROMETHEUS_SERVER, &[9090], "") }],
};

const PROMETHEUS_SERVER: Server = Server {
    start_log: &[
        "!time={time} level=INFO source=main.go msg=\"Starting Prometheus Server\" mode=server version=\"(version={version})\"",
        "!time={time} level=INFO source=main.go msg=\"TSDB started\"",
        "!time={time} level=INFO source=main.go msg=\"Server is ready to receive web requests.\"",
    ],
    stop_log: &[
        "!time={time} level=WARN source=main.go msg=\"Received an OS signal, exiting gracefully...\" signal=terminated",
    ],
    clock: Clock::Rfc3339,
    startup_ms: 900,
    shutdown_ms: 400,
    cpu_idle_micros_per_s: 4000,
    memory_bytes: 90 << 20,
    ..Server::quiet(Handler::Prometheus)
};

const GRAFANA: Software = Software {
    name: "grafana",
    programs: &[Program {
        path: "/run.sh",
        run: |inv| Run::serve(&GRAFANA_SERVER, &[inv.port_env("GF_SERVER_HTTP_PORT", 3000)], "Grafana"),
    }],
};

const GRAFANA_SERVER: Server = Server {
    start_log: &[
        "logger=settings t={time} level=info msg=\"Starting Grafana\" version={version}",
        "logger=http.server t={time} level=info msg=\"HTTP Server Listen\" address=[::]:{port} protocol=http subUrl= socket=",
    ],
    clock: Clock::Rfc3339,
    startup_ms: 4000,
    shutdown_ms: 500,
    cpu_idle_micros_per_s: 5000,
    memory_bytes: 120 << 20,
    ..Server::quiet(Handler::Page)
};
