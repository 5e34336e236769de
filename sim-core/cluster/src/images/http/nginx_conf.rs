//! nginx's configuration language, as far as static files, `return`, redirects and `proxy_pass` go.
//!
//! Models: nginx's `ngx_conf_file.c`. Not here: rewrite, maps, regular-expression locations (refused by name when met).

use crate::images::software::Files;

pub const MAIN: &str = "/etc/nginx/nginx.conf";
const DEPTH_MAX: usize = 8;
const DIRECTIVES_MAX: usize = 10_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Directive {
    pub name: String,
    pub args: Vec<String>,
    pub block: Option<Vec<Directive>>,
    pub file: String,
    pub line: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerBlock {
    pub listen: Vec<u16>,
    pub names: Vec<String>,
    pub default: bool,
    pub root: Option<String>,
    pub index: Vec<String>,
    pub answer: Option<Return>,
    pub locations: Vec<Location>,
    pub error_pages: Vec<(u16, String)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Location {
    pub exact: bool,
    pub path: String,
    pub root: Option<String>,
    pub alias: Option<String>,
    pub index: Vec<String>,
    pub answer: Option<Return>,
    pub proxy_pass: Option<String>,
    pub try_files: Vec<String>,
    pub autoindex: bool,
    pub default_type: Option<String>,
    pub headers: Vec<(String, String)>,
    pub stub_status: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Return {
    pub code: u16,
    pub text: String,
}

impl ServerBlock {
    /// What the image's own `default.conf` says.
    pub fn default_site() -> Self {
        let root = Some("/usr/share/nginx/html".to_owned());
        Self {
            listen: vec![80],
            names: vec!["localhost".to_owned()],
            root,
            index: vec!["index.html".to_owned(), "index.htm".to_owned()],
            error_pages: [500, 502, 503, 504].map(|code| (code, "/50x.html".to_owned())).to_vec(),
            ..Self::default()
        }
    }
}

/// Every name that may stand at the head of a line.
const KNOWN: &str = "absolute_redirect access_log accept_mutex add_header aio alias allow auth_basic auth_basic_user_file \
    autoindex autoindex_exact_size autoindex_localtime charset chunked_transfer_encoding client_body_buffer_size \
    client_body_timeout client_header_buffer_size client_header_timeout client_max_body_size daemon default_type deny \
    directio env error_log error_page etag events expires fastcgi_index fastcgi_param fastcgi_pass geo gzip \
    gzip_comp_level gzip_disable gzip_http_version gzip_min_length gzip_proxied gzip_static gzip_types gzip_vary hash \
    http http2 if if_modified_since include index internal ip_hash keepalive keepalive_requests keepalive_timeout \
    large_client_header_buffers least_conn limit_conn limit_conn_zone limit_except limit_rate limit_req limit_req_zone \
    listen load_module location log_format log_not_found log_subrequest map map_hash_bucket_size merge_slashes mime_types \
    mirror msie_padding multi_accept open_file_cache pcre_jit pid port_in_redirect proxy_buffer_size proxy_buffering \
    proxy_buffers proxy_cache proxy_cache_path proxy_connect_timeout proxy_http_version proxy_intercept_errors \
    proxy_next_upstream proxy_pass proxy_pass_header proxy_read_timeout proxy_redirect proxy_request_buffering \
    proxy_send_timeout proxy_set_body proxy_set_header proxy_ssl_verify random real_ip_header resolver \
    resolver_timeout return rewrite root satisfy secure_link send_timeout sendfile server server_name \
    server_name_in_redirect server_names_hash_bucket_size server_tokens set set_real_ip_from split_clients ssi \
    ssl_certificate ssl_certificate_key ssl_ciphers ssl_prefer_server_ciphers ssl_protocols ssl_session_cache \
    ssl_session_timeout stream stub_status sub_filter sub_filter_once tcp_nodelay tcp_nopush try_files types \
    types_hash_max_size underscores_in_headers upstream use user uwsgi_pass valid_referers worker_connections \
    worker_processes worker_rlimit_nofile worker_shutdown_timeout zone";

/// Reads the configuration and returns its servers, or the line nginx dies with.
pub fn load(files: &dyn Files) -> Result<Vec<ServerBlock>, String> {
    let mut budget = DIRECTIVES_MAX;
    let main = read(files, MAIN, 0, &mut budget)?;
    let mut servers = Vec::new();
    for http in main.iter().filter(|d| d.name == "http") {
        let inner = http.block.as_deref().unwrap_or_default();
        let root = first(inner, "root");
        let upstreams: Vec<(String, String)> =
            inner.iter().filter(|d| d.name == "upstream").filter_map(upstream).collect();
        for block in inner.iter().filter(|d| d.name == "server") {
            servers.push(server(block, root.as_deref(), &upstreams)?);
        }
    }
    Ok(servers)
}

fn read(files: &dyn Files, path: &str, depth: usize, budget: &mut usize) -> Result<Vec<Directive>, String> {
    let bytes = files.read(path).map_err(|_| format!("open() \"{path}\" failed (2: No such file or directory)"))?;
    let text = String::from_utf8_lossy(&bytes);
    let tokens = tokens(&text, path)?;
    let mut at = 0;
    let parsed = block(&tokens, &mut at, path, false, budget, 0)?;
    include(files, parsed, depth, budget)
}

fn include(
    files: &dyn Files,
    parsed: Vec<Directive>,
    depth: usize,
    budget: &mut usize,
) -> Result<Vec<Directive>, String> {
    let mut out = Vec::new();
    for mut d in parsed {
        if d.name == "include" {
            for path in expand(files, d.args.first().map_or("", String::as_str)) {
                if depth >= DEPTH_MAX {
                    return Err(format!("includes nested too deeply in {}:{}", d.file, d.line));
                }
                let inner = read(files, &path, depth + 1, budget).map_err(|e| match e.contains(" in /") {
                    true => e,
                    false => format!("{e} in {}:{}", d.file, d.line),
                })?;
                out.extend(inner);
            }
            continue;
        }
        if let Some(inner) = d.block.take() {
            d.block = Some(include(files, inner, depth, budget)?);
        }
        out.push(d);
    }
    Ok(out)
}

/// The files of an `include`: one path, or a directory with `*` in the last component.
fn expand(files: &dyn Files, pattern: &str) -> Vec<String> {
    let path = if pattern.starts_with('/') { pattern.to_owned() } else { format!("/etc/nginx/{pattern}") };
    let Some((directory, last)) = path.rsplit_once('/') else { return Vec::new() };
    if last == "mime.types" {
        return Vec::new();
    }
    let Some((head, tail)) = last.split_once('*') else { return vec![path] };
    let names = files.list(directory).unwrap_or_default();
    names
        .into_iter()
        .filter(|n| {
            n.starts_with(head) && n.ends_with(tail) && n.len() >= head.len() + tail.len() && !n.starts_with('.')
        })
        .map(|n| format!("{directory}/{n}"))
        .collect()
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Semicolon,
    Open,
    Close,
}

fn tokens(text: &str, file: &str) -> Result<Vec<(Token, usize)>, String> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    let mut line = 1;
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            c if c.is_whitespace() => {}
            '#' => {
                while chars.peek().is_some_and(|c| *c != '\n') {
                    chars.next();
                }
            }
            ';' => out.push((Token::Semicolon, line)),
            '{' => out.push((Token::Open, line)),
            '}' => out.push((Token::Close, line)),
            quote @ ('"' | '\'') => {
                let (start, mut word) = (line, String::new());
                loop {
                    match chars.next() {
                        Some('\\') => match chars.next() {
                            Some('n') => word.push('\n'),
                            Some('t') => word.push('\t'),
                            Some(c) => word.push(c),
                            None => {}
                        },
                        Some(c) if c == quote => break,
                        Some(c) => {
                            line += usize::from(c == '\n');
                            word.push(c);
                        }
                        None => {
                            return Err(format!("unexpected end of file, expecting \";\" or \"}}\" in {file}:{line}"));
                        }
                    }
                }
                out.push((Token::Word(word), start));
            }
            c => {
                let mut word = String::from(c);
                while let Some(n) = chars.peek().copied().filter(|n| !n.is_whitespace() && *n != ';') {
                    // `${name}` keeps its braces; any other brace ends the word.
                    if n == '{' && !word.ends_with('$') || n == '}' && !word.contains("${") {
                        break;
                    }
                    word.push(n);
                    chars.next();
                }
                out.push((Token::Word(word), line));
            }
        }
    }
    Ok(out)
}

fn block(
    tokens: &[(Token, usize)],
    at: &mut usize,
    file: &str,
    nested: bool,
    budget: &mut usize,
    depth: usize,
) -> Result<Vec<Directive>, String> {
    let mut out = Vec::new();
    let mut words: Vec<(String, usize)> = Vec::new();
    while let Some((token, line)) = tokens.get(*at) {
        *at += 1;
        match token {
            Token::Word(w) => words.push((w.clone(), *line)),
            Token::Semicolon | Token::Open if words.is_empty() => {
                let sign = if *token == Token::Semicolon { ";" } else { "{" };
                return Err(format!("unexpected \"{sign}\" in {file}:{line}"));
            }
            Token::Semicolon | Token::Open => {
                *budget = budget.checked_sub(1).ok_or_else(|| format!("too many directives in {file}:{line}"))?;
                let (name, head) = words.remove(0);
                let args: Vec<String> = words.drain(..).map(|(w, _)| w).collect();
                let free_form = matches!(name.as_str(), "types" | "map" | "geo" | "split_clients");
                if !KNOWN.split_ascii_whitespace().any(|k| k == name) {
                    return Err(format!("unknown directive \"{name}\" in {file}:{head}"));
                }
                let inner = if *token == Token::Semicolon {
                    None
                } else if free_form {
                    while tokens.get(*at).is_some_and(|(t, _)| *t != Token::Close) {
                        *at += 1;
                    }
                    *at += 1;
                    Some(Vec::new())
                } else if depth >= DEPTH_MAX {
                    return Err(format!("\"{name}\" directive is not allowed here in {file}:{head}"));
                } else {
                    Some(block(tokens, at, file, true, budget, depth + 1)?)
                };
                out.push(Directive { name, args, block: inner, file: file.to_owned(), line: head });
            }
            Token::Close => {
                return match (nested, words.first()) {
                    (true, None) => Ok(out),
                    (true, Some(_)) => Err(format!("unexpected \"}}\" in {file}:{line}")),
                    (false, _) => Err(format!("unexpected \"}}\" in {file}:{line}")),
                };
            }
        }
    }
    let last = tokens.last().map_or(1, |(_, l)| *l);
    match (nested, words.is_empty()) {
        (false, true) => Ok(out),
        _ => Err(format!(
            "unexpected end of file, expecting \"{}\" in {file}:{last}",
            if words.is_empty() { "}" } else { ";" }
        )),
    }
}

fn first(inner: &[Directive], name: &str) -> Option<String> {
    inner.iter().find(|d| d.name == name).and_then(|d| d.args.first().cloned())
}

/// The first server of an upstream group (each is as good as another here).
fn upstream(d: &Directive) -> Option<(String, String)> {
    let inner = d.block.as_deref()?;
    Some((d.args.first()?.clone(), first(inner, "server")?))
}

fn returns(d: &Directive) -> Result<Return, String> {
    let invalid =
        || format!("invalid return code \"{}\" in {}:{}", d.args.first().map_or("", String::as_str), d.file, d.line);
    match d.args.as_slice() {
        [url] if url.starts_with("http") || url.starts_with('/') => Ok(Return { code: 302, text: url.clone() }),
        [code] => Ok(Return { code: code.parse().map_err(|_| invalid())?, text: String::new() }),
        [code, text] => Ok(Return { code: code.parse().map_err(|_| invalid())?, text: text.clone() }),
        _ => Err(format!("invalid number of arguments in \"return\" directive in {}:{}", d.file, d.line)),
    }
}

fn server(d: &Directive, root: Option<&str>, upstreams: &[(String, String)]) -> Result<ServerBlock, String> {
    let mut out = ServerBlock { root: root.map(str::to_owned), ..ServerBlock::default() };
    for d in d.block.as_deref().unwrap_or_default() {
        let arg = d.args.first().map_or("", String::as_str);
        match d.name.as_str() {
            "listen" => {
                let port = arg.rsplit(':').next().unwrap_or_default();
                let port = if port.is_empty() || port.contains('.') || port.contains(']') { "80" } else { port };
                let port = port.parse().map_err(|_| {
                    format!("invalid port in \"{arg}\" of the \"listen\" directive in {}:{}", d.file, d.line)
                })?;
                if !out.listen.contains(&port) {
                    out.listen.push(port);
                }
                out.default |= d.args.iter().any(|a| a == "default_server");
            }
            "server_name" => out.names = d.args.clone(),
            "root" => out.root = Some(arg.to_owned()),
            "index" => out.index = d.args.clone(),
            "return" => out.answer = Some(returns(d)?),
            "error_page" => {
                if let [codes @ .., page] = d.args.as_slice() {
                    out.error_pages.extend(codes.iter().filter_map(|c| Some((c.parse().ok()?, page.clone()))));
                }
            }
            "location" => out.locations.push(location(d, upstreams)?),
            _ => {}
        }
    }
    if out.listen.is_empty() {
        out.listen.push(80);
    }
    Ok(out)
}

fn location(d: &Directive, upstreams: &[(String, String)]) -> Result<Location, String> {
    let mut out = Location::default();
    match d.args.as_slice() {
        [path] => out.path = path.clone(),
        [sign, path] if sign == "=" => (out.exact, out.path) = (true, path.clone()),
        [sign, path] if sign == "^~" => out.path = path.clone(),
        [sign, _] if sign.starts_with('~') => {
            // Regular expressions are not evaluated; such a location never matches.
            out.path = "\0".to_owned();
        }
        _ => return Err(format!("invalid number of arguments in \"location\" directive in {}:{}", d.file, d.line)),
    }
    for d in d.block.as_deref().unwrap_or_default() {
        let arg = d.args.first().map_or("", String::as_str);
        match d.name.as_str() {
            "root" => out.root = Some(arg.to_owned()),
            "alias" => out.alias = Some(arg.to_owned()),
            "index" => out.index = d.args.clone(),
            "return" => out.answer = Some(returns(d)?),
            "try_files" => out.try_files = d.args.clone(),
            "autoindex" => out.autoindex = arg == "on",
            "default_type" => out.default_type = Some(arg.to_owned()),
            "stub_status" => out.stub_status = true,
            "add_header" => {
                if let [name, value, ..] = d.args.as_slice() {
                    out.headers.push((name.to_ascii_lowercase(), value.clone()));
                }
            }
            "proxy_pass" => {
                let (scheme, rest) =
                    arg.split_once("://").ok_or_else(|| format!("invalid URL prefix in {}:{}", d.file, d.line))?;
                let (host, path) = match rest.find('/') {
                    Some(i) => rest.split_at(i),
                    None => (rest, ""),
                };
                let host = upstreams.iter().find(|(n, _)| n == host).map_or(host, |(_, s)| s.as_str());
                out.proxy_pass = Some(format!("{scheme}://{host}{path}"));
            }
            _ => {}
        }
    }
    Ok(out)
}
