//! Images made for showing: `hello-world`, greeters, echo servers, the guestbook, WordPress.

use super::{Entry, HUB, NO_FILES, Spec, Variant};
use crate::images::http::Handler;
use crate::images::os::Os;
use crate::images::software::{Clock, Program, Run, Server, Software};

/// Nothing but a binary.
const fn scratch(size: u64) -> [Variant; 1] {
    [Variant { suffix: "", os: Os::Scratch, size }]
}

pub const ENTRIES: &[Entry] = &[
    Entry {
        domain: HUB,
        repository: "library/hello-world",
        series: &[],
        latest: "linux",
        aliases: &[("linux", "linux")],
        variants: &scratch(2_380),
        spec: Spec { cmd: &["/hello"], ..Spec::EMPTY },
        software: &HELLO_WORLD,
        files: NO_FILES,
    },
    Entry {
        domain: "gcr.io",
        repository: "google-samples/hello-app",
        series: &[],
        latest: "",
        aliases: &[("1.0", "1.0.0"), ("2.0", "2.0.0")],
        variants: &[Variant { suffix: "", os: Os::Distroless, size: 13_800_000 }],
        spec: Spec {
            cmd: &["/hello-app"],
            env: &[("PORT", "8080")],
            ports: &[8080],
            user: "nonroot:nonroot",
            ..Spec::EMPTY
        },
        software: &HELLO_APP,
        files: NO_FILES,
    },
    Entry {
        domain: "gcr.io",
        repository: "google-samples/kubernetes-bootcamp",
        series: &[],
        latest: "",
        aliases: &[("v1", "1"), ("v2", "2")],
        variants: &[Variant { suffix: "", os: Os::Debian, size: 80_000_000 }],
        spec: Spec { cmd: &["/bin/sh", "-c", "node server.js"], ports: &[8080], ..Spec::EMPTY },
        software: &BOOTCAMP,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "hashicorp/http-echo",
        series: &[("0.2", 3), ("1.0", 0)],
        latest: "1.0.0",
        aliases: &[],
        variants: &scratch(3_400_000),
        spec: Spec { entrypoint: &["/http-echo"], ports: &[5678], ..Spec::EMPTY },
        software: &HTTP_ECHO,
        files: NO_FILES,
    },
    Entry {
        domain: "registry.k8s.io",
        repository: "echoserver",
        series: &[("1", 10)],
        latest: "",
        aliases: &[],
        variants: &[Variant { suffix: "", os: Os::Debian, size: 43_000_000 }],
        spec: Spec { cmd: &["nginx", "-g", "daemon off;"], ports: &[8080], ..Spec::EMPTY },
        software: &ECHO_SERVER,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "ealen/echo-server",
        series: &[("0.8", 12), ("0.9", 2)],
        latest: "0.9.2",
        aliases: &[],
        variants: &[Variant { suffix: "", os: Os::Alpine, size: 43_800_000 }],
        spec: Spec { cmd: &["/bin/echo-server"], env: &[("PORT", "80")], ports: &[80], ..Spec::EMPTY },
        software: &ECHO_JSON,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "traefik/whoami",
        series: &[("v1.8", 7), ("v1.9", 0), ("v1.10", 4), ("v1.11", 0)],
        latest: "v1.11.0",
        aliases: &[],
        variants: &scratch(2_900_000),
        spec: Spec { entrypoint: &["/whoami"], ports: &[80], ..Spec::EMPTY },
        software: &WHOAMI,
        files: NO_FILES,
    },
    Entry {
        domain: "gcr.io",
        repository: "google-samples/gb-frontend",
        series: &[],
        latest: "v6",
        aliases: &[("v3", "v3"), ("v4", "v4"), ("v5", "v5"), ("v6", "v6")],
        variants: &[Variant { suffix: "", os: Os::Debian, size: 148_000_000 }],
        spec: Spec { cmd: &["apache2-foreground"], ports: &[80], ..Spec::EMPTY },
        software: &GUESTBOOK,
        files: NO_FILES,
    },
    Entry {
        domain: "gcr.io",
        repository: "google-samples/gb-redis-follower",
        series: &[],
        latest: "v2",
        aliases: &[("v1", "v1"), ("v2", "v2")],
        variants: &[Variant { suffix: "", os: Os::Debian, size: 38_000_000 }],
        spec: Spec { cmd: &["/run.sh"], ports: &[6379], ..Spec::EMPTY },
        software: &FOLLOWER,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "library/wordpress",
        series: &[("4.8", 3), ("5.9", 3), ("6.2", 2), ("6.8", 3)],
        latest: "6.8.3",
        aliases: &[],
        variants: &[
            Variant { suffix: "", os: Os::Debian, size: 245_000_000 },
            Variant { suffix: "-apache", os: Os::Debian, size: 245_000_000 },
        ],
        spec: Spec {
            entrypoint: &["docker-entrypoint.sh"],
            cmd: &["apache2-foreground"],
            ports: &[80],
            workdir: "/var/www/html",
            volumes: &["/var/www/html"],
            ..Spec::EMPTY
        },
        software: &WORDPRESS,
        files: NO_FILES,
    },
];

const HELLO_WORLD: Software =
    Software { name: "hello-world", programs: &[Program { path: "/hello", run: |_| Run::print(HELLO_TEXT) }] };

const HELLO_TEXT: &str = "\nHello from Docker!\nThis message shows that your installation appears to be working correctly.\n\n\
To generate this message, Docker took the following steps:\n 1. The Docker client contacted the Docker daemon.\n \
2. The Docker daemon pulled the \"hello-world\" image from the Docker Hub.\n    (amd64)\n \
3. The Docker daemon created a new container from that image which runs the\n    executable that produces the output you are currently reading.\n \
4. The Docker daemon streamed that output to the Docker client, which sent it\n    to your terminal.\n\n\
To try something more ambitious, you can run an Ubuntu container with:\n $ docker run -it ubuntu bash\n\n\
Share images, automate workflows, and more with a free Docker ID:\n https://hub.docker.com/\n\n\
For more examples and ideas, visit:\n https://docs.docker.com/get-started/\n\n";

const HELLO_APP: Software = Software {
    name: "hello-app",
    programs: &[Program {
        path: "/hello-app",
        run: |inv| Run::serve(&HELLO_APP_SERVER, &[inv.port_env("PORT", 8080)], ""),
    }],
};

const HELLO_APP_SERVER: Server = Server {
    start_log: &["!{time} Server listening on port {port}"],
    exit_code: 2,
    startup_ms: 10,
    memory_bytes: 3 << 20,
    ..Server::quiet(Handler::HelloApp)
};

const BOOTCAMP: Software = Software {
    name: "kubernetes-bootcamp",
    programs: &[Program {
        path: "/bin/sh",
        run: |inv| match inv.args.last().is_some_and(|a| a == "node server.js") {
            true => Run::serve(&BOOTCAMP_SERVER, &[8080], ""),
            false => Run::Exec { argv: [vec!["sh".to_owned()], inv.args.to_vec()].concat(), log: Vec::new() },
        },
    }],
};

const BOOTCAMP_SERVER: Server = Server {
    start_log: &["Kubernetes Bootcamp App Started At: {time} | Running On:  {hostname} ", ""],
    clock: Clock::Rfc3339,
    startup_ms: 300,
    exit_code: 137,
    shutdown_ms: 600_000,
    memory_bytes: 24 << 20,
    ..Server::quiet(Handler::Bootcamp)
};

const HTTP_ECHO: Software = Software {
    name: "http-echo",
    programs: &[Program {
        path: "/http-echo",
        run: |inv| match inv.flag("text").or(inv.env("ECHO_TEXT")) {
            Some(text) if !text.is_empty() => Run::serve(&HTTP_ECHO_SERVER, &[inv.port_flag("listen", 5678)], text),
            _ => Run::fail("Missing -text option!\n", 127),
        },
    }],
};

const HTTP_ECHO_SERVER: Server = Server {
    start_log: &["{time} [INFO] server is listening on :{port}"],
    stop_log: &["{time} [INFO] received interrupt, shutting down"],
    startup_ms: 10,
    memory_bytes: 4 << 20,
    ..Server::quiet(Handler::FixedText)
};

const ECHO_SERVER: Software = Software {
    name: "echoserver",
    programs: &[Program { path: "/usr/sbin/nginx", run: |_| Run::serve(&ECHO_SERVER_SERVER, &[8080], "") }],
};

const ECHO_SERVER_SERVER: Server = Server {
    start_log: &["Generating self-signed cert", "Starting nginx"],
    startup_ms: 600,
    memory_bytes: 5 << 20,
    ..Server::quiet(Handler::EchoServer)
};

const ECHO_JSON: Software = Software {
    name: "echo-server",
    programs: &[Program {
        path: "/bin/echo-server",
        run: |inv| Run::serve(&ECHO_JSON_SERVER, &[inv.port_flag("port", inv.port_env("PORT", 80))], ""),
    }],
};

const ECHO_JSON_SERVER: Server = Server {
    start_log: &["Listening on port {port}."],
    startup_ms: 400,
    memory_bytes: 30 << 20,
    ..Server::quiet(Handler::EchoJson)
};

const WHOAMI: Software = Software {
    name: "whoami",
    programs: &[Program {
        path: "/whoami",
        run: |inv| Run::serve(&WHOAMI_SERVER, &[inv.port_flag("port", inv.port_env("WHOAMI_PORT_NUMBER", 80))], ""),
    }],
};

const WHOAMI_SERVER: Server = Server {
    start_log: &["!{time} Starting up on port {port}"],
    exit_code: 2,
    startup_ms: 10,
    memory_bytes: 3 << 20,
    ..Server::quiet(Handler::Whoami)
};

const GUESTBOOK: Software = Software {
    name: "guestbook",
    programs: &[Program {
        path: "/usr/local/bin/apache2-foreground",
        run: |_| Run::serve(&GUESTBOOK_SERVER, &[80], ""),
    }],
};

const GUESTBOOK_SERVER: Server = Server {
    start_log: &["![{time}] [core:notice] [pid 1] AH00094: Command line: 'apache2 -D FOREGROUND'"],
    clock: Clock::Apache,
    startup_ms: 300,
    memory_bytes: 24 << 20,
    ..Server::quiet(Handler::Guestbook)
};

const FOLLOWER: Software = Software {
    name: "redis",
    programs: &[Program { path: "/run.sh", run: |_| Run::serve(&FOLLOWER_SERVER, &[6379], "") }],
};

const FOLLOWER_SERVER: Server = Server {
    start_log: &["1:S {time} * Ready to accept connections"],
    clock: Clock::Redis,
    memory_bytes: 8 << 20,
    ..Server::quiet(Handler::Database(""))
};

const WORDPRESS: Software = Software {
    name: "wordpress",
    programs: &[
        Program { path: "/usr/local/bin/docker-entrypoint.sh", run: |inv| Run::pass_on(inv, "apache2-foreground") },
        Program {
            path: "/usr/local/bin/apache2-foreground",
            run: |_| Run::serve(&WORDPRESS_SERVER, &[80], "WordPress &rsaquo; Installation"),
        },
    ],
};

const WORDPRESS_SERVER: Server = Server {
    start_log: &[
        "!WordPress not found in /var/www/html - copying now...",
        "!Complete! WordPress has been successfully copied to /var/www/html",
        "![{time}] [core:notice] [pid 1:tid 1] AH00094: Command line: 'apache2 -D FOREGROUND'",
    ],
    clock: Clock::Apache,
    startup_ms: 900,
    shutdown_ms: 200,
    memory_bytes: 40 << 20,
    ..Server::quiet(Handler::Page)
};
