//! PDSCH: downlink data, sent and received.
//!
//! - [`Layout`] says which elements carry data, in mapping order, for both ends.
//! - [`PdschTransmitter`] goes from a transport block to the grid.
//! - [`PdschReceiver`] goes from the grid to a transport block: DM-RS, channel, equalizer, soft bits, LDPC.
//!
//! Both own their plans and scratch for the largest PDSCH of a carrier; a call allocates nothing.
//!
//! Left out: two codewords (more than four layers), PT-RS, 1024QAM, precoding (layer v goes to grid port v).
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | n_RNTI, n_ID | `rnti`, `n_id` | scrambling | 16 bits; 0..=1023 |
//! | M_symb | `n_symbols` | modulation symbols of the codeword | |
//! | f(j) | [`vrb_order`] | VRB bundle j goes to PRB bundle f(j) | |

mod layout;
mod receive;
#[cfg(test)]
mod tests;
mod transmit;

pub use layout::{Layout, vrb_order};
pub use receive::{PdschReceiver, PdschResult};
pub use transmit::PdschTransmitter;

use crate::estimate::ChannelError;
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

/// Checks what both ends need of a PDU beside its DM-RS.
fn check(pdu: &PdschPdu, n_subcarriers: usize) -> Result<(), PdschError> {
    crate::estimate::dmrs::check(&pdu.rbs, &pdu.dmrs, n_subcarriers)?;
    let end = u32::from(pdu.start_symbol) + u32::from(pdu.n_symbols);
    if pdu.n_symbols == 0 || end > 14 {
        return Err(ChannelError::Invalid("PDSCH symbols outside the slot").into());
    }
    let within = ((1u32 << end) - (1u32 << pdu.start_symbol)) as u16;
    if pdu.dmrs.symbols & !within != 0 {
        return Err(ChannelError::Invalid("DM-RS symbols outside the PDSCH").into());
    }
    if pdu.precoding != fapi::DlPrecoding::Identity || pdu.ptrs.is_some() || pdu.cbg.is_some() {
        return Err(ChannelError::Unsupported { clause: "TS 38.211 §7.4.1.2; TS 38.214 §5.1.2.3, §5.1.7" }.into());
    }
    if !(1..=4).contains(&pdu.n_layers) {
        return Err(ChannelError::Unsupported { clause: "TS 38.211 §7.3.1.3 with more than four layers" }.into());
    }
    if pdu.dmrs.ports.count_ones() != u32::from(pdu.n_layers) {
        return Err(ChannelError::Invalid("as many DM-RS ports as layers").into());
    }
    Ok(())
}
