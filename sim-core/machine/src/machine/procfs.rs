//! The few files of `/proc` that people look at, made when they are read.

use super::Machine;
use crate::process::Pid;
use apimachinery::time::Time;
use std::fmt::Write;

impl Machine {
    /// The content of a file of `/proc`, if `path` names one this machine has.
    pub fn proc_file(&self, path: &str, now: Time, me: Pid) -> Option<String> {
        let path = crate::fs::absolute("/", path);
        let name = path.strip_prefix("/proc/")?;
        let mut out = String::new();
        match name {
            "version" => {
                let _ = writeln!(out, "Linux version {} (kaiki@simulated) #1 SMP", self.kernel);
            }
            "uptime" => {
                let up = now.since(self.booted);
                let _ = writeln!(out, "{}.{:02} 0.00", up.as_secs(), up.subsec_millis() / 10);
            }
            "loadavg" => {
                let _ = writeln!(out, "0.00 0.00 0.00 1/{} {}", self.processes.len(), self.last_pid);
            }
            "meminfo" => {
                let total = self.memory_bytes / 1024;
                let free = total / 2;
                let _ = writeln!(out, "MemTotal:       {total:>8} kB\nMemFree:        {free:>8} kB");
                let _ = writeln!(out, "MemAvailable:   {:>8} kB", total * 3 / 4);
            }
            "cpuinfo" => {
                for n in 0..self.cpus {
                    let _ = writeln!(out, "processor\t: {n}\nmodel name\t: Simulated CPU\n");
                }
            }
            "mounts" | "self/mounts" => {
                out.push_str(
                    "overlay / overlay rw,relatime 0 0\nproc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\n",
                );
                for m in self.fs.mounts() {
                    let mode = if m.read_only { "ro" } else { "rw" };
                    let _ = writeln!(out, "{} {} ext4 {mode},relatime 0 0", m.volume, m.point());
                }
            }
            _ => {
                let (pid, file) = name.split_once('/')?;
                let pid = if pid == "self" { me } else { Pid(pid.parse().ok()?) };
                let p = self.process(pid)?;
                match file {
                    "cmdline" => out = p.argv.iter().flat_map(|a| [a.as_str(), "\0"]).collect(),
                    "comm" => out = format!("{}\n", p.argv.first()?.rsplit('/').next()?),
                    "environ" => p.env.iter().for_each(|(n, v)| {
                        let _ = write!(out, "{n}={v}\0");
                    }),
                    "status" => {
                        let comm = p.argv.first()?.rsplit('/').next()?;
                        let (uid, gid) = (p.cred.uid, p.cred.gid);
                        let _ = writeln!(
                            out,
                            "Name:\t{comm}\nState:\tS (sleeping)\nPid:\t{}\nPPid:\t{}",
                            pid.0, p.parent.0
                        );
                        let _ = writeln!(out, "Uid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{gid}\t{gid}\t{gid}\t{gid}");
                    }
                    _ => return None,
                }
            }
        }
        Some(out)
    }
}
