//! Physical uplink shared channel, both ends.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | b(i), c(i) | codeword, scrambling sequence | packed, most significant first |
//! | n_RNTI, n_ID | [`fapi::PuschPdu::rnti`], `n_id` | scrambling c_init = n_RNTI 2^15 + n_ID |
//! | Q'_ACK, Q'_CSI-1, Q'_CSI-2 | [`Layout::n_ack`], [`Layout::n_csi1`], [`Layout::n_csi2`] | resource elements of UCI a layer |
//! | G | [`Layout::g_ul_sch`] | coded bits of the transport block |
//! | Phi-bar | [`Layout::roles`] | what each resource element carries |
//!
//! Left out: code block groups, CG-UCI, repetition with an orthogonal cover, more than four ports.
//!
//! Spec: TS 38.211 §6.3.1, §6.4.1.1, TS 38.212 §6.2, §6.3.2

mod multiplex;
mod receive;
mod transmit;

pub use multiplex::{Layout, Role};
pub use receive::{
    PuschControl, PuschData, PuschReceiver, SoftPusch, UciDecision, decode_beside, decode_soft, is_small,
};
pub use transmit::{PuschTransmitter, UciBits};

use crate::estimate::{ChannelError, dmrs};
use crate::modulation::Modulation;
use crate::shared::{Shape, check_cbgs, transform};
use fapi::{PuschPdu, RbAllocation};
use fec::sch::SchParams;

/// Most HARQ-ACK bits on a PUSCH here.
pub const HARQ_ACK_BITS_MAX: usize = fapi::slot::HARQ_ACK_BITS_MAX;
/// Most CSI part 1 bits on a PUSCH here.
pub const CSI1_BITS_MAX: usize = 32;
/// Most CSI part 2 bits on a PUSCH here.
pub const CSI2_BITS_MAX: usize = 128;

/// c_init of the scrambling. Spec: TS 38.211 §6.3.1.1
pub fn c_init(pdu: &PuschPdu) -> u32 {
    ((pdu.rnti.0 as u32) << 15) + (pdu.n_id as u32 & 0x3ff)
}

/// Where a PDU's elements lie.
fn shape(pdu: &PuschPdu) -> Shape<'_> {
    Shape {
        rbs: &pdu.rbs,
        dmrs: &pdu.dmrs,
        start_symbol: pdu.start_symbol,
        n_symbols: pdu.n_symbols,
        vrb_interleaver: None,
        reserved: [None; 2],
        reserved_re: [0; 14],
        ptrs: pdu.ptrs.as_ref().map(|p| (p, pdu.rnti)),
        groups: pdu.transform_precoding.as_ref().and_then(|t| t.ptrs.as_ref()),
        second_hop_rb: pdu.second_hop_rb,
    }
}

/// Checks what both ends need; the allocation must fit `n_subcarriers`.
fn check(pdu: &PuschPdu, n_subcarriers: usize) -> Result<(), ChannelError> {
    shape(pdu).check(pdu.n_layers, n_subcarriers)?;
    check_cbgs(pdu.cbg)?;
    if pdu.transform_precoding.is_some() {
        check_transform(pdu)?;
    }
    let uci = &pdu.uci;
    let sizes = [uci.n_harq_ack, uci.n_csi1, uci.csi2.max()].map(usize::from);
    if sizes[0] > HARQ_ACK_BITS_MAX || sizes[1] > CSI1_BITS_MAX || sizes[2] > CSI2_BITS_MAX {
        return Err(ChannelError::Invalid("more UCI bits than are kept"));
    }
    if uci.csi2.is_any() && uci.n_csi1 == 0 || uci.csi2.n_bits > 3 {
        return Err(ChannelError::Invalid("CSI part 2 without part 1 (TS 38.214 §5.2.3)"));
    }
    Ok(())
}

/// Spec: TS 38.211 §6.3.1.4, TS 38.214 §6.1.3, §6.2.2
fn check_transform(pdu: &PuschPdu) -> Result<(), ChannelError> {
    let contiguous = matches!(pdu.rbs, RbAllocation::Contiguous { .. });
    if pdu.n_layers != 1 || !contiguous || !transform::is_allowed(usize::from(pdu.rbs.n_rb())) {
        return Err(ChannelError::Invalid(
            "transform precoding of one layer over 2^a 3^b 5^c contiguous resource blocks (TS 38.211 §6.3.1.4)",
        ));
    }
    if pdu.ptrs.is_some() {
        return Err(ChannelError::Invalid("PT-RS in subcarriers with transform precoding (TS 38.211 §6.4.1.2.2.2)"));
    }
    if pdu.dmrs.config_type != 1 || dmrs::occupied(&pdu.dmrs) != 0xfff {
        return Err(ChannelError::Invalid("data beside DM-RS with transform precoding (TS 38.214 §6.2.2)"));
    }
    Ok(())
}

/// The modulation of a PUSCH. Spec: TS 38.211 §6.3.1.2
fn modulation(pdu: &PuschPdu) -> Result<Modulation, ChannelError> {
    let scheme = Modulation::from_q_m(pdu.coding.q_m);
    scheme
        .filter(|m| *m != Modulation::Qam1024 && (*m != Modulation::HalfPiBpsk || pdu.transform_precoding.is_some()))
        .ok_or(ChannelError::Invalid("modulation order of a PUSCH (TS 38.211 §6.3.1.2)"))
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

#[cfg(test)]
mod uci_tests;
