//! Drives a world: steps it slot by slot against the clock, prints what happens, writes captures, stops on a signal.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use node::Rng;
use nr::Tc;
use sim::World;
use sim::report::{Failure, Progress, Report};
use sim::scenario::{Scenario, ScenarioError};
use sim::world::Entropy;

use crate::capture::Captures;
use crate::cli::bad_use;
use crate::iq;
use crate::print::Printer;

/// Air time between two looks at progress, captures and signals.
const CHUNK: Tc = Tc::from_ms(4);
/// The clock is let go when the world lags by more: a slow machine runs on, slower, without haste.
const LAG_MAX: Duration = Duration::from_millis(100);
/// A signal gives the terminals this long; then it is over, deregistered or not.
const STOP_PATIENCE: Duration = Duration::from_millis(1700);
/// Speed below which a machine is too slow, and seconds until it is said.
const TOO_SLOW: f64 = 0.95;
const SLOW_SECONDS: u32 = 3;

/// Runs `scenario` to its end. The report goes to standard output, as JSON if so wanted, and progress then to standard error.
pub fn run(scenario: Scenario, json: bool) -> ExitCode {
    let mut printer = Printer::new(json, scenario.log(), scenario.n_ues);
    match prepare(&scenario, &mut printer) {
        Ok(mut run) => {
            let report = run.drive(&mut printer);
            finish(&report, json, &mut printer)
        }
        Err(e) => bad_use(&e),
    }
}

struct Run {
    world: World,
    once: bool,
    virtual_time: bool,
    captures: Captures,
    trouble: iq::Trouble,
    signal: Arc<AtomicBool>,
    /// A failure of the driver's own: what could not be written, or that it was interrupted.
    failure: Option<Failure>,
}

fn prepare(scenario: &Scenario, printer: &mut Printer) -> Result<Run, Box<dyn std::error::Error>> {
    let entropy = entropy(scenario)?;
    let output = &scenario.output;
    let tdd = scenario.cell.tdd_period_slots > 0;
    let captures = Captures::open(output.pcap.as_deref(), output.keylog.as_deref(), tdd)?;
    let seed = entropy.seed;
    let mut world = World::new(scenario.clone(), entropy)?;
    let trouble = iq::Trouble::default();
    if let Some(name) = &output.iq {
        world.record(iq::recorder(scenario, name, trouble.clone())?);
    }
    let signal = Arc::new(AtomicBool::new(false));
    for number in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // The second signal ends the process at once.
        signal_hook::flag::register_conditional_shutdown(number, 1, signal.clone())?;
        signal_hook::flag::register(number, signal.clone())?;
    }
    let origin = if scenario.seed.is_some() {
        "given: a lab, predictable on purpose"
    } else {
        "drawn; keys from the operating system"
    };
    printer.line(&format!(
        "ironcell {}, preset {}, seed {} ({origin})",
        env!("CARGO_PKG_VERSION"),
        scenario.preset,
        seed
    ));
    printer.info(&format!("instruction set {}, {} terminal(s)", scenario.isa(), scenario.n_ues));
    let (once, virtual_time) = (scenario.run.once, scenario.run.virtual_time);
    Ok(Run { world, once, virtual_time, captures, trouble, signal, failure: None })
}

/// The seed and, outside a lab, a generator for secrets.
fn entropy(scenario: &Scenario) -> Result<Entropy, ScenarioError> {
    if let Some(seed) = scenario.seed {
        return Ok(Entropy { seed, secrets: None });
    }
    let mut bytes = [0; 40];
    getrandom::fill(&mut bytes).map_err(|e| {
        let what = format!("the operating system has no random numbers: {e}");
        ScenarioError::new(what, &[], "--seed N, for a lab that needs none")
    })?;
    let (mut secret, mut seed) = ([0; 32], [0; 8]);
    secret.copy_from_slice(&bytes[..32]);
    seed.copy_from_slice(&bytes[32..]);
    // 48 bits: few enough to type, and exact in every reader of JSON.
    Ok(Entropy { seed: u64::from_le_bytes(seed) >> 16, secrets: Some(Rng::from_entropy(secret)) })
}

impl Run {
    fn drive(&mut self, printer: &mut Printer) -> Report {
        let mut pace = Pace::new(!self.virtual_time);
        let (mut progress, mut taps) = (Vec::new(), Vec::new());
        let mut stopping: Option<Instant> = None;
        let mut flush_at = Tc::ZERO;
        while !self.world.finished() {
            let until = self.world.now() + CHUNK;
            while self.world.now() < until && !self.world.finished() {
                self.world.step();
                pace.wait(self.world.now());
            }
            self.world.drain_progress(&mut progress);
            for what in progress.drain(..) {
                self.show(&what, &mut pace, printer);
            }
            self.world.drain_taps(&mut taps);
            printer.taps(&taps);
            let mut written = self.captures.write(&taps);
            taps.clear();
            if written.is_ok() && self.world.now() >= flush_at {
                flush_at = self.world.now() + Tc::from_ms(500);
                written = self.captures.flush();
            }
            let recorded = self.trouble.lock().map_or(None, |mut t| t.take()).map_or(Ok(()), Err);
            for e in [written, recorded].into_iter().filter_map(Result::err) {
                self.fail(e, printer);
            }
            if stopping.is_none() && (self.signal.load(Ordering::Relaxed) || self.failure.is_some()) {
                if self.signal.load(Ordering::Relaxed) && self.once {
                    self.fail("interrupted".into(), printer);
                }
                printer.line("switching the terminals off");
                self.world.request_stop();
                stopping = Some(Instant::now());
            }
            if stopping.is_some_and(|since| since.elapsed() > STOP_PATIENCE) {
                break;
            }
        }
        self.end(printer, &mut pace)
    }

    fn show(&self, what: &Progress, pace: &mut Pace, printer: &mut Printer) {
        let Progress::Live(line) = what else { return printer.progress(what, 0.0) };
        let speed = pace.speed(line.at);
        printer.progress(what, speed);
        if pace.is_slow(speed) {
            printer.line(&format!(
                "this machine is too slow for real time ({speed:.2} x): it runs on, slower; --preset n3-10 asks for less"
            ));
        }
    }

    fn fail(&mut self, cause: String, printer: &mut Printer) {
        let failure = Failure { cause, ..Failure::default() };
        printer.progress(&Progress::Failure(failure.clone()), 0.0);
        self.failure.get_or_insert(failure);
    }

    /// What is left to be shown and written, and the report.
    fn end(&mut self, printer: &mut Printer, pace: &mut Pace) -> Report {
        let (mut progress, mut taps) = (Vec::new(), Vec::new());
        self.world.drain_progress(&mut progress);
        for what in &progress {
            self.show(what, pace, printer);
        }
        self.world.drain_taps(&mut taps);
        printer.taps(&taps);
        let written = self.captures.write(&taps).and_then(|()| self.captures.flush());
        if let Err(e) = written {
            self.fail(e, printer);
        }
        let mut report = self.world.report();
        if let Some(failure) = self.failure.take() {
            // It came first: what the terminals say is what followed from stopping them.
            if let Some(later) = report.failure.replace(failure) {
                report.note(later.to_string());
            }
            report.ok = false;
        }
        report
    }
}

/// Prints the report and gives the exit status.
fn finish(report: &Report, json: bool, printer: &mut Printer) -> ExitCode {
    printer.line(&report.to_string());
    if json {
        let text =
            serde_json::to_string_pretty(report).unwrap_or_else(|e| format!("{{\"ok\":false,\"failure\":\"{e}\"}}"));
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
            printer.line("error: the report cannot be written to standard output");
            return ExitCode::from(1);
        }
    }
    ExitCode::from(u8::from(!report.ok))
}

/// Air time against the clock on the wall.
struct Pace {
    paced: bool,
    /// When air time zero was, or would have been had the machine kept up.
    origin: Instant,
    /// Wall and air time of the last live line.
    last: (Instant, Tc),
    slow: u32,
}

impl Pace {
    fn new(paced: bool) -> Pace {
        let now = Instant::now();
        Pace { paced, origin: now, last: (now, Tc::ZERO), slow: 0 }
    }

    /// Sleeps until the wall has come to `now`.
    fn wait(&mut self, now: Tc) {
        if !self.paced {
            return;
        }
        let due = self.origin + Duration::from_secs_f64(now.as_secs_f64().max(0.0));
        let wall = Instant::now();
        let lag = wall.saturating_duration_since(due);
        if lag > LAG_MAX {
            self.origin += lag;
        } else if let ahead = due.saturating_duration_since(wall)
            && ahead > Duration::from_millis(1)
        {
            std::thread::sleep(ahead);
        }
    }

    /// Air over wall time since the last call.
    fn speed(&mut self, now: Tc) -> f64 {
        let wall = Instant::now();
        let (then, at) = std::mem::replace(&mut self.last, (wall, now));
        let seconds = wall.duration_since(then).as_secs_f64();
        if seconds > 0.0 { (now - at).as_secs_f64() / seconds } else { 0.0 }
    }

    /// It is time to say that the machine is too slow: once.
    fn is_slow(&mut self, speed: f64) -> bool {
        if !self.paced || self.slow > SLOW_SECONDS {
            return false;
        }
        self.slow = if speed < TOO_SLOW { self.slow + 1 } else { 0 };
        let say = self.slow == SLOW_SECONDS;
        self.slow += u32::from(say);
        say
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: ironcell issue §1 (on a machine too slow for real time it says so and runs on)
    fn a_slow_machine_is_told_once() {
        let mut pace = Pace::new(true);
        let said: Vec<bool> = [0.5, 0.99, 0.5, 0.5, 0.5, 0.5, 0.5].into_iter().map(|s| pace.is_slow(s)).collect();
        assert_eq!(said, [false, false, false, false, true, false, false]);
        let mut virtual_time = Pace::new(false);
        assert!((0..9).all(|_| !virtual_time.is_slow(0.1)));
    }

    #[test] // Spec: ironcell issue §2 (keys from the operating system's generator without a seed)
    fn a_seed_makes_a_lab_and_none_makes_secrets() {
        let lab = entropy(&Scenario { seed: Some(7), ..Scenario::default() }).unwrap();
        assert!(lab.seed == 7 && lab.secrets.is_none());
        let (a, b) = (entropy(&Scenario::default()).unwrap(), entropy(&Scenario::default()).unwrap());
        assert!(a.secrets.is_some() && a.seed != b.seed && a.seed < 1 << 48);
    }
}
