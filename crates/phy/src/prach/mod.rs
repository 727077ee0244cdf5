//! Physical random access channel, both ends, on time samples of the uplink carrier.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | x_u,v(n), y_u,v(n) | [`sequence`] | Zadoff-Chu sequence and its transform |
//! | u, C_v | [`PreambleId`] | root, cyclic shift |
//! | k_1, k-bar, K | [`PrachGeometry::first_bin`] | where the preamble lies in frequency |
//! | t_start^RA | [`PrachGeometry::start_sample`] | where an occasion starts |
//! | N_CP^RA, N_u | [`PrachWindow`] | prefix and useful part |
//!
//! Long formats 0 to 3 (L_RA = 839), short formats A1 to A3, B1 to B4, C0, C2 (L_RA = 139) at the carrier's own spacing.
//! Left out: short preambles of another spacing than the carrier's, L_RA = 571 and 1151, long preambles of more than 65536 samples.
//! They return `Unsupported`.
//!
//! Spec: TS 38.211 §5.3.2, §6.3.3

mod receive;
mod restricted;
mod transmit;

pub use receive::{Detection, PrachReceiver};
pub use transmit::PrachTransmitter;

use crate::estimate::ChannelError;
use dsp::{Cf32, Cf64, unit_phasor};
use fapi::{CellConfig, Duplex, PrachOccasion};
use nr::tables::prach::{
    PrachConfiguration, PrachFormat, configuration, configuration_fr2, frequency_size, n_cs_of_set, root,
};
use nr::{Numerology, SlotPoint, Tc};
use ofdm::Carrier;

/// Preambles of an occasion.
pub const N_PREAMBLES: usize = 64;
/// Most antennas.
pub const RX_MAX: usize = 8;
/// Frequencies from here on are FR2. Spec: TS 38.104 §5.1
const FR2_HZ: f64 = 24.25e9;

/// Root and cyclic shift of a preamble. Spec: TS 38.211 §6.3.3.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PreambleId {
    /// Sequence number u.
    pub u: u16,
    /// Index of the root among those in use, 0..64.
    pub root_idx: u8,
    /// Cyclic shift C_v.
    pub shift: u16,
}

/// A root sequence and the preambles made of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RootId {
    /// Sequence number u.
    pub u: u16,
    /// d_u: where an offset of one subcarrier of the preamble moves the correlation peak. Spec: TS 38.211 §6.3.3.1
    pub d_u: u16,
    /// First preamble, and how many.
    pub first: u8,
    /// How many.
    pub n: u8,
}

/// Lengths of an occasion in samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrachWindow {
    /// Cyclic prefix, its extension included.
    pub cp_len: usize,
    /// One repetition of the sequence.
    pub sequence_len: usize,
    /// Repetitions.
    pub n_repetitions: usize,
}

impl PrachWindow {
    /// All samples.
    pub fn len(&self) -> usize {
        self.cp_len + self.sequence_len * self.n_repetitions
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a cell's random access configuration means in samples and bins.
#[derive(Clone, Debug)]
pub struct PrachGeometry {
    carrier: Carrier,
    configuration: PrachConfiguration,
    l_ra: usize,
    scs_hz: u32,
    n_cs: u16,
    restricted_set: u8,
    preambles: Vec<PreambleId>,
    roots: Vec<RootId>,
    /// First RB of frequency occasion 0, from the carrier's lowest RB; and RBs of an occasion.
    start_rb: usize,
    n_rb: usize,
    k_bar: usize,
    n_fdm: usize,
}

impl PrachGeometry {
    /// Resolves `cell.rach` on the uplink carrier that is sampled as `carrier` says.
    ///
    /// Errors: `Unsupported` for what the module leaves out, `Invalid` if an occasion lies outside the carrier.
    pub fn new(cell: &CellConfig, carrier: Carrier) -> Result<PrachGeometry, ChannelError> {
        let rach = &cell.rach;
        let paired = cell.duplex == Duplex::Fdd;
        let fr2 = cell.ul.point_a_hz >= FR2_HZ;
        let row = if fr2 {
            configuration_fr2(rach.configuration_index)
        } else {
            configuration(paired, rach.configuration_index)
        };
        let configuration =
            row.ok_or(ChannelError::Invalid("prach-ConfigurationIndex (TS 38.211 tables 6.3.3.2-2 to -4)"))?;
        let format = configuration.format;
        if rach.long_sequence != format.is_long() {
            return Err(ChannelError::Invalid("root sequence index and preamble format of different length"));
        }
        let mu = carrier.numerology();
        if !format.is_long() && rach.msg1_numerology != mu {
            let clause = "TS 38.211 §5.3.2: short preamble of another subcarrier spacing than the carrier's";
            return Err(ChannelError::Unsupported { clause });
        }
        let preamble = format.preamble(mu);
        let (n_rb, k_bar) = frequency_size(preamble.scs_hz, mu)
            .ok_or(ChannelError::Unsupported { clause: "TS 38.211 table 6.3.3.2-1" })?;
        let n_cs = n_cs_of_set(format, rach.restricted_set, rach.zero_correlation_zone)
            .ok_or(ChannelError::Invalid("zeroCorrelationZoneConfig (TS 38.211 tables 6.3.3.1-5 to -7)"))?;
        let start_rb = cell.initial_ul_bwp.start_rb as usize + rach.msg1_frequency_start as usize;
        let n_fdm = rach.msg1_fdm as usize;
        if !matches!(n_fdm, 1 | 2 | 4 | 8) || start_rb + n_fdm * n_rb as usize > carrier.n_rb() {
            return Err(ChannelError::Invalid("PRACH occasions outside the uplink carrier"));
        }
        let n = carrier.sample_rate_hz() / preamble.scs_hz;
        if n as usize > dsp::fft::N_MAX || !carrier.sample_rate_hz().is_multiple_of(preamble.scs_hz) {
            let clause = "TS 38.211 §5.3.2: long preambles above 65536 samples a sequence";
            return Err(ChannelError::Unsupported { clause });
        }
        let (preambles, roots) =
            preambles(preamble.l_ra as usize, n_cs, rach.restricted_set, rach.root_sequence_index)?;
        Ok(PrachGeometry {
            carrier,
            configuration,
            l_ra: preamble.l_ra as usize,
            scs_hz: preamble.scs_hz,
            n_cs,
            restricted_set: rach.restricted_set,
            preambles,
            roots,
            start_rb,
            n_rb: n_rb as usize,
            k_bar: k_bar as usize,
            n_fdm,
        })
    }

    /// The row of the configuration table: which slots have occasions.
    pub fn configuration(&self) -> &PrachConfiguration {
        &self.configuration
    }
    /// L_RA.
    pub fn l_ra(&self) -> usize {
        self.l_ra
    }
    /// Subcarrier spacing of the preamble, Hz.
    pub fn scs_hz(&self) -> u32 {
        self.scs_hz
    }
    /// N_CS.
    pub fn n_cs(&self) -> usize {
        self.n_cs as usize
    }
    /// The carrier.
    pub fn carrier(&self) -> &Carrier {
        &self.carrier
    }
    /// Occasions in frequency.
    pub fn n_fdm(&self) -> usize {
        self.n_fdm
    }
    /// Samples of one repetition of the sequence.
    pub fn sequence_len(&self) -> usize {
        (self.carrier.sample_rate_hz() / self.scs_hz) as usize
    }
    /// Resource blocks `(first, number)` of frequency occasion `f_id`, from the carrier's lowest RB.
    pub fn rbs(&self, f_id: u8) -> (usize, usize) {
        (self.start_rb + f_id as usize * self.n_rb, self.n_rb)
    }

    /// Roots that the 64 preambles need.
    pub fn roots(&self) -> &[RootId] {
        &self.roots
    }
    /// Root and shift of preamble `idx` (0..64). Spec: TS 38.211 §6.3.3.1
    pub fn preamble(&self, idx: u8) -> PreambleId {
        self.preambles[idx as usize % N_PREAMBLES]
    }
    /// Places to which a frequency offset of up to one (type A) or two (type B) subcarriers may move a peak, in multiples of
    /// d_u: 0, 1 or 2 to either side.
    pub fn n_images(&self) -> i64 {
        self.restricted_set as i64
    }

    /// Format in an occasion: the last of a PRACH slot may have its own.
    pub fn format(&self, occasion: &PrachOccasion) -> PrachFormat {
        let c = &self.configuration;
        let last = c.start_symbol + (c.n_occasions - 1) * c.duration;
        if !c.format.is_long() && occasion.start_symbol == last { c.last_format } else { c.format }
    }

    /// First sample of an occasion, from the start of `slot`.
    pub fn start_sample(&self, slot: SlotPoint, occasion: &PrachOccasion) -> usize {
        self.carrier.symbol_start(slot, (occasion.start_symbol as usize).min(nr::SYMBOLS_PER_SLOT - 1))
    }

    /// Lengths of an occasion. Spec: TS 38.211 §5.3.2 (prefix extension of short preambles)
    pub fn window(&self, slot: SlotPoint, occasion: &PrachOccasion) -> PrachWindow {
        let format = self.format(occasion);
        let p = format.preamble(self.carrier.numerology());
        let rate = self.carrier.sample_rate_hz() as i128;
        let samples = |tc: i64| ((tc as i128 * rate + Tc::PER_SECOND as i128 / 2) / Tc::PER_SECOND as i128) as usize;
        let mut cp_tc = p.n_cp.0;
        if !format.is_long() {
            let in_subframe: usize = (0..self.carrier.slot_in_subframe(slot) as u32)
                .map(|s| self.carrier.slot_len(SlotPoint::new(self.carrier.numerology(), 0, s)))
                .sum();
            let start = in_subframe + self.start_sample(slot, occasion);
            let end = start + samples(p.n_u.0 + cp_tc);
            let half = self.carrier.subframe_len() / 2;
            let crossed = |instant: usize| (start..end).contains(&instant);
            // 16 kappa for each of the instants 0 and 0.5 ms that the preamble covers.
            cp_tc += 16 * 64 * (i64::from(crossed(0)) + i64::from(crossed(half)));
        }
        PrachWindow {
            cp_len: samples(cp_tc),
            sequence_len: self.sequence_len(),
            n_repetitions: p.n_repetitions as usize,
        }
    }

    /// Transform bin of the preamble's first subcarrier: K k_1 + k-bar, of `sequence_len` bins. Spec: TS 38.211 §5.3.2
    pub fn first_bin(&self, f_id: u8) -> usize {
        let n = self.sequence_len() as i64;
        let k = (self.carrier.numerology().scs_hz() / self.scs_hz) as i64;
        let k_1 = 12 * self.rbs(f_id).0 as i64 - 6 * self.carrier.n_rb() as i64;
        (k * k_1 + self.k_bar as i64).rem_euclid(n) as usize
    }

    /// Step of a timing advance command T_A, seconds. Spec: TS 38.213 §4.2
    pub fn timing_advance_step_s(&self) -> f64 {
        timing_advance_step_s(self.carrier.numerology())
    }
}

/// The 64 preambles in the order of the clause, and their roots. Spec: TS 38.211 §6.3.3.1
fn preambles(
    l: usize,
    n_cs: u16,
    restricted_set: u8,
    first_root: u16,
) -> Result<(Vec<PreambleId>, Vec<RootId>), ChannelError> {
    let (mut preambles, mut roots) = (Vec::with_capacity(N_PREAMBLES), Vec::new());
    for i in 0..(l - 1) as u16 {
        let u = root(l == 839, first_root.wrapping_add(i));
        let shifts = restricted::shifts(restricted_set, u as usize, l, n_cs as usize);
        let n = shifts.len().min(N_PREAMBLES - preambles.len());
        if n == 0 {
            continue;
        }
        let d_u = restricted::d_u(u as usize, l) as u16;
        let root_idx = roots.len() as u8;
        roots.push(RootId { u, d_u, first: preambles.len() as u8, n: n as u8 });
        preambles.extend(shifts[..n].iter().map(|shift| PreambleId { u, root_idx, shift: *shift }));
        if preambles.len() == N_PREAMBLES {
            return Ok((preambles, roots));
        }
    }
    Err(ChannelError::Invalid("fewer than 64 preambles (TS 38.211 §6.3.3.1)"))
}

/// 16 * 64 / 2^mu T_c in seconds. Spec: TS 38.213 §4.2
pub fn timing_advance_step_s(numerology: Numerology) -> f64 {
    1024.0 / ((1i64 << numerology.mu()) * Tc::PER_SECOND) as f64
}

/// x_u(i) = exp(-j pi u i (i + 1) / L). Spec: TS 38.211 §6.3.3.1
fn zadoff_chu(u: usize, i: usize, l_ra: usize) -> Cf64 {
    // u i (i + 1) / 2 is whole, so the phase is a multiple of 2 pi / L.
    unit_phasor(-((u * (i * (i + 1) / 2 % l_ra) % l_ra) as f64) / l_ra as f64)
}

/// Writes y_u,v(k) / sqrt(L), the transform of the sequence with root `u` and shift C_v = 0, of unit magnitude.
///
/// y_u(k) = y_u(0) conj x_u(k / u mod L), since L is an odd prime. Spec: TS 38.211 §6.3.3.1
pub fn sequence(u: u16, out: &mut [Cf32]) {
    let l = out.len();
    let u = u as usize;
    if l == 0 || u == 0 || u >= l {
        out.fill(Cf32::new(0.0, 0.0));
        return;
    }
    let inverse = (1..l).find(|x| u * x % l == 1).unwrap_or(1);
    let first: Cf64 = (0..l).map(|m| zadoff_chu(u, m, l)).sum();
    let scale = 1.0 / libm::sqrt(l as f64);
    for (k, y) in out.iter_mut().enumerate() {
        let z = first * zadoff_chu(u, inverse * k % l, l).conj() * scale;
        *y = Cf32::new(z.re as f32, z.im as f32);
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_more;
