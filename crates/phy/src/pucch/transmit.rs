//! The transmitter of PUCCH.

use super::{SymbolPlan, check, cover, format1_symbol, format2, m_cs, sequences, symbols, twelfths};
use crate::estimate::ChannelError;
use dsp::Cf32;
use fapi::{PucchFormat, PucchPdu};
use fec::polar::PolarCodec;
use nr::SlotPoint;
use ofdm::Grid;

/// Sends PUCCHs on grid port 0. Nothing is allocated in a call.
pub struct PucchTransmitter {
    offset_to_carrier: u16,
    polar: PolarCodec,
    scratch: format2::Scratch,
    twelfths: [Cf32; 12],
}

impl PucchTransmitter {
    /// For a carrier whose lowest RB is common RB `offset_to_carrier`.
    pub fn new(offset_to_carrier: u16) -> PucchTransmitter {
        PucchTransmitter {
            offset_to_carrier,
            polar: PolarCodec::new(1),
            scratch: format2::Scratch::default(),
            twelfths: twelfths(),
        }
    }

    /// Adds a PUCCH of unit power a resource element to port 0 of the grid.
    ///
    /// Spec: TS 38.211 §6.3.2, TS 38.213 §9.2
    /// - `harq_ack` bits, one a byte; `pdu.n_harq_ack` of them
    /// - `sr`       a scheduling request is sent; without HARQ-ACK and without it nothing goes out in formats 0 and 1
    /// - `csi1`     bits, one a byte; `pdu.n_csi1` of them
    ///
    /// Errors: `Invalid` if lengths, grid and PDU contradict one another, `Unsupported` for formats 3 and 4.
    pub fn transmit(
        &mut self,
        pdu: &PucchPdu,
        harq_ack: &[u8],
        sr: bool,
        csi1: &[u8],
        slot: SlotPoint,
        grid: &mut Grid,
    ) -> Result<(), ChannelError> {
        check(pdu, grid.n_subcarriers())?;
        if harq_ack.len() != pdu.n_harq_ack as usize || csi1.len() != pdu.n_csi1 as usize || grid.n_ports() == 0 {
            return Err(ChannelError::Invalid("UCI bits and their number"));
        }
        match pdu.resource.format {
            PucchFormat::F0 { initial_cyclic_shift } => {
                if harq_ack.is_empty() && !sr {
                    return Ok(());
                }
                let shift = initial_cyclic_shift + m_cs(harq_ack, sr);
                self.put(pdu, shift, |_| Cf32::new(1.0, 0.0), slot, grid);
            }
            PucchFormat::F1 { initial_cyclic_shift, time_domain_occ } => {
                if harq_ack.is_empty() && !sr {
                    return Ok(());
                }
                let d = format1_symbol(harq_ack);
                let plan = symbols(pdu);
                self.put(
                    pdu,
                    initial_cyclic_shift,
                    |s| {
                        let (n_sf, m) = position(plan.clone(), s);
                        let w = cover(n_sf, time_domain_occ as usize, m);
                        if s.idx % 2 == 1 { w * d } else { w }
                    },
                    slot,
                    grid,
                );
            }
            PucchFormat::F2 { n_prb } => {
                let coded = format2::encode(&mut self.polar, &mut self.scratch, pdu, harq_ack, sr, csi1, n_prb)?;
                format2::map(coded, pdu, n_prb, self.offset_to_carrier, slot, grid);
            }
            PucchFormat::F3 { .. } | PucchFormat::F4 { .. } => {}
        }
        Ok(())
    }

    /// Adds the cyclically shifted base sequence, times a factor for each symbol.
    fn put(&self, pdu: &PucchPdu, shift: u8, factor: impl Fn(SymbolPlan) -> Cf32, slot: SlotPoint, grid: &mut Grid) {
        let (bases, n_cs) = sequences(pdu, slot);
        for s in symbols(pdu) {
            let total = (shift as usize + n_cs[s.l] as usize) % 12;
            let factor = factor(s);
            let row = &mut grid.symbol_mut(0, s.l)[s.prb * 12..s.prb * 12 + 12];
            for (n, (cell, r)) in row.iter_mut().zip(&bases[s.hop]).enumerate() {
                *cell += factor * r * self.twelfths[total * n % 12];
            }
        }
    }
}

/// Spreading factor and index within it of symbol `s` of a format 1 PUCCH: symbols of its kind in its hop.
pub(super) fn position(plan: impl Iterator<Item = SymbolPlan> + Clone, s: SymbolPlan) -> (usize, usize) {
    let kin = |x: &SymbolPlan| x.hop == s.hop && x.idx % 2 == s.idx % 2;
    (plan.clone().filter(kin).count(), plan.filter(kin).filter(|x| x.idx < s.idx).count())
}
