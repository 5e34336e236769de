//! Every recording of a real cluster, played in-process: how many commands say the same, each against its floor.
//!
//! `KAIKI_SHOW=1 cargo test -p tests --test transcripts -- --nocapture 02-get` prints the differences.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tests::compare::{Said, difference};
use tests::play::{Entry, play};
use tests::scenario;

/// At least this many commands of each recording match. Raised as we get better, never lowered.
const FLOORS: &[(&str, usize)] = &[
    ("01-tutorial", 32),
    ("02-get", 51),
    ("03-deployment", 48),
    ("04-service", 32),
    ("05-config", 28),
    ("06-jobs", 24),
    ("07-stateful", 32),
    ("08-rbac", 31),
    ("09-errors", 56),
    ("10-apply", 37),
    ("11-scheduling", 35),
    ("12-failures", 21),
    ("13-namespace", 28),
    ("14-discovery", 6),
    ("15-crd", 14),
    ("16-network-policy", 18),
    ("17-delete-wait", 20),
    ("18-logs-exec", 29),
    ("19-probes", 25),
    ("20-nodes3", 32),
    ("21-wire", 33),
    ("22-volumes-security", 32),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("transcripts")
}

/// The real cluster's answers, by command, in order.
fn recorded(name: &str) -> Vec<(String, Said)> {
    let text = std::fs::read_to_string(folder().join(format!("{name}.jsonl"))).expect("the recording is there");
    text.lines()
        .filter_map(|l| {
            let v: Value = serde_json::from_str(l).expect("a recording is JSON lines");
            let field = |n: &str| v[n].as_str().unwrap_or_default().to_owned();
            let command = v["cmd"].as_str()?.to_owned();
            Some((
                command,
                Said { stdout: field("stdout"), stderr: field("stderr"), rc: v["rc"].as_i64().unwrap_or(0) },
            ))
        })
        .collect()
}

/// (matched, of, differences)
fn score(name: &str) -> (usize, usize, String) {
    let text = std::fs::read_to_string(folder().join(format!("{name}.scenario"))).expect("the scenario is there");
    let mut ours: BTreeMap<String, Vec<Said>> = BTreeMap::new();
    for entry in play(&scenario::parse(&text), 1) {
        if let Entry::Command { text, said, .. } = entry {
            ours.entry(text).or_default().push(said);
        }
    }
    let real = recorded(name);
    let (mut matched, mut shown) = (0, String::new());
    for (command, said) in &real {
        let list = ours.entry(command.clone()).or_default();
        let mine = if list.is_empty() { Said { rc: -1, ..Said::default() } } else { list.remove(0) };
        match difference(command, said, &mine) {
            None => matched += 1,
            Some(d) => shown.push_str(&format!("{name} differs: {}\n{d}", command.lines().next().unwrap_or_default())),
        }
    }
    (matched, real.len(), shown)
}

fn check(name: &str) {
    let floor = FLOORS.iter().find(|(n, _)| *n == name).expect("every recording has a floor").1;
    let (matched, of, shown) = score(name);
    println!("{name}: matched {matched} of {of}");
    if std::env::var_os("KAIKI_SHOW").is_some() || matched < floor {
        println!("{shown}");
    }
    assert!(matched >= floor, "{name}: matched {matched} of {of}, the floor is {floor}");
}

/// One test a recording, so that they run side by side and fail by name.
mod recording {
    use super::check;

    #[test]
    fn tutorial_01() {
        check("01-tutorial");
    }
    #[test]
    fn get_02() {
        check("02-get");
    }
    #[test]
    fn deployment_03() {
        check("03-deployment");
    }
    #[test]
    fn service_04() {
        check("04-service");
    }
    #[test]
    fn config_05() {
        check("05-config");
    }
    #[test]
    fn jobs_06() {
        check("06-jobs");
    }
    #[test]
    fn stateful_07() {
        check("07-stateful");
    }
    #[test]
    fn rbac_08() {
        check("08-rbac");
    }
    #[test]
    fn errors_09() {
        check("09-errors");
    }
    #[test]
    fn apply_10() {
        check("10-apply");
    }
    #[test]
    fn scheduling_11() {
        check("11-scheduling");
    }
    #[test]
    fn failures_12() {
        check("12-failures");
    }
    #[test]
    fn namespace_13() {
        check("13-namespace");
    }
    #[test]
    fn discovery_14() {
        check("14-discovery");
    }
    #[test]
    fn crd_15() {
        check("15-crd");
    }
    #[test]
    fn network_policy_16() {
        check("16-network-policy");
    }
    #[test]
    fn delete_wait_17() {
        check("17-delete-wait");
    }
    #[test]
    fn logs_exec_18() {
        check("18-logs-exec");
    }
    #[test]
    fn probes_19() {
        check("19-probes");
    }
    #[test]
    fn nodes3_20() {
        check("20-nodes3");
    }
    #[test]
    fn wire_21() {
        check("21-wire");
    }
    #[test]
    fn volumes_security_22() {
        check("22-volumes-security");
    }
}

#[test]
fn every_recording_has_a_floor() {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder is there")
        .filter_map(|e| Some(e.ok()?.file_name().to_str()?.strip_suffix(".jsonl")?.to_owned()))
        .collect();
    names.sort();
    let listed: Vec<&str> = FLOORS.iter().map(|(n, _)| *n).collect();
    assert_eq!(names, listed);
}
