//! PDSCH: downlink data, sent and received.
//!
//! - [`PdschTransmitter`] goes from a transport block to the grid.
//! - [`PdschReceiver`] goes from the grid to a transport block: DM-RS, channel, equalizer, soft bits, LDPC.
//!
//! Both own their plans and scratch for the largest PDSCH of a carrier; a call allocates nothing.
//!
//! Left out: two codewords (more than four layers), code block groups.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | n_RNTI, n_ID | `rnti`, `n_id` | scrambling | 16 bits; 0..=1023 |
//! | M_symb | `n_symbols` | modulation symbols of the codeword | |
//! | f(j) | [`fapi::resolve::vrb_to_prb`] | VRB bundle j goes to PRB bundle f(j) | |

mod receive;
#[cfg(test)]
mod tests;
mod transmit;

pub use crate::shared::Layout;
pub use receive::{PdschReceiver, PdschResult};
pub use transmit::PdschTransmitter;

use crate::estimate::ChannelError;
use crate::shared::{Shape, check_cbgs};
use fapi::{Coding, PdschPdu};
use fec::sch::{SchError, SchParams};
use nr::Rnti;

/// Why a PDSCH cannot be sent or received as asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PdschError {
    /// The PDU contradicts itself or the grid, or asks for what is not built.
    Channel(ChannelError),
    /// Its coding does.
    Coding(SchError),
}

impl core::fmt::Display for PdschError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Channel(e) => write!(f, "PDSCH {e}"),
            Self::Coding(e) => write!(f, "PDSCH coding: {e}"),
        }
    }
}

impl core::error::Error for PdschError {}

impl From<ChannelError> for PdschError {
    fn from(e: ChannelError) -> Self {
        Self::Channel(e)
    }
}

impl From<SchError> for PdschError {
    fn from(e: SchError) -> Self {
        Self::Coding(e)
    }
}

/// The instruction set under the name that the coding crate gives it.
fn fec_isa(isa: dsp::Isa) -> fec::Isa {
    let wanted = match isa {
        dsp::Isa::Scalar => fec::Isa::Scalar,
        dsp::Isa::Avx2 => fec::Isa::Avx2,
        dsp::Isa::Avx512 => fec::Isa::Avx512,
        dsp::Isa::Neon => fec::Isa::Neon,
    };
    if wanted.is_available() { wanted } else { fec::Isa::Scalar }
}

/// c_init of the codeword's scrambling. Spec: TS 38.211 §7.3.1.1
fn c_init(rnti: Rnti, n_id: u16) -> u32 {
    (u32::from(rnti.0) << 15) + u32::from(n_id & 0x3ff)
}

/// The coding of a PDU for `n_symbols` modulation symbols. Spec: TS 38.212 §7.2
fn sch_params(coding: &Coding, n_layers: u8, n_symbols: usize) -> SchParams {
    SchParams {
        tbs_bits: coding.tbs_bytes.saturating_mul(8),
        code_rate_x1024: coding.rate_x1024,
        q_m: coding.q_m,
        n_layers,
        rv: coding.rv,
        g: (n_symbols * usize::from(coding.q_m)) as u32,
        tbs_lbrm: (coding.tbs_lbrm > 0).then_some(coding.tbs_lbrm),
    }
}

/// Where a PDU's elements lie.
pub fn shape(pdu: &PdschPdu) -> Shape<'_> {
    Shape {
        rbs: &pdu.rbs,
        dmrs: &pdu.dmrs,
        start_symbol: pdu.start_symbol,
        n_symbols: pdu.n_symbols,
        vrb_interleaver: pdu.vrb_interleaver,
        reserved: pdu.reserved,
        reserved_re: pdu.reserved_re,
        ptrs: pdu.ptrs.as_ref().map(|p| (p, pdu.rnti)),
        groups: None,
        second_hop_rb: None,
    }
}

/// Checks what both ends need of a PDU.
fn check(pdu: &PdschPdu, n_subcarriers: usize) -> Result<(), PdschError> {
    check_cbgs(pdu.cbg)?;
    if pdu.ptrs.is_some_and(|p| p.dmrs_ports.count_ones() > 1) {
        return Err(ChannelError::Invalid("one PT-RS port in the downlink (TS 38.214 §5.1.6.3)").into());
    }
    Ok(shape(pdu).check(pdu.n_layers, n_subcarriers)?)
}
