//! A distributed unit for tests: real MAC PDUs and RLC entities, no physical layer, one grant a slot for who asked.

use super::cell;
use mac::{PduBuilder, Rar, UlReader, UlSubPdu};
use node::Outbox;
use nr::{DrbId, LcId, Rnti, Tc};
use rlc::{Limits, Rlc, RlcConfig, RlcEvent};
use seam::bearer::{Bearer, LogicalChannelConfig, RlcBearerConfig};
use seam::f1::{CuToDu, DuToCu, DuUeId};
use std::collections::BTreeMap;

/// How long a release waits for its acknowledgement.
const RELEASE_PATIENCE: Tc = Tc::from_ms(100);

struct Channel {
    config: RlcBearerConfig,
    rlc: Rlc,
    /// Not before the terminal knows it.
    held: bool,
}

struct DuUe {
    id: DuUeId,
    rnti: Rnti,
    contention_id: [u8; 6],
    /// The contention is still to be resolved.
    contended: bool,
    ccch: Option<Vec<u8>>,
    channels: Vec<Channel>,
    waiting: Vec<(DrbId, Vec<u8>)>,
    wanted: u32,
    release_by: Option<Tc>,
}

/// What the unit does on the air for one terminal in one slot.
pub enum Air {
    /// A random access response, for whoever waits for one.
    Rar(Vec<u8>),
    /// A block; `temporary` while the contention is open.
    Block { rnti: Rnti, temporary: bool, pdu: Vec<u8> },
    /// A grant.
    Grant { rnti: Rnti, tbs: u32 },
}

/// The distributed unit.
pub struct TestDu {
    ues: BTreeMap<u16, DuUe>,
    next_id: u32,
    next_rnti: u16,
    preambles: Vec<u8>,
    pub to_cu: Vec<DuToCu>,
    /// 5G-S-TMSIs to call in the next slot.
    pub pages: Vec<u64>,
}

pub fn am(sn_bits: u8) -> RlcConfig {
    RlcConfig::Am {
        sn_bits,
        t_poll_retransmit_ms: 45,
        poll_pdu: None,
        poll_byte: None,
        max_retx_threshold: 32,
        t_reassembly_ms: 35,
        t_status_prohibit_ms: 0,
    }
}

fn bearer(lcid: u8, bearer: Bearer, rlc: RlcConfig) -> RlcBearerConfig {
    let logical_channel = LogicalChannelConfig {
        priority: if bearer.is_srb() { lcid } else { 10 },
        prioritised_bit_rate: None,
        bucket_size_duration_ms: 50,
        logical_channel_group: Some(if bearer.is_srb() { 0 } else { 1 }),
        scheduling_request: true,
    };
    RlcBearerConfig { lcid: LcId::new(lcid).unwrap(), bearer, rlc, logical_channel }
}

impl TestDu {
    pub fn new() -> TestDu {
        TestDu {
            ues: BTreeMap::new(),
            next_id: 1,
            next_rnti: 0x4601,
            preambles: Vec::new(),
            to_cu: Vec::new(),
            pages: Vec::new(),
        }
    }
    /// Terminals it knows.
    pub fn n_ues(&self) -> usize {
        self.ues.len()
    }
    /// Forgets a terminal and tells the central unit that it is lost.
    pub fn lose(&mut self, rnti: Rnti) {
        if let Some(u) = self.ues.get(&rnti.0) {
            self.to_cu.push(DuToCu::UeLost { ue: u.id, cause: seam::f1::LossCause::RadioLinkFailure });
        }
    }
    pub fn preamble(&mut self, rapid: u8) {
        self.preambles.push(rapid);
    }
    fn by_id(&mut self, id: DuUeId) -> Option<&mut DuUe> {
        self.ues.values_mut().find(|u| u.id == id)
    }

    /// A message of the central unit.
    pub fn f1(&mut self, now: Tc, m: CuToDu) {
        match m {
            CuToDu::DlRrcTransfer { ue, bearer, pdu } => {
                if let Some(u) = self.by_id(ue) {
                    u.send_rrc(now, bearer, pdu);
                }
            }
            CuToDu::UeContextModify { ue, drbs_add, drbs_release, srb2, .. } => {
                let Some(u) = self.by_id(ue) else { return };
                let mut add = Vec::new();
                if srb2 {
                    add.push(bearer(2, Bearer::Srb2, am(12)));
                }
                for d in drbs_add {
                    let rlc = if d.acknowledged { am(18) } else { RlcConfig::Um { sn_bits: 12, t_reassembly_ms: 50 } };
                    add.push(bearer(3 + d.drb.get(), Bearer::Drb(d.drb), rlc));
                }
                let release: Vec<u8> = drbs_release.iter().map(|d| 3 + d.get()).collect();
                u.channels.retain(|c| !release.contains(&c.config.lcid.get()));
                let again = u.configure(&add);
                let cell_group = cell::cell_group(&add, &release, again);
                self.to_cu.push(DuToCu::UeContextResponse { ue, cell_group, bearers: add });
            }
            CuToDu::ReconfigurationComplete { ue } => {
                if let Some(u) = self.by_id(ue) {
                    u.channels.iter_mut().for_each(|c| c.held = false);
                    for (drb, pdu) in std::mem::take(&mut u.waiting) {
                        u.send_user(now, drb, pdu);
                    }
                }
            }
            CuToDu::UeContextRelease { ue, rrc } => {
                let Some(u) = self.by_id(ue) else { return };
                if let Some((bearer, pdu)) = rrc {
                    u.send_rrc(now, bearer, pdu);
                }
                u.release_by = Some(now + RELEASE_PATIENCE);
            }
            CuToDu::Paging { s_tmsi, .. } => self.pages.push(s_tmsi),
            CuToDu::UeReestablish { ue: _, old } => {
                self.ues.retain(|_, u| u.id != old);
            }
            CuToDu::DlUser { ue, drb, pdu } => {
                if let Some(u) = self.by_id(ue) {
                    u.send_user(now, drb, pdu);
                }
            }
        }
    }

    /// A block of a terminal: `temporary` if it is Msg3.
    pub fn block(&mut self, now: Tc, rnti: Rnti, msg3: bool, block: &[u8]) {
        let subs: Vec<_> = UlReader::new(block).flatten().collect();
        let mut of = rnti;
        for sub in &subs {
            match sub {
                UlSubPdu::Ccch(sdu) if msg3 => self.initial(rnti, sdu),
                UlSubPdu::CRnti(c) => of = *c,
                _ => {}
            }
        }
        let Some(u) = self.ues.get_mut(&of.0) else { return };
        for sub in subs {
            match sub {
                UlSubPdu::Sdu { lcid, data } => u.receive(now, lcid.get(), data, &mut self.to_cu),
                UlSubPdu::Bsr(bsr) => u.wanted = (0..8).filter_map(|g| bsr.bytes(g)).sum(),
                _ => {}
            }
        }
        if of != rnti {
            // Whatever is left to send: the contention ends with a grant.
            u.wanted = u.wanted.max(50);
        }
    }
    fn initial(&mut self, rnti: Rnti, sdu: &[u8]) {
        let Some(contention_id) = sdu.get(..6).and_then(|s| s.try_into().ok()) else { return };
        let id = DuUeId(self.next_id);
        self.next_id += 1;
        let srb1 = bearer(1, Bearer::Srb1, am(12));
        let mut u = DuUe {
            id,
            rnti,
            contention_id,
            contended: true,
            ccch: None,
            channels: Vec::new(),
            waiting: Vec::new(),
            wanted: 0,
            release_by: None,
        };
        u.configure(&[srb1]);
        u.channels.iter_mut().for_each(|c| c.held = false);
        self.ues.insert(rnti.0, u);
        let cell_group = cell::cell_group(&[srb1], &[], false);
        self.to_cu.push(DuToCu::InitialUlRrc { ue: id, c_rnti: rnti, rrc: sdu.to_vec(), cell_group });
    }
    /// A scheduling request.
    pub fn request(&mut self, rnti: Rnti) {
        if let Some(u) = self.ues.get_mut(&rnti.0) {
            u.wanted = u.wanted.max(1);
        }
    }

    /// One slot: what goes on the air.
    pub fn slot(&mut self, now: Tc) -> Vec<Air> {
        let mut air = Vec::new();
        for rapid in std::mem::take(&mut self.preambles) {
            let temporary_c_rnti = Rnti(self.next_rnti);
            self.next_rnti += 1;
            let mut pdu = Vec::new();
            let rar = Rar { timing_advance: 7, ul_grant: 0x12345, temporary_c_rnti };
            mac::rar::encode_rar_pdu(None, &[(rapid, rar)], &mut pdu);
            air.push(Air::Rar(pdu));
        }
        for u in self.ues.values_mut() {
            u.slot(now, &mut air, &mut self.to_cu);
        }
        let gone: Vec<u16> = self.ues.iter().filter(|(_, u)| u.is_gone(now)).map(|(r, _)| *r).collect();
        for r in gone {
            if let Some(u) = self.ues.remove(&r) {
                self.to_cu.push(DuToCu::UeContextReleased { ue: u.id });
            }
        }
        air
    }
}

impl DuUe {
    /// Adds channels, or makes their entities anew; says whether any was there before.
    fn configure(&mut self, add: &[RlcBearerConfig]) -> bool {
        let before = self.channels.len();
        self.channels.retain(|c| !add.iter().any(|a| a.lcid == c.config.lcid));
        let again = before != self.channels.len();
        self.channels.extend(add.iter().map(|a| Channel {
            config: *a,
            rlc: Rlc::new(&a.rlc, Limits::default()),
            held: true,
        }));
        again
    }
    fn channel(&mut self, bearer: Bearer) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|c| c.config.bearer == bearer)
    }
    fn send_rrc(&mut self, now: Tc, bearer: Bearer, pdu: Vec<u8>) {
        if bearer == Bearer::Srb0 {
            self.ccch = Some(pdu);
        } else if let Some(c) = self.channel(bearer) {
            c.rlc.push_sdu(now, pdu, 0).unwrap();
        }
    }
    fn send_user(&mut self, now: Tc, drb: DrbId, pdu: Vec<u8>) {
        match self.channel(Bearer::Drb(drb)) {
            Some(c) if c.held => self.waiting.push((drb, pdu)),
            Some(c) => {
                // Only data PDUs count as deliveries.
                let tag = (pdu[0] >> 7).into();
                c.rlc.push_sdu(now, pdu, tag).unwrap();
            }
            None => {}
        }
    }
    fn receive(&mut self, now: Tc, lcid: u8, data: &[u8], out: &mut Vec<DuToCu>) {
        let ue = self.id;
        let Some(c) = self.channels.iter_mut().find(|c| c.config.lcid.get() == lcid) else { return };
        let mut events = Outbox::default();
        c.rlc.receive(now, data, &mut events);
        let mut delivered = 0;
        for e in events.drain() {
            match (e, c.config.bearer) {
                (RlcEvent::Sdu(pdu), Bearer::Drb(drb)) => out.push(DuToCu::UlUser { ue, drb, pdu }),
                (RlcEvent::Sdu(pdu), bearer) => out.push(DuToCu::UlRrcTransfer { ue, bearer, pdu }),
                (RlcEvent::Delivered { tag }, _) => delivered += tag,
                (RlcEvent::MaxRetx, _) => {
                    out.push(DuToCu::UeLost { ue, cause: seam::f1::LossCause::RlcMaxRetx });
                }
            }
        }
        if let Bearer::Drb(drb) = c.config.bearer {
            let queued_bytes = c.rlc.held_bytes() as u32;
            out.push(DuToCu::DeliveryStatus { ue, drb, queued_bytes, delivered });
        }
    }
    fn slot(&mut self, now: Tc, air: &mut Vec<Air>, out: &mut Vec<DuToCu>) {
        let mut events = Outbox::default();
        for c in self.channels.iter_mut().filter(|c| c.rlc.deadline().is_some_and(|t| t <= now)) {
            c.rlc.timeout(now, &mut events);
        }
        if events.drain().any(|e| e == RlcEvent::MaxRetx) {
            out.push(DuToCu::UeLost { ue: self.id, cause: seam::f1::LossCause::RlcMaxRetx });
        }
        let answered = self.ccch.is_some() || self.channels.iter().any(|c| c.rlc.buffer_status().total() > 0);
        if self.contended && !answered {
            return;
        }
        let temporary = std::mem::take(&mut self.contended);
        let mut pdu = vec![0; 3000];
        let mut b = PduBuilder::new(&mut pdu);
        if temporary {
            b.contention_resolution(&self.contention_id);
        }
        if let Some(sdu) = self.ccch.take() {
            b.sdu(0, &sdu);
        }
        for c in &mut self.channels {
            let lcid = c.config.lcid.get();
            while b.sdu_with(lcid, |room| c.rlc.pull(now, room)) > 0 {}
        }
        if !b.is_empty() {
            b.finish();
            air.push(Air::Block { rnti: self.rnti, temporary, pdu });
        }
        if self.wanted > 0 {
            let tbs = 1500;
            self.wanted = self.wanted.saturating_sub(tbs);
            air.push(Air::Grant { rnti: self.rnti, tbs });
        }
    }
    fn is_gone(&self, now: Tc) -> bool {
        let done = self.ccch.is_none() && self.channels.iter().all(|c| c.rlc.held_bytes() == 0);
        self.release_by.is_some_and(|t| done || t <= now)
    }
}
