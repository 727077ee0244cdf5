//! From a block's MIB to SIB1: CORESET 0, search space 0, DCI, PDSCH.
//!
//! A base station starts every symbol with the carrier's phase at zero (TS 38.211 §5.4), so symbols turn against a receiver whose centre
//! is elsewhere. The block itself shows by how much a symbol, but for what is a multiple of a half turn: that is tried out. At 15 kHz the
//! longer prefix in mid-slot adds a turn that the block does not show where the centre is unknown: it is tried out too.
//!
//! | in the formula | here | meaning |
//! |---|---|---|
//! | M | `mix_hz` | frequency by which the recording was mixed, centre included |
//! | T | `symbol_s` | symbol with its short prefix |
//! | -M T | `turns` | phase from symbol to symbol |
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

fn io_hex(bytes: &[u8]) -> String {
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
        if let Some(sib1) = reader.and_then(|mut r| r.read()) {
            return Some(sib1);
        }
    }
    None
}

struct Reader<'a> {
    samples: &'a [Cf32],
    rate_hz: f64,
    /// The recording's centre plus what it is mixed by, if the first is known.
    mix_hz: Option<f64>,
    /// Distance of CORESET 0's centre from the recording's.
    offset_hz: f64,
    /// Phase from symbol to symbol, as the block shows it, in turns; candidates.
    turns: Vec<f64>,
    sfn: u16,
    /// First sample of the block's frame.
    frame_start: f64,
    cell: CellConfig,
    type0: Type0,
    isa: Isa,
    demodulator: Demodulator,
    grid: Grid,
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
        let symbol = 1.0 + 9.0 / 128.0;
        let (block_symbol_s, symbol_s) = (symbol / f64::from(block.numerology.scs_hz()), symbol / scs);
        let block_turns = turns_of_block(samples, rate_hz, block, isa)?;
        // M = -(turns + j/2) / T of the block; the set is mixed by so much more.
        let of = |j: usize| {
            let mix_hz = -(block_turns + 0.5 * j as f64) / block_symbol_s + above_ssb;
            (-mix_hz * symbol_s).rem_euclid(1.0)
        };
        let n = (2.0 * block_symbol_s / symbol_s).round().max(1.0) as usize;
        Some(Reader {
            samples,
            rate_hz,
            mix_hz: centre_hz.map(|c| c + offset_hz),
            offset_hz,
            turns: (0..n).map(of).collect(),
            sfn: block.payload.sfn,
            frame_start: frame_start(&cell, block, rate_hz)?,
            demodulator: Demodulator::new(carrier, isa).ok()?,
            grid: Grid::new(1, carrier.n_subcarriers()),
            pdcch: PdcchReceiver::new(),
            pdsch: PdschReceiver::new(isa, n_rb, 1, 1),
            cell,
            type0,
            isa,
        })
    }

    fn read(&mut self) -> Option<Sib1Found> {
        let numerology = self.cell.dl.numerology;
        let around = AROUND_MS * i64::from(numerology.slots_per_subframe());
        let frame = SlotPoint::new(numerology, u32::from(self.sfn), 0);
        // Slots of the frame of the block and its neighbours, as far as they were recorded.
        let slots: Vec<i64> = (-around..2 * around).collect();
        for n in slots {
            let slot = frame.plus(n);
            if self.type0.search_space.is_monitored(slot) && self.load(slot, n).is_some() {
                for turns in self.turns.clone() {
                    self.turn(|l| -turns * l as f64);
                    let sib1 = self.listen(slot, n, turns);
                    self.load(slot, n)?;
                    if sib1.is_some() {
                        return sib1;
                    }
                }
            }
        }
        None
    }

    /// The slot's grid out of the recording: CORESET 0 alone, symbols that were not recorded zero. `None` if no symbol was.
    fn load(&mut self, slot: SlotPoint, n: i64) -> Option<()> {
        let carrier = *self.demodulator.carrier();
        let carrier_rate = f64::from(carrier.sample_rate_hz());
        let per_frame = i64::from(carrier.numerology().slots_per_frame());
        let seconds = n.div_euclid(per_frame) as f64 * 0.01 + carrier.slot_start_in_frame(slot) as f64 / carrier_rate;
        let start = self.frame_start + seconds * self.rate_hz;
        let margin = 64.0;
        let len = carrier.slot_len(slot);
        // The slot with a margin, as much of it as there is; the rest is silence.
        let first = (start - margin).floor() as i64;
        let wanted = (len as f64 / carrier_rate * self.rate_hz + 2.0 * margin) as usize;
        let mut x = vec![Cf32::default(); wanted];
        let from = first.clamp(0, self.samples.len() as i64) as usize;
        let to = (first + wanted as i64).clamp(from as i64, self.samples.len() as i64) as usize;
        if to - from < (self.rate_hz / f64::from(carrier.numerology().scs_hz())) as usize {
            return None;
        }
        let at = (from as i64 - first) as usize;
        x[at..at + to - from].copy_from_slice(&self.samples[from..to]);
        Nco::new(-self.offset_hz / self.rate_hz).mix(self.isa, &mut x);
        let lead = (start - first as f64) * carrier_rate / self.rate_hz;
        let x = resample(&x, self.rate_hz, carrier_rate);
        let lead = lead.round() as usize;
        let advance = carrier.fft_len() * 9 / 128 / 4;
        for l in 0..14 {
            let at = lead + carrier.symbol_start(slot, l);
            let row = self.grid.symbol_mut(0, l);
            let symbol = x.get(at..at + carrier.symbol_len(slot, l));
            let done = symbol.is_some_and(|s| self.demodulator.demodulate_symbol(slot, l, s, advance, row).is_ok());
            if !done {
                row.fill(Cf32::default());
            }
        }
        Some(())
    }

    /// Turns each symbol of the grid.
    fn turn(&mut self, turns: impl Fn(usize) -> f64) {
        for l in 0..14 {
            let phasor = dsp::unit_phasor(turns(l));
            let phasor = Cf32::new(phasor.re as f32, phasor.im as f32);
            self.grid.symbol_mut(0, l).iter_mut().for_each(|z| *z *= phasor);
        }
    }

    /// Looks for DCIs with SI-RNTI in the grid, and follows them.
    fn listen(&mut self, slot: SlotPoint, n: i64, turns: f64) -> Option<Sib1Found> {
        let coreset = *self.cell.coresets.first()?;
        let space = self.type0.search_space;
        let context = DciContext::common(&self.cell);
        let size = context.size_fallback(SearchSpaceKind::Common).ok()?;
        let rntis = [Rnti::SI.0];
        let targets = [DciTarget { n_bits: usize::from(size), rntis: &rntis }];
        let (n_id, n_rnti) = pdcch_scrambling(&coreset, SearchSpaceKind::Common, Rnti::SI, self.cell.pci.get());
        for l0 in occasion_symbols(&space) {
            if self.pdcch.prepare(&coreset, l0, slot, &self.grid) == 0 {
                continue;
            }
            for level_idx in (0..5).rev() {
                for cce in candidates(&space, &coreset, Rnti::SI, slot, level_idx) {
                    let level = AGGREGATION_LEVELS[level_idx];
                    let heard = self.pdcch.receive(&self.grid, cce, level, n_rnti, n_id, &targets);
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
    fn follow(&mut self, dci: &DciSi, heard: &Heard<'_>, n: i64, turns: f64) -> Option<Sib1Found> {
        let assignment = assignment(dci, heard, &self.cell, self.type0.coreset0.pattern).ok()?;
        let (pdu, slot) = (assignment.pdu, assignment.slot);
        if pdu.coding.tbs_bytes > SIB1_BITS_MAX / 8 {
            return None;
        }
        if slot != heard.slot {
            self.load(slot, n + slot.minus(heard.slot))?;
            self.turn(|l| -turns * l as f64);
        }
        let late = self.cell.dl.numerology == Numerology::KHZ15 && pdu.start_symbol + pdu.n_symbols > 7;
        // Turns of symbols 7 and on against the others: 16 kappa T_c times the frequency. Spec: TS 38.211 §5.3.1
        let extra_s = 16.0 * 64.0 / nr::Tc::PER_SECOND as f64;
        let halves: Vec<f64> = match self.mix_hz {
            _ if !late => vec![0.0],
            Some(mix_hz) => vec![(mix_hz * extra_s).rem_euclid(1.0)],
            None => (0..HALF_SLOT_PHASES).map(|i| i as f64 / HALF_SLOT_PHASES as f64).collect(),
        };
        for half in halves {
            self.turn(|l| if l >= 7 { half } else { 0.0 });
            let sib1 = self.decode(&pdu, slot);
            self.turn(|l| if l >= 7 { -half } else { 0.0 });
            if sib1.is_some() {
                return sib1;
            }
        }
        None
    }

    fn decode(&mut self, pdu: &fapi::PdschPdu, slot: SlotPoint) -> Option<Sib1Found> {
        let mut soft = SoftBuffer::new(SIB1_BITS_MAX);
        let mut tb = vec![0; pdu.coding.tbs_bytes as usize];
        let result = self.pdsch.receive(pdu, slot, &self.grid, &mut soft, ITERATIONS, &mut tb).ok()?;
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
        Some(Sib1Found { plmns: plmns(&sib1), bytes: tb })
    }
}

/// The carrier of CORESET 0 at the recording's rate, or at the next lower one that holds it.
fn carrier_for(numerology: Numerology, n_rb: usize, rate_hz: f64) -> Option<Carrier> {
    let fft_len = rate_hz / f64::from(numerology.scs_hz());
    let own = Carrier::with_fft_len(numerology, n_rb, fft_len.round() as usize, 0.0);
    match own {
        Ok(carrier) if (fft_len - fft_len.round()).abs() < 1e-9 => Some(carrier),
        _ => Carrier::new(numerology, n_rb, 0.0).ok(),
    }
}

/// Phase from symbol to symbol of the block, mixed by its offset, turns; but for multiples of a half.
fn turns_of_block(samples: &[Cf32], rate_hz: f64, block: &Block<'_>, isa: Isa) -> Option<f64> {
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
    let m = measure(&grid, 1, 0, block.detection.pci, block.detection.i_bar)?;
    Some(f64::from(m.turns_per_symbol))
}

/// First sample of the frame in which the block lies. Spec: TS 38.213 §4.1
fn frame_start(cell: &CellConfig, block: &Block<'_>, rate_hz: f64) -> Option<f64> {
    let numerology = block.numerology;
    let symbol = resolve::ssb_first_symbol(cell.ssb.case, block.payload.ssb_index)?;
    let half = if block.payload.half_frame { numerology.slots_per_frame() / 2 } else { 0 };
    let (slot, l) = (half + u32::from(symbol) / 14, usize::from(symbol) % 14);
    let slot = SlotPoint::new(numerology, 0, slot);
    // Any carrier of the numerology counts symbols exactly.
    let carrier = Carrier::with_fft_len(numerology, 20, 2048, 0.0).ok()?;
    let before = carrier.slot_start_in_frame(slot) + carrier.symbol_start(slot, l) + carrier.cp_len(slot, l);
    Some(block.detection.pss_start - before as f64 / f64::from(carrier.sample_rate_hz()) * rate_hz)
}
