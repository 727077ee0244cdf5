//! From a block's MIB to SIB1: CORESET 0, search space 0, DCI, PDSCH.
//!
//! How symbols turn (see [`super::slots`]) the block itself shows, but for what is a multiple of a half turn: that is tried out. At 15 kHz
//! the longer prefix in mid-slot adds a turn that the block does not show where the centre is unknown: it is tried out too.
//!
//! Spec: TS 38.213 §13, TS 38.212 §7.3.1.2.1, TS 38.331 §5.2.2

use std::fmt;

use dsp::mix::Nco;
use dsp::{Cf32, Isa};
use fapi::dci::{Dci, DciContext, DciSi, RntiKind, decode};
use fapi::resolve::{self, AGGREGATION_LEVELS, Heard, Type0, candidates, occasion_symbols, pdcch_scrambling};
use fapi::{CellConfig, SearchSpaceKind, SsbCase};
use fec::sch::SoftBuffer;
use nr::{Numerology, Rnti, SlotPoint};
use ofdm::{Carrier, Demodulator, Grid};
use phy::pdcch::{DciTarget, PdcchReceiver};
use phy::pdsch::PdschReceiver;
use phy::ssb::{PbchPayload, SsbDetection, measure};
use ue_cp::apply::sib1::{FoundCell, mib_view, plmns};

use super::coreset0::{assignment, cell_of};
use super::recording::resample;
use super::slots::{Slots, Timing, Turning, carrier_for, longer_prefix_s, symbol_s};

/// Slots looked at on either side of the block: half its period.
const AROUND_MS: i64 = 11;
/// Phases tried for the second half of a 15 kHz slot.
const HALF_SLOT_PHASES: usize = 8;
/// LDPC iterations.
const ITERATIONS: u8 = 20;
/// SIB1 has at most 2976 bits. Spec: TS 38.331 §5.2.1
const SIB1_BITS_MAX: u32 = 8192;

/// SIB1 of a cell.
#[derive(Clone, Debug)]
pub struct Sib1Found {
    /// BCCH-DL-SCH-Message as it was sent, padding left out.
    pub bytes: Vec<u8>,
    /// PLMN, tracking area and cell of each entry.
    pub plmns: Vec<(nr::Plmn, Option<u32>, u64)>,
    /// As it was read.
    pub sib1: rrc::Sib1,
    /// The cell as its MIB describes it, with what was found out on the way.
    pub view: resolve::MibView,
    /// How symbols turn at the block's centre.
    pub turning: Turning,
}

impl Sib1Found {
    /// The keys of `lab scan --json`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "hex": io_hex(&self.bytes),
            "plmns": self.plmns.iter().map(|p| p.0.to_string()).collect::<Vec<_>>(),
            "tac": self.plmns.first().and_then(|p| p.1),
            "cell_id": self.plmns.first().map(|p| p.2),
        })
    }
}

impl fmt::Display for Sib1Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (plmn, tac, cell_id) in &self.plmns {
            write!(f, "PLMN {plmn}, ")?;
            if let Some(tac) = tac {
                write!(f, "TAC {tac}, ")?;
            }
            write!(f, "cell {cell_id:#x}, ")?;
        }
        write!(f, "{}", io_hex(&self.bytes))
    }
}

pub fn io_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A block with everything that is known and supposed of it.
pub struct Block<'a> {
    /// The block.
    pub detection: &'a SsbDetection,
    /// Its PBCH.
    pub payload: &'a PbchPayload,
    /// L_max.
    pub l_max: u8,
    /// Its subcarrier spacing.
    pub numerology: Numerology,
    /// Its MIB.
    pub mib: &'a rrc::Mib,
    /// SS_REF if known.
    pub ssb_hz: Option<f64>,
    /// Patterns to be tried.
    pub cases: &'static [SsbCase],
    /// Tables 13-5 and 13-6, if known.
    pub min_bandwidth_40mhz: Option<bool>,
}

/// SIB1, from the slots around a block; `None` if it is not there.
pub fn read(
    samples: &[Cf32],
    rate_hz: f64,
    bandwidth_hz: f64,
    centre_hz: Option<f64>,
    block: &Block<'_>,
    isa: Isa,
) -> Option<Sib1Found> {
    // A block of unknown frequency is put where it does not matter: only differences are used.
    let found = FoundCell {
        pci: block.detection.pci,
        ssb_hz: block.ssb_hz.unwrap_or(3.5e9),
        band: 0,
        k_ssb: block.payload.k_ssb,
        ssb_index: block.payload.ssb_index,
        ssb_numerology: block.numerology,
        ssb_case: SsbCase::A,
        l_max: block.l_max,
        mib: block.mib.clone(),
    };
    let wide: &[bool] = match (block.min_bandwidth_40mhz, block.numerology.scs_khz()) {
        (Some(true), _) => &[true],
        (Some(false), _) => &[false],
        (None, 30) => &[false, true],
        _ => &[false],
    };
    for (&ssb_case, &min_bandwidth_40mhz) in block.cases.iter().flat_map(|c| wide.iter().map(move |w| (c, w))) {
        let view = resolve::MibView { ssb_case, min_bandwidth_40mhz, ..mib_view(&found) };
        let Ok((cell, type0)) = cell_of(&view, block.payload.sfn, block.payload.half_frame) else { continue };
        let reader = Reader::new(samples, rate_hz, bandwidth_hz, centre_hz, block, cell, type0, isa);
        if let Some((sib1, turning, bytes)) = reader.and_then(|mut r| r.read()) {
            return Some(Sib1Found { plmns: plmns(&sib1), bytes, sib1, view, turning });
        }
    }
    None
}

/// SIB1, how symbols turn at the block's centre, the message's bytes.
type Read = (rrc::Sib1, Turning, Vec<u8>);

struct Reader<'a> {
    /// The recording's centre plus what it is mixed by, if the first is known.
    mix_hz: Option<f64>,
    /// CORESET 0's centre over the block's.
    above_ssb: f64,
    /// Phase from symbol to symbol, as the block shows it, in turns; candidates.
    turns: Vec<f64>,
    cell: CellConfig,
    type0: Type0,
    slots: Slots<'a>,
    pdcch: PdcchReceiver,
    pdsch: PdschReceiver,
}

impl<'a> Reader<'a> {
    fn new(
        samples: &'a [Cf32],
        rate_hz: f64,
        bandwidth_hz: f64,
        centre_hz: Option<f64>,
        block: &Block<'_>,
        cell: CellConfig,
        type0: Type0,
        isa: Isa,
    ) -> Option<Reader<'a>> {
        let numerology = cell.dl.numerology;
        let (scs, n_rb) = (f64::from(numerology.scs_hz()), usize::from(cell.dl.n_rb));
        let above_ssb = type0.low_hz + 6.0 * n_rb as f64 * scs - cell.ssb.frequency_hz;
        let offset_hz = block.detection.offset_hz + above_ssb;
        if offset_hz.abs() + 6.0 * n_rb as f64 * scs > bandwidth_hz / 2.0 {
            return None;
        }
        let carrier = carrier_for(numerology, n_rb, rate_hz)?;
        let (block_symbol_s, symbol_s) = (symbol_s(block.numerology), symbol_s(numerology));
        let block_turns = turns_of_block(samples, rate_hz, block, isa)?;
        // M = -(turns + j/2) / T of the block; the set is mixed by so much more.
        let of = |j: usize| {
            let mix_hz = -(block_turns + 0.5 * j as f64) / block_symbol_s + above_ssb;
            (-mix_hz * symbol_s).rem_euclid(1.0)
        };
        let n = (2.0 * block_symbol_s / symbol_s).round().max(1.0) as usize;
        let frame_start = frame_start(cell.ssb.case, block, rate_hz)?;
        let timing = Timing { sfn: block.payload.sfn, frame_start, offset_hz };
        Some(Reader {
            mix_hz: centre_hz.map(|c| c + offset_hz),
            above_ssb,
            turns: (0..n).map(of).collect(),
            slots: Slots::new(samples, rate_hz, timing, carrier, isa).ok()?,
            pdcch: PdcchReceiver::new(),
            pdsch: PdschReceiver::new(isa, n_rb, 1, 1),
            cell,
            type0,
        })
    }

    fn read(&mut self) -> Option<Read> {
        let around = AROUND_MS * i64::from(self.cell.dl.numerology.slots_per_subframe());
        // Slots of the frame of the block and its neighbours, as far as they were recorded.
        for n in -around..2 * around {
            if !self.type0.search_space.is_monitored(self.slots.slot(n)) {
                continue;
            }
            for turns in self.turns.clone() {
                let Some(slot) = self.load(n, turns) else { break };
                if let Some(read) = self.listen(slot, n, turns) {
                    return Some(read);
                }
            }
        }
        None
    }

    fn load(&mut self, n: i64, turns: f64) -> Option<SlotPoint> {
        self.slots.load_turned(n, Turning { turns, half: 0.0 })
    }

    /// Looks for DCIs with SI-RNTI in the grid, and follows them.
    fn listen(&mut self, slot: SlotPoint, n: i64, turns: f64) -> Option<Read> {
        let coreset = *self.cell.coresets.first()?;
        let space = self.type0.search_space;
        let context = DciContext::common(&self.cell);
        let size = context.size_fallback(SearchSpaceKind::Common).ok()?;
        let rntis = [Rnti::SI.0];
        let targets = [DciTarget { n_bits: usize::from(size), rntis: &rntis }];
        let (n_id, n_rnti) = pdcch_scrambling(&coreset, SearchSpaceKind::Common, Rnti::SI, self.cell.pci.get());
        for l0 in occasion_symbols(&space) {
            if self.pdcch.prepare(&coreset, l0, slot, self.slots.grid()) == 0 {
                continue;
            }
            for level_idx in (0..5).rev() {
                for cce in candidates(&space, &coreset, Rnti::SI, slot, level_idx) {
                    let level = AGGREGATION_LEVELS[level_idx];
                    let heard = self.pdcch.receive(self.slots.grid(), cce, level, n_rnti, n_id, &targets);
                    let Some(heard) = heard else { continue };
                    let Ok(dci) = decode(heard.payload.as_slice(), RntiKind::Si, SearchSpaceKind::Common, &context)
                    else {
                        continue;
                    };
                    let heard = Heard {
                        slot,
                        rnti: Rnti::SI,
                        rnti_kind: RntiKind::Si,
                        kind: SearchSpaceKind::Common,
                        coreset: &coreset,
                    };
                    if let Dci::Si(dci) = dci
                        && let Some(sib1) = self.follow(&dci, &heard, n, turns)
                    {
                        return Some(sib1);
                    }
                }
            }
        }
        None
    }

    /// Receives the PDSCH that a DCI assigns; `n` counts the DCI's slot as [`Reader::load`] does.
    fn follow(&mut self, dci: &DciSi, heard: &Heard<'_>, n: i64, turns: f64) -> Option<Read> {
        let assignment = assignment(dci, heard, &self.cell, self.type0.coreset0.pattern).ok()?;
        let (pdu, slot) = (assignment.pdu, assignment.slot);
        if pdu.coding.tbs_bytes > SIB1_BITS_MAX / 8 {
            return None;
        }
        if slot != heard.slot {
            self.load(n + slot.minus(heard.slot), turns)?;
        }
        let late = self.cell.dl.numerology == Numerology::KHZ15 && pdu.start_symbol + pdu.n_symbols > 7;
        let halves: Vec<f64> = match self.mix_hz {
            Some(mix_hz) => vec![(mix_hz * longer_prefix_s()).rem_euclid(1.0)],
            None if late => (0..HALF_SLOT_PHASES).map(|i| i as f64 / HALF_SLOT_PHASES as f64).collect(),
            None => vec![0.0],
        };
        for half in halves {
            let turned = if late { half } else { 0.0 };
            self.slots.turn(|l| if l >= 7 { turned } else { 0.0 });
            let read = self.decode(&pdu, slot);
            self.slots.turn(|l| if l >= 7 { -turned } else { 0.0 });
            if let Some((sib1, bytes)) = read {
                let turning = Turning { turns, half }.moved(-self.above_ssb, self.cell.dl.numerology);
                return Some((sib1, turning, bytes));
            }
        }
        None
    }

    fn decode(&mut self, pdu: &fapi::PdschPdu, slot: SlotPoint) -> Option<(rrc::Sib1, Vec<u8>)> {
        let mut soft = SoftBuffer::new(SIB1_BITS_MAX);
        let mut tb = vec![0; pdu.coding.tbs_bytes as usize];
        let result = self.pdsch.receive(pdu, slot, self.slots.grid(), &mut soft, ITERATIONS, &mut tb).ok()?;
        if !result.crc_ok {
            return None;
        }
        let message = rrc::decode::<rrc::BcchDlSchMessage>(&tb).ok()?;
        // Padding follows what was encoded.
        if let Ok(encoded) = rrc::encode(&message)
            && tb.starts_with(&encoded)
        {
            tb.truncate(encoded.len());
        }
        let rrc::BcchDlSchMessageType::C1(rrc::BcchDlSchMessageTypeC1::SystemInformationBlockType1(sib1)) =
            message.message
        else {
            return None;
        };
        Some((sib1, tb))
    }
}

/// Phase from symbol to symbol of the block, mixed by its offset, turns; but for multiples of a half.
pub fn turns_of_block(samples: &[Cf32], rate_hz: f64, block: &Block<'_>, isa: Isa) -> Option<f64> {
    // Twenty RBs with their first symbol at the block's; symbols of one length follow each other in a slot.
    let slot = SlotPoint::new(block.numerology, 0, 0);
    let carrier = carrier_for(block.numerology, 20, rate_hz)?;
    let carrier_rate = f64::from(carrier.sample_rate_hz());
    let lead = carrier.symbol_start(slot, 1) + carrier.cp_len(slot, 1);
    let n = (carrier.slot_len(slot) as f64 / carrier_rate * rate_hz) as i64;
    let start = block.detection.pss_start - lead as f64 / carrier_rate * rate_hz;
    let first = start.floor() as i64;
    let mut x: Vec<Cf32> = (first..first + n + 1)
        .map(|i| usize::try_from(i).ok().and_then(|i| samples.get(i)).copied().unwrap_or_default())
        .collect();
    Nco::new(-block.detection.offset_hz / rate_hz).mix(isa, &mut x);
    let x = resample(&x, rate_hz, carrier_rate);
    let mut demodulator = Demodulator::new(carrier, isa).ok()?;
    let mut grid = Grid::new(1, carrier.n_subcarriers());
    let advance = carrier.fft_len() * 9 / 128 / 4;
    for l in 1..5 {
        let at = carrier.symbol_start(slot, l) + ((start - first as f64) * carrier_rate / rate_hz).round() as usize;
        let symbol = x.get(at..at + carrier.symbol_len(slot, l))?;
        demodulator.demodulate_symbol(slot, l, symbol, advance, grid.symbol_mut(0, l)).ok()?;
    }
    let m = measure(&grid, 0, 1, 0, block.detection.pci, block.detection.i_bar)?;
    Some(f64::from(m.turns_per_symbol))
}

/// First sample of the frame in which the block lies. Spec: TS 38.213 §4.1
pub fn frame_start(case: SsbCase, block: &Block<'_>, rate_hz: f64) -> Option<f64> {
    let numerology = block.numerology;
    let symbol = resolve::ssb_first_symbol(case, block.payload.ssb_index)?;
    let half = if block.payload.half_frame { numerology.slots_per_frame() / 2 } else { 0 };
    let (slot, l) = (half + u32::from(symbol) / 14, usize::from(symbol) % 14);
    let slot = SlotPoint::new(numerology, 0, slot);
    // Any carrier of the numerology counts symbols exactly.
    let carrier = Carrier::with_fft_len(numerology, 20, 2048, 0.0).ok()?;
    let before = carrier.slot_start_in_frame(slot) + carrier.symbol_start(slot, l) + carrier.cp_len(slot, l);
    Some(block.detection.pss_start - before as f64 / f64::from(carrier.sample_rate_hz()) * rate_hz)
}
