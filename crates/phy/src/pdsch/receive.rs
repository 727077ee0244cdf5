//! From the grid to a transport block. Spec: TS 38.211 §7.3.1; TS 38.212 §7.2

use super::{Layout, PdschError, c_init, check, fec_isa, sch_params};
use crate::equalize::Equalizer;
use crate::estimate::{ChannelError, ChannelEstimate, SharedEstimator, dmrs};
use crate::modulation::{Modulation, demodulate, descramble};
use crate::sequences::Gold;
use dsp::{Cf32, Isa};
use fapi::PdschPdu;
use fec::Llr;
use fec::sch::{SchDecoder, SoftBuffer};
use nr::SlotPoint;
use ofdm::Grid;

/// What became of a PDSCH.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PdschResult {
    /// The transport block's CRC holds.
    pub crc_ok: bool,
    /// SINR after equalization, harmonic mean over the data elements, dB.
    pub sinr_db: f32,
    /// Received power of a resource element of unit transmit power, linear.
    pub rsrp: f32,
    /// Noise variance of a resource element.
    pub noise_var: f32,
    /// Mean delay after the receiver's symbol start, seconds.
    pub delay_s: f64,
    /// Phase from one symbol to the next, turns, where DM-RS tells it.
    pub turns_per_symbol: Option<f32>,
    /// LDPC iterations, mean over code blocks.
    pub ldpc_iterations: f32,
}

/// Receives PDSCHs of a carrier of a given size; owns estimator, equalizer, decoder and all scratch.
pub struct PdschReceiver {
    isa: Isa,
    estimator: SharedEstimator,
    estimate: ChannelEstimate,
    equalizer: Equalizer,
    decoder: SchDecoder,
    layout: Layout,
    /// Received elements of the allocation in one symbol, one row for each antenna.
    rows: Vec<Cf32>,
    n_rx_max: usize,
    n_layers_max: usize,
    equal: Vec<Cf32>,
    equal_noise: Vec<f32>,
    data: Vec<Cf32>,
    data_noise: Vec<f32>,
    llrs: Vec<Llr>,
    /// The scrambling sequence, packed.
    sequence: Vec<u8>,
}

impl PdschReceiver {
    /// For carriers of up to `n_rb_max` RBs, `n_rx` antennas and PDSCHs of up to `n_layers_max` layers.
    pub fn new(isa: Isa, n_rb_max: usize, n_rx: usize, n_layers_max: usize) -> Self {
        let (n_rx, n_layers) = (n_rx.clamp(1, 4), n_layers_max.clamp(1, 4));
        let n_sc = n_rb_max * 12;
        let estimator = SharedEstimator::new(isa, n_rb_max, n_rx, n_layers);
        Self {
            isa,
            estimate: estimator.make_estimate(),
            estimator,
            equalizer: Equalizer::new(isa, n_sc, n_rx, n_layers),
            decoder: SchDecoder::new(fec_isa(isa)),
            layout: Layout::default(),
            rows: vec![Cf32::default(); n_rx * n_sc],
            n_rx_max: n_rx,
            n_layers_max: n_layers,
            equal: vec![Cf32::default(); n_layers * n_sc],
            equal_noise: vec![0.0; n_layers * n_sc],
            data: vec![Cf32::default(); n_layers * n_sc],
            data_noise: vec![0.0; n_layers * n_sc],
            llrs: vec![0; n_layers * n_sc * 14 * 8],
            sequence: vec![0; n_layers * n_sc * 14],
        }
    }

    /// Receives one PDSCH.
    ///
    /// - `grid`  received elements, every port an antenna
    /// - `soft`  of the HARQ process; a PDU with `new_data` starts afresh
    /// - `tb`    `coding.tbs_bytes` bytes, overwritten; right only if `crc_ok`
    ///
    /// Errors: [`PdschError`] where the PDU contradicts itself, the grid or the soft buffer. Non-finite elements count as erased.
    /// No allocation for what the receiver was made for.
    pub fn receive(
        &mut self,
        pdu: &PdschPdu,
        slot: SlotPoint,
        grid: &Grid,
        soft: &mut SoftBuffer,
        max_iterations: u8,
        tb: &mut [u8],
    ) -> Result<PdschResult, PdschError> {
        check(pdu, grid.n_subcarriers())?;
        let n_layers = usize::from(pdu.n_layers);
        let scheme = Modulation::from_q_m(pdu.coding.q_m).ok_or(ChannelError::Invalid("modulation order"))?;
        let n_sc = pdu.rbs.n_rb() as usize * 12;
        if n_sc * n_layers > self.equal.len() || n_layers > self.n_layers_max || grid.n_ports() > self.n_rx_max {
            return Err(ChannelError::Invalid("a PDSCH larger than the receiver was made for").into());
        }
        self.estimator.estimate(grid, slot, &pdu.rbs, &pdu.dmrs, &mut self.estimate)?;
        self.layout.fill(pdu);
        let (n_llrs, sinr) = self.soft_bits(pdu, scheme, n_layers, n_sc, grid);
        let llrs = &mut self.llrs[..n_llrs];
        let sequence = &mut self.sequence[..n_llrs.div_ceil(8)];
        Gold::new(c_init(pdu.rnti, pdu.n_id)).fill_packed(sequence);
        descramble(self.isa, llrs, sequence);
        let params = sch_params(&pdu.coding, pdu.n_layers, n_llrs / usize::from(pdu.coding.q_m));
        let result = self.decoder.decode(&params, llrs, soft, pdu.new_data, max_iterations.max(1), tb)?;
        Ok(PdschResult {
            crc_ok: result.crc_ok,
            sinr_db: 10.0 * libm::log10f(sinr.max(1e-6)),
            rsrp: self.estimate.rsrp,
            noise_var: self.estimate.noise_var,
            delay_s: self.estimate.delay_s,
            turns_per_symbol: self.estimate.turns_per_symbol,
            ldpc_iterations: result.iterations_mean,
        })
    }

    /// The estimate of the last PDSCH received.
    pub fn estimate(&self) -> &ChannelEstimate {
        &self.estimate
    }

    /// Equalizes and demaps all data; returns the number of soft bits and the SINR.
    fn soft_bits(
        &mut self,
        pdu: &PdschPdu,
        scheme: Modulation,
        n_layers: usize,
        n_sc: usize,
        grid: &Grid,
    ) -> (usize, f32) {
        let (mut at, mut noise_sum, mut n_data) = (0, 0.0f64, 0usize);
        let n_rx = grid.n_ports();
        for l in 0..14 {
            let n = self.layout.n_elements_in(l) * n_layers;
            if n == 0 {
                continue;
            }
            for rx in 0..n_rx {
                let (from, mut to) = (grid.symbol(rx, l), &mut self.rows[rx * n_sc..(rx + 1) * n_sc]);
                for (first, n_rb) in dmrs::runs(&pdu.rbs) {
                    let (now, rest) = to.split_at_mut(usize::from(n_rb) * 12);
                    now.copy_from_slice(&from[usize::from(first) * 12..][..now.len()]);
                    to = rest;
                }
            }
            let mut y: [&[Cf32]; 4] = [&[]; 4];
            for (y, row) in y.iter_mut().zip(self.rows.chunks_exact(n_sc)).take(n_rx) {
                *y = row;
            }
            let (equal, noise) = (&mut self.equal[..n_sc * n_layers], &mut self.equal_noise[..n_sc * n_layers]);
            self.equalizer.equalize(&self.estimate, l, &y[..n_rx], equal, noise);
            let llrs = &mut self.llrs[at..at + n * scheme.q_m()];
            let mapped = if self.layout.is_full(l) {
                noise_sum += sum_finite(noise);
                demodulate(self.isa, scheme, equal, noise, llrs)
            } else {
                pick(&self.layout, l, n_layers, equal, noise, &mut self.data, &mut self.data_noise);
                noise_sum += sum_finite(&self.data_noise[..n]);
                demodulate(self.isa, scheme, &self.data[..n], &self.data_noise[..n], llrs)
            };
            debug_assert!(mapped.is_ok());
            n_data += n;
            at += n * scheme.q_m();
        }
        let mean = noise_sum / n_data.max(1) as f64;
        (at, if mean > 0.0 && mean.is_finite() { (1.0 / mean) as f32 } else { 0.0 })
    }
}

/// The sum of what is finite; an erased element counts as noise of 1.
fn sum_finite(noise: &[f32]) -> f64 {
    noise.iter().map(|n| f64::from(if n.is_finite() { n.min(1e6) } else { 1.0 })).sum()
}

/// Takes the data elements of symbol `l` in mapping order out of the equalized allocation.
fn pick(
    layout: &Layout,
    l: usize,
    n_layers: usize,
    equal: &[Cf32],
    noise: &[f32],
    data: &mut [Cf32],
    data_noise: &mut [f32],
) {
    let mut at = 0;
    layout.for_rbs(l, |_, rank, mask| {
        let cells = 12 * rank * n_layers;
        for k in (0..12).filter(|k| mask >> k & 1 == 1) {
            for v in 0..n_layers {
                data[at] = equal[cells + k * n_layers + v];
                data_noise[at] = noise[cells + k * n_layers + v];
                at += 1;
            }
        }
    });
}
