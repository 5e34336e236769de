use super::*;
use serde_json::json;

fn reads(text: &str, expected: Value) {
    assert_eq!(parse(text).map_err(|e| e.message), Ok(expected), "{text}");
}

fn fails(text: &str, message: &str) {
    let error = parse(text).map(|v| v.to_string()).expect_err(text);
    assert_eq!(error.message, message, "{text}");
}

#[test]
fn documents() {
    reads("a: 1\nb:\n- x\n- v: z\n  w: ~\nc:\n  - 1\n", json!({"a": 1, "b": ["x", {"v": "z", "w": null}], "c": [1]}));
    reads("a: {b: [1, 2,], c: 'it''s', \"d\": \"x\\ty\"}", json!({"a": {"b": [1, 2], "c": "it's", "d": "x\ty"}}));
    reads("[a: b, c]", json!([{"a": "b"}, "c"]));
    reads(
        "a: |\n  x\n   y\n\n  z\n\nb: >-\n  one\n  two\n\n  three\n",
        json!({"a": "x\n y\n\nz\n", "b": "one two\nthree"}),
    );
    reads("a: |+\n  x\n\nb: |2-\n   x\n", json!({"a": "x\n\n", "b": " x"}));
    reads("a: b\n  c\n  d\n", json!({"a": "b c d"}));
    reads("? a\n: b\n? c\n", json!({"a": "b", "c": null}));
    reads("# only a comment\n", Value::Null);
    reads("", Value::Null);
    reads("--- {}\n", json!({}));
    reads("a: !!str 1\nb: !!binary aGk=\nc: ! 5\nd: !mine x\n", json!({"a": "1", "b": "hi", "c": "5", "d": "x"}));
    reads("1: a\ntrue: b\n1.5: c\n", json!({"1": "a", "true": "b", "1.5": "c"}));
    reads("a: \"x\\\n  y\"\n", json!({"a": "xy"}));
    reads("%YAML 1.1\n---\na: 1\n", json!({"a": 1}));
    reads("a: 'x\n\n  y'", json!({"a": "x\ny"}));
    reads("- - a\n  - b\n- - c\n", json!([["a", "b"], ["c"]]));
    reads("a: 1 # c\nb: x#y\n", json!({"a": 1, "b": "x#y"}));
    reads("url: http://x:80/\n", json!({"url": "http://x:80/"}));
}

#[test]
fn anchors_and_merges() {
    reads("a: &x {k: 1}\nb: *x\n", json!({"a": {"k": 1}, "b": {"k": 1}}));
    reads("a: &x {k: 1, m: 2}\nb:\n  <<: *x\n  k: 3\n", json!({"a": {"k": 1, "m": 2}, "b": {"k": 3, "m": 2}}));
    reads("<<: [{a: 1}, {a: 2, b: 3}]\n", json!({"a": 1, "b": 3}));
    fails("a: *nope\n", "yaml: unknown anchor 'nope' referenced");
    fails("a: &a [*a]\n", "yaml: anchor 'a' value contains itself");
    fails("<<: 1\n", "yaml: map merge requires map or sequence of maps as the value");
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..9 {
        let refs = vec![format!("*a{}", i - 1); 10].join(", ");
        bomb += &format!("a{i}: &a{i} [{refs}]\n");
    }
    fails(&bomb, "yaml: document contains excessive aliasing");
}

#[test]
fn complaints() {
    fails("a: b: c\n", "yaml: mapping values are not allowed in this context");
    fails("x: 1\na: b: c\n", "yaml: line 2: mapping values are not allowed in this context");
    fails("a:\n\t- b\n", "yaml: line 2: found character that cannot start any token");
    fails("a: @b\n", "yaml: found character that cannot start any token");
    fails("x:\na: [1, 2\nb: 3\n", "yaml: line 2: did not find expected ',' or ']'");
    fails("a: 'x\n", "yaml: line 2: found unexpected end of stream");
    fails("a: 1\n b: 2\n", "yaml: line 2: mapping values are not allowed in this context");
    fails(
        "spec:\n  containers:\n  - name: c\n    image: nginx\n   bad: indent\n",
        "yaml: line 4: did not find expected key",
    );
    fails("a:\n- b\nc\n", "yaml: line 4: could not find expected ':'");
    fails(
        "a: {{ .Values.x }}\n",
        "yaml: invalid map key: map[interface {}]interface {}{\".Values.x\":interface {}(nil)}",
    );
    fails("a: .inf\n", "json: unsupported value: +Inf");
    fails("a: !!int x\n", "yaml: cannot decode !!str `x` as a !!int");
    fails("a: \u{1}\n", "yaml: control characters are not allowed");
    fails(&"[".repeat(5000), "yaml: exceeded max depth of 250");
    let error = parse_strict("a: 1\nb:\n  name: x\n  name: y\n").expect_err("duplicate");
    assert_eq!(error.message, "yaml: unmarshal errors:\n  line 4: key \"name\" already set in map");
    reads("a: 1\na: 2\n", json!({"a": 2}));
}

fn stream(text: &str) -> Vec<Result<Value, String>> {
    Decoder::new(text.as_bytes()).map(|d| d.map(|d| d.value).map_err(|e| e.message)).collect()
}

#[test]
fn streams() {
    assert_eq!(stream("---\na: 1\n---\n# c\n---\nb: 2\n"), [Ok(json!({"a": 1})), Ok(Value::Null), Ok(json!({"b": 2}))]);
    assert_eq!(stream("{\"a\":1}{\"b\":2}\n{}"), [Ok(json!({"a": 1})), Ok(json!({"b": 2})), Ok(json!({}))]);
    assert_eq!(stream("{\"a\":1}\n---\nb: 2\n"), [Ok(json!({"a": 1})), Ok(json!({"b": 2}))]);
    assert_eq!(stream("{a: 1}\n"), [Ok(json!({"a": 1}))]);
    assert_eq!(stream("{\"a\": 1, "), [Err("unexpected EOF".to_owned())]);
    assert_eq!(stream("{\"a\" 1}"), [Err("json: offset 6: invalid character '1' after object key".to_owned())]);
    assert_eq!(stream("a: 1\n--- x\n"), [Err("invalid Yaml document separator: x".to_owned())]);
    assert_eq!(stream("a: 1\r\nb: |\r\n  x\r\n"), [Ok(json!({"a": 1, "b": "x\n"}))]);
    assert_eq!(stream(""), []);
    let words = "error converting YAML to JSON: yaml: line 3: mapping values are not allowed in this context";
    assert_eq!(stream("a: 1\n---\nb: 2\nc:\n  d: e: f\n"), [Ok(json!({"a": 1})), Err(words.to_owned())]);
    let error = read_documents(b"a: 1\n---\nb: 2\nc:\n  d: e: f\n").expect_err("faulty");
    assert_eq!(error.line, Some(4));
}

fn writes(value: Value, text: &str) {
    let written = to_string(&value);
    assert_eq!(written, text);
    assert_eq!(parse(&written).map_err(|e| e.message), Ok(value));
}

#[test]
fn layout() {
    writes(
        json!({"b": [1, {"x": 1, "v": [2]}, [3, 4], []], "a": {}, "o": null}),
        "a: {}\nb:\n- 1\n- v:\n  - 2\n  x: 1\n- - 3\n  - 4\n- []\no: null\n",
    );
    writes(json!({"n": 1}), "\"n\": 1\n");
    writes(
        json!({"a": "x\ny\n", "b": "x\ny", "c": "x\n\n", "d": "\n", "e": " x\ny"}),
        "a: |\n  x\n  y\nb: |-\n  x\n  y\nc: |+\n  x\n\nd: |2+\n\ne: |2-\n   x\n  y\n",
    );
    writes(
        json!(["y", "true", "1", "0x1", "null", "", "~", "2001-01-01", "1:30", "1e3", ".5", "<<", "=", "n"]),
        "- \"y\"\n- \"true\"\n- \"1\"\n- \"0x1\"\n- \"null\"\n- \"\"\n- \"~\"\n- \"2001-01-01\"\n- \"1:30\"\n- \"1e3\"\n- \".5\"\n- <<\n- =\n- \"n\"\n",
    );
    writes(
        json!([
            "- a", "-a", ": b", "a: b", "a:b", "a #b", "a#b", "*x", "&x", "!x", "%x", "@x", "`x", "{x", "[x", "'x",
            "it's", " x", "x ", "x:", "#x", "---", "?x", ","
        ]),
        "- '- a'\n- -a\n- ': b'\n- 'a: b'\n- a:b\n- 'a #b'\n- a#b\n- '*x'\n- '&x'\n- '!x'\n- '%x'\n- '@x'\n- '`x'\n- '{x'\n- '[x'\n- '''x'\n- it's\n- ' x'\n- 'x '\n- 'x:'\n- '#x'\n- '---'\n- ?x\n- ','\n",
    );
    writes(
        json!(["a\tb", "é", "😀", "\u{7}", "a\n\tb", "x \ny"]),
        "- \"a\\tb\"\n- é\n- \"\\U0001F600\"\n- \"\\a\"\n- \"a\\n\\tb\"\n- \"x \\ny\"\n",
    );
    writes(json!({"a10": 1, "a2": 2, "B": 3, "a": 4, "1": 5, "_": 6}), "_: 6\n\"1\": 5\nB: 3\na: 4\na2: 2\na10: 1\n");
    writes(json!([1.5, 1e21, -3, true]), "- 1.5\n- 1e+21\n- -3\n- true\n");
    writes(json!("x"), "x\n");
    writes(json!({}), "{}\n");
    let long = "word ".repeat(30);
    writes(json!({"m": long.trim()}), &format!("m: {}\n  {}\n", "word ".repeat(16).trim(), "word ".repeat(14).trim()));
    let key = "k".repeat(129);
    writes(json!({key.clone(): "v"}), &format!("? {key}\n: v\n"));
}

#[test]
fn positions() {
    let spans = spans("a: 1\nb:\n- c: x\n");
    let of = |pointer: &str| spans.iter().find(|s| s.pointer == pointer).cloned().expect("a span");
    assert_eq!(of("/b/0/c").start, Position { line: 2, column: 5 });
    assert_eq!(of("/b/0/c").key, Some(Position { line: 2, column: 2 }));
    assert_eq!(of("/a").end, Position { line: 0, column: 4 });
    let flow = super::spans("a: {b: [1, 2]}\nc: d\n");
    let end = |pointer: &str| flow.iter().find(|s| s.pointer == pointer).map(|s| s.end);
    assert_eq!(end("/a/b"), Some(Position { line: 0, column: 13 }));
    assert_eq!(end("/a"), Some(Position { line: 0, column: 14 }));
    assert_eq!(super::spans("a: ["), []);
}

fn random_text(rng: &mut crate::rng::Rng) -> String {
    const PIECES: [&str; 34] = [
        "a", "b", " ", "  ", "\n", ":", "- ", "#", "'", "\"", "\\", "{", "}", "[", "]", ",", "&", "*", "!", "|", ">",
        "%", "@", "`", "?", "0", "1", "-", ".", "~", "\t", "é", "😀", "yes",
    ];
    (0..rng.below(12)).map(|_| PIECES[rng.below(34) as usize]).collect()
}

fn random_value(rng: &mut crate::rng::Rng, depth: usize) -> Value {
    match rng.below(if depth > 3 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => (rng.below(2) == 0).into(),
        2 => (rng.next_u64() as i64 >> rng.below(60)).into(),
        3 | 4 => random_text(rng).into(),
        5 => (0..rng.below(4)).map(|_| random_value(rng, depth + 1)).collect(),
        _ => Value::Object((0..rng.below(4)).map(|_| (random_text(rng), random_value(rng, depth + 1))).collect()),
    }
}

#[test]
fn what_is_written_reads_back() {
    let mut rng = crate::rng::Rng::derive(11, "yaml", "", 0);
    for _ in 0..3000 {
        let value = random_value(&mut rng, 0);
        let text = to_string(&value);
        assert_eq!(parse(&text).map_err(|e| e.message), Ok(value), "{text}");
    }
}

#[test]
fn junk_never_panics() {
    let mut rng = crate::rng::Rng::derive(12, "yaml", "", 0);
    for _ in 0..5000 {
        let text: String = (0..rng.below(6)).map(|_| random_text(&mut rng)).collect();
        let _ = read_documents(text.as_bytes());
        let _ = parse_strict(&text);
        let _ = super::spans(&text);
        let _ = crate::json::parse(text.as_bytes());
    }
}

#[test]
fn deep_and_large() {
    let deep = format!("{}x{}", "[".repeat(240), "]".repeat(240));
    let value = parse(&deep).expect("within bounds");
    let text = to_string(&value);
    assert_eq!(parse(&text).as_ref(), Ok(&value));
    let json = crate::json::pretty(&value);
    assert_eq!(crate::json::parse(json.as_bytes()).as_ref(), Ok(&value));
    let found = crate::jsonpath::JsonPath::parse("{..}").and_then(|path| path.find(&value));
    assert!(found.is_ok());
    assert_eq!(parse(&"- ".repeat(5000)).expect_err("too deep").message, "yaml: exceeded max depth of 250");
    let wide = "- name: x\n  list: [a, b]\n".repeat(20_000);
    let value = parse(&wide).expect("plain");
    assert_eq!(value.as_array().map(Vec::len), Some(20_000));
}
