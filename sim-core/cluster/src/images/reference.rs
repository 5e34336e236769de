//! Image references: `nginx`, `registry.gitlab.com/group/project:tag@sha256:…`, and what they mean once normalised.
//!
//! Is the grammar and its error words; is not a registry. Models: `github.com/distribution/reference`.
//! Invariant: a [`Reference`] always has a tag or a digest, a lower-case repository and a domain.

use std::fmt;

/// Where Docker looks when no registry is named.
pub const DEFAULT_DOMAIN: &str = "docker.io";
const REPOSITORY_LEN_MAX: usize = 255;
const TAG_LEN_MAX: usize = 128;

/// A normalised image reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// `docker.io`, `localhost:5000` …
    pub domain: String,
    /// `library/nginx`
    pub repository: String,
    /// Empty only when there is a digest.
    pub tag: String,
    /// `sha256:…`
    pub digest: Option<String>,
}

/// Why a text is no reference; shown as the libraries print it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceError {
    Format,
    /// The remote name as normalised: `library/Nginx`.
    Uppercase(String),
    TooLong,
    /// 64 hexadecimal digits: it would be taken for an image id.
    LooksLikeId(String),
    DigestFormat,
    DigestLength,
    DigestAlgorithm,
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => f.write_str("invalid reference format"),
            Self::Uppercase(name) => {
                write!(f, "invalid reference format: repository name ({name}) must be lowercase")
            }
            Self::TooLong => write!(f, "repository name must not be more than {REPOSITORY_LEN_MAX} characters"),
            Self::LooksLikeId(name) => {
                write!(f, "invalid repository name ({name}), cannot specify 64-byte hexadecimal strings")
            }
            Self::DigestFormat => f.write_str("invalid checksum digest format"),
            Self::DigestLength => f.write_str("invalid checksum digest length"),
            Self::DigestAlgorithm => f.write_str("unsupported digest algorithm"),
        }
    }
}

impl Reference {
    /// Reads what a person types after `docker pull` or `image:`.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(ReferenceError::LooksLikeId(text.to_owned()));
        }
        let (domain, remainder) = split_domain(text);
        let remote = remainder.split([':', '@']).next().unwrap_or_default();
        if remote.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(ReferenceError::Uppercase(remote.to_owned()));
        }
        let (named, digest) = match remainder.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (remainder.as_str(), None),
        };
        let (repository, tag) = match named.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (named, None),
        };
        if !is_domain(&domain) || !is_path(repository) || tag.is_some_and(|t| !is_tag(t)) {
            return Err(ReferenceError::Format);
        }
        if domain.len() + 1 + repository.len() > REPOSITORY_LEN_MAX {
            return Err(ReferenceError::TooLong);
        }
        if let Some(digest) = digest {
            check_digest(digest)?;
        }
        let tag = match (tag, digest) {
            (Some(tag), _) => tag.to_owned(),
            (None, Some(_)) => String::new(),
            (None, None) => "latest".to_owned(),
        };
        Ok(Self { domain, repository: repository.to_owned(), tag, digest: digest.map(str::to_owned) })
    }

    /// `docker.io/library/nginx`
    pub fn name(&self) -> String {
        format!("{}/{}", self.domain, self.repository)
    }

    /// `nginx`: the name as the docker command shows it.
    pub fn familiar_name(&self) -> String {
        if self.domain != DEFAULT_DOMAIN {
            return self.name();
        }
        match self.repository.strip_prefix("library/") {
            Some(official) if !official.contains('/') => official.to_owned(),
            _ => self.repository.clone(),
        }
    }

    /// `nginx:1.21.6`, or `nginx@sha256:…` when only a digest was given.
    pub fn familiar(&self) -> String {
        self.with_suffix(self.familiar_name())
    }

    /// The tag, or the digest where there is no tag: what a registry is asked for.
    pub fn selector(&self) -> &str {
        match &self.digest {
            Some(digest) => digest,
            None => &self.tag,
        }
    }

    fn with_suffix(&self, mut name: String) -> String {
        if !self.tag.is_empty() {
            name.push(':');
            name.push_str(&self.tag);
        }
        if let Some(digest) = &self.digest {
            name.push('@');
            name.push_str(digest);
        }
        name
    }
}

/// The full form: `docker.io/library/nginx:1.21.6`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_suffix(self.name()))
    }
}

/// Splits off the registry; the first component is one only if it cannot be a repository's.
fn split_domain(text: &str) -> (String, String) {
    let (domain, remainder) = match text.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            (first, rest)
        }
        _ => (DEFAULT_DOMAIN, text),
    };
    let domain = if domain == "index.docker.io" { DEFAULT_DOMAIN } else { domain };
    if domain == DEFAULT_DOMAIN && !remainder.contains('/') {
        (domain.to_owned(), format!("library/{remainder}"))
    } else {
        (domain.to_owned(), remainder.to_owned())
    }
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (domain, None),
    };
    let label = |l: &str| {
        !l.is_empty()
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    port.is_none_or(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit())) && host.split('.').all(label)
}

/// Components of lower-case letters and digits, joined inside by `.`, `_`, `__` or dashes.
fn is_path(path: &str) -> bool {
    path.split('/').all(|component| {
        let bytes = component.as_bytes();
        let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let separators = component.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        edge(bytes.first())
            && edge(bytes.last())
            && separators
                .into_iter()
                .all(|s| s.is_empty() || s == "." || s == "_" || s == "__" || s.bytes().all(|b| b == b'-'))
    })
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= TAG_LEN_MAX
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

fn check_digest(digest: &str) -> Result<(), ReferenceError> {
    let (algorithm, hex) = digest.split_once(':').ok_or(ReferenceError::Format)?;
    if hex.len() < 32 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(ReferenceError::Format);
    }
    let len = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err(ReferenceError::DigestAlgorithm),
    };
    if hex.len() != len {
        return Err(ReferenceError::DigestLength);
    }
    if hex.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(ReferenceError::DigestFormat);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let got = match Reference::parse(text) {
            Ok(r) => r.to_string(),
            Err(e) => e.to_string(),
        };
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn normalises_as_docker_does() {
        check("nginx", "docker.io/library/nginx:latest");
        check("nginx:1.21.6", "docker.io/library/nginx:1.21.6");
        check("bitnami/redis", "docker.io/bitnami/redis:latest");
        check("index.docker.io/nginx", "docker.io/library/nginx:latest");
        check("localhost:5000/app:1", "localhost:5000/app:1");
        check("registry.gitlab.com/mygroup/myproject/myimage", "registry.gitlab.com/mygroup/myproject/myimage:latest");
        let digest = format!("sha256:{}", "0".repeat(64));
        check(&format!("nginx@{digest}"), &format!("docker.io/library/nginx@{digest}"));
    }

    #[test]
    fn refuses_in_the_librarys_words() {
        check("Nginx", "invalid reference format: repository name (library/Nginx) must be lowercase");
        check("nginx::1", "invalid reference format");
        check("nginx:", "invalid reference format");
        check("", "invalid reference format");
        check("my image", "invalid reference format");
        check("a..b", "invalid reference format");
        check("nginx:-x", "invalid reference format");
        check("nginx@sha256:12", "invalid reference format");
        check(
            &"a".repeat(64),
            &format!("invalid repository name ({}), cannot specify 64-byte hexadecimal strings", "a".repeat(64)),
        );
    }

    #[test]
    fn familiar_names_are_short() {
        let of = |t: &str| Reference::parse(t).map(|r| r.familiar());
        assert_eq!(of("docker.io/library/nginx:1").as_deref(), Ok("nginx:1"));
        assert_eq!(of("docker.io/a/b").as_deref(), Ok("a/b:latest"));
        assert_eq!(of("quay.io/a/b").as_deref(), Ok("quay.io/a/b:latest"));
    }
}
