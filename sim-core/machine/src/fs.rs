//! Files and directories of one machine.

/// Why a file operation failed, as errno says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsError {
    NotFound,
    NotADirectory,
    IsADirectory,
    Exists,
    NotEmpty,
    PermissionDenied,
    ReadOnly,
    NoSpace,
    TooManyLinks,
    Invalid,
}

impl FsError {
    /// `No such file or directory` …
    pub fn message(self) -> &'static str {
        match self {
            Self::NotFound => "No such file or directory",
            Self::NotADirectory => "Not a directory",
            Self::IsADirectory => "Is a directory",
            Self::Exists => "File exists",
            Self::NotEmpty => "Directory not empty",
            Self::PermissionDenied => "Permission denied",
            Self::ReadOnly => "Read-only file system",
            Self::NoSpace => "No space left on device",
            Self::TooManyLinks => "Too many levels of symbolic links",
            Self::Invalid => "Invalid argument",
        }
    }
}
