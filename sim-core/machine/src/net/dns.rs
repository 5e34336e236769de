//! nslookup, dig and host: asking the simulated name server.

use crate::host::NetError;
use crate::process::{Ctx, Process, Program, Step, Wake};
use apimachinery::time::{Duration, Time};

pub struct Nslookup;
pub struct Dig;
pub struct HostTool;

/// A question travels for this long.
const ASKING: Duration = Duration::from_millis(2);

macro_rules! tool {
    ($tool:ty, $name:literal, $summary:literal, $run:path) => {
        impl Program for $tool {
            fn name(&self) -> &'static str {
                $name
            }
            fn summary(&self) -> &'static str {
                $summary
            }
            fn start(&self, args: Vec<String>) -> Box<dyn Process> {
                Box::new(Ask { args, until: None, run: $run })
            }
        }
    };
}
tool!(Nslookup, "nslookup", "query name servers", nslookup);
tool!(Dig, "dig", "query name servers, in detail", dig);
tool!(HostTool, "host", "look up a name", host);

#[derive(Clone)]
struct Ask {
    args: Vec<String>,
    until: Option<Time>,
    run: fn(&[String], &mut Ctx<'_>) -> i32,
}

impl Process for Ask {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let until = *self.until.get_or_insert(ctx.now() + ASKING);
        if ctx.now() < until {
            return Step::Wait(Wake::At(until));
        }
        Step::Exit((self.run)(&self.args, ctx))
    }
}

/// The name server and the search path of `/etc/resolv.conf`.
fn server(ctx: &Ctx<'_>) -> (String, Vec<String>) {
    let text = ctx.read_file("/etc/resolv.conf").map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
    let field =
        |name: &str| text.lines().find_map(|l| l.strip_prefix(name)).map(str::trim).unwrap_or_default().to_owned();
    let server = field("nameserver ");
    let search = field("search ").split_whitespace().map(str::to_owned).collect();
    (if server.is_empty() { "127.0.0.1".to_owned() } else { server }, search)
}

fn resolve(ctx: &mut Ctx<'_>, name: &str) -> Result<(String, Vec<String>), NetError> {
    let id = ctx.machine.id.clone();
    let (_, search) = server(ctx);
    let tries = search.iter().map(|s| format!("{name}.{s}.")).chain([format!("{name}.")]);
    let tries: Vec<String> = if name.ends_with('.') { vec![name.to_owned()] } else { tries.collect() };
    for full in tries {
        if let Ok(addresses) = ctx.host.resolve(&id, &full)
            && !addresses.is_empty()
        {
            return Ok((full.trim_end_matches('.').to_owned(), addresses));
        }
    }
    let addresses = ctx.host.resolve(&id, name)?;
    Ok((name.to_owned(), addresses))
}

fn nslookup(args: &[String], ctx: &mut Ctx<'_>) -> i32 {
    let Some(name) = args.iter().find(|a| !a.starts_with('-')) else {
        ctx.err("Usage: nslookup [-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]\n");
        return 1;
    };
    let (dns, _) = server(ctx);
    ctx.out(&format!("Server:\t\t{dns}\nAddress:\t{dns}:53\n\n"));
    match resolve(ctx, name) {
        Ok((full, addresses)) => {
            for a in addresses {
                ctx.out(&format!("Name:\t{full}\nAddress: {a}\n"));
            }
            ctx.out("\n");
            0
        }
        Err(_) => {
            ctx.out(&format!("** server can't find {name}: NXDOMAIN\n\n"));
            1
        }
    }
}

fn dig(args: &[String], ctx: &mut Ctx<'_>) -> i32 {
    let short = args.iter().any(|a| a == "+short");
    let search = args.iter().any(|a| a == "+search");
    let Some(name) = args.iter().find(|a| !a.starts_with(['+', '-', '@']) && !is_type(a)) else {
        ctx.err("dig: give a name to look up\n");
        return 1;
    };
    let full = if search || name.ends_with('.') { name.clone() } else { format!("{name}.") };
    let found = resolve(ctx, &full);
    if short {
        for a in found.map(|(_, a)| a).unwrap_or_default() {
            ctx.out(&format!("{a}\n"));
        }
        return 0;
    }
    let (dns, _) = server(ctx);
    let (status, answers) = match &found {
        Ok((_, a)) => ("NOERROR", a.clone()),
        Err(_) => ("NXDOMAIN", Vec::new()),
    };
    let asked = found.as_ref().map_or_else(|_| name.trim_end_matches('.').to_owned(), |(f, _)| f.clone());
    let mut text = format!(
        "\n; <<>> DiG 9.20.15 <<>> {}\n;; global options: +cmd\n;; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: {status}, id: 4242\n\
         ;; flags: qr aa rd; QUERY: 1, ANSWER: {}, AUTHORITY: 0, ADDITIONAL: 1\n\n;; QUESTION SECTION:\n;{asked}.\t\tIN\tA\n\n",
        args.join(" "),
        answers.len()
    );
    if !answers.is_empty() {
        text.push_str(";; ANSWER SECTION:\n");
        for a in &answers {
            text.push_str(&format!("{asked}.\t30\tIN\tA\t{a}\n"));
        }
        text.push('\n');
    }
    text.push_str(&format!(";; Query time: 2 msec\n;; SERVER: {dns}#53({dns}) (UDP)\n\n"));
    ctx.out(&text);
    0
}

fn is_type(word: &str) -> bool {
    matches!(word.to_uppercase().as_str(), "A" | "AAAA" | "ANY" | "SRV" | "TXT" | "CNAME" | "NS" | "MX" | "IN")
}

fn host(args: &[String], ctx: &mut Ctx<'_>) -> i32 {
    let Some(name) = args.iter().find(|a| !a.starts_with('-')) else {
        ctx.err("Usage: host name\n");
        return 1;
    };
    match resolve(ctx, name) {
        Ok((full, addresses)) => {
            for a in addresses {
                ctx.out(&format!("{full} has address {a}\n"));
            }
            0
        }
        Err(_) => {
            ctx.out(&format!("Host {name} not found: 3(NXDOMAIN)\n"));
            1
        }
    }
}
