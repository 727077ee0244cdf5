//! The receiver of PUCCH: detection of formats 0 and 1 by energy at cyclic shifts, format 2 by its own receiver.

use super::transmit::position;
use super::{check, cover, format1_symbol, format2, m_cs, sequences, symbols, twelfths};
use crate::estimate::{ChannelError, RX_MAX};
use dsp::{Cf32, Isa};
use fapi::slot::HARQ_ACK_BITS_MAX;
use fapi::{PucchFormat, PucchPdu};
use fec::polar::PolarCodec;
use nr::{SYMBOLS_PER_SLOT, SlotPoint, Tc};
use ofdm::Grid;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);
/// Bits of up to two HARQ-ACKs.
const WORDS: [[u8; 2]; 4] = [[0, 0], [1, 0], [0, 1], [1, 1]];
/// A candidate must reach this part of the strongest cyclic shift in its resource block, so that another UE's leakage is not
/// taken for it.
const LEAKAGE: f32 = 0.04;

/// What a PUCCH said.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PucchResult {
    /// Nothing was detected (in formats 0 and 1 without HARQ-ACK: no scheduling request).
    pub dtx: bool,
    /// HARQ-ACK bits, one a byte.
    pub harq_ack: [u8; HARQ_ACK_BITS_MAX],
    /// How many.
    pub n_harq_ack: u8,
    /// A scheduling request was sent.
    pub sr: bool,
    /// CSI part 1, first bit most significant.
    pub csi1: u32,
    /// How many.
    pub n_csi1: u8,
    /// SNR a resource element and antenna, dB.
    pub snr_db: f32,
    /// Power a resource element, mean over antennas, in the units of the grid squared.
    pub power: f32,
    /// Delay against the receiver's symbol start, T_c: positive means late. `None` where it cannot be told.
    pub timing_error_tc: Option<i32>,
}

/// Receives PUCCHs. Nothing is allocated in a call.
pub struct PucchReceiver {
    offset_to_carrier: u16,
    polar: PolarCodec,
    format2: format2::Receiver,
    twelfths: [Cf32; 12],
}

/// Correlations of the received symbols with all twelve cyclic shifts, relative to n_cs, of unit gain for noise.
struct Shifts {
    /// `[symbol idx][rx][shift]`.
    c: [[[Cf32; 12]; RX_MAX]; SYMBOLS_PER_SLOT],
    /// Energy of each shift over all symbols and antennas.
    energy: [f32; 12],
    /// Noise variance of one correlation, from the six weakest shifts.
    noise_var: f32,
}

impl PucchReceiver {
    /// For a carrier whose lowest RB is common RB `offset_to_carrier`, and `n_rx` antennas.
    pub fn new(isa: Isa, offset_to_carrier: u16, n_rx: usize) -> PucchReceiver {
        PucchReceiver {
            offset_to_carrier,
            polar: PolarCodec::new(8),
            format2: format2::Receiver::new(isa, n_rx),
            twelfths: twelfths(),
        }
    }

    /// Receives one PUCCH.
    ///
    /// Spec: TS 38.211 §6.3.2, TS 38.212 §6.3.1, TS 38.213 §9.2
    /// - `grid` received elements; every port is an antenna, up to four
    ///
    /// False alarm on noise alone: below 0.1 % in formats 0 and 1 and with a CRC, below 1 % for 3 to 11 bits.
    /// Errors: `Invalid`, `Unsupported` for formats 3 and 4.
    pub fn receive(&mut self, grid: &Grid, pdu: &PucchPdu, slot: SlotPoint) -> Result<PucchResult, ChannelError> {
        check(pdu, grid.n_subcarriers())?;
        if !(1..=RX_MAX).contains(&grid.n_ports()) {
            return Err(ChannelError::Invalid("antennas"));
        }
        match pdu.resource.format {
            PucchFormat::F0 { initial_cyclic_shift } => Ok(self.format0(grid, pdu, slot, initial_cyclic_shift)),
            PucchFormat::F1 { initial_cyclic_shift, time_domain_occ } => {
                Ok(self.format1(grid, pdu, slot, initial_cyclic_shift as usize, time_domain_occ as usize))
            }
            PucchFormat::F2 { n_prb } => {
                let d = self.format2.receive(&mut self.polar, pdu, n_prb, self.offset_to_carrier, slot, grid)?;
                Ok(from_format2(pdu, &d))
            }
            PucchFormat::F3 { .. } | PucchFormat::F4 { .. } => {
                Err(ChannelError::Unsupported { clause: "TS 38.211 §6.3.2.6" })
            }
        }
    }

    fn correlate(&self, grid: &Grid, pdu: &PucchPdu, slot: SlotPoint) -> Shifts {
        let (bases, n_cs) = sequences(pdu, slot);
        let mut shifts = Shifts { c: [[[ZERO; 12]; RX_MAX]; SYMBOLS_PER_SLOT], energy: [0.0; 12], noise_var: 0.0 };
        let gain = 1.0 / libm::sqrtf(12.0);
        for s in symbols(pdu) {
            for rx in 0..grid.n_ports() {
                let y = &grid.symbol(rx, s.l)[s.prb * 12..s.prb * 12 + 12];
                let t: [Cf32; 12] = core::array::from_fn(|n| y[n] * bases[s.hop][n].conj());
                for (shift, out) in shifts.c[s.idx][rx].iter_mut().enumerate() {
                    let total = (shift + n_cs[s.l] as usize) % 12;
                    let sum: Cf32 = t.iter().enumerate().map(|(n, t)| t * self.twelfths[total * n % 12].conj()).sum();
                    *out = sum * gain;
                    shifts.energy[shift] += out.norm_sqr();
                }
            }
        }
        let nu = pdu.resource.n_symbols as usize * grid.n_ports();
        shifts.noise_var = noise_of_weakest(&shifts.energy, nu);
        shifts
    }

    fn format0(&self, grid: &Grid, pdu: &PucchPdu, slot: SlotPoint, initial: u8) -> PucchResult {
        let shifts = self.correlate(grid, pdu, slot);
        let nu = pdu.resource.n_symbols as usize * grid.n_ports();
        let n_ack = pdu.n_harq_ack as usize;
        let may_sr = pdu.n_sr > 0;
        let mut best: Option<(f32, [u8; 2], bool)> = None;
        let mut n_hypotheses = 0;
        for sr in [false, true] {
            if sr && !may_sr || !sr && n_ack == 0 {
                continue;
            }
            for word in &WORDS[..1 << n_ack] {
                n_hypotheses += 1;
                let shift = (initial + m_cs(&word[..n_ack], sr)) as usize % 12;
                let energy = shifts.energy[shift];
                if best.is_none_or(|(e, ..)| energy > e) {
                    best = Some((energy, *word, sr));
                }
            }
        }
        let Some((energy, word, sr)) = best else { return nothing(pdu) };
        let strongest = shifts.energy.iter().copied().fold(0.0, f32::max);
        let seen = energy > format0_threshold(nu, n_hypotheses) * shifts.noise_var && energy >= LEAKAGE * strongest;
        let per_element = (energy / nu as f32 - shifts.noise_var) / 12.0;
        decided(pdu, seen, &word[..n_ack], sr, per_element, shifts.noise_var)
    }

    fn format1(&self, grid: &Grid, pdu: &PucchPdu, slot: SlotPoint, initial: usize, occ: usize) -> PucchResult {
        let shifts = self.correlate(grid, pdu, slot);
        let n_hops = if pdu.resource.second_hop_prb.is_some() { 2 } else { 1 };
        let n_rx = grid.n_ports();
        // Despread pilots and data: [hop][rx], sums over symbols.
        let mut pilot = [[ZERO; RX_MAX]; 2];
        let mut data = [[ZERO; RX_MAX]; 2];
        let mut count = [0.0f32; 2];
        let plan = symbols(pdu);
        for s in plan.clone() {
            let (n_sf, m) = position(plan.clone(), s);
            let w = cover(n_sf, occ, m).conj();
            let to = if s.idx % 2 == 1 { &mut data[s.hop] } else { &mut pilot[s.hop] };
            for (rx, to) in to.iter_mut().enumerate().take(n_rx) {
                *to += w * shifts.c[s.idx][rx][initial];
            }
            count[s.hop] += 1.0;
        }
        let n_ack = pdu.n_harq_ack as usize;
        let energy_of = |word: &[u8]| -> f32 {
            let d = format1_symbol(word).conj();
            (0..n_hops)
                .flat_map(|hop| (0..n_rx).map(move |rx| (hop, rx)))
                .map(|(hop, rx)| (pilot[hop][rx] + d * data[hop][rx]).norm_sqr() / count[hop])
                .sum()
        };
        let mut best = (0.0, [0, 0]);
        for word in &WORDS[..1 << n_ack] {
            let energy = energy_of(&word[..n_ack]);
            if energy > best.0 {
                best = (energy, *word);
            }
        }
        let (energy, word) = best;
        let nu = n_hops * n_rx;
        let strongest = shifts.energy.iter().copied().fold(0.0, f32::max);
        let seen = energy > format1_threshold(nu, 1 << n_ack) * shifts.noise_var && energy >= LEAKAGE * strongest;
        let n_symbols = pdu.resource.n_symbols as f32;
        let per_element = (energy / nu as f32 - shifts.noise_var) / (12.0 * n_symbols / n_hops as f32);
        let sr = pdu.n_sr > 0 && n_ack == 0;
        let mut result = decided(pdu, seen, &word[..n_ack], sr, per_element, shifts.noise_var);
        if seen {
            result.timing_error_tc = self.delay(grid, pdu, slot, initial, occ, &word[..n_ack]);
        }
        result
    }

    /// Delay from the phase slope across the resource block; `None` where other UEs would disturb it.
    fn delay(
        &self,
        grid: &Grid,
        pdu: &PucchPdu,
        slot: SlotPoint,
        initial: usize,
        occ: usize,
        word: &[u8],
    ) -> Option<i32> {
        let (bases, n_cs) = sequences(pdu, slot);
        let d = format1_symbol(word).conj();
        let plan = symbols(pdu);
        let (mut lag, mut wanted, mut all) = (ZERO, 0.0f32, 0.0f32);
        for rx in 0..grid.n_ports() {
            for hop in 0..2 {
                let mut sum = [ZERO; 12];
                let mut n = 0.0f32;
                for s in plan.clone().filter(|s| s.hop == hop) {
                    let (n_sf, m) = position(plan.clone(), s);
                    let mut w = cover(n_sf, occ, m).conj();
                    if s.idx % 2 == 1 {
                        w *= d;
                    }
                    let total = (initial + n_cs[s.l] as usize) % 12;
                    let y = &grid.symbol(rx, s.l)[s.prb * 12..s.prb * 12 + 12];
                    for (k, sum) in sum.iter_mut().enumerate() {
                        let x = w * y[k] * (bases[hop][k] * self.twelfths[total * k % 12]).conj();
                        all += x.norm_sqr();
                        *sum += x;
                    }
                    n += 1.0;
                }
                if n > 0.0 {
                    wanted += sum.iter().map(|x| x.norm_sqr()).sum::<f32>() / n;
                    lag += sum.windows(2).map(|w| w[1] * w[0].conj()).sum::<Cf32>() / n;
                }
            }
        }
        // Other UEs in the block bend the slope; so does noise below about 0 dB.
        let alone = wanted > 0.7 * all;
        if !alone {
            return None;
        }
        let turns = libm::atan2f(lag.im, lag.re) / core::f32::consts::TAU;
        let delay_s = -f64::from(turns) / slot.numerology().scs_hz() as f64;
        Some((delay_s * Tc::PER_SECOND as f64) as i32)
    }
}

/// Noise variance from the six weakest of twelve sums of `nu` squared magnitudes.
fn noise_of_weakest(energy: &[f32; 12], nu: usize) -> f32 {
    let mut sorted = *energy;
    sorted.sort_unstable_by(f32::total_cmp);
    let mean = sorted[..6].iter().sum::<f32>() / 6.0;
    // Mean of the six smallest of twelve gamma variables of shape nu, over nu: 1 - c / sqrt(nu).
    let c = match nu {
        0 | 1 => 0.654,
        2 => 0.699,
        3..=5 => 0.72,
        _ => 0.742,
    };
    let nu = nu.max(1) as f32;
    (mean / (nu - c * libm::sqrtf(nu))).max(1e-30)
}

/// Energy over noise that a format 0 candidate must exceed; made for a false alarm of 0.03 % (by simulation).
fn format0_threshold(nu: usize, n_hypotheses: usize) -> f32 {
    let row = match nu {
        0 | 1 => [16.2, 18.8, 21.9, 25.4],
        2 => [14.5, 16.1, 18.0, 19.6],
        3 | 4 => [17.3, 18.7, 19.9, 21.3],
        _ => [23.4, 24.9, 26.1, 27.4],
    };
    row[(n_hypotheses.max(1).next_power_of_two().trailing_zeros() as usize).min(3)]
}

/// The same for format 1, whose noise is known better; a tenth is added for what is not known of it.
fn format1_threshold(nu: usize, n_hypotheses: usize) -> f32 {
    let row = match nu {
        0 | 1 => [8.9, 9.7, 10.5],
        2 => [11.7, 12.4, 13.3],
        3 | 4 => [16.1, 17.0, 17.9],
        _ => [23.7, 24.6, 25.7],
    };
    row[(n_hypotheses.max(1).trailing_zeros() as usize).min(2)]
}

fn nothing(pdu: &PucchPdu) -> PucchResult {
    PucchResult {
        dtx: true,
        harq_ack: [0; HARQ_ACK_BITS_MAX],
        n_harq_ack: pdu.n_harq_ack,
        sr: false,
        csi1: 0,
        n_csi1: pdu.n_csi1,
        snr_db: -30.0,
        power: 0.0,
        timing_error_tc: None,
    }
}

fn decided(pdu: &PucchPdu, seen: bool, word: &[u8], sr: bool, power: f32, noise_var: f32) -> PucchResult {
    let snr_db = 10.0 * libm::log10f((power / noise_var).max(1e-3));
    let mut result = PucchResult { dtx: !seen, snr_db, power: power.max(0.0), ..nothing(pdu) };
    if seen {
        result.harq_ack[..word.len()].copy_from_slice(word);
        result.sr = sr;
    }
    result
}

fn from_format2(pdu: &PucchPdu, d: &format2::Decision) -> PucchResult {
    let mut result = nothing(pdu);
    result.snr_db = 10.0 * libm::log10f(d.snr.max(1e-3));
    result.power = d.power.max(0.0);
    if !d.valid {
        return result;
    }
    let (n_ack, n_sr) = (pdu.n_harq_ack as usize, pdu.n_sr as usize);
    result.dtx = false;
    result.harq_ack[..n_ack].copy_from_slice(&d.bits[..n_ack]);
    result.sr = d.bits[n_ack..n_ack + n_sr].contains(&1);
    let csi = &d.bits[n_ack + n_sr..n_ack + n_sr + pdu.n_csi1 as usize];
    result.csi1 = csi.iter().fold(0, |word, bit| word << 1 | *bit as u32);
    result.timing_error_tc = Some((d.delay_s * Tc::PER_SECOND as f64) as i32);
    result
}
