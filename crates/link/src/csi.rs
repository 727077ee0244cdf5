//! CSI reports and the PDSCH that follows them. Spec: TS 38.101-4 §6
//!
//! Every few slots CSI-RS and CSI-IM are sent and nothing else, the terminal measures them and reports; some slots later the report
//! takes effect. In all other slots a PDSCH is sent as the report says, or as it does not, and what arrives is counted.

use std::collections::VecDeque;

use dsp::{Cf32, Isa};
use fapi::csi::{Codebook, CsiContent, CsiQuantity, CsiValues, Pmi};
use fapi::{CsiImResource, CsiRsPdu, MappingType, McsTable, PrecodingMatrix};
use fec::sch::SoftBuffer;
use nr::tables::cqi;
use nr::{Numerology, SlotPoint};
use ofdm::{Carrier, Grid};
use phy::csi::CsiComputer;
use phy::csi_rs::{self, CsiRsChannel, CsiRsReceiver};
use phy::equalize::Detector;
use phy::pdsch::{PdschReceiver, PdschTransmitter};

use crate::LinkError;
use crate::propagation::{Antennas, Propagation, Radio};
use crate::shared::{Direction, SharedCase};

/// Slots with a channel of their own.
const SEGMENT: u64 = 250;
/// HARQ processes that take turns.
const PROCESSES: usize = 4;
/// Redundancy versions of transmissions 1 to 4. Spec: TS 38.101-4 table 6.1.2-1
const REDUNDANCY: [u8; 4] = [0, 2, 3, 1];
/// A beam's step from antenna to antenna turns by so much a millisecond, radians. Spec: TS 38.101-4 table B.2.3.2.3-1
const BEAM_STEP: f64 = 1.2566e-3;

/// A carrier with CSI reports and its condition.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CsiCase {
    /// Numerology.
    pub numerology: Numerology,
    /// Resource blocks of the carrier.
    pub carrier_rb: u16,
    /// cqi-Table, and the MCS table of its formats.
    pub table: McsTable,
    /// Codebook; as many ports as transmit antennas.
    pub codebook: Codebook,
    /// Slots from one CSI-RS to the next.
    pub period: u64,
    /// Slots from a CSI-RS to the first PDSCH that follows its report.
    pub delay: u64,
    /// Resource blocks of a subband; 0 where all is wideband.
    pub subband_rb: u16,
    /// The principal direction of the beams is drawn, and turns. Spec: TS 38.101-4 §B.2.3.2.3
    pub steered: bool,
    /// Antennas.
    pub antennas: Antennas,
    /// The channel.
    pub propagation: Propagation,
}

/// Modulation and coding of the PDSCH.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Format {
    /// No PDSCH.
    Silent,
    /// As the reported CQI says.
    Reported,
    /// As this CQI says.
    Cqi(u8),
    /// Q_m and target code rate, HARQ with four transmissions at most.
    Fixed(u8, f32),
}

/// Where the PDSCH lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// All of the carrier.
    Carrier,
    /// A subband drawn among those with the highest reported level, in the format that is reported for it.
    BestSubband,
    /// A subband drawn among all.
    AnySubband,
}

/// What is sent in a run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Plan {
    /// Bit i allows rank i + 1 in reports.
    pub ranks: u8,
    /// twoTX-CodebookSubsetRestriction.
    pub subset: u8,
    /// Modulation and coding.
    pub format: Format,
    /// Where.
    pub place: Place,
    /// Precoders drawn slot by slot, instead of those reported.
    pub random_precoder: bool,
}

/// What came of a run.
#[derive(Clone, Default, Debug)]
pub struct Outcome {
    /// Reports, in the order of time.
    pub reports: Vec<CsiValues>,
    /// Slots that could carry a PDSCH.
    pub slots: u64,
    /// PDSCHs.
    pub sent: u64,
    /// PDSCHs that were not decoded.
    pub lost: u64,
    /// Bits of transport blocks that arrived.
    pub bits: u64,
}

impl Outcome {
    /// Bits a slot.
    pub fn throughput(&self) -> f64 {
        self.bits as f64 / self.slots.max(1) as f64
    }

    /// Lost over sent.
    pub fn bler(&self) -> f64 {
        self.lost as f64 / self.sent.max(1) as f64
    }

    /// The median of the wideband CQI.
    pub fn median_cqi(&self) -> u8 {
        let mut all: Vec<u8> = self.reports.iter().map(|r| r.cqi).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or(0)
    }

    /// Share of the reports whose wideband CQI is more than one off `cqi`.
    pub fn off_by_more_than_one(&self, cqi: u8) -> f64 {
        let off = self.reports.iter().filter(|r| r.cqi.abs_diff(cqi) > 1).count();
        off as f64 / self.reports.len().max(1) as f64
    }

    /// Share of the reports with level 0 in a subband. Spec: TS 38.214 table 5.2.2.1-1
    pub fn level_0(&self, subband: usize) -> f64 {
        let zero = self.reports.iter().filter(|r| r.cqi_difference.get(subband) == Some(&0)).count();
        zero as f64 / self.reports.len().max(1) as f64
    }
}

/// Q_m and R x 1024 of a CQI's format; `None` for CQI 0 and beyond 15. Spec: TS 38.101-4 annex A.4
fn format_of(table: McsTable, cqi: u8) -> Option<(u8, f32)> {
    // No MCS has less, but in the table for low spectral efficiency.
    let (rows, least) = match table {
        McsTable::Qam64 => (&cqi::TABLE_1, 120.0),
        McsTable::Qam256 => (&cqi::TABLE_2, 120.0),
        McsTable::Qam64LowSe => (&cqi::TABLE_3, 30.0),
        McsTable::Qam1024 => (&cqi::TABLE_4, 120.0),
    };
    let row = rows.get(usize::from(cqi)).filter(|_| cqi > 0)?;
    Some((row.q_m, row.rate_x1024().max(least)))
}

/// CQI of a subband by its level: the offset is at least 2 for level 2, at most -1 for level 3. Spec: TS 38.214 table 5.2.2.1-1
fn subband_cqi(wideband: u8, level: u8) -> u8 {
    match level {
        1 => wideband + 1,
        2 => wideband + 2,
        3 => wideband.saturating_sub(1),
        _ => wideband,
    }
    .min(15)
}

/// From the lowest level to the highest: 3 is -1 and less.
fn height(level: u8) -> u8 {
    (level + 1) % 4
}

/// A HARQ process.
struct Process {
    soft: SoftBuffer,
    tb: Vec<u8>,
    n_sent: u8,
}

/// CSI reports under simulation.
pub struct CsiLink {
    case: CsiCase,
    csi_rs: CsiRsPdu,
    csi_im: CsiImResource,
    transmitter: PdschTransmitter,
    receiver: PdschReceiver,
    measuring: CsiRsReceiver,
    computer: CsiComputer,
    channel: CsiRsChannel,
    radio: Radio,
    sent: Grid,
    precoders: Vec<PrecodingMatrix>,
    processes: Vec<Process>,
    out: Vec<u8>,
    state: u64,
    /// Of the beams at the segment's start, radians.
    direction: f64,
    /// Reports under way, with the slot of their effect.
    under_way: VecDeque<(u64, CsiValues)>,
    in_effect: Option<CsiValues>,
}

impl CsiLink {
    /// Plans for a case.
    ///
    /// Errors: ports without CSI-RS (two, four and eight have one here), a carrier or a channel that cannot be.
    pub fn new(case: CsiCase, isa: Isa) -> Result<CsiLink, LinkError> {
        let Antennas { n_tx, n_rx, .. } = case.antennas;
        let carrier = Carrier::new(case.numerology, case.carrier_rb.into(), 0.0).map_err(LinkError::new)?;
        if case.codebook.n_ports() != n_tx || case.period < 2 || case.subband_rb > case.carrier_rb {
            return Err(LinkError::new("expected as many ports as transmit antennas, and slots between CSI-RSs"));
        }
        // TS 38.211 table 7.4.1.5.3-1; TS 38.101-4 tables 6.2.2.1.1.1-1, 6.3.2.1.1-1, 6.3.2.1.2-1.
        let (row, k, l0) = match n_tx {
            2 => (3, [6, 0, 0, 0, 0, 0], 13),
            4 => (4, [0; 6], 13),
            8 => (8, [4, 6, 0, 0, 0, 0], 5),
            _ => return Err(LinkError::new("expected 2, 4 or 8 ports")),
        };
        let (n_rb, layers) = (usize::from(case.carrier_rb), usize::from(n_tx.min(n_rx).min(4)));
        let tbs_max = case.carrier_rb as usize * 12 * 12 * 10 * layers;
        let process = || Process { soft: SoftBuffer::new(tbs_max as u32), tb: Vec::new(), n_sent: 0 };
        Ok(CsiLink {
            csi_rs: CsiRsPdu {
                id: 0,
                row,
                k,
                l0,
                l1: 0,
                density_x2: 2,
                odd_rbs: false,
                start_rb: 0,
                n_rb: case.carrier_rb,
                scrambling_id: 0,
                period_slots: case.period as u16,
                offset_slots: 1,
                power_offset_ss_db: 0,
                trs: false,
            },
            csi_im: CsiImResource {
                id: 0,
                pattern: 0,
                k: 4,
                l: 9,
                start_rb: 0,
                n_rb: case.carrier_rb,
                period_slots: case.period as u16,
                offset_slots: 1,
            },
            transmitter: PdschTransmitter::new(isa, n_rb, layers),
            receiver: PdschReceiver::new(isa, n_rb, n_rx.into(), layers),
            measuring: CsiRsReceiver::new(isa),
            computer: CsiComputer::new(),
            channel: CsiRsChannel::default(),
            radio: Radio::new(carrier, case.antennas, case.propagation, isa)?,
            sent: Grid::new(n_tx.into(), carrier.n_subcarriers()),
            precoders: Vec::new(),
            processes: (0..PROCESSES).map(|_| process()).collect(),
            out: Vec::new(),
            state: 0,
            direction: 0.0,
            under_way: VecDeque::new(),
            in_effect: None,
            case,
        })
    }

    /// Runs `slots` slots at `snr_db`; runs of one seed have the same channels.
    ///
    /// Errors: what the physical layer says.
    pub fn run(&mut self, plan: &Plan, snr_db: f64, slots: u64, seed: u64) -> Result<Outcome, LinkError> {
        let mut outcome = Outcome::default();
        let noise = libm::pow(10.0, -snr_db / 10.0);
        for at in 0..slots {
            let since = at % SEGMENT;
            if since == 0 {
                self.start(seed.wrapping_add(at / SEGMENT));
            }
            let slot = SlotPoint::from_count(self.case.numerology, since as i64);
            if since % self.case.period == 1 {
                let report = self.report(plan, slot, since, noise)?;
                outcome.reports.push(report);
                self.under_way.push_back((since + self.case.delay, report));
            } else {
                self.data(plan, slot, since, noise, &mut outcome)?;
            }
        }
        Ok(outcome)
    }

    fn start(&mut self, seed: u64) {
        self.state = seed ^ 0x0063_7369;
        self.radio.reseed(dsp::noise::split_mix_64(&mut self.state));
        self.direction = self.draw(1 << 20) as f64 / (1 << 20) as f64 * core::f64::consts::TAU;
        self.under_way.clear();
        self.in_effect = None;
        self.processes.iter_mut().for_each(|p| p.n_sent = 0);
    }

    fn draw(&mut self, below: u64) -> u64 {
        (dsp::noise::split_mix_64(&mut self.state) >> 16) % below.max(1)
    }

    /// Turns what each antenna sends by the direction of the beams: antennas of one polarisation follow one another.
    fn steer(&mut self, since: u64) {
        let ms = since as f64 / f64::from(self.case.numerology.slots_per_subframe());
        let step = (self.direction + BEAM_STEP * ms) / core::f64::consts::TAU;
        let per_polarisation = (self.sent.n_ports() / 2).max(1);
        for port in 0..self.sent.n_ports() {
            let turn = dsp::unit_phasor(step * (port % per_polarisation) as f64);
            let turn = Cf32::new(turn.re as f32, turn.im as f32);
            (0..14).for_each(|l| self.sent.symbol_mut(port, l).iter_mut().for_each(|x| *x *= turn));
        }
    }

    fn report(&mut self, plan: &Plan, slot: SlotPoint, since: u64, noise: f64) -> Result<CsiValues, LinkError> {
        self.sent.clear();
        csi_rs::transmit(&self.csi_rs, slot, 0, &mut self.sent).map_err(LinkError::new)?;
        if self.case.steered {
            self.steer(since);
        }
        let received = self.radio.slot(slot, &self.sent, noise)?;
        self.measuring.channel(&self.csi_rs, slot, 0, received, &mut self.channel).map_err(LinkError::new)?;
        let interference = self.measuring.interference(&self.csi_im, received).map_err(LinkError::new)?;
        let content = CsiContent {
            quantity: CsiQuantity::Pmi { li: false },
            codebook: self.case.codebook,
            ranks: plan.ranks,
            n_resources: 1,
            cqi_subbands: self.n_subbands().min(19) as u8,
            pmi_subbands: 0,
        };
        self.computer.set_two_port_subset(plan.subset);
        let subband = usize::from(self.case.subband_rb);
        let values = self.computer.compute(&self.channel, Some(&interference), &content, self.case.table, 0.0, subband);
        values.map_err(|e| LinkError(format!("{e:?}")))
    }

    /// Subbands of the carrier, the last one shorter or not; 0 where all is wideband.
    fn n_subbands(&self) -> usize {
        match self.case.subband_rb {
            0 => 0,
            size => usize::from(self.case.carrier_rb.div_ceil(size)),
        }
    }

    /// First RB, RBs, and CQI if it is reported, of the PDSCH in a slot.
    fn place(&mut self, plan: &Plan, values: &CsiValues) -> (u16, u16, u8) {
        let size = self.case.subband_rb;
        let full = usize::from(self.case.carrier_rb.checked_div(size).unwrap_or(0));
        match plan.place {
            Place::Carrier => (0, self.case.carrier_rb, values.cqi),
            Place::AnySubband => (self.draw(full as u64) as u16 * size, size, values.cqi),
            Place::BestSubband => {
                let levels = &values.cqi_difference[..full.min(values.cqi_difference.len())];
                let best = levels.iter().map(|l| height(*l)).max().unwrap_or(0);
                let those: Vec<usize> = (0..levels.len()).filter(|i| height(levels[*i]) == best).collect();
                let drawn = self.draw(those.len() as u64) as usize;
                let chosen = those.get(drawn).copied().unwrap_or(0);
                let level = levels.get(chosen).copied().unwrap_or(0);
                (chosen as u16 * size, size, subband_cqi(values.cqi, level))
            }
        }
    }

    fn data(
        &mut self,
        plan: &Plan,
        slot: SlotPoint,
        since: u64,
        noise: f64,
        outcome: &mut Outcome,
    ) -> Result<(), LinkError> {
        while self.under_way.front().is_some_and(|r| r.0 <= since) {
            self.in_effect = self.under_way.pop_front().map(|r| r.1);
        }
        self.sent.clear();
        let (Some(values), true) = (self.in_effect, plan.format != Format::Silent) else {
            let _ = self.radio.slot(slot, &self.sent, noise)?;
            return Ok(());
        };
        outcome.slots += 1;
        let (first_rb, n_rb, cqi) = self.place(plan, &values);
        let (cqi, harq) = match plan.format {
            Format::Cqi(fixed) => (fixed, 1),
            Format::Fixed(..) => (cqi, REDUNDANCY.len()),
            _ => (cqi, 1),
        };
        let format = match plan.format {
            Format::Fixed(q_m, rate) => Some((q_m, rate)),
            _ => format_of(self.case.table, cqi),
        };
        let Some((q_m, rate_x1024)) = format else {
            // Out of range: nothing can be sent.
            let _ = self.radio.slot(slot, &self.sent, noise)?;
            return Ok(());
        };
        let case = self.shared(first_rb, n_rb, q_m, rate_x1024, values.rank);
        let precoder = self.precoder(plan, &values);
        self.precoders.clear();
        self.precoders.resize(usize::from(self.case.carrier_rb).div_ceil(2), precoder);
        let delivered = self.exchange(&case, slot, since, noise, harq)?;
        outcome.sent += 1;
        outcome.lost += u64::from(!delivered);
        outcome.bits += if delivered { u64::from(case.tbs_bits) } else { 0 };
        Ok(())
    }

    /// Transport block of a CQI's format over the whole carrier; `None` for CQI 0 and beyond 15. Spec: TS 38.101-4 annex A.4
    pub fn format_bits(&self, cqi: u8, rank: u8) -> Option<u32> {
        let (q_m, rate_x1024) = format_of(self.case.table, cqi)?;
        Some(self.shared(0, self.case.carrier_rb, q_m, rate_x1024, rank).tbs_bits)
    }

    /// The PDSCH as `SharedCase` has it. Spec: TS 38.101-4 table 6.1.2-1
    fn shared(&self, first_rb: u16, n_rb: u16, q_m: u8, rate_x1024: f32, n_layers: u8) -> SharedCase {
        let case = SharedCase {
            direction: Direction::Downlink,
            numerology: self.case.numerology,
            carrier_rb: self.case.carrier_rb,
            first_rb,
            n_rb,
            start_symbol: 2,
            n_symbols: 12,
            mapping: MappingType::A,
            dmrs_symbols: 1 << 2 | 1 << 11,
            n_cdm_groups: 2,
            q_m,
            rate_x1024,
            tbs_bits: 0,
            n_layers,
            prg_size: 2,
            transform_precoding: false,
            n_transmissions: 1,
            ldpc_iterations: 10,
            detector: Detector::Joint,
            antennas: self.case.antennas,
            propagation: self.case.propagation,
        };
        SharedCase { tbs_bits: case.tbs_bits(), ..case }
    }

    /// The precoder that is reported, or one drawn among all of its rank.
    fn precoder(&mut self, plan: &Plan, values: &CsiValues) -> PrecodingMatrix {
        let (codebook, rank) = (self.case.codebook, values.rank);
        let pmi = match codebook.range(rank).filter(|_| plan.random_precoder) {
            None => values.pmi,
            Some(r) => Pmi {
                i11: self.draw(r.i11.into()) as u8,
                i12: self.draw(r.i12.into()) as u8,
                i13: self.draw(r.i13.into()) as u8,
                i2: self.draw(r.i2.into()) as u8,
            },
        };
        let n_ports = codebook.n_ports();
        let mut matrix = PrecodingMatrix { n_ports, w: [[(0.0, 0.0); 4]; 8] };
        for (port, row) in matrix.w.iter_mut().enumerate().take(n_ports.into()) {
            for (layer, w) in row.iter_mut().enumerate().take(rank.into()) {
                *w = codebook.weight(rank, &pmi, port as u8, layer as u8).unwrap_or((0.0, 0.0));
            }
        }
        matrix
    }

    /// Sends a transport block, or once more the one under way, and says whether it arrived.
    fn exchange(
        &mut self,
        case: &SharedCase,
        slot: SlotPoint,
        since: u64,
        noise: f64,
        harq: usize,
    ) -> Result<bool, LinkError> {
        let at = (since % PROCESSES as u64) as usize;
        let process = &mut self.processes[at];
        if process.n_sent == 0 {
            process.tb.clear();
            process.tb.resize(case.tbs_bits as usize / 8, 0);
            process.tb.iter_mut().for_each(|b| *b = dsp::noise::split_mix_64(&mut self.state) as u8);
        }
        let mut pdu = case.pdsch();
        (pdu.coding.rv, pdu.new_data) = (REDUNDANCY[usize::from(process.n_sent % 4)], process.n_sent == 0);
        let sent = self.transmitter.transmit_precoded(&pdu, &process.tb, &self.precoders, slot, &mut self.sent);
        sent.map_err(LinkError::new)?;
        if self.case.steered {
            self.steer(since);
        }
        let received = self.radio.slot(slot, &self.sent, noise)?;
        let process = &mut self.processes[at];
        self.out.resize(process.tb.len(), 0);
        let result =
            self.receiver.receive(&pdu, slot, received, &mut process.soft, case.ldpc_iterations, &mut self.out);
        let delivered = result.map_err(LinkError::new)?.crc_ok && self.out == process.tb;
        let over = delivered || usize::from(process.n_sent) + 1 >= harq;
        process.n_sent = if over { 0 } else { process.n_sent + 1 };
        Ok(delivered)
    }
}
