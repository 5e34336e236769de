//! `tar`: create, list, extract. The archive is the ustar format; `z` is accepted but nothing is compressed.

use crate::fs::{Body, Kind};
use crate::process::Ctx;

const BLOCK: usize = 512;

struct Member {
    name: String,
    mode: u16,
    kind: u8,
    link: String,
    bytes: Vec<u8>,
}

fn field(out: &mut [u8], text: &str) {
    let n = text.len().min(out.len());
    out[..n].copy_from_slice(&text.as_bytes()[..n]);
}

fn pack(members: &[Member]) -> Vec<u8> {
    let mut out = Vec::new();
    for m in members {
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
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

fn unpack(bytes: &[u8]) -> Option<Vec<Member>> {
    let mut out = Vec::new();
    let mut at = 0;
    while at + BLOCK <= bytes.len() && bytes[at] != 0 {
        let head = &bytes[at..at + BLOCK];
        if &head[257..262] != b"ustar" {
            return None;
        }
        let text =
            |r: core::ops::Range<usize>| String::from_utf8_lossy(&head[r]).trim_end_matches(['\0', ' ']).to_owned();
        let octal = |r| u64::from_str_radix(&text(r), 8).ok();
        let size = usize::try_from(octal(124..136)?).ok()?;
        let body = bytes.get(at + BLOCK..at + BLOCK + size)?.to_vec();
        out.push(Member {
            name: text(0..100),
            mode: octal(100..108)? as u16,
            kind: head[156],
            link: text(157..257),
            bytes: body,
        });
        at += BLOCK + size.next_multiple_of(BLOCK);
    }
    Some(out)
}

pub fn run(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let mut flags = String::new();
    let (mut file, mut dir, mut names) = (None, String::new(), Vec::new());
    let mut rest = args.iter().enumerate();
    while let Some((i, a)) = rest.next() {
        let letters = match a.strip_prefix('-') {
            Some(l) if !l.starts_with('-') => l,
            None if i == 0 => a,
            _ => {
                names.push(a.clone());
                continue;
            }
        };
        for c in letters.chars() {
            match c {
                'f' => file = rest.next().map(|n| n.1.clone()),
                'C' => dir = rest.next().map(|n| n.1.clone()).unwrap_or_default(),
                c => flags.push(c),
            }
        }
    }
    let verbose = flags.contains('v');
    let Some(file) = file.filter(|f| f != "-") else {
        ctx.err("tar: Refusing to read or write archive contents to terminal (missing -f option?)\ntar: Error is not recoverable: exiting now\n");
        return 2;
    };
    let place = |name: &str| if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") };
    if flags.contains('c') {
        let mut members = Vec::new();
        let mut code = 0;
        for name in &names {
            let path = place(name);
            if let Err(e) = ctx.machine.fs.lstat(&ctx.cred(), &ctx.full(&path)) {
                ctx.err(&format!("tar: {name}: Cannot stat: {}\n", e.message()));
                code = 2;
                continue;
            }
            let cut = path.len() - name.len();
            super::find::walk(ctx, &path, 0, &mut |ctx, path, stat| {
                let mut inner = path[cut..].trim_start_matches('/').to_owned();
                let full = ctx.full(path);
                let (mut kind, mut link, mut bytes) = (b'0', String::new(), Vec::new());
                match stat.kind {
                    Kind::Dir => {
                        kind = b'5';
                        inner.push('/');
                    }
                    Kind::Link => {
                        kind = b'2';
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
        if verbose {
            members.iter().for_each(|m| ctx.out(&format!("{}\n", m.name)));
        }
        if let Err(e) = ctx.write_file(&file, &pack(&members)) {
            ctx.err(&format!(
                "tar: {file}: Cannot open: {}\ntar: Error is not recoverable: exiting now\n",
                e.message()
            ));
            return 2;
        }
        return code;
    }
    let bytes = match ctx.read_file(&file) {
        Ok(b) => b,
        Err(e) => {
            ctx.err(&format!(
                "tar: {file}: Cannot open: {}\ntar: Error is not recoverable: exiting now\n",
                e.message()
            ));
            return 2;
        }
    };
    let Some(members) = unpack(&bytes) else {
        ctx.err(
            "tar: This does not look like a tar archive\ntar: Exiting with failure status due to previous errors\n",
        );
        return 2;
    };
    let cred = ctx.cred();
    for m in members.iter().filter(|m| names.is_empty() || names.iter().any(|n| m.name.starts_with(n.as_str()))) {
        if flags.contains('t') || verbose {
            ctx.out(&format!("{}\n", m.name));
        }
        if flags.contains('t') {
            continue;
        }
        let full = ctx.full(&place(&m.name));
        let done = match m.kind {
            b'5' => ctx
                .machine
                .fs
                .mkdir(&cred, &full, m.mode)
                .or_else(|e| if e == crate::fs::FsError::Exists { Ok(()) } else { Err(e) }),
            b'2' => ctx.machine.fs.symlink(&cred, &m.link, &full),
            _ => {
                let done = ctx.machine.fs.write(&cred, &full, &m.bytes);
                let _ = ctx.machine.fs.chmod(&cred, &full, m.mode);
                done
            }
        };
        if let Err(e) = done {
            ctx.err(&format!("tar: {}: Cannot open: {}\n", m.name, e.message()));
        }
    }
    0
}
