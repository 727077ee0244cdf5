//! Physical uplink shared channel, both ends.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | b(i), c(i) | codeword, scrambling sequence | packed, most significant first |
//! | n_RNTI, n_ID | [`fapi::PuschPdu::rnti`], `n_id` | scrambling c_init = n_RNTI 2^15 + n_ID |
//! | Q'_ACK, Q'_CSI-1 | [`Layout::n_ack`], [`Layout::n_csi1`] | resource elements of UCI a layer |
//! | G | [`Layout::g_ul_sch`] | coded bits of the transport block |
//! | Phi-bar | [`Layout::roles`] | what each resource element carries |
//!
//! Left out: transform precoding (TS 38.211 §6.3.1.4), frequency hopping within the slot, CSI part 2, code block groups,
//! phase-tracking reference signals, codebook precoding. They return `Unsupported`, or have no field in the PDU.
//!
//! Spec: TS 38.211 §6.3.1, §6.4.1.1, TS 38.212 §6.2, §6.3.2

mod multiplex;
mod receive;
mod transmit;

pub use multiplex::{Layout, Role};
pub use receive::{PuschControl, PuschData, PuschReceiver, UciDecision};
pub use transmit::PuschTransmitter;

use crate::estimate::{ChannelError, LAYERS_MAX, dmrs};
use fapi::PuschPdu;
use fec::sch::SchParams;
use nr::SYMBOLS_PER_SLOT;

/// Most HARQ-ACK bits on a PUSCH here.
pub const HARQ_ACK_BITS_MAX: usize = fapi::slot::HARQ_ACK_BITS_MAX;
/// Most CSI part 1 bits on a PUSCH here.
pub const CSI1_BITS_MAX: usize = 32;

/// c_init of the scrambling. Spec: TS 38.211 §6.3.1.1
pub fn c_init(pdu: &PuschPdu) -> u32 {
    ((pdu.rnti.0 as u32) << 15) + (pdu.n_id as u32 & 0x3ff)
}

/// Checks what both ends need; the allocation must fit `n_subcarriers`.
fn check(pdu: &PuschPdu, n_subcarriers: usize) -> Result<(), ChannelError> {
    if pdu.transform_precoding.is_some() {
        return Err(ChannelError::Unsupported { clause: "TS 38.211 §6.3.1.4: transform precoding" });
    }
    if pdu.second_hop_rb.is_some() {
        return Err(ChannelError::Unsupported { clause: "TS 38.214 §6.3.1: hopping within a slot" });
    }
    if pdu.precoding != fapi::UlPrecoding::Identity || pdu.ptrs.is_some() || pdu.cbg.is_some() || pdu.uci.csi2.is_any()
    {
        return Err(ChannelError::Unsupported { clause: "TS 38.211 §6.3.1.5, §6.4.1.2; TS 38.212 §6.3.2.1.2" });
    }
    dmrs::check(&pdu.rbs, &pdu.dmrs, n_subcarriers)?;
    let (start, n) = (pdu.start_symbol as usize, pdu.n_symbols as usize);
    if n == 0 || start + n > SYMBOLS_PER_SLOT {
        return Err(ChannelError::Invalid("PUSCH symbols"));
    }
    let allocated = ((1u32 << n) - 1) << start;
    if pdu.dmrs.symbols as u32 & !allocated != 0 {
        return Err(ChannelError::Invalid("DM-RS outside the PUSCH's symbols"));
    }
    let n_layers = pdu.n_layers as usize;
    if !(1..=LAYERS_MAX).contains(&n_layers) || pdu.dmrs.ports.count_ones() as usize != n_layers {
        return Err(ChannelError::Invalid("layers and DM-RS ports"));
    }
    let uci = &pdu.uci;
    if uci.n_harq_ack as usize > HARQ_ACK_BITS_MAX || uci.n_csi1 as usize > CSI1_BITS_MAX {
        return Err(ChannelError::Invalid("more UCI bits than are kept"));
    }
    Ok(())
}

/// Coding parameters for `g` coded bits.
fn sch_params(pdu: &PuschPdu, g: usize) -> SchParams {
    SchParams {
        tbs_bits: pdu.coding.tbs_bytes.saturating_mul(8),
        code_rate_x1024: pdu.coding.rate_x1024,
        q_m: pdu.coding.q_m,
        n_layers: pdu.n_layers,
        rv: pdu.coding.rv,
        g: g as u32,
        tbs_lbrm: (pdu.coding.tbs_lbrm > 0).then_some(pdu.coding.tbs_lbrm),
    }
}

#[cfg(test)]
mod tests;
