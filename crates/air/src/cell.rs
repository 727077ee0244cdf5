//! The cell's antennas and all links to them.

use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use node::Rng;

use crate::config::{AirError, CellConfig, LinkConfig, Tuning, noise_variance};
use crate::link::{Link, NotYet, Up};
use crate::path::Source;
use crate::ways::{Antennas, PIECE};

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// What the cell has transmitted lately.
#[derive(Clone, Debug)]
pub struct Downlink {
    /// `[antenna][sample]`.
    samples: Vec<Vec<Cf32>>,
    /// The count of the first sample.
    start: i64,
    keep: usize,
    blackout: bool,
}

impl Downlink {
    /// Keeps the last `keep` samples of each of `n_antennas` at least.
    pub fn new(keep: usize, n_antennas: usize) -> Downlink {
        let samples = (0..n_antennas.max(1)).map(|_| Vec::with_capacity(3 * keep)).collect();
        Downlink { samples, start: 0, keep, blackout: false }
    }

    /// Appends transmitted samples, `[antenna][n]`, contiguous from count 0 on; zeros instead in a blackout.
    pub fn push(&mut self, samples: &[Cf32]) {
        let n = samples.len() / self.samples.len();
        let held = self.samples[0].len();
        let gone = if held + n > 3 * self.keep { held.saturating_sub(self.keep) } else { 0 };
        for (a, kept) in self.samples.iter_mut().enumerate() {
            kept.drain(..gone);
            if self.blackout {
                kept.resize(kept.len() + n, ZERO);
            } else {
                kept.extend_from_slice(&samples[a * n..(a + 1) * n]);
            }
        }
        self.start += gone as i64;
    }

    /// The count of the oldest sample still kept.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The count of the next sample to be pushed.
    pub fn end(&self) -> i64 {
        self.start + self.samples[0].len() as i64
    }

    pub(crate) fn source(&self, antenna: usize) -> Source<'_> {
        Source { start: self.start, samples: &self.samples[antenna], id: 0, grid: 0 }
    }
}

/// One cell and its UEs.
#[derive(Clone, Debug)]
pub struct Air {
    cell: CellConfig,
    isa: Isa,
    downlink: Downlink,
    links: Vec<Link>,
    /// The links' ways up, while they are lent.
    ups: Vec<Up>,
    /// Of each antenna.
    noise: Vec<Gaussian>,
    ul_taken: i64,
}

/// What the cell receives, while its UEs receive and send beside it; see [`Air::sides`].
#[derive(Debug)]
pub struct Uplink<'a> {
    cell: &'a CellConfig,
    ups: &'a mut [Up],
    noise: &'a mut [Gaussian],
    taken: &'a mut i64,
    blackout: bool,
}

impl Uplink<'_> {
    /// As [`Air::pull_uplink`].
    pub fn pull(&mut self, out: &mut [Cf32]) {
        let n_antennas = self.cell.n_antennas;
        let mut out = Antennas::new(out, n_antennas);
        let variance = noise_variance(f64::from(self.cell.rate_hz), self.cell.noise_figure_db) as f32;
        for at in (0..out.len()).step_by(PIECE) {
            let mut piece = out.part(at, PIECE);
            (0..n_antennas).for_each(|a| piece.antenna(a).fill(ZERO));
            for up in self.ups.iter_mut() {
                if self.blackout {
                    up.forget_until(*self.taken + piece.len() as i64);
                } else {
                    up.add(*self.taken, &mut piece);
                }
            }
            for (a, noise) in self.noise.iter_mut().enumerate() {
                noise.add(piece.antenna(a), variance);
            }
            *self.taken += piece.len() as i64;
        }
    }

    /// As [`Air::skip_uplink`].
    pub fn skip(&mut self, out: &mut [Cf32]) {
        out.fill(ZERO);
        *self.taken += (out.len() / self.cell.n_antennas) as i64;
        let end = *self.taken;
        self.ups.iter_mut().for_each(|up| up.forget_until(end));
    }
}

impl Air {
    /// An air without UEs; `seed` is that of the cell's receiver noise.
    ///
    /// Errors: `AirError` for what is out of range.
    pub fn new(cell: CellConfig, isa: Isa, seed: u64) -> Result<Air, AirError> {
        cell.check()?;
        let keep = (cell.history_s * f64::from(cell.rate_hz)) as usize;
        let rng = Rng::from_lab_seed(seed);
        let noise = (0..cell.n_antennas).map(|a| Gaussian::new(noise_of(&rng, "cell noise", a).u64(), isa)).collect();
        Ok(Air {
            downlink: Downlink::new(keep, cell.n_antennas),
            links: Vec::new(),
            ups: Vec::new(),
            noise,
            ul_taken: 0,
            isa,
            cell,
        })
    }

    /// Adds a UE and returns its number, from 0 on.
    ///
    /// Errors: `AirError` for what is out of range.
    pub fn add_link(&mut self, config: LinkConfig, tuning: Tuning) -> Result<usize, AirError> {
        let mut link = Link::new(&self.cell, config, tuning, self.isa)?;
        link.forget_until(self.ul_taken);
        self.links.push(link);
        Ok(self.links.len() - 1)
    }

    /// The cell's configuration.
    pub fn cell(&self) -> &CellConfig {
        &self.cell
    }

    /// Link number `ue`.
    pub fn link(&self, ue: usize) -> Option<&Link> {
        self.links.get(ue)
    }

    /// Link number `ue`, to retune it, change its path loss or push bursts.
    pub fn link_mut(&mut self, ue: usize) -> Option<&mut Link> {
        self.links.get_mut(ue)
    }

    /// The downlink and all links, to pull from several links side by side. A link touches nothing but itself.
    pub fn split_mut(&mut self) -> (&Downlink, &mut [Link]) {
        (&self.downlink, &mut self.links)
    }

    /// What the cell receives, the downlink and all links, to work on side by side: what UEs send meanwhile the cell may hear after
    /// [`Air::unite`], which must follow.
    pub fn sides(&mut self) -> (Uplink<'_>, &Downlink, &mut [Link]) {
        self.unite();
        self.ups.extend(self.links.iter_mut().filter_map(Link::lend));
        let up = Uplink {
            cell: &self.cell,
            ups: &mut self.ups,
            noise: &mut self.noise,
            taken: &mut self.ul_taken,
            blackout: self.downlink.blackout,
        };
        (up, &self.downlink, &mut self.links)
    }

    /// Ends what [`Air::sides`] began.
    pub fn unite(&mut self) {
        for (link, up) in self.links.iter_mut().zip(self.ups.drain(..)) {
            link.take_back(up);
        }
    }

    /// Switches the cell off: it sends nothing and hears nothing but noise until switched on again.
    pub fn set_blackout(&mut self, blackout: bool) {
        self.downlink.blackout = blackout;
    }

    /// Appends what the cell transmits, `[antenna][n]`, contiguous in its own count from 0 on.
    pub fn push_downlink(&mut self, samples: &[Cf32]) {
        self.downlink.push(samples);
    }

    /// How many samples UE `ue` can pull now; 0 if there is no such UE.
    pub fn ue_available(&self, ue: usize) -> usize {
        self.links.get(ue).map_or(0, |link| link.available(&self.downlink))
    }

    /// Gives UE `ue` its next samples, `[antenna][n]`.
    ///
    /// Errors: `NotYet` if the cell has not sent enough or there is no such UE.
    pub fn pull_ue(&mut self, ue: usize, out: &mut [Cf32]) -> Result<(), NotYet> {
        self.links.get_mut(ue).ok_or(NotYet { available: 0 })?.pull(&self.downlink, out)
    }

    /// Gives the cell its next received samples, `[antenna][n]`, contiguous in its own count from 0 on: all UEs in order, then noise.
    ///
    /// Whatever a UE sends in them must have been pushed before. No allocation.
    pub fn pull_uplink(&mut self, out: &mut [Cf32]) {
        self.sides().0.pull(out);
        self.unite();
    }

    /// The same while the cell's receiver is off, as between its own downlink slots: zeros, and nothing is heard.
    pub fn skip_uplink(&mut self, out: &mut [Cf32]) {
        self.sides().0.skip(out);
        self.unite();
    }

    /// Cell samples received so far: the count of the first that the next `pull_uplink` gives.
    pub fn ul_taken(&self) -> i64 {
        self.ul_taken
    }
}

/// The generator of antenna `a`'s receiver noise.
pub(crate) fn noise_of(rng: &Rng, what: &str, a: usize) -> Rng {
    if a == 0 { rng.fork(what) } else { rng.fork(&format!("{what} {a}")) }
}
