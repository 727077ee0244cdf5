//! The channel between up to eight antennas at each end, for link-level simulation and conformance.
//!
//! | in the formula | here          | meaning                                                        |
//! | u, s           | rx, tx        | antennas of receiver and transmitter                           |
//! | h_n,u,s (t)    | gains         | gain of path n, `[path][tx][rx]`                               |
//! | tau_n          | delays        | its delay                                                      |
//! | f_d            | doppler_hz    | greatest Doppler shift: 64 knots a period, straight in between |
//!
//! `y_u (t) = sum_n sum_s h_n,u,s (t) x_s (t - tau_n)`, without noise. The mean power between any two antennas is 1 (of crossed
//! antennas of a CDL: that of both polarisations together is 1 + 1 / kappa). Delays between samples by a filter that is flat
//! to 0.83 of half the sampling rate.
//!
//! Spec: TR 38.901 §7.7; TS 38.104 annex G; TS 38.101-4 annex B

mod cdl;
mod cdl_tables;
mod correlation;
mod profile;
mod scattered;

use dsp::fir::{self, Kernel};
use dsp::{Cf32, Cf64, Isa, unit_phasor, vector};
use node::Rng;

pub use crate::config::AirError;
pub use cdl::{CdlArrays, CdlProfile, Cluster, steering};
pub use correlation::{Correlation, Direction, Polarisation, correlation_matrix};
pub use profile::{ChannelModel, HighSpeedTrain, Simplified, TdlProfile};

use cdl::Rays;
use scattered::Scattered;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// Most antennas at either end.
pub const ANTENNAS_MAX: usize = 8;

/// Knots per period of the greatest Doppler shift, and the longest way between two, in samples.
const KNOTS_PER_PERIOD: f64 = 64.0;
const KNOT_MAX: usize = 4096;

/// Outputs that are worked on at a time.
const BLOCK: usize = 1024;

/// Taps of the filter that delays, and the band that it passes in cycles per sample.
const N_TAPS: usize = 18;
const BAND: f64 = 0.418;

/// What a channel is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct MimoConfig {
    /// What lies between the antennas.
    pub model: ChannelModel,
    /// Transmit antennas, 1 to 8.
    pub n_tx: usize,
    /// Receive antennas, 1 to 8.
    pub n_rx: usize,
    /// Spatial correlation, of models with taps.
    pub correlation: Correlation,
    /// How the antennas stand that are correlated.
    pub polarisation: Polarisation,
    /// Which end transmits.
    pub direction: Direction,
    /// Greatest Doppler shift, Hz, 0 to 10 000; 0 freezes the channel.
    pub doppler_hz: f64,
    /// Samples a second, at least 1 000 000 and 64 times the Doppler shift.
    pub sample_rate_hz: u32,
    /// Seeds everything that is random.
    pub seed: u64,
}

impl Default for MimoConfig {
    fn default() -> Self {
        MimoConfig {
            model: ChannelModel::Static,
            n_tx: 1,
            n_rx: 1,
            correlation: Correlation::Low,
            polarisation: Polarisation::Uniform,
            direction: Direction::Downlink,
            doppler_hz: 0.0,
            sample_rate_hz: 30_720_000,
            seed: 1,
        }
    }
}

/// What moves the gains from knot to knot.
#[derive(Clone, Debug)]
enum Gains {
    Static(Vec<Cf64>),
    Train { train: HighSpeedTrain, doppler_hz: f64, matrix: Vec<Cf64> },
    TwoTap { doppler_hz: f64, matrix: Vec<Cf64> },
    Scattered(Scattered),
    Rays(Rays),
}

/// A path's delay as whole samples, and a filter for the rest (or none).
#[derive(Clone, Debug)]
struct Delay {
    whole: i64,
    between: bool,
    taps: [f32; N_TAPS],
}

/// A channel that runs on: its time goes on with every sample.
#[derive(Clone, Debug)]
pub struct MimoChannel {
    config: MimoConfig,
    isa: Isa,
    kernel: Kernel,
    gains: Gains,
    delays_s: Vec<f64>,
    delays: Vec<Delay>,
    /// Samples between knots, samples since the last one, its number.
    knot_len: usize,
    since_knot: usize,
    knot: u64,
    /// Gains at the last knot and at the next, `[path][tx][rx]`.
    ends: [Vec<Cf32>; 2],
    /// Samples before the present ones that outputs may need, and after.
    reach_before: usize,
    reach_after: usize,
    /// `[tx]`: what was sent: `reach_before` samples, then the present call's.
    sent: Vec<Vec<Cf32>>,
    delayed: Vec<Cf32>,
}

impl MimoChannel {
    /// Makes a channel at its time 0, with silence before. Allocates.
    ///
    /// Errors: `AirError` for what is out of range or has no definition.
    pub fn new(config: MimoConfig, isa: Isa) -> Result<MimoChannel, AirError> {
        check(&config)?;
        let rate = f64::from(config.sample_rate_hz);
        let knot_len = match config.doppler_hz {
            hz if hz > 0.0 => ((rate / (KNOTS_PER_PERIOD * hz)) as usize).clamp(1, KNOT_MAX),
            _ => KNOT_MAX,
        };
        let mut rng = Rng::from_lab_seed(config.seed).fork("mimo");
        let (gains, delays_s) = make_gains(&config, knot_len as f64 / rate * config.doppler_hz, &mut rng)?;
        let n_paths = delays_s.len();
        let moving = match config.model {
            ChannelModel::Moving { amplitude_us, .. } => libm::ceil(amplitude_us * 0.5e-6 * rate) as usize,
            _ => 0,
        };
        let longest = libm::ceil(delays_s.iter().fold(0.0f64, |a, &b| a.max(b)) * rate) as usize;
        let between = delays_s.iter().any(|s| s * rate != libm::floor(s * rate)) || moving > 0;
        let reach_after = if between { N_TAPS / 2 } else { 0 } + moving;
        let reach_before = longest + moving + reach_after + N_TAPS;
        let gain_len = n_paths * config.n_tx * config.n_rx;
        let mut channel = MimoChannel {
            isa,
            kernel: Kernel::fractional_delay(N_TAPS, BAND),
            gains,
            delays: vec![Delay { whole: 0, between: false, taps: [0.0; N_TAPS] }; n_paths],
            delays_s,
            knot_len,
            since_knot: 0,
            knot: 0,
            ends: [vec![ZERO; gain_len], vec![ZERO; gain_len]],
            reach_before,
            reach_after,
            sent: vec![vec![ZERO; reach_before]; config.n_tx],
            delayed: vec![ZERO; BLOCK],
            config,
        };
        channel.start();
        Ok(channel)
    }

    /// Starts anew at time 0 with another seed, with silence before. No allocation.
    pub fn reseed(&mut self, seed: u64) {
        self.config.seed = seed;
        let mut rng = Rng::from_lab_seed(seed).fork("mimo");
        match &mut self.gains {
            Gains::Static(_) | Gains::Train { .. } | Gains::TwoTap { .. } => {}
            Gains::Scattered(scattered) => scattered.draw(&mut rng),
            Gains::Rays(rays) => rays.draw(&mut rng),
        }
        self.start();
    }

    /// Starts anew with the high-speed train at `part` (0..1) of its period of twice D_s; nothing happens to other channels.
    ///
    /// Spec: TS 38.104 §G.3
    pub fn place_train(&mut self, part: f64) {
        let ChannelModel::HighSpeedTrain(train) = self.config.model else { return };
        let period_s = 2.0 * train.d_s_m / (train.speed_km_h / 3.6);
        let knots = part.clamp(0.0, 1.0) * period_s * f64::from(self.config.sample_rate_hz) / self.knot_len as f64;
        self.start();
        self.knot = knots as u64;
        for end in 0..2 {
            self.fill_knot(end);
        }
    }

    /// What it was made of; the seed is the present one.
    pub fn config(&self) -> &MimoConfig {
        &self.config
    }

    /// By how many samples what `process` gives lies behind what it takes, beyond the channel's own delays.
    pub fn delay_samples(&self) -> usize {
        self.reach_after
    }

    /// Delays of the paths, seconds; of `Moving` without the movement.
    pub fn path_delays_s(&self) -> &[f64] {
        &self.delays_s
    }

    /// Gains of the paths at the next sample, `[path][tx][rx]`.
    pub fn path_gains(&self) -> impl Iterator<Item = Cf32> + '_ {
        let weight = self.since_knot as f32 / self.knot_len as f32;
        self.ends[0].iter().zip(&self.ends[1]).map(move |(a, b)| a + (b - a) * weight)
    }

    /// The response at the next sample between two antennas at `hz` from the centre.
    pub fn response(&self, rx: usize, tx: usize, hz: f64) -> Cf64 {
        let links = self.config.n_tx * self.config.n_rx;
        let link = tx * self.config.n_rx + rx;
        let gains = self.path_gains().skip(link).step_by(links.max(1));
        let shift = self.moved_s(self.knot);
        let gains = gains.zip(&self.delays_s);
        gains.map(|(g, s)| Cf64::new(g.re.into(), g.im.into()) * unit_phasor(-hz * (s + shift))).sum()
    }

    /// Carries `n` samples from every transmit to every receive antenna, in a stream without gaps.
    ///
    /// - `tx`  `[n_tx][n or more]`
    /// - `rx`  overwritten, `[n_rx][n or more]`; what was sent at sample i arrives at i + `delay_samples()` and the paths' delays
    ///
    /// Errors: `AirError::Antennas` if a number or a length does not fit. Allocates only for an `n` above all before.
    pub fn process<T: AsRef<[Cf32]>, R: AsMut<[Cf32]>>(
        &mut self,
        n: usize,
        tx: &[T],
        rx: &mut [R],
    ) -> Result<(), AirError> {
        self.take(n, 0, tx, rx)?;
        self.run(n, self.reach_after, rx);
        for sent in &mut self.sent {
            sent.copy_within(n..n + self.reach_before, 0);
        }
        Ok(())
    }

    /// As `process` for a burst on its own: silence before and after, and nothing lies behind.
    ///
    /// What echoes beyond the burst's end is lost; the channel's time goes on by `n`.
    pub fn burst<T: AsRef<[Cf32]>, R: AsMut<[Cf32]>>(
        &mut self,
        n: usize,
        tx: &[T],
        rx: &mut [R],
    ) -> Result<(), AirError> {
        self.take(n, self.reach_after, tx, rx)?;
        self.sent.iter_mut().for_each(|sent| sent[..self.reach_before].fill(ZERO));
        self.run(n, 0, rx);
        self.sent.iter_mut().for_each(|sent| sent[..self.reach_before].fill(ZERO));
        Ok(())
    }

    /// Lets time go on by `n` samples without any signal.
    pub fn skip(&mut self, mut n: u64) {
        while n > 0 {
            let step = n.min((self.knot_len - self.since_knot) as u64);
            self.advance(step as usize);
            n -= step;
        }
        self.sent.iter_mut().for_each(|sent| sent[..self.reach_before].fill(ZERO));
    }

    /// Takes what is sent behind the history, and `after` zeros.
    fn take<T: AsRef<[Cf32]>, R: AsMut<[Cf32]>>(
        &mut self,
        n: usize,
        after: usize,
        tx: &[T],
        rx: &mut [R],
    ) -> Result<(), AirError> {
        let long = tx.iter().all(|t| t.as_ref().len() >= n) && rx.iter_mut().all(|r| r.as_mut().len() >= n);
        if tx.len() != self.config.n_tx || rx.len() != self.config.n_rx || !long {
            return Err(AirError::Antennas { n_tx: tx.len(), n_rx: rx.len() });
        }
        for (sent, tx) in self.sent.iter_mut().zip(tx) {
            let end = self.reach_before + n;
            if sent.len() < end + after {
                sent.resize(end + after, ZERO);
            }
            sent[self.reach_before..end].copy_from_slice(&tx.as_ref()[..n]);
            sent[end..end + after].fill(ZERO);
        }
        Ok(())
    }

    fn start(&mut self) {
        (self.knot, self.since_knot) = (0, 0);
        for end in 0..2 {
            self.fill_knot(end);
        }
        self.place_delays();
        self.sent.iter_mut().for_each(|sent| sent.fill(ZERO));
    }

    /// Gains of knot `self.knot + end` into one of the ends.
    fn fill_knot(&mut self, end: usize) {
        let t = (self.knot + end as u64) as f64 * self.knot_len as f64 / f64::from(self.config.sample_rate_hz);
        let out = &mut self.ends[end];
        match &mut self.gains {
            Gains::Static(matrix) => put(out, matrix, Cf64::new(1.0, 0.0)),
            Gains::Train { train, doppler_hz, matrix } => put(out, matrix, unit_phasor(train.turns(t, *doppler_hz))),
            Gains::TwoTap { doppler_hz, matrix } => {
                let (first, second) = out.split_at_mut(matrix.len());
                put(first, matrix, Cf64::new(core::f64::consts::FRAC_1_SQRT_2, 0.0));
                put(second, matrix, unit_phasor(-*doppler_hz * t) * core::f64::consts::FRAC_1_SQRT_2);
            }
            Gains::Scattered(scattered) => scattered.next(out),
            Gains::Rays(rays) => rays.next(out),
        }
    }

    /// How much later a moving channel is at a knot.
    fn moved_s(&self, knot: u64) -> f64 {
        let ChannelModel::Moving { amplitude_us, rad_per_s, .. } = self.config.model else { return 0.0 };
        let t = knot as f64 * self.knot_len as f64 / f64::from(self.config.sample_rate_hz);
        amplitude_us * 0.5e-6 * unit_phasor(rad_per_s * t / core::f64::consts::TAU).im
    }

    fn place_delays(&mut self) {
        let moved = self.moved_s(self.knot);
        for (delay, s) in self.delays.iter_mut().zip(&self.delays_s) {
            let position = -(s + moved) * f64::from(self.config.sample_rate_hz);
            let whole = libm::floor(position);
            let fraction = position - whole;
            delay.whole = whole as i64;
            delay.between = fraction > 1e-9;
            self.kernel.taps_at(fraction, &mut delay.taps);
        }
    }

    fn advance(&mut self, len: usize) {
        self.since_knot += len;
        if self.since_knot == self.knot_len {
            (self.since_knot, self.knot) = (0, self.knot + 1);
            self.ends.swap(0, 1);
            self.fill_knot(1);
            if matches!(self.config.model, ChannelModel::Moving { .. }) {
                self.place_delays();
            }
        }
    }

    /// Outputs 0..n of what was taken, `late` samples late.
    fn run<R: AsMut<[Cf32]>>(&mut self, n: usize, late: usize, rx: &mut [R]) {
        let mut done = 0;
        while done < n {
            let len = (n - done).min(self.knot_len - self.since_knot).min(BLOCK);
            rx.iter_mut().for_each(|r| r.as_mut()[done..done + len].fill(ZERO));
            self.add_block(done, len, late, rx);
            self.advance(len);
            done += len;
        }
    }

    fn add_block<R: AsMut<[Cf32]>>(&mut self, done: usize, len: usize, late: usize, rx: &mut [R]) {
        let (n_tx, n_rx) = (self.config.n_tx, self.config.n_rx);
        let step = 1.0 / self.knot_len as f32;
        let weight = self.since_knot as f32 * step;
        for (tx, sent) in self.sent.iter().enumerate() {
            for (path, delay) in self.delays.iter().enumerate() {
                let at = (self.reach_before + done) as i64 - late as i64 + delay.whole;
                let delayed = if delay.between {
                    let from = (at - (N_TAPS as i64 / 2 - 1)) as usize;
                    let window = &sent[from..from + len + N_TAPS - 1];
                    fir::filter_real(self.isa, window, &delay.taps, &mut self.delayed[..len]);
                    &self.delayed[..len]
                } else {
                    &sent[at as usize..at as usize + len]
                };
                for (r, rx) in rx.iter_mut().enumerate() {
                    let link = (path * n_tx + tx) * n_rx + r;
                    let (a, b) = (self.ends[0][link], self.ends[1][link]);
                    let out = &mut rx.as_mut()[done..done + len];
                    vector::add_ramped(self.isa, out, delayed, a + (b - a) * weight, (b - a) * step);
                }
            }
        }
    }
}

fn put(out: &mut [Cf32], matrix: &[Cf64], turn: Cf64) {
    for (out, m) in out.iter_mut().zip(matrix) {
        let gain = m * turn;
        *out = Cf32::new(gain.re as f32, gain.im as f32);
    }
}

fn in_range(what: &'static str, value: f64, low: f64, high: f64) -> Result<(), AirError> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(AirError::Range(what, value)) }
}

fn check(config: &MimoConfig) -> Result<(), AirError> {
    if !(1..=ANTENNAS_MAX).contains(&config.n_tx) || !(1..=ANTENNAS_MAX).contains(&config.n_rx) {
        return Err(AirError::Antennas { n_tx: config.n_tx, n_rx: config.n_rx });
    }
    in_range("doppler_hz", config.doppler_hz, 0.0, 10_000.0)?;
    let rate = f64::from(config.sample_rate_hz);
    in_range("sample_rate_hz", rate, (KNOTS_PER_PERIOD * config.doppler_hz).max(1e6), 4e9)?;
    match config.model {
        ChannelModel::Static | ChannelModel::Simplified(_) => Ok(()),
        ChannelModel::Tdl { delay_spread_ns, .. } => in_range("delay_spread_ns", delay_spread_ns, 0.0, 5000.0),
        ChannelModel::HighSpeedTrain(train) => {
            in_range("d_s_m", train.d_s_m, 1.0, 1e6)?;
            in_range("d_min_m", train.d_min_m, 0.1, 1e6)?;
            in_range("speed_km_h", train.speed_km_h, 1.0, 2000.0)
        }
        ChannelModel::TwoTap { delay_us } => in_range("delay_us", delay_us, 0.0, 100.0),
        ChannelModel::Moving { amplitude_us, rad_per_s, .. } => {
            in_range("amplitude_us", amplitude_us, 0.0, 100.0)?;
            in_range("rad_per_s", rad_per_s, 0.0, 10.0)
        }
        ChannelModel::Cdl { delay_spread_ns, arrays, .. } => {
            in_range("delay_spread_ns", delay_spread_ns, 0.0, 5000.0)?;
            in_range("gnb_spacing", arrays.gnb_spacing, 0.0, 100.0)?;
            in_range("ue_spacing", arrays.ue_spacing, 0.0, 100.0)?;
            in_range("travel_deg", arrays.travel_deg, -360.0, 360.0)
        }
    }
}

/// Gains and delays of a checked configuration; `doppler` in turns per knot.
fn make_gains(config: &MimoConfig, doppler: f64, rng: &mut Rng) -> Result<(Gains, Vec<f64>), AirError> {
    let matrix = static_matrix(config.n_tx, config.n_rx);
    let mut scattered = |taps: &[(f64, f64)], ricean, scale: f64| {
        let correlation =
            correlation_matrix(config.n_tx, config.n_rx, config.correlation, config.polarisation, config.direction)?;
        let gains = Scattered::new(taps, ricean, &matrix, &correlation, doppler, rng);
        Ok((Gains::Scattered(gains), taps.iter().map(|t| t.0 * scale).collect()))
    };
    match config.model {
        ChannelModel::Static | ChannelModel::Moving { profile: None, .. } => Ok((Gains::Static(matrix), vec![0.0])),
        ChannelModel::Tdl { profile, delay_spread_ns } => {
            scattered(profile.taps(), profile.is_ricean(), delay_spread_ns * 1e-9)
        }
        ChannelModel::Simplified(profile) | ChannelModel::Moving { profile: Some(profile), .. } => {
            scattered(profile.taps(), profile.is_ricean(), 1e-9)
        }
        ChannelModel::HighSpeedTrain(train) => {
            Ok((Gains::Train { train, doppler_hz: config.doppler_hz, matrix }, vec![0.0]))
        }
        ChannelModel::TwoTap { delay_us } => {
            Ok((Gains::TwoTap { doppler_hz: config.doppler_hz, matrix }, vec![0.0, delay_us * 1e-6]))
        }
        ChannelModel::Cdl { profile, delay_spread_ns, arrays } => {
            let rays = Rays::new(profile, arrays, config.direction, config.n_tx, config.n_rx, doppler, rng);
            let delays = profile.clusters().iter().map(|c| c.0 * delay_spread_ns * 1e-9).collect();
            Ok((Gains::Rays(rays), delays))
        }
    }
}

/// The static matrix, `[tx][rx]`: all ones for one transmit antenna; for two receive antennas the second half of the transmit
/// antennas turned by a quarter either way; for four by four that of the clause; else columns of a Fourier matrix.
///
/// Spec: TS 38.101-4 §B.1
pub fn static_matrix(n_tx: usize, n_rx: usize) -> Vec<Cf64> {
    // Quarters of a turn, `[tx][rx]`.
    const FOUR: [[u8; 4]; 4] = [[0, 0, 0, 0], [0, 0, 2, 2], [1, 3, 1, 3], [1, 3, 3, 1]];
    let turns = |tx: usize, rx: usize| match (n_tx, n_rx) {
        (1, _) => 0.0,
        (_, 2) if n_tx.is_multiple_of(2) => {
            if tx < n_tx / 2 {
                0.0
            } else {
                0.25 + 0.5 * rx as f64
            }
        }
        (4, 4) => f64::from(FOUR[tx][rx]) / 4.0,
        _ => (tx * rx) as f64 / n_tx.max(n_rx) as f64,
    };
    (0..n_tx * n_rx).map(|i| unit_phasor(turns(i / n_rx, i % n_rx))).collect()
}
