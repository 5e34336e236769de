//! `create token`.

use super::one_name;
use crate::error::{Error, plain};
use crate::flags::{Args, Command, Kind, flag, string};
use crate::json::text;
use crate::printers::{PRINT_FLAGS, Printer};
use crate::session::Kube;
use crate::task::{DONE, Next};
use serde_json::json;

pub static TOKEN: Command = Command {
    name: "token",
    short: "Request a service account token",
    usage: "SERVICE_ACCOUNT_NAME [options]",
    examples: &[("A token to the API server", "kubectl create token myapp")],
    flags: &[
        &[
            flag("audience", Kind::Array, "", "Audience of the token; may be repeated."),
            string("bound-object-kind", "Kind of an object to bind the token to."),
            string("bound-object-name", "Name of an object to bind the token to."),
            string("bound-object-uid", "UID of an object to bind the token to."),
            flag("duration", Kind::Duration, "0s", "Requested lifetime."),
        ],
        PRINT_FLAGS,
    ],
    run: Some(run),
    ..Command::EMPTY
};

fn run(k: &mut Kube<'_, '_>, args: &Args) -> Result<Next, Error> {
    let name = one_name(args)?;
    let (namespace, _) = k.namespace()?;
    let mut spec = json!({"audiences": args.list("audience"), "expirationSeconds": null});
    if args.duration("duration") > 0 {
        spec["expirationSeconds"] = (args.duration("duration") / 1_000_000_000).into();
    }
    let bound = args.str("bound-object-kind");
    if !bound.is_empty() {
        spec["boundObjectRef"] = json!({"kind": bound, "apiVersion": "v1", "name": args.str("bound-object-name")});
    }
    let body = json!({"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": {}, "spec": spec});
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
    let answer = match k.post(&path, &[], body) {
        Ok(v) => v,
        Err(e @ Error::Connection { .. }) => return Err(e),
        Err(e) => return plain(format!("failed to create token: {}", e.text())),
    };
    let text = match Printer::of(k, args)? {
        Some(mut p) => p.print(&answer)?,
        None => format!("{}\n", text(&answer, "/status/token")),
    };
    k.out(&text);
    DONE
}
