//! Physical uplink control channel, formats 0 to 4, both ends.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | m_0, m_cs, n_cs | initial, information and hopping cyclic shift | twelfths of a turn a subcarrier |
//! | w_i(m) | `cover` | orthogonal cover of format 1 |
//! | N_SF | symbols of one kind in a hop | spreading factor of format 1 |
//! | M_RB | `n_prb` | resource blocks of formats 2 and 3 |
//!
//! Several UEs share a resource block by cyclic shifts (formats 0 and 1) and covers (formats 1 and 4). What several slots
//! repeat is decided together: [`PucchRepetitions`].
//! Left out: interlaces, format 4 on several resource blocks.
//!
//! Spec: TS 38.211 §6.3.2, §6.4.1.3, TS 38.212 §6.3.1, TS 38.213 §9.2

mod delay;
mod format2;
mod format34;
mod hopping;
mod receive;
mod receive34;
mod short;
mod transmit;
mod uci;

pub use receive::{PucchReceiver, PucchRepetitions, PucchResult};
pub use transmit::PucchTransmitter;
pub use uci::PucchUci;
pub(crate) use uci::uci_was_sent;

use crate::estimate::ChannelError;
use crate::sequences::low_papr;
use dsp::{Cf32, unit_phasor};
use fapi::{PucchFormat, PucchPdu};
use nr::{SYMBOLS_PER_SLOT, SlotPoint};

/// Most antennas.
pub const RX_MAX: usize = 8;

/// Most bits of CSI part 2 on PUCCH here.
pub const CSI2_BITS_MAX: usize = 128;

/// What a receiver of formats 2 to 4 learns of the channel.
#[derive(Clone, Copy, Debug)]
struct Channel {
    /// Linear SNR a resource element and antenna.
    snr: f32,
    /// Power a resource element, mean over antennas.
    power: f32,
    /// Mean delay, seconds.
    delay_s: f64,
    /// How far the DM-RS stand out from noise, standard deviations.
    heard: f32,
}

/// By how many standard deviations of noise the power of an estimate stands out from its error, the mean over `n_rows` hops and antennas.
/// Noise is known from few elements, and the delay was searched for where it makes most of them, for which a fifth of the error and a quarter of the rest are taken off.
fn stands_out(power_over_error: f32, n_rows: usize) -> f32 {
    (power_over_error - 1.2).max(0.0) * libm::sqrtf(n_rows as f32) / 1.25
}

/// Most bits of a UCI on PUCCH here: HARQ-ACK, SR and CSI part 1.
pub const UCI_BITS_MAX: usize = 128;

/// The symbol `l` of a slot as a PUCCH uses it.
#[derive(Clone, Copy, Debug)]
struct SymbolPlan {
    /// Symbol in the slot.
    l: usize,
    /// First resource block.
    prb: usize,
    /// Hop, 0 or 1.
    hop: usize,
    /// Index within the PUCCH.
    idx: usize,
}

/// The symbols of a PUCCH, in order. The PDU has been checked.
fn symbols(pdu: &PucchPdu) -> impl Iterator<Item = SymbolPlan> + Clone + use<> {
    let r = pdu.resource;
    let n = r.n_symbols as usize;
    (0..n).map(move |idx| {
        let hop = usize::from(r.second_hop_prb.is_some() && idx >= n / 2);
        let prb = if hop == 1 { r.second_hop_prb.unwrap_or(r.start_prb) } else { r.start_prb };
        SymbolPlan { l: r.start_symbol as usize + idx, prb: prb as usize, hop, idx }
    })
}

/// Checks a PDU against its format and a grid of `n_subcarriers`.
fn check(pdu: &PucchPdu, n_subcarriers: usize) -> Result<(), ChannelError> {
    let r = &pdu.resource;
    let n = r.n_symbols as usize;
    if n == 0 || r.start_symbol as usize + n > SYMBOLS_PER_SLOT {
        return Err(ChannelError::Invalid("PUCCH symbols (TS 38.211 §6.3.2.1)"));
    }
    let invalid = |what| Err(ChannelError::Invalid(what));
    let n_prb = match r.format {
        PucchFormat::F0 { initial_cyclic_shift } => {
            if n > 2 || initial_cyclic_shift >= 12 || !short_uci(pdu) {
                return invalid("PUCCH format 0 and its parameters (TS 38.213 §9.2.1, §9.2.3)");
            }
            1
        }
        PucchFormat::F1 { initial_cyclic_shift, time_domain_occ } => {
            if n < 4 || initial_cyclic_shift >= 12 || !short_uci(pdu) {
                return invalid("PUCCH format 1 and its parameters (TS 38.213 §9.2.1)");
            }
            if time_domain_occ as usize >= n_sf_min(pdu) {
                return invalid("orthogonal cover of PUCCH format 1 (TS 38.211 table 6.3.2.4.1-1)");
            }
            1
        }
        PucchFormat::F2 { n_prb } => {
            if n > 2 || !(1..=16).contains(&n_prb) || pdu.long.n_csi2 > 0 {
                return invalid("PUCCH format 2 and its parameters (TS 38.213 §9.2.1)");
            }
            n_prb as usize
        }
        PucchFormat::F3 { n_prb } => {
            if n < 4 || !format34::is_width(n_prb as usize) {
                return invalid("PUCCH format 3 and its parameters (TS 38.211 §6.3.2.6.3)");
            }
            n_prb as usize
        }
        PucchFormat::F4 { occ_length, occ_index } => {
            if n < 4 || !matches!(occ_length, 2 | 4) || occ_index >= occ_length {
                return invalid("PUCCH format 4 and its parameters (TS 38.211 §6.3.2.6.3)");
            }
            1
        }
    };
    if pdu.n_harq_ack as usize > fapi::slot::HARQ_ACK_BITS_MAX || pdu.n_csi1 > 32 {
        return invalid("HARQ-ACK or CSI bits on PUCCH");
    }
    let last = r.second_hop_prb.unwrap_or(0).max(r.start_prb) as usize + n_prb;
    if last * 12 > n_subcarriers {
        return invalid("PUCCH outside the carrier (TS 38.213 §9.2.1)");
    }
    Ok(())
}

/// Smallest spreading factor of a format 1 PUCCH: over hops, data and DM-RS. Spec: TS 38.211 tables 6.3.2.4.1-1, 6.4.1.3.1.1-1
fn n_sf_min(pdu: &PucchPdu) -> usize {
    let plan = symbols(pdu);
    plan.clone().map(|s| transmit::position(plan.clone(), s).0).min().unwrap_or(0)
}

/// Formats 0 and 1 carry up to two HARQ-ACK bits, or an SR, or both.
fn short_uci(pdu: &PucchPdu) -> bool {
    pdu.n_harq_ack <= 2 && pdu.n_csi1 == 0 && pdu.n_harq_ack as usize + pdu.n_sr as usize > 0
}

/// m_cs of format 0. Spec: TS 38.213 tables 9.2.3-3, 9.2.3-4, 9.2.5-1, 9.2.5-2
fn m_cs(bits: &[u8], sr: bool) -> u8 {
    let base = match bits {
        [] => return 0,
        [b] => 6 * (b & 1),
        [b0, b1, ..] => match (b0 & 1, b1 & 1) {
            (0, 0) => 0,
            (0, _) => 3,
            (_, 1) => 6,
            _ => 9,
        },
    };
    base + match (sr, bits.len()) {
        (false, _) => 0,
        (true, 1) => 3,
        (true, _) => 1,
    }
}

/// w_i(m) of spreading factor `n_sf`. Spec: TS 38.211 table 6.3.2.4.1-2
fn cover(n_sf: usize, i: usize, m: usize) -> Cf32 {
    let phi = match (n_sf, i % n_sf.max(1)) {
        (4, 1) => [0, 2, 0, 2][m % 4],
        (4, 2) => [0, 0, 2, 2][m % 4],
        (4, 3) => [0, 2, 2, 0][m % 4],
        (n, i) => i * m % n.max(1),
    };
    let z = unit_phasor(phi as f64 / n_sf.max(1) as f64);
    Cf32::new(z.re as f32, z.im as f32)
}

/// The phases of a cyclic shift, exp(j 2 pi s n / 12), index n s mod 12.
fn twelfths() -> [Cf32; 12] {
    core::array::from_fn(|i| {
        let z = unit_phasor(i as f64 / 12.0);
        Cf32::new(z.re as f32, z.im as f32)
    })
}

/// d(0) of format 1: BPSK or QPSK. Spec: TS 38.211 §6.3.2.4.1
fn format1_symbol(bits: &[u8]) -> Cf32 {
    let a = core::f32::consts::FRAC_1_SQRT_2;
    let level = |b: u8| if b & 1 == 1 { -a } else { a };
    match bits {
        [] => Cf32::new(a, a),
        [b] => Cf32::new(level(*b), level(*b)),
        [b0, b1, ..] => Cf32::new(level(*b0), level(*b1)),
    }
}

/// Per-slot sequences of a PUCCH: base sequence of each hop and n_cs of each symbol.
fn sequences(pdu: &PucchPdu, slot: SlotPoint) -> ([[Cf32; 12]; 2], [u8; SYMBOLS_PER_SLOT]) {
    let mut bases = [[Cf32::new(0.0, 0.0); 12]; 2];
    for (hop, base) in bases.iter_mut().enumerate() {
        let (u, v) = hopping::group(pdu.group_hopping, pdu.hopping_id, slot.slot(), hop as u32);
        low_papr::base(u, v, base);
    }
    (bases, hopping::cyclic_shifts(pdu.hopping_id, slot.slot()))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests34;
