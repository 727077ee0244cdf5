//! PUSCH and PDSCH with HARQ: a transport block is sent up to four times, a slot that delivers none is an error.
//!
//! The error rate is 1 minus the fraction of the maximum throughput, as TS 38.104 §8.2 and TS 38.101-4 §5.2 count it; with one
//! transmission it is the block error rate.

use dsp::Isa;
use fapi::{
    Coding, DlPrecoding, DmrsPdu, MappingType, McsTable, PdschPdu, PrecodingMatrix, PtrsPdu, PuschPdu, RbAllocation,
    Span, TransformPrecoding, UciOnPusch, UlPrecoding,
};
use fec::sch::SoftBuffer;
use nr::{HarqId, Numerology, Rnti, SlotPoint};
use ofdm::{Carrier, Grid};
use phy::equalize::Detector;
use phy::pdsch::{PdschReceiver, PdschTransmitter};
use phy::pusch::{PuschReceiver, PuschTransmitter};

use crate::LinkError;
use crate::cells::{Cell, InterferingCell};
use crate::count::{Link, Tally};
use crate::propagation::{Antennas, Propagation, Radio};
use crate::timing::{Clock, Timing};

/// Redundancy versions of transmissions 1 to 4. Spec: TS 38.104 table 8.2.1.1-1
const REDUNDANCY: [u8; 4] = [0, 2, 3, 1];

/// HARQ processes that take turns; one of them is simulated. Spec: TS 38.101-4 table 5.2.2.1.1-2
const HARQ_PROCESSES: u64 = 4;

const HARQ: HarqId = HarqId::new(0).unwrap();

/// Up or down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// PUSCH.
    Uplink,
    /// PDSCH.
    Downlink,
}

/// A shared channel and its condition.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SharedCase {
    /// Up or down.
    pub direction: Direction,
    /// Numerology.
    pub numerology: Numerology,
    /// Resource blocks of the carrier.
    pub carrier_rb: u16,
    /// First allocated resource block.
    pub first_rb: u16,
    /// Allocated resource blocks.
    pub n_rb: u16,
    /// First symbol.
    pub start_symbol: u8,
    /// Symbols.
    pub n_symbols: u8,
    /// Mapping type.
    pub mapping: MappingType,
    /// DM-RS symbols of the slot, bit l is symbol l.
    pub dmrs_symbols: u16,
    /// CDM groups without data.
    pub n_cdm_groups: u8,
    /// Q_m.
    pub q_m: u8,
    /// Target code rate.
    pub rate_x1024: f32,
    /// Transport block size.
    pub tbs_bits: u32,
    /// Layers.
    pub n_layers: u8,
    /// Resource blocks of a precoding resource block group (downlink): 2, 4, or 0 for all.
    pub prg_size: u8,
    /// DFT-spread (uplink).
    pub transform_precoding: bool,
    /// Most transmissions of a transport block, 1..=4.
    pub n_transmissions: u8,
    /// LDPC iterations at most.
    pub ldpc_iterations: u8,
    /// How the receiver tells several layers apart.
    pub detector: Detector,
    /// Antennas.
    pub antennas: Antennas,
    /// The channel.
    pub propagation: Propagation,
}

impl SharedCase {
    /// Bits that fit by TS 38.214 §5.1.3.2 for the case's allocation, modulation, rate and layers.
    pub fn tbs_bits(&self) -> u32 {
        let n_dmrs = (self.dmrs_symbols.count_ones() * 6 * u32::from(self.n_cdm_groups)).min(168);
        let per_rb = (u32::from(self.n_symbols) * 12).saturating_sub(n_dmrs).min(156);
        let n_re = per_rb * u32::from(self.n_rb);
        nr::tables::tbs::tbs_bits(n_re, (self.rate_x1024 * 2.0) as u16, self.q_m, self.n_layers, 0)
    }

    /// Precoding matrices of a slot.
    fn n_matrices(&self) -> usize {
        if self.prg_size == 0 { 1 } else { usize::from(self.carrier_rb).div_ceil(self.prg_size.into()) }
    }

    fn dmrs(&self) -> DmrsPdu {
        DmrsPdu {
            symbols: self.dmrs_symbols,
            config_type: 1,
            n_id: 0,
            n_scid: 0,
            ports: ((1u32 << self.n_layers.min(12)) - 1) as u16,
            n_cdm_groups_without_data: self.n_cdm_groups,
            reference_rb: 0,
        }
    }

    fn coding(&self) -> Coding {
        Coding {
            q_m: self.q_m,
            rate_x1024: self.rate_x1024,
            mcs: 0,
            mcs_table: McsTable::Qam256,
            rv: 0,
            tbs_bytes: self.tbs_bits / 8,
            tbs_lbrm: 0,
        }
    }

    /// The PDU of the first transmission, uplink.
    pub fn pusch(&self) -> PuschPdu {
        let n_tx = self.antennas.n_tx;
        let codebook = matches!(n_tx, 2 | 4) && n_tx == self.n_layers;
        PuschPdu {
            rnti: Rnti(1),
            harq: HARQ,
            new_data: true,
            rbs: RbAllocation::Contiguous { start: self.first_rb, n_rb: self.n_rb },
            second_hop_rb: None,
            start_symbol: self.start_symbol,
            n_symbols: self.n_symbols,
            mapping: self.mapping,
            dmrs: self.dmrs(),
            n_id: 0,
            n_layers: self.n_layers,
            precoding: if codebook { UlPrecoding::Codebook { n_ports: n_tx, tpmi: 0 } } else { UlPrecoding::Identity },
            transform_precoding: self.transform_precoding.then_some(TransformPrecoding {
                n_id_rs: 0,
                hopping: 0,
                low_papr_type2: false,
                ptrs: None,
            }),
            ptrs: None,
            cbg: None,
            coding: self.coding(),
            uci: UciOnPusch::default(),
            tb: Span::default(),
        }
    }

    /// The PDU of the first transmission, downlink.
    pub fn pdsch(&self) -> PdschPdu {
        PdschPdu {
            rnti: Rnti(1),
            harq: HARQ,
            new_data: true,
            rbs: RbAllocation::Contiguous { start: self.first_rb, n_rb: self.n_rb },
            vrb_interleaver: None,
            start_symbol: self.start_symbol,
            n_symbols: self.n_symbols,
            mapping: self.mapping,
            dmrs: self.dmrs(),
            n_id: 0,
            n_layers: self.n_layers,
            coding: self.coding(),
            reserved: [None; 2],
            reserved_re: [0; 14],
            power_offset_db: 0.0,
            precoding: if self.antennas.n_tx > 1 {
                DlPrecoding::Matrices {
                    prg_size: self.prg_size,
                    matrices: Span { start: 0, len: self.n_matrices() as u32 },
                }
            } else {
                DlPrecoding::Identity
            },
            ptrs: None,
            cbg: None,
            tb: Span::default(),
        }
    }
}

/// What some requirements on PDSCH have besides.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Extras {
    /// CSI-RS in every fifth slot, which the PDSCH leaves free. Spec: TS 38.101-4 table 5.2.2.1.2-2
    pub csi_rs: bool,
    /// Phase tracking in every second resource block and every symbol. Spec: TS 38.101-4 table 7.2-1
    pub ptrs: bool,
    /// Cells that interfere.
    pub cells: &'static [Cell],
    /// Slots of a transmission; above 1 what counts are transport blocks that never came.
    pub n_slots: u8,
}

impl Extras {
    /// None of them.
    pub const NONE: Extras = Extras { csi_rs: false, ptrs: false, cells: &[], n_slots: 1 };
}

/// Elements of two ports of NZP CSI-RS in symbol 13, and of eight of ZP CSI-RS in symbol 12. Spec: TS 38.211 table 7.4.1.5.3-1, rows 3 and 6
const CSI_RS: [u16; 14] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x3fc, 0x3];
/// Slots from one CSI-RS to the next.
const CSI_RS_PERIOD: u32 = 5;

/// Both ends of a shared channel.
enum Ends {
    Uplink(Box<(PuschTransmitter, PuschReceiver, PuschPdu)>),
    Downlink(Box<(PdschTransmitter, PdschReceiver, PdschPdu)>),
}

/// A shared channel under simulation.
pub struct SharedLink {
    case: SharedCase,
    ends: Ends,
    radio: Radio,
    sent: Grid,
    precoders: Vec<PrecodingMatrix>,
    soft: SoftBuffer,
    tb: Vec<u8>,
    out: Vec<u8>,
    slot: SlotPoint,
    /// Slots that the block under way has taken.
    n_sent: u8,
    /// Slots of a transmission.
    n_slots: u8,
    /// Count transport blocks, not slots.
    residual: bool,
    /// PDSCH leaves CSI-RS free.
    csi_rs: bool,
    /// Where the timing of a PUSCH changes.
    clock: Option<Clock>,
    isa: Isa,
    state: u64,
}

impl SharedLink {
    /// Plans for a case.
    ///
    /// Errors: a carrier, allocation or channel that cannot be.
    pub fn new(case: SharedCase, isa: Isa) -> Result<SharedLink, LinkError> {
        let Antennas { n_tx, n_rx, .. } = case.antennas;
        if !(1..=4).contains(&case.n_transmissions) || case.n_layers > n_tx {
            return Err(LinkError::new("expected 1 to 4 transmissions, and as many transmit antennas as layers"));
        }
        let carrier = Carrier::new(case.numerology, case.carrier_rb.into(), 0.0).map_err(LinkError::new)?;
        let (n_rb, layers) = (usize::from(case.carrier_rb), usize::from(case.n_layers));
        let mut ends = match case.direction {
            Direction::Uplink => Ends::Uplink(Box::new((
                PuschTransmitter::new(isa, n_rb, layers),
                PuschReceiver::new(isa, n_rb, n_rx.into(), layers),
                case.pusch(),
            ))),
            Direction::Downlink => Ends::Downlink(Box::new((
                PdschTransmitter::new(isa, n_rb, layers),
                PdschReceiver::new(isa, n_rb, n_rx.into(), layers),
                case.pdsch(),
            ))),
        };
        match &mut ends {
            Ends::Uplink(e) => e.1.set_detector(case.detector),
            Ends::Downlink(e) => e.1.set_detector(case.detector),
        }
        let n_bytes = case.tbs_bits as usize / 8;
        Ok(SharedLink {
            ends,
            radio: Radio::new(carrier, case.antennas, case.propagation, isa)?,
            sent: Grid::new(n_tx.into(), carrier.n_subcarriers()),
            precoders: Vec::with_capacity(case.n_matrices()),
            soft: SoftBuffer::new(case.tbs_bits),
            tb: vec![0; n_bytes],
            out: vec![0; n_bytes],
            slot: SlotPoint::new(case.numerology, 0, 0),
            n_sent: 0,
            n_slots: 1,
            residual: false,
            csi_rs: false,
            clock: None,
            isa,
            state: 0,
            case,
        })
    }

    /// As [`SharedLink::new`] with every transmission over `n_slots` slots (redundancy versions go on from slot to slot); counts transport
    /// blocks, and those that never came, instead of slots. Spec: TS 38.104 §8.2.7
    ///
    /// Errors: as [`SharedLink::new`]; 0 slots or more than 8.
    pub fn repeated(case: SharedCase, n_slots: u8, isa: Isa) -> Result<SharedLink, LinkError> {
        if !(1..=8).contains(&n_slots) {
            return Err(LinkError::new("expected 1 to 8 slots a transmission"));
        }
        Ok(SharedLink { n_slots, residual: true, ..SharedLink::new(case, isa)? })
    }

    /// As [`SharedLink::new`] of a PDSCH with what `extras` adds to it.
    ///
    /// Errors: as [`SharedLink::repeated`]; a PUSCH.
    pub fn downlink(case: SharedCase, extras: Extras, isa: Isa) -> Result<SharedLink, LinkError> {
        let mut link = SharedLink { csi_rs: extras.csi_rs, ..SharedLink::repeated(case, extras.n_slots, isa)? };
        link.residual = extras.n_slots > 1;
        let Ends::Downlink(e) = &mut link.ends else { return Err(LinkError::new("expected a PDSCH")) };
        // TS 38.101-4 table 7.2-1: offset10.
        let ptrs = PtrsPdu { time_density: 1, frequency_density: 2, re_offset: 2, dmrs_ports: 1, power_offset_db: 0.0 };
        e.2.ptrs = extras.ptrs.then_some(ptrs);
        let carrier = *link.radio.carrier();
        let cells = extras.cells.iter().map(|c| InterferingCell::new(*c, &case, carrier, isa));
        link.radio.set_cells(cells.collect::<Result<_, _>>()?);
        Ok(link)
    }

    /// As [`SharedLink::new`] of a PUSCH whose timing changes. Spec: TS 38.104 §8.2.5, §8.2.9
    ///
    /// Errors: as [`SharedLink::new`].
    pub fn timed(case: SharedCase, timing: Timing, isa: Isa) -> Result<SharedLink, LinkError> {
        let link = SharedLink::new(case, isa)?;
        let clock = Some(Clock::new(timing, &case, *link.radio.carrier(), isa)?);
        Ok(SharedLink { clock, ..link })
    }

    /// Power of the signal at a receive antenna: that of all ports together.
    fn signal_power(&self) -> f64 {
        match &self.ends {
            Ends::Uplink(e) if e.2.precoding != UlPrecoding::Identity => 1.0,
            Ends::Downlink(e) if e.2.precoding != DlPrecoding::Identity => 1.0,
            _ => f64::from(self.case.n_layers),
        }
    }

    fn start_block(&mut self) {
        if self.n_sent == 0 {
            for bytes in self.tb.chunks_mut(8) {
                let word = dsp::noise::split_mix_64(&mut self.state).to_le_bytes();
                bytes.copy_from_slice(&word[..bytes.len()]);
            }
        }
        let (rv, new_data) = (REDUNDANCY[usize::from(self.n_sent % 4)], self.n_sent == 0);
        self.precoders.clear();
        for _ in 0..self.case.n_matrices() {
            let draw = dsp::noise::split_mix_64(&mut self.state);
            self.precoders.push(type1(self.case.antennas.n_tx, self.case.n_layers, draw));
        }
        match &mut self.ends {
            Ends::Uplink(e) => (e.2.coding.rv, e.2.new_data) = (rv, new_data),
            Ends::Downlink(e) => {
                (e.2.coding.rv, e.2.new_data) = (rv, new_data);
                let reserved = self.csi_rs && self.slot.index().is_multiple_of(CSI_RS_PERIOD);
                e.2.reserved_re = if reserved { CSI_RS } else { [0; 14] };
            }
        }
    }
}

impl Link for SharedLink {
    fn reseed(&mut self, seed: u64) {
        self.state = seed;
        self.radio.reseed(dsp::noise::split_mix_64(&mut self.state));
        self.n_sent = 0;
        self.slot = SlotPoint::new(self.case.numerology, 0, 0);
        self.soft.clear();
        if let Some(clock) = &mut self.clock {
            clock.reseed(dsp::noise::split_mix_64(&mut self.state));
        }
    }

    fn block(&mut self, snr_db: f64) -> Result<Tally, LinkError> {
        self.start_block();
        self.sent.clear();
        match &mut self.ends {
            Ends::Uplink(e) => {
                e.0.transmit(&e.2, &self.tb, &[], &[], self.slot, &mut self.sent).map_err(LinkError::new)?
            }
            Ends::Downlink(e) => {
                e.0.transmit_precoded(&e.2, &self.tb, &self.precoders, self.slot, &mut self.sent)
                    .map_err(LinkError::new)?
            }
        }
        let noise = self.signal_power() * libm::pow(10.0, -snr_db / 10.0);
        if let Some(clock) = &self.clock {
            clock.apply(self.isa, &mut self.sent);
        }
        self.radio.slot(self.slot, &self.sent, noise)?;
        if let Some(other) = self.clock.as_mut().map(|c| c.neighbour(self.slot)).transpose()?.flatten() {
            self.radio.add(other);
        }
        let received = self.radio.received();
        let mut error_tc = 0;
        let delivered = match &mut self.ends {
            Ends::Uplink(e) => {
                let control = e.1.receive_control(received, &e.2, self.slot).map_err(LinkError::new)?;
                error_tc = control.timing_error_tc;
                let data = e.1.decode_data(&e.2, &mut self.soft, self.case.ldpc_iterations, &mut self.out);
                data.map_err(LinkError::new)?.crc_ok
            }
            Ends::Downlink(e) => {
                let result =
                    e.1.receive(&e.2, self.slot, received, &mut self.soft, self.case.ldpc_iterations, &mut self.out);
                result.map_err(LinkError::new)?.crc_ok
            }
        } && self.out == self.tb;
        let over = delivered || self.n_sent + 1 == self.case.n_transmissions * self.n_slots;
        self.n_sent = if over { 0 } else { self.n_sent + 1 };
        self.slot = self.slot.plus(1);
        if self.n_sent.is_multiple_of(self.n_slots) && self.case.n_transmissions > 1 {
            // The process waits for its turn, and its channel fades meanwhile.
            let slot_len = self.radio.carrier().slot_len_max() as u64;
            self.radio.pause((HARQ_PROCESSES - 1) * slot_len);
        }
        if let Some(clock) = &mut self.clock {
            let seconds = HARQ_PROCESSES as f64 / (1000.0 * f64::from(self.case.numerology.slots_per_subframe()));
            if clock.heard(error_tc, seconds) {
                let draw = dsp::noise::split_mix_64(&mut self.state);
                self.radio.reseed(draw);
            }
        }
        let counts = over || !self.residual;
        Ok(Tally { blocks: u64::from(counts), errors: u64::from(counts && !delivered) })
    }
}

/// A precoder of the type I single-panel codebook, drawn at random. Spec: TS 38.214 §5.2.2.2.1, tables 5.2.2.2.1-1, -5, -6
pub(crate) fn type1(n_ports: u8, n_layers: u8, draw: u64) -> PrecodingMatrix {
    let mut matrix = PrecodingMatrix { n_ports, w: [[(0.0, 0.0); 4]; 8] };
    let scale = 1.0 / libm::sqrtf(f32::from(n_ports) * f32::from(n_layers));
    // Columns of a DFT with a phase between polarisations: the form of every rank of the codebook.
    let half = usize::from(n_ports / 2).max(1);
    let beam = (draw >> 8) as usize % (4 * half);
    let phase = (draw & 3) as usize;
    for layer in 0..usize::from(n_layers) {
        // Layers in pairs: opposite phases on one beam, then the next orthogonal beam.
        let beam = beam + 4 * (layer / 2);
        let phase = phase % if n_layers > 1 { 2 } else { 4 } + 2 * (layer % 2);
        for port in 0..usize::from(n_ports) {
            let turns = (port % half) as f64 * beam as f64 / (4 * half) as f64;
            let turns = turns + if port >= half { phase as f64 / 4.0 } else { 0.0 };
            let w = dsp::unit_phasor(turns);
            matrix.w[port][layer] = (w.re as f32 * scale, w.im as f32 * scale);
        }
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::{Effort, Runner};
    use crate::propagation::Correlation;
    use crate::theory;

    pub(super) fn case(direction: Direction, q_m: u8, rate_x1024: f32, n_rb: u16) -> SharedCase {
        let mut case = SharedCase {
            direction,
            numerology: Numerology::KHZ30,
            carrier_rb: n_rb,
            first_rb: 0,
            n_rb,
            start_symbol: 0,
            n_symbols: 14,
            mapping: MappingType::A,
            dmrs_symbols: 1 << 2 | 1 << 11,
            n_cdm_groups: 2,
            q_m,
            rate_x1024,
            tbs_bits: 0,
            n_layers: 1,
            prg_size: 0,
            transform_precoding: false,
            n_transmissions: 1,
            ldpc_iterations: 10,
            detector: Detector::Linear,
            antennas: Antennas { n_tx: 1, n_rx: 1, correlation: Correlation::Low },
            propagation: Propagation::AWGN,
        };
        case.tbs_bits = case.tbs_bits();
        case
    }

    fn rate(case: SharedCase, snr_db: f64, blocks_max: u64) -> f64 {
        let effort = Effort { errors: 50, blocks_max, batch: 20, threads: 2 };
        let make = || Ok(Box::new(SharedLink::new(case, Isa::best())?) as Box<dyn Link>);
        Runner::new(make, effort, 3).unwrap().measure(snr_db, &|_| {}).unwrap().rate()
    }

    #[test] // Spec: TS 38.212 §5.3.2, TS 38.211 §6.3.1, §7.3.1 (never beyond the bound, and within 2 dB of it)
    fn both_directions_keep_their_distance_from_the_bound() {
        for direction in [Direction::Uplink, Direction::Downlink] {
            for (q_m, r) in [(2, 308.0), (6, 567.0)] {
                let case = case(direction, q_m, r, 24);
                let n_symbols = 12.0 * 12.0 * 24.0;
                let bound = theory::required_snr_db(f64::from(case.tbs_bits), n_symbols, q_m, 0.1);
                assert!(rate(case, bound - 0.2, 200) > 0.5, "{direction:?} Q_m {q_m}: beats the bound");
                assert!(rate(case, bound + 2.0, 200) < 0.1, "{direction:?} Q_m {q_m}: too far from it");
            }
        }
    }

    #[test] // Spec: TS 38.104 §8.2.1.1 (HARQ, redundancy versions 0, 2, 3, 1)
    fn retransmissions_deliver_where_one_transmission_does_not() {
        let once = case(Direction::Uplink, 4, 658.0, 24);
        let harq = SharedCase { n_transmissions: 4, ..once };
        assert!(rate(once, 6.0, 100) > 0.99);
        let throughput = 1.0 - rate(harq, 6.0, 200);
        assert!((0.3..0.6).contains(&throughput), "{throughput}");
    }

    #[test] // Spec: TS 38.211 §6.3.1.3, §7.3.1.3 (layers the antennas cannot carry)
    fn impossible_cases_are_errors() {
        let c = case(Direction::Uplink, 2, 308.0, 24);
        assert!(SharedLink::new(SharedCase { n_layers: 2, ..c }, Isa::best()).is_err());
        assert!(SharedLink::new(SharedCase { n_transmissions: 0, ..c }, Isa::best()).is_err());
        let zero = Antennas { n_rx: 0, ..c.antennas };
        assert!(SharedLink::new(SharedCase { antennas: zero, ..c }, Isa::best()).is_err());
        let mut link = SharedLink::new(SharedCase { dmrs_symbols: 0, ..c }, Isa::best()).unwrap();
        assert!(link.block(0.0).is_err());
    }
}
