//! Cells that interfere with a PDSCH: each sends 16QAM on all of its carrier, over one or two layers and a channel of its own.
//!
//! Spec: TS 38.101-4 §B.6.2, tables 5.2.2.1.15-2, 5.2.2.2.16-2

use air::mimo::MimoChannel;
use dsp::{Cf32, Isa};
use fapi::{DlPrecoding, PdschPdu, PrecodingMatrix, Span};
use nr::SlotPoint;
use ofdm::{Carrier, Grid, Modulator};
use phy::pdsch::PdschTransmitter;

use crate::LinkError;
use crate::shared::{SharedCase, type1};

/// Share of slots with one layer; the others have two.
const RANK_1: f64 = 0.7;

/// How a cell reaches the terminal.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cell {
    /// Physical cell identity; the serving cell's is 0.
    pub pci: u16,
    /// Power over the noise at an antenna, dB.
    pub inr_db: f64,
    /// Later than the serving cell, microseconds.
    pub offset_us: f64,
    /// Carrier over the serving cell's, Hz.
    pub offset_hz: f64,
}

/// One interfering cell.
pub const ONE_CELL: &[Cell] = &[Cell { pci: 1, inr_db: 7.58, offset_us: 3.0, offset_hz: 300.0 }];
/// Two of them.
pub const TWO_CELLS: &[Cell] = &[
    Cell { pci: 1, inr_db: 7.77, offset_us: 3.0, offset_hz: 300.0 },
    Cell { pci: 2, inr_db: 2.29, offset_us: -1.0, offset_hz: -100.0 },
];

/// A cell under simulation.
pub struct InterferingCell {
    cell: Cell,
    /// With one layer and with two.
    pdus: [PdschPdu; 2],
    transmitter: PdschTransmitter,
    modulator: Modulator,
    channel: MimoChannel,
    precoders: Vec<PrecodingMatrix>,
    grid: Grid,
    tb: Vec<u8>,
    /// `[tx]` samples.
    sent: Vec<Vec<Cf32>>,
    /// `[rx]` samples.
    received: Vec<Vec<Cf32>>,
    sample_rate_hz: f64,
    /// Samples since the start.
    time: u64,
    state: u64,
}

impl InterferingCell {
    /// A cell beside the one of `case`, with its antennas, its channel model and its precoding groups.
    ///
    /// Errors: antennas or a channel that cannot be.
    pub fn new(cell: Cell, case: &SharedCase, carrier: Carrier, isa: Isa) -> Result<InterferingCell, LinkError> {
        let n_rb = usize::from(case.carrier_rb);
        let pdu = |n_layers: u8| {
            let own = SharedCase { q_m: 4, rate_x1024: 490.0, n_layers, n_cdm_groups: 1, first_rb: 0, ..*case };
            let own = SharedCase { n_rb: case.carrier_rb, ..own };
            let mut pdu = SharedCase { tbs_bits: own.tbs_bits(), ..own }.pdsch();
            let matrices = Span { start: 0, len: n_rb.div_ceil(2) as u32 };
            pdu.precoding = DlPrecoding::Matrices { prg_size: 2, matrices };
            (pdu.n_id, pdu.dmrs.n_id) = (cell.pci, cell.pci);
            pdu
        };
        let pdus = [pdu(1), pdu(2)];
        let silence = |n: u8| vec![vec![Cf32::default(); carrier.slot_len_max()]; n.into()];
        Ok(InterferingCell {
            cell,
            pdus,
            transmitter: PdschTransmitter::new(isa, n_rb, 2),
            modulator: Modulator::new(carrier, isa).map_err(LinkError::new)?,
            channel: case.propagation.channel(case.antennas, carrier.sample_rate_hz(), isa)?,
            precoders: Vec::with_capacity(n_rb),
            grid: Grid::new(case.antennas.n_tx.into(), carrier.n_subcarriers()),
            tb: vec![0; pdus[1].coding.tbs_bytes as usize],
            sent: silence(case.antennas.n_tx),
            received: silence(case.antennas.n_rx),
            sample_rate_hz: f64::from(carrier.sample_rate_hz()),
            time: 0,
            state: 0,
        })
    }

    /// Starts a channel and data of its own.
    pub fn reseed(&mut self, seed: u64) {
        self.state = seed;
        self.time = 0;
        self.channel.reseed(dsp::noise::split_mix_64(&mut self.state));
    }

    /// Lets time go on by `n` samples.
    pub fn pause(&mut self, n: u64) {
        self.channel.skip(n);
        self.time += n;
    }

    /// Adds a slot of `n` samples to what the antennas have received, its power over `noise_var` a resource element as the cell has it.
    ///
    /// Samples turn round at the slot's ends, where the cell's time is another: what comes before is as random as what went.
    /// Errors: antennas or lengths that do not fit.
    pub fn add_slot(
        &mut self,
        slot: SlotPoint,
        n: usize,
        noise_var: f64,
        received: &mut [Vec<Cf32>],
    ) -> Result<(), LinkError> {
        let rank = (dsp::noise::split_mix_64(&mut self.state) >> 11) as f64 / (1u64 << 53) as f64;
        let pdu = &self.pdus[usize::from(rank >= RANK_1)];
        let tb = &mut self.tb[..pdu.coding.tbs_bytes as usize];
        tb.iter_mut().for_each(|b| *b = dsp::noise::split_mix_64(&mut self.state) as u8);
        self.precoders.clear();
        for _ in 0..self.grid.n_subcarriers() / 12 {
            let draw = dsp::noise::split_mix_64(&mut self.state);
            self.precoders.push(type1(self.grid.n_ports() as u8, pdu.n_layers, draw));
        }
        self.grid.clear();
        self.transmitter.transmit_precoded(pdu, tb, &self.precoders, slot, &mut self.grid).map_err(LinkError::new)?;
        for (tx, samples) in self.sent.iter_mut().enumerate() {
            self.modulator.modulate(slot, &self.grid, tx, &mut samples[..n]).map_err(LinkError::new)?;
        }
        self.channel.burst(n, &self.sent, &mut self.received).map_err(LinkError::new)?;
        let amplitude = libm::sqrt(noise_var * libm::pow(10.0, self.cell.inr_db / 10.0));
        let late = libm::round(self.cell.offset_us * 1e-6 * self.sample_rate_hz) as i64;
        let step = self.cell.offset_hz / self.sample_rate_hz;
        for (out, own) in received.iter_mut().zip(&self.received) {
            for (i, out) in out[..n].iter_mut().enumerate() {
                let from = (i as i64 - late).rem_euclid(n as i64) as usize;
                let turn = dsp::unit_phasor(step * (self.time + i as u64) as f64) * amplitude;
                *out += own[from] * Cf32::new(turn.re as f32, turn.im as f32);
            }
        }
        self.time += n as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{Case, ue};
    use crate::propagation::Radio;

    #[test] // Spec: TS 38.101-4 §B.6.1 (INR)
    fn a_cell_is_as_strong_as_its_ratio_to_the_noise_says() {
        let all = ue().unwrap();
        let row = all.iter().find(|r| r.test.contains("one cell interferes")).unwrap();
        let Case::Pdsch(case, extras) = row.case else { panic!() };
        assert_eq!(extras.cells, ONE_CELL);
        let carrier = Carrier::new(case.numerology, case.carrier_rb.into(), 0.0).unwrap();
        let mut radio = Radio::new(carrier, case.antennas, case.propagation, Isa::best()).unwrap();
        let cell = InterferingCell::new(ONE_CELL[0], &case, carrier, Isa::best()).unwrap();
        radio.set_cells(vec![cell]);
        let silence = Grid::new(case.antennas.n_tx.into(), carrier.n_subcarriers());
        let (mut sum, mut n) = (0.0, 0.0);
        for seed in 0..40 {
            radio.reseed(seed);
            let grid = radio.slot(SlotPoint::new(case.numerology, 0, 1), &silence, 0.5).unwrap();
            for (rx, l) in (0..grid.n_ports()).flat_map(|rx| [3, 6, 9].map(|l| (rx, l))) {
                sum += grid.symbol(rx, l).iter().map(|z| f64::from(z.norm_sqr())).sum::<f64>();
                n += grid.n_subcarriers() as f64;
            }
        }
        let inr_db = 10.0 * libm::log10(sum / n / 0.5 - 1.0);
        assert!((inr_db - 7.58).abs() < 1.0, "{inr_db}");
    }
}
