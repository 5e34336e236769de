//! What is known of a kind without looking at an object: its names, and the columns of its table.

/// Everything about a kind that is not code.
#[derive(Clone, Debug, Default)]
pub struct KindInfo {
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub short_names: &'static [&'static str],
    pub categories: &'static [&'static str],
    pub namespaced: bool,
    /// Names of subresources: `status`, `scale`, `log` …
    pub subresources: &'static [&'static str],
    /// `metadata.generation` counts changes of the spec.
    pub generation: bool,
    /// Empty: all of create delete deletecollection get list patch update watch.
    pub verbs: &'static [&'static str],
}

impl KindInfo {
    /// A namespaced kind of version v1 with all the verbs and no subresources.
    pub const fn namespaced(
        group: &'static str,
        kind: &'static str,
        plural: &'static str,
        singular: &'static str,
    ) -> Self {
        Self {
            group,
            version: "v1",
            kind,
            plural,
            singular,
            short_names: &[],
            categories: &[],
            namespaced: true,
            subresources: &[],
            generation: false,
            verbs: &[],
        }
    }

    /// As [`Self::namespaced`], for a kind that is not in a namespace.
    pub const fn cluster(
        group: &'static str,
        kind: &'static str,
        plural: &'static str,
        singular: &'static str,
    ) -> Self {
        let mut info = Self::namespaced(group, kind, plural, singular);
        info.namespaced = false;
        info
    }

    pub const fn short(mut self, names: &'static [&'static str]) -> Self {
        self.short_names = names;
        self
    }

    pub const fn category(mut self, categories: &'static [&'static str]) -> Self {
        self.categories = categories;
        self
    }

    pub const fn subresources(mut self, names: &'static [&'static str]) -> Self {
        self.subresources = names;
        self
    }

    pub const fn in_version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    pub const fn with_generation(mut self) -> Self {
        self.generation = true;
        self
    }

    /// `apps/v1`, or `v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// A column of the server-side Table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    /// `string`, `integer`, `boolean`, `date`.
    pub kind: &'static str,
    pub format: &'static str,
    /// 0: always shown; 1: with `-o wide`.
    pub priority: u8,
    pub description: &'static str,
}

impl Column {
    pub const fn new(name: &'static str, description: &'static str) -> Self {
        Self { name, kind: "string", format: "", priority: 0, description }
    }
    /// The NAME column.
    pub const fn name() -> Self {
        Self {
            name: "Name",
            kind: "string",
            format: "name",
            priority: 0,
            description: "Name must be unique within a namespace. Is required when creating resources, although some \
                          resources may allow a client to request the generation of an appropriate name automatically. \
                          Name is primarily intended for creation idempotence and configuration definition. Cannot be \
                          updated. More info: \
                          https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
        }
    }
    /// When the object was made: what kinds show that have no columns of their own.
    pub const fn created_at() -> Self {
        Self {
            kind: "date",
            ..Self::new(
                "Created At",
                "CreationTimestamp is a timestamp representing the server time when this object was created.",
            )
        }
    }
    pub const fn age() -> Self {
        Self::new(
            "Age",
            "CreationTimestamp is a timestamp representing the server time when this object was created. It is not \
             guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is \
             represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: \
             https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
        )
    }
    /// The CONTAINERS column of everything that has a pod template.
    pub const fn containers() -> Self {
        Self::new("Containers", "Names of each container in the template.").wide()
    }
    /// The IMAGES column of everything that has a pod template.
    pub const fn images() -> Self {
        Self::new("Images", "Images referenced by each container in the template.").wide()
    }
    pub const fn integer(mut self) -> Self {
        self.kind = "integer";
        self
    }
    pub const fn boolean(mut self) -> Self {
        self.kind = "boolean";
        self
    }
    pub const fn wide(mut self) -> Self {
        self.priority = 1;
        self
    }
}
