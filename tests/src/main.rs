//! `kaiki`: the simulation without a browser, for tests, benches and the curious.

use serde_json::json;
use std::process::ExitCode;
use tests::play::{Entry, Player, play, world_for};
use tests::{api, bench, openapi, scenario};

const USAGE: &str = "usage:
  kaiki terminal --script FILE [--json]      run a scenario and print what a learner would see
  kaiki terminal                             type commands, one a line
  kaiki api [--listen 127.0.0.1:PORT] [--nodes N] [--speed X] [--seed N] [--kubeconfig FILE] [--kubernetes-version V]
                                             a cluster for real clients, over HTTP
  kaiki openapi --source DIR --out FILE      pack the schemas of the built-in kinds (DIR: the k8s-openapi crate)
  kaiki bench pods --pods N --nodes M        one Deployment of N replicas, from apply to ready
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["terminal", rest @ ..] => terminal(rest),
        ["api", rest @ ..] => serve(rest),
        ["openapi", rest @ ..] => pack_openapi(rest),
        ["bench", "pods", rest @ ..] => bench_pods(rest),
        ["--help" | "-h" | "help"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprint!("{message}");
            if !message.ends_with('\n') {
                eprintln!();
            }
            ExitCode::FAILURE
        }
    }
}

fn option<'a>(args: &[&'a str], name: &str) -> Option<&'a str> {
    let at = args.iter().position(|a| *a == name)?;
    args.get(at + 1).copied()
}

fn number(args: &[&str], name: &str, default: u64) -> Result<u64, String> {
    match option(args, name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| format!("{name} wants a number, not {text}")),
    }
}

fn terminal(args: &[&str]) -> Result<(), String> {
    let seed = number(args, "--seed", 1)?;
    let Some(path) = option(args, "--script") else { return interactive(seed) };
    let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let scenario = scenario::parse(&text);
    let json = args.contains(&"--json");
    for entry in play(&scenario, seed) {
        match entry {
            Entry::Command { text, said, at, took, line } if json => println!(
                "{}",
                json!({"cmd": text, "stdout": said.stdout, "stderr": said.stderr, "rc": said.rc,
                    "t": at.as_secs_f64(), "dur": took.as_secs_f64(), "line": line})
            ),
            Entry::Command { text, said, .. } => print!("$ {text}\n{}{}", said.stdout, said.stderr),
            Entry::Wait { label, ok, at } if json => {
                println!("{}", json!({"wait": label, "ok": ok, "t": at.as_secs_f64()}));
            }
            Entry::Wait { label, ok: false, .. } => println!("(waited in vain for {label})"),
            Entry::Wait { .. } => {}
        }
    }
    Ok(())
}

fn interactive(seed: u64) -> Result<(), String> {
    let mut player = Player::new(world_for(&scenario::parse(""), seed));
    for line in std::io::stdin().lines() {
        let line = line.map_err(|e| e.to_string())?;
        let said = player.run(&line);
        print!("{}", said.stdout);
        eprint!("{}", said.stderr);
    }
    Ok(())
}

fn pack_openapi(args: &[&str]) -> Result<(), String> {
    let (Some(source), Some(out)) = (option(args, "--source"), option(args, "--out")) else {
        return Err(USAGE.to_owned());
    };
    let cluster = cluster::Cluster::new(cluster::Config::default());
    let kinds: Vec<(String, String, String)> = cluster
        .api
        .kinds()
        .map(|(_, kind)| kind.info())
        .map(|info| (info.group.to_owned(), info.version.to_owned(), info.kind.to_owned()))
        .collect();
    println!("{}", openapi::generate(source.as_ref(), out.as_ref(), &kinds)?);
    Ok(())
}

fn bench_pods(args: &[&str]) -> Result<(), String> {
    let pods = u32::try_from(number(args, "--pods", 100)?).map_err(|e| e.to_string())?;
    let nodes = u32::try_from(number(args, "--nodes", 1)?).map_err(|e| e.to_string())?;
    println!("{}", bench::pods(pods, nodes)?);
    Ok(())
}

fn serve(args: &[&str]) -> Result<(), String> {
    let listen = option(args, "--listen").unwrap_or("127.0.0.1:0");
    let speed = option(args, "--speed").unwrap_or("1");
    api::serve(&api::Options {
        listen: listen.parse().map_err(|_| format!("--listen wants an address like 127.0.0.1:8001, not {listen}"))?,
        nodes: u32::try_from(number(args, "--nodes", 1)?).map_err(|e| e.to_string())?,
        speed: speed.parse().ok().filter(|s| (0.0..=1e6).contains(s)).ok_or("--speed wants a number from 0 up")?,
        seed: number(args, "--seed", 1)?,
        version: option(args, "--kubernetes-version").unwrap_or("v1.36.2").to_owned(),
        kubeconfig: option(args, "--kubeconfig").map(Into::into),
    })
}
