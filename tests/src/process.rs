//! What a tree of processes uses, from `/proc`.

use std::collections::HashMap;
use std::fs;

/// Ticks per second in which Linux reports processor time to user space, on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process and all its descendants use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Use {
    /// Processor time so far, user and system, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory in KiB, shared pages counted in every process.
    pub rss_kib: u64,
    /// Resident memory in KiB, shared pages divided among their users.
    pub pss_kib: u64,
    /// Number of processes.
    pub processes: usize,
}

/// Measures the tree below and including `root`. Processes that vanish meanwhile are left out.
pub fn tree(root: u32) -> Use {
    let mut sum = Use::default();
    for process in members(root) {
        let Some(stat) = Stat::read(process) else { continue };
        sum.cpu_seconds += stat.cpu_seconds;
        sum.rss_kib += field(process, "status", "VmRSS:").unwrap_or(0);
        sum.pss_kib += field(process, "smaps_rollup", "Pss:").unwrap_or(0);
        sum.processes += 1;
    }
    sum
}

/// Processor seconds of the tree below and including `root`.
pub fn cpu_seconds(root: u32) -> f64 {
    members(root).into_iter().filter_map(Stat::read).map(|stat| stat.cpu_seconds).sum()
}

/// The processes of the tree below and including `root`.
pub fn members(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(stat) = Stat::read(id) {
            children.entry(stat.parent).or_default().push(id);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(process) = found.get(next) {
        found.extend(children.remove(process).unwrap_or_default());
        next += 1;
    }
    found
}

struct Stat {
    parent: u32,
    cpu_seconds: f64,
}

impl Stat {
    fn read(process: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The program's name is in brackets and may hold anything, brackets included.
        let mut fields = text.rsplit_once(')')?.1.split_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        let user: f64 = fields.nth(9)?.parse().ok()?;
        let system: f64 = fields.next()?.parse().ok()?;
        Some(Self { parent, cpu_seconds: (user + system) / TICKS_PER_SECOND })
    }
}

fn field(process: u32, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_itself_and_its_children() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let own = tree(std::process::id());
        let ids = members(std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(ids.contains(&child.id()));
        assert!(own.processes >= 2 && own.rss_kib > 0 && own.pss_kib > 0);
    }
}
