//! `create configmap` and `create secret`.

use super::{CREATE_FLAGS, one_name, submit};
use crate::base64;
use crate::commands::apply::VALIDATE_FLAG;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Kind, boolean, flag, string};
use crate::printers::{DRY_RUN_FLAG, PRINT_FLAGS};
use crate::session::Kube;
use crate::task::Next;
use apimachinery::names;
use apimachinery::order::Gather as _;
use serde_json::{Map, Value, json};

const SOURCES: &[Flag] = &[
    boolean("append-hash", "Append a hash of the content to the name."),
    flag("from-env-file", Kind::List, "", "Files of key=value lines."),
    flag("from-file", Kind::List, "", "Files or directories; 'key=path' names the key."),
    flag("from-literal", Kind::Array, "", "Keys and values: key=value."),
];

pub static CONFIG_MAP: Command = Command {
    name: "configmap",
    aliases: &["cm"],
    short: "Create a config map from a local file, directory or literal value",
    usage: "NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none] [options]",
    examples: &[
        ("From a folder", "kubectl create configmap my-config --from-file=path/to/bar"),
        ("From literals", "kubectl create configmap my-config --from-literal=key1=config1 --from-literal=key2=config2"),
    ],
    flags: &[SOURCES, CREATE_FLAGS, VALIDATE_FLAG, PRINT_FLAGS, DRY_RUN_FLAG],
    run: Some(config_map),
    ..Command::EMPTY
};

fn config_map(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let name = one_name(args)?;
    no_hash(args)?;
    let (mut data, mut binary) = (Map::new(), Map::new());
    for (key, bytes) in sources(k, args)? {
        match String::from_utf8(bytes) {
            Ok(text) => data.insert(key, text.into()),
            Err(e) => binary.insert(key, base64::encode(e.as_bytes()).into()),
        };
    }
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    if !data.is_empty() {
        object["data"] = data.into();
    }
    if !binary.is_empty() {
        object["binaryData"] = binary.into();
    }
    submit(k, args, object, "failed to create configmap")
}

fn no_hash(args: &Args) -> Result<(), Error> {
    if args.bool("append-hash") { plain("--append-hash is not supported by this kubectl") } else { Ok(()) }
}

pub static SECRET: Command = Command {
    name: "secret",
    short: "Create a secret using a specified subcommand",
    usage: "(docker-registry | generic | tls) [options]",
    long: "Create a secret with specified type: docker-registry for registry logins, generic for opaque values, tls for certificates.",
    subs: &[&DOCKER_REGISTRY, &GENERIC, &TLS],
    ..Command::EMPTY
};

static GENERIC: Command = Command {
    name: "generic",
    short: "Create a secret from a local file, directory, or literal value",
    usage: "NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] [options]",
    examples: &[("From literals", "kubectl create secret generic my-secret --from-literal=key1=supersecret")],
    flags: &[SOURCES, &[string("type", "The type of secret.")], CREATE_FLAGS, VALIDATE_FLAG, PRINT_FLAGS, DRY_RUN_FLAG],
    run: Some(|k, args| {
        no_hash(args)?;
        let data = sources(k, args)?;
        secret(k, args, args.str("type"), data)
    }),
    ..Command::EMPTY
};

static DOCKER_REGISTRY: Command = Command {
    name: "docker-registry",
    short: "Create a secret for use with a Docker registry",
    usage: "NAME --docker-username=user --docker-password=password --docker-email=email [options]",
    examples: &[(
        "A registry login",
        "kubectl create secret docker-registry my-secret --docker-server=DOCKER_REGISTRY_SERVER --docker-username=DOCKER_USER --docker-password=DOCKER_PASSWORD",
    )],
    flags: &[
        &[
            boolean("append-hash", "Append a hash of the content to the name."),
            string("docker-email", "Email for the registry."),
            string("docker-password", "Password for the registry."),
            flag("docker-server", Kind::Str, "https://index.docker.io/v1/", "Address of the registry."),
            string("docker-username", "User name for the registry."),
            flag("from-file", Kind::List, "", "A docker config file."),
        ],
        CREATE_FLAGS,
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
    ],
    run: Some(docker_registry),
    ..Command::EMPTY
};

fn docker_registry(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    const KIND: &str = "kubernetes.io/dockerconfigjson";
    if !args.list("from-file").is_empty() {
        let mut data = sources(k, args)?;
        for (key, _) in &mut data {
            *key = ".dockerconfigjson".into();
        }
        return secret(k, args, KIND, data);
    }
    let (user, password, email) = (args.str("docker-username"), args.str("docker-password"), args.str("docker-email"));
    if user.is_empty() || password.is_empty() || args.str("docker-server").is_empty() {
        return plain(
            "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required",
        );
    }
    // In the order docker writes it, which is not the alphabet's.
    let quote = |s: &str| Value::from(s).to_string();
    let mut fields = vec![format!("\"username\":{}", quote(user)), format!("\"password\":{}", quote(password))];
    if !email.is_empty() {
        fields.push(format!("\"email\":{}", quote(email)));
    }
    fields.push(format!("\"auth\":{}", quote(&base64::encode(format!("{user}:{password}").as_bytes()))));
    let text = format!("{{\"auths\":{{{}:{{{}}}}}}}", quote(args.str("docker-server")), fields.join(","));
    secret(k, args, KIND, vec![(".dockerconfigjson".into(), text.into_bytes())])
}

static TLS: Command = Command {
    name: "tls",
    short: "Create a TLS secret",
    usage: "NAME --cert=path/to/cert/file --key=path/to/key/file [options]",
    examples: &[(
        "From a key pair",
        "kubectl create secret tls tls-secret --cert=path/to/tls.crt --key=path/to/tls.key",
    )],
    flags: &[
        &[
            boolean("append-hash", "Append a hash of the content to the name."),
            string("cert", "Path of the certificate, PEM."),
            string("key", "Path of the private key, PEM."),
        ],
        CREATE_FLAGS,
        VALIDATE_FLAG,
        PRINT_FLAGS,
        DRY_RUN_FLAG,
    ],
    run: Some(|k, args| {
        if args.str("cert").is_empty() || args.str("key").is_empty() {
            return plain("key and cert must be specified");
        }
        let mut data = Vec::new();
        for (flag, key) in [("cert", "tls.crt"), ("key", "tls.key")] {
            let path = args.str(flag).to_owned();
            match k.ctx.read_file(&path) {
                Ok(bytes) => data.push((key.to_owned(), bytes)),
                Err(e) => {
                    return plain(format!("Cannot read file {path}, open {path}: {}", e.message().to_lowercase()));
                }
            }
        }
        secret(k, args, "kubernetes.io/tls", data)
    }),
    ..Command::EMPTY
};

fn secret(k: &mut Kube<'_, '_>, args: &Args, kind: &str, data: Vec<(String, Vec<u8>)>) -> Result<Next, Error> {
    let name = one_name(args)?;
    let encoded: Map<String, Value> = data.into_iter().map(|(key, v)| (key, base64::encode(&v).into())).gather();
    let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}});
    if !kind.is_empty() {
        object["type"] = json!(kind);
    }
    if !encoded.is_empty() {
        object["data"] = encoded.into();
    }
    submit(k, args, object, "failed to create secret")
}

/// Keys and contents from files, literals and env files.
fn sources(k: &mut Kube<'_, '_>, args: &Args) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut out: Vec<(String, Vec<u8>)> = Vec::new();
    if !args.list("from-env-file").is_empty() {
        if !args.list("from-file").is_empty() || !args.list("from-literal").is_empty() {
            return plain("from-env-file cannot be combined with from-file or from-literal");
        }
        for file in args.list("from-env-file") {
            let bytes = read(k, &file)?;
            for line in String::from_utf8_lossy(&bytes).lines() {
                let line = line.trim_start();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                match line.split_once('=') {
                    Some((key, value)) => add(&mut out, key, value.as_bytes().to_vec())?,
                    None => add(&mut out, line, k.ctx.env(line).unwrap_or_default().into_bytes())?,
                }
            }
        }
        return Ok(out);
    }
    for source in args.list("from-file") {
        let (key, path) = match source.split_once('=') {
            Some((key, path)) => (Some(key.to_owned()), path.to_owned()),
            None => (None, source.clone()),
        };
        if k.ctx.is_dir(&path) {
            if key.is_some() {
                return plain("cannot give a key name for a directory path");
            }
            for file in k.ctx.list_dir(&path).unwrap_or_default() {
                let inner = format!("{}/{file}", path.trim_end_matches('/'));
                if !k.ctx.is_dir(&inner) && names::config_map_key(&file).is_empty() {
                    let bytes = read(k, &inner)?;
                    add(&mut out, &file, bytes)?;
                }
            }
            continue;
        }
        let bytes = read(k, &path)?;
        let key = key.unwrap_or_else(|| path.rsplit('/').next().unwrap_or(&path).to_owned());
        add(&mut out, &key, bytes)?;
    }
    for literal in args.list("from-literal") {
        let Some((key, value)) = literal.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return plain(format!("invalid literal source {literal}, expected key=value"));
        };
        let bare = value.len() >= 2 && value.starts_with(['\'', '"']) && value.ends_with(['\'', '"']);
        let value = if bare { &value[1..value.len() - 1] } else { value };
        add(&mut out, key, value.as_bytes().to_vec())?;
    }
    Ok(out)
}

fn read(k: &mut Kube<'_, '_>, path: &str) -> Result<Vec<u8>, Error> {
    if path == "-" || path == "/dev/stdin" {
        return Ok(k.s.stdin.clone().unwrap_or_default());
    }
    k.ctx.read_file(path).map_err(|e| Error::Plain(format!("error reading {path}: {}", e.message().to_lowercase())))
}

fn add(out: &mut Vec<(String, Vec<u8>)>, key: &str, value: Vec<u8>) -> Result<(), Error> {
    let problems = names::config_map_key(key);
    if !problems.is_empty() {
        return plain(format!("\"{key}\" is not valid key name for a ConfigMap: {}", problems.join(",")));
    }
    if out.iter().any(|(k, _)| k == key) {
        return plain(format!(
            "cannot add key \"{key}\", another key by that name already exists in Data for ConfigMap"
        ));
    }
    out.push((key.into(), value));
    Ok(())
}
