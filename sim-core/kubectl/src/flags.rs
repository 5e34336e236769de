//! Commands and flags as data, and the parsing of a command line by them.
//!
//! One table of [`Command`] entries drives parsing, help and completion.
//!
//! Models: spf13/cobra and spf13/pflag as kubectl uses them, with their error texts.

use crate::error::Error;
use crate::task::{Next, Run};
use std::collections::BTreeMap;

/// What values a flag takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Str,
    Int,
    /// `1s`, `5m`.
    Duration,
    /// Values are split at commas and add up.
    List,
    /// Values add up, commas belong to the value.
    Array,
}

pub struct Flag {
    pub name: &'static str,
    pub short: char,
    pub kind: Kind,
    pub default: &'static str,
    /// The value when the flag stands without one; empty: a value is required (Bool: `true`).
    pub bare: &'static str,
    pub help: &'static str,
}

const NO_SHORT: char = '\0';

pub const fn flag(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Flag {
    Flag { name, short: NO_SHORT, kind, default, bare: "", help }
}

pub const fn short(short: char, name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Flag {
    Flag { name, short, kind, default, bare: "", help }
}

pub const fn boolean(name: &'static str, help: &'static str) -> Flag {
    flag(name, Kind::Bool, "false", help)
}

pub const fn string(name: &'static str, help: &'static str) -> Flag {
    flag(name, Kind::Str, "", help)
}

/// The heading of `kubectl --help` under which a command stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Beginner,
    Intermediate,
    Deploy,
    Cluster,
    Trouble,
    Advanced,
    Settings,
    Other,
    /// A subcommand, or not shown.
    None,
}

pub struct Command {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub group: Group,
    pub short: &'static str,
    /// What follows `kubectl … NAME` in the usage line.
    pub usage: &'static str,
    pub long: &'static str,
    pub examples: &'static [(&'static str, &'static str)],
    pub flags: &'static [&'static [Flag]],
    pub required: &'static [&'static str],
    pub subs: &'static [&'static Command],
    /// `None`: only a parent of subcommands.
    pub run: Option<Run>,
}

impl Command {
    /// The rest of a table entry, for `..Command::EMPTY`.
    pub const EMPTY: Self = Self {
        name: "",
        aliases: &[],
        group: Group::None,
        short: "",
        usage: "",
        long: "",
        examples: &[],
        flags: &[],
        required: &[],
        subs: &[],
        run: None,
    };

    pub fn sub(&self, word: &str) -> Option<&'static Command> {
        self.subs.iter().copied().find(|c| c.name == word || c.aliases.contains(&word))
    }

    pub fn own_flags(&self) -> impl Iterator<Item = &'static Flag> {
        self.flags.iter().flat_map(|set| set.iter())
    }
}

/// Flags every command takes.
pub const GLOBAL: &[Flag] = &[
    flag("as", Kind::Str, "", "User name to act as; may be a service account of a namespace."),
    flag("as-group", Kind::Array, "", "Group to act as; may be repeated."),
    flag("as-uid", Kind::Str, "", "UID to act as."),
    flag("as-user-extra", Kind::Array, "", "Extra attributes of the user to act as; may be repeated."),
    flag("cache-dir", Kind::Str, "", "Directory of the discovery cache."),
    flag("certificate-authority", Kind::Str, "", "File with the certificate of the authority."),
    flag("client-certificate", Kind::Str, "", "File with the client's certificate."),
    flag("client-key", Kind::Str, "", "File with the client's key."),
    flag("cluster", Kind::Str, "", "Name of the kubeconfig cluster to use."),
    flag("context", Kind::Str, "", "Name of the kubeconfig context to use."),
    flag("disable-compression", Kind::Bool, "false", "Ask for uncompressed responses."),
    flag("insecure-skip-tls-verify", Kind::Bool, "false", "Do not check the server's certificate."),
    flag("kubeconfig", Kind::Str, "", "Path of the kubeconfig file."),
    flag("kuberc", Kind::Str, "", "Path of the preferences file."),
    flag("log-flush-frequency", Kind::Duration, "5s", "Longest time between two writes of the log."),
    flag("match-server-version", Kind::Bool, "false", "Require the server to have the client's version."),
    short('n', "namespace", Kind::Str, "", "Namespace of this request."),
    flag("password", Kind::Str, "", "Password for basic authentication."),
    flag("profile", Kind::Str, "none", "Kind of profile to capture."),
    flag("profile-output", Kind::Str, "profile.pprof", "File to write the profile to."),
    flag("request-timeout", Kind::Str, "0", "How long one request may take; zero means for ever."),
    short('s', "server", Kind::Str, "", "Address and port of the API server."),
    flag("tls-server-name", Kind::Str, "", "Name to check the server's certificate against."),
    flag("token", Kind::Str, "", "Bearer token for the API server."),
    flag("user", Kind::Str, "", "Name of the kubeconfig user to use."),
    flag("username", Kind::Str, "", "User name for basic authentication."),
    short('v', "v", Kind::Int, "0", "Level of the log's verbosity."),
    flag("vmodule", Kind::Str, "", "Levels of verbosity by file."),
    flag("warnings-as-errors", Kind::Bool, "false", "Treat warnings of the server as errors."),
];

const HELP: &Flag = &short('h', "help", Kind::Bool, "false", "Help for the command.");

/// A parsed command line.
#[derive(Clone)]
pub struct Args {
    pub command: &'static Command,
    /// `kubectl rollout status`.
    pub path: String,
    values: BTreeMap<&'static str, Vec<String>>,
    /// What is no flag.
    pub rest: Vec<String>,
    /// How many of `rest` stood before `--`, if it was there.
    pub dash: Option<usize>,
}

impl Args {
    fn known(&self, name: &str) -> Option<&'static Flag> {
        find_long(self.command, name)
    }

    pub fn changed(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The last value given, or the default.
    pub fn str(&self, name: &str) -> &str {
        match self.values.get(name).and_then(|v| v.last()) {
            Some(v) => v,
            None => self.known(name).map_or("", |f| f.default),
        }
    }

    pub fn bool(&self, name: &str) -> bool {
        parse_bool(self.str(name)).unwrap_or(false)
    }

    pub fn int(&self, name: &str) -> i64 {
        self.str(name).parse().unwrap_or(0)
    }

    /// Nanoseconds.
    pub fn duration(&self, name: &str) -> i64 {
        apimachinery::duration::parse(self.str(name)).unwrap_or(0)
    }

    pub fn list(&self, name: &str) -> Vec<String> {
        let split = self.known(name).is_some_and(|f| f.kind == Kind::List);
        let Some(values) = self.values.get(name) else {
            let default = self.known(name).map_or("", |f| f.default);
            return if default.is_empty() { Vec::new() } else { default.split(',').map(Into::into).collect() };
        };
        if split { values.iter().flat_map(|v| split_csv(v)).collect() } else { values.clone() }
    }

    pub fn set(&mut self, name: &'static str, value: &str) {
        self.values.insert(name, vec![value.into()]);
    }

    /// Arguments before `--`.
    pub fn before_dash(&self) -> &[String] {
        &self.rest[..self.dash.unwrap_or(self.rest.len()).min(self.rest.len())]
    }

    /// Arguments after `--`.
    pub fn after_dash(&self) -> &[String] {
        &self.rest[self.dash.unwrap_or(self.rest.len()).min(self.rest.len())..]
    }

    pub fn wants_help(&self) -> bool {
        self.bool("help")
    }

    /// An error that points to the command's help.
    pub fn usage_error(&self, message: impl core::fmt::Display) -> Error {
        Error::Plain(format!("{message}\nSee '{} -h' for help and examples", self.path))
    }
}

/// Splits at commas outside of double quotes.
fn split_csv(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let (mut out, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(core::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    out.push(word);
    out
}

fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn find_long(command: &'static Command, name: &str) -> Option<&'static Flag> {
    let all = command.own_flags().chain(GLOBAL).chain([HELP]);
    // Words may be parted by underscores as well.
    let plain = name.replace('_', "-");
    all.into_iter().find(|f| f.name == plain)
}

fn find_short(command: &'static Command, letter: char) -> Option<&'static Flag> {
    command.own_flags().chain(GLOBAL).chain([HELP]).find(|f| f.short == letter)
}

/// Finds the command of `argv` and parses its flags.
pub fn parse(root: &'static Command, argv: &[String]) -> Result<Args, Error> {
    let (command, path, rest) = find(root, argv)?;
    let mut args = Args { command, path, values: BTreeMap::new(), rest: Vec::new(), dash: None };
    read_flags(&mut args, &rest).map_err(|e| Error::Plain(format!("{e}\nSee '{} --help' for usage.", args.path)))?;
    if args.wants_help() {
        return Ok(args);
    }
    let missing: Vec<String> =
        command.required.iter().filter(|r| !args.changed(r)).map(|r| format!("\"{r}\"")).collect();
    if !missing.is_empty() {
        return Err(Error::Plain(format!("required flag(s) {} not set", missing.join(", "))));
    }
    Ok(args)
}

/// The deepest command named, its path, and the words that are not command names.
fn find(root: &'static Command, argv: &[String]) -> Result<(&'static Command, String, Vec<String>), Error> {
    let (mut command, mut path, mut rest) = (root, root.name.to_owned(), Vec::new());
    let mut i = 0;
    while i < argv.len() {
        let word = &argv[i];
        if word == "--" {
            break;
        }
        if word.starts_with('-') && word.len() > 1 {
            rest.push(word.clone());
            if takes_next(command, word) && i + 1 < argv.len() {
                i += 1;
                rest.push(argv[i].clone());
            }
            i += 1;
            continue;
        }
        match command.sub(word) {
            Some(sub) => {
                command = sub;
                path = format!("{path} {}", sub.name);
                i += 1;
            }
            None if core::ptr::eq(command, root) => return Err(unknown_command(root, word)),
            None => break,
        }
    }
    rest.extend_from_slice(&argv[i..]);
    Ok((command, path, rest))
}

/// Whether the flag `word` has its value in the next word.
fn takes_next(command: &'static Command, word: &str) -> bool {
    if word.contains('=') {
        return false;
    }
    let flag = match word.strip_prefix("--") {
        Some(name) => find_long(command, name),
        None if word.chars().count() == 2 => word.chars().nth(1).and_then(|c| find_short(command, c)),
        None => None,
    };
    flag.is_some_and(|f| f.kind != Kind::Bool && f.bare.is_empty())
}

fn unknown_command(root: &'static Command, word: &str) -> Error {
    let mut text = format!("unknown command \"{word}\" for \"{}\"", root.name);
    let near: Vec<&str> = root
        .subs
        .iter()
        .map(|c| c.name)
        .filter(|name| {
            distance(&word.to_lowercase(), name) <= 2
                || name.starts_with(&word.to_lowercase())
                || (*name == "get" && matches!(word, "list" | "ls"))
                || (*name == "delete" && word == "rm")
                || (*name == "scale" && word == "resize")
        })
        .collect();
    if !near.is_empty() {
        text.push_str("\n\nDid you mean this?\n");
        for name in near {
            text.push_str(&format!("\t{name}\n"));
        }
    }
    Error::Plain(text)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn read_flags(args: &mut Args, words: &[String]) -> Result<(), String> {
    let mut i = 0;
    while i < words.len() {
        let word = &words[i];
        i += 1;
        if word == "--" {
            args.dash = Some(args.rest.len());
            args.rest.extend_from_slice(&words[i..]);
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((n, v)) => (n, Some(v.to_owned())),
                None => (long, None),
            };
            let flag = find_long(args.command, name).ok_or_else(|| format!("unknown flag: --{name}"))?;
            let value = match value {
                Some(v) => v,
                None => bare_or_next(flag, words, &mut i).ok_or_else(|| format!("flag needs an argument: --{name}"))?,
            };
            store(args, flag, value)?;
        } else if word.starts_with('-') && word.len() > 1 {
            read_shorts(args, word, words, &mut i)?;
        } else {
            args.rest.push(word.clone());
        }
    }
    Ok(())
}

fn read_shorts(args: &mut Args, word: &str, words: &[String], i: &mut usize) -> Result<(), String> {
    let letters: Vec<char> = word.chars().skip(1).collect();
    let mut at = 0;
    while at < letters.len() {
        let letter = letters[at];
        let tail: String = letters[at..].iter().collect();
        let flag =
            find_short(args.command, letter).ok_or_else(|| format!("unknown shorthand flag: '{letter}' in -{tail}"))?;
        at += 1;
        let rest: String = letters[at..].iter().collect();
        let value = if let Some(v) = rest.strip_prefix('=') {
            at = letters.len();
            v.to_owned()
        } else if flag.kind == Kind::Bool {
            "true".to_owned()
        } else if !rest.is_empty() && flag.bare.is_empty() {
            at = letters.len();
            rest
        } else {
            bare_or_next(flag, words, i).ok_or_else(|| format!("flag needs an argument: '{letter}' in -{tail}"))?
        };
        store(args, flag, value)?;
    }
    Ok(())
}

fn bare_or_next(flag: &Flag, words: &[String], i: &mut usize) -> Option<String> {
    if flag.kind == Kind::Bool {
        return Some("true".into());
    }
    if !flag.bare.is_empty() {
        return Some(flag.bare.into());
    }
    let value = words.get(*i)?.clone();
    *i += 1;
    Some(value)
}

fn store(args: &mut Args, flag: &'static Flag, value: String) -> Result<(), String> {
    let wrong = |why: String| {
        let name = match flag.short {
            NO_SHORT => format!("--{}", flag.name),
            c => format!("-{c}, --{}", flag.name),
        };
        Err(format!("invalid argument \"{value}\" for \"{name}\" flag: {why}"))
    };
    match flag.kind {
        Kind::Bool if parse_bool(&value).is_none() => {
            return wrong(format!("strconv.ParseBool: parsing \"{value}\": invalid syntax"));
        }
        Kind::Int if value.parse::<i64>().is_err() => {
            return wrong(format!("strconv.ParseInt: parsing \"{value}\": invalid syntax"));
        }
        Kind::Duration => {
            if let Err(why) = apimachinery::duration::parse(&value) {
                return wrong(why);
            }
        }
        _ => {}
    }
    args.values.entry(flag.name).or_default().push(value);
    Ok(())
}

/// Runs a command that only has subcommands.
pub fn parent(args: &Args) -> Result<Next, Error> {
    if args.rest.is_empty() {
        return Err(Error::Help);
    }
    Err(args.usage_error(format!("unknown command \"{}\"", args.rest.join(" "))))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::commands::ROOT;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(Into::into).collect()
    }

    fn check_error(line: &str, want: &str) {
        let text = parse(&ROOT, &words(line)).map(|_| String::new()).unwrap_or_else(|e| e.report().0);
        assert_eq!(text, want, "{line}");
    }

    #[test]
    fn errors() {
        check_error("frobnicate", "error: unknown command \"frobnicate\" for \"kubectl\"\n");
        check_error("gte pods", "error: unknown command \"gte\" for \"kubectl\"\n\nDid you mean this?\n\tget\n");
        check_error(
            "get pods --nosuchflag",
            "error: unknown flag: --nosuchflag\nSee 'kubectl get --help' for usage.\n",
        );
        check_error("get -z", "error: unknown shorthand flag: 'z' in -z\nSee 'kubectl get --help' for usage.\n");
        check_error("get pods -o", "error: flag needs an argument: 'o' in -o\nSee 'kubectl get --help' for usage.\n");
        check_error("scale deploy x", "error: required flag(s) \"replicas\" not set\n");
        check_error(
            "scale deploy x --replicas=many",
            "error: invalid argument \"many\" for \"--replicas\" flag: strconv.ParseInt: parsing \"many\": invalid syntax\nSee 'kubectl scale --help' for usage.\n",
        );
    }

    #[test]
    fn values() {
        let a = parse(&ROOT, &words("-n team-a get pods -owide -L app,tier --no-headers x")).expect("parses");
        assert_eq!(a.path, "kubectl get");
        assert_eq!((a.str("namespace"), a.str("output"), a.bool("no-headers")), ("team-a", "wide", true));
        assert_eq!(a.list("label-columns"), ["app", "tier"]);
        assert_eq!(a.rest, ["pods", "x"]);
        let a = parse(&ROOT, &words("exec -it web -- sh -c ls")).expect("parses");
        assert_eq!(a.before_dash(), ["web"]);
        assert_eq!(a.after_dash(), ["sh", "-c", "ls"]);
        let a = parse(&ROOT, &words("run x --image=y --dry-run -o yaml")).expect("parses");
        assert_eq!((a.str("dry-run"), a.str("output"), a.str("restart")), ("unchanged", "yaml", "Always"));
    }
}
