//! PDCCH and PBCH. Spec: TS 38.101-4 §5.3, §5.4
//!
//! A PDCCH is one candidate in a CORESET of its own; a grant is missed if its bits do not come back. A MIB is missed if none of the four
//! blocks of its 80 ms is decoded on any antenna: the receiver of SS/PBCH blocks takes each antenna and each block by itself.

use dsp::{Cf32, Isa};
use fapi::{CceRegMapping, CoresetConfig, DciBits, PdcchPdu, SsbPdu};
use nr::{Numerology, Pci, Rnti, SlotPoint};
use ofdm::{Carrier, Grid, Modulator};
use phy::pdcch::{CoresetMap, DciTarget, PdcchReceiver, PdcchTransmitter};
use phy::ssb::{PbchCombiner, SsbReceiver, SsbTransmitter};

use crate::LinkError;
use crate::count::{Link, Tally};
use crate::propagation::{Antennas, Correlation, Propagation, Radio};

const ZERO: Cf32 = Cf32::new(0.0, 0.0);
const RNTI: u16 = 0x1234;

/// A PDCCH and its condition.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PdcchCase {
    /// Numerology.
    pub numerology: Numerology,
    /// Resource blocks of the carrier.
    pub carrier_rb: u16,
    /// Resource blocks of the CORESET, from the carrier's first on; a multiple of six.
    pub coreset_rb: u16,
    /// Symbols of the CORESET.
    pub duration: u8,
    /// CCE-to-REG mapping.
    pub mapping: CceRegMapping,
    /// Aggregation level.
    pub level: u8,
    /// Payload bits without CRC.
    pub n_bits: u8,
    /// Antennas; two transmit antennas have a precoder drawn for each REG bundle and slot.
    pub antennas: Antennas,
    /// The channel.
    pub propagation: Propagation,
}

impl PdcchCase {
    fn coreset(&self) -> CoresetConfig {
        CoresetConfig {
            id: 1,
            rb_groups: (1 << (self.coreset_rb / 6).min(45)) - 1,
            start_rb: 0,
            duration: self.duration,
            mapping: self.mapping,
            wideband_precoder: false,
            dmrs_n_id: 0,
            dmrs_reference_rb: 0,
        }
    }
}

/// A PDCCH under simulation.
pub struct PdcchLink {
    case: PdcchCase,
    coreset: CoresetConfig,
    map: CoresetMap,
    transmitter: PdcchTransmitter,
    receiver: PdcchReceiver,
    radio: Radio,
    sent: Grid,
    slot: SlotPoint,
    state: u64,
}

impl PdcchLink {
    /// Plans for a case.
    ///
    /// Errors: a carrier, CORESET or channel that cannot be.
    pub fn new(case: PdcchCase, isa: Isa) -> Result<PdcchLink, LinkError> {
        let carrier = Carrier::new(case.numerology, case.carrier_rb.into(), 0.0).map_err(LinkError::new)?;
        let coreset = case.coreset();
        let map = CoresetMap::new(&coreset)
            .filter(|m| m.rb_end() <= usize::from(case.carrier_rb))
            .ok_or_else(|| LinkError::new("the CORESET contradicts itself (TS 38.211 §7.3.2.2)"))?;
        if !(1..=2).contains(&case.antennas.n_tx) {
            return Err(LinkError::new("expected one or two transmit antennas of a PDCCH"));
        }
        Ok(PdcchLink {
            coreset,
            map,
            transmitter: PdcchTransmitter::new(),
            receiver: PdcchReceiver::new(),
            radio: Radio::new(carrier, case.antennas, case.propagation, isa)?,
            sent: Grid::new(case.antennas.n_tx.into(), carrier.n_subcarriers()),
            slot: SlotPoint::new(case.numerology, 0, 0),
            state: 0,
            case,
        })
    }

    /// Precodes the candidate on port 0 onto two antennas: (1, phi) / sqrt(2), phi drawn for each bundle.
    /// Spec: TS 38.214 table 5.2.2.2.1-1
    fn precode(&mut self) {
        let scale = core::f32::consts::FRAC_1_SQRT_2;
        for &bundle in self.map.bundles_of(0, self.case.level.into()) {
            let turns = (dsp::noise::split_mix_64(&mut self.state) & 3) as f64 / 4.0;
            let phi = dsp::unit_phasor(turns);
            let phi = Cf32::new(phi.re as f32, phi.im as f32);
            for (rb, l) in self.map.regs_of(bundle) {
                let at = 12 * self.map.rbs().get(rb).map_or(0, |rb| usize::from(*rb));
                for k in at..at + 12 {
                    let x = self.sent.symbol(0, l.into())[k] * scale;
                    self.sent.symbol_mut(0, l.into())[k] = x;
                    self.sent.symbol_mut(1, l.into())[k] = x * phi;
                }
            }
        }
    }
}

impl Link for PdcchLink {
    fn reseed(&mut self, seed: u64) {
        self.state = seed;
        self.slot = SlotPoint::new(self.case.numerology, 0, 0);
    }

    fn block(&mut self, snr_db: f64) -> Result<Tally, LinkError> {
        // A miss in a fade is one miss: each grant has a channel of its own.
        self.radio.reseed(dsp::noise::split_mix_64(&mut self.state));
        let draw = dsp::noise::split_mix_64(&mut self.state);
        let bits: [u8; 64] = core::array::from_fn(|i| (draw >> i & 1) as u8);
        let payload = bits.get(..self.case.n_bits.into()).and_then(DciBits::new);
        let payload = payload.ok_or_else(|| LinkError::new("expected up to 64 payload bits"))?;
        let pdu = PdcchPdu {
            coreset: self.coreset,
            start_symbol: 0,
            cce: 0,
            aggregation_level: self.case.level,
            rnti: Rnti(RNTI),
            scrambling_rnti: 0,
            scrambling_n_id: 0,
            power_offset_db: 0.0,
            payload,
        };
        self.sent.clear();
        self.transmitter.transmit(&pdu, self.slot, &mut self.sent).map_err(LinkError::new)?;
        if self.case.antennas.n_tx == 2 {
            self.precode();
        }
        let received = self.radio.slot(self.slot, &self.sent, libm::pow(10.0, -snr_db / 10.0))?;
        self.receiver.prepare(&self.coreset, 0, self.slot, received);
        let targets = [DciTarget { n_bits: self.case.n_bits.into(), rntis: &[RNTI] }];
        let found = self.receiver.receive(received, 0, self.case.level, 0, 0, &targets);
        self.slot = self.slot.plus(1);
        Ok(Tally { blocks: 1, errors: u64::from(found.is_none_or(|f| f.payload != payload)) })
    }
}

/// A PBCH and its condition.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PbchCase {
    /// Numerology of the carrier and the block: 15 kHz (case A) or 30 kHz (case C).
    pub numerology: Numerology,
    /// Resource blocks of the carrier; the block lies in its middle.
    pub carrier_rb: u16,
    /// Receive antennas.
    pub n_rx: u8,
    /// The terminal knows the block's index.
    pub index_known: bool,
    /// The channel.
    pub propagation: Propagation,
}

/// Blocks of a MIB's 80 ms, 20 ms apart.
const BLOCKS: u32 = 4;
/// The bits of a MIB that hold the upper six of the system frame number. Spec: TS 38.331 MIB
const SFN_BITS: u32 = 0x3f << 17;
/// Values of the index that DM-RS tell. Spec: TS 38.211 §7.4.1.4.1
const I_BARS: usize = 8;
/// First symbol of block 0 in its slot. Spec: TS 38.213 §4.1 (cases A and C)
const START_SYMBOL: u8 = 2;

/// A PBCH under simulation.
pub struct PbchLink {
    case: PbchCase,
    pdu: SsbPdu,
    transmitter: SsbTransmitter,
    receiver: SsbReceiver,
    /// Sums over antennas and frames, by the block's index as its DM-RS tell it.
    combiners: Vec<PbchCombiner>,
    modulator: Modulator,
    radio: Radio,
    grid: Grid,
    /// A slot's samples, with silence behind.
    sent: Vec<Cf32>,
    /// First sample of the PSS's useful part in the slot.
    pss_start: i64,
    sfn: u32,
    state: u64,
}

impl PbchLink {
    /// Plans for a case.
    ///
    /// Errors: a carrier too narrow for the block, or a channel that cannot be.
    pub fn new(case: PbchCase, isa: Isa) -> Result<PbchLink, LinkError> {
        let carrier = Carrier::new(case.numerology, case.carrier_rb.into(), 0.0).map_err(LinkError::new)?;
        let start = carrier.n_subcarriers().checked_sub(240).ok_or_else(|| LinkError::new("a carrier below 20 RB"))?;
        let rate_hz = f64::from(carrier.sample_rate_hz());
        let receiver = SsbReceiver::new(rate_hz, case.numerology, isa)
            .ok_or_else(|| LinkError::new("a sampling rate that SS/PBCH blocks cannot be received at"))?;
        let slot = SlotPoint::new(case.numerology, 0, 0);
        let next = carrier.symbol_start(slot, usize::from(START_SYMBOL) + 1);
        let antennas = Antennas { n_tx: 1, n_rx: case.n_rx, correlation: Correlation::Low };
        Ok(PbchLink {
            pdu: SsbPdu {
                pci: Pci::new(0).ok_or_else(|| LinkError::new("physical cell identity"))?,
                ssb_index: 0,
                l_max: if case.numerology == Numerology::KHZ15 { 4 } else { 8 },
                start_symbol: START_SYMBOL,
                start_subcarrier: start as u32 / 2,
                mib: 0,
                k_ssb: 0,
                half_frame: false,
            },
            transmitter: SsbTransmitter::new(),
            receiver,
            combiners: (0..I_BARS).map(|_| PbchCombiner::new()).collect(),
            modulator: Modulator::new(carrier, isa).map_err(LinkError::new)?,
            radio: Radio::new(carrier, antennas, case.propagation, isa)?,
            grid: Grid::new(1, carrier.n_subcarriers()),
            sent: vec![ZERO; 2 * carrier.slot_len_max()],
            pss_start: (next - carrier.fft_len()) as i64,
            sfn: 0,
            state: 0,
            case,
        })
    }
}

impl Link for PbchLink {
    fn reseed(&mut self, seed: u64) {
        self.state = seed;
        self.sfn = 0;
    }

    /// One MIB: its blocks are summed over antennas and frames, as the terminal sums them, until one sum decodes.
    fn block(&mut self, snr_db: f64) -> Result<Tally, LinkError> {
        self.radio.reseed(dsp::noise::split_mix_64(&mut self.state));
        self.pdu.mib = (dsp::noise::split_mix_64(&mut self.state) & 0xff_ffff) as u32 & !SFN_BITS;
        self.combiners.iter_mut().for_each(|c| c.start(self.pdu.pci, self.pdu.l_max));
        let noise = libm::pow(10.0, -snr_db / 10.0);
        let apart = u64::from(self.radio.carrier().sample_rate_hz()) / 50;
        // A MIB's eighty milliseconds begin with an SFN that is a multiple of eight.
        self.sfn = self.sfn.next_multiple_of(2 * BLOCKS) % 1024;
        let mut heard = false;
        for block in 0..BLOCKS {
            let slot = SlotPoint::new(self.case.numerology, self.sfn + 2 * block, 0);
            self.grid.clear();
            self.transmitter.transmit(&self.pdu, slot, &mut self.grid).map_err(LinkError::new)?;
            let n = self.radio.carrier().slot_len(slot);
            self.sent.fill(ZERO);
            self.modulator.modulate(slot, &self.grid, 0, &mut self.sent[..n]).map_err(LinkError::new)?;
            let received = self.radio.burst(&[&self.sent], noise)?;
            let mut seen = 0u8;
            for samples in received {
                let index = self.case.index_known.then_some(self.pdu.ssb_index);
                let found = self.receiver.receive_followed(samples, self.pss_start, self.pdu.pci, index);
                if let Some((i_bar, combiner)) = found.and_then(|i| Some((i, self.combiners.get_mut(usize::from(i))?)))
                {
                    combiner.add(self.receiver.soft_bits(), i_bar, 2 * block);
                    seen |= 1 << i_bar;
                }
            }
            for (i_bar, combiner) in self.combiners.iter_mut().enumerate().filter(|(i, _)| seen >> i & 1 == 1) {
                let mib = combiner.decode(i_bar as u8).map(|p| p.mib & !SFN_BITS);
                heard |= mib == Some(self.pdu.mib);
            }
            if heard {
                break;
            }
            self.radio.pause(apart.saturating_sub(self.sent.len() as u64));
        }
        self.sfn = (self.sfn + 2 * BLOCKS) % 1024;
        Ok(Tally { blocks: 1, errors: u64::from(!heard) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::{Effort, Runner};

    fn rate(make: impl Fn() -> Result<Box<dyn Link>, LinkError>, snr_db: f64, blocks_max: u64) -> f64 {
        let effort = Effort { errors: 100, blocks_max, batch: 20, threads: 2 };
        Runner::new(make, effort, 1).unwrap().measure(snr_db, &|_| {}).unwrap().rate()
    }

    fn pdcch(n_tx: u8, n_rx: u8) -> PdcchCase {
        PdcchCase {
            numerology: Numerology::KHZ15,
            carrier_rb: 52,
            coreset_rb: 48,
            duration: 2,
            mapping: CceRegMapping::NonInterleaved,
            level: 4,
            n_bits: 52,
            antennas: Antennas { n_tx, n_rx, correlation: Correlation::Low },
            propagation: Propagation::AWGN,
        }
    }

    #[test] // Spec: TS 38.101-4 §5.3 (one and two transmit antennas, one to four receive antennas)
    fn grants_arrive_and_more_antennas_hear_more() {
        let at = |case: PdcchCase, snr_db| {
            rate(|| Ok(Box::new(PdcchLink::new(case, Isa::best())?) as Box<dyn Link>), snr_db, 400)
        };
        // On one antenna alone a precoder may fall into the null of two.
        for (n_tx, n_rx) in [(1, 1), (1, 2), (1, 4), (2, 2), (2, 4)] {
            let case = pdcch(n_tx, n_rx);
            assert!(at(case, 8.0) < 0.02, "{n_tx}x{n_rx}");
            assert!(at(case, -12.0) > 0.9, "{n_tx}x{n_rx}");
        }
        let (two, four) = (at(pdcch(1, 2), -8.0), at(pdcch(1, 4), -8.0));
        assert!(two > 0.1 && four < 0.6 * two, "{four} {two}");
        assert!(PdcchLink::new(PdcchCase { coreset_rb: 60, ..pdcch(1, 1) }, Isa::best()).is_err());
    }

    #[test] // Spec: TS 38.101-4 §5.4.2.1, §5.4.3.1 (three decibels to spare: the whole block tells its channel)
    fn a_mib_arrives_three_decibels_early() {
        for (n_rx, index_known, required) in [(2, true, -8.3), (4, true, -10.9), (2, false, -6.7), (4, false, -8.9)] {
            let propagation = Propagation::parse("TDLC300-100").unwrap();
            let case = PbchCase { numerology: Numerology::KHZ15, carrier_rb: 52, n_rx, index_known, propagation };
            let snr_db = required - if index_known { 3.0 } else { 2.5 };
            let lost = rate(|| Ok(Box::new(PbchLink::new(case, Isa::best())?) as Box<dyn Link>), snr_db, 200);
            assert!(lost <= 0.01, "{n_rx} antennas, index known {index_known}: {lost}");
        }
    }

    #[test] // Spec: TS 38.101-4 §5.4 (a MIB within its 80 ms)
    fn a_mib_arrives_in_one_of_its_blocks() {
        for (numerology, carrier_rb) in [(Numerology::KHZ15, 52), (Numerology::KHZ30, 51)] {
            let case = PbchCase { numerology, carrier_rb, n_rx: 2, index_known: false, propagation: Propagation::AWGN };
            let at = |snr_db| rate(|| Ok(Box::new(PbchLink::new(case, Isa::best())?) as Box<dyn Link>), snr_db, 60);
            assert_eq!(at(5.0), 0.0, "{numerology:?}");
            assert!(at(-21.0) > 0.8, "{numerology:?}");
        }
    }
}
