//! The receiver of SRS: the channel from each port to each antenna.
//!
//! Received elements are divided by the base sequence and turned back by the port's cyclic shift. Other shifts on the comb then
//! turn by a multiple of 1/L from element to element: a triangle of two means over L takes them away.

use super::{ELEMENTS_MAX, Geometry, PORTS_MAX, RX_MAX, n_cs_max, turn_24, turns};
use crate::estimate::ChannelError;
use crate::sequences::low_papr;
use dsp::mix::Nco;
use dsp::{Cf32, Isa};
use fapi::SrsPdu;
use nr::{SYMBOLS_PER_SLOT, SlotPoint};
use ofdm::Grid;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// What an SRS said beside the channel.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SrsReport {
    /// SNR an element and antenna, all ports together, dB.
    pub snr_db: f32,
    /// Power an element, all ports together, mean over antennas, in the units of the grid squared.
    pub power: f32,
    /// Noise power an element.
    pub noise_var: f32,
    /// Mean delay, seconds: positive means late.
    pub delay_s: f64,
    /// Places in frequency that the slot sounded; see [`SrsReceiver::channel`].
    pub n_places: usize,
}

/// Receives SRS. Nothing is allocated in a call.
pub struct SrsReceiver {
    isa: Isa,
    n_rx: usize,
    base: Vec<Cf32>,
    /// `[place][port][rx][element]`; places have `n_elements` each, `ELEMENTS_MAX` in all at most.
    h: Vec<Cf32>,
    smooth: Vec<Cf32>,
    turns: [Cf32; 24],
    /// First subcarrier of port 0, and symbols, of each place.
    places: [(i64, usize); SYMBOLS_PER_SLOT],
    n_places: usize,
    shape: (usize, usize, usize),
}

impl SrsReceiver {
    /// For up to `n_rx` antennas, at most [`RX_MAX`].
    pub fn new(isa: Isa, n_rx: usize) -> SrsReceiver {
        let n_rx = n_rx.clamp(1, RX_MAX);
        SrsReceiver {
            isa,
            n_rx,
            base: vec![ZERO; ELEMENTS_MAX],
            h: vec![ZERO; ELEMENTS_MAX * PORTS_MAX * n_rx],
            smooth: vec![ZERO; ELEMENTS_MAX],
            turns: turns(),
            places: [(0, 0); SYMBOLS_PER_SLOT],
            n_places: 0,
            shape: (0, 0, 0),
        }
    }

    /// Channel from `port` to antenna `rx` at place `place`: its first subcarrier and the elements, `comb` subcarriers apart.
    ///
    /// Of the last [`SrsReceiver::receive`]; scaled so that a port sent with unit power. Empty where there is none.
    pub fn channel(&self, place: usize, port: usize, rx: usize) -> (i64, &[Cf32]) {
        let (n, n_ports, n_rx) = self.shape;
        if place >= self.n_places || port >= n_ports || rx >= n_rx {
            return (0, &[]);
        }
        (self.places[place].0, &self.h[((place * n_ports + port) * n_rx + rx) * n..][..n])
    }

    /// Elements of a place, ports, antennas of the last SRS.
    pub(super) fn shape(&self) -> (usize, usize, usize) {
        self.shape
    }

    /// Antennas that heard the last SRS.
    pub(super) fn n_antennas(&self) -> usize {
        self.shape.2
    }

    pub(super) fn n_places(&self) -> usize {
        self.n_places
    }

    /// Estimates; every grid port is an antenna.
    ///
    /// Spec: TS 38.211 §6.4.1.4. Symbols at the same place in frequency are averaged. Errors: `Invalid`.
    pub fn receive(&mut self, grid: &Grid, pdu: &SrsPdu, slot: SlotPoint) -> Result<SrsReport, ChannelError> {
        let g = Geometry::new(pdu)?;
        g.fits(slot, grid.n_subcarriers())?;
        let r = &pdu.resource;
        let (n, n_ports, n_rx) = (g.n_elements(), r.n_ports as usize, grid.n_ports());
        if n_rx == 0 || n_rx > self.n_rx {
            return Err(ChannelError::Invalid("more antennas than the receiver was made for"));
        }
        self.find_places(&g, slot, r.n_symbols as usize)?;
        self.shape = (n, n_ports, n_rx);
        self.despread(grid, pdu, &g, slot);
        let period = match g.n_ports_on_comb() {
            1 | 2 => 2 * g.n_ports_on_comb(),
            more => more,
        };
        let used = self.n_places * n_ports * n_rx * n;
        let slope = slope(&self.h[..used], n, period);
        let (mut power, mut noise, mut count) = (0.0, 0.0, 0.0);
        let per_place = n_ports * n_rx;
        for (i, row) in self.h[..used].chunks_exact_mut(n).enumerate() {
            Nco::new(-slope).mix(self.isa, row);
            let symbols = self.places[i / per_place].1 as f64;
            for k in 0..n.saturating_sub(2 * period) {
                let difference = row[k] - row[k + period] * 2.0 + row[k + 2 * period];
                noise += symbols * f64::from(difference.norm_sqr()) / 6.0;
                count += 1.0;
            }
            triangle(row, period, &mut self.smooth[..n]);
            row.copy_from_slice(&self.smooth[..n]);
            power += dsp::vector::energy(self.isa, row) / n as f64;
            Nco::new(slope).mix(self.isa, row);
        }
        // A port sends 1/N_ap of the power, and elements were divided by as much.
        let noise_var = ((noise / f64::max(count, 1.0)) as f32 / n_ports as f32).max(1e-30);
        let power = (power / (self.n_places * n_rx * n_ports) as f64) as f32;
        Ok(SrsReport {
            snr_db: 10.0 * libm::log10f((power / noise_var).max(1e-3)),
            power: power.max(0.0),
            noise_var,
            delay_s: -slope / (r.comb as f64 * slot.numerology().scs_hz() as f64),
            n_places: self.n_places,
        })
    }

    /// Collects the distinct places in frequency.
    fn find_places(&mut self, g: &Geometry, slot: SlotPoint, n_symbols: usize) -> Result<(), ChannelError> {
        self.n_places = 0;
        for l in 0..n_symbols {
            let first = g.first_subcarrier(slot, l, 0);
            match self.places[..self.n_places].iter_mut().find(|p| p.0 == first) {
                Some(place) => place.1 += 1,
                None => {
                    self.places[self.n_places] = (first, 1);
                    self.n_places += 1;
                }
            }
        }
        if self.n_places * g.n_elements() > ELEMENTS_MAX {
            return Err(ChannelError::Unsupported {
                clause: "TS 38.211 table 6.4.1.4.3-2: staggered combs over a wide band",
            });
        }
        Ok(())
    }

    /// Fills `h` with received elements over sequence, averaged over the symbols of a place.
    fn despread(&mut self, grid: &Grid, pdu: &SrsPdu, g: &Geometry, slot: SlotPoint) {
        let r = &pdu.resource;
        let (n, n_ports, n_rx) = self.shape;
        self.h[..self.n_places * n_ports * n_rx * n].fill(ZERO);
        let base = &mut self.base[..n];
        let mut last = None;
        let gain = libm::sqrtf(n_ports as f32);
        for l in 0..r.n_symbols as usize {
            let group = g.group(slot, l);
            if last != Some(group) {
                low_papr::base(group.0, group.1, base);
                last = Some(group);
            }
            let at = g.first_subcarrier(slot, l, 0);
            let Some(place) = self.places[..self.n_places].iter().position(|p| p.0 == at) else { continue };
            let share = gain / self.places[place].1 as f32;
            for port in 0..n_ports {
                let shift = g.cyclic_shift(port);
                let first = g.first_subcarrier(slot, l, port).max(0) as usize;
                for rx in 0..n_rx {
                    let row = &grid.symbol(rx, r.start_symbol as usize + l)[first..];
                    let h = &mut self.h[((place * n_ports + port) * n_rx + rx) * n..][..n];
                    for (k, ((h, y), b)) in
                        h.iter_mut().zip(row.iter().step_by(r.comb as usize)).zip(&*base).enumerate()
                    {
                        let turn = self.turns[turn_24(shift, n_cs_max(r.comb), k)];
                        *h += y * (b * turn).conj() * share;
                    }
                }
            }
        }
    }
}

/// Turns from element to element: correlation of the means over `period` with the next ones, all rows of `n` together.
fn slope(h: &[Cf32], n: usize, period: usize) -> f64 {
    let mut lag = ZERO;
    for row in h.chunks_exact(n) {
        let mut before = None;
        for block in row.chunks_exact(period) {
            let sum = block.iter().sum::<Cf32>();
            if let Some(b) = before.replace(sum) {
                lag += sum * b.conj();
            }
        }
    }
    let turns = f64::from(libm::atan2f(lag.im, lag.re)) / core::f64::consts::TAU / period as f64;
    if turns.is_finite() { turns } else { 0.0 }
}

/// Two means over `period` after one another; at the edges the nearest whole triangle's value, or the mean of all.
fn triangle(x: &[Cf32], period: usize, out: &mut [Cf32]) {
    let n = x.len();
    let reach = period - 1;
    if n < 2 * reach + 1 {
        let whole = n / period * period;
        let mean = x[..whole.max(1)].iter().sum::<Cf32>() / whole.max(1) as f32;
        out.fill(mean);
        return;
    }
    let scale = 1.0 / (period * period) as f32;
    for (k, out) in out.iter_mut().enumerate() {
        let centre = k.clamp(reach, n - 1 - reach);
        let mut sum = x[centre] * period as f32;
        for d in 1..period {
            sum += (x[centre - d] + x[centre + d]) * (period - d) as f32;
        }
        *out = sum * scale;
    }
}
