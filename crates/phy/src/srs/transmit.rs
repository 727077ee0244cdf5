//! The transmitter of SRS.

use super::{ELEMENTS_MAX, Geometry, n_cs_max, turn_24, turns};
use crate::estimate::ChannelError;
use crate::sequences::low_papr;
use dsp::Cf32;
use fapi::SrsPdu;
use nr::SlotPoint;
use ofdm::Grid;

/// Sends SRS, port i on grid port i. Nothing is allocated in a call.
pub struct SrsTransmitter {
    base: Vec<Cf32>,
    turns: [Cf32; 24],
}

impl Default for SrsTransmitter {
    fn default() -> Self {
        SrsTransmitter { base: vec![Cf32::new(0.0, 0.0); ELEMENTS_MAX], turns: turns() }
    }
}

impl SrsTransmitter {
    /// Adds an SRS to the grid, of unit power an element over all ports together.
    ///
    /// Spec: TS 38.211 §6.4.1.4. Errors: `Invalid` if the PDU contradicts itself or the grid.
    pub fn transmit(&mut self, pdu: &SrsPdu, slot: SlotPoint, grid: &mut Grid) -> Result<(), ChannelError> {
        let g = Geometry::new(pdu)?;
        g.fits(slot, grid.n_subcarriers())?;
        let r = &pdu.resource;
        let n_ports = r.n_ports as usize;
        if grid.n_ports() < n_ports {
            return Err(ChannelError::Invalid("SRS ports and grid"));
        }
        let gain = 1.0 / libm::sqrtf(n_ports as f32);
        let base = &mut self.base[..g.n_elements()];
        let mut last = None;
        for l in 0..r.n_symbols as usize {
            let group = g.group(slot, l);
            if last != Some(group) {
                low_papr::base(group.0, group.1, base);
                last = Some(group);
            }
            for port in 0..n_ports {
                let shift = g.cyclic_shift(port);
                let first = g.first_subcarrier(slot, l, port) as usize;
                let row = &mut grid.symbol_mut(port, r.start_symbol as usize + l)[first..];
                for (n, (cell, b)) in row.iter_mut().step_by(r.comb as usize).zip(&*base).enumerate() {
                    *cell += b * self.turns[turn_24(shift, n_cs_max(r.comb), n)] * gain;
                }
            }
        }
        Ok(())
    }
}
