//! Physical uplink control channel, formats 0, 1 and 2, both ends.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | m_0, m_cs, n_cs | initial, information and hopping cyclic shift | twelfths of a turn a subcarrier |
//! | w_i(m) | `cover` | orthogonal cover of format 1 |
//! | N_SF | symbols of one kind in a hop | spreading factor |
//! | M_RB | `n_prb` | resource blocks of format 2 |
//!
//! Several UEs share a resource block by cyclic shifts (format 0 and 1) and covers (format 1).
//! Left out: formats 3 and 4 (`Unsupported`), interlaces, repetition over slots.
//!
//! Spec: TS 38.211 §6.3.2, §6.4.1.3, TS 38.212 §6.3.1, TS 38.213 §9.2

mod format2;
mod hopping;
mod receive;
mod transmit;

pub use receive::{PucchReceiver, PucchResult};
pub use transmit::PucchTransmitter;

use crate::estimate::ChannelError;
use crate::sequences::low_papr;
use dsp::{Cf32, unit_phasor};
use fapi::{PucchFormat, PucchPdu};
use nr::{SYMBOLS_PER_SLOT, SlotPoint};

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
        return Err(ChannelError::Invalid("PUCCH symbols"));
    }
    let (n_prb, good) = match r.format {
        PucchFormat::F0 { initial_cyclic_shift } => (1, n <= 2 && initial_cyclic_shift < 12 && short_uci(pdu)),
        PucchFormat::F1 { initial_cyclic_shift, time_domain_occ } => {
            (1, n >= 4 && initial_cyclic_shift < 12 && time_domain_occ < 7 && short_uci(pdu))
        }
        PucchFormat::F2 { n_prb } => {
            let bits = pdu.n_harq_ack as usize + pdu.n_sr as usize + pdu.n_csi1 as usize;
            (n_prb as usize, n <= 2 && (1..=16).contains(&n_prb) && (1..=UCI_BITS_MAX).contains(&bits))
        }
        PucchFormat::F3 { .. } => return Err(ChannelError::Unsupported { clause: "TS 38.211 §6.3.2.6: format 3" }),
        PucchFormat::F4 { .. } => return Err(ChannelError::Unsupported { clause: "TS 38.211 §6.3.2.6: format 4" }),
    };
    if !good || pdu.n_harq_ack as usize > fapi::slot::HARQ_ACK_BITS_MAX || pdu.n_csi1 > 32 {
        return Err(ChannelError::Invalid("PUCCH format and its parameters"));
    }
    let last = r.second_hop_prb.unwrap_or(0).max(r.start_prb) as usize + n_prb;
    if last * 12 > n_subcarriers {
        return Err(ChannelError::Invalid("PUCCH outside the carrier"));
    }
    Ok(())
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

/// Whether decoded UCI of `n_bits` in `e` coded bits was really sent: the CRC holds, if there is one, and the code word
/// stands out more than the best of 2^n random ones would on noise.
///
/// A list decoder tries several words against a CRC of 6 or 11 bits, so the CRC alone would let 10 % or 0.4 % of noise through.
pub(crate) fn uci_was_sent(result: &fec::uci::UciResult, n_bits: usize, e: usize) -> bool {
    let (n_words, margin, most) = match (result.crc_ok, n_bits) {
        (Some(false), _) => return false,
        (Some(true), 0..20) => (n_bits + 6, 0.5, 0.75),
        (Some(true), _) => (n_bits + 11, 0.0, 0.65),
        (None, _) => (n_bits, 1.5, 0.92),
    };
    let best = libm::sqrtf(2.0 * core::f32::consts::LN_2 * n_words as f32);
    result.metric > ((best + margin) / libm::sqrtf(e.max(1) as f32)).min(most)
}

#[cfg(test)]
mod tests;
