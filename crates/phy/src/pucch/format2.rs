//! PUCCH format 2: mapping and reception. Spec: TS 38.211 §6.3.2.5, §6.4.1.3.2

use super::delay::{DelaySearch, ELEMENTS_MAX, TURNS_MAX};
use super::{Channel, stands_out, symbols};
use crate::estimate::{ChannelError, Choice, Smoother, Stats, noise_by_differences};
use crate::modulation::{Modulation, demodulate, modulate};
use crate::sequences::Gold;
use dsp::{Cf32, Isa};
use fapi::PucchPdu;
use fec::Llr;
use nr::SlotPoint;
use ofdm::Grid;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);
/// Most resource blocks.
const PRB_MAX: usize = 16;
/// Data elements of a resource block in one symbol.
const DATA_PER_RB: usize = 8;
/// DM-RS elements of a resource block in one symbol: subcarriers 1, 4, 7, 10.
const PILOTS_PER_RB: usize = 4;

/// The DM-RS sequence in symbol `l` from common RB `crb` on. Spec: TS 38.211 §6.4.1.3.2.1
fn dmrs(pdu: &PucchPdu, slot: SlotPoint, l: usize, crb: usize) -> Gold {
    let (n_s, n_id) = (slot.slot() as u64, pdu.dmrs_n_id as u64);
    let value = (((14 * n_s + l as u64 + 1) * (2 * n_id + 1)) << 17) + 2 * n_id;
    Gold::starting_at((value & 0x7fff_ffff) as u32, 2 * PILOTS_PER_RB * crb)
}

/// Maps coded bits and DM-RS.
pub fn map(coded: &[u8], pdu: &PucchPdu, n_prb: u8, offset_to_carrier: u16, slot: SlotPoint, grid: &mut Grid) {
    let n_prb = n_prb as usize;
    let mut data = [ZERO; DATA_PER_RB * PRB_MAX * 2];
    let n = DATA_PER_RB * n_prb * pdu.resource.n_symbols as usize;
    if modulate(Modulation::Qpsk, coded, &mut data[..n]).is_err() {
        return;
    }
    let mut next = data.iter();
    for s in symbols(pdu) {
        let mut pilots = [ZERO; PILOTS_PER_RB * PRB_MAX];
        dmrs(pdu, slot, s.l, s.prb + offset_to_carrier as usize).pilots(&mut pilots[..PILOTS_PER_RB * n_prb]);
        let row = &mut grid.symbol_mut(0, s.l)[s.prb * 12..(s.prb + n_prb) * 12];
        for (k, cell) in row.iter_mut().enumerate() {
            *cell += if k % 3 == 1 { pilots[k / 3] } else { next.next().copied().unwrap_or(ZERO) };
        }
    }
}

/// Coded bits. Spec: TS 38.212 table 6.3.1.4-1
pub fn n_coded(pdu: &PucchPdu, n_prb: u8) -> usize {
    2 * DATA_PER_RB * n_prb as usize * pdu.resource.n_symbols as usize
}

/// Receives; holds filters and scratch.
pub struct Receiver {
    isa: Isa,
    smoother: Smoother,
    /// `[symbol][rx][pilot]`.
    ls: Vec<Cf32>,
    h: Vec<Cf32>,
    symbols: Vec<Cf32>,
    noise: Vec<f32>,
}

impl Receiver {
    pub fn new(isa: Isa, n_rx: usize) -> Receiver {
        let rows = 2 * n_rx.max(1);
        Receiver {
            isa,
            smoother: Smoother::new(isa, 3, false),
            ls: vec![ZERO; rows * PILOTS_PER_RB * PRB_MAX],
            h: vec![ZERO; rows * 12 * PRB_MAX],
            symbols: vec![ZERO; DATA_PER_RB * PRB_MAX],
            noise: vec![0.0; DATA_PER_RB * PRB_MAX],
        }
    }

    /// Estimates, equalises and demaps into `llrs` (`n_coded` of them); the PDU has been checked.
    pub fn receive(
        &mut self,
        pdu: &PucchPdu,
        n_prb: u8,
        offset_to_carrier: u16,
        slot: SlotPoint,
        grid: &Grid,
        llrs: &mut [Llr],
    ) -> Result<Channel, ChannelError> {
        let n_prb = n_prb as usize;
        let n_pilots = PILOTS_PER_RB * n_prb;
        let n_rx = grid.n_ports();
        let rows = pdu.resource.n_symbols as usize * n_rx;
        if rows * n_pilots > self.ls.len() || n_rx == 0 {
            return Err(ChannelError::Invalid("more antennas than the receiver was made for"));
        }
        let scs = slot.numerology().scs_hz() as f64;
        let (slope, noise_var, power, heard) = self.estimate(pdu, n_prb, offset_to_carrier, slot, grid, rows);
        let mut at = 0;
        for (i, s) in symbols(pdu).enumerate() {
            for j in 0..DATA_PER_RB * n_prb {
                let k = j / 2 * 3 + if j % 2 == 1 { 2 } else { 0 };
                let (mut sum, mut energy) = (ZERO, 0.0);
                for rx in 0..n_rx {
                    let h = self.h[(i * n_rx + rx) * 12 * n_prb + k];
                    sum += h.conj() * grid.symbol(rx, s.l)[s.prb * 12 + k];
                    energy += h.norm_sqr();
                }
                self.symbols[j] = sum / energy;
                self.noise[j] = noise_var / energy;
            }
            let n = DATA_PER_RB * n_prb;
            let llrs = &mut llrs[at..at + 2 * n];
            demodulate(self.isa, Modulation::Qpsk, &self.symbols[..n], &self.noise[..n], llrs)
                .map_err(|_| ChannelError::Invalid("soft bits"))?;
            at += 2 * n;
        }
        Ok(Channel { snr: power / noise_var, power, delay_s: -slope / (3.0 * scs), heard })
    }

    /// Fills `h`; returns the slope (turns a pilot), the noise and the signal power.
    fn estimate(
        &mut self,
        pdu: &PucchPdu,
        n_prb: usize,
        offset_to_carrier: u16,
        slot: SlotPoint,
        grid: &Grid,
        rows: usize,
    ) -> (f64, f32, f32, f32) {
        let n_pilots = PILOTS_PER_RB * n_prb;
        let n_rx = grid.n_ports();
        let mut stats = Stats::default();
        let mut search = DelaySearch::new();
        let block = n_pilots.div_ceil(ELEMENTS_MAX);
        for (i, s) in symbols(pdu).enumerate() {
            let mut pilots = [ZERO; PILOTS_PER_RB * PRB_MAX];
            dmrs(pdu, slot, s.l, s.prb + offset_to_carrier as usize).pilots(&mut pilots[..n_pilots]);
            for rx in 0..n_rx {
                let y = &grid.symbol(rx, s.l)[s.prb * 12..(s.prb + n_prb) * 12];
                let ls = &mut self.ls[(i * n_rx + rx) * n_pilots..][..n_pilots];
                for ((ls, r), y) in ls.iter_mut().zip(&pilots).zip(y[1..].iter().step_by(3)) {
                    *ls = y * r.conj();
                }
                stats.add(self.isa, ls);
                search.add(ls, block);
            }
        }
        let slope = search.turns(3.0 * block as f64 * TURNS_MAX) / block as f64;
        let ls = &mut self.ls[..rows * n_pilots];
        let (mut sum, mut count) = (0.0, 0.0);
        for row in ls.chunks_exact_mut(n_pilots) {
            self.smoother.take_slope(slope, row);
            let (s, c) = noise_by_differences(row);
            sum += s;
            count += c;
        }
        // Two symbols in the same RBs see the same channel: their mean serves both.
        if pdu.resource.second_hop_prb.is_none() && rows == 2 * n_rx {
            let (a, b) = ls.split_at_mut(n_rx * n_pilots);
            for (a, b) in a.iter_mut().zip(b) {
                sum += f64::from((*a - *b).norm_sqr()) / 2.0;
                count += 1.0;
                let mean = (*a + *b) * 0.5;
                (*a, *b) = (mean, mean);
            }
        }
        let noise_var = ((sum / f64::max(count, 1.0)) as f32).max(1e-30);
        let choice = if n_pilots > 4 {
            self.smoother.choose(ls.chunks_exact(n_pilots), stats.power(), noise_var)
        } else {
            Choice::FLAT
        };
        let n_sc = 12 * n_prb;
        let mut energy = 0.0;
        for (row, h) in ls.chunks_exact(n_pilots).zip(self.h.chunks_exact_mut(n_sc)) {
            self.smoother.interpolate(choice, row, 1, h);
            energy += dsp::vector::energy(self.isa, h) / n_sc as f64;
            self.smoother.put_slope(slope, 1, h);
        }
        let power = (energy / rows as f64) as f32;
        // Means of two symbols have half the noise, and there are half as many.
        let averaged = pdu.resource.second_hop_prb.is_none() && rows == 2 * n_rx;
        let (n_rows, share) = if averaged { (n_rx, 0.5) } else { (rows, 1.0) };
        let error = noise_var * share * (self.smoother.own_weights(choice, n_pilots).1 / n_pilots as f64) as f32;
        (slope, noise_var, power, stands_out(power / error.max(1e-30), n_rows))
    }
}
