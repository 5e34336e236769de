//! An image unpacked: the root file system that its containers start from, and the eyes with which native processes see it.

use super::image::{FileBody, Image};
use super::os::Os;
use super::software::Files;
use machine::fs::{Cred, Fs, FsError, Volume};
use machine::machine::{Personality, ShellKind, Tools};
use machine::process::Program;

/// Bytes a container may write over its image.
const CONTAINER_DISK_BYTES: u64 = 256 << 20;

/// The unpacked image. Shared by all containers of it: a clone costs one reference.
pub fn root(image: &Image) -> Volume {
    let mut volume = Volume::new(CONTAINER_DISK_BYTES);
    for file in image.tree() {
        // An image's own files always fit.
        let _ = match &file.body {
            FileBody::Directory => volume.install_dir(&file.path, file.mode as u16, 0, 0),
            FileBody::Bytes(bytes) => volume.install(&file.path, file.mode as u16, bytes.to_vec()),
            FileBody::Link(to) => volume.install_link(&file.path, to),
        };
    }
    let merged = matches!(image.os, Os::Debian | Os::Ubuntu);
    let bin = if merged { "/usr/bin" } else { "/bin" };
    for name in image.os.program_names() {
        if let Some(program) = program(name) {
            let _ = volume.install_program(&format!("{bin}/{name}"), program);
        }
    }
    let _ = match merged {
        true => volume.install_link("/bin", "usr/bin"),
        false if image.os.has_shell() => volume.install_link("/usr/bin/env", "/bin/env"),
        false => Ok(()),
    };
    machine::coreutils::install_devices(&mut volume);
    // Tools of the image's own that the machine knows (curl in `curlimages/curl`) are run by it.
    for own in image.software.programs {
        if let Some(program) = own.path.rsplit('/').next().and_then(program) {
            let _ = volume.install_program(own.path, program);
        }
    }
    volume
}

/// A program of the machine's table.
fn program(name: &str) -> Option<&'static dyn Program> {
    machine::coreutils::find(name)
}

/// Whose words the tools of an image speak, and which shell its `sh` is.
pub fn personality(os: Os) -> Personality {
    match os {
        Os::Debian | Os::Ubuntu => Personality { tools: Tools::Gnu, sh: ShellKind::Dash },
        Os::Alpine | Os::Busybox | Os::Distroless | Os::Scratch => {
            Personality { tools: Tools::Busybox, sh: ShellKind::Ash }
        }
    }
}

/// A file tree as images look at it, with root's eyes.
pub struct FsFiles<'a>(pub &'a Fs);

impl Files for FsFiles<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FsError> {
        self.0.read(&Cred::ROOT, path).map(|b| b.to_vec())
    }

    fn list(&self, path: &str) -> Result<Vec<String>, FsError> {
        Ok(self.0.list(&Cred::ROOT, path)?.into_iter().map(|(name, _)| name).collect())
    }

    fn is_dir(&self, path: &str) -> bool {
        self.0.stat(&Cred::ROOT, path).is_ok_and(|s| s.is_dir())
    }
}
