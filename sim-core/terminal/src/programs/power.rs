//! `reboot` and `shutdown -r`: the laptop goes off and comes up again.

use crate::outside;
use crate::play::{Act, Command, fail, no_candidates};
use machine::process::Ctx;

pub const REBOOT: Command =
    Command { name: "reboot", summary: "restart the machine", run: reboot, complete: no_candidates };
pub const SHUTDOWN: Command =
    Command { name: "shutdown", summary: "restart the machine with -r", run: shutdown, complete: no_candidates };

pub fn reboot(ctx: &mut Ctx<'_>, _args: &[String]) -> Vec<Act> {
    if let Some(outside) = outside::of(ctx.host) {
        outside.system.reboot = true;
    }
    // Everything ends before another turn comes.
    vec![Act::Wait(apimachinery::time::Duration::from_secs(1))]
}

fn shutdown(ctx: &mut Ctx<'_>, args: &[String]) -> Vec<Act> {
    if args.iter().any(|a| a == "-r" || a == "--reboot") {
        return reboot(ctx, args);
    }
    fail("shutdown: switching off is not simulated; use reboot\n", 1)
}
