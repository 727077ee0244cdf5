//! The transmitter of PUCCH.

use super::format34::{DATA_MAX, Layout, Transforms, map};
use super::uci::{Encoder, PucchUci, Sizes};
use super::{SymbolPlan, check, cover, format1_symbol, format2, m_cs, sequences, symbols, twelfths};
use crate::estimate::ChannelError;
use crate::modulation::modulate;
use dsp::fft::Direction;
use dsp::{Cf32, Isa};
use fapi::{PucchFormat, PucchPdu};
use fec::polar::PolarCodec;
use nr::SlotPoint;
use ofdm::Grid;

/// Sends PUCCHs on grid port 0. Nothing is allocated in a call.
pub struct PucchTransmitter {
    offset_to_carrier: u16,
    polar: PolarCodec,
    encoder: Encoder,
    transforms: Transforms,
    data: Vec<Cf32>,
    twelfths: [Cf32; 12],
}

impl PucchTransmitter {
    /// For a carrier whose lowest RB is common RB `offset_to_carrier`.
    pub fn new(offset_to_carrier: u16) -> PucchTransmitter {
        PucchTransmitter {
            offset_to_carrier,
            polar: PolarCodec::new(1),
            encoder: Encoder::new(),
            transforms: Transforms::new(Isa::best(), Direction::Forward),
            data: vec![Cf32::new(0.0, 0.0); DATA_MAX],
            twelfths: twelfths(),
        }
    }

    /// [`PucchTransmitter::transmit_uci`] without CSI part 2.
    pub fn transmit(
        &mut self,
        pdu: &PucchPdu,
        harq_ack: &[u8],
        sr: bool,
        csi1: &[u8],
        slot: SlotPoint,
        grid: &mut Grid,
    ) -> Result<(), ChannelError> {
        self.transmit_uci(pdu, &PucchUci { harq_ack, sr, csi1, csi2: &[] }, slot, grid)
    }

    /// Adds a PUCCH of unit power a resource element to port 0 of the grid.
    ///
    /// Spec: TS 38.211 §6.3.2, TS 38.213 §9.2
    /// - `uci` as many bits as the PDU says; without HARQ-ACK and request nothing goes out in formats 0 and 1
    ///
    /// Errors: `Invalid` if lengths, grid and PDU contradict one another.
    pub fn transmit_uci(
        &mut self,
        pdu: &PucchPdu,
        uci: &PucchUci,
        slot: SlotPoint,
        grid: &mut Grid,
    ) -> Result<(), ChannelError> {
        check(pdu, grid.n_subcarriers())?;
        let PucchUci { harq_ack, sr, .. } = *uci;
        let wanted = (pdu.n_harq_ack as usize, pdu.n_csi1 as usize, pdu.long.n_csi2 as usize);
        if (harq_ack.len(), uci.csi1.len(), uci.csi2.len()) != wanted || grid.n_ports() == 0 {
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
                let sizes = Sizes::new(pdu, 2, format2::n_coded(pdu, n_prb))?;
                let coded = self.encoder.encode(&mut self.polar, pdu, uci, &sizes, core::iter::empty())?;
                format2::map(coded, pdu, n_prb, self.offset_to_carrier, slot, grid);
            }
            PucchFormat::F3 { .. } | PucchFormat::F4 { .. } => self.long(pdu, uci, slot, grid)?,
        }
        Ok(())
    }

    /// Formats 3 and 4.
    fn long(&mut self, pdu: &PucchPdu, uci: &PucchUci, slot: SlotPoint, grid: &mut Grid) -> Result<(), ChannelError> {
        let Some(layout) = Layout::new(pdu) else { return Err(ChannelError::Invalid("PUCCH format 3 or 4")) };
        let sizes = Sizes::new(pdu, layout.modulation.q_m(), layout.n_coded())?;
        let coded = self.encoder.encode(&mut self.polar, pdu, uci, &sizes, layout.share(sizes.e1))?;
        let data = &mut self.data[..layout.n_mod() * layout.n_data()];
        modulate(layout.modulation, coded, data).map_err(|_| ChannelError::Invalid("coded bits of PUCCH"))?;
        map(data, pdu, &layout, slot, &mut self.transforms, grid)
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
