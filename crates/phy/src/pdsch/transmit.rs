//! From a transport block to the grid. Spec: TS 38.211 §7.3.1; TS 38.212 §7.2

use super::{Layout, PdschError, c_init, check, fec_isa, sch_params};
use crate::estimate::{ChannelError, dmrs};
use crate::modulation::{Modulation, modulate};
use crate::sequences::Gold;
use dsp::{Cf32, Isa};
use fapi::PdschPdu;
use fec::sch::SchEncoder;
use nr::SlotPoint;
use ofdm::Grid;

/// Sends PDSCHs of a carrier of a given size; owns the encoder and all scratch.
pub struct PdschTransmitter {
    isa: Isa,
    encoder: SchEncoder,
    layout: Layout,
    coded: Vec<u8>,
    symbols: Vec<Cf32>,
    pilots: Vec<Cf32>,
}

impl PdschTransmitter {
    /// For carriers of up to `n_rb_max` RBs and PDSCHs of up to `n_layers_max` layers.
    pub fn new(isa: Isa, n_rb_max: usize, n_layers_max: usize) -> Self {
        let elements = n_rb_max * 12 * 14 * n_layers_max.clamp(1, 4);
        Self {
            isa,
            encoder: SchEncoder::new(fec_isa(isa)),
            layout: Layout::default(),
            coded: vec![0; elements],
            symbols: vec![Cf32::default(); elements],
            pilots: vec![Cf32::default(); n_rb_max * 6],
        }
    }

    /// Encodes `tb` and writes data and DM-RS into `grid`; layer v goes to port v. Elements that the PDSCH does not use stay.
    ///
    /// - `tb`    `coding.tbs_bytes` bytes
    /// - `slot`  in the grid's numerology
    ///
    /// Data have the power of `power_offset_db`, DM-RS that of the CDM groups without data on top. Errors: [`PdschError`]; the grid
    /// is then as it was, but for the DM-RS. No allocation for what the transmitter was made for.
    pub fn transmit(&mut self, pdu: &PdschPdu, tb: &[u8], slot: SlotPoint, grid: &mut Grid) -> Result<(), PdschError> {
        let (scheme, n_symbols, n_bytes) = self.lay_out(pdu, grid)?;
        let params = sch_params(&pdu.coding, pdu.n_layers, n_symbols);
        self.encoder.encode(&params, tb, &mut self.coded[..n_bytes])?;
        self.send_coded(pdu, scheme, n_symbols, n_bytes, slot, grid)
    }

    /// Checks `pdu` and lays it out: modulation, number of symbols, bytes of coded bits.
    pub(super) fn lay_out(&mut self, pdu: &PdschPdu, grid: &Grid) -> Result<(Modulation, usize, usize), PdschError> {
        check(pdu, grid.n_subcarriers())?;
        let n_layers = usize::from(pdu.n_layers);
        if n_layers > grid.n_ports() {
            return Err(ChannelError::Invalid("more layers than grid ports").into());
        }
        let scheme = Modulation::from_q_m(pdu.coding.q_m).ok_or(ChannelError::Invalid("modulation order"))?;
        self.layout.fill(pdu);
        let n_symbols = self.layout.n_elements() * n_layers;
        let n_bytes = (n_symbols * usize::from(pdu.coding.q_m)).div_ceil(8);
        if n_bytes > self.coded.len() || pdu.rbs.n_rb() as usize * 6 > self.pilots.len() {
            return Err(ChannelError::Invalid("a PDSCH larger than the transmitter was made for").into());
        }
        Ok((scheme, n_symbols, n_bytes))
    }

    /// Scrambles the coded bits in `self.coded`, modulates and maps them, and the DM-RS.
    fn send_coded(
        &mut self,
        pdu: &PdschPdu,
        scheme: Modulation,
        n_symbols: usize,
        n_bytes: usize,
        slot: SlotPoint,
        grid: &mut Grid,
    ) -> Result<(), PdschError> {
        let coded = &mut self.coded[..n_bytes];
        Gold::new(c_init(pdu.rnti, pdu.n_id)).xor_packed(coded);
        let symbols = &mut self.symbols[..n_symbols];
        let fits = modulate(scheme, coded, symbols);
        debug_assert!(fits.is_ok());
        let amplitude = libm::powf(10.0, pdu.power_offset_db / 20.0);
        if amplitude != 1.0 {
            dsp::vector::scale(self.isa, symbols, amplitude);
        }
        for (v, p) in (0..16u8).filter(|p| pdu.dmrs.ports >> p & 1 == 1).enumerate() {
            self.clear_dmrs(pdu, v, grid);
            dmrs::map(grid, v, slot, &pdu.rbs, &pdu.dmrs, p, amplitude, &mut self.pilots)?;
        }
        self.map(usize::from(pdu.n_layers), grid);
        Ok(())
    }

    /// Zeroes the elements of DM-RS symbols that carry no data, where DM-RS is then added.
    fn clear_dmrs(&self, pdu: &PdschPdu, port: usize, grid: &mut Grid) {
        let occupied = dmrs::occupied(&pdu.dmrs);
        for l in (0..14).filter(|l| pdu.dmrs.symbols >> l & 1 == 1) {
            let row = grid.symbol_mut(port, l);
            for rb in pdu.rbs.iter() {
                for (k, z) in row[12 * usize::from(rb)..][..12].iter_mut().enumerate() {
                    if occupied >> k & 1 == 1 {
                        *z = Cf32::default();
                    }
                }
            }
        }
    }

    /// Sends given coded bits instead of a transport block's.
    #[cfg(test)]
    pub(super) fn transmit_coded(
        &mut self,
        pdu: &PdschPdu,
        coded: &[u8],
        slot: SlotPoint,
        grid: &mut Grid,
    ) -> Result<(), PdschError> {
        let (scheme, n_symbols, n_bytes) = self.lay_out(pdu, grid)?;
        self.coded[..n_bytes].copy_from_slice(coded);
        self.send_coded(pdu, scheme, n_symbols, n_bytes, slot, grid)
    }

    /// Layers take symbols in turn; within a layer frequency first, then symbols. Spec: TS 38.211 §7.3.1.3, §7.3.1.5
    fn map(&self, n_layers: usize, grid: &mut Grid) {
        let mut at = 0;
        for l in 0..14 {
            let first = at;
            for v in 0..n_layers {
                at = first + v;
                let row = grid.symbol_mut(v, l);
                self.layout.for_rbs(l, |rb, _, mask| {
                    let cells = &mut row[12 * rb..12 * rb + 12];
                    if mask == 0xfff && n_layers == 1 {
                        cells.copy_from_slice(&self.symbols[at..at + 12]);
                        at += 12;
                        return;
                    }
                    for (k, cell) in cells.iter_mut().enumerate() {
                        if mask >> k & 1 == 1 {
                            *cell = self.symbols[at];
                            at += n_layers;
                        }
                    }
                });
            }
            at = first + self.layout.n_elements_in(l) * n_layers;
        }
    }
}
