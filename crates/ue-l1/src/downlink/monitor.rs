//! PDCCH monitoring: which candidates, under which identities, and what a DCI sets off. Spec: TS 38.213 §10.1

use super::{Downlink, InForce, LATER_MAX, Later};
use crate::samples::Samples;
use crate::uplink::Uplink;
use fapi::dci::{Dci, RntiKind, decode};
use fapi::resolve::{self, AGGREGATION_LEVELS, Heard, candidates, occasion_symbols, pdcch_scrambling};
use fapi::ue::{Addressed, UeIndication, UeL1Event};
use fapi::{CoresetConfig, SearchSpaceConfig, SearchSpaceKind};
use nr::{Rnti, SlotPoint};
use phy::pdcch::{DciTarget, PdcchDetection};

/// Identities looked for in one search space.
const WATCHED_MAX: usize = 4;
/// DCIs taken in a slot, all search spaces together.
const DCIS_MAX: usize = 8;

/// The identities looked for in a search space.
#[derive(Clone, Copy)]
struct Watched {
    rntis: [u16; WATCHED_MAX],
    kinds: [RntiKind; WATCHED_MAX],
    n: usize,
}

impl Watched {
    fn of(space: &SearchSpaceConfig, c: &InForce, slot: SlotPoint) -> Watched {
        let mut w = Watched { rntis: [0; WATCHED_MAX], kinds: [RntiKind::Cell; WATCHED_MAX], n: 0 };
        let r = c.rntis;
        if space.kind == SearchSpaceKind::Common {
            w.add((space.id == c.cell.ss_sib1 && !c.camped).then_some(Rnti::SI), RntiKind::Si);
            let ra = r.ra.filter(|(_, until)| until.minus(slot) >= 0).map(|(rnti, _)| rnti);
            w.add(ra.filter(|_| space.id == c.cell.ss_ra), RntiKind::Ra);
            w.add(r.temporary.filter(|_| space.id == c.cell.ss_ra), RntiKind::Temporary);
            let called = |ue_id| {
                c.cell.paging.is_some_and(|p| p.search_space == space.id && p.is_occasion(c.cell, ue_id, None, slot))
            };
            w.add(r.paging.filter(|ue_id| called(*ue_id)).map(|_| Rnti::P), RntiKind::Paging);
        }
        w.add(r.c_rnti.filter(|rnti| r.temporary != Some(*rnti)), RntiKind::Cell);
        w
    }

    fn add(&mut self, rnti: Option<Rnti>, kind: RntiKind) {
        if let Some(rnti) = rnti.filter(|_| self.n < WATCHED_MAX) {
            (self.rntis[self.n], self.kinds[self.n]) = (rnti.0, kind);
            self.n += 1;
        }
    }

    fn kind_of(&self, rnti: Rnti) -> Option<RntiKind> {
        (0..self.n).find(|&i| self.rntis[i] == rnti.0).map(|i| self.kinds[i])
    }
}

/// A DCI and where it was found.
#[derive(Clone, Copy)]
struct Caught<'a> {
    detection: PdcchDetection,
    kind: RntiKind,
    space: SearchSpaceKind,
    coreset: &'a CoresetConfig,
}

/// CCEs of a CORESET that already belong to a DCI.
#[derive(Clone, Copy, Default)]
struct Taken([u64; 3]);

impl Taken {
    fn overlaps(&self, cce: u16, level: u8) -> bool {
        (cce..cce + u16::from(level)).any(|i| self.0.get(usize::from(i / 64)).is_some_and(|w| w >> (i % 64) & 1 == 1))
    }
    fn add(&mut self, cce: u16, level: u8) {
        for i in cce..cce + u16::from(level) {
            if let Some(w) = self.0.get_mut(usize::from(i / 64)) {
                *w |= 1 << (i % 64);
            }
        }
    }
}

impl Downlink {
    /// Looks at every search space that is monitored in `slot`, and follows the DCIs found.
    pub fn monitor(
        &mut self,
        c: &InForce,
        slot: SlotPoint,
        samples: Samples<'_>,
        ul: &mut Uplink,
        ind: &mut UeIndication,
    ) {
        let mut caught: [Option<Caught>; DCIS_MAX] = [None; DCIS_MAX];
        let mut n = 0;
        let dedicated = c.d.map_or(&[][..], |d| &d.search_spaces);
        for space in dedicated.iter().chain(&c.cell.search_spaces).filter(|s| s.is_monitored(slot)) {
            let watched = Watched::of(space, c, slot);
            let own = c.d.map_or(&[][..], |d| &d.coresets);
            let coreset = own.iter().chain(&c.cell.coresets).find(|x| x.id == space.coreset_id);
            let (Some(coreset), true) = (coreset, watched.n > 0) else { continue };
            for l0 in occasion_symbols(space) {
                if c.cell.duplex.is_downlink(slot, l0, coreset.duration) {
                    self.search_space(c, slot, samples, space, coreset, l0, &watched, &mut caught, &mut n);
                }
            }
        }
        for caught in caught.iter().flatten() {
            self.follow(caught, c, slot, samples, ul, ind);
        }
    }

    /// Tries the candidates of one search space in one occasion, highest level first.
    #[allow(clippy::too_many_arguments)]
    fn search_space<'a>(
        &mut self,
        c: &InForce<'a>,
        slot: SlotPoint,
        samples: Samples<'_>,
        space: &SearchSpaceConfig,
        coreset: &'a CoresetConfig,
        l0: u8,
        watched: &Watched,
        caught: &mut [Option<Caught<'a>>; DCIS_MAX],
        n: &mut usize,
    ) {
        let mask = ((1u32 << coreset.duration.min(3)) - 1) << l0;
        let grid = self.front.grid(samples, mask as u16);
        if self.pdcch.prepare(coreset, l0, slot, grid) == 0 {
            return;
        }
        let c_rnti = c.rntis.c_rnti.unwrap_or(Rnti(0));
        let (n_id, n_rnti) = pdcch_scrambling(coreset, space.kind, c_rnti, c.cell.pci.get());
        let sizes = c.dci.sizes(space.kind);
        let rntis = &watched.rntis[..watched.n];
        let none = DciTarget { n_bits: 0, rntis: &[] };
        let target = |size: Option<u8>| size.map_or(none, |n| DciTarget { n_bits: usize::from(n), rntis });
        let targets = sizes.map(target);
        let mut taken = Taken::default();
        for level_idx in (0..5).rev().filter(|i| space.n_candidates[*i] > 0) {
            let level = AGGREGATION_LEVELS[level_idx];
            for cce in candidates(space, coreset, c_rnti, slot, level_idx) {
                if *n == DCIS_MAX || taken.overlaps(cce, level) {
                    continue;
                }
                self.counters.pdcch_candidates += 1;
                let Some(detection) = self.pdcch.receive(grid, cce, level, n_rnti, n_id, &targets) else { continue };
                taken.add(cce, level);
                let Some(kind) = watched.kind_of(detection.rnti) else { continue };
                let same = |o: &Caught| o.detection.payload == detection.payload && o.detection.rnti == detection.rnti;
                if !caught.iter().flatten().any(same) {
                    caught[*n] = Some(Caught { detection, kind, space: space.kind, coreset });
                    *n += 1;
                }
            }
        }
    }

    /// What a DCI sets off. A DCI that cannot be followed is counted and dropped: its CRC may hold by chance.
    fn follow(
        &mut self,
        caught: &Caught,
        c: &InForce,
        slot: SlotPoint,
        samples: Samples<'_>,
        ul: &mut Uplink,
        ind: &mut UeIndication,
    ) {
        let Caught { detection, kind, space, coreset } = *caught;
        let Ok(dci) = decode(detection.payload.as_slice(), kind, space, c.dci) else {
            self.counters.dcis_dropped += 1;
            return;
        };
        let heard = Heard { slot, rnti: detection.rnti, rnti_kind: kind, kind: space, coreset };
        let followed = match &dci {
            Dci::F0_0(_) | Dci::F0_1(_) | Dci::F0_2(_) => ul.on_grant(&dci, &heard, c, ind),
            _ => {
                let previous = self.previous(&dci);
                resolve::pdsch(&dci, &heard, c.cell, c.d, previous.as_ref()).is_ok_and(|assignment| {
                    let (addressed, n_cce) = (addressed_as(kind), coreset.n_cce());
                    if kind == RntiKind::Cell {
                        ind.events.push(UeL1Event::PdcchToCRnti { uplink_new: false });
                    }
                    let later = Later { assignment, addressed, first_cce: detection.cce, n_cce };
                    if assignment.slot == slot {
                        self.take(&later, c, samples, ul, ind);
                    } else if self.later.len() < LATER_MAX {
                        self.later.push(later);
                    }
                    true
                })
            }
        };
        let count = if followed { &mut self.counters.dcis } else { &mut self.counters.dcis_dropped };
        *count += 1;
    }

    /// Coding of the first transmission in the process that a DCI names.
    fn previous(&self, dci: &Dci) -> Option<fapi::Coding> {
        let harq = match dci {
            Dci::F1_0(x) => x.harq,
            Dci::F1_1(x) | Dci::F1_2(x) => x.harq,
            _ => return None,
        };
        self.harq.get(usize::from(harq)).and_then(|p| p.coding)
    }

    /// Receives what earlier slots assigned in this one.
    pub fn take_later(
        &mut self,
        c: &InForce,
        slot: SlotPoint,
        samples: Samples<'_>,
        ul: &mut Uplink,
        ind: &mut UeIndication,
    ) {
        while let Some(i) = self.later.iter().position(|l| l.assignment.slot.minus(slot) <= 0) {
            let later = self.later.remove(i);
            if later.assignment.slot == slot {
                self.take(&later, c, samples, ul, ind);
            }
        }
    }
}

fn addressed_as(kind: RntiKind) -> Addressed {
    match kind {
        RntiKind::Si => Addressed::Si,
        RntiKind::Ra => Addressed::Ra,
        RntiKind::Paging => Addressed::Paging,
        RntiKind::Temporary => Addressed::Temporary,
        RntiKind::Cell | RntiKind::SlotFormat | RntiKind::Interruption | RntiKind::Tpc | RntiKind::TpcSrs => {
            Addressed::Cell
        }
    }
}
