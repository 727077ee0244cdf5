//! A terminal for tests: its control plane and its layer 2, with an L1 that hears what the world hands it.

use super::cell::{Broadcast, SSB_ARFCN};
use fapi::pdu::Span;
use fapi::ue::{Addressed, UeIndication, UeL1Command, UeL1Event, UeResponse};
use node::{Outbox, Rng, Tap};
use nr::{HarqId, Numerology, Pci, Qfi, Rnti, SlotPoint, Tc};
use seam::ue::L2Event;
use std::collections::BTreeMap;
use ue_cp::{CpEvent, CpOutput, RrcState, UeCp, UeCpConfig};
use ue_l2::UeL2;

/// Slots from a search to its result, and between two SIB1s.
const SEARCH_SLOTS: i64 = 40;
const RA_RNTI: Rnti = Rnti(0x000f);

pub fn slot_point(n: i64) -> SlotPoint {
    SlotPoint::from_count(Numerology::KHZ30, n)
}

/// A terminal.
pub struct Phone {
    pub cp: UeCp,
    pub l2: UeL2,
    /// Whether radio waves reach it.
    pub hears: bool,
    pub events: Vec<CpEvent>,
    /// Packets that came: PDU session, QFI, packet.
    pub packets: Vec<(u8, u8, Vec<u8>)>,
    pub taps: Vec<Tap>,
    search_due: Option<i64>,
    barred: Vec<Pci>,
    cell: Option<usize>,
    preamble: Option<u8>,
    watching: bool,
    paging: bool,
    pub c_rnti: Option<Rnti>,
    temporary: Option<Rnti>,
    sr: bool,
    next: UeIndication,
    rounds: u32,
}

/// What a terminal sends in a slot.
#[derive(Default)]
pub struct Sent {
    pub preamble: Option<u8>,
    /// RNTI, whether it is Msg3, block.
    pub blocks: Vec<(Rnti, bool, Vec<u8>)>,
    pub request: Option<Rnti>,
}

impl Phone {
    pub fn new(config: UeCpConfig, n: u32, rng: &Rng) -> Phone {
        let rng = rng.fork(&format!("ue {n}"));
        let l2 = ue_l2::Config { ue: n, tap_downlink: true, tap_uplink: false, ..Default::default() };
        Phone {
            cp: UeCp::new(config, n, rng.fork("cp")),
            l2: UeL2::new(l2, rng.fork("l2")),
            hears: true,
            events: Vec::new(),
            packets: Vec::new(),
            taps: Vec::new(),
            search_due: None,
            barred: Vec::new(),
            cell: None,
            preamble: None,
            watching: false,
            paging: false,
            c_rnti: None,
            temporary: None,
            sr: false,
            next: UeIndication::default(),
            rounds: 0,
        }
    }
    /// Runs a part of the control plane, and what follows from it until nothing does.
    pub fn act(&mut self, slot: i64, now: Tc, what: impl FnOnce(&mut UeCp, &mut Outbox<CpOutput>)) {
        let mut out = Outbox::default();
        what(&mut self.cp, &mut out);
        self.follow(slot, now, &mut out);
    }
    fn follow(&mut self, slot: i64, now: Tc, out: &mut Outbox<CpOutput>) {
        let (mut response, mut events) = (UeResponse::default(), Outbox::default());
        while let Some(o) = out.pop() {
            match o {
                CpOutput::L1(c) => self.obey(slot, c),
                CpOutput::L2(c) => {
                    self.l2.command(now, c, &mut response, &mut events);
                    response.commands.drain(..).for_each(|c| self.obey(slot, c));
                    self.hand_up(now, &mut events, out);
                }
                CpOutput::Event(e) => self.events.push(e),
                CpOutput::Tap(t) => self.taps.push(t),
            }
        }
    }
    fn hand_up(&mut self, now: Tc, events: &mut Outbox<L2Event>, out: &mut Outbox<CpOutput>) {
        while let Some(e) = events.pop() {
            match e {
                L2Event::User { pdu_session, qfi, packet } => self.packets.push((pdu_session, qfi, packet)),
                e => self.cp.l2_event(now, e, out),
            }
        }
    }
    fn obey(&mut self, slot: i64, c: UeL1Command) {
        match c {
            UeL1Command::Search { .. } => {
                self.cell = None;
                self.barred.clear();
                self.search_due = Some(slot + SEARCH_SLOTS);
            }
            UeL1Command::Bar(pci) => {
                self.cell = None;
                self.barred.push(pci);
                self.search_due = Some(slot + SEARCH_SLOTS);
            }
            UeL1Command::SendPreamble { preamble, .. } => self.preamble = Some(preamble),
            UeL1Command::WatchRar { ra_rnti, .. } => self.watching = ra_rnti.is_some(),
            UeL1Command::WatchPaging { ue_id } => self.paging = ue_id.is_some(),
            UeL1Command::SetRnti { c_rnti, temporary } => (self.c_rnti, self.temporary) = (c_rnti, temporary),
            UeL1Command::RarGrant { slot: at, .. } => self.next.events.push(UeL1Event::UlGrant {
                harq: HarqId::new(0).unwrap(),
                new_data: true,
                tbs_bytes: 11,
                slot: at.plus(4),
                msg3: true,
            }),
            UeL1Command::SchedulingRequest(on) => self.sr = on,
            UeL1Command::Reset => (self.preamble, self.sr, self.watching) = (None, false, false),
            _ => {}
        }
    }
    fn hear(&mut self, addressed: Addressed, rnti: Rnti, slot: i64, block: &[u8]) {
        let tb = Span::append(&mut self.next.bytes, block);
        let harq = HarqId::new(0).unwrap();
        self.next.events.push(UeL1Event::DlBlock { addressed, rnti, harq, slot: slot_point(slot), tb });
    }
    /// A paging message is on the air, in whosever occasion.
    pub fn hear_paging(&mut self, slot: i64, pdu: &[u8]) {
        if self.hears && self.paging {
            self.hear(Addressed::Paging, Rnti::P, slot, pdu);
        }
    }
    /// A random access response is on the air.
    pub fn hear_rar(&mut self, slot: i64, pdu: &[u8]) {
        if self.hears && self.watching {
            self.hear(Addressed::Ra, RA_RNTI, slot, pdu);
        }
    }
    /// A block is on the air.
    pub fn hear_block(&mut self, slot: i64, rnti: Rnti, temporary: bool, pdu: &[u8]) {
        if self.hears && temporary && self.temporary == Some(rnti) {
            self.hear(Addressed::Temporary, rnti, slot, pdu);
        } else if self.hears && self.c_rnti == Some(rnti) {
            self.hear(Addressed::Cell, rnti, slot, pdu);
        }
    }
    /// A grant is on the air.
    pub fn hear_grant(&mut self, slot: i64, rnti: Rnti, tbs_bytes: u32) {
        if self.hears && self.c_rnti == Some(rnti) {
            let harq = HarqId::new((slot % 16) as u8).unwrap();
            let slot = slot_point(slot + 4);
            self.next.events.push(UeL1Event::PdcchToCRnti { uplink_new: true });
            self.next.events.push(UeL1Event::UlGrant { harq, new_data: true, tbs_bytes, slot, msg3: false });
        }
    }
    /// Sends a packet on a PDU session.
    pub fn send(&mut self, slot: i64, now: Tc, session: u8, packet: Vec<u8>) {
        let (mut response, mut events) = (UeResponse::default(), Outbox::default());
        let qfi = Qfi::new(1).unwrap();
        let sent = self.l2.send_packet(now, session, qfi, packet, &mut response, &mut events);
        assert!(sent.is_ok(), "{sent:?}");
        response.commands.drain(..).for_each(|c| self.obey(slot, c));
    }
    fn measure(&mut self, slot: i64, now: Tc, cells: &[Broadcast]) {
        if self.search_due.is_some_and(|t| t <= slot) {
            let found = cells.iter().position(|c| !self.barred.iter().any(|b| b.get() == c.pci));
            match found.filter(|_| self.hears) {
                Some(i) => {
                    self.search_due = None;
                    self.cell = Some(i);
                    let event = cell_found(&cells[i]);
                    self.act(slot, now, |cp, out| cp.l1_event(now, &event, out));
                }
                None => {
                    self.search_due = Some(slot + SEARCH_SLOTS);
                    self.barred.clear();
                    self.rounds += 1;
                    let event = UeL1Event::SearchExhausted { rounds: self.rounds };
                    self.act(slot, now, |cp, out| cp.l1_event(now, &event, out));
                }
            }
        }
        if slot % SEARCH_SLOTS == 0
            && self.hears
            && let (RrcState::Searching { .. }, Some(i)) = (self.cp.state(), self.cell)
        {
            self.hear(Addressed::Si, Rnti(0xffff), slot, &cells[i].sib1);
        }
        if slot % 20 == 0 {
            let event = UeL1Event::InSync(self.hears);
            self.act(slot, now, |cp, out| cp.l1_event(now, &event, out));
        }
    }
    /// One slot.
    pub fn slot(&mut self, slot: i64, now: Tc, cells: &[Broadcast]) -> Sent {
        let mut sent = Sent::default();
        self.cp.set_slot(slot_point(slot));
        self.measure(slot, now, cells);
        if slot % 20 == 0
            && let Some(p) = self.preamble.take()
        {
            sent.preamble = Some(p);
            self.next.events.push(UeL1Event::PreambleSent { ra_rnti: RA_RNTI, end: slot_point(slot) });
        }
        if slot % 10 == 0 && self.sr {
            sent.request = self.c_rnti;
            self.next.events.push(UeL1Event::SchedulingRequestSent);
        }
        let mut indication = std::mem::take(&mut self.next);
        indication.now = now;
        indication.slot = Some(slot_point(slot));
        let rnti = |p: &Phone, msg3| if msg3 { p.temporary } else { p.c_rnti };
        let (mut response, mut events, mut out) = (UeResponse::default(), Outbox::default(), Outbox::default());
        let msg3: BTreeMap<u8, bool> = indication
            .events
            .iter()
            .filter_map(|e| match e {
                UeL1Event::UlGrant { harq, msg3, .. } => Some((harq.get(), *msg3)),
                _ => None,
            })
            .collect();
        self.l2.handle_indication(&indication, &mut response, &mut events);
        for b in &response.blocks {
            let msg3 = msg3[&b.harq.get()];
            if let Some(r) = rnti(self, msg3) {
                sent.blocks.push((r, msg3, b.tb.of(&response.bytes).to_vec()));
            }
        }
        response.commands.drain(..).for_each(|c| self.obey(slot, c));
        self.hand_up(now, &mut events, &mut out);
        while self.l2.deadline().is_some_and(|d| d <= now) {
            self.l2.timeout(now, &mut response, &mut events);
            response.commands.drain(..).for_each(|c| self.obey(slot, c));
            self.hand_up(now, &mut events, &mut out);
        }
        self.follow(slot, now, &mut out);
        while self.cp.deadline().is_some_and(|d| d <= now) {
            self.act(slot, now, |cp, out| cp.timeout(now, out));
        }
        if !self.hears {
            return Sent::default();
        }
        sent
    }
}

fn cell_found(c: &Broadcast) -> UeL1Event {
    UeL1Event::CellFound {
        pci: Pci::new(c.pci).unwrap(),
        ssb_hz: nr::tables::arfcn::hz(SSB_ARFCN).unwrap(),
        band: 78,
        cfo_hz: 120.0,
        snr_db: 20.0,
        rsrp_dbm: -80.0,
        mib: c.mib,
        k_ssb: 4,
        ssb_index: 0,
        ssb_numerology: Numerology::KHZ30,
        ssb_case: fapi::SsbCase::C,
        l_max: 8,
    }
}
