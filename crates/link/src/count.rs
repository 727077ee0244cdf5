//! Counting errors: in batches of fixed size, each with a seed of its own, joined in order, so that any number of threads
//! counts the same.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::LinkError;

/// Blocks, and those that went wrong.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// Blocks (slots, bits, occasions: what the requirement counts).
    pub blocks: u64,
    /// Of them in error.
    pub errors: u64,
}

impl Tally {
    /// Errors a block; 0 without blocks.
    pub fn rate(&self) -> f64 {
        if self.blocks == 0 { 0.0 } else { self.errors as f64 / self.blocks as f64 }
    }
}

impl core::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.blocks += other.blocks;
        self.errors += other.errors;
    }
}

/// One receiver in one condition.
pub trait Link: Send {
    /// Starts anew: everything random that follows comes from `seed`.
    fn reseed(&mut self, seed: u64);

    /// Simulates one slot or occasion at `snr_db`.
    ///
    /// Errors: what the physical layer says of the parameters.
    fn block(&mut self, snr_db: f64) -> Result<Tally, LinkError>;
}

/// How long a point is simulated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Effort {
    /// A point ends when this many errors were seen.
    pub errors: u64,
    /// And at this many blocks in any case.
    pub blocks_max: u64,
    /// Slots of a batch, which starts with a channel of its own.
    pub batch: u64,
    /// Threads.
    pub threads: usize,
}

/// Links of one condition, one a thread.
pub struct Runner {
    links: Vec<Box<dyn Link>>,
    effort: Effort,
    seed: u64,
}

/// Seed of batch `index`. The same at every SNR, so that points differ in noise power only.
fn batch_seed(seed: u64, index: u64) -> u64 {
    let mut state = seed ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    dsp::noise::split_mix_64(&mut state)
}

impl Runner {
    /// Makes one link a thread.
    ///
    /// Errors: those of `make`.
    pub fn new(
        make: impl Fn() -> Result<Box<dyn Link>, LinkError>,
        effort: Effort,
        seed: u64,
    ) -> Result<Runner, LinkError> {
        let links = (0..effort.threads.max(1)).map(|_| make()).collect::<Result<_, _>>()?;
        Ok(Runner { links, effort, seed })
    }

    /// Counts at one SNR; `progress` is told the tally after each batch, in order.
    ///
    /// Errors: those of [`Link::block`].
    pub fn measure(&mut self, snr_db: f64, progress: &(dyn Fn(Tally) + Sync)) -> Result<Tally, LinkError> {
        let (effort, seed) = (self.effort, self.seed);
        let (next, done) = (AtomicU64::new(0), AtomicBool::new(false));
        let joined = Mutex::new(Joined::default());
        std::thread::scope(|scope| {
            for link in &mut self.links {
                let (next, done, joined) = (&next, &done, &joined);
                scope.spawn(move || {
                    while !done.load(Ordering::Relaxed) {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let tally = run_batch(link.as_mut(), batch_seed(seed, index), effort.batch, snr_db);
                        let Ok(mut joined) = joined.lock() else { return };
                        joined.waiting.insert(index, tally);
                        if joined.join(&effort, progress) {
                            done.store(true, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        let joined = joined.into_inner().map_err(|_| LinkError::new("a simulation thread ended early"))?;
        joined.result.unwrap_or(Ok(joined.sum))
    }

    /// The SNR at which the error rate falls to `target`, by steps of 1 dB from `from_db` and interpolation of the rate's logarithm
    /// between the last two points; and the tally nearest to it. `None` if it lies more than `reach_db` away.
    ///
    /// Errors: those of [`Link::block`].
    pub fn required(
        &mut self,
        target: f64,
        from_db: f64,
        reach_db: f64,
        progress: &(dyn Fn(Tally) + Sync),
    ) -> Result<Option<(f64, Tally)>, LinkError> {
        let start = (from_db, self.measure(from_db, progress)?);
        self.required_from(target, start, reach_db, progress)
    }

    /// As [`Runner::required`], from a point that was measured.
    ///
    /// Errors: those of [`Link::block`].
    pub fn required_from(
        &mut self,
        target: f64,
        start: (f64, Tally),
        reach_db: f64,
        progress: &(dyn Fn(Tally) + Sync),
    ) -> Result<Option<(f64, Tally)>, LinkError> {
        let (from_db, mut here) = (start.0, start);
        let step = if here.1.rate() <= target { -1.0 } else { 1.0 };
        loop {
            let snr_db = here.0 + step;
            if (snr_db - from_db).abs() > reach_db {
                return Ok(None);
            }
            let there = (snr_db, self.measure(snr_db, progress)?);
            let crossed = (there.1.rate() <= target) != (here.1.rate() <= target);
            if crossed {
                let (low, high) = if step > 0.0 { (here, there) } else { (there, here) };
                return Ok(Some((between(low, high, target), high.1)));
            }
            here = there;
        }
    }
}

impl Runner {
    /// Where the error rate would fall to a `target` too low to be counted: a straight line through the points nearest to one in ten and
    /// to one in a thousand, of the normal distribution's quantile over the SNR in dB, as long codes have it without fading. Looks for them
    /// from `from_db` down, in steps of half a decibel; `None` without both within 8 dB.
    ///
    /// Errors: those of [`Link::block`].
    pub fn extrapolated(
        &mut self,
        target: f64,
        from_db: f64,
        progress: &(dyn Fn(Tally) + Sync),
    ) -> Result<Option<f64>, LinkError> {
        let whole = self.effort;
        self.effort = Effort { errors: 100, blocks_max: DEEP_BLOCKS.min(whole.blocks_max), ..whole };
        let mut points: [Option<(f64, f64)>; 2] = [None; 2];
        let mut found = Ok(None);
        for step in 0..=16 {
            let snr_db = from_db - 0.5 * f64::from(step);
            let tally = match self.measure(snr_db, progress) {
                Ok(tally) => tally,
                Err(e) => {
                    found = Err(e);
                    break;
                }
            };
            if tally.errors >= 10 && tally.rate() < 0.03 {
                points[0] = points[0].or(Some((snr_db, quantile(tally.rate()))));
            }
            if (0.03..0.5).contains(&tally.rate()) {
                points[1] = Some((snr_db, quantile(tally.rate())));
            }
            if tally.rate() >= 0.2 {
                found =
                    Ok(points[0].zip(points[1]).map(|((x, u), (y, v))| x + (quantile(target) - u) * (x - y) / (u - v)));
                break;
            }
        }
        self.effort = whole;
        found
    }
}

/// Blocks of a point that is extrapolated from.
const DEEP_BLOCKS: u64 = 20_000;

/// x with Q(x) = `rate`, for rates below a half.
fn quantile(rate: f64) -> f64 {
    let (mut low, mut high) = (0.0, 12.0);
    for _ in 0..60 {
        let x = 0.5 * (low + high);
        if 0.5 * libm::erfc(x / core::f64::consts::SQRT_2) > rate { low = x } else { high = x }
    }
    high
}

/// Where the rate crosses `target` between a point above it and one at or below it.
fn between(low: (f64, Tally), high: (f64, Tally), target: f64) -> f64 {
    let log = |t: &Tally| libm::log10(t.rate().max(0.3 / t.blocks.max(1) as f64));
    let (a, b, wanted) = (log(&low.1), log(&high.1), libm::log10(target));
    if a - b < 1e-9 { high.0 } else { low.0 + (high.0 - low.0) * ((a - wanted) / (a - b)).clamp(0.0, 1.0) }
}

fn run_batch(link: &mut dyn Link, seed: u64, n: u64, snr_db: f64) -> Result<Tally, LinkError> {
    link.reseed(seed);
    let mut sum = Tally::default();
    for _ in 0..n {
        sum += link.block(snr_db)?;
    }
    Ok(sum)
}

/// Batches joined in the order of their indices.
#[derive(Default)]
struct Joined {
    waiting: BTreeMap<u64, Result<Tally, LinkError>>,
    next: u64,
    sum: Tally,
    result: Option<Result<Tally, LinkError>>,
}

impl Joined {
    /// Takes what is next in order; true when the point is done.
    fn join(&mut self, effort: &Effort, progress: &(dyn Fn(Tally) + Sync)) -> bool {
        while self.result.is_none() {
            let Some(tally) = self.waiting.remove(&self.next) else { break };
            self.next += 1;
            match tally {
                Ok(tally) => self.sum += tally,
                Err(e) => self.result = Some(Err(e)),
            }
            progress(self.sum);
            let enough = self.sum.errors >= effort.errors || self.sum.blocks >= effort.blocks_max;
            if enough && self.result.is_none() {
                self.result = Some(Ok(self.sum));
            }
        }
        self.result.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errs with a probability that falls with the SNR, a decade each 2 dB.
    struct Coin(u64);

    impl Link for Coin {
        fn reseed(&mut self, seed: u64) {
            self.0 = seed;
        }
        fn block(&mut self, snr_db: f64) -> Result<Tally, LinkError> {
            let draw = dsp::noise::split_mix_64(&mut self.0) as f64 / u64::MAX as f64;
            Ok(Tally { blocks: 1, errors: u64::from(draw < libm::pow(10.0, -snr_db / 2.0)) })
        }
    }

    fn runner(threads: usize) -> Runner {
        let effort = Effort { errors: 100, blocks_max: 100_000, batch: 50, threads };
        Runner::new(|| Ok(Box::new(Coin(0)) as Box<dyn Link>), effort, 7).unwrap()
    }

    #[test] // Spec: TS 38.104 §8.1 (counting; the same on any number of threads)
    fn any_number_of_threads_counts_the_same() {
        for snr_db in [0.0, 2.0, 4.0] {
            let one = runner(1).measure(snr_db, &|_| {}).unwrap();
            assert_eq!(one, runner(4).measure(snr_db, &|_| {}).unwrap());
            assert!(one.errors >= 100);
        }
        assert!((runner(2).measure(2.0, &|_| {}).unwrap().rate() - 0.1).abs() < 0.03);
    }

    /// Errs as a long code does: with the tail of a normal distribution, a decibel a deviation.
    struct Waterfall(u64);

    impl Link for Waterfall {
        fn reseed(&mut self, seed: u64) {
            self.0 = seed;
        }
        fn block(&mut self, snr_db: f64) -> Result<Tally, LinkError> {
            let draw = dsp::noise::split_mix_64(&mut self.0) as f64 / u64::MAX as f64;
            let rate = 0.5 * libm::erfc(snr_db / core::f64::consts::SQRT_2);
            Ok(Tally { blocks: 1, errors: u64::from(draw < rate) })
        }
    }

    #[test] // Spec: TS 38.104 §8.2.6.2 (0.001 % of blocks: Q(4.265))
    fn a_rate_too_low_to_count_is_extrapolated() {
        let effort = Effort { errors: 100, blocks_max: 300_000, batch: 20, threads: 2 };
        let mut runner = Runner::new(|| Ok(Box::new(Waterfall(0)) as Box<dyn Link>), effort, 7).unwrap();
        let snr_db = runner.extrapolated(1e-5, 6.0, &|_| {}).unwrap().unwrap();
        assert!((snr_db - 4.265).abs() < 0.25, "{snr_db}");
        assert_eq!(runner.extrapolated(1e-5, 40.0, &|_| {}).unwrap(), None);
    }

    #[test] // Spec: TS 38.104 §8.1 (required SNR)
    fn the_required_snr_is_found_from_either_side() {
        for from in [0.0, 6.3] {
            let (snr_db, _) = runner(2).required(0.01, from, 10.0, &|_| {}).unwrap().unwrap();
            assert!((snr_db - 4.0).abs() < 0.3, "{snr_db}");
        }
        assert_eq!(runner(1).required(1e-30, 0.0, 2.0, &|_| {}).unwrap(), None);
    }
}
