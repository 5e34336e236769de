//! `httpd`: Apache.

use super::{Entry, HUB, Spec, Variant};
use crate::images::http::Handler;
use crate::images::image::File;
use crate::images::os::Os;
use crate::images::software::{Clock, Program, Run, Server, Software};

pub const ENTRIES: &[Entry] = &[Entry {
    domain: HUB,
    repository: "library/httpd",
    series: &[("2.4", 65)],
    latest: "2.4.65",
    aliases: &[],
    variants: &[
        Variant { suffix: "", os: Os::Debian, size: 45_600_000 },
        Variant { suffix: "-alpine", os: Os::Alpine, size: 20_900_000 },
        Variant { suffix: "-bookworm", os: Os::Debian, size: 45_600_000 },
    ],
    spec: Spec {
        cmd: &["httpd-foreground"],
        env: &[("HTTPD_PREFIX", "/usr/local/apache2"), ("HTTPD_VERSION", "{version}")],
        ports: &[80],
        workdir: "/usr/local/apache2",
        stop_signal: "SIGWINCH",
        ..Spec::EMPTY
    },
    software: &HTTPD,
    files: |_| {
        vec![
            File::directory("/usr/local/apache2"),
            File::directory("/usr/local/apache2/htdocs"),
            File::directory("/usr/local/apache2/conf"),
            File::text("/usr/local/apache2/htdocs/index.html", 0o644, "<html><body><h1>It works!</h1></body></html>\n"),
            File::text("/usr/local/apache2/conf/httpd.conf", 0o644, "ServerRoot \"/usr/local/apache2\"\nListen 80\n"),
        ]
    },
}];

const HTTPD: Software = Software {
    name: "httpd",
    programs: &[
        Program { path: "/usr/local/bin/httpd-foreground", run: |_| Run::serve(&SERVER, &[80], "") },
        Program {
            path: "/usr/local/apache2/bin/httpd",
            run: |inv| match inv.args.iter().any(|a| a == "-v") {
                true => Run::print(format!("Server version: Apache/{} (Unix)\n", inv.image.version)),
                false => Run::serve(&SERVER, &[80], ""),
            },
        },
    ],
};

const SERVER: Server = Server {
    start_log: &[
        "!AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using {hostname}. Set the 'ServerName' \
         directive globally to suppress this message",
        "![{time}] [mpm_event:notice] [pid 1:tid 1] AH00489: Apache/{version} (Unix) configured -- resuming normal operations",
        "![{time}] [core:notice] [pid 1:tid 1] AH00094: Command line: 'httpd -D FOREGROUND'",
    ],
    stop_log: &["![{time}] [mpm_event:notice] [pid 1:tid 1] AH00491: caught SIGTERM, shutting down"],
    clock: Clock::Apache,
    startup_ms: 90,
    shutdown_ms: 300,
    cpu_idle_micros_per_s: 400,
    cpu_micros_per_request: 400,
    memory_bytes: 12 << 20,
    ..Server::quiet(Handler::Apache)
};
