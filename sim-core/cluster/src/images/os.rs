//! The operating systems images are built on: their files and the commands they bring.
//!
//! Models: the root file systems of the official base images, reduced to what a learner looks at.

use super::image::File;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Os {
    /// `debian:12-slim` and what is built on it.
    Debian,
    Ubuntu,
    Alpine,
    /// Busybox alone.
    Busybox,
    /// A root file system without a shell.
    Distroless,
    /// Nothing at all: one static binary.
    Scratch,
}

const OS_RELEASE_DEBIAN: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
    VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\nHOME_URL=\"https://www.debian.org/\"\n";
const OS_RELEASE_UBUNTU: &str = "PRETTY_NAME=\"Ubuntu 24.04.3 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\n\
    VERSION=\"24.04.3 LTS (Noble Numbat)\"\nVERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\n";
const OS_RELEASE_ALPINE: &str = "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.22.2\nPRETTY_NAME=\"Alpine Linux v3.22\"\n\
    HOME_URL=\"https://alpinelinux.org/\"\n";
const OS_RELEASE_DISTROLESS: &str = "PRETTY_NAME=\"Distroless\"\nNAME=\"Debian GNU/Linux\"\nID=\"debian\"\n\
    VERSION_ID=\"12\"\n";

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
    bin:x:2:2:bin:/bin:/usr/sbin/nologin\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n\
    nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const GROUP: &str = "root:x:0:\ndaemon:x:1:\nbin:x:2:\nwww-data:x:33:\nnogroup:x:65534:\n";

/// Commands of every system that has a shell; the shell's own builtins are not listed.
const COMMON: &str = "sh ls cat echo printf mkdir rmdir rm cp mv ln touch head tail grep egrep fgrep sed awk sort uniq wc \
    cut tr tee xargs sleep date env which base64 diff test [ true false pwd basename dirname id whoami hostname uname \
    chmod chown df du find seq yes kill od expr readlink realpath stat md5sum sha256sum tar gzip gunzip zcat tac nl \
    timeout mktemp sync nproc tty printenv dd install cmp rev paste fold comm split shuf nice nohup mount umount dmesg \
    su getent";
const GNU: &str = "bash dash apt apt-get apt-cache dpkg perl runuser numfmt less";
const UBUNTU: &str = "ps top free uptime";
const BUSYBOX: &str = "ash busybox wget nc ping nslookup vi less top ps free uptime watch netstat ip ifconfig route traceroute \
    telnet httpd hexdump killall pgrep pkill crontab crond adduser addgroup passwd arp clear cal bc usleep";

fn lists(words: &str, name: &str) -> bool {
    words.split_ascii_whitespace().any(|w| w == name)
}

impl Os {
    /// Whether a fresh root file system of this kind has the command.
    pub fn has_program(self, name: &str) -> bool {
        self.programs().iter().any(|words| lists(words, name))
    }

    pub fn has_shell(self) -> bool {
        self.has_program("sh")
    }

    /// Every command by name.
    pub fn program_names(self) -> impl Iterator<Item = &'static str> {
        self.programs().iter().flat_map(|words| words.split_ascii_whitespace())
    }

    /// Lists of command names, separated by blanks.
    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Debian => &[COMMON, GNU],
            Self::Ubuntu => &[COMMON, GNU, UBUNTU],
            Self::Alpine => &[COMMON, BUSYBOX, "apk"],
            Self::Busybox => &[COMMON, BUSYBOX],
            Self::Distroless | Self::Scratch => &[],
        }
    }

    fn release(self) -> &'static str {
        match self {
            Self::Debian => OS_RELEASE_DEBIAN,
            Self::Ubuntu => OS_RELEASE_UBUNTU,
            Self::Alpine => OS_RELEASE_ALPINE,
            Self::Distroless => OS_RELEASE_DISTROLESS,
            Self::Busybox | Self::Scratch => "",
        }
    }

    /// The files of a fresh root file system (the programs of `/bin` are the machine's own).
    pub fn tree(self) -> Vec<File> {
        let mut files = Vec::new();
        if self == Self::Scratch {
            return files;
        }
        let directories = match self {
            Self::Busybox => "/bin /dev /etc /home /root /tmp /usr /usr/sbin /usr/bin /var /lib /lib64",
            Self::Debian | Self::Ubuntu => {
                "/boot /dev /etc /home /lib /lib64 /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr \
                 /usr/bin /usr/lib /usr/local /usr/local/bin /usr/sbin /usr/share /var /var/cache /var/lib /var/log \
                 /var/run /var/tmp"
            }
            _ => {
                "/bin /boot /dev /etc /home /lib /lib64 /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr \
                 /usr/bin /usr/lib /usr/local /usr/local/bin /usr/sbin /usr/share /var /var/cache /var/lib /var/log \
                 /var/run /var/tmp"
            }
        };
        files.extend(directories.split_ascii_whitespace().map(File::directory));
        if !self.release().is_empty() {
            files.push(File::text("/etc/os-release", 0o644, self.release()));
        }
        files.push(File::text("/etc/passwd", 0o644, PASSWD));
        files.push(File::text("/etc/group", 0o644, GROUP));
        match self {
            Self::Debian => files.push(File::text("/etc/debian_version", 0o644, "12.12\n")),
            Self::Ubuntu => files.push(File::text("/etc/debian_version", 0o644, "trixie/sid\n")),
            Self::Alpine => files.push(File::text("/etc/alpine-release", 0o644, "3.22.2\n")),
            Self::Busybox | Self::Distroless | Self::Scratch => {}
        }
        files
    }
}
