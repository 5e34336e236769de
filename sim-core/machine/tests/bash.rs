//! Scripts whose outcome the real bash recorded (`shell/record.py`): ours must be the same.

use machine::testing::run_script;

/// Numbers of scripts that are known to differ, each with its reason. A script here that agrees fails the test too.
const KNOWN: &[(&str, &str)] = &[];

#[test]
fn scripts_do_what_bash_does() {
    let mut wrong = Vec::new();
    let mut all = 0;
    for line in include_str!("shell/recorded.jsonl").lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("recorded by record.py");
        let script = case["script"].as_str().expect("a string");
        let want = (case["stdout"].as_str(), case["stderr"].as_str(), case["rc"].as_i64());
        let (out, err, code) = run_script(script);
        let same = want == (Some(&out), Some(&err), Some(i64::from(code)));
        let known = KNOWN.iter().any(|(s, _)| script.starts_with(s));
        all += 1;
        if same == known {
            wrong.push(format!("{script}\n  want {want:?}\n  got  {:?}", (out, err, code)));
        }
    }
    assert!(wrong.is_empty(), "{} of {all} scripts differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
}
