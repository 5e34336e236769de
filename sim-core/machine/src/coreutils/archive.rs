//! `tar`: create, list, extract. The archive is the ustar format with GNU's long names; `z` is accepted but nothing is compressed.

use crate::fs::{Body, FsError, Kind};
use crate::machine::Tools;
use crate::process::Ctx;

const BLOCK: usize = 512;
/// Longest name that a header holds.
const NAME_MAX: usize = 100;

/// One file of an archive.
pub struct Member {
    pub name: String,
    pub mode: u16,
    /// `0` a file, `2` a symbolic link, `5` a directory.
    pub kind: u8,
    pub link: String,
    pub bytes: Vec<u8>,
}

pub const FILE: u8 = b'0';
pub const LINK: u8 = b'2';
pub const DIRECTORY: u8 = b'5';
/// The next member's name, too long for its own header.
const LONG_NAME: u8 = b'L';

fn field(out: &mut [u8], text: &str) {
    let n = text.len().min(out.len());
    out[..n].copy_from_slice(&text.as_bytes()[..n]);
}

/// One member's header, body and filling.
fn block(out: &mut Vec<u8>, m: &Member) {
    let mut head = [0u8; BLOCK];
    field(&mut head[..100], &m.name);
    field(&mut head[100..108], &format!("{:07o}", m.mode));
    field(&mut head[108..124], "0000000\x000000000\0");
    field(&mut head[124..136], &format!("{:011o}", m.bytes.len()));
    field(&mut head[136..148], "00000000000");
    field(&mut head[148..156], "        ");
    head[156] = m.kind;
    field(&mut head[157..257], &m.link);
    field(&mut head[257..265], "ustar\x0000");
    let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
    field(&mut head[148..156], &format!("{sum:06o}\0 "));
    out.extend(head);
    out.extend(&m.bytes);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

/// An archive of these, with the two empty blocks that end one.
pub fn pack(members: &[Member]) -> Vec<u8> {
    let mut out = Vec::new();
    for m in members {
        if m.name.len() > NAME_MAX {
            let bytes = m.name.clone().into_bytes();
            block(
                &mut out,
                &Member { name: "././@LongLink".into(), mode: 0o644, kind: LONG_NAME, link: String::new(), bytes },
            );
        }
        block(&mut out, m);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

/// Whether the archive is there to its end.
pub fn is_whole(bytes: &[u8]) -> bool {
    bytes.len() >= 2 * BLOCK && bytes[bytes.len() - 2 * BLOCK..].iter().all(|b| *b == 0)
}

/// What is in an archive; `None` when it is none.
pub fn unpack(bytes: &[u8]) -> Option<Vec<Member>> {
    let mut out = Vec::new();
    let (mut at, mut long) = (0, None);
    while let Some(head) = bytes.get(at..at + BLOCK).filter(|head| head[0] != 0) {
        if &head[257..262] != b"ustar" {
            return None;
        }
        let text =
            |r: core::ops::Range<usize>| String::from_utf8_lossy(&head[r]).trim_end_matches(['\0', ' ']).to_owned();
        let octal = |r| u64::from_str_radix(&text(r), 8).ok();
        let size = usize::try_from(octal(124..136)?).ok()?;
        let start = at + BLOCK;
        let body = bytes.get(start..start.checked_add(size)?)?.to_vec();
        at = start + size.next_multiple_of(BLOCK);
        if head[156] == LONG_NAME {
            long = Some(String::from_utf8_lossy(&body).trim_end_matches('\0').to_owned());
            continue;
        }
        out.push(Member {
            name: long.take().unwrap_or_else(|| text(0..NAME_MAX)),
            mode: (octal(100..108)? & 0o7777) as u16,
            kind: head[156],
            link: text(157..257),
            bytes: body,
        });
    }
    Some(out)
}

#[derive(Default)]
struct Options {
    flags: String,
    file: Option<String>,
    dir: String,
    names: Vec<String>,
}

impl Options {
    fn parse(args: &[String]) -> Self {
        let mut o = Self::default();
        let mut rest = args.iter().enumerate();
        while let Some((i, a)) = rest.next() {
            let letters = match a.strip_prefix('-') {
                // Owners and permissions are kept as far as there are any: nothing to choose.
                Some(l) if l.starts_with('-') => continue,
                Some(l) if !l.is_empty() => l,
                None if i == 0 => a,
                _ => {
                    o.names.push(a.clone());
                    continue;
                }
            };
            for c in letters.chars() {
                match c {
                    'f' => o.file = rest.next().map(|n| n.1.clone()),
                    'C' => o.dir = rest.next().map(|n| n.1.clone()).unwrap_or_default(),
                    c => o.flags.push(c),
                }
            }
        }
        o
    }

    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    fn place(&self, name: &str) -> String {
        if self.dir.is_empty() { name.to_owned() } else { format!("{}/{name}", self.dir) }
    }
}

/// Whether the archive comes from standard input.
pub fn reads_standard_input(args: &[String]) -> bool {
    let o = Options::parse(args);
    !o.has('c') && o.file.as_deref() == Some("-")
}

pub fn run(ctx: &mut Ctx<'_>, args: &[String], input: &[u8]) -> i32 {
    let o = Options::parse(args);
    let Some(file) = o.file.clone().filter(|f| f != "-" || !o.has('c') || !ctx.is_tty(1)) else {
        ctx.err("tar: Refusing to read or write archive contents to terminal (missing -f option?)\ntar: Error is not recoverable: exiting now\n");
        return 2;
    };
    if !o.dir.is_empty() && !ctx.is_dir(&o.dir) {
        let why = if ctx.machine.fs.exists(&ctx.full(&o.dir)) { FsError::NotADirectory } else { FsError::NotFound };
        return hopeless(ctx, &o.dir, why);
    }
    if o.has('c') {
        return create(ctx, &o, &file);
    }
    if file == "-" {
        return extract(ctx, &o, input);
    }
    match ctx.read_file(&file) {
        Ok(bytes) => extract(ctx, &o, &bytes),
        Err(e) => hopeless(ctx, &file, e),
    }
}

fn is_busybox(ctx: &Ctx<'_>) -> bool {
    ctx.machine.personality.tools == Tools::Busybox
}

fn hopeless(ctx: &mut Ctx<'_>, path: &str, e: FsError) -> i32 {
    if is_busybox(ctx) {
        ctx.err(&format!("tar: can't open '{path}': {}\n", e.message()));
        return 1;
    }
    ctx.err(&format!("tar: {path}: Cannot open: {}\ntar: Error is not recoverable: exiting now\n", e.message()));
    2
}

fn create(ctx: &mut Ctx<'_>, o: &Options, file: &str) -> i32 {
    let busybox = is_busybox(ctx);
    let mut members = Vec::new();
    let (mut failed, mut told) = (false, false);
    for name in &o.names {
        let path = o.place(name);
        let found = ctx.machine.fs.lstat(&ctx.cred(), &ctx.full(&path));
        if name.starts_with('/') && !told && (found.is_ok() || !busybox) {
            told = true;
            ctx.err(if busybox {
                "tar: removing leading '/' from member names\n"
            } else {
                "tar: Removing leading `/' from member names\n"
            });
        }
        if let Err(e) = found {
            let what = if busybox { "" } else { "Cannot stat: " };
            ctx.err(&format!("tar: {name}: {what}{}\n", e.message()));
            failed = true;
            continue;
        }
        collect(ctx, &path, path.len() - name.len(), &mut members);
    }
    if o.has('v') {
        let list: String = members.iter().map(|m| format!("{}\n", m.name)).collect();
        // Beside an archive on standard output the names go where errors go.
        if file == "-" { ctx.err(&list) } else { ctx.out(&list) }
    }
    let bytes = pack(&members);
    if file == "-" {
        ctx.out_bytes(&bytes);
    } else if let Err(e) = ctx.write_file(file, &bytes) {
        return hopeless(ctx, file, e);
    }
    verdict(ctx, failed)
}

/// A path and what is below it, named without the first `cut` bytes.
fn collect(ctx: &mut Ctx<'_>, path: &str, cut: usize, members: &mut Vec<Member>) {
    super::find::walk(ctx, path, 0, &mut |ctx, path, stat| {
        let mut inner = path[cut..].trim_start_matches('/').to_owned();
        let full = ctx.full(path);
        let (mut kind, mut link, mut bytes) = (FILE, String::new(), Vec::new());
        match stat.kind {
            Kind::Dir => {
                kind = DIRECTORY;
                inner.push('/');
            }
            Kind::Link => {
                kind = LINK;
                link = ctx.machine.fs.read_link(&ctx.cred(), &full).unwrap_or_default();
            }
            _ => {
                if let Ok(Body::File(b)) = ctx.machine.fs.body(&ctx.cred(), &full) {
                    bytes = b.to_vec();
                }
            }
        }
        members.push(Member { name: inner, mode: stat.meta.mode, kind, link, bytes });
    });
}

fn verdict(ctx: &mut Ctx<'_>, failed: bool) -> i32 {
    match (failed, is_busybox(ctx)) {
        (false, _) => 0,
        (true, true) => {
            ctx.err("tar: error exit delayed from previous errors\n");
            1
        }
        (true, false) => {
            ctx.err("tar: Exiting with failure status due to previous errors\n");
            2
        }
    }
}

fn extract(ctx: &mut Ctx<'_>, o: &Options, bytes: &[u8]) -> i32 {
    let Some(members) = unpack(bytes) else {
        if is_busybox(ctx) {
            ctx.err("tar: invalid tar magic\n");
            return 1;
        }
        ctx.err(
            "tar: This does not look like a tar archive\ntar: Exiting with failure status due to previous errors\n",
        );
        return 2;
    };
    let mut failed = false;
    for m in &members {
        if !o.names.is_empty() && !o.names.iter().any(|n| m.name.starts_with(n.as_str())) {
            continue;
        }
        if o.has('t') || o.has('v') {
            ctx.out(&format!("{}\n", m.name));
        }
        if o.has('t') {
            continue;
        }
        let path = ctx.full(&o.place(m.name.trim_start_matches('/')));
        if let Err(e) = lay_down(ctx, &path, m) {
            failed = true;
            ctx.err(&if is_busybox(ctx) {
                format!("tar: can't open '{}': {}\n", m.name, e.message())
            } else {
                format!("tar: {}: Cannot open: {}\n", m.name, e.message())
            });
        }
    }
    verdict(ctx, failed)
}

/// Makes the file, and the directories above it that are missing.
pub fn lay_down(ctx: &mut Ctx<'_>, path: &str, m: &Member) -> Result<(), FsError> {
    let cred = ctx.cred();
    let fs = &mut ctx.machine.fs;
    for (i, _) in path.match_indices('/').skip(1) {
        if !fs.exists(&path[..i]) {
            fs.mkdir(&cred, &path[..i], 0o755)?;
        }
    }
    match m.kind {
        DIRECTORY => match fs.mkdir(&cred, path, m.mode) {
            Err(FsError::Exists) => Ok(()),
            done => done,
        },
        LINK => fs.symlink(&cred, &m.link, path),
        _ => {
            fs.write(&cred, path, &m.bytes)?;
            // Somebody else's file keeps its permissions.
            let _ = fs.chmod(&cred, path, m.mode);
            Ok(())
        }
    }
}
