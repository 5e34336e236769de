//! Plays a scenario in-process: one bash on the simulated laptop, virtual time, everything it prints recorded.

use crate::compare::Said;
use crate::scenario::{Scenario, Step};
use apimachinery::time::{Duration, Time};
use machine::machine::{SessionId, Start};
use terminal::{World, WorldConfig, laptop};

/// One line of a recording.
#[derive(Clone, Debug)]
pub enum Entry {
    Command { text: String, said: Said, at: Duration, took: Duration, line: usize },
    Wait { label: String, ok: bool, at: Duration },
}

/// Cloned, it plays on by itself: what one does the other never sees.
#[derive(Clone)]
pub struct Player {
    pub world: World,
    bash: SessionId,
    began: Time,
}

/// Virtual time that one command may take.
const COMMAND_MAX: Duration = Duration::from_secs(900);
/// Virtual time that a `# wait:` may take.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Instants visited for one command; more is a command that never rests.
const INSTANTS_MAX: usize = 2_000_000;
/// Between a command and the end mark that the shell prints after it.
const MARK: char = '\u{1e}';
/// Reads commands, each ended by a mark, and runs them one by one, as typed into one shell.
const LOOP: &str =
    "while IFS= read -r -d $'\\x1e' __command; do eval \"$__command\" </dev/null; printf '\\036%d\\036\\n' $?; done";
/// Where scenarios run.
const DIRECTORY: &str = "/home/learner/play";

impl Player {
    /// A laptop beside a cluster that is up, and a bash in an empty directory.
    pub fn new(config: WorldConfig) -> Self {
        let mut world = World::new(&config);
        if let Some(cluster) = world.cluster_mut() {
            cluster.api.set_openapi(crate::openapi::schemas());
        }
        let cred = laptop::credentials(&world.laptop, laptop::USER);
        world.laptop.fs.mkdir(&cred, DIRECTORY, 0o755).expect("the laptop's home is writable");
        let bash = world
            .laptop
            .spawn_session(Start {
                argv: vec!["bash".into(), "-c".into(), LOOP.into()],
                cwd: DIRECTORY.into(),
                cred,
                stdin: true,
                ..Start::default()
            })
            .expect("the laptop has bash");
        let began = world.now();
        Self { world, bash, began }
    }

    /// Runs one command line to its end.
    pub fn run(&mut self, text: &str) -> Said {
        let script = format!("{text}\u{1e}");
        self.world.laptop.write_stdin(self.bash, script.as_bytes());
        let until = self.world.now() + COMMAND_MAX;
        let (mut out, mut err) = (String::new(), String::new());
        for _ in 0..INSTANTS_MAX {
            self.world.run_until(self.world.now());
            out.push_str(&String::from_utf8_lossy(&self.world.laptop.take_stdout(self.bash)));
            err.push_str(&String::from_utf8_lossy(&self.world.laptop.take_stderr(self.bash)));
            if let Some((before, rest)) = out.split_once(MARK)
                && let Some((code, _)) = rest.split_once(MARK)
            {
                return Said { stdout: before.to_owned(), stderr: err, rc: code.parse().unwrap_or(-1) };
            }
            if let Some(code) = self.world.laptop.exit_code(self.bash) {
                return Said { stdout: out, stderr: err, rc: i64::from(code) };
            }
            match self.world.next_event().filter(|t| *t <= until) {
                Some(t) => self.world.run_until(t),
                None => break,
            }
        }
        // What does not end is ended, so that the next command has its turn.
        let bash = self.world.laptop.session_pid(self.bash);
        let left: Vec<_> = self.world.laptop.processes().map(|p| p.pid).filter(|p| Some(*p) != bash).collect();
        for pid in left {
            self.world.laptop.signal(pid, machine::process::Signal::Kill);
        }
        self.world.run_until(self.world.now());
        self.world.laptop.take_stdout(self.bash);
        self.world.laptop.take_stderr(self.bash);
        err.push_str("(the command did not end)\n");
        Said { stdout: out, stderr: err, rc: 124 }
    }

    /// Plays the steps one after the other.
    pub fn play(&mut self, steps: &[Step]) -> Vec<Entry> {
        steps.iter().map(|step| self.step(step)).collect()
    }

    fn step(&mut self, step: &Step) -> Entry {
        let at = self.elapsed();
        match step {
            Step::SleepMs(ms) => {
                self.sleep(Duration::from_millis(*ms));
                Entry::Wait { label: format!("sleep {}", ms / 1000), ok: true, at }
            }
            Step::Until { text, label } => {
                let end = self.world.now() + WAIT_MAX;
                loop {
                    if self.run(text).rc == 0 {
                        return Entry::Wait { label: label.clone(), ok: true, at: self.elapsed() };
                    }
                    if self.world.now() >= end {
                        return Entry::Wait { label: label.clone(), ok: false, at: self.elapsed() };
                    }
                    self.sleep(Duration::from_millis(200));
                }
            }
            Step::Command { text, line } => {
                let said = self.run(text);
                Entry::Command { text: text.clone(), said, at, took: self.elapsed() - at, line: *line }
            }
        }
    }

    pub fn sleep(&mut self, d: Duration) {
        self.world.run_until(self.world.now() + d);
    }

    pub fn elapsed(&self) -> Duration {
        self.world.now().since(self.began)
    }
}

/// The world in which a scenario's recordings were made.
pub fn world_for(scenario: &Scenario, seed: u64) -> WorldConfig {
    WorldConfig { seed, nodes: scenario.nodes, system_pods: false, ..WorldConfig::default() }
}

/// Plays all of it.
pub fn play(scenario: &Scenario, seed: u64) -> Vec<Entry> {
    let mut player = Player::new(world_for(scenario, seed));
    player.play(&scenario.steps)
}
