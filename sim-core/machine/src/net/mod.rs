//! The tools that reach out: curl, wget, nslookup, dig, ping, nc. Everything goes through [`crate::host::Host`].
//!
//! One file a tool. Their words are those of the real tools (curl 8.17, busybox 1.36, bind's dig); what cannot be
//! simulated is refused by name.

mod curl;
mod curl_options;
mod dns;
mod nc;
mod ping;
mod url;
mod wget;

use crate::process::Program;

/// All of them, for a machine's table of programs.
pub static PROGRAMS: &[&dyn Program] =
    &[&curl::Curl, &wget::Wget, &dns::Nslookup, &dns::Dig, &dns::HostTool, &ping::Ping, &nc::Nc];
