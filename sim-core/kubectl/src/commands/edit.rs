//! `kubectl edit`: the object in an editor, then the difference as a patch.
//!
//! Models: kubectl `cmd/edit` and `cmd/util/editor`.

use crate::builder::{FILE_FLAGS, Find, Info};
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Flag, Group, Kind, boolean, flag, short};
use crate::json::{list, name, remove, text};
use crate::pod_spec;
use crate::printers::as_list;
use crate::session::Kube;
use crate::task::{Next, Task, Turn, task};
use apimachinery::yaml;
use machine::process::{Pid, Wake};
use serde_json::Value;

const FLAGS: &[Flag] = &[
    flag("field-manager", Kind::Str, "kubectl-edit", "Name under which field ownership is tracked."),
    short('o', "output", Kind::Str, "", "Format in the editor: yaml or json."),
    boolean("output-patch", "Print the patch."),
    flag("subresource", Kind::Str, "", "Edit this subresource."),
    boolean("windows-line-endings", "Use Windows line endings."),
];

pub static COMMAND: Command = Command {
    name: "edit",
    group: Group::Intermediate,
    short: "Edit a resource on the server",
    usage: "(RESOURCE/NAME | -f FILENAME) [options]",
    long: "Edit a resource from the default editor: $KUBE_EDITOR, $EDITOR, or vi.\n\n An error reopens the file with the reasons at its top.",
    examples: &[
        ("Edit a service", "kubectl edit svc/registry"),
        ("With another editor", "KUBE_EDITOR=\"nano\" kubectl edit svc/registry"),
    ],
    flags: &[FLAGS, FILE_FLAGS],
    run: Some(run),
    ..Command::EMPTY
};

const HEADER: &str = "# Please edit the object below. Lines beginning with a '#' will be ignored,\n# and an empty file will abort the edit. If an error occurs while saving this file will be\n# reopened with the relevant failures.\n#\n";

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let mut find = Find::new(args);
    find.type_alone = true;
    let mut infos = k.find(&find)?.strict()?;
    if infos.is_empty() {
        return plain("edit cancelled, no objects found");
    }
    for info in &mut infos {
        remove(&mut info.object, "/metadata/managedFields");
    }
    let json = args.str("output") == "json";
    let subresource = args.str("subresource").to_owned();
    let body = render(&infos, json);
    let file = format!("/tmp/kubectl-edit-{}.{}", k.ctx.pid.0, if json { "json" } else { "yaml" });
    task(Edit { infos, file, body, reasons: Vec::new(), child: None, json, subresource, tries: 0 })
}

fn render(infos: &[Info], json: bool) -> String {
    let object = match infos {
        [one] => one.object.clone(),
        many => as_list(many.iter().map(|i| i.object.clone()).collect()),
    };
    if json { apimachinery::json::pretty(&object) } else { yaml::to_string(&object) }
}

#[derive(Clone)]
struct Edit {
    infos: Vec<Info>,
    file: String,
    /// What the editor is given below the header.
    body: String,
    reasons: Vec<String>,
    child: Option<Pid>,
    json: bool,
    subresource: String,
    tries: u32,
}

impl Task for Edit {
    fn step(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        let Some(child) = self.child else { return self.open(k) };
        let Some(code) = k.ctx.reap(child) else { return Ok(Turn::Wait(Wake::Child(child))) };
        self.child = None;
        if code != 0 {
            let editor = editor(k);
            return plain(format!("there was a problem with the editor \"{editor}\""));
        }
        let bytes = k.ctx.read_file(&self.file).unwrap_or_default();
        let edited = without_comments(&String::from_utf8_lossy(&bytes));
        if edited == without_comments(&self.body) {
            if self.tries > 1 {
                k.err(&format!("A copy of your changes has been stored to \"{}\"\n", self.file));
                return plain("Edit cancelled, no valid changes were saved.");
            }
            k.err("Edit cancelled, no changes made.\n");
            return Ok(Turn::Done(0));
        }
        if edited.trim().is_empty() {
            k.err("Edit cancelled, saved file was empty.\n");
            return Ok(Turn::Done(0));
        }
        self.save(k, edited)
    }
}

fn editor(k: &Kube<'_, '_>) -> String {
    let set = |name: &str| k.ctx.env(name).filter(|v| !v.is_empty());
    set("KUBE_EDITOR").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".into())
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|l| !l.trim_start().starts_with('#')).map(|l| format!("{l}\n")).collect()
}

impl Edit {
    fn open(&mut self, k: &mut Kube<'_, '_>) -> Result<Turn, Error> {
        self.tries += 1;
        let mut text = if self.json { String::new() } else { HEADER.to_owned() };
        for reason in &self.reasons {
            text.push_str(&format!("# {}\n", reason.replace('\n', "\n# ")));
        }
        if !self.reasons.is_empty() {
            text.push_str("#\n");
        }
        text.push_str(&self.body);
        k.ctx.write_file(&self.file, text.as_bytes()).map_err(|e| Error::Plain(e.message().to_lowercase()))?;
        let editor = editor(k);
        let argv = ["/bin/sh", "-c", &format!("{editor} \"{}\"", self.file)].map(Into::into).to_vec();
        match k.ctx.spawn(argv) {
            Ok(pid) => {
                self.child = Some(pid);
                Ok(Turn::Wait(Wake::Child(pid)))
            }
            Err(e) => plain(format!("unable to launch the editor \"{editor}\": {}", e.message().to_lowercase())),
        }
    }

    fn again(&mut self, edited: String, reasons: Vec<String>) -> Result<Turn, Error> {
        self.body = edited;
        self.reasons = reasons;
        Ok(Turn::Again)
    }

    fn save(&mut self, k: &mut Kube<'_, '_>, edited: String) -> Result<Turn, Error> {
        let parsed = match yaml::parse(&edited) {
            Ok(v) => v,
            Err(e) => return self.again(edited, vec![format!("The edited file had a syntax error: {}", e.message)]),
        };
        let many = self.infos.len() > 1;
        let objects: Vec<Value> = if many { list(&parsed, "/items").to_vec() } else { vec![parsed] };
        let mut reasons = Vec::new();
        let mut saved = Vec::new();
        for object in objects {
            let Some(info) =
                self.infos.iter().find(|i| i.name == name(&object) && i.mapping.kind == text(&object, "/kind"))
            else {
                return plain("At least one of apiVersion, kind and name was changed");
            };
            let info = info.clone();
            let resource = info.mapping.group_resource();
            match self.patch(k, &info, &object) {
                Ok(true) => {
                    k.line(&format!("{}/{} edited", info.mapping.group_kind(), info.name));
                    saved.push(info.name);
                }
                Ok(false) => k.line(&format!("{}/{} skipped", info.mapping.group_kind(), info.name)),
                Err(Error::Api(e)) if e.reason == "Invalid" => {
                    let mut reason = format!("{resource} \"{}\" was not valid:", info.name);
                    for cause in list(&e.details, "/causes") {
                        reason.push_str(&format!("\n* {}: {}", text(cause, "/field"), text(cause, "/message")));
                    }
                    reasons.push(reason);
                    k.err(&format!("error: {resource} \"{}\" is invalid\n", info.name));
                }
                Err(e) => {
                    k.err(&format!("error: {resource} \"{}\" could not be patched: {}\n", info.name, e.text()));
                    reasons.push(format!("{resource} \"{}\" could not be patched: {}", info.name, e.text()));
                }
            }
        }
        if reasons.is_empty() {
            return Ok(Turn::Done(0));
        }
        self.infos.retain(|i| !saved.contains(&i.name));
        self.again(edited, reasons)
    }

    /// False when nothing changed.
    fn patch(&self, k: &mut Kube<'_, '_>, info: &Info, after: &Value) -> Result<bool, Error> {
        let (kind, patch) = pod_spec::two_way(info, after)?;
        if patch == serde_json::json!({}) {
            return Ok(false);
        }
        let mut path = info.path();
        if !self.subresource.is_empty() {
            path = format!("{path}/{}", self.subresource);
        }
        k.patch(&path, kind, &[("fieldManager", "kubectl-edit"), ("fieldValidation", "Strict")], patch)?;
        Ok(true)
    }
}
