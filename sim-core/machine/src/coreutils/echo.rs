//! `echo`.

use crate::machine::ShellKind;
use crate::process::Ctx;

pub fn run(ctx: &mut Ctx<'_>, args: &[String]) -> i32 {
    let mut newline = true;
    // dash always interprets escapes; others when asked.
    let mut escapes = ctx.machine.personality.sh == ShellKind::Dash;
    let mut rest = args;
    while let Some(flags) = rest.first().and_then(|a| a.strip_prefix('-')) {
        if flags.is_empty() || !flags.chars().all(|c| "neE".contains(c)) {
            break;
        }
        for c in flags.chars() {
            match c {
                'n' => newline = false,
                'e' => escapes = true,
                _ => escapes = false,
            }
        }
        rest = &rest[1..];
    }
    let text = rest.join(" ");
    let (mut bytes, cut) = if escapes { super::escapes::unescape(&text, true) } else { (text.into_bytes(), false) };
    if newline && !cut {
        bytes.push(b'\n');
    }
    ctx.out_bytes(&bytes);
    0
}
