//! One UE's link: what it hears of the cell, and what the cell hears of it.

use std::collections::VecDeque;

use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use node::Rng;

use crate::cell::{Downlink, noise_of};
use crate::clock::{PositionMap, Q64, TICKS_PER_SECOND, ratio_q64, relative, to_q64};
use crate::config::{AirError, CellConfig, LinkConfig, Tuning, noise_variance, power_from_db};
use crate::path::{Path, PathSpec, Source, path_turns};
use crate::ways::{Antennas, Between, Meeting, PIECE};

/// Bursts that may wait for the cell; more are dropped and counted.
const BURSTS_MAX: usize = 4096;

/// Buffers that a link keeps for bursts that it sends while its way up is lent.
const SPARE: usize = 8;

/// Downlink and uplink centres closer than this share their fading: TDD is reciprocal.
const RECIPROCAL_WITHIN_HZ: f64 = 1e6;

/// The cell has not yet sent what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotYet {
    /// UE samples that can be had now.
    pub available: usize,
}

impl core::fmt::Display for NotYet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "only {} samples have arrived", self.available)
    }
}

impl core::error::Error for NotYet {}

/// What went wrong on a link so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Bursts dropped because the cell had already taken the samples that they begin in.
    pub bursts_late: u64,
    /// Bursts dropped because too many were waiting.
    pub bursts_overflow: u64,
    /// UE samples asked for after the cell's history had gone; they held noise only.
    pub samples_lost: u64,
}

#[derive(Clone, Debug)]
struct Burst {
    /// Its number on this link.
    id: u64,
    /// The UE count of its first sample.
    start: i64,
    /// Antennas that send it, the first ones.
    n_antennas: usize,
    /// `[antenna][sample]`.
    samples: Vec<Cf32>,
    /// The cell's counts that hear it: first, and one past the last.
    first: i64,
    end: i64,
    /// The tuning that it was sent with.
    generation: u64,
}

/// The channel between the cell and one UE, and that UE's clock.
#[derive(Clone, Debug)]
pub struct Link {
    cell: CellConfig,
    config: LinkConfig,
    tuning: Tuning,
    amplitude: f32,
    /// The next UE sample, and the tuning's first with its local time in ticks.
    next: i64,
    tuned_at: i64,
    tuned_at_ticks: i64,
    dl: Between,
    dl_paths: Vec<Path>,
    /// Of each antenna.
    noise: Vec<Gaussian>,
    /// Makes uplink paths of a new tuning.
    ul: Between,
    /// The way up; the cell has it while it listens beside this.
    up: Option<Up>,
    /// What was done meanwhile, in order.
    sent: Vec<Sent>,
    /// Buffers for bursts sent meanwhile.
    spare: Vec<Vec<Cf32>>,
    samples_lost: u64,
}

/// What waits for the way up to come back.
#[derive(Clone, Debug)]
enum Sent {
    Burst { n_antennas: usize, start: i64, samples: Vec<Cf32> },
    Tuned(Vec<Path>),
    Amplitude(f32),
}

/// The way up of a link: bursts and their paths to the cell.
#[derive(Clone, Debug)]
pub(crate) struct Up {
    amplitude: f32,
    between: Between,
    /// Paths of the tunings that bursts wait for; the last are the present ones.
    paths: VecDeque<(u64, Vec<Path>)>,
    bursts: VecDeque<Burst>,
    n_bursts: u64,
    /// Buffers of bursts gone, to be used again.
    spare: Vec<Vec<Cf32>>,
    /// Cell samples already taken.
    taken: i64,
    late: u64,
    overflow: u64,
}

impl Link {
    /// A UE that switches on tuned to `tuning`.
    ///
    /// Errors: `AirError` for what is out of range.
    pub fn new(cell: &CellConfig, config: LinkConfig, tuning: Tuning, isa: Isa) -> Result<Link, AirError> {
        cell.check()?;
        config.check()?;
        tuning.check()?;
        let rng = Rng::from_lab_seed(config.seed);
        let reciprocal = (cell.dl_centre_hz - cell.ul_centre_hz).abs() < RECIPROCAL_WITHIN_HZ;
        let meeting = |n_ue, uplink| Meeting { n_cell: cell.n_antennas, n_ue, uplink };
        let dl = Between::new(&config, meeting(config.n_rx, false), &rng, "fading", isa);
        let up = if reciprocal { "fading" } else { "fading uplink" };
        let ul = Between::new(&config, meeting(config.n_tx, true), &rng, up, isa);
        let noise = (0..config.n_rx).map(|a| Gaussian::new(noise_of(&rng, "noise", a).u64(), isa)).collect();
        let dl_paths = dl.paths(&downlink_spec(cell, &config, &tuning, 0, 0))?;
        let ul_paths = ul.paths(&uplink_spec(cell, &config, &tuning, 0, 0))?;
        let mut link = Link {
            cell: cell.clone(),
            tuning,
            amplitude: 0.0,
            next: 0,
            tuned_at: 0,
            tuned_at_ticks: 0,
            dl,
            dl_paths,
            noise,
            up: Some(Up {
                amplitude: 0.0,
                between: ul.clone(),
                paths: VecDeque::from([(0, ul_paths)]),
                bursts: VecDeque::new(),
                n_bursts: 0,
                spare: Vec::new(),
                taken: 0,
                late: 0,
                overflow: 0,
            }),
            ul,
            sent: Vec::new(),
            spare: Vec::new(),
            samples_lost: 0,
            config,
        };
        link.set_path_loss_db(link.config.path_loss_db);
        Ok(link)
    }

    /// What the link was made of; the path loss is the present one.
    pub fn config(&self) -> &LinkConfig {
        &self.config
    }

    /// Where the UE is tuned.
    pub fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    /// What went wrong so far.
    pub fn counters(&self) -> LinkCounters {
        let (bursts_late, bursts_overflow) = self.up.as_ref().map_or((0, 0), |up| (up.late, up.overflow));
        LinkCounters { bursts_late, bursts_overflow, samples_lost: self.samples_lost }
    }

    /// The UE's count of the next sample that `pull` gives. It goes on by one a sample at every rate.
    pub fn next_sample(&self) -> i64 {
        self.next
    }

    /// The time on the cell's clock, in seconds after its sample 0, of what the UE hears over the first tap at its count `count`.
    pub fn cell_time_s(&self, count: f64) -> f64 {
        let map = self.dl_paths[0].map();
        let whole = count.floor();
        let position = map.at(whole as i64) as f64 + (count - whole) * map.step as f64;
        position / Q64 / f64::from(self.cell.rate_hz)
    }

    /// Changes the path loss, both ways, from the next sample on.
    pub fn set_path_loss_db(&mut self, db: f64) {
        self.config.path_loss_db = db;
        self.amplitude = power_from_db(-db).sqrt() as f32;
        match &mut self.up {
            Some(up) => up.amplitude = self.amplitude,
            None => self.sent.push(Sent::Amplitude(self.amplitude)),
        }
    }

    /// Retunes from the next sample on. Local time goes on; the count goes on at the new rate. Bursts that wait keep
    /// the tuning that they were pushed with. Allocates.
    ///
    /// Errors: `AirError` for what is out of range; then nothing changes.
    pub fn tune(&mut self, tuning: Tuning) -> Result<(), AirError> {
        tuning.check()?;
        let ticks_per_sample = TICKS_PER_SECOND / i64::from(self.tuning.rate_hz);
        let ticks = self.tuned_at_ticks + (self.next - self.tuned_at) * ticks_per_sample;
        let dl = downlink_spec(&self.cell, &self.config, &tuning, self.next, ticks);
        let ul = uplink_spec(&self.cell, &self.config, &tuning, self.next, ticks);
        let dl_paths = self.dl.paths(&dl)?;
        let ul_paths = self.ul.paths(&ul)?;
        self.dl_paths = dl_paths;
        match &mut self.up {
            Some(up) => up.tune(ul_paths),
            None => self.sent.push(Sent::Tuned(ul_paths)),
        }
        (self.tuned_at, self.tuned_at_ticks, self.tuning) = (self.next, ticks, tuning);
        Ok(())
    }

    /// How many samples `pull` can give now. A faded link gives whole blocks of 600 to 4900 samples only.
    pub fn available(&self, downlink: &Downlink) -> usize {
        let path = &self.dl_paths[0];
        let limit = i128::from(downlink.end() - path.reach_after()) << 64;
        let end = path.map().first_at_or_after(limit);
        let end = end - end.rem_euclid(path.granularity());
        (end - self.next).max(0) as usize
    }

    /// Gives the UE's next samples, `[antenna][n]`: the cell through the channel, and noise.
    ///
    /// Errors: `NotYet` if the cell has not sent enough; then nothing changes. No allocation.
    pub fn pull(&mut self, downlink: &Downlink, out: &mut [Cf32]) -> Result<(), NotYet> {
        let available = self.available(downlink);
        let mut out = Antennas::new(out, self.config.n_rx);
        if out.len() > available {
            return Err(NotYet { available });
        }
        let map = self.dl_paths[0].map();
        let kept = i128::from(downlink.start() + self.dl_paths[0].reach_before()) << 64;
        if downlink.start() > 0 && map.at(self.next) < kept {
            let lost = map.first_at_or_after(kept) - self.next;
            self.samples_lost += (lost as u64).min(out.len() as u64);
        }
        let variance = noise_variance(f64::from(self.tuning.rate_hz), self.config.noise_figure_db) as f32;
        for at in (0..out.len()).step_by(PIECE) {
            let mut piece = out.part(at, PIECE);
            let source = |a| downlink.source(a);
            self.dl.render(&mut self.dl_paths, source, self.next, self.amplitude, &mut piece, false);
            for (a, noise) in self.noise.iter_mut().enumerate() {
                noise.add(piece.antenna(a), variance);
            }
            self.next += piece.len() as i64;
        }
        Ok(())
    }

    /// Lets the UE's next samples pass with its receiver off: zeros, and no noise is drawn.
    ///
    /// Errors: as of [`Link::pull`].
    pub fn skip(&mut self, downlink: &Downlink, out: &mut [Cf32]) -> Result<(), NotYet> {
        let available = self.available(downlink);
        let n = out.len() / self.config.n_rx;
        if n > available {
            return Err(NotYet { available });
        }
        out.fill(Cf32::default());
        self.next += n as i64;
        Ok(())
    }

    /// Sends `samples`, `[antenna][n]` of all antennas that send; see [`Link::push_burst_of`].
    pub fn push_burst(&mut self, start: i64, samples: &[Cf32]) -> bool {
        self.push_burst_of(self.config.n_tx, start, samples)
    }

    /// Sends `samples`, `[antenna][n]` of the first `n_antennas`, the first of each at the UE's count `start`, at the present tuning. Bursts
    /// add up where they overlap.
    ///
    /// A burst that begins in what the cell has already taken is dropped and counted; `false` then, or if too many wait. While the cell listens
    /// beside this ([`crate::Air::sides`]) that is decided afterwards. Antennas beyond those that send (`n_tx`) are not heard.
    pub fn push_burst_of(&mut self, n_antennas: usize, start: i64, samples: &[Cf32]) -> bool {
        let n_antennas = n_antennas.max(1);
        if samples.len() < n_antennas {
            return true;
        }
        let spare = self.up.as_mut().map_or(&mut self.spare, |up| &mut up.spare);
        let mut held = spare.pop().unwrap_or_default();
        held.clear();
        held.extend_from_slice(samples);
        match &mut self.up {
            Some(up) => up.push(n_antennas, start, held),
            None => {
                self.sent.push(Sent::Burst { n_antennas, start, samples: held });
                true
            }
        }
    }

    /// Adds to `out`, `[antenna][n]`, what the cell's antennas hear of this UE in their samples from `start` on, without noise.
    ///
    /// Calls must go forward without gaps. Returns whether there was anything. No allocation.
    pub fn add_uplink(&mut self, start: i64, out: &mut [Cf32]) -> bool {
        let mut out = Antennas::new(out, self.cell.n_antennas);
        self.up.as_mut().is_some_and(|up| up.add(start, &mut out))
    }

    /// Lets go of the uplink before the cell's count `end` without listening to it.
    pub fn forget_until(&mut self, end: i64) {
        if let Some(up) = &mut self.up {
            up.forget_until(end);
        }
    }

    /// Lends the way up.
    pub(crate) fn lend(&mut self) -> Option<Up> {
        self.up.take()
    }

    /// Takes the way up back, and does on it what was done meanwhile.
    pub(crate) fn take_back(&mut self, mut up: Up) {
        for sent in self.sent.drain(..) {
            match sent {
                Sent::Burst { n_antennas, start, samples } => {
                    up.push(n_antennas, start, samples);
                }
                Sent::Tuned(paths) => up.tune(paths),
                Sent::Amplitude(amplitude) => up.amplitude = amplitude,
            }
        }
        while self.spare.len() < SPARE {
            let Some(buffer) = up.spare.pop() else { break };
            self.spare.push(buffer);
        }
        self.up = Some(up);
    }
}

impl Up {
    fn generation(&self) -> u64 {
        self.paths.back().map_or(0, |(g, _)| *g)
    }

    fn tune(&mut self, paths: Vec<Path>) {
        let generation = self.generation() + 1;
        let waited_for = self.bursts.front().map_or(generation, |b| b.generation);
        self.paths.retain(|(g, _)| *g >= waited_for);
        self.paths.push_back((generation, paths));
    }

    fn push(&mut self, n_antennas: usize, start: i64, samples: Vec<Cf32>) -> bool {
        let generation = self.generation();
        let Some(path) = self.paths.back().and_then(|(_, paths)| paths.first()) else { return false };
        let n = samples.len() / n_antennas;
        let map = path.map();
        let count_at = |position: i64| map.first_at_or_after(i128::from(position) << 64);
        let (late, overflow) = (count_at(start) < self.taken, self.bursts.len() >= BURSTS_MAX);
        if late || overflow {
            self.late += u64::from(late);
            self.overflow += u64::from(!late);
            self.spare.push(samples);
            return false;
        }
        let first = count_at(start - path.reach_after());
        let end = count_at(start + n as i64 + path.reach_before());
        self.n_bursts += 1;
        self.bursts.push_back(Burst { id: self.n_bursts, start, n_antennas, samples, first, end, generation });
        true
    }

    /// As [`Link::add_uplink`].
    pub fn add(&mut self, start: i64, out: &mut Antennas<'_>) -> bool {
        let end = start + out.len() as i64;
        let mut heard = false;
        for burst in &self.bursts {
            let (from, to) = (burst.first.max(start), burst.end.min(end));
            let paths = self.paths.iter_mut().find(|(g, _)| *g == burst.generation);
            let Some((_, paths)) = paths.filter(|_| from < to) else { continue };
            heard = true;
            let n = burst.samples.len() / burst.n_antennas;
            let source = |a: usize| Source {
                start: burst.start,
                samples: burst.samples.get(a * n..(a + 1) * n).unwrap_or(&[]),
                id: burst.id,
                grid: burst.first,
            };
            for at in (from..to).step_by(PIECE) {
                let len = (to - at).min(PIECE as i64) as usize;
                let mut piece = out.part((at - start) as usize, len);
                self.between.render(paths, source, at, self.amplitude, &mut piece, true);
            }
        }
        self.forget_until(end);
        heard
    }

    /// As [`Link::forget_until`].
    pub fn forget_until(&mut self, end: i64) {
        self.taken = self.taken.max(end);
        let (spare, kept) = (&mut self.spare, self.taken);
        self.bursts.retain_mut(|burst| {
            if burst.end > kept {
                return true;
            }
            spare.push(core::mem::take(&mut burst.samples));
            false
        });
    }
}

/// What the UE hears: outputs by its count, inputs by the cell's. `tuned_at` is the first count of the tuning, at local time `ticks`.
fn downlink_spec(cell: &CellConfig, link: &LinkConfig, tuning: &Tuning, tuned_at: i64, ticks: i64) -> PathSpec {
    let (e_g, e_u) = (cell.ppm * 1e-6, link.ppm * 1e-6);
    let (rate_g, rate_u) = (f64::from(cell.rate_hz), f64::from(tuning.rate_hz));
    let skew = relative(e_g, e_u);
    let local_s = ticks as f64 / TICKS_PER_SECOND as f64;
    let early = local_s * rate_g * skew + (link.start_s - link.delay_s) * rate_g * (1.0 + e_g);
    let at_origin = ratio_q64(ticks, i64::from(cell.rate_hz), TICKS_PER_SECOND) + to_q64(early);
    let step = ratio_q64(1, i64::from(cell.rate_hz), i64::from(tuning.rate_hz)) + to_q64(rate_g / rate_u * skew);
    let (tx_hz, rx_hz) = (cell.dl_centre_hz * (1.0 + e_g), tuning.dl_centre_hz * (1.0 + e_u));
    let t_origin = link.start_s + local_s / (1.0 + e_u);
    let t_step = 1.0 / (rate_u * (1.0 + e_u));
    PathSpec {
        rate_in: cell.rate_hz,
        rate_out: tuning.rate_hz,
        offset_hz: cell.dl_centre_hz - tuning.dl_centre_hz,
        map: PositionMap { origin: tuned_at, at_origin, step },
        t_origin,
        t_step,
        turns_per_sample: (tx_hz - rx_hz) * t_step,
        turns_at_origin: (tx_hz - rx_hz) * t_origin + path_turns(tx_hz, link.delay_s, link.phase_turns),
    }
}

/// What the cell hears: outputs by its count, inputs by the UE's.
fn uplink_spec(cell: &CellConfig, link: &LinkConfig, tuning: &Tuning, tuned_at: i64, ticks: i64) -> PathSpec {
    let (e_g, e_u) = (cell.ppm * 1e-6, link.ppm * 1e-6);
    let (rate_g, rate_u) = (f64::from(cell.rate_hz), f64::from(tuning.rate_hz));
    let late = (link.delay_s + link.start_s) * (1.0 + e_u) * rate_u;
    let before = ratio_q64(ticks, i64::from(tuning.rate_hz), TICKS_PER_SECOND);
    let at_origin = (i128::from(tuned_at) << 64) - before - to_q64(late);
    let skew = relative(e_u, e_g);
    let step = ratio_q64(1, i64::from(tuning.rate_hz), i64::from(cell.rate_hz)) + to_q64(rate_u / rate_g * skew);
    let (tx_hz, rx_hz) = (tuning.ul_centre_hz * (1.0 + e_u), cell.ul_centre_hz * (1.0 + e_g));
    let t_step = 1.0 / (rate_g * (1.0 + e_g));
    PathSpec {
        rate_in: tuning.rate_hz,
        rate_out: cell.rate_hz,
        offset_hz: tuning.ul_centre_hz - cell.ul_centre_hz,
        map: PositionMap { origin: 0, at_origin, step },
        t_origin: 0.0,
        t_step,
        turns_per_sample: (tx_hz - rx_hz) * t_step,
        turns_at_origin: path_turns(tx_hz, link.delay_s, link.phase_turns),
    }
}
