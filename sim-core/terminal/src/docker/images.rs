//! `docker pull`, `push`, `images`, `tag`, `rmi`, `history`.

use super::engine::ago;
use super::login::stored;
use super::{bad_flag, daemon, refused, usage};
use crate::outside::{self, Outside};
use crate::play::{Act, Flag, fail, out, parse, wait_ms};
use apimachinery::order::Order as _;
use cluster::images::image::Image;
use cluster::images::latency;
use cluster::images::reference::Reference;
use machine::process::Ctx;
use std::sync::Arc;

/// `1.2MB`: decimal units, three significant digits.
pub fn human(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 || unit == "GB" {
            let text = match value {
                v if v >= 100.0 || unit == "B" => format!("{v:.0}"),
                v if v >= 10.0 => format!("{v:.1}"),
                v => format!("{v:.2}"),
            };
            let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
            return format!("{text}{unit}");
        }
        value /= 1000.0;
    }
    String::new()
}

/// `nginx:1.21.6` of a full name in the store.
pub fn familiar(full: &str) -> String {
    Reference::parse(full).map_or_else(|_| full.to_owned(), |r| r.familiar())
}

pub fn pull(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    const FLAGS: &[Flag] = &[("quiet", 'q', false), ("all-tags", 'a', false), ("platform", '\0', true)];
    let args = match parse(FLAGS, args, false) {
        Ok(args) => args,
        Err(e) => return bad_flag("pull", &e),
    };
    let [name] = args.words.as_slice() else { return usage("pull", "1 argument") };
    if let Err(acts) = daemon(ctx) {
        return acts;
    }
    let reference = match Reference::parse(name) {
        Ok(r) => r,
        Err(e) => return fail(format!("{e}\n"), 1),
    };
    let mut acts = Vec::new();
    let untagged = !name.rsplit('/').next().unwrap_or_default().contains([':', '@']);
    if untagged && !args.has("quiet") {
        acts.push(out("Using default tag: latest\n"));
    }
    let quiet = if args.has("quiet") { "q" } else { "" };
    acts.push(Act::Then(fetch, format!("{reference}\n{quiet}\n1")));
    acts.push(Act::Then(say_name, format!("{reference}")));
    acts
}

fn say_name(_: &mut Ctx<'_>, name: &str) -> Vec<Act> {
    vec![out(format!("{name}\n"))]
}

/// Acts that pull an image for `docker run` and `docker build`, then go on with `then`.
pub fn pull_then(reference: &Reference, then: crate::play::Next, with: String) -> Vec<Act> {
    vec![Act::Then(fetch, format!("{reference}\n\n125")), Act::Then(then, with)]
}

/// Pulls one reference: `reference\nq?\nexit code`.
fn fetch(ctx: &mut Ctx<'_>, with: &str) -> Vec<Act> {
    let mut parts = with.split('\n');
    let (name, quiet) = (parts.next().unwrap_or_default(), parts.next() == Some("q"));
    let code: i32 = parts.next().and_then(|c| c.parse().ok()).unwrap_or(1);
    let Ok(reference) = Reference::parse(name) else { return refused("invalid reference format") };
    let credentials = stored(ctx, &reference.domain);
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let now = outside.now;
    let image = match outside.registries.pull(&reference, credentials.as_ref(), now) {
        Ok(image) => image,
        Err(e) => {
            let words = e.docker(&reference);
            let (head, tail) =
                if code == 1 { ("", "") } else { ("docker: ", "\n\nRun 'docker run --help' for more information") };
            let mut acts = vec![Act::Wait(e.took())];
            acts.extend(fail(format!("{head}Error response from daemon: {words}{tail}\n"), code));
            return acts;
        }
    };
    let mut acts = vec![Act::Wait(latency::RESOLVE)];
    let tag = reference.selector();
    let target = reference.familiar_name();
    let shown_name = target.strip_prefix("docker.io/").unwrap_or(&target);
    let in_library = reference.repository.starts_with("library/") && reference.domain == "docker.io";
    let shown_name = if in_library { format!("library/{shown_name}") } else { shown_name.to_owned() };
    if !quiet {
        acts.push(out(format!("{tag}: Pulling from {shown_name}\n")));
    }
    let have: Vec<String> = outside.docker.images.layers().iter().map(|l| (*l).to_owned()).collect();
    let current = outside.docker.images.get(&reference).is_some_and(|i| i.id == image.id);
    let slowness = outside.registries.slowness(&reference.domain);
    if !current {
        for layer in &image.layers {
            let short = &layer.digest["sha256:".len()..][..12];
            let there = have.contains(&layer.digest);
            if !there {
                acts.push(Act::Wait(latency::transfer(layer.size, slowness)));
            }
            if !quiet {
                let what = if there { "Already exists" } else { "Pull complete" };
                acts.push(out(format!("{short}: {what}\n")));
            }
        }
    }
    if !quiet {
        let status = if current { "Image is up to date" } else { "Downloaded newer image" };
        acts.push(out(format!("Digest: {}\nStatus: {status} for {}\n", image.digest, reference.familiar())));
    }
    acts.push(Act::Then(keep, reference.to_string()));
    acts
}

/// The layers have arrived.
fn keep(ctx: &mut Ctx<'_>, name: &str) -> Vec<Act> {
    let Ok(reference) = Reference::parse(name) else { return Vec::new() };
    let credentials = stored(ctx, &reference.domain);
    if let Some(outside) = outside::of(ctx.host) {
        let now = outside.now;
        if let Ok(image) = outside.registries.pull(&reference, credentials.as_ref(), now) {
            outside.docker.images.insert(&reference, image);
        }
    }
    Vec::new()
}

pub fn push(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    const FLAGS: &[Flag] = &[("quiet", 'q', false), ("all-tags", 'a', false)];
    let args = match parse(FLAGS, args, false) {
        Ok(args) => args,
        Err(e) => return bad_flag("push", &e),
    };
    let [name] = args.words.as_slice() else { return usage("push", "1 argument") };
    let reference = match Reference::parse(name) {
        Ok(r) => r,
        Err(e) => return fail(format!("{e}\n"), 1),
    };
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let mut acts = Vec::new();
    if !name.rsplit('/').next().unwrap_or_default().contains(':') {
        acts.push(out("Using default tag: latest\n"));
    }
    acts.push(out(format!("The push refers to repository [{}]\n", reference.name())));
    let Some(image) = outside.docker.images.get(&reference).cloned() else {
        acts.extend(fail(format!("An image does not exist locally with the tag: {}\n", reference.familiar_name()), 1));
        return acts;
    };
    acts.push(wait_ms(600));
    for layer in &image.layers {
        let short = &layer.digest["sha256:".len()..][..12];
        acts.push(out(format!("{short}: Preparing\n")));
    }
    acts.push(Act::Then(send, reference.to_string()));
    acts
}

fn send(ctx: &mut Ctx<'_>, name: &str) -> Vec<Act> {
    let Ok(reference) = Reference::parse(name) else { return Vec::new() };
    let credentials = stored(ctx, &reference.domain);
    let Some(outside) = outside::of(ctx.host) else { return Vec::new() };
    let Some(image) = outside.docker.images.get(&reference).cloned() else { return Vec::new() };
    let have = remote_layers(outside, &reference);
    if let Err(e) = outside.registries.push(&reference, credentials.as_ref(), image.clone()) {
        return fail(format!("{}\n", e.docker(&reference.domain)), 1);
    }
    outside.share_registries();
    let mut acts = Vec::new();
    for layer in &image.layers {
        let short = &layer.digest["sha256:".len()..][..12];
        if have.contains(&layer.digest) {
            acts.push(out(format!("{short}: Layer already exists\n")));
        } else {
            // Uploads are slower than downloads.
            acts.push(Act::Wait(latency::transfer(layer.size, 4)));
            acts.push(out(format!("{short}: Pushed\n")));
        }
    }
    let tag = if reference.tag.is_empty() { "latest" } else { &reference.tag };
    acts.push(wait_ms(400));
    acts.push(out(format!("{tag}: digest: {} size: {}\n", image.digest, 500 + 210 * image.layers.len())));
    acts
}

fn remote_layers(outside: &Outside, reference: &Reference) -> Vec<String> {
    let registry = outside.registries.get(&reference.domain);
    let repositories = registry.into_iter().flat_map(|r| r.repositories().values());
    repositories.flat_map(|r| r.tags.values()).flat_map(|i| i.layers.iter().map(|l| l.digest.clone())).collect()
}

pub fn list(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    const FLAGS: &[Flag] = &[
        ("all", 'a', false),
        ("quiet", 'q', false),
        ("no-trunc", '\0', false),
        ("digests", '\0', false),
        ("filter", 'f', true),
        ("format", '\0', true),
    ];
    let args = match parse(FLAGS, args, false) {
        Ok(args) => args,
        Err(e) => return bad_flag("images", &e),
    };
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    if args.get("format").is_some() || args.get("filter").is_some() {
        return fail("docker images: --format and --filter are not simulated\n", 1);
    }
    let now = outside.now;
    let mut rows: Vec<(String, String, Arc<Image>)> = Vec::new();
    for (name, image) in outside.docker.images.iter() {
        let (repository, tag) = match name.map(Reference::parse) {
            Some(Ok(r)) => (r.familiar_name(), if r.tag.is_empty() { "<none>".into() } else { r.tag.clone() }),
            _ => ("<none>".to_owned(), "<none>".to_owned()),
        };
        let wanted = args.words.first().is_none_or(|w| *w == repository || *w == format!("{repository}:{tag}"));
        if wanted && (args.has("all") || name.is_some() || !rows.iter().any(|r| r.2.id == image.id)) {
            rows.push((repository, tag, image.clone()));
        }
    }
    rows.order_by(|a, b| b.2.created.cmp(&a.2.created).then(a.0.cmp(&b.0)).then(b.1.cmp(&a.1)));
    let short = |i: &Image| match args.has("no-trunc") {
        true => i.id.clone(),
        false => i.id["sha256:".len()..][..12].to_owned(),
    };
    if args.has("quiet") {
        let mut text: Vec<String> = rows.iter().map(|r| short(&r.2)).collect();
        text.dedup();
        return vec![out(text.iter().map(|l| format!("{l}\n")).collect::<String>())];
    }
    let mut table = vec![["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"].map(str::to_owned).to_vec()];
    for (repository, tag, image) in &rows {
        let created = format!("{} ago", ago(now.since(image.created)));
        table.push(vec![repository.clone(), tag.clone(), short(image), created, human(image.size_unpacked())]);
    }
    vec![out(columns(&table))]
}

/// Columns three blanks apart, as docker prints tables.
pub fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.first().map_or(0, Vec::len);
    let width = |i: usize| rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (i, cell) in row.iter().enumerate() {
            let last = i + 1 == row.len();
            line.push_str(cell);
            if !last {
                line.extend(std::iter::repeat_n(' ', widths[i] + 3 - cell.chars().count()));
            }
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// An image of the store by name or id.
pub fn find(outside: &Outside, key: &str) -> Option<Arc<Image>> {
    let by_name = Reference::parse(key).ok().and_then(|r| outside.docker.images.get(&r).cloned());
    by_name.or_else(|| outside.docker.images.by_id(key).cloned())
}

pub fn tag(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let [source, target] = args else { return usage("tag", "2 arguments") };
    let reference = match Reference::parse(target) {
        Ok(r) => r,
        Err(e) => {
            return fail(format!("Error parsing reference: \"{target}\" is not a valid repository/tag: {e}\n"), 1);
        }
    };
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    match find(outside, source) {
        Some(image) => {
            outside.docker.images.insert(&reference, image);
            Vec::new()
        }
        None => {
            refused(format!("No such image: {}", Reference::parse(source).map_or(source.clone(), |r| r.familiar())))
        }
    }
}

pub fn rmi(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    const FLAGS: &[Flag] = &[("force", 'f', false), ("no-prune", '\0', false)];
    let args = match parse(FLAGS, args, false) {
        Ok(args) => args,
        Err(e) => return bad_flag("rmi", &e),
    };
    if args.words.is_empty() {
        return usage("rmi", "at least 1 argument");
    }
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let mut acts = Vec::new();
    let mut code = 0;
    for key in &args.words {
        match remove(outside, key, args.has("force")) {
            Ok(text) => acts.push(out(text)),
            Err(words) => {
                acts.push(Act::Err(format!("Error response from daemon: {words}\n")));
                code = 1;
            }
        }
    }
    acts.push(Act::Exit(code));
    acts
}

fn remove(outside: &mut Outside, key: &str, force: bool) -> Result<String, String> {
    let image = find(outside, key).ok_or_else(|| {
        let name = Reference::parse(key).map_or(key.to_owned(), |r| r.familiar());
        format!("No such image: {name}")
    })?;
    let named = Reference::parse(key).ok().filter(|r| outside.docker.images.get(r).is_some());
    let names: Vec<String> = outside.docker.images.names_of(&image.id).map(str::to_owned).collect();
    let last = named.is_none() || names.len() <= 1;
    let short = |id: &str| id.trim_start_matches("sha256:")[..12].to_owned();
    if last && let Some(c) = outside.docker.containers.iter().find(|c| c.image.id == image.id) {
        let (state, hint) = if c.running() {
            ("running container", "cannot be forced")
        } else {
            ("stopped container", "must be forced")
        };
        if !force || c.running() {
            let what = match &named {
                Some(r) => format!(
                    "conflict: unable to remove repository reference \"{}\" (must force) - container {} is using its referenced image {}",
                    r.familiar(),
                    short(&c.id),
                    short(&image.id)
                ),
                None => format!(
                    "conflict: unable to delete {} ({hint}) - image is being used by {state} {}",
                    short(&image.id),
                    short(&c.id)
                ),
            };
            return Err(what);
        }
    }
    if named.is_none() && names.len() > 1 && !force {
        return Err(format!(
            "conflict: unable to delete {} (must be forced) - image is referenced in multiple repositories",
            short(&image.id)
        ));
    }
    let mut text = String::new();
    match named {
        Some(r) => {
            outside.docker.images.remove(&r);
            text.push_str(&format!("Untagged: {}\n", r.familiar()));
        }
        None => {
            for name in &names {
                text.push_str(&format!("Untagged: {}\n", familiar(name)));
            }
            outside.docker.images.remove_image(&image.id);
        }
    }
    if last {
        outside.docker.images.remove_image(&image.id);
        text.push_str(&format!("Deleted: {}\n", image.id));
        for layer in image.layers.iter().rev() {
            if !outside.docker.images.layers().contains(layer.digest.as_str()) {
                text.push_str(&format!("Deleted: {}\n", layer.digest));
            }
        }
    }
    Ok(text)
}

pub fn prune(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let all = args.iter().any(|a| a == "-a" || a == "--all" || a == "-af");
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let used: Vec<String> = outside.docker.containers.iter().map(|c| c.image.id.clone()).collect();
    let gone: Vec<Arc<Image>> = outside
        .docker
        .images
        .iter()
        .filter(|(name, image)| (name.is_none() || all) && !used.contains(&image.id))
        .map(|(_, image)| image.clone())
        .collect();
    let mut bytes = 0;
    let mut text = String::new();
    for image in gone {
        bytes += image.size_unpacked();
        text.push_str(&format!("deleted: {}\n", image.id));
        outside.docker.images.remove_image(&image.id);
    }
    if !text.is_empty() {
        text = format!("Deleted Images:\n{text}\n");
    }
    vec![out(format!("{text}Total reclaimed space: {}\n", human(bytes)))]
}

pub fn history(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    let [key] = args else { return usage("history", "1 argument") };
    let outside = match daemon(ctx) {
        Ok(outside) => outside,
        Err(acts) => return acts,
    };
    let Some(image) = find(outside, key) else { return refused(format!("No such image: {key}")) };
    let now = outside.now;
    let mut rows = vec![["IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT"].map(str::to_owned).to_vec()];
    let age = format!("{} ago", ago(now.since(image.created)));
    for (i, layer) in image.layers.iter().rev().enumerate() {
        let id = if i == 0 { image.id["sha256:".len()..][..12].to_owned() } else { "<missing>".to_owned() };
        let mut by = layer.created_by.clone();
        if by.chars().count() > 45 {
            by = by.chars().take(44).chain(['…']).collect();
        }
        rows.push(vec![id, age.clone(), by, human(layer.size * 5 / 2), "buildkit.dockerfile.v0".to_owned()]);
    }
    vec![out(columns(&rows))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_docker_prints_them() {
        for (bytes, text) in [
            (0, "0B"),
            (999, "999B"),
            (5_950, "5.95kB"),
            (142_000_000, "142MB"),
            (1_240_000_000, "1.24GB"),
            (76_000_000, "76MB"),
        ] {
            assert_eq!(human(bytes), text);
        }
    }
}
