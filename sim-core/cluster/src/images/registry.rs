//! Registries: who stores which image, who may see it, and how a refusal is worded by each program that meets it.
//!
//! The public registries answer from the catalog and from what the learner pushed; private ones appear when somebody runs
//! `registry:2`. Invariants: a pull reads, and only counts against rate limits; an account keeps the password of its first login.
//! Models: the OCI distribution API with the error texts of containerd's resolver and of the Docker daemon.

use super::catalog;
use super::hosts::{Host, PullDenied, host};
use super::image::{Image, digest_of};
use super::reference::Reference;
use apimachinery::time::{Duration, Time};
use std::collections::BTreeMap;
use std::sync::Arc;

const RATE_WINDOW: Duration = Duration::from_secs(6 * 3600);

/// A user name and password (or token) for one registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub username: String,
    pub password: String,
}

/// All registries that can be reached.
#[derive(Clone, Default)]
pub struct Registries {
    hosts: BTreeMap<String, Registry>,
}

/// What one registry holds beyond the catalog, and how it feels today.
#[derive(Clone, Default)]
pub struct Registry {
    accounts: BTreeMap<String, String>,
    repositories: BTreeMap<String, Repository>,
    /// Open to everyone, pushes included: a `registry:2` without authentication.
    pub open: bool,
    pub fault: Fault,
    /// Start of the present window and pulls in it.
    pulls: (Time, u32),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// Connections time out.
    Down,
    /// Connections are refused.
    Refused,
    /// Answers 503.
    Unavailable,
    /// Transfers take this many times as long.
    Slow(u32),
}

#[derive(Clone, Default)]
pub struct Repository {
    pub private: bool,
    pub owner: String,
    pub tags: BTreeMap<String, Arc<Image>>,
}

/// Why an image cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullError {
    /// The repository is there, the tag is not.
    NotFound,
    /// No such repository, or not for this caller; registries do not tell which.
    Denied,
    /// The password is wrong.
    BadCredentials,
    NoSuchHost,
    /// The host answers, but not as a registry.
    NoRegistry,
    TimedOut,
    Refused,
    Unavailable,
    RateLimited,
}

/// Why a push or login is refused; the words that the docker command prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushError {
    Denied(&'static str),
    NoSuchHost,
    TimedOut,
    Refused,
}

impl Registries {
    /// Images in a registry's own store (a fault, an account …) are made on first use.
    pub fn entry(&mut self, domain: &str) -> &mut Registry {
        self.hosts.entry(canonical(domain).to_owned()).or_default()
    }

    pub fn get(&self, domain: &str) -> Option<&Registry> {
        self.hosts.get(canonical(domain))
    }

    /// A private registry appears (somebody runs `registry:2`) …
    pub fn open(&mut self, domain: &str) {
        self.entry(domain).open = true;
    }

    /// … or goes, with what it stored.
    pub fn close(&mut self, domain: &str) {
        self.hosts.remove(domain);
    }

    fn exists(&self, domain: &str) -> bool {
        host(domain).is_some() || self.hosts.get(domain).is_some_and(|r| r.open)
    }

    /// Finds an image as `credentials` may see it.
    pub fn pull(
        &mut self,
        reference: &Reference,
        credentials: Option<&Credentials>,
        now: Time,
    ) -> Result<Arc<Image>, PullError> {
        if !self.exists(&reference.domain) {
            return Err(unreachable(&reference.domain));
        }
        let known = host(&reference.domain);
        let registry = self.entry(&reference.domain);
        match registry.fault {
            Fault::Down => return Err(PullError::TimedOut),
            Fault::Refused => return Err(PullError::Refused),
            Fault::Unavailable => return Err(PullError::Unavailable),
            Fault::None | Fault::Slow(_) => {}
        }
        let user = match credentials {
            Some(c) if registry.accounts.get(&c.username) == Some(&c.password) => Some(c.username.as_str()),
            Some(_) if !registry.open => return Err(PullError::BadCredentials),
            _ => None,
        };
        let found = registry.find(reference, user, known)?;
        registry.count(known, user, now)?;
        Ok(found)
    }

    /// Begins every registry's count of anonymous pulls anew.
    pub fn forget_pulls(&mut self) {
        for registry in self.hosts.values_mut() {
            registry.pulls.1 = 0;
        }
    }

    /// How much slower than usual transfers from this registry are.
    pub fn slowness(&self, domain: &str) -> u32 {
        match self.get(domain).map(|r| r.fault) {
            Some(Fault::Slow(times)) => times.max(1),
            _ => 1,
        }
    }

    /// Checks a password. A name that was never seen is a new account with this password.
    pub fn login(&mut self, domain: &str, credentials: &Credentials) -> Result<(), PushError> {
        if !self.exists(domain) {
            return Err(PushError::from(unreachable(domain)));
        }
        let denied = host(domain).map_or("unauthorized: authentication required", |h| h.login_denied);
        let registry = self.entry(domain);
        match registry.fault {
            Fault::Down => return Err(PushError::TimedOut),
            Fault::Refused => return Err(PushError::Refused),
            _ => {}
        }
        if credentials.username.is_empty() || credentials.password.is_empty() {
            return Err(PushError::Denied(denied));
        }
        let stored =
            registry.accounts.entry(credentials.username.clone()).or_insert_with(|| credentials.password.clone());
        if *stored == credentials.password { Ok(()) } else { Err(PushError::Denied(denied)) }
    }

    /// Stores an image under a reference.
    pub fn push(
        &mut self,
        reference: &Reference,
        credentials: Option<&Credentials>,
        image: Arc<Image>,
    ) -> Result<(), PushError> {
        if !self.exists(&reference.domain) {
            return Err(PushError::from(unreachable(&reference.domain)));
        }
        let known = host(&reference.domain);
        let registry = self.entry(&reference.domain);
        match registry.fault {
            Fault::Down => return Err(PushError::TimedOut),
            Fault::Refused => return Err(PushError::Refused),
            _ => {}
        }
        let user =
            credentials.filter(|c| registry.accounts.get(&c.username) == Some(&c.password)).map(|c| c.username.clone());
        let namespace = reference.repository.split('/').next().unwrap_or_default();
        let existing = registry.repositories.get(&reference.repository);
        let allowed = match (&user, known) {
            _ if registry.open => true,
            (None, _) | (_, None) => false,
            (Some(user), Some(h)) if h.own_namespace => namespace == user && reference.repository.contains('/'),
            (Some(user), Some(_)) => existing.is_none_or(|r| r.owner == *user),
        };
        if !allowed {
            let words = known.map_or("no basic auth credentials", |h| h.push_denied);
            return Err(PushError::Denied(words));
        }
        let private = !registry.open && known.is_some_and(|h| !h.public_by_default);
        let repository = registry.repositories.entry(reference.repository.clone()).or_insert_with(|| Repository {
            private,
            owner: user.unwrap_or_default(),
            tags: BTreeMap::new(),
        });
        repository.tags.insert(reference.tag.clone(), image);
        Ok(())
    }
}

impl Registry {
    pub fn repositories(&self) -> &BTreeMap<String, Repository> {
        &self.repositories
    }

    /// Makes a repository public or private, as a registry's web page would.
    pub fn set_private(&mut self, repository: &str, private: bool) -> bool {
        match self.repositories.get_mut(repository) {
            Some(r) => {
                r.private = private;
                true
            }
            None => false,
        }
    }

    fn find(
        &self,
        reference: &Reference,
        user: Option<&str>,
        known: Option<&'static Host>,
    ) -> Result<Arc<Image>, PullError> {
        if let Some(repository) = self.repositories.get(&reference.repository) {
            if repository.private && !self.open && user != Some(repository.owner.as_str()) {
                return Err(PullError::Denied);
            }
            let found = match &reference.digest {
                Some(digest) => repository.tags.values().find(|i| i.digest == *digest),
                None => repository.tags.get(&reference.tag),
            };
            return found.cloned().ok_or(PullError::NotFound);
        }
        let Some(entry) = known.and_then(|h| catalog::find(h.domain, &reference.repository)) else {
            return Err(PullError::Denied);
        };
        let found = match &reference.digest {
            Some(digest) => entry.by_digest(digest),
            None => entry.image(&reference.tag),
        };
        found.map(Arc::new).ok_or(PullError::NotFound)
    }

    fn count(&mut self, known: Option<&'static Host>, user: Option<&str>, now: Time) -> Result<(), PullError> {
        let max = known.map_or(0, |h| h.anonymous_pulls_max);
        if max == 0 || user.is_some() {
            return Ok(());
        }
        if now.since(self.pulls.0) > RATE_WINDOW {
            self.pulls = (now, 0);
        }
        if self.pulls.1 >= max {
            return Err(PullError::RateLimited);
        }
        self.pulls.1 += 1;
        Ok(())
    }
}

fn canonical(domain: &str) -> &str {
    host(domain).map_or(domain, |h| h.domain)
}

/// What happens at a domain where no registry is.
fn unreachable(domain: &str) -> PullError {
    let name = domain.split(':').next().unwrap_or_default();
    let is_address = name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    const WEB_SITES: &[&str] =
        &["github.com", "gitlab.com", "google.com", "example.com", "kubernetes.io", "www.docker.com"];
    match name {
        "localhost" | "127.0.0.1" => PullError::Refused,
        _ if is_address => PullError::TimedOut,
        n if WEB_SITES.contains(&n) => PullError::NoRegistry,
        _ => PullError::NoSuchHost,
    }
}

impl From<PullError> for PushError {
    fn from(e: PullError) -> Self {
        match e {
            PullError::NoSuchHost => Self::NoSuchHost,
            PullError::Refused => Self::Refused,
            PullError::TimedOut | PullError::Unavailable => Self::TimedOut,
            _ => Self::Denied("404 page not found"),
        }
    }
}

/// Where a simulated machine asks for names.
const RESOLVER: &str = "192.168.49.1:53";

/// The address of a registry's name: the same every time.
pub fn address_of(domain: &str) -> String {
    let digest = digest_of("address", domain);
    let byte = |i: usize| u8::from_str_radix(&digest[7 + 2 * i..9 + 2 * i], 16).unwrap_or(1);
    format!("{}.{}.{}.{}", 34 + byte(0) % 64, byte(1), byte(2), 1 + byte(3) % 250)
}

/// `registry.example.com:5000` → (`registry.example.com`, `5000`)
fn host_port(domain: &str) -> (&str, &str) {
    domain.split_once(':').unwrap_or((domain, "443"))
}

fn endpoint(domain: &str) -> &str {
    if domain == super::reference::DEFAULT_DOMAIN { "registry-1.docker.io" } else { domain }
}

impl PullError {
    /// Why the connection failed, in the words of Go's `net` package; `None` when there was an answer.
    fn dial(&self, domain: &str) -> Option<String> {
        let domain = endpoint(domain);
        let (name, port) = host_port(domain);
        let literal = name.bytes().all(|b| b.is_ascii_digit() || b == b'.') || name == "localhost";
        let address = match name {
            "localhost" => "127.0.0.1".to_owned(),
            _ if literal => name.to_owned(),
            _ => address_of(name),
        };
        match self {
            Self::NoSuchHost => Some(format!("dial tcp: lookup {name} on {RESOLVER}: no such host")),
            Self::Refused => Some(format!("dial tcp {address}:{port}: connect: connection refused")),
            Self::TimedOut => Some(format!("dial tcp {address}:{port}: i/o timeout")),
            _ => None,
        }
    }

    /// As the kubelet gets it from containerd: what follows `Failed to pull image "x": `.
    pub fn cri(&self, reference: &Reference) -> String {
        let full = reference.to_string();
        let url = manifest_url(reference);
        let known = host(&reference.domain);
        let why = match self {
            Self::NotFound => format!("{full}: not found"),
            Self::Denied => match known {
                Some(h) if !h.token_denied.is_empty() => {
                    let scope = reference.repository.replace('/', "%2F");
                    format!(
                        "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to \
                         {}?scope=repository%3A{scope}%3Apull&service={}: {}",
                        h.token_url, h.service, h.token_denied
                    )
                }
                Some(h) if h.pull_denied == PullDenied::Hub => {
                    "pull access denied, repository does not exist or may require authorization: server message: \
                     insufficient_scope: authorization failed"
                        .to_owned()
                }
                _ => format!("{full}: not found"),
            },
            Self::BadCredentials => {
                let (url, service) = known.map_or(("https://auth/token", ""), |h| (h.token_url, h.service));
                let scope = reference.repository.replace('/', "%2F");
                format!(
                    "failed to authorize: failed to fetch oauth token: unexpected status from GET request to \
                     {url}?scope=repository%3A{scope}%3Apull&service={service}: 401 Unauthorized"
                )
            }
            Self::NoRegistry => format!("unexpected status from HEAD request to {url}: 404 Not Found"),
            Self::Unavailable => format!("unexpected status from HEAD request to {url}: 503 Service Unavailable"),
            Self::RateLimited => format!(
                "failed to copy: httpReadSeeker: failed open: unexpected status from GET request to {url}: 429 Too Many Requests\n\
                 toomanyrequests: You have reached your unauthenticated pull rate limit. \
                 https://www.docker.com/increase-rate-limit"
            ),
            Self::NoSuchHost | Self::TimedOut | Self::Refused => {
                let dial = self.dial(&reference.domain).unwrap_or_default();
                format!("failed to do request: Head \"{url}\": {dial}")
            }
        };
        let resolving = match self {
            Self::RateLimited => format!("failed to pull and unpack image \"{full}\": {why}"),
            _ => format!("failed to pull and unpack image \"{full}\": failed to resolve reference \"{full}\": {why}"),
        };
        // gRPC codes other than Unknown stay visible.
        if why.ends_with(": not found") { format!("rpc error: code = NotFound desc = {resolving}") } else { resolving }
    }

    /// As the docker command prints it, after `Error response from daemon: `.
    pub fn docker(&self, reference: &Reference) -> String {
        let url = manifest_url(reference);
        match self {
            Self::NotFound => {
                format!("manifest for {} not found: manifest unknown: manifest unknown", reference.familiar())
            }
            Self::Denied => match host(&reference.domain).map(|h| h.pull_denied) {
                Some(PullDenied::Hub) | None => format!(
                    "pull access denied for {}, repository does not exist or may require 'docker login': denied: requested access to \
                     the resource is denied",
                    reference.familiar_name()
                ),
                Some(PullDenied::Head(words)) => format!("Head \"{url}\": {words}"),
                Some(PullDenied::Unknown) => {
                    format!("manifest for {} not found: manifest unknown: Failed to fetch", reference.familiar())
                }
            },
            Self::BadCredentials => format!("Head \"{url}\": unauthorized: incorrect username or password"),
            Self::NoRegistry => {
                "error parsing HTTP 404 response body: invalid character '<' looking for beginning of value".to_owned()
            }
            Self::Unavailable => "received unexpected HTTP status: 503 Service Unavailable".to_owned(),
            Self::RateLimited => "toomanyrequests: You have reached your unauthenticated pull rate limit. \
                https://www.docker.com/increase-rate-limit"
                .to_owned(),
            Self::NoSuchHost | Self::TimedOut | Self::Refused => {
                let scheme = if reference.domain.starts_with("localhost") { "http" } else { "https" };
                let dial = self.dial(&reference.domain).unwrap_or_default();
                let why = match self {
                    Self::TimedOut => {
                        "net/http: request canceled while waiting for connection (Client.Timeout exceeded while \
                        awaiting headers)"
                            .to_owned()
                    }
                    _ => dial,
                };
                format!("Get \"{scheme}://{}/v2/\": {why}", endpoint(&reference.domain))
            }
        }
    }

    /// Whether time alone might cure it.
    pub fn took(&self) -> Duration {
        match self {
            Self::TimedOut => Duration::from_secs(30),
            _ => super::latency::RESOLVE,
        }
    }
}

impl PushError {
    /// The words that follow for `docker push` and `docker login`, for the host's front door.
    pub fn docker(&self, domain: &str) -> String {
        let pull = match self {
            Self::Denied(words) => return (*words).to_owned(),
            Self::NoSuchHost => PullError::NoSuchHost,
            Self::TimedOut => PullError::TimedOut,
            Self::Refused => PullError::Refused,
        };
        let reference =
            Reference { domain: domain.to_owned(), repository: String::new(), tag: String::new(), digest: None };
        pull.docker(&reference)
    }
}

fn manifest_url(reference: &Reference) -> String {
    let scheme = if reference.domain.starts_with("localhost") { "http" } else { "https" };
    format!("{scheme}://{}/v2/{}/manifests/{}", endpoint(&reference.domain), reference.repository, reference.selector())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(text: &str) -> Result<Arc<Image>, String> {
        let reference = Reference::parse(text).map_err(|e| e.to_string())?;
        Registries::default().pull(&reference, None, Time::START).map_err(|e| e.cri(&reference))
    }

    fn refused(text: &str, words: &str) {
        assert_eq!(pull(text).err().as_deref(), Some(words), "{text}");
    }

    #[test]
    fn refusals_are_worded_as_containerd_does() {
        refused(
            "nginx:nosuchimage",
            "rpc error: code = NotFound desc = failed to pull and unpack image \"docker.io/library/nginx:nosuchimage\": failed to resolve \
             reference \"docker.io/library/nginx:nosuchimage\": docker.io/library/nginx:nosuchimage: not found",
        );
        refused(
            "nosuch",
            "failed to pull and unpack image \"docker.io/library/nosuch:latest\": failed to resolve reference \
             \"docker.io/library/nosuch:latest\": pull access denied, repository does not exist or may require authorization: server \
             message: insufficient_scope: authorization failed",
        );
        refused(
            "registry.nosuch.test/a/b:1",
            "failed to pull and unpack image \"registry.nosuch.test/a/b:1\": failed to resolve reference \"registry.nosuch.test/a/b:1\": \
             failed to do request: Head \"https://registry.nosuch.test/v2/a/b/manifests/1\": dial tcp: lookup registry.nosuch.test on \
             192.168.49.1:53: no such host",
        );
    }

    #[test]
    fn tags_of_the_catalog_are_found() {
        for name in [
            "nginx",
            "nginx:1.21.6",
            "nginx:1.14.2",
            "nginx:alpine",
            "busybox:1.36",
            "redis:7.0",
            "registry.k8s.io/pause:3.10",
        ] {
            assert!(pull(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_private_image_needs_its_owners_login() -> Result<(), PushError> {
        let mut all = Registries::default();
        let reference = Reference::parse("registry.gitlab.com/mygroup/myproject/myimage").expect("well-formed");
        let me = Credentials { username: "me".into(), password: "secret".into() };
        let image = pull("nginx").expect("in the catalog");
        assert!(all.push(&reference, Some(&me), image.clone()).is_err(), "not before login");
        all.login("registry.gitlab.com", &me)?;
        all.push(&reference, Some(&me), image)?;
        assert!(all.pull(&reference, Some(&me), Time::START).is_ok());
        assert_eq!(all.pull(&reference, None, Time::START).err(), Some(PullError::Denied));
        let wrong = Credentials { password: "guess".into(), ..me };
        assert!(all.login("registry.gitlab.com", &wrong).is_err());
        Ok(())
    }

    #[test]
    fn anonymous_pulls_are_counted() {
        let mut all = Registries::default();
        let reference = Reference::parse("nginx").expect("well-formed");
        let last = (0..101).map(|_| all.pull(&reference, None, Time::START).err()).last();
        assert_eq!(last, Some(Some(PullError::RateLimited)));
    }
}
