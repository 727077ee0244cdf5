//! Slot by slot through a recording: DCIs of every search space, their PDSCHs, and what those tell about the next ones.
//!
//! Who is addressed is learned on the way: SI-RNTI and P-RNTI are fixed, RA-RNTIs follow from the PRACH occasions, responses give
//! temporary C-RNTIs away, Msg4's RRCSetup brings the terminal's own search spaces. An RNTI that no response gave away shows in the
//! CRC of a DCI in a common search space; it is believed when the PDSCH's own CRC holds.

use std::collections::BTreeMap;

use dsp::Isa;
use fapi::dci::{Dci, DciContext, RntiKind, decode};
use fapi::resolve::{
    self, AGGREGATION_LEVELS, Heard, candidates, occasion_symbols, pdcch_scrambling, ssb_first_subcarrier,
    ssb_occasions,
};
use fapi::{CellConfig, CoresetConfig, DedicatedConfig, McsTable, PdschPdu, SearchSpaceConfig};
use fec::sch::SoftBuffer;
use nr::{Rnti, SlotPoint};
use phy::pdcch::{DciTarget, PdcchDetection, PdcchReceiver};
use phy::pdsch::{PdschReceiver, PdschResult};
use phy::ssb::{i_bar, measure};

use super::names::{self, Learned};
use crate::lab::slots::{Slots, Turning};

/// LDPC iterations.
const ITERATIONS: u8 = 20;
/// C-RNTIs are below this. Spec: TS 38.321 table 7.1-1
const C_RNTI_MAX: u16 = 0xfff2;

/// How an RNTI came to be known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The command line did.
    Given,
    /// A random access response.
    Response,
    /// The CRC of a DCI.
    Crc,
}

impl Source {
    /// For the report.
    pub fn name(self) -> &'static str {
        match self {
            Source::Given => "given",
            Source::Response => "random access response",
            Source::Crc => "CRC of a DCI",
        }
    }
}

/// One HARQ process.
struct Process {
    soft: SoftBuffer,
    bits: u32,
    ndi: bool,
    coding: fapi::Coding,
    done: bool,
}

/// A terminal.
pub struct User {
    /// How it came to be known.
    pub source: Source,
    /// Temporary C-RNTI or C-RNTI.
    pub kind: RntiKind,
    /// Its own configuration.
    pub dedicated: Option<DedicatedConfig>,
    context: DciContext,
    secured: bool,
    processes: BTreeMap<u8, Process>,
}

impl User {
    fn new(source: Source, kind: RntiKind, context: DciContext) -> User {
        User { source, kind, dedicated: None, context, secured: false, processes: BTreeMap::new() }
    }
}

/// A DCI that was found.
#[derive(Clone, Debug)]
pub struct DciFound {
    /// Slot of the PDCCH.
    pub slot: SlotPoint,
    /// Seconds after the recording's first sample at which the slot begins.
    pub at_s: f64,
    /// Whose.
    pub rnti: Rnti,
    /// Its kind.
    pub kind: RntiKind,
    /// The DCI.
    pub dci: Dci,
    /// The search space.
    pub space: SearchSpaceConfig,
    /// Its CORESET.
    pub coreset: CoresetConfig,
    /// First symbol of the CORESET.
    pub start_symbol: u8,
    /// Candidate, SNR, bits.
    pub detection: PdcchDetection,
    /// Slot of the PUSCH that it grants.
    pub pusch: Option<SlotPoint>,
    /// Why it cannot be followed.
    pub error: Option<String>,
}

/// A PDSCH that was received.
#[derive(Clone, Debug)]
pub struct PdschFound {
    /// Its slot.
    pub slot: SlotPoint,
    /// Seconds after the recording's first sample at which the slot begins.
    pub at_s: f64,
    /// The DCI, as an index into the list.
    pub dci: usize,
    /// Kind of the RNTI.
    pub kind: RntiKind,
    /// The PDSCH.
    pub pdu: PdschPdu,
    /// What became of it.
    pub result: PdschResult,
    /// Its block was received before, and came again.
    pub again: bool,
    /// The block; right only if the CRC holds.
    pub bytes: Vec<u8>,
    /// Its parts by name, if the CRC holds.
    pub contents: Vec<serde_json::Value>,
}

/// What is in a recording.
#[derive(Default)]
pub struct Found {
    /// DCIs in the order of their slots.
    pub dcis: Vec<DciFound>,
    /// PDSCHs likewise.
    pub pdschs: Vec<PdschFound>,
    /// Slots looked at.
    pub n_slots: usize,
}

impl Found {
    /// PDSCHs whose CRC holds.
    pub fn n_good(&self) -> usize {
        self.pdschs.iter().filter(|p| p.result.crc_ok).count()
    }
}

/// A PDSCH of a later slot.
struct Later {
    n: i64,
    dci: usize,
    pdu: PdschPdu,
    ndi: bool,
}

/// Goes through a recording.
pub struct Decoder<'a> {
    slots: Slots<'a>,
    turning: Turning,
    cell: CellConfig,
    common: DciContext,
    pdcch: PdcchReceiver,
    pdsch: PdschReceiver,
    /// RNTIs of broadcasts and responses.
    shared: Vec<(u16, RntiKind)>,
    /// Terminals by RNTI.
    pub users: BTreeMap<u16, User>,
    given: Option<DedicatedConfig>,
    later: Vec<Later>,
    /// Power of an element of the last SS/PBCH block.
    pub block_power: Option<f32>,
    /// The list so far.
    pub found: Found,
}

impl<'a> Decoder<'a> {
    /// - `given`  the terminals' configuration, if it is known beforehand
    pub fn new(
        slots: Slots<'a>,
        turning: Turning,
        cell: CellConfig,
        rntis: &[Rnti],
        given: Option<DedicatedConfig>,
        isa: Isa,
    ) -> Decoder<'a> {
        let common = DciContext::common(&cell);
        let mut shared = vec![(Rnti::SI.0, RntiKind::Si), (Rnti::P.0, RntiKind::Paging)];
        shared.extend(ra_rntis(&cell).into_iter().map(|r| (r, RntiKind::Ra)));
        let mut decoder = Decoder {
            pdcch: PdcchReceiver::new(),
            pdsch: PdschReceiver::new(isa, usize::from(cell.dl.n_rb), 1, 1),
            slots,
            turning,
            cell,
            common,
            shared,
            users: BTreeMap::new(),
            given,
            later: Vec::new(),
            block_power: None,
            found: Found::default(),
        };
        rntis.iter().for_each(|r| decoder.meet(*r, Source::Given, RntiKind::Cell));
        decoder
    }

    /// Every slot of the recording.
    pub fn run(&mut self) {
        self.run_until(|_, _| false);
    }

    /// Slot by slot until `stop` says so, with what was found so far: that slot, and its number as [`Slots`] counts.
    pub fn run_until(&mut self, mut stop: impl FnMut(SlotPoint, &Found) -> bool) -> Option<(SlotPoint, i64)> {
        for n in self.slots.range() {
            let Some(slot) = self.slots.load_turned(n, self.turning) else { continue };
            self.found.n_slots += 1;
            self.follow_blocks(slot);
            for later in std::mem::take(&mut self.later) {
                match later.n.cmp(&n) {
                    std::cmp::Ordering::Equal => self.receive(&later, slot, n),
                    std::cmp::Ordering::Greater => self.later.push(later),
                    std::cmp::Ordering::Less => {}
                }
            }
            self.listen(slot, n);
            if stop(slot, &self.found) {
                return Some((slot, n));
            }
        }
        None
    }

    /// The slots, the present one demodulated.
    pub fn slots(&self) -> &Slots<'a> {
        &self.slots
    }

    /// The search spaces that are listened to, with their CORESETs.
    pub fn spaces(&self) -> Vec<(SearchSpaceConfig, CoresetConfig)> {
        let own = || self.users.values().filter_map(|u| u.dedicated.as_ref());
        let coresets: Vec<_> = self.cell.coresets.iter().chain(own().flat_map(|d| &d.coresets)).collect();
        let spaces = self.cell.search_spaces.iter().chain(own().flat_map(|d| &d.search_spaces));
        let with = |s: &SearchSpaceConfig| coresets.iter().find(|c| c.id == s.coreset_id).map(|c| (*s, **c));
        spaces.filter_map(with).collect()
    }

    fn meet(&mut self, rnti: Rnti, source: Source, kind: RntiKind) {
        let mut user = User::new(source, kind, self.common);
        if let Some(d) = &self.given {
            user.context = DciContext::dedicated(&self.cell, d);
            user.dedicated = Some(d.clone());
        }
        self.users.insert(rnti.0, user);
    }

    /// Keeps time and phase by the SS/PBCH blocks of the slot.
    fn follow_blocks(&mut self, slot: SlotPoint) {
        let ssb = self.cell.ssb;
        let Ok(first) = usize::try_from(ssb_first_subcarrier(&self.cell)) else { return };
        if ssb.numerology != slot.numerology() {
            return;
        }
        for o in ssb_occasions(&ssb, slot) {
            if !self.slots.has(o.start_symbol, 4) {
                continue;
            }
            let i_bar = i_bar(ssb.l_max, o.index, o.half_frame);
            let m = measure(self.slots.grid(), 0, usize::from(o.start_symbol), first, self.cell.pci, i_bar);
            if let Some(m) = m {
                self.block_power = Some(m.rsrp);
                self.slots.track(&m, &mut self.turning);
            }
        }
    }

    /// Every search space of the slot: the common ones for everybody, then each terminal's own.
    fn listen(&mut self, slot: SlotPoint, n: i64) {
        let spaces: Vec<_> = self.cell.search_spaces.iter().filter(|s| s.is_monitored(slot)).copied().collect();
        let coresets = self.cell.coresets.clone();
        for space in &spaces {
            self.search(slot, n, space, &coresets, None);
        }
        let rntis: Vec<u16> = self.users.keys().copied().collect();
        for rnti in rntis {
            let Some(d) = self.users.get(&rnti).and_then(|u| u.dedicated.as_ref()) else { continue };
            let spaces: Vec<_> = d.search_spaces.iter().filter(|s| s.is_monitored(slot)).copied().collect();
            let own: Vec<_> = d.coresets.iter().chain(&coresets).copied().collect();
            for space in &spaces {
                self.search(slot, n, space, &own, Some(Rnti(rnti)));
            }
        }
    }

    fn search(
        &mut self,
        slot: SlotPoint,
        n: i64,
        space: &SearchSpaceConfig,
        coresets: &[CoresetConfig],
        own: Option<Rnti>,
    ) {
        let Some(coreset) = coresets.iter().find(|c| c.id == space.coreset_id) else { return };
        let c_rnti = own.unwrap_or(Rnti(0));
        let context = own.and_then(|r| self.users.get(&r.0)).map_or(self.common, |u| u.context);
        let (n_id, n_rnti) = pdcch_scrambling(coreset, space.kind, c_rnti, self.cell.pci.get());
        let rntis: Vec<u16> = match own {
            Some(r) => vec![r.0],
            None => self.shared.iter().map(|s| s.0).chain(self.users.keys().copied()).collect(),
        };
        let sizes = context.sizes(space.kind);
        let targets: Vec<_> =
            sizes.iter().flatten().map(|n| DciTarget { n_bits: usize::from(*n), rntis: &rntis }).collect();
        for l0 in occasion_symbols(space) {
            let there = self.slots.has(l0, coreset.duration);
            if !there || !self.cell.duplex.is_downlink(slot, l0, coreset.duration) {
                continue;
            }
            if self.pdcch.prepare(coreset, l0, slot, self.slots.grid()) == 0 {
                continue;
            }
            let mut caught: Vec<(PdcchDetection, bool)> = Vec::new();
            for level_idx in (0..5).rev().filter(|i| space.n_candidates[*i] > 0) {
                let level = AGGREGATION_LEVELS[level_idx];
                for cce in candidates(space, coreset, c_rnti, slot, level_idx) {
                    let taken = |d: &PdcchDetection| cce < d.cce + u16::from(d.level) && d.cce < cce + u16::from(level);
                    if caught.iter().any(|c| taken(&c.0)) {
                        continue;
                    }
                    let grid = self.slots.grid();
                    let known = self.pdcch.receive(grid, cce, level, n_rnti, n_id, &targets).map(|d| (d, true));
                    let found = known.or_else(|| {
                        let bits = targets.first().filter(|_| own.is_none())?.n_bits;
                        let d = self.pdcch.receive_any(grid, cce, level, n_rnti, n_id, bits)?;
                        (1..C_RNTI_MAX).contains(&d.rnti.0).then_some((d, false))
                    });
                    caught.extend(found);
                }
            }
            for (detection, known) in caught {
                self.take(slot, n, space, coreset, l0, detection, known);
            }
        }
    }

    /// Notes a DCI and follows it. One under an RNTI that nobody knows must prove itself.
    fn take(
        &mut self,
        slot: SlotPoint,
        n: i64,
        space: &SearchSpaceConfig,
        coreset: &CoresetConfig,
        start_symbol: u8,
        detection: PdcchDetection,
        known: bool,
    ) {
        let rnti = detection.rnti;
        let same = |d: &&DciFound| d.slot == slot;
        let twice = |d: &DciFound| {
            d.rnti == rnti
                && d.detection.payload == detection.payload
                && d.coreset == *coreset
                && d.detection.cce == detection.cce
        };
        if self.found.dcis.iter().rev().take_while(same).any(twice) {
            return;
        }
        let shared = self.shared.iter().find(|s| s.0 == rnti.0).map(|s| s.1);
        let user = self.users.get(&rnti.0);
        let kind = shared.or(user.map(|u| u.kind)).unwrap_or(RntiKind::Cell);
        let context = user.map_or(self.common, |u| u.context);
        let Ok(dci) = decode(detection.payload.as_slice(), kind, space.kind, &context) else { return };
        let heard = Heard { slot, rnti, rnti_kind: kind, kind: space.kind, coreset };
        let (at_s, space, coreset) = (self.seconds(n), *space, *coreset);
        let mut found =
            DciFound { slot, at_s, rnti, kind, dci, space, coreset, start_symbol, detection, pusch: None, error: None };
        if let Dci::F0_0(_) | Dci::F0_1(_) | Dci::F0_2(_) | Dci::Order(_) = dci {
            if !known {
                return;
            }
            if !matches!(dci, Dci::Order(_)) {
                match resolve::pusch(&dci, &heard, &self.cell, self.dedicated(rnti), None) {
                    Ok(grant) => found.pusch = Some(grant.slot),
                    Err(e) => found.error = Some(e.to_string()),
                }
            }
            self.found.dcis.push(found);
            return;
        }
        if matches!(&dci, Dci::Paging(x) if x.indicator & 1 == 0) {
            self.found.dcis.push(found);
            return;
        }
        let previous = self.previous(rnti, &dci);
        match resolve::pdsch(&dci, &heard, &self.cell, self.dedicated(rnti), previous.as_ref()) {
            Ok(assignment) => {
                let index = self.found.dcis.len();
                self.found.dcis.push(found);
                let n = n + assignment.slot.minus(slot);
                let later = Later { n, dci: index, pdu: assignment.pdu, ndi: assignment.ndi };
                if assignment.slot != slot && known {
                    self.later.push(later);
                } else if known {
                    self.receive(&later, slot, n);
                } else {
                    self.try_stranger(&later, slot, n);
                }
            }
            Err(e) if known => {
                found.error = Some(e.to_string());
                self.found.dcis.push(found);
            }
            Err(_) => {}
        }
    }

    /// The PDSCH of an RNTI that only a CRC gave away: if its own CRC fails, there was nothing.
    fn try_stranger(&mut self, later: &Later, slot: SlotPoint, n: i64) {
        let rnti = later.pdu.rnti;
        self.meet(rnti, Source::Crc, RntiKind::Cell);
        self.receive(later, slot, n);
        if !self.found.pdschs.last().is_some_and(|p| p.dci == later.dci && p.result.crc_ok) {
            self.users.remove(&rnti.0);
            self.found.pdschs.retain(|p| p.dci != later.dci);
            self.found.dcis.truncate(later.dci);
        }
    }

    fn dedicated(&self, rnti: Rnti) -> Option<&DedicatedConfig> {
        self.users.get(&rnti.0).and_then(|u| u.dedicated.as_ref())
    }

    fn seconds(&self, n: i64) -> f64 {
        self.slots.seconds(n)
    }

    /// Coding of the first transmission in the process that a DCI names.
    fn previous(&self, rnti: Rnti, dci: &Dci) -> Option<fapi::Coding> {
        let harq = match dci {
            Dci::F1_0(x) => x.harq,
            Dci::F1_1(x) | Dci::F1_2(x) => x.harq,
            _ => return None,
        };
        self.users.get(&rnti.0)?.processes.get(&harq).map(|p| p.coding)
    }

    fn receive(&mut self, later: &Later, slot: SlotPoint, n: i64) {
        let (mut pdu, index) = (later.pdu, later.dci);
        let bits = pdu.coding.tbs_bytes.saturating_mul(8);
        if bits > fec::sch::TBS_BITS_MAX || bits == 0 {
            return;
        }
        let Some(kind) = self.found.dcis.get(index).map(|d| d.kind) else { return };
        if !self.slots.has(pdu.start_symbol, pdu.n_symbols) {
            self.found.dcis[index].error.get_or_insert("the recording cuts its PDSCH off".into());
            return;
        }
        let mut bytes = vec![0; pdu.coding.tbs_bytes as usize];
        let mut fresh = SoftBuffer::new(bits);
        let mut again = false;
        let harq = pdu.harq.get();
        let result = match self.users.get_mut(&pdu.rnti.0) {
            Some(user) => {
                let same = |p: &Process| p.ndi == later.ndi && p.coding.tbs_bytes == pdu.coding.tbs_bytes;
                pdu.new_data = !user.processes.get(&harq).is_some_and(same);
                if pdu.new_data {
                    let process = Process { soft: fresh, bits, ndi: later.ndi, coding: pdu.coding, done: false };
                    user.processes.insert(harq, process);
                }
                let Some(process) = user.processes.get_mut(&harq) else { return };
                again = process.done;
                let grid = self.slots.grid();
                let result = self.pdsch.receive(&pdu, slot, grid, &mut process.soft, ITERATIONS, &mut bytes);
                process.done |= result.is_ok_and(|r| r.crc_ok);
                debug_assert!(process.bits == bits);
                result
            }
            None => self.pdsch.receive(&pdu, slot, self.slots.grid(), &mut fresh, ITERATIONS, &mut bytes),
        };
        match result {
            Ok(result) if !result.crc_ok && self.other_table(later, slot, n) => {}
            Ok(result) => self.keep(PdschFound {
                slot,
                at_s: self.seconds(n),
                dci: index,
                kind,
                pdu,
                result,
                again,
                bytes,
                contents: Vec::new(),
            }),
            Err(e) => self.found.dcis[index].error = Some(e.to_string()),
        }
    }

    /// A reconfiguration is ciphered, and what it changes has to be found out: here whether mcs-Table is another one.
    fn other_table(&mut self, later: &Later, slot: SlotPoint, n: i64) -> bool {
        let Some(DciFound { dci, coreset, space, rnti, kind, slot: pdcch_slot, .. }) = self.found.dcis.get(later.dci)
        else {
            return false;
        };
        let (dci, coreset, space, rnti, kind, pdcch_slot) = (*dci, *coreset, *space, *rnti, *kind, *pdcch_slot);
        let own = self.dedicated(rnti).filter(|_| matches!(dci, Dci::F1_1(_) | Dci::F1_2(_)) && later.pdu.new_data);
        let Some(mut other) = own.cloned() else { return false };
        let (tables, now) = ([McsTable::Qam64, McsTable::Qam256, McsTable::Qam64LowSe], other.pdsch.mcs_table);
        for table in tables.into_iter().filter(|t| *t != now) {
            other.pdsch.mcs_table = table;
            let heard = Heard { slot: pdcch_slot, rnti, rnti_kind: kind, kind: space.kind, coreset: &coreset };
            let Ok(a) = resolve::pdsch(&dci, &heard, &self.cell, Some(&other), None) else { continue };
            let bits = a.pdu.coding.tbs_bytes.saturating_mul(8);
            if bits > fec::sch::TBS_BITS_MAX || bits == 0 {
                continue;
            }
            let (mut soft, mut bytes) = (SoftBuffer::new(bits), vec![0; a.pdu.coding.tbs_bytes as usize]);
            let result = self.pdsch.receive(&a.pdu, slot, self.slots.grid(), &mut soft, ITERATIONS, &mut bytes);
            let Some(result) = result.ok().filter(|r| r.crc_ok) else { continue };
            if let Some(user) = self.users.get_mut(&rnti.0) {
                user.dedicated = Some(other);
                let process = Process { soft, bits, ndi: later.ndi, coding: a.pdu.coding, done: true };
                user.processes.insert(a.pdu.harq.get(), process);
            }
            self.keep(PdschFound {
                slot,
                at_s: self.seconds(n),
                dci: later.dci,
                kind,
                pdu: a.pdu,
                result,
                again: false,
                bytes,
                contents: Vec::new(),
            });
            return true;
        }
        false
    }

    /// Notes a PDSCH, and learns from it.
    fn keep(&mut self, mut found: PdschFound) {
        if found.result.crc_ok {
            let rnti = found.pdu.rnti;
            let secured = self.users.get(&rnti.0).is_some_and(|u| u.secured);
            let mut learned = Vec::new();
            found.contents = names::contents(found.kind, &found.bytes, secured, &mut learned);
            learned.into_iter().for_each(|l| self.learn(rnti, l));
        }
        self.found.pdschs.push(found);
    }

    fn learn(&mut self, rnti: Rnti, what: Learned) {
        match (what, self.users.get_mut(&rnti.0)) {
            (Learned::Temporary(temporary), _) => {
                // A C-RNTI that is given away again is another terminal's.
                let waiting = self.users.get(&temporary.0).is_some_and(|u| u.kind == RntiKind::Temporary);
                if (1..C_RNTI_MAX).contains(&temporary.0) && !waiting {
                    self.meet(temporary, Source::Response, RntiKind::Temporary);
                }
            }
            (Learned::Resolved, Some(user)) => user.kind = RntiKind::Cell,
            (Learned::Secured, Some(user)) => user.secured = true,
            (Learned::Group(group), Some(user)) => {
                use ue_cp::apply::cell_group;
                let old = cell_group::initial(&self.cell);
                let applied = cell_group::apply(&group, &old, &cell_group::default_mac(), &self.cell);
                if let Ok(applied) = applied {
                    user.context = DciContext::dedicated(&self.cell, &applied.dedicated);
                    user.dedicated = Some(applied.dedicated);
                    user.secured = false;
                }
            }
            (_, None) => {}
        }
    }
}

/// The RA-RNTIs of the cell's PRACH occasions. Spec: TS 38.321 §5.1.3
fn ra_rntis(cell: &CellConfig) -> Vec<u16> {
    let mut list = Vec::new();
    let carrier = crate::lab::slots::carrier_for(cell.ul.numerology, usize::from(cell.ul.n_rb), 0.0);
    let Some(g) = carrier.and_then(|c| phy::prach::PrachGeometry::new(cell, c).ok()) else { return list };
    let mu = cell.ul.numerology;
    for i in 0..16 * mu.slots_per_frame() {
        for t in g.configuration().occasions(SlotPoint::from_count(mu, i64::from(i))) {
            for f_id in 0..g.n_fdm().min(8) as u8 {
                let o = fapi::PrachOccasion { start_symbol: t.start_symbol, t_id: t.t_id, s_id: t.s_id, f_id };
                list.push(o.ra_rnti().0);
            }
        }
    }
    list.sort_unstable();
    list.dedup();
    list
}
