//! Runs a scenario in virtual time and keeps what it told.

use sim::report::{Failure, LiveLine, Progress, Report, Step};
use sim::scenario::Loader;
use sim::{Entropy, World};

/// Tells what to repeat when a test fails.
struct Told(String);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with: {}", self.0);
        }
    }
}

/// What a run gave.
pub struct Outcome {
    pub report: Report,
    /// Notes and failures, in order.
    pub notes: Vec<String>,
    /// One each second.
    pub live: Vec<LiveLine>,
    _told: Told,
}

impl Outcome {
    /// Everything worked.
    pub fn is_ok(&self) -> bool {
        self.report.ok
    }
    /// Panics with the whole story unless everything worked.
    pub fn expect_ok(self) -> Self {
        assert!(self.is_ok(), "{}\n{}", self.notes.join("\n"), self.report);
        self
    }
    /// The failure: terminal 1 at `step`, with a clause.
    pub fn expect_failure(&self, step: Step) -> &Failure {
        let story = || format!("{}\n{}", self.notes.join("\n"), self.report);
        let f = self.report.failure.as_ref().unwrap_or_else(|| panic!("no failure\n{}", story()));
        assert_eq!((f.ue, f.step), (Some(1), Some(step)), "{}", story());
        assert!(!f.cause.is_empty(), "{}", story());
        assert!(!self.report.ok);
        f
    }
    /// Some note holds `text`.
    pub fn tells(&self, text: &str) -> bool {
        self.notes.iter().any(|n| n.contains(text))
    }
}

/// The network of a preset with `settings` as of `--set`; one thread, one ping, no transfer unless they say otherwise.
pub fn world(preset: &str, seed: u64, settings: &[&str]) -> World {
    let mut l = Loader::new();
    let preset = format!("preset={preset}");
    let usual = [
        &preset,
        "run.virtual_time=true",
        "run.once=true",
        "run.threads=1",
        "run.attach_seconds_max=3",
        "run.air_seconds_max=15",
        "traffic.pings=1",
        "traffic.transfer_bytes=0",
    ];
    for set in usual.iter().chain(settings) {
        l.set(set).unwrap_or_else(|e| panic!("{e}"));
    }
    let s = l.build().unwrap_or_else(|e| panic!("{settings:?}: {e}"));
    World::new(s, Entropy { seed, secrets: None }).unwrap_or_else(|e| panic!("{settings:?}: {e}"))
}

/// Runs `world` to its end.
pub fn finish(mut world: World) -> Outcome {
    let seed = world.report().seed;
    let s = world.scenario();
    let told = Told(format!("preset={} ues={} seed={seed}", s.preset, s.n_ues));
    let (mut notes, mut live, mut progress) = (Vec::new(), Vec::new(), Vec::new());
    while !world.finished() {
        world.step();
        world.drain_progress(&mut progress);
        for p in progress.drain(..) {
            match p {
                Progress::Note(n) => notes.push(n),
                Progress::Live(l) => live.push(l),
                Progress::Failure(f) => notes.push(f.to_string()),
                Progress::Step { ue, name, at, detail } => {
                    notes.push(format!("{} ms ue{ue} {name} {detail}", at.as_us() as f64 / 1e3));
                }
                _ => {}
            }
        }
    }
    Outcome { report: world.report(), notes, live, _told: told }
}

/// Runs a scenario to its end.
pub fn run(preset: &str, seed: u64, settings: &[&str]) -> Outcome {
    finish(world(preset, seed, settings))
}
