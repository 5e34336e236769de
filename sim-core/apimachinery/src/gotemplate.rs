//! Go templates for `-o go-template`: `{{range .items}}{{.metadata.name}}{{"\n"}}{{end}}`.
//!
//! Written anew rather than taken from the crate `gotmpl`: that one costs some 50 kB compressed in the page, wants the
//! data copied into values of its own, and does not complain in Go's words. Left out: methods, `call`, `js`, imaginary
//! numbers, custom delimiters. Bounded: nesting, steps and output of one run.
//!
//! Models: Go `text/template` with cli-runtime's functions.

mod eval;
mod funcs;
mod parse;
mod printf;

use core::fmt;
use parse::Node;
use serde_json::Value;
use std::collections::BTreeMap;

/// A parsed template.
#[derive(Clone, Debug)]
pub struct Template {
    name: String,
    text: String,
    body: Vec<Node>,
    /// By name: what `{{define}}` and `{{block}}` made.
    defined: BTreeMap<String, Vec<Node>>,
    allow_missing_keys: bool,
}

/// In Go's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub String);

impl Template {
    /// `name` is what errors call the template; kubectl's is `output`.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let (body, defined) = parse::parse(name, text)?;
        Ok(Self { name: name.to_owned(), text: text.to_owned(), body, defined, allow_missing_keys: true })
    }

    /// Missing keys print `<no value>` (the default) or are an error.
    #[must_use]
    pub fn allow_missing_keys(mut self, allow: bool) -> Self {
        self.allow_missing_keys = allow;
        self
    }

    pub fn render(&self, data: &Value) -> Result<String, Error> {
        eval::run(self, data)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Line and column of a byte, as Go tells places: the line from one, the column from zero.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at.min(text.len())];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before.len() - line_start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn data() -> Value {
        json!({
            "kind": "List", "n": 3, "f": 1.5, "nil": null, "yes": true, "empty": [], "enc": "aGk=",
            "items": [{"name": "a", "tags": ["x", "y"]}, {"name": "b"}],
            "map": {"k1": "v1", "k2": "v2"},
        })
    }

    fn check(template: &str, expected: Result<&str, &str>) {
        let found = Template::parse("output", template).and_then(|t| t.render(&data()));
        assert_eq!(found.as_deref().map_err(|e| e.0.as_str()), expected, "{template}");
    }

    #[test]
    fn renders() {
        for (template, expected) in [
            ("plain", "plain"),
            ("{{.kind}} {{.n}} {{.f}} {{.yes}}", "List 3 1.5 true"),
            ("{{.nope}} {{.nope.deeper}} {{.nil}}", "<no value> <no value> <no value>"),
            ("{{range .items}}{{.name}}{{\"\\n\"}}{{end}}", "a\nb\n"),
            ("{{range $i, $e := .items}}{{$i}}={{$e.name}};{{end}}", "0=a;1=b;"),
            ("{{range $k, $v := .map}}{{$k}}:{{$v}} {{end}}", "k1:v1 k2:v2 "),
            ("{{range .empty}}x{{else}}none{{end}}", "none"),
            ("{{range 3}}{{.}}{{end}}", "012"),
            ("{{if .yes}}y{{else}}n{{end}}{{if .nope}}y{{else if eq .n 3}}three{{else}}n{{end}}", "ythree"),
            ("{{with .map}}{{.k1}}{{$.kind}}{{end}}{{with .nope}}x{{else}}-{{end}}", "v1List-"),
            ("a {{- .kind -}} b", "aListb"),
            ("{{/* c */}}x{{- /* d */ -}} y", "xy"),
            ("{{index .items 1 \"name\"}} {{index .map \"k2\"}} {{(index .items 0).name}}", "b v2 a"),
            ("{{len .items}} {{len .kind}} {{slice .kind 1 3}}", "2 4 is"),
            (
                "{{printf \"%s-%d-%v-%q-%5.1f|%-4s|%4d|%05d|%x|%t\" .kind .n .map .kind .f .kind .n .n .n .yes}}",
                "List-3-map[k1:v1 k2:v2]-\"List\"-  1.5|List|   3|00003|3|true",
            ),
            ("{{.kind | printf \"%s!\" | len}}", "5"),
            ("{{and .yes .n}} {{or .nope .kind}} {{not .yes}}", "3 List false"),
            (
                "{{eq .n 3}} {{ne .kind \"x\"}} {{lt 1 2}} {{ge .n 4}} {{eq .kind \"a\" \"List\"}}",
                "true true true false true",
            ),
            ("{{define \"t\"}}<{{.}}>{{end}}{{template \"t\" .kind}}{{block \"b\" .n}}[{{.}}]{{end}}", "<List>[3]"),
            ("{{$x := 1}}{{range .items}}{{$x = .name}}{{end}}{{$x}}", "b"),
            ("{{base64decode .enc}} {{exists . \"map\" \"k1\"}} {{exists . \"map\" \"zz\"}}", "hi true false"),
            ("{{range .items}}{{if eq .name \"b\"}}{{break}}{{end}}{{.name}}{{end}}", "a"),
            (
                "{{print 1 2 \"x\" 3}}|{{println .n .kind}}|{{html \"<a>\"}}|{{`raw\\n`}}",
                "1 2x3|3 List\n|&lt;a&gt;|raw\\n",
            ),
            ("{{.items}}", "[map[name:a tags:[x y]] map[name:b]]"),
            ("{{'a'}} {{0x10}} {{1_000}} {{-2.5}}", "97 16 1000 -2.5"),
            ("{{range $_, $t := (index .items 0).tags}}{{$t}}{{continue}}never{{end}}", "xy"),
        ] {
            check(template, Ok(expected));
        }
    }

    #[test]
    fn complains() {
        for (template, words) in [
            ("{{", "template: output:1: unclosed action"),
            ("{{.a", "template: output:1: unclosed action"),
            ("{{foo}}", "template: output:1: function \"foo\" not defined"),
            ("{{range .x}}", "template: output:1: unexpected EOF"),
            ("x\n{{end}}", "template: output:2: unexpected {{end}}"),
            ("{{}}", "template: output:1: missing value for command"),
            ("{{$x}}", "template: output:1: undefined variable \"$x\""),
            ("{{.a}", "template: output:1: bad character U+007D '}'"),
            ("{{\"abc}}", "template: output:1: unterminated quoted string"),
            (
                "{{.kind.x}}",
                "template: output:1:7: executing \"output\" at <.kind.x>: can't evaluate field x in type interface {}",
            ),
            (
                "{{.nil.x}}",
                "template: output:1:6: executing \"output\" at <.nil.x>: nil pointer evaluating interface {}.x",
            ),
            (
                "{{index .items 9}}",
                "template: output:1:2: executing \"output\" at <index .items 9>: error calling index: index out of range: 9",
            ),
            (
                "{{range .kind}}{{end}}",
                "template: output:1:8: executing \"output\" at <.kind>: range can't iterate over List",
            ),
            (
                "{{template \"none\"}}",
                "template: output:1:11: executing \"output\" at <{{template \"none\"}}>: template \"none\" not defined",
            ),
            (
                "{{eq .n \"a\"}}",
                "template: output:1:2: executing \"output\" at <eq .n \"a\">: error calling eq: incompatible types for comparison",
            ),
        ] {
            check(template, Err(words));
        }
        let strict = Template::parse("output", "{{.nope}}").expect("valid").allow_missing_keys(false);
        let words = "template: output:1:2: executing \"output\" at <.nope>: map has no entry for key \"nope\"";
        assert_eq!(strict.render(&data()), Err(Error(words.to_owned())));
    }

    #[test]
    fn junk_never_panics_nor_hangs() {
        const PIECES: [&str; 26] = [
            "{{",
            "}}",
            "range ",
            "end",
            "if ",
            "else",
            ".items",
            ".",
            "$x",
            ":=",
            "|",
            "(",
            ")",
            "printf ",
            "\"%d %s\" ",
            "1 ",
            "define \"t\"",
            "template \"t\" .",
            "with ",
            "index ",
            "- ",
            " -",
            ",",
            "é",
            "\n",
            "len ",
        ];
        let mut rng = crate::rng::Rng::derive(19, "gotemplate", "", 0);
        for _ in 0..20_000 {
            let text: String = (0..rng.below(14)).map(|_| PIECES[rng.below(26) as usize]).collect();
            if let Ok(template) = Template::parse("output", &text) {
                let _ = template.render(&data());
            }
        }
        let endless = "{{define \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}";
        assert!(Template::parse("output", endless).expect("valid").render(&data()).is_err());
        let long = format!("{}{}", "{{range 1000}}".repeat(5), "{{end}}".repeat(5));
        assert!(Template::parse("output", &long).expect("valid").render(&data()).is_err());
        assert!(Template::parse("output", &"{{if 1}}".repeat(5000)).is_err());
        assert!(Template::parse("output", &format!("{{{{{}", "(".repeat(5000))).is_err());
    }
}
