//! `nginx`, official and unprivileged.

use super::{Entry, HUB, NO_FILES, Spec, Variant};
use crate::images::http::Handler;
use crate::images::http::nginx_conf;
use crate::images::image::File;
use crate::images::os::Os;
use crate::images::software::{Clock, Invocation, Program, Run, Server, Service, Software};
use std::sync::Arc;

const SERIES: &[(&str, u32)] = &[
    ("1.7", 12),
    ("1.8", 1),
    ("1.9", 15),
    ("1.10", 3),
    ("1.11", 13),
    ("1.12", 2),
    ("1.13", 12),
    ("1.14", 2),
    ("1.15", 12),
    ("1.16", 1),
    ("1.17", 10),
    ("1.18", 0),
    ("1.19", 10),
    ("1.20", 2),
    ("1.21", 6),
    ("1.22", 1),
    ("1.23", 4),
    ("1.24", 0),
    ("1.25", 5),
    ("1.26", 3),
    ("1.27", 5),
    ("1.28", 0),
    ("1.29", 3),
];

const VARIANTS: &[Variant] = &[
    Variant { suffix: "", os: Os::Debian, size: 62_939_286 },
    Variant { suffix: "-alpine", os: Os::Alpine, size: 22_450_000 },
    Variant { suffix: "-alpine-slim", os: Os::Alpine, size: 5_390_000 },
    Variant { suffix: "-perl", os: Os::Debian, size: 77_300_000 },
    Variant { suffix: "-bookworm", os: Os::Debian, size: 62_939_286 },
    Variant { suffix: "-bullseye", os: Os::Debian, size: 62_939_286 },
];

pub const ENTRIES: &[Entry] = &[
    Entry {
        domain: HUB,
        repository: "library/nginx",
        series: SERIES,
        latest: "1.29.3",
        aliases: &[("stable", "1.28.0"), ("mainline", "1.29.3"), ("bookworm", "1.29.3"), ("perl", "1.29.3")],
        variants: VARIANTS,
        spec: Spec {
            entrypoint: &["/docker-entrypoint.sh"],
            cmd: &["nginx", "-g", "daemon off;"],
            env: &[("NGINX_VERSION", "{version}"), ("PKG_RELEASE", "1~bookworm")],
            ports: &[80],
            stop_signal: "SIGQUIT",
            ..Spec::EMPTY
        },
        software: &NGINX,
        files: |_| site(80),
    },
    Entry {
        domain: HUB,
        repository: "nginxinc/nginx-unprivileged",
        series: SERIES,
        latest: "1.29.3",
        aliases: &[("stable", "1.28.0"), ("mainline", "1.29.3")],
        variants: VARIANTS,
        spec: Spec {
            entrypoint: &["/docker-entrypoint.sh"],
            cmd: &["nginx", "-g", "daemon off;"],
            env: &[("NGINX_VERSION", "{version}")],
            ports: &[8080],
            user: "101",
            stop_signal: "SIGQUIT",
            ..Spec::EMPTY
        },
        software: &NGINX,
        files: |_| site(8080),
    },
    Entry {
        domain: HUB,
        repository: "nginxdemos/hello",
        series: &[("0", 4)],
        latest: "0.4",
        aliases: &[],
        variants: &[
            Variant { suffix: "", os: Os::Alpine, size: 17_100_000 },
            Variant { suffix: "-plain-text", os: Os::Alpine, size: 17_100_001 },
        ],
        spec: Spec {
            entrypoint: &["/docker-entrypoint.sh"],
            cmd: &["nginx", "-g", "daemon off;"],
            ports: &[80],
            stop_signal: "SIGQUIT",
            ..Spec::EMPTY
        },
        software: &HELLO,
        files: NO_FILES,
    },
];

const NGINX: Software = Software {
    name: "nginx",
    programs: &[
        Program { path: "/docker-entrypoint.sh", run: entrypoint },
        Program { path: "/usr/sbin/nginx", run: nginx },
    ],
};

const HELLO: Software = Software {
    name: "nginx",
    programs: &[
        Program { path: "/docker-entrypoint.sh", run: entrypoint },
        Program {
            path: "/usr/sbin/nginx",
            // The two variants differ by one byte of size: that is what tells them apart.
            run: |inv| Run::serve(&HELLO_SERVER, &[80], if inv.image.size() % 2 == 1 { "plain-text" } else { "" }),
        },
    ],
};

fn entrypoint(inv: &Invocation<'_>) -> Run {
    let argv = inv.args.to_vec();
    let serves = argv.first().is_some_and(|a| a == "nginx" || a == "nginx-debug");
    let log = if serves { ENTRYPOINT_LOG.to_vec() } else { Vec::new() };
    Run::Exec { argv, log }
}

const ENTRYPOINT_LOG: &[&str] = &[
    "/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration",
    "/docker-entrypoint.sh: Looking for shell scripts in /docker-entrypoint.d/",
    "/docker-entrypoint.sh: Launching /docker-entrypoint.d/10-listen-on-ipv6-by-default.sh",
    "10-listen-on-ipv6-by-default.sh: info: Getting the checksum of /etc/nginx/conf.d/default.conf",
    "10-listen-on-ipv6-by-default.sh: info: Enabled listen on IPv6 in /etc/nginx/conf.d/default.conf",
    "/docker-entrypoint.sh: Launching /docker-entrypoint.d/20-envsubst-on-templates.sh",
    "/docker-entrypoint.sh: Launching /docker-entrypoint.d/30-tune-worker-processes.sh",
    "/docker-entrypoint.sh: Configuration complete; ready for start up",
];

fn nginx(inv: &Invocation<'_>) -> Run {
    let version = &inv.image.version;
    if inv.args.iter().any(|a| a == "-v" || a == "-V") {
        return Run::Print { out: String::new(), err: format!("nginx version: nginx/{version}\n"), code: 0 };
    }
    let test = inv.args.iter().any(|a| a == "-t" || a == "-T");
    let sites = if untouched(inv) { Ok(None) } else { nginx_conf::load(inv.files).map(Some) };
    match sites {
        Err(why) => {
            let tail = if test {
                format!("nginx: configuration file {} test failed\n", nginx_conf::MAIN)
            } else {
                String::new()
            };
            Run::fail(format!("nginx: [emerg] {why}\n{tail}"), 1)
        }
        Ok(_) if test => Run::Print {
            out: String::new(),
            err: format!(
                "nginx: the configuration file {0} syntax is ok\nnginx: configuration file {0} test is successful\n",
                nginx_conf::MAIN
            ),
            code: 0,
        },
        Ok(sites) => {
            let in_front = inv.args.iter().any(|a| a.contains("daemon off"));
            if !in_front {
                // Without "daemon off;" nginx forks and the container's first process ends.
                return Run::print("");
            }
            let default = inv.image.config.ports.clone();
            let mut ports: Vec<u16> = match &sites {
                Some(sites) => sites.iter().flat_map(|s| s.listen.iter().copied()).collect(),
                None => default,
            };
            ports.dedup();
            let sites = sites.map(Arc::new);
            Run::Serve(Service { server: &SERVER, ports, text: String::new(), sites })
        }
    }
}

/// Whether the configuration is still the image's own (the usual case, which needs no parsing).
fn untouched(inv: &Invocation<'_>) -> bool {
    let port = inv.image.config.ports.first().copied().unwrap_or(80);
    let same = |path: &str, text: &str| inv.files.read(path).is_ok_and(|b| b == text.as_bytes());
    port == 80
        && same(nginx_conf::MAIN, NGINX_CONF)
        && same("/etc/nginx/conf.d/default.conf", &default_conf(80))
        && inv.files.list("/etc/nginx/conf.d").is_ok_and(|names| names.len() == 1)
}

const HELLO_SERVER: Server = Server { handler: Handler::NginxHello, ..SERVER };

const SERVER: Server = Server {
    handler: Handler::Nginx,
    start_log: &[
        "!{time} [notice] 1#1: using the \"epoll\" event method",
        "!{time} [notice] 1#1: nginx/{version}",
        "!{time} [notice] 1#1: built by gcc 12.2.0 (Debian 12.2.0-14+deb12u1) ",
        "!{time} [notice] 1#1: OS: Linux 6.12.57",
        "!{time} [notice] 1#1: getrlimit(RLIMIT_NOFILE): 1048576:1048576",
        "!{time} [notice] 1#1: start worker processes",
        "!{time} [notice] 1#1: start worker process 31",
    ],
    stop_log: &[
        "!{time} [notice] 1#1: signal {signal} received, shutting down",
        "!{time} [notice] 31#31: gracefully shutting down",
        "!{time} [notice] 31#31: exiting",
        "!{time} [notice] 31#31: exit",
        "!{time} [notice] 1#1: signal 17 (SIGCHLD) received from 31",
        "!{time} [notice] 1#1: worker process 31 exited with code 0",
        "!{time} [notice] 1#1: exit",
    ],
    clock: Clock::Slashes,
    startup_ms: 60,
    shutdown_ms: 40,
    exit_code: 0,
    cpu_idle_micros_per_s: 100,
    cpu_micros_per_request: 250,
    memory_bytes: 7 << 20,
};

fn site(port: u16) -> Vec<File> {
    vec![
        File::directory("/docker-entrypoint.d"),
        File::directory("/etc/nginx"),
        File::directory("/etc/nginx/conf.d"),
        File::directory("/usr/share/nginx"),
        File::directory("/usr/share/nginx/html"),
        File::directory("/var/log/nginx"),
        File::directory("/var/cache/nginx"),
        File::text(nginx_conf::MAIN, 0o644, NGINX_CONF),
        File::text("/etc/nginx/conf.d/default.conf", 0o644, default_conf(port)),
        File::text("/etc/nginx/mime.types", 0o644, "types {\n    text/html    html htm;\n    text/css    css;\n}\n"),
        File::text("/usr/share/nginx/html/index.html", 0o644, INDEX),
        File::text("/usr/share/nginx/html/50x.html", 0o644, ERROR_50X),
        File::link("/var/log/nginx/access.log", "/dev/stdout"),
        File::link("/var/log/nginx/error.log", "/dev/stderr"),
    ]
}

const NGINX_CONF: &str = "\nuser  nginx;\nworker_processes  auto;\n\nerror_log  /var/log/nginx/error.log notice;\n\
pid        /var/run/nginx.pid;\n\n\nevents {\n    worker_connections  1024;\n}\n\n\nhttp {\n    \
include       /etc/nginx/mime.types;\n    default_type  application/octet-stream;\n\n    \
log_format  main  '$remote_addr - $remote_user [$time_local] \"$request\" '\n                      \
'$status $body_bytes_sent \"$http_referer\" '\n                      '\"$http_user_agent\" \"$http_x_forwarded_for\"';\n\n    \
access_log  /var/log/nginx/access.log  main;\n\n    sendfile        on;\n    #tcp_nopush     on;\n\n    \
keepalive_timeout  65;\n\n    #gzip  on;\n\n    include /etc/nginx/conf.d/*.conf;\n}\n";

fn default_conf(port: u16) -> String {
    format!(
        "server {{\n    listen       {port};\n    listen  [::]:{port};\n    server_name  localhost;\n\n    \
         #access_log  /var/log/nginx/host.access.log  main;\n\n    location / {{\n        root   /usr/share/nginx/html;\n        \
         index  index.html index.htm;\n    }}\n\n    #error_page  404              /404.html;\n\n    \
         # redirect server error pages to the static page /50x.html\n    #\n    error_page   500 502 503 504  /50x.html;\n    \
         location = /50x.html {{\n        root   /usr/share/nginx/html;\n    }}\n}}\n"
    )
}

const INDEX: &str = "<!DOCTYPE html>\n<html>\n<head>\n<title>Welcome to nginx!</title>\n<style>\n\
html { color-scheme: light dark; }\nbody { width: 35em; margin: 0 auto;\nfont-family: Tahoma, Verdana, Arial, sans-serif; }\n\
</style>\n</head>\n<body>\n<h1>Welcome to nginx!</h1>\n\
<p>If you see this page, the nginx web server is successfully installed and\nworking. Further configuration is required.</p>\n\n\
<p>For online documentation and support please refer to\n<a href=\"http://nginx.org/\">nginx.org</a>.<br/>\n\
Commercial support is available at\n<a href=\"http://nginx.com/\">nginx.com</a>.</p>\n\n\
<p><em>Thank you for using nginx.</em></p>\n</body>\n</html>\n";

const ERROR_50X: &str = "<!DOCTYPE html>\n<html>\n<head>\n<title>Error</title>\n</head>\n<body>\n<h1>An error occurred.</h1>\n\
<p>Sorry, the page you are looking for is currently unavailable.<br/>\nPlease try again later.</p>\n\
<p><em>Faithfully yours, nginx.</em></p>\n</body>\n</html>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_welcome_page_is_as_long_as_the_real_one() {
        assert_eq!(INDEX.len(), 615);
    }
}
