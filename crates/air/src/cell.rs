//! The cell's antenna and all links to it.

use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use node::Rng;

use crate::config::{AirError, CellConfig, LinkConfig, Tuning, noise_variance};
use crate::link::{Link, NotYet};
use crate::path::Source;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// What the cell has transmitted lately.
#[derive(Clone, Debug)]
pub struct Downlink {
    samples: Vec<Cf32>,
    /// The count of `samples[0]`.
    start: i64,
    keep: usize,
    blackout: bool,
}

impl Downlink {
    /// Keeps the last `keep` samples at least.
    pub fn new(keep: usize) -> Downlink {
        Downlink { samples: Vec::with_capacity(3 * keep), start: 0, keep, blackout: false }
    }

    /// Appends transmitted samples, contiguous from count 0 on; zeros instead in a blackout.
    pub fn push(&mut self, samples: &[Cf32]) {
        if self.samples.len() + samples.len() > 3 * self.keep {
            let gone = self.samples.len().saturating_sub(self.keep);
            self.samples.drain(..gone);
            self.start += gone as i64;
        }
        if self.blackout {
            self.samples.resize(self.samples.len() + samples.len(), ZERO);
        } else {
            self.samples.extend_from_slice(samples);
        }
    }

    /// The count of the oldest sample still kept.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The count of the next sample to be pushed.
    pub fn end(&self) -> i64 {
        self.start + self.samples.len() as i64
    }

    pub(crate) fn source(&self) -> Source<'_> {
        Source { start: self.start, samples: &self.samples, id: 0, grid: 0 }
    }
}

/// One cell and its UEs.
#[derive(Clone, Debug)]
pub struct Air {
    cell: CellConfig,
    isa: Isa,
    downlink: Downlink,
    links: Vec<Link>,
    noise: Gaussian,
    ul_taken: i64,
}

impl Air {
    /// An air without UEs; `seed` is that of the cell's receiver noise.
    ///
    /// Errors: `AirError` for what is out of range.
    pub fn new(cell: CellConfig, isa: Isa, seed: u64) -> Result<Air, AirError> {
        cell.check()?;
        let keep = (cell.history_s * f64::from(cell.rate_hz)) as usize;
        let noise = Gaussian::new(Rng::from_lab_seed(seed).fork("cell noise").u64(), isa);
        Ok(Air { downlink: Downlink::new(keep), links: Vec::new(), noise, ul_taken: 0, isa, cell })
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

    /// Switches the cell off: it sends nothing and hears nothing but noise until switched on again.
    pub fn set_blackout(&mut self, blackout: bool) {
        self.downlink.blackout = blackout;
    }

    /// Appends what the cell transmits, contiguous in its own count from 0 on.
    pub fn push_downlink(&mut self, samples: &[Cf32]) {
        self.downlink.push(samples);
    }

    /// How many samples UE `ue` can pull now; 0 if there is no such UE.
    pub fn ue_available(&self, ue: usize) -> usize {
        self.links.get(ue).map_or(0, |link| link.available(&self.downlink))
    }

    /// Gives UE `ue` its next samples.
    ///
    /// Errors: `NotYet` if the cell has not sent enough or there is no such UE.
    pub fn pull_ue(&mut self, ue: usize, out: &mut [Cf32]) -> Result<(), NotYet> {
        self.links.get_mut(ue).ok_or(NotYet { available: 0 })?.pull(&self.downlink, out)
    }

    /// Gives the cell its next received samples, contiguous in its own count from 0 on: all UEs in order, then noise.
    ///
    /// Whatever a UE sends in them must have been pushed before. No allocation.
    pub fn pull_uplink(&mut self, out: &mut [Cf32]) {
        // In pieces that stay in the first cache from one step to the next.
        for piece in out.chunks_mut(1024) {
            piece.fill(ZERO);
            for link in &mut self.links {
                if self.downlink.blackout {
                    link.forget_until(self.ul_taken + piece.len() as i64);
                } else {
                    link.add_uplink(self.ul_taken, piece);
                }
            }
            self.add_noise(piece);
        }
    }

    /// The same while the cell's receiver is off, as between its own downlink slots: zeros, and nothing is heard.
    pub fn skip_uplink(&mut self, out: &mut [Cf32]) {
        out.fill(ZERO);
        self.ul_taken += out.len() as i64;
        let end = self.ul_taken;
        self.links.iter_mut().for_each(|link| link.forget_until(end));
    }

    /// The last step of an uplink whose links were added by the caller, in any number of threads but in order: adds the
    /// cell's noise to `out` and goes on by its length.
    pub fn add_noise(&mut self, out: &mut [Cf32]) {
        let variance = noise_variance(f64::from(self.cell.rate_hz), self.cell.noise_figure_db);
        self.noise.add(out, variance as f32);
        self.ul_taken += out.len() as i64;
    }

    /// Cell samples received so far: the count of the first that the next `pull_uplink` gives.
    pub fn ul_taken(&self) -> i64 {
        self.ul_taken
    }
}
