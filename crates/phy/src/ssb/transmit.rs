//! Sending a block. Spec: TS 38.211 §7.4.3, §7.3.3

use super::payload::{self, PbchPayload};
use super::{PBCH_BITS, SSB_SUBCARRIERS, SSB_SYMBOLS, SYNC_START, i_bar, pbch_dmrs, pbch_region, scrambling_v, sync};
use crate::sequences::{Gold, QPSK_AMPLITUDE};
use dsp::Cf32;
use fapi::SsbPdu;
use fec::pbch;
use fec::polar::PolarCodec;
use nr::SlotPoint;
use ofdm::Grid;

/// A block that does not fit the grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SsbError {
    /// Subcarriers that the block needs, and those that there are.
    Subcarriers { expected: usize, found: usize },
    /// Start symbol above 10.
    StartSymbol(u8),
}

impl core::fmt::Display for SsbError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Subcarriers { expected, found } => {
                write!(f, "expected at least {expected} subcarriers, found {found}")
            }
            Self::StartSymbol(l) => write!(f, "expected a start symbol of 0 to 10, found {l}"),
        }
    }
}

impl core::error::Error for SsbError {}

/// Sends SS/PBCH blocks; owns the polar code's plan.
pub struct SsbTransmitter {
    codec: PolarCodec,
}

impl Default for SsbTransmitter {
    fn default() -> Self {
        Self::new()
    }
}

impl SsbTransmitter {
    /// Makes the plans.
    pub fn new() -> Self {
        Self { codec: PolarCodec::new(1) }
    }

    /// Writes the block of `pdu` into port 0 of `grid`, whose numerology is the block's; other elements stay.
    ///
    /// The SFN in the payload is that of `slot`; its upper bits in the MIB are overwritten. Elements have unit power.
    /// Errors: [`SsbError`] if the block lies outside. Spec: TS 38.211 §7.4.3.1
    pub fn transmit(&mut self, pdu: &SsbPdu, slot: SlotPoint, grid: &mut Grid) -> Result<(), SsbError> {
        let start = pdu.start_subcarrier as usize;
        let expected = start.saturating_add(SSB_SUBCARRIERS);
        if expected > grid.n_subcarriers() || grid.n_ports() == 0 {
            return Err(SsbError::Subcarriers { expected, found: grid.n_subcarriers() });
        }
        let l0 = usize::from(pdu.start_symbol);
        if l0 + SSB_SYMBOLS > 14 {
            return Err(SsbError::StartSymbol(pdu.start_symbol));
        }
        let block = self.block(pdu, slot.sfn() as u16);
        for (l, elements) in block.iter().enumerate() {
            grid.symbol_mut(0, l0 + l)[start..start + SSB_SUBCARRIERS].copy_from_slice(elements);
        }
        Ok(())
    }

    /// The block's elements, `[l][k]`. Spec: TS 38.211 §7.4.3.1
    pub fn block(&mut self, pdu: &SsbPdu, sfn: u16) -> [[Cf32; SSB_SUBCARRIERS]; SSB_SYMBOLS] {
        let mut block = [[Cf32::default(); SSB_SUBCARRIERS]; SSB_SYMBOLS];
        let signals = [(0, sync::pss(pdu.pci.n_id_2())), (2, sync::sss(pdu.pci.n_id_1(), pdu.pci.n_id_2()))];
        for (l, d) in signals {
            for (element, d) in block[l][SYNC_START..].iter_mut().zip(d) {
                *element = Cf32::new(d, 0.0);
            }
        }
        let payload =
            PbchPayload { mib: pdu.mib, sfn, half_frame: pdu.half_frame, ssb_index: pdu.ssb_index, k_ssb: pdu.k_ssb };
        // The sizes are fixed, so there is no error to hand on.
        let coded = pbch::encode(&mut self.codec, &payload::encode(&payload, pdu.pci, pdu.l_max));
        let mut coded = coded.unwrap_or([0; PBCH_BITS]);
        let v = scrambling_v(pdu.l_max, pdu.ssb_index);
        Gold::starting_at(u32::from(pdu.pci.get()), v * PBCH_BITS).xor_bits(&mut coded);
        let dmrs = pbch_dmrs(pdu.pci, i_bar(pdu.l_max, pdu.ssb_index, pdu.half_frame));
        let comb = usize::from(pdu.pci.get() % 4);
        let (mut bits, mut pilots) = (coded.chunks_exact(2), dmrs.iter());
        for (l, k) in pbch_region() {
            let next = if k % 4 == comb { pilots.next().copied() } else { bits.next().map(qpsk) };
            block[l][k] = next.unwrap_or_default();
        }
        block
    }
}

/// QPSK. Spec: TS 38.211 §5.1.3
fn qpsk(bits: &[u8]) -> Cf32 {
    let part = |b: u8| if b == 0 { QPSK_AMPLITUDE } else { -QPSK_AMPLITUDE };
    Cf32::new(part(bits[0]), part(bits[1]))
}
