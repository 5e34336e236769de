//! Databases and caches: `redis`, `postgres`, `mysql`, `mariadb`, `mongo`, `memcached`. They start, log, refuse to start without
//! their password, listen and stop; their query languages are not simulated.

use super::{Entry, HUB, NO_FILES, Spec, Variant};
use crate::images::http::Handler;
use crate::images::os::Os;
use crate::images::software::{Clock, Invocation, Program, Run, Server, Software};

pub const ENTRIES: &[Entry] = &[
    Entry {
        domain: HUB,
        repository: "library/redis",
        series: &[
            ("4.0", 14),
            ("5.0", 14),
            ("6.0", 20),
            ("6.2", 20),
            ("7.0", 15),
            ("7.2", 11),
            ("7.4", 6),
            ("8.0", 4),
            ("8.2", 2),
        ],
        latest: "8.2.2",
        aliases: &[],
        variants: &[
            Variant { suffix: "", os: Os::Debian, size: 45_600_000 },
            Variant { suffix: "-alpine", os: Os::Alpine, size: 17_300_000 },
            Variant { suffix: "-bookworm", os: Os::Debian, size: 45_600_000 },
        ],
        spec: Spec {
            entrypoint: &["docker-entrypoint.sh"],
            cmd: &["redis-server"],
            env: &[("REDIS_VERSION", "{version}")],
            ports: &[6379],
            workdir: "/data",
            volumes: &["/data"],
            ..Spec::EMPTY
        },
        software: &REDIS,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "library/postgres",
        series: &[("11", 22), ("12", 22), ("13", 22), ("14", 19), ("15", 14), ("16", 10), ("17", 6), ("18", 0)],
        latest: "18.0",
        aliases: &[],
        variants: &[
            Variant { suffix: "", os: Os::Debian, size: 156_300_000 },
            Variant { suffix: "-alpine", os: Os::Alpine, size: 109_000_000 },
            Variant { suffix: "-bookworm", os: Os::Debian, size: 156_300_000 },
        ],
        spec: Spec {
            entrypoint: &["docker-entrypoint.sh"],
            cmd: &["postgres"],
            env: &[("PG_VERSION", "{version}"), ("PGDATA", "/var/lib/postgresql/data")],
            ports: &[5432],
            stop_signal: "SIGINT",
            volumes: &["/var/lib/postgresql/data"],
            ..Spec::EMPTY
        },
        software: &POSTGRES,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "library/mysql",
        series: &[("5.6", 51), ("5.7", 44), ("8.0", 43), ("8.4", 6), ("9.0", 1), ("9.4", 0)],
        latest: "9.4.0",
        aliases: &[("lts", "8.4.6"), ("innovation", "9.4.0")],
        variants: &[
            Variant { suffix: "", os: Os::Debian, size: 237_000_000 },
            Variant { suffix: "-debian", os: Os::Debian, size: 237_000_000 },
        ],
        spec: Spec {
            entrypoint: &["docker-entrypoint.sh"],
            cmd: &["mysqld"],
            env: &[("MYSQL_VERSION", "{version}-1.el9")],
            ports: &[3306, 33060],
            volumes: &["/var/lib/mysql"],
            ..Spec::EMPTY
        },
        software: &MYSQL,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "library/mariadb",
        series: &[("10.5", 29), ("10.6", 23), ("10.11", 14), ("11.4", 8), ("11.8", 3), ("12.0", 2)],
        latest: "12.0.2",
        aliases: &[("lts", "11.8.3")],
        variants: &[Variant { suffix: "", os: Os::Ubuntu, size: 103_000_000 }],
        spec: Spec {
            entrypoint: &["docker-entrypoint.sh"],
            cmd: &["mariadbd"],
            env: &[("MARIADB_VERSION", "1:{version}+maria~ubu2404")],
            ports: &[3306],
            volumes: &["/var/lib/mysql"],
            ..Spec::EMPTY
        },
        software: &MARIADB,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "library/mongo",
        series: &[("4.4", 29), ("5.0", 31), ("6.0", 26), ("7.0", 25), ("8.0", 15)],
        latest: "8.0.15",
        aliases: &[],
        variants: &[Variant { suffix: "", os: Os::Ubuntu, size: 311_000_000 }],
        spec: Spec {
            entrypoint: &["docker-entrypoint.sh"],
            cmd: &["mongod"],
            env: &[("MONGO_VERSION", "{version}")],
            ports: &[27017],
            volumes: &["/data/configdb", "/data/db"],
            ..Spec::EMPTY
        },
        software: &MONGO,
        files: NO_FILES,
    },
    Entry {
        domain: HUB,
        repository: "library/memcached",
        series: &[("1.5", 22), ("1.6", 39)],
        latest: "1.6.39",
        aliases: &[],
        variants: &[
            Variant { suffix: "", os: Os::Debian, size: 30_900_000 },
            Variant { suffix: "-alpine", os: Os::Alpine, size: 5_700_000 },
        ],
        spec: Spec {
            entrypoint: &["docker-entrypoint.sh"],
            cmd: &["memcached"],
            ports: &[11211],
            user: "memcache",
            ..Spec::EMPTY
        },
        software: &MEMCACHED,
        files: NO_FILES,
    },
];

const ENTRYPOINT: &str = "/usr/local/bin/docker-entrypoint.sh";

const REDIS: Software = Software {
    name: "redis",
    programs: &[
        Program { path: ENTRYPOINT, run: |inv| Run::pass_on(inv, "redis-server") },
        Program {
            path: "/usr/local/bin/redis-server",
            run: |inv| match inv.args.iter().any(|a| a == "--version" || a == "-v") {
                true => Run::print(format!(
                    "Redis server v={} sha=00000000:1 malloc=jemalloc-5.3.0 bits=64\n",
                    inv.image.version
                )),
                false => Run::serve(&REDIS_SERVER, &[inv.port_flag("port", 6379)], ""),
            },
        },
    ],
};

const REDIS_SERVER: Server = Server {
    start_log: &[
        "1:C {time} # WARNING Memory overcommit must be enabled!",
        "1:C {time} * oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo",
        "1:C {time} * Redis version={version}, bits=64, commit=00000000, modified=0, pid=1, just started",
        "1:M {time} * monotonic clock: POSIX clock_gettime",
        "1:M {time} * Running mode=standalone, port={port}.",
        "1:M {time} * Server initialized",
        "1:M {time} * Ready to accept connections tcp",
    ],
    stop_log: &[
        "1:signal-handler Received SIGTERM scheduling shutdown...",
        "1:M {time} * User requested shutdown...",
        "1:M {time} * Saving the final RDB snapshot before exiting.",
        "1:M {time} * DB saved on disk",
        "1:M {time} # Redis is now ready to exit, bye bye...",
    ],
    clock: Clock::Redis,
    startup_ms: 40,
    shutdown_ms: 60,
    cpu_idle_micros_per_s: 1500,
    memory_bytes: 9 << 20,
    ..Server::quiet(Handler::Database("-ERR wrong number of arguments for 'get' command\r\n"))
};

const POSTGRES: Software = Software {
    name: "postgres",
    programs: &[
        Program {
            path: ENTRYPOINT,
            run: |inv| {
                let starts = inv.args.first().is_none_or(|a| a == "postgres" || a.starts_with('-'));
                let trusts = inv.env("POSTGRES_HOST_AUTH_METHOD") == Some("trust");
                if starts && !inv.has_env("POSTGRES_PASSWORD") && !trusts {
                    return Run::fail(POSTGRES_NEEDS, 1);
                }
                Run::pass_on(inv, "postgres")
            },
        },
        Program {
            path: "/usr/lib/postgresql/bin/postgres",
            run: |inv| Run::serve(&POSTGRES_SERVER, &[inv.port_flag("p", 5432)], ""),
        },
    ],
};

const POSTGRES_NEEDS: &str = "Error: Database is uninitialized and superuser password is not specified.\n       \
    You must specify POSTGRES_PASSWORD to a non-empty value for the\n       \
    superuser. For example, \"-e POSTGRES_PASSWORD=password\" on \"docker run\".\n\n       \
    You may also use \"POSTGRES_HOST_AUTH_METHOD=trust\" to allow all\n       \
    connections without a password. This is *not* recommended.\n\n       \
    See PostgreSQL documentation about \"trust\":\n       https://www.postgresql.org/docs/current/auth-trust.html\n";

const POSTGRES_SERVER: Server = Server {
    start_log: &[
        "PostgreSQL init process complete; ready for start up.",
        "",
        "!{time} [1] LOG:  starting PostgreSQL {version} (Debian {version}-1.pgdg12+1) on x86_64-pc-linux-gnu, compiled by gcc, 64-bit",
        "!{time} [1] LOG:  listening on IPv4 address \"0.0.0.0\", port {port}",
        "!{time} [1] LOG:  listening on IPv6 address \"::\", port {port}",
        "!{time} [1] LOG:  listening on Unix socket \"/var/run/postgresql/.s.PGSQL.{port}\"",
        "!{time} [1] LOG:  database system is ready to accept connections",
    ],
    stop_log: &[
        "!{time} [1] LOG:  received fast shutdown request",
        "!{time} [1] LOG:  aborting any active transactions",
        "!{time} [1] LOG:  database system is shut down",
    ],
    clock: Clock::Postgres,
    startup_ms: 1800,
    shutdown_ms: 250,
    cpu_idle_micros_per_s: 600,
    memory_bytes: 42 << 20,
    ..Server::quiet(Handler::Database(""))
};

/// Whether one of the settings that say what root's password is was given.
fn root_password(inv: &Invocation<'_>, prefixes: &[&str]) -> bool {
    let kinds = [
        "ROOT_PASSWORD",
        "ALLOW_EMPTY_PASSWORD",
        "ALLOW_EMPTY_ROOT_PASSWORD",
        "RANDOM_ROOT_PASSWORD",
        "ROOT_PASSWORD_FILE",
    ];
    prefixes.iter().any(|p| kinds.iter().any(|k| inv.has_env(&format!("{p}_{k}"))))
}

const MYSQL: Software = Software {
    name: "mysql",
    programs: &[
        Program {
            path: ENTRYPOINT,
            run: |inv| {
                let starts = inv.args.first().is_none_or(|a| a == "mysqld" || a.starts_with('-'));
                let begun = format!(
                    "{{time}} [Note] [Entrypoint]: Entrypoint script for MySQL Server {}-1.el9 started.\n",
                    inv.image.version
                );
                if starts && !root_password(inv, &["MYSQL"]) {
                    return Run::Print { out: begun, err: MYSQL_NEEDS.to_owned(), code: 1 };
                }
                Run::pass_on(inv, "mysqld")
            },
        },
        Program {
            path: "/usr/sbin/mysqld",
            run: |inv| Run::serve(&MYSQL_SERVER, &[inv.port_flag("port", 3306), 33060], ""),
        },
    ],
};

const MYSQL_NEEDS: &str = "{time} [ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n    \
    You need to specify one of the following as an environment variable:\n    - MYSQL_ROOT_PASSWORD\n    \
    - MYSQL_ALLOW_EMPTY_PASSWORD\n    - MYSQL_RANDOM_ROOT_PASSWORD\n";

const MYSQL_SERVER: Server = Server {
    start_log: &[
        "{time} 0 [System] [MY-015015] [Server] MySQL Server - start.",
        "{time} 0 [System] [MY-010116] [Server] /usr/sbin/mysqld (mysqld {version}) starting as process 1",
        "{time} 1 [System] [MY-013576] [InnoDB] InnoDB initialization has started.",
        "{time} 1 [System] [MY-013577] [InnoDB] InnoDB initialization has ended.",
        "{time} 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '{version}'  socket: \
         '/var/run/mysqld/mysqld.sock'  port: {port}  MySQL Community Server - GPL.",
    ],
    stop_log: &[
        "{time} 0 [System] [MY-013172] [Server] Received SHUTDOWN from user <via user signal>. Shutting down mysqld (Version: {version}).",
        "{time} 0 [System] [MY-010910] [Server] /usr/sbin/mysqld: Shutdown complete (mysqld {version})  MySQL Community Server - GPL.",
    ],
    clock: Clock::Rfc3339,
    startup_ms: 6000,
    shutdown_ms: 1200,
    cpu_idle_micros_per_s: 6000,
    memory_bytes: 400 << 20,
    ..Server::quiet(Handler::Database("J\0\0\0\n9.4.0\0"))
};

const MARIADB: Software = Software {
    name: "mariadb",
    programs: &[
        Program {
            path: ENTRYPOINT,
            run: |inv| {
                let starts = inv.args.first().is_none_or(|a| a == "mariadbd" || a == "mysqld" || a.starts_with('-'));
                if starts && !root_password(inv, &["MARIADB", "MYSQL"]) {
                    return Run::fail(MARIADB_NEEDS, 1);
                }
                Run::pass_on(inv, "mariadbd")
            },
        },
        Program {
            path: "/usr/sbin/mariadbd",
            run: |inv| Run::serve(&MARIADB_SERVER, &[inv.port_flag("port", 3306)], ""),
        },
        Program {
            path: "/usr/sbin/mysqld",
            run: |inv| Run::serve(&MARIADB_SERVER, &[inv.port_flag("port", 3306)], ""),
        },
    ],
};

const MARIADB_NEEDS: &str = "{time} [ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n\t\
    You need to specify one of MARIADB_ROOT_PASSWORD, MARIADB_ROOT_PASSWORD_HASH, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD and \
    MARIADB_RANDOM_ROOT_PASSWORD\n";

const MARIADB_SERVER: Server = Server {
    start_log: &[
        "!{time} 0 [Note] Starting MariaDB {version}-MariaDB-ubu2404 server_uid as process 1",
        "!{time} 0 [Note] InnoDB: Buffer pool(s) load completed",
        "!{time} 0 [Note] Server socket created on IP: '0.0.0.0', port: '{port}'.",
        "!{time} 0 [Note] mariadbd: ready for connections.",
        "!Version: '{version}-MariaDB-ubu2404'  socket: '/run/mysqld/mysqld.sock'  port: {port}  mariadb.org binary distribution",
    ],
    stop_log: &[
        "!{time} 0 [Note] mariadbd (initiated by: unknown): Normal shutdown",
        "!{time} 0 [Note] mariadbd: Shutdown complete",
    ],
    clock: Clock::Mariadb,
    startup_ms: 3000,
    shutdown_ms: 600,
    cpu_idle_micros_per_s: 2000,
    memory_bytes: 110 << 20,
    ..Server::quiet(Handler::Database("Y\0\0\0\n"))
};

const MONGO: Software = Software {
    name: "mongo",
    programs: &[
        Program { path: ENTRYPOINT, run: |inv| Run::pass_on(inv, "mongod") },
        Program { path: "/usr/bin/mongod", run: |inv| Run::serve(&MONGO_SERVER, &[inv.port_flag("port", 27017)], "") },
    ],
};

const MONGO_SERVER: Server = Server {
    start_log: &[
        "{\"t\":{\"$date\":\"{time}\"},\"s\":\"I\",  \"c\":\"CONTROL\",  \"id\":4615611, \"ctx\":\"initandlisten\",\"msg\":\"MongoDB \
         starting\",\"attr\":{\"pid\":1,\"port\":{port},\"dbPath\":\"/data/db\",\"architecture\":\"64-bit\",\"host\":\"{hostname}\"}}",
        "{\"t\":{\"$date\":\"{time}\"},\"s\":\"I\",  \"c\":\"NETWORK\",  \"id\":23016,   \"ctx\":\"listener\",\"msg\":\"Waiting for \
         connections\",\"attr\":{\"port\":{port},\"ssl\":\"off\"}}",
    ],
    stop_log: &[
        "{\"t\":{\"$date\":\"{time}\"},\"s\":\"I\",  \"c\":\"CONTROL\",  \"id\":23377,   \"ctx\":\"SignalHandler\",\"msg\":\"Received \
         signal\",\"attr\":{\"signal\":15,\"error\":\"Terminated\"}}",
    ],
    clock: Clock::Rfc3339,
    startup_ms: 1500,
    shutdown_ms: 400,
    cpu_idle_micros_per_s: 5000,
    memory_bytes: 160 << 20,
    ..Server::quiet(Handler::Database(
        "It looks like you are trying to access MongoDB over HTTP on the native driver port.\r\n",
    ))
};

const MEMCACHED: Software = Software {
    name: "memcached",
    programs: &[
        Program { path: ENTRYPOINT, run: |inv| Run::pass_on(inv, "memcached") },
        Program {
            path: "/usr/local/bin/memcached",
            run: |inv| Run::serve(&MEMCACHED_SERVER, &[inv.port_flag("p", 11211)], ""),
        },
    ],
};

const MEMCACHED_SERVER: Server = Server { memory_bytes: 3 << 20, ..Server::quiet(Handler::Database("ERROR\r\n")) };
