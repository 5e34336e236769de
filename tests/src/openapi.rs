//! The schemas of the built-in kinds with their documentation, for `kubectl explain` and other readers of OpenAPI.
//!
//! `kaiki openapi` makes them from the source of the k8s-openapi crate, which carries each type's schema beside it; the
//! result is kept packed in `static/openapi/`, so that nobody needs that source to build or run. [`schemas`] unpacks it.

use serde_json::{Map, Value, json};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

static PACKED: &[u8] = include_bytes!("../../static/openapi/v1.36.json.gz");

/// What `ApiServer::set_openapi` takes.
pub fn schemas() -> Arc<Value> {
    let mut text = String::new();
    let read = flate2::read::GzDecoder::new(PACKED).read_to_string(&mut text);
    let value = read.ok().and_then(|_| serde_json::from_str(&text).ok());
    Arc::new(value.unwrap_or_default())
}

/// Makes the packed file. `source`: the crate's directory.
pub fn generate(source: &Path, out: &Path, kinds: &[(String, String, String)]) -> Result<String, String> {
    let mut all = Map::new();
    collect(&source.join("src/v1_36"), &mut all)?;
    let wanted = |schema: &Value| {
        let gvk = &schema["x-kubernetes-group-version-kind"][0];
        kinds.iter().any(|(group, version, kind)| {
            gvk["group"] == **group && gvk["version"] == **version && gvk["kind"] == **kind
        })
    };
    let mut open: Vec<String> = all.iter().filter(|(_, s)| wanted(s)).map(|(name, _)| name.clone()).collect();
    // What the schemas of custom kinds refer to.
    open.push("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta".to_owned());
    let mut kept = Map::new();
    while let Some(name) = open.pop() {
        if let Some(schema) = all.remove(&name) {
            references(&schema, &mut open);
            kept.insert(name, schema);
        }
    }
    let count = kept.len();
    let text = Value::Object(kept).to_string();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).map_err(|e| e.to_string())?;
    std::fs::write(out, &packed).map_err(|e| format!("{}: {e}", out.display()))?;
    Ok(format!("{count} schemas, {} bytes, {} packed", text.len(), packed.len()))
}

fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            let name = map.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/components/schemas/"));
            found.extend(name.map(str::to_owned));
            map.values().for_each(|v| references(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| references(v, found)),
        _ => {}
    }
}

/// Reads every file below a directory.
fn collect(directory: &Path, all: &mut Map<String, Value>) -> Result<(), String> {
    let entries = std::fs::read_dir(directory).map_err(|e| format!("{}: {e}", directory.display()))?;
    for entry in entries {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.is_dir() {
            collect(&path, all)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).map_err(|e| e.to_string())?;
            if let Some((name, schema)) = one(&text) {
                all.insert(name, schema);
            }
        }
    }
    Ok(())
}

/// Fields that take one of a few values, by type: the crate's schemas do not say so. Not all there are.
const ENUMS: &[(&str, &str, &[&str])] = &[
    ("core.v1.Container", "imagePullPolicy", &["Always", "IfNotPresent", "Never"]),
    ("core.v1.Container", "terminationMessagePolicy", &["FallbackToLogsOnError", "File"]),
    ("core.v1.ContainerPort", "protocol", &["SCTP", "TCP", "UDP"]),
    ("core.v1.ServicePort", "protocol", &["SCTP", "TCP", "UDP"]),
    ("core.v1.PodSpec", "dnsPolicy", &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]),
    ("core.v1.PodSpec", "preemptionPolicy", &["Never", "PreemptLowerPriority"]),
    ("core.v1.PodSpec", "restartPolicy", &["Always", "Never", "OnFailure"]),
    ("core.v1.PodStatus", "phase", &["Failed", "Pending", "Running", "Succeeded", "Unknown"]),
    ("core.v1.PodStatus", "qosClass", &["BestEffort", "Burstable", "Guaranteed"]),
    ("core.v1.ServiceSpec", "externalTrafficPolicy", &["Cluster", "Local"]),
    ("core.v1.ServiceSpec", "internalTrafficPolicy", &["Cluster", "Local"]),
    ("core.v1.ServiceSpec", "ipFamilyPolicy", &["PreferDualStack", "RequireDualStack", "SingleStack"]),
    ("core.v1.ServiceSpec", "sessionAffinity", &["ClientIP", "None"]),
    ("core.v1.ServiceSpec", "type", &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]),
    ("core.v1.Taint", "effect", &["NoExecute", "NoSchedule", "PreferNoSchedule"]),
    ("core.v1.Toleration", "effect", &["NoExecute", "NoSchedule", "PreferNoSchedule"]),
    ("core.v1.Toleration", "operator", &["Equal", "Exists"]),
    ("core.v1.NamespaceStatus", "phase", &["Active", "Terminating"]),
    ("apps.v1.DeploymentStrategy", "type", &["Recreate", "RollingUpdate"]),
    ("apps.v1.DaemonSetUpdateStrategy", "type", &["OnDelete", "RollingUpdate"]),
    ("apps.v1.StatefulSetUpdateStrategy", "type", &["OnDelete", "RollingUpdate"]),
    ("apps.v1.StatefulSetSpec", "podManagementPolicy", &["OrderedReady", "Parallel"]),
    ("batch.v1.CronJobSpec", "concurrencyPolicy", &["Allow", "Forbid", "Replace"]),
    ("batch.v1.JobSpec", "completionMode", &["Indexed", "NonIndexed"]),
    ("networking.v1.HTTPIngressPath", "pathType", &["Exact", "ImplementationSpecific", "Prefix"]),
];

/// The schema that one source file declares.
fn one(text: &str) -> Option<(String, Value)> {
    let (_, rest) = text.split_once("fn schema_name()")?;
    let mut name = Source { text: rest.split_once('{')?.1, at: 0 };
    let name = name.string()?;
    let (_, body) = rest.split_once("json_schema!(")?;
    let mut schema = Source { text: body, at: 0 }.value()?;
    for (_, field, values) in ENUMS.iter().filter(|(kind, ..)| name == format!("io.k8s.api.{kind}")) {
        schema["properties"][*field]["enum"] = json!(values);
    }
    let constant = |key: &str| {
        let (_, rest) = text.split_once(&format!("const {key}: &'static str = \""))?;
        Some(rest.split_once('"')?.0)
    };
    if let (Some(group), Some(version), Some(kind)) = (constant("GROUP"), constant("VERSION"), constant("KIND")) {
        // The crate's types insist on metadata; the API does not.
        if let Some(required) = schema["required"].as_array_mut() {
            required.retain(|field| field != "metadata");
        }
        schema["x-kubernetes-group-version-kind"] = json!([{"group": group, "version": version, "kind": kind}]);
    }
    Some((name, schema))
}

/// A schema in the notation of `json_schema!`: JSON with trailing commas, and references in parentheses.
struct Source<'t> {
    text: &'t str,
    at: usize,
}

impl Source<'_> {
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn skip_past(&mut self, mark: &str) -> Option<()> {
        self.at += self.text[self.at..].find(mark)? + mark.len();
        Some(())
    }

    fn value(&mut self) -> Option<Value> {
        match self.peek()? {
            '{' => {
                self.at += 1;
                let mut map = Map::new();
                while !self.eat('}') {
                    let key = self.string()?;
                    if !self.eat(':') {
                        return None;
                    }
                    map.insert(key, self.value()?);
                    self.eat(',');
                }
                Some(Value::Object(map))
            }
            '[' => {
                self.at += 1;
                let mut items = Vec::new();
                while !self.eat(']') {
                    items.push(self.value()?);
                    self.eat(',');
                }
                Some(Value::Array(items))
            }
            '(' | '_' => self.reference(),
            '"' => self.string().map(Value::String),
            _ => {
                let rest = &self.text[self.at..];
                let word = &rest[..rest.find([',', '}', ']', '\n'])?];
                self.at += word.len();
                serde_json::from_str(word.trim()).ok()
            }
        }
    }

    /// `(__gen.subschema_for::<T>())`, with or without the parentheses, or the same with a description put beside it.
    fn reference(&mut self) -> Option<Value> {
        self.skip_past("subschema_for::<")?;
        let rest = &self.text[self.at..];
        let path = &rest[..rest.find(">()")?];
        self.at += path.len() + 3;
        let target = json!({"$ref": format!("#/components/schemas/{}", schema_name(path))});
        if !self.eat(';') {
            self.eat(')');
            return Some(target);
        }
        self.skip_past(".insert(")?;
        let key = self.string()?;
        self.skip_past(",")?;
        let text = self.string()?;
        self.skip_past("})")?;
        Some(json!({"allOf": [target], key: text}))
    }

    /// The next string literal.
    fn string(&mut self) -> Option<String> {
        self.skip_past("\"")?;
        let mut out = String::new();
        let mut chars = self.text[self.at..].char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += i + 1;
                    return Some(out);
                }
                '\\' => out.push(match chars.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                }),
                c => out.push(c),
            }
        }
        None
    }
}

/// `crate::api::core::v1::Pod` as OpenAPI names it.
fn schema_name(path: &str) -> String {
    let parts: Vec<&str> = path.trim_start_matches("crate::").split("::").collect();
    let root = parts[0].replace('_', "-");
    format!("io.k8s.{root}.{}", parts[1..].join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_notation() {
        let source = r#"const GROUP: &'static str = ""; const KIND: &'static str = "Thing"; const VERSION: &'static str = "v1";
            fn schema_name() -> Cow { "io.k8s.Thing".into() }
            crate::schemars::json_schema!({
                "description": "A \"thing\".\nMore.",
                "properties": {
                    "meta": ({
                        let mut schema_obj = __gen.subschema_for::<crate::api::core::v1::Meta>();
                        schema_obj.ensure_object().insert("description".into(), "Its meta.".into());
                        schema_obj
                    }),
                    "list": {"type": "array", "items": (__gen.subschema_for::<crate::kube_aggregator::pkg::X>()), },
                },
                "required": ["meta", "metadata", ],
            })"#;
        let expected = json!({"description": "A \"thing\".\nMore.", "required": ["meta"],
            "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Thing"}],
            "properties": {
                "meta": {"allOf": [{"$ref": "#/components/schemas/io.k8s.api.core.v1.Meta"}], "description": "Its meta."},
                "list": {"type": "array", "items": {"$ref": "#/components/schemas/io.k8s.kube-aggregator.pkg.X"}}}});
        assert_eq!(one(source), Some(("io.k8s.Thing".to_owned(), expected)));
    }

    #[test]
    fn documents_what_is_served() {
        let schemas = schemas();
        let pod = &schemas["io.k8s.api.core.v1.Pod"];
        assert!(pod["description"].as_str().is_some_and(|d| d.starts_with("Pod is a collection of containers")));
        let mut found = Vec::new();
        for (kind, field, values) in ENUMS {
            let property = &schemas[format!("io.k8s.api.{kind}")]["properties"][*field];
            assert_eq!((&property["type"], &property["enum"]), (&json!("string"), &json!(values)), "{kind} {field}");
        }
        references(&schemas, &mut found);
        found.retain(|name| schemas[name].is_null());
        assert_eq!(found, Vec::<String>::new(), "references that lead nowhere");
    }
}
