//! A terminal that follows DCIs by `fapi::resolve`, with RLC and the least of MAC and RRC.

use crate::ue::{Channel, drb, srb};
use fapi::dci::{Dci, DciContext, RntiKind, decode};
use fapi::resolve::{self, DlAssignment, DynamicCodebook, HarqUci, Heard, RarGrant, UlGrant};
use fapi::slot::SlotPlan;
use fapi::*;
use mac::{Bsr, DlReader, DlSubPdu, PduBuilder, RarReader, RarSubPdu};
use node::Outbox;
use nr::{DrbId, LcId, Rnti, SlotPoint, Tc};
use rlc::RlcEvent;
use seam::bearer::Bearer;
use seam::f1::DrbSetup;

#[derive(Clone, Copy)]
struct Pending {
    slot: SlotPoint,
    dai: u8,
    uci: HarqUci,
    ack: bool,
    harq: u8,
}

pub struct Terminal {
    pub deaf: bool,
    pub name: u8,
    pub preamble: u8,
    pub attempts: u32,
    pub wants_access: bool,
    pub back_off: u32,
    ra_rnti: Option<(Rnti, SlotPoint)>,
    pub tc_rnti: Option<Rnti>,
    pub c_rnti: Option<Rnti>,
    msg3_at: Option<SlotPoint>,
    dedicated: Option<DedicatedConfig>,
    /// A configuration and the slot from which it is in force.
    coming: Option<(SlotPoint, DedicatedConfig)>,
    pub channels: Vec<Channel>,
    dl_ndi: [Option<bool>; 16],
    dl_coding: [Option<Coding>; 16],
    dl_done: [bool; 16],
    ul_ndi: [Option<bool>; 16],
    ul_coding: [Option<Coding>; 16],
    ul_block: [Vec<u8>; 16],
    feedback: Vec<Pending>,
    pub grants: Vec<UlGrant>,
    pub ul_backlog: usize,
    pub dl_bytes: usize,
    pub srb1_received: usize,
    pub setup_done: bool,
    pub drb_ready: bool,
    reconfigured: bool,
    pub sr: bool,
    /// Timing advance commands that were heard.
    pub timing_commands: Vec<u8>,
    events: Outbox<RlcEvent>,
}

impl Terminal {
    pub fn new(name: u8, preamble: u8) -> Terminal {
        Terminal {
            deaf: false,
            name,
            preamble,
            attempts: 0,
            wants_access: true,
            back_off: 0,
            ra_rnti: None,
            tc_rnti: None,
            c_rnti: None,
            msg3_at: None,
            dedicated: None,
            coming: None,
            channels: Vec::new(),
            dl_ndi: [None; 16],
            dl_coding: [None; 16],
            dl_done: [false; 16],
            ul_ndi: [None; 16],
            ul_coding: [None; 16],
            ul_block: core::array::from_fn(|_| Vec::new()),
            feedback: Vec::new(),
            grants: Vec::new(),
            ul_backlog: 0,
            dl_bytes: 0,
            srb1_received: 0,
            setup_done: false,
            drb_ready: false,
            reconfigured: false,
            sr: false,
            timing_commands: Vec::new(),
            events: Outbox::default(),
        }
    }

    pub fn is_ready(&self) -> bool {
        self.drb_ready
    }

    pub fn sent_preamble(&mut self, occasion: PrachOccasion, slot: SlotPoint, window: u8) {
        self.attempts += 1;
        self.wants_access = false;
        self.ra_rnti = Some((occasion.ra_rnti(), slot.plus(2 + window as i64)));
    }

    fn restart_access(&mut self) {
        (self.ra_rnti, self.tc_rnti, self.msg3_at) = (None, None, None);
        self.grants.clear();
        self.feedback.clear();
        (self.dl_ndi, self.ul_ndi) = ([None; 16], [None; 16]);
        self.wants_access = true;
        self.back_off = 3 + self.name as u32 * 17;
    }

    /// Reads what the plan sends to this terminal. `miss` and `broken` say whether a PDCCH is lost or a PDSCH fails.
    pub fn listen(
        &mut self,
        now: Tc,
        plan: &SlotPlan,
        cell: &CellConfig,
        mut miss: impl FnMut() -> bool,
        mut broken: impl FnMut() -> bool,
        d: &(DedicatedConfig, DedicatedConfig),
    ) {
        let slot = plan.slot;
        if let Some((_, config)) = self.coming.take_if(|(from, _)| slot.minus(*from) >= 0) {
            self.dedicated = Some(config);
            self.send_srb1(now, if self.reconfigured { 10 } else { 60 });
            self.drb_ready = self.reconfigured;
        }
        if self.ra_rnti.is_some_and(|(_, until)| slot.minus(until) > 0) && self.tc_rnti.is_none() {
            self.restart_access();
        }
        // ra-ContentionResolutionTimer
        if self.c_rnti.is_none() && self.msg3_at.is_some_and(|s| slot.minus(s) > 130) {
            self.restart_access();
        }
        if self.deaf {
            return;
        }
        for p in &plan.pdcch {
            let kind = if Some(p.rnti) == self.c_rnti {
                RntiKind::Cell
            } else if Some(p.rnti) == self.tc_rnti && self.c_rnti.is_none() {
                RntiKind::Temporary
            } else if self.ra_rnti.is_some_and(|(r, _)| r == p.rnti) && self.tc_rnti.is_none() {
                RntiKind::Ra
            } else {
                continue;
            };
            if miss() {
                continue;
            }
            self.dci(now, plan, p, kind, cell, &mut broken, d);
        }
    }

    fn dci(
        &mut self,
        now: Tc,
        plan: &SlotPlan,
        p: &PdcchPdu,
        rnti_kind: RntiKind,
        cell: &CellConfig,
        broken: &mut impl FnMut() -> bool,
        future: &(DedicatedConfig, DedicatedConfig),
    ) {
        let own = self.dedicated.clone();
        let ctx = own.as_ref().map_or(DciContext::common(cell), |d| DciContext::dedicated(cell, d));
        let (space, coreset) = if p.coreset.id == 0 {
            (cell.search_spaces.iter().find(|s| s.id == cell.ss_ra).unwrap(), &cell.coresets[0])
        } else {
            let Some(d) = own.as_ref() else { return };
            (&d.search_spaces[0], &d.coresets[0])
        };
        let level = resolve::AGGREGATION_LEVELS.iter().position(|l| *l == p.aggregation_level).unwrap();
        let found = resolve::candidates(space, coreset, p.rnti, plan.slot, level).any(|c| c == p.cce);
        assert!(found && p.coreset == *coreset, "a PDCCH where nobody looks: {p:?}");
        let scrambling = resolve::pdcch_scrambling(coreset, space.kind, p.rnti, cell.pci.get());
        assert_eq!((p.scrambling_n_id, p.scrambling_rnti), scrambling);
        let dci = decode(p.payload.as_slice(), rnti_kind, space.kind, &ctx).unwrap();
        let heard = Heard { slot: plan.slot, rnti: p.rnti, rnti_kind, kind: space.kind, coreset };
        let cce = (p.cce, coreset.n_cce());
        match dci {
            Dci::F0_0(_) | Dci::F0_1(_) => {
                let g = resolve::pusch(&dci, &heard, cell, own.as_ref(), None).unwrap();
                assert!(!self.grants.iter().any(|x| x.slot == g.slot), "two grants for one slot");
                self.grants.push(g);
            }
            Dci::Ra(_) => {
                let a = resolve::pdsch(&dci, &heard, cell, None, None).unwrap();
                let tb = self.same_pdsch(plan, &a);
                if !broken() {
                    self.response(&tb, cell, plan.slot);
                }
            }
            _ => {
                let a = resolve::pdsch(&dci, &heard, cell, own.as_ref(), None).unwrap();
                let tb = self.same_pdsch(plan, &a);
                self.assignment(now, plan.slot, &a, &tb, cce, broken(), cell, future);
            }
        }
    }

    /// The PDSCH that this terminal would receive is one that the plan sends.
    fn same_pdsch(&self, plan: &SlotPlan, a: &DlAssignment) -> Vec<u8> {
        assert_eq!(a.slot, plan.slot);
        let sent = plan.pdsch.iter().find(|p| p.rnti == a.pdu.rnti).expect("an assignment without PDSCH");
        // A terminal does not know the precoder, and need not.
        let mut sent_pdu = PdschPdu { tb: a.pdu.tb, new_data: true, precoding: a.pdu.precoding, ..*sent };
        if a.pdu.coding.mcs_table == McsTable::Qam64 && a.pdu.coding.tbs_bytes <= 1053 {
            // One code block: the size of the soft buffer does not matter, and may be seen differently in fallback.
            sent_pdu.coding.tbs_lbrm = a.pdu.coding.tbs_lbrm;
        }
        assert_eq!(sent_pdu, a.pdu);
        sent.tb.of(&plan.bytes).to_vec()
    }

    fn response(&mut self, tb: &[u8], cell: &CellConfig, slot: SlotPoint) {
        for sub in RarReader::new(tb, 0) {
            let RarSubPdu::Response { rapid, rar } = sub else { continue };
            if rapid == self.preamble {
                self.tc_rnti = Some(rar.temporary_c_rnti);
                let g = resolve::msg3(&RarGrant::decode(rar.ul_grant), rar.temporary_c_rnti, slot, cell).unwrap();
                self.msg3_at = Some(g.slot);
                self.grants.push(UlGrant { ndi: true, ..g });
            }
        }
    }

    fn assignment(
        &mut self,
        now: Tc,
        slot: SlotPoint,
        a: &DlAssignment,
        tb: &[u8],
        cce: (u16, u16),
        broken: bool,
        cell: &CellConfig,
        future: &(DedicatedConfig, DedicatedConfig),
    ) {
        let h = a.pdu.harq.get() as usize;
        let f = a.feedback.unwrap();
        assert!(cell.duplex.is_uplink(f.slot, 0, 14), "feedback in a downlink slot");
        assert!(!self.feedback.iter().any(|p| p.harq == h as u8), "process {h} is assigned while its feedback is due");
        assert!(!self.grants.iter().any(|g| g.slot == f.slot), "an assignment for a slot whose PUSCH was granted");
        let new = self.dl_ndi[h] != Some(a.ndi);
        self.dl_ndi[h] = Some(a.ndi);
        if new {
            self.dl_done[h] = false;
            self.dl_coding[h] = Some(a.pdu.coding);
        } else {
            let first = self.dl_coding[h].unwrap();
            assert_eq!(first.tbs_bytes, a.pdu.coding.tbs_bytes, "a retransmission of another size");
        }
        let fresh = !broken && !self.dl_done[h];
        self.dl_done[h] |= !broken;
        let uci = HarqUci { n_bits: 0, pri: f.pri, first_cce: cce.0, n_cce: cce.1 };
        let mine = if fresh { self.downlink_block(now, slot, tb, future) } else { true };
        if !mine {
            // The contention was lost: no acknowledgement. Spec: TS 38.321 §5.1.5
            return self.restart_access();
        }
        self.feedback.push(Pending { slot: f.slot, dai: f.dai, uci, ack: self.dl_done[h], harq: h as u8 });
    }

    fn downlink_block(
        &mut self,
        now: Tc,
        slot: SlotPoint,
        tb: &[u8],
        future: &(DedicatedConfig, DedicatedConfig),
    ) -> bool {
        let identity = self.ccch();
        for sub in DlReader::new(tb) {
            match sub.unwrap() {
                DlSubPdu::ContentionResolution(id) => {
                    if id != identity {
                        return false;
                    }
                    self.c_rnti = self.tc_rnti;
                }
                DlSubPdu::Ccch(_) => {
                    // RRCSetup: in force 10 ms later, and answered then.
                    self.coming =
                        Some((slot.plus(10 * slot.numerology().slots_per_subframe() as i64), future.0.clone()));
                    self.add(srb(1));
                    self.setup_done = true;
                }
                DlSubPdu::Sdu { lcid, data } => self.sdu(now, slot, lcid, data, future),
                DlSubPdu::TimingAdvance { command, .. } => self.timing_commands.push(command),
                _ => {}
            }
        }
        true
    }

    fn add(&mut self, c: seam::bearer::RlcBearerConfig) {
        self.channels.push(Channel::new(c));
    }

    fn send_srb1(&mut self, now: Tc, n: usize) {
        let c = self.channels.iter_mut().find(|c| c.config.bearer == Bearer::Srb1).unwrap();
        c.rlc.push_sdu(now, vec![self.name; n], 0).unwrap();
        self.sr = true;
    }

    fn sdu(&mut self, now: Tc, slot: SlotPoint, lcid: LcId, data: &[u8], future: &(DedicatedConfig, DedicatedConfig)) {
        let Some(c) = self.channels.iter_mut().find(|c| c.config.lcid == lcid) else { return };
        c.rlc.receive(now, data, &mut self.events);
        let bearer = c.config.bearer;
        while let Some(e) = self.events.pop() {
            let RlcEvent::Sdu(s) = e else { continue };
            match bearer {
                Bearer::Srb1 => {
                    self.srb1_received += 1;
                    // RRCReconfiguration: in force 10 ms later, and answered then.
                    let first = !core::mem::replace(&mut self.reconfigured, true);
                    if s.len() >= 300 {
                        self.coming =
                            Some((slot.plus(10 * slot.numerology().slots_per_subframe() as i64), future.1.clone()));
                    }
                    if first {
                        let p = crate::config::preset("n78-20").unwrap();
                        let one = DrbSetup { drb: DrbId::new(1).unwrap(), acknowledged: true, five_qi: 9 };
                        self.add(drb(&p, &one));
                    }
                }
                _ => self.dl_bytes += s.len(),
            }
        }
    }

    /// The CCCH message: its first six bytes name the terminal.
    fn ccch(&self) -> [u8; 6] {
        [0x11, self.name, 3, 4, 5, 6]
    }

    fn waiting(&self) -> usize {
        self.channels.iter().map(|c| c.rlc.buffer_status().total() as usize).sum::<usize>()
    }

    /// The block for a grant: new data by NDI, or the last one again.
    fn block(&mut self, now: Tc, g: &UlGrant) -> (Vec<u8>, bool) {
        let h = g.pdu.harq.get() as usize;
        let new = self.ul_ndi[h] != Some(g.ndi) || Some(g.slot) == self.msg3_at;
        self.ul_ndi[h] = Some(g.ndi);
        if !new {
            assert_eq!(
                self.ul_coding[h].unwrap().tbs_bytes,
                g.pdu.coding.tbs_bytes,
                "a retransmission of another size"
            );
            return (self.ul_block[h].clone(), false);
        }
        self.ul_coding[h] = Some(g.pdu.coding);
        let mut tb = vec![0; g.pdu.coding.tbs_bytes as usize];
        if self.c_rnti.is_none() {
            let id = self.ccch();
            let mut b = PduBuilder::new(&mut tb);
            assert!(b.ul_ccch(&id));
            b.finish();
        } else {
            self.data_block(now, &mut tb);
        }
        self.ul_block[h] = tb.clone();
        (tb, true)
    }

    fn data_block(&mut self, now: Tc, tb: &mut [u8]) {
        if let Some(c) = self.channels.iter_mut().find(|c| matches!(c.config.bearer, Bearer::Drb(_))) {
            while self.ul_backlog > 0 && c.rlc.buffer_status().total() < 400_000 {
                let n = self.ul_backlog.min(1000);
                if c.rlc.push_sdu(now, vec![self.name; n], 0).is_err() {
                    break;
                }
                self.ul_backlog -= n;
            }
        }
        let room = tb.len();
        let mut b = PduBuilder::new(&mut tb[..room]);
        let reserve = 3;
        for c in &mut self.channels {
            while b.remaining() > reserve + 4 {
                let got = b.sdu_with(c.config.lcid.get(), |r| {
                    let n = r.len() - reserve;
                    c.rlc.pull(now, &mut r[..n])
                });
                if got == 0 {
                    break;
                }
            }
        }
        let left = self.waiting() + self.ul_backlog;
        let level = mac::bsr::short_level(left as u64);
        b.bsr(&Bsr::Short { lcg: 0, level, truncated: false });
        b.finish();
        self.sr = false;
    }

    /// RLC timers.
    pub fn tick(&mut self, now: Tc) {
        for c in &mut self.channels {
            if c.rlc.deadline().is_some_and(|d| d <= now) {
                c.rlc.timeout(now, &mut self.events);
            }
        }
        if self.c_rnti.is_some() && !self.channels.is_empty() && (self.waiting() > 0 || self.ul_backlog > 0) {
            self.sr = true;
        }
    }

    /// What goes out in `slot`: a PUSCH with its block and UCI bits, or a PUCCH with its bits.
    pub fn speak(&mut self, now: Tc, slot: SlotPoint, cell: &CellConfig) -> Spoken {
        let due: Vec<Pending> = self.feedback.iter().filter(|p| p.slot == slot).copied().collect();
        self.feedback.retain(|p| p.slot != slot);
        if self.deaf {
            self.grants.retain(|g| g.slot != slot);
            return Spoken::default();
        }
        let grant = self.grants.iter().position(|g| g.slot == slot).map(|i| self.grants.remove(i));
        let ul_dai = grant.and_then(|g| g.dai);
        let mut book = DynamicCodebook::default();
        let mut bits = [0u8; 64];
        let dynamic = self.dedicated.is_some();
        for p in &due {
            let at = if dynamic { book.push(p.dai) } else { 0 };
            bits[at as usize] = p.ack as u8;
        }
        let n = match (dynamic, &grant) {
            (true, Some(g)) if g.dai.is_some() => book.n_bits(ul_dai),
            (true, _) => book.n_bits(None),
            (false, _) => (!due.is_empty()) as u8,
        };
        let csi = self.dedicated.as_ref().is_some_and(|d| resolve::is_csi_occasion(d, slot));
        if let Some(g) = grant {
            let (tb, _) = self.block(now, &g);
            let p = self.dedicated.as_ref().map_or(&cell.pusch, |d| &d.pusch);
            let mut pdu = g.pdu;
            let report = self.dedicated.as_ref().filter(|_| csi).and_then(|d| d.csi_report);
            if n > 0 || report.is_some() {
                pdu.uci = resolve::uci_on_pusch(p, n as u16, report.as_ref().map(|r| &r.content));
            }
            return Spoken { pusch: Some((pdu, tb)), bits, ..Spoken::default() };
        }
        let rnti = self.c_rnti.or(self.tc_rnti);
        let Some(rnti) = rnti else { return Spoken::default() };
        let harq = due.last().map(|p| HarqUci { n_bits: n, ..p.uci });
        let choice = resolve::pucch(cell, self.dedicated.as_ref(), rnti, slot, harq).unwrap();
        let sr = self.sr && self.dedicated.as_ref().is_some_and(|d| resolve::is_sr_occasion(d, slot));
        let pucch = if sr { choice.sr.or(choice.main) } else { choice.main };
        Spoken { pucch, bits, sr, ..Spoken::default() }
    }
}

/// What a terminal sent in a slot.
#[derive(Clone)]
pub struct Spoken {
    pub pusch: Option<(PuschPdu, Vec<u8>)>,
    pub pucch: Option<PucchPdu>,
    pub bits: [u8; 64],
    pub sr: bool,
}

impl Default for Spoken {
    fn default() -> Self {
        Spoken { pusch: None, pucch: None, bits: [0; 64], sr: false }
    }
}
