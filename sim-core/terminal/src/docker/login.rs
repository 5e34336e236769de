//! `docker login` and `logout`: credentials in `~/.docker/config.json`, checked by the registry.

use super::bad_flag;
use crate::outside;
use crate::play::{Act, Flag, fail, out, parse, wait_ms};
use cluster::images::registry::{Credentials, PushError};
use machine::process::Ctx;
use serde_json::{Value, json};

const HUB_KEY: &str = "https://index.docker.io/v1/";

fn key(domain: &str) -> &str {
    if domain == "docker.io" { HUB_KEY } else { domain }
}

fn path(ctx: &Ctx<'_>) -> String {
    format!("{}/.docker/config.json", ctx.env("HOME").unwrap_or_else(|| "/root".into()))
}

fn config(ctx: &Ctx<'_>) -> Value {
    let bytes = ctx.read_file(&path(ctx)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({}))
}

/// What the user has logged in with at a registry.
pub fn stored(ctx: &Ctx<'_>, domain: &str) -> Option<Credentials> {
    let config = config(ctx);
    let auth = config.get("auths")?.get(key(domain))?.get("auth")?.as_str()?;
    let decoded = String::from_utf8(decode(auth)?).ok()?;
    let (username, password) = decoded.split_once(':')?;
    Some(Credentials { username: username.to_owned(), password: password.to_owned() })
}

fn write(ctx: &mut Ctx<'_>, config: &Value) {
    let text = serde_json::to_string_pretty(config).unwrap_or_default().replace("  ", "\t");
    let path = path(ctx);
    let cred = ctx.cred();
    if let Some((directory, _)) = path.rsplit_once('/') {
        // It may be there already.
        let _ = ctx.machine.fs.mkdir(&cred, directory, 0o700);
    }
    if let Err(e) = ctx.write_file(&path, text.as_bytes()) {
        ctx.err(&format!("Error saving credentials: open {path}: {}\n", e.message().to_lowercase()));
    }
}

pub fn login(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    const FLAGS: &[Flag] = &[("username", 'u', true), ("password", 'p', true), ("password-stdin", '\0', false)];
    let args = match parse(FLAGS, args, false) {
        Ok(args) => args,
        Err(e) => return bad_flag("login", &e),
    };
    let server = args.words.first().map_or("docker.io", String::as_str);
    let server = server.trim_start_matches("https://").trim_start_matches("http://");
    let server = server.split('/').next().unwrap_or_default();
    let server = if server == "index.docker.io" || server == "hub.docker.com" { "docker.io" } else { server };
    let username = args.get("username").unwrap_or_default();
    if args.has("password-stdin") {
        if username.is_empty() {
            return fail("the --password-stdin option requires --username to be set\n", 1);
        }
        if args.get("password").is_some() {
            return fail("conflicting options: cannot specify both --password and --password-stdin\n", 1);
        }
        return vec![Act::Ask {
            prompt: String::new(),
            echo: true,
            then: check,
            with: format!("{server}\n{username}"),
        }];
    }
    if let Some(password) = args.get("password") {
        let warning = "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n";
        return vec![Act::Err(warning.to_owned()), Act::Then(with_name, format!("{server}\n{password}\n{username}"))];
    }
    if !ctx.is_tty(0) {
        return fail("Error: Cannot perform an interactive login from a non TTY device\n", 1);
    }
    if username.is_empty() {
        let hint = match server {
            "docker.io" => {
                "Log in with your Docker ID or email address to push and pull images from Docker Hub. If you don't have a Docker ID, head \
                 over to https://hub.docker.com/ to create one.\n"
            }
            _ => "",
        };
        return vec![
            out(hint),
            Act::Ask { prompt: "Username: ".into(), echo: true, then: ask_password, with: server.to_owned() },
        ];
    }
    ask_password(ctx, &format!("{server}\n{username}"))
}

/// `--password` was given: the name may still have to be asked for.
fn with_name(ctx: &mut Ctx<'_>, with: &str) -> Vec<Act> {
    let parts: Vec<&str> = with.split('\n').collect();
    let [server, password, username] = parts.as_slice() else { return Vec::new() };
    if username.is_empty() {
        return fail("Error: Must provide --username with --password\n", 1);
    }
    check(ctx, &format!("{server}\n{username}\n{password}"))
}

fn ask_password(_: &mut Ctx<'_>, with: &str) -> Vec<Act> {
    if with.split('\n').nth(1).is_none_or(str::is_empty) {
        return fail("Error: Non-null Username Required\n", 1);
    }
    vec![Act::Ask { prompt: "Password: ".into(), echo: false, then: check, with: with.to_owned() }]
}

/// `server\nusername\npassword`
fn check(ctx: &mut Ctx<'_>, with: &str) -> Vec<Act> {
    let parts: Vec<&str> = with.splitn(3, '\n').collect();
    let [server, username, password] = parts.as_slice() else { return Vec::new() };
    if password.is_empty() {
        return fail("Error: Password Required\n", 1);
    }
    let outside = match super::daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let credentials = Credentials { username: (*username).to_owned(), password: (*password).to_owned() };
    let verdict = outside.registries.login(server, &credentials);
    outside.share_registries();
    let endpoint = if *server == "docker.io" {
        "https://registry-1.docker.io/v2/".to_owned()
    } else {
        format!("https://{server}/v2/")
    };
    match verdict {
        Ok(()) => {
            let mut config = config(ctx);
            let auth = encode(format!("{username}:{password}").as_bytes());
            if !config["auths"].is_object() {
                config["auths"] = json!({});
            }
            config["auths"][key(server)] = json!({"auth": auth});
            write(ctx, &config);
            let path = path(ctx);
            let warning = format!(
                "\nWARNING! Your credentials are stored unencrypted in '{path}'.\nConfigure a credential helper to remove this warning. See\n\
                 https://docs.docker.com/go/credential-store/\n\n"
            );
            vec![wait_ms(700), Act::Err(warning), out("Login Succeeded\n")]
        }
        Err(PushError::Denied(words)) => {
            vec![
                wait_ms(900),
                Act::Err(format!("Error response from daemon: Get \"{endpoint}\": {words}\n")),
                Act::Exit(1),
            ]
        }
        Err(e) => {
            vec![wait_ms(300), Act::Err(format!("Error response from daemon: {}\n", e.docker(server))), Act::Exit(1)]
        }
    }
}

pub fn logout(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let server = args.first().map_or("docker.io", String::as_str).to_owned();
    let mut config = config(ctx);
    let there = config["auths"].as_object_mut().is_some_and(|auths| auths.remove(key(&server)).is_some());
    if !there {
        return vec![out(format!("Not logged in to {}\n", key(&server)))];
    }
    write(ctx, &config);
    let _ = outside::of(ctx.host);
    vec![out(format!("Removing login credentials for {}\n", key(&server)))]
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = (n >> (18 - 6 * i)) & 63;
            out.push(if i <= chunk.len() { char::from(ALPHABET[digit as usize]) } else { '=' });
        }
    }
    out
}

pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut n, mut bits) = (0u32, 0);
    for b in text.bytes().filter(|b| *b != b'=') {
        n = n << 6 | u32::try_from(ALPHABET.iter().position(|a| *a == b)?).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((n >> bits) as u8);
            n &= (1 << bits) - 1;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_survive_their_encoding() {
        for text in ["", "a", "me:secret", "λ:πάσγουορντ", "user:pa:ss"] {
            assert_eq!(decode(&encode(text.as_bytes())).as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(encode(b"me:secret"), "bWU6c2VjcmV0");
    }
}
