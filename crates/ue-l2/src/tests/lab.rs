//! A cell for tests: terminals under test, an L1 that loses nothing but what the script says, and a gNB's MAC written by hand.

use crate::{Config, UeL2};
use fapi::pdu::Span;
use fapi::ue::{Addressed, UeIndication, UeL1Command, UeL1Event, UeResponse};
use mac::rar::encode_rar_pdu;
use mac::{PduBuilder, Rar, UlReader, UlSubPdu};
use node::{Outbox, Rng};
use nr::{HarqId, LcId, Numerology, Rnti, SlotPoint, Tc};
use pdcp::{End, Pdcp, PdcpEvent, Setup};
use rlc::{Rlc, RlcConfig, RlcEvent};
use seam::bearer::{Bearer, LogicalChannelConfig, RlcBearerConfig};
use seam::ue::{L2Command, L2Event, MacConfig, RandomAccessConfig};
use std::collections::BTreeMap;

pub const PRACH_PERIOD: i64 = 20;
pub const RA_RNTI: Rnti = Rnti(0x000f);
pub const SLOT: Tc = Tc::from_us(500);

pub fn slot_point(n: i64) -> SlotPoint {
    SlotPoint::from_count(Numerology::KHZ30, n)
}

/// A terminal with its L1.
pub struct Terminal {
    pub l2: UeL2,
    pub events: Vec<(i64, L2Event)>,
    pub commands: Vec<(i64, UeL1Command)>,
    preamble: Option<u8>,
    watching: bool,
    pub c_rnti: Option<Rnti>,
    pub temporary: Option<Rnti>,
    pub sr: bool,
    next: UeIndication,
    /// Sent in the slot that is on: HARQ process, block, Msg3.
    sent: Vec<(u8, Vec<u8>, bool)>,
    sent_preamble: Option<u8>,
    sent_sr: bool,
}

impl Terminal {
    fn new(n: u32, seed: u64) -> Terminal {
        let config = Config { ue: n, tap_downlink: true, tap_uplink: true, ..Config::default() };
        Terminal {
            l2: UeL2::new(config, Rng::from_lab_seed(seed)),
            events: Vec::new(),
            commands: Vec::new(),
            preamble: None,
            watching: false,
            c_rnti: None,
            temporary: None,
            sr: false,
            next: UeIndication::default(),
            sent: Vec::new(),
            sent_preamble: None,
            sent_sr: false,
        }
    }
    pub fn has(&self, which: impl Fn(&L2Event) -> bool) -> bool {
        self.events.iter().any(|(_, e)| which(e))
    }
    pub fn done(&self) -> Option<(Rnti, u8)> {
        self.events.iter().rev().find_map(|(_, e)| match e {
            L2Event::RandomAccessDone { c_rnti, preambles_sent, .. } => Some((*c_rnti, *preambles_sent)),
            _ => None,
        })
    }
    pub fn preambles(&self) -> Vec<(i64, u8, i16)> {
        let of = |(t, c): &(i64, UeL1Command)| match c {
            UeL1Command::SendPreamble { preamble, target_power_dbm } => Some((*t, *preamble, *target_power_dbm)),
            _ => None,
        };
        self.commands.iter().filter_map(of).collect()
    }
    fn block(&mut self, addressed: Addressed, rnti: Rnti, slot: i64, block: &[u8]) {
        let tb = Span::append(&mut self.next.bytes, block);
        let harq = HarqId::new(0).unwrap();
        self.next.events.push(UeL1Event::DlBlock { addressed, rnti, harq, slot: slot_point(slot), tb });
    }
    pub fn event(&mut self, event: UeL1Event) {
        self.next.events.push(event);
    }
    fn obey(&mut self, slot: i64, response: &mut UeResponse, msg3_tbs: u32) {
        for c in response.commands.drain(..) {
            match &c {
                UeL1Command::SendPreamble { preamble, .. } => self.preamble = Some(*preamble),
                UeL1Command::WatchRar { ra_rnti, .. } => self.watching = ra_rnti.is_some(),
                UeL1Command::SetRnti { c_rnti, temporary } => (self.c_rnti, self.temporary) = (*c_rnti, *temporary),
                UeL1Command::RarGrant { slot: at, .. } => {
                    let harq = HarqId::new(0).unwrap();
                    self.next.events.push(UeL1Event::UlGrant {
                        harq,
                        new_data: true,
                        tbs_bytes: msg3_tbs,
                        slot: at.plus(4),
                        msg3: true,
                    });
                }
                UeL1Command::SchedulingRequest(on) => self.sr = *on,
                _ => {}
            }
            self.commands.push((slot, c));
        }
    }
}

/// What the gNB keeps of a terminal.
pub struct Context {
    pub rlc: BTreeMap<u8, Rlc>,
    pub pdcp: BTreeMap<u8, Pdcp>,
    pub got: Vec<(u8, Vec<u8>)>,
    /// Bytes that the last BSR told, and how many reports came.
    pub bsr: Option<mac::Bsr>,
    pub bsrs: u32,
    pub phr: Option<mac::Phr>,
    pub requests: u32,
    wanted: u32,
}

impl Context {
    fn new() -> Context {
        Context {
            rlc: BTreeMap::new(),
            pdcp: BTreeMap::new(),
            got: Vec::new(),
            bsr: None,
            bsrs: 0,
            phr: None,
            requests: 0,
            wanted: 0,
        }
    }
    pub fn add(&mut self, lcid: u8, config: &RlcConfig, setup: Setup) {
        self.rlc.insert(lcid, Rlc::new(config, rlc::Limits::default()));
        self.pdcp.insert(lcid, Pdcp::new(setup, pdcp::Limits::default()));
    }
    pub fn send(&mut self, now: Tc, lcid: u8, sdu: Vec<u8>) {
        let (pdu, count) = self.pdcp.get_mut(&lcid).unwrap().send(now, sdu).unwrap();
        self.rlc.get_mut(&lcid).unwrap().push_sdu(now, pdu, count).unwrap();
    }
    fn receive(&mut self, now: Tc, lcid: u8, pdu: &[u8]) {
        let mut rlc_out = Outbox::default();
        let mut pdcp_out = Outbox::default();
        let Some(rlc) = self.rlc.get_mut(&lcid) else { return };
        rlc.receive(now, pdu, &mut rlc_out);
        for e in rlc_out.drain() {
            match e {
                RlcEvent::Sdu(s) => self.pdcp.get_mut(&lcid).unwrap().receive(now, s, &mut pdcp_out),
                RlcEvent::Delivered { tag } => self.pdcp.get_mut(&lcid).unwrap().delivered(tag),
                RlcEvent::MaxRetx => panic!("MaxRetx at the gNB"),
            }
        }
        for e in pdcp_out.drain() {
            match e {
                PdcpEvent::Sdu { sdu, .. } => self.got.push((lcid, sdu)),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Things that the script can break.
#[derive(Default)]
pub struct Script {
    pub lose_rar: u32,
    pub lose_msg3: u32,
    pub lose_msg4: u32,
    pub backoff: Option<u8>,
    /// Responses to other preambles come first.
    pub others: bool,
    /// No grant is given to a C-RNTI.
    pub no_grants: bool,
    /// Loss of later blocks, both ways.
    pub loss: f64,
    pub msg3_tbs: u32,
    pub grant_tbs: u32,
    /// SR occasions come each so many slots.
    pub sr_period: i64,
}

pub struct Lab {
    pub slot: i64,
    pub ues: Vec<Terminal>,
    pub contexts: BTreeMap<u16, Context>,
    pub script: Script,
    rng: Rng,
    next_rnti: u16,
    later: Vec<(i64, Later)>,
}

enum Later {
    Rar(Vec<u8>),
    Msg4(Rnti, Vec<u8>),
}

impl Lab {
    pub fn new(seed: u64, n_ues: u32) -> Lab {
        let mut lab = Lab {
            slot: 0,
            ues: (0..n_ues).map(|n| Terminal::new(n, seed * 1000 + u64::from(n))).collect(),
            contexts: BTreeMap::new(),
            script: Script { msg3_tbs: 11, grant_tbs: 400, sr_period: 10, ..Script::default() },
            rng: Rng::from_lab_seed(seed),
            next_rnti: 0x4601,
            later: Vec::new(),
        };
        for u in 0..lab.ues.len() {
            lab.command(u, L2Command::ConfigureRandomAccess(random_access_config()));
        }
        lab
    }

    pub fn now(&self) -> Tc {
        Tc(SLOT.0 * self.slot)
    }

    pub fn command(&mut self, ue: usize, command: L2Command) {
        let now = self.now();
        let mut response = UeResponse::default();
        let mut events = Outbox::default();
        let t = &mut self.ues[ue];
        t.l2.command(now, command, &mut response, &mut events);
        t.events.extend(events.drain().map(|e| (self.slot, e)));
        t.obey(self.slot, &mut response, self.script.msg3_tbs);
    }

    pub fn packet(&mut self, ue: usize, session: u8, qfi: u8, packet: Vec<u8>) {
        let now = self.now();
        let mut response = UeResponse::default();
        let mut events = Outbox::default();
        let t = &mut self.ues[ue];
        let qfi = nr::Qfi::new(qfi).unwrap();
        t.l2.send_packet(now, session, qfi, packet, &mut response, &mut events).unwrap();
        t.obey(self.slot, &mut response, self.script.msg3_tbs);
    }

    pub fn grant(&mut self, ue: usize, harq: u8, new_data: bool, tbs_bytes: u32) {
        let slot = slot_point(self.slot + 4);
        let harq = HarqId::new(harq).unwrap();
        self.ues[ue].event(UeL1Event::PdcchToCRnti { uplink_new: new_data });
        self.ues[ue].event(UeL1Event::UlGrant { harq, new_data, tbs_bytes, slot, msg3: false });
    }

    /// A block for a terminal's C-RNTI, filled from its context.
    pub fn downlink(&mut self, ue: usize, room: usize) {
        let now = self.now();
        let Some(rnti) = self.ues[ue].c_rnti else { return };
        let Some(context) = self.contexts.get_mut(&rnti.0) else { return };
        let mut block = vec![0; room];
        let mut b = PduBuilder::new(&mut block);
        for (lcid, rlc) in &mut context.rlc {
            while b.sdu_with(*lcid, |room| rlc.pull(now, room)) > 0 {}
        }
        if b.is_empty() {
            return;
        }
        b.finish();
        if self.rng.unit() >= self.script.loss {
            let slot = self.slot;
            self.ues[ue].block(Addressed::Cell, rnti, slot, &block);
        }
    }

    pub fn raw_downlink(&mut self, ue: usize, block: &[u8]) {
        let slot = self.slot;
        let rnti = self.ues[ue].c_rnti.unwrap();
        self.ues[ue].block(Addressed::Cell, rnti, slot, block);
    }

    pub fn run(&mut self, slots: i64) {
        for _ in 0..slots {
            self.step();
        }
    }

    /// One slot: what is due on the air, each terminal, then the gNB.
    pub fn step(&mut self) {
        self.slot += 1;
        let (slot, now) = (self.slot, self.now());
        for (_, what) in self.later.extract_if(.., |(at, _)| *at <= slot).collect::<Vec<_>>() {
            match what {
                Later::Rar(pdu) => {
                    for t in self.ues.iter_mut().filter(|t| t.watching) {
                        t.block(Addressed::Ra, RA_RNTI, slot, &pdu);
                    }
                }
                Later::Msg4(rnti, pdu) => {
                    for t in &mut self.ues {
                        if t.temporary == Some(rnti) {
                            t.block(Addressed::Temporary, rnti, slot, &pdu);
                        } else if t.c_rnti == Some(rnti) {
                            t.block(Addressed::Cell, rnti, slot, &pdu);
                        }
                    }
                }
            }
        }
        for t in &mut self.ues {
            if slot % PRACH_PERIOD == 0
                && let Some(p) = t.preamble.take()
            {
                t.sent_preamble = Some(p);
                t.event(UeL1Event::PreambleSent { ra_rnti: RA_RNTI, end: slot_point(slot) });
            }
            if slot % self.script.sr_period == 0 && t.sr {
                t.sent_sr = true;
                t.event(UeL1Event::SchedulingRequestSent);
            }
            let mut indication = std::mem::take(&mut t.next);
            indication.now = now;
            indication.slot = Some(slot_point(slot));
            let mut response = UeResponse::default();
            let mut events = Outbox::default();
            t.l2.handle_indication(&indication, &mut response, &mut events);
            let is_msg3: BTreeMap<u8, bool> = indication
                .events
                .iter()
                .filter_map(|e| match e {
                    UeL1Event::UlGrant { harq, msg3, .. } => Some((harq.get(), *msg3)),
                    _ => None,
                })
                .collect();
            for b in &response.blocks {
                t.sent.push((b.harq.get(), b.tb.of(&response.bytes).to_vec(), is_msg3[&b.harq.get()]));
            }
            t.obey(slot, &mut response, self.script.msg3_tbs);
            while t.l2.deadline().is_some_and(|d| d <= now) {
                t.l2.timeout(now, &mut response, &mut events);
                t.obey(slot, &mut response, self.script.msg3_tbs);
            }
            assert_eq!(response.blocks.len(), is_msg3.len(), "a block for each grant");
            t.events.extend(events.drain().map(|e| (slot, e)));
        }
        self.gnb(now);
    }

    fn gnb(&mut self, now: Tc) {
        self.hear_preambles();
        let mut taken: Vec<Rnti> = Vec::new();
        for u in 0..self.ues.len() {
            for (_, block, msg3) in std::mem::take(&mut self.ues[u].sent) {
                let rnti = if msg3 { self.ues[u].temporary } else { self.ues[u].c_rnti };
                let Some(rnti) = rnti else { continue };
                if msg3 {
                    // The first terminal of a collision is the strong one.
                    if taken.contains(&rnti) || std::mem::replace(&mut self.script.lose_msg3, 0) > 0 {
                        continue;
                    }
                    taken.push(rnti);
                } else if self.rng.unit() < self.script.loss {
                    continue;
                }
                self.hear_block(now, u, rnti, &block);
            }
            if std::mem::take(&mut self.ues[u].sent_sr)
                && let Some(c) = self.ues[u].c_rnti.and_then(|r| self.contexts.get_mut(&r.0))
            {
                c.requests += 1;
                c.wanted = c.wanted.max(1);
            }
        }
        for c in self.contexts.values_mut() {
            let mut out = Outbox::default();
            c.rlc
                .values_mut()
                .filter(|r| r.deadline().is_some_and(|t| t <= now))
                .for_each(|r| r.timeout(now, &mut out));
        }
        self.give_grants();
    }

    fn hear_preambles(&mut self) {
        let mut heard: Vec<u8> = self.ues.iter_mut().filter_map(|t| t.sent_preamble.take()).collect();
        heard.sort_unstable();
        heard.dedup();
        if heard.is_empty() {
            return;
        }
        if self.script.lose_rar > 0 {
            self.script.lose_rar -= 1;
            return;
        }
        let mut responses = Vec::new();
        if self.script.others {
            let rar = |n: u8| Rar { timing_advance: 99, ul_grant: 1, temporary_c_rnti: Rnti(0x7000 + u16::from(n)) };
            responses.extend((0..64).filter(|n| !heard.contains(n)).take(5).map(|n| (n, rar(n))));
        }
        for rapid in heard {
            let temporary_c_rnti = Rnti(self.next_rnti);
            self.next_rnti += 1;
            responses.push((rapid, Rar { timing_advance: 7, ul_grant: 0x12345, temporary_c_rnti }));
        }
        let mut pdu = Vec::new();
        encode_rar_pdu(self.script.backoff, &responses, &mut pdu);
        pdu.resize(pdu.len() + 5, 0);
        self.later.push((self.slot + 3, Later::Rar(pdu)));
    }

    fn hear_block(&mut self, now: Tc, ue: usize, rnti: Rnti, block: &[u8]) {
        let mut of = rnti;
        let subs: Vec<_> = UlReader::new(block).map(Result::unwrap).collect();
        for sub in &subs {
            match sub {
                UlSubPdu::Ccch(sdu) => {
                    self.contexts.insert(rnti.0, Context::new());
                    if self.script.lose_msg4 > 0 {
                        self.script.lose_msg4 -= 1;
                        continue;
                    }
                    let mut msg4 = vec![0; 40];
                    let mut b = PduBuilder::new(&mut msg4);
                    b.contention_resolution(&sdu[..6].try_into().unwrap());
                    b.sdu(0, &[0x5e; 20]);
                    b.finish();
                    self.later.push((self.slot + 5, Later::Msg4(rnti, msg4)));
                }
                UlSubPdu::CRnti(c) => {
                    of = *c;
                    if !self.script.no_grants {
                        self.grant(ue, 1, true, 50);
                    }
                }
                _ => {}
            }
        }
        let Some(c) = self.contexts.get_mut(&of.0) else { return };
        for sub in subs {
            match sub {
                UlSubPdu::Sdu { lcid, data } => c.receive(now, lcid.get(), data),
                UlSubPdu::Bsr(bsr) => {
                    c.bsr = Some(bsr);
                    c.bsrs += 1;
                    c.wanted = (0..8).filter_map(|g| bsr.bytes(g)).sum();
                }
                UlSubPdu::Phr(phr) => c.phr = Some(phr),
                _ => {}
            }
        }
    }

    fn give_grants(&mut self) {
        if self.script.no_grants {
            return;
        }
        for u in 0..self.ues.len() {
            let Some(c) = self.ues[u].c_rnti.and_then(|r| self.contexts.get_mut(&r.0)) else { continue };
            if c.wanted > 0 {
                let tbs = self.script.grant_tbs;
                c.wanted = c.wanted.saturating_sub(tbs);
                let harq = (self.slot % 16) as u8;
                self.grant(u, harq, true, tbs);
            }
        }
    }

    /// Random access of terminal `ue`, then SRB1 at both ends.
    pub fn attach(&mut self, ue: usize, mac: MacConfig) {
        self.command(ue, L2Command::StartRandomAccess { ccch: Some(vec![0x10 + ue as u8, 2, 3, 4, 5, 6]) });
        for _ in 0..4000 {
            if self.ues[ue].done().is_some() {
                break;
            }
            self.step();
        }
        let (rnti, _) = self.ues[ue].done().expect("random access");
        self.command(ue, L2Command::ConfigureMac(mac));
        self.command(ue, L2Command::AddRlcBearer(channel(1, Bearer::Srb1, &srb_rlc(), 1, 0)));
        let setup = Setup::srb(Bearer::Srb1, End::Ue);
        self.command(ue, L2Command::AddPdcp { bearer: Bearer::Srb1, config: setup.config, sdap: None });
        let context = self.contexts.get_mut(&rnti.0).unwrap();
        context.add(1, &srb_rlc(), Setup::srb(Bearer::Srb1, End::Gnb));
    }

    pub fn context(&mut self, ue: usize) -> &mut Context {
        let rnti = self.ues[ue].l2.c_rnti().unwrap();
        self.contexts.get_mut(&rnti.0).unwrap()
    }
}

pub fn random_access_config() -> RandomAccessConfig {
    RandomAccessConfig {
        preamble_target_power_dbm: -100,
        power_ramping_step_db: 4,
        preamble_trans_max: 7,
        ra_response_window_slots: 10,
        contention_resolution_timer_ms: 32,
        n_preambles: 64,
    }
}

pub fn mac_config() -> MacConfig {
    MacConfig {
        periodic_bsr_timer_ms: Some(50),
        retx_bsr_timer_ms: 40,
        sr_prohibit_timer_ms: 0,
        sr_trans_max: 8,
        time_alignment_timer_ms: None,
        phr_periodic_timer_ms: Some(200),
        phr_prohibit_timer_ms: 20,
        phr_tx_power_factor_change_db: Some(3),
        sr_resource: true,
    }
}

pub fn srb_rlc() -> RlcConfig {
    RlcConfig::Am {
        sn_bits: 12,
        t_poll_retransmit_ms: 45,
        poll_pdu: None,
        poll_byte: None,
        max_retx_threshold: 32,
        t_reassembly_ms: 20,
        t_status_prohibit_ms: 0,
    }
}

pub fn channel(lcid: u8, bearer: Bearer, rlc: &RlcConfig, priority: u8, group: u8) -> RlcBearerConfig {
    RlcBearerConfig {
        lcid: LcId::new(lcid).unwrap(),
        bearer,
        rlc: *rlc,
        logical_channel: LogicalChannelConfig {
            priority,
            prioritised_bit_rate: if bearer.is_srb() { None } else { Some(8000) },
            bucket_size_duration_ms: 100,
            logical_channel_group: Some(group),
            scheduling_request: true,
        },
    }
}
