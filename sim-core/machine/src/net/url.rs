//! Addresses of web resources, as curl and wget read them.

use apimachinery::http::{Method, Request};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// `http` or `https`.
    pub scheme: String,
    /// `user:password`, if given.
    pub user: Option<String>,
    pub host: String,
    pub port: u16,
    /// With the query, as written; never empty.
    pub target: String,
    /// The port stands in the text.
    pub explicit_port: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlError {
    Malformed,
    Scheme,
    Port,
    NoHost,
}

impl Url {
    /// Parses; without a scheme it is `http`.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.is_empty() || text.chars().any(|c| c.is_control() || c == ' ') {
            return Err(UrlError::Malformed);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((s, rest)) => (s.to_lowercase(), rest),
            None => ("http".to_owned(), text),
        };
        if scheme != "http" && scheme != "https" {
            return Err(UrlError::Scheme);
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (user, hostport) = match authority.rsplit_once('@') {
            Some((u, h)) => (Some(u.to_owned()), h),
            None => (None, authority),
        };
        let (host, port) = match hostport.rsplit_once(':') {
            _ if hostport.starts_with('[') => {
                let (h, after) = hostport[1..].split_once(']').ok_or(UrlError::Malformed)?;
                (h, after.strip_prefix(':'))
            }
            Some((h, p)) => (h, Some(p)),
            None => (hostport, None),
        };
        if host.is_empty() {
            return Err(UrlError::NoHost);
        }
        let explicit_port = port.is_some_and(|p| !p.is_empty());
        let port = match port.filter(|p| !p.is_empty()) {
            Some(p) => p.parse().map_err(|_| UrlError::Port)?,
            None if scheme == "https" => 443,
            None => 80,
        };
        let target = target.split('#').next().unwrap_or_default();
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { scheme, user, host: host.to_owned(), port, target, explicit_port })
    }

    /// The value of the `Host` header.
    pub fn host_header(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let default = if self.scheme == "https" { 443 } else { 80 };
        if self.port == default { host } else { format!("{host}:{}", self.port) }
    }

    /// Where a `Location` leads from here.
    pub fn join(&self, location: &str) -> Result<Self, UrlError> {
        if location.contains("://") {
            return Self::parse(location);
        }
        let mut next = self.clone();
        next.target = if location.starts_with('/') {
            location.to_owned()
        } else {
            let path = self.target.split('?').next().unwrap_or("/");
            let dir = path.rsplit_once('/').map_or("", |(d, _)| d);
            format!("{dir}/{location}")
        };
        Ok(next)
    }

    /// The last part of the path, for saving under.
    pub fn file_name(&self) -> &str {
        self.target.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default()
    }

    /// The request for this target, path and query decoded.
    pub fn request(&self, method: Method) -> Request {
        let (path, query) = self.target.split_once('?').map_or((self.target.as_str(), ""), |(p, q)| (p, q));
        let mut request = Request::new(method, decode(path));
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            request.query.push((decode(&name.replace('+', " ")), decode(&value.replace('+', " "))));
        }
        request
    }
}

/// Undoes percent-encoding; what is not one stays.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| text.get(i + 1..i + 3)).flatten();
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(b) => {
                out.push(b);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Url, UrlError};

    #[test]
    fn urls_are_read_as_curl_reads_them() {
        type Parts<'a> = (&'a str, &'a str, u16, &'a str);
        let cases: [(&str, Result<Parts<'_>, UrlError>); 9] = [
            ("localhost", Ok(("http", "localhost", 80, "/"))),
            ("http://localhost:8080", Ok(("http", "localhost", 8080, "/"))),
            ("https://10.0.0.1/a/b?x=1#frag", Ok(("https", "10.0.0.1", 443, "/a/b?x=1"))),
            ("http://user:pw@web:81/", Ok(("http", "web", 81, "/"))),
            ("http://[::1]:8080/x", Ok(("http", "::1", 8080, "/x"))),
            ("ftp://x", Err(UrlError::Scheme)),
            ("http://x:99999/", Err(UrlError::Port)),
            ("http:///x", Err(UrlError::NoHost)),
            ("http://a b", Err(UrlError::Malformed)),
        ];
        for (text, want) in cases {
            let got = Url::parse(text);
            let got = got.as_ref().map(|u| (u.scheme.as_str(), u.host.as_str(), u.port, u.target.as_str()));
            assert_eq!(got.map_err(|e| *e), want, "{text}");
        }
    }
}
