//! The registries of the public internet: how each one words its refusals and who may push where. Data only.

/// One well-known registry.
pub struct Host {
    pub domain: &'static str,
    /// Where anonymous tokens come from; empty when the registry asks for none.
    pub token_url: &'static str,
    pub service: &'static str,
    /// Status of the token server for a repository the caller may not see; 0 when the token is given and the registry refuses.
    pub token_denied: &'static str,
    /// The docker command's words for such a repository, after the daemon's `Error response from daemon: `.
    pub pull_denied: PullDenied,
    /// After the layers are prepared: what `docker push` ends with.
    pub push_denied: &'static str,
    /// After `Error response from daemon: Get "https://HOST/v2/": `.
    pub login_denied: &'static str,
    /// Whether the first path component must be the user's own name.
    pub own_namespace: bool,
    /// Whether what a user pushes can be pulled by anyone.
    pub public_by_default: bool,
    /// Pulls allowed in six hours without login; 0 means without limit.
    pub anonymous_pulls_max: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullDenied {
    /// `pull access denied for x, repository does not exist or may require 'docker login': …`
    Hub,
    /// `Head "https://HOST/v2/x/manifests/tag": words`
    Head(&'static str),
    /// Says the manifest is unknown, as for a missing tag.
    Unknown,
}

pub const HOSTS: &[Host] = &[
    Host {
        domain: "docker.io",
        token_url: "https://auth.docker.io/token",
        service: "registry.docker.io",
        token_denied: "",
        pull_denied: PullDenied::Hub,
        push_denied: "denied: requested access to the resource is denied",
        login_denied: "unauthorized: incorrect username or password",
        own_namespace: true,
        public_by_default: true,
        anonymous_pulls_max: 100,
    },
    Host {
        domain: "registry.gitlab.com",
        token_url: "https://gitlab.com/jwt/auth",
        service: "container_registry",
        token_denied: "403 Forbidden",
        pull_denied: PullDenied::Head("denied: access forbidden"),
        push_denied: "denied: requested access to the resource is denied",
        login_denied: "denied: access forbidden",
        own_namespace: false,
        public_by_default: false,
        anonymous_pulls_max: 0,
    },
    Host {
        domain: "ghcr.io",
        token_url: "https://ghcr.io/token",
        service: "ghcr.io",
        token_denied: "403 Forbidden",
        pull_denied: PullDenied::Head("denied"),
        push_denied: "denied: permission_denied: The requested installation does not exist.",
        login_denied: "denied: denied",
        own_namespace: true,
        public_by_default: false,
        anonymous_pulls_max: 0,
    },
    Host {
        domain: "quay.io",
        token_url: "https://quay.io/v2/auth",
        service: "quay.io",
        token_denied: "401 UNAUTHORIZED",
        pull_denied: PullDenied::Head("unauthorized: access to the requested resource is not authorized"),
        push_denied: "unauthorized: access to the requested resource is not authorized",
        login_denied: "unauthorized: Could not find robot or user with those credentials",
        own_namespace: true,
        public_by_default: false,
        anonymous_pulls_max: 0,
    },
    Host {
        domain: "gcr.io",
        token_url: "https://gcr.io/v2/token",
        service: "gcr.io",
        token_denied: "",
        pull_denied: PullDenied::Unknown,
        push_denied: "denied: Unauthenticated request. Unauthenticated requests do not have permission \
            \"artifactregistry.repositories.uploadArtifacts\" on resource (or it may not exist)",
        login_denied: "unauthorized: authentication failed",
        own_namespace: false,
        public_by_default: false,
        anonymous_pulls_max: 0,
    },
    Host {
        domain: "registry.k8s.io",
        token_url: "",
        service: "",
        token_denied: "",
        pull_denied: PullDenied::Unknown,
        push_denied: "denied: registry.k8s.io does not take images",
        login_denied: "unauthorized",
        own_namespace: true,
        public_by_default: true,
        anonymous_pulls_max: 0,
    },
    Host {
        domain: "mcr.microsoft.com",
        token_url: "",
        service: "",
        token_denied: "",
        pull_denied: PullDenied::Unknown,
        push_denied: "unauthorized: authentication required",
        login_denied: "unauthorized",
        own_namespace: true,
        public_by_default: true,
        anonymous_pulls_max: 0,
    },
];

/// Other names of the same registries.
const ALIASES: &[(&str, &str)] = &[
    ("registry-1.docker.io", "docker.io"),
    ("k8s.gcr.io", "registry.k8s.io"),
    ("us-docker.pkg.dev", "gcr.io"),
    ("www.gcr.io", "gcr.io"),
];

/// The registry behind a domain.
pub fn host(domain: &str) -> Option<&'static Host> {
    let domain = ALIASES.iter().find(|(alias, _)| *alias == domain).map_or(domain, |(_, real)| real);
    HOSTS.iter().find(|h| h.domain == domain)
}
