//! A network without a physical layer: terminals, a perfect link, the central unit, a core, on one virtual clock.
//!
//! [`World::expect`] reads a call flow off the interfaces: NAS ("UE -> AMF"), RRC ("UE -> gNB"), NGAP ("gNB -> AMF"), each in order.

#![allow(dead_code)]

pub mod cell;
pub mod du;
pub mod flow;
pub mod phone;

use cell::Broadcast;
use cn::{Core, CoreConfig, CoreEvent, CoreInput, CoreOutput, GnbId};
use du::{Air, TestDu};
use flow::Line;
use gnb_cu::{CuEvent, CuOutput, GnbCu, GnbCuConfig};
use node::{Node, Outbox, Rng, Tap};
use nr::{Pci, Tc};
use phone::Phone;
use seam::f1::{CuToDu, DuToCu};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use ue_cp::{CpEvent, RadioCapability, SessionInfo, SessionWish, UeCpConfig, Usim};

/// NR cell identity.
pub const CELL_ID: u64 = 0x1001;
const SLOT: Tc = Tc::from_us(500);
const GNB: GnbId = GnbId(1);
const GNB_N3: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 53, 1, 1));
const UPF_N3: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 53, 1, 2));

/// Something under way between two nodes.
#[derive(Clone, Debug)]
#[allow(clippy::enum_variant_names)]
pub enum Wire {
    ToDu(CuToDu),
    ToCu(DuToCu),
    /// NGAP to the AMF.
    ToAmf(Vec<u8>),
    /// NGAP to the gNB.
    ToGnb(Vec<u8>),
    /// GTP-U to the UPF.
    ToUpf(Vec<u8>),
    /// GTP-U to the gNB.
    ToGnbUser(Vec<u8>),
}

/// What may be done to what is under way: change it, and say how many copies arrive.
pub type Tamper = Box<dyn FnMut(&mut Wire) -> usize>;

/// What a world is made of.
pub struct Setup {
    pub seed: u64,
    pub core: CoreConfig,
    pub cu: GnbCuConfig,
    pub cells: Vec<Broadcast>,
    pub ues: Vec<UeCpConfig>,
}

impl Setup {
    /// A core, one cell of its PLMN, and `n` subscribers with an IPv4 session each.
    pub fn new(seed: u64, n: u32) -> Setup {
        let mut core = CoreConfig::lab(seed, n);
        core.taps = cn::TapConfig { control: true, user: true, nas_plain: true, keys: false };
        let ues = (0..n as usize).map(|i| ue_config(&core, i)).collect();
        let cells = vec![Broadcast::new(500, [0, 0, 1], &[0, 1], false)];
        Setup { seed, cu: cu_config(&core), core, cells, ues }
    }
    /// The sessions that every terminal asks for.
    pub fn sessions(mut self, kinds: &[nas::ie::PduSessionType]) -> Setup {
        let wish = |(i, k): (usize, &nas::ie::PduSessionType)| SessionWish {
            id: i as u8 + 1,
            kind: *k,
            dnn: None,
            s_nssai: None,
        };
        for u in &mut self.ues {
            u.sessions = kinds.iter().enumerate().map(wish).collect();
        }
        self
    }
    /// Changes anything.
    pub fn with(mut self, change: impl FnOnce(&mut Setup)) -> Setup {
        change(&mut self);
        self
    }
    pub fn build(self) -> World {
        World::new(self)
    }
}

/// The terminal of subscriber `i`.
pub fn ue_config(core: &CoreConfig, i: usize) -> UeCpConfig {
    let s = &core.subscribers[i];
    UeCpConfig {
        bands: vec![78],
        plmn: core.plmn,
        usim: Usim {
            supi: s.supi.clone(),
            home_plmn: core.plmn,
            subscription: s.credentials.subscription(),
            sqn_ms: s.sqn,
            scheme: security::Scheme::Null,
            home_public_key: Vec::new(),
            home_key_id: 0,
            routing_indicator: "0".into(),
        },
        imeisv: "3534900698733190".into(),
        nea: 0x70,
        nia: 0x70,
        allow_null: false,
        requested_nssai: vec![],
        sessions: vec![SessionWish { id: 1, kind: nas::ie::PduSessionType::Ipv4, dnn: None, s_nssai: None }],
        capability: RadioCapability::default(),
    }
}

fn cu_config(core: &CoreConfig) -> GnbCuConfig {
    GnbCuConfig {
        gnb: ngap::GlobalGnbId { plmn: core.plmn, id: 1, bits: 22 },
        name: "gnb".into(),
        plmn: core.plmn,
        tac: 1,
        nr_cell_id: CELL_ID,
        slices: core.slices.clone(),
        pci: Pci::new(500).unwrap(),
        ssb_arfcn: cell::SSB_ARFCN,
        n3_address: GNB_N3,
        nea: vec![2, 1, 3],
        nia: vec![2, 1, 3],
        allow_null: false,
        up_integrity: false,
        drb_acknowledged: true,
        drb_pdcp_sn_bits: 18,
        drb_t_reordering_ms: 100,
        sdap_header: true,
        drb_queue_bytes: 1 << 20,
        inactivity: None,
        ues_max: 64,
    }
}

/// The network.
pub struct World {
    pub slot: i64,
    pub core: Core,
    pub cu: GnbCu,
    pub du: TestDu,
    pub ues: Vec<Phone>,
    pub cells: Vec<Broadcast>,
    pub tamper: Option<Tamper>,
    pub n6: Vec<Vec<u8>>,
    pub core_events: Vec<CoreEvent>,
    pub cu_events: Vec<CuEvent>,
    pub taps: Vec<Tap>,
    pub log: Vec<Line>,
    wires: VecDeque<(i64, Wire)>,
    cursors: BTreeMap<&'static str, usize>,
    core_out: Outbox<CoreOutput>,
    cu_out: Outbox<CuOutput>,
    seed: u64,
}

impl World {
    pub fn new(s: Setup) -> World {
        let wrong = s.core.check();
        assert!(wrong.is_empty(), "{wrong:?}");
        let rng = Rng::from_lab_seed(s.seed);
        let mut w = World {
            slot: 0,
            core: Core::new(&s.core, &rng.fork("core")),
            cu: GnbCu::new(s.cu),
            du: TestDu::new(),
            ues: s.ues.iter().enumerate().map(|(i, u)| Phone::new(u.clone(), i as u32, &rng)).collect(),
            cells: s.cells,
            tamper: None,
            n6: Vec::new(),
            core_events: Vec::new(),
            cu_events: Vec::new(),
            taps: Vec::new(),
            log: Vec::new(),
            wires: VecDeque::new(),
            cursors: BTreeMap::new(),
            core_out: Outbox::default(),
            cu_out: Outbox::default(),
            seed: s.seed,
        };
        w.cu.start(w.now(), &mut w.cu_out);
        w.run_ms(10);
        w
    }
    pub fn now(&self) -> Tc {
        Tc(SLOT.0 * self.slot)
    }
    /// Switches terminal `i` on.
    pub fn switch_on(&mut self, i: usize) {
        let (slot, now) = (self.slot, self.now());
        self.ues[i].act(slot, now, |cp, out| cp.switch_on(now, out));
    }
    /// Switches terminal `i` off.
    pub fn switch_off(&mut self, i: usize) {
        let (slot, now) = (self.slot, self.now());
        self.ues[i].act(slot, now, |cp, out| cp.switch_off(now, out));
    }
    /// Sends an uplink packet.
    pub fn uplink(&mut self, i: usize, session: u8, packet: Vec<u8>) {
        let (slot, now) = (self.slot, self.now());
        self.ues[i].send(slot, now, session, packet);
    }
    /// A packet of the data network.
    pub fn downlink(&mut self, packet: Vec<u8>) {
        self.tell_core(CoreInput::N6 { packet });
    }
    pub fn tell_core(&mut self, input: CoreInput) {
        let now = self.now();
        self.core.handle(now, input, &mut self.core_out);
    }
    /// An NGAP message to the gNB, as an AMF might send it.
    pub fn tell_gnb(&mut self, pdu: impl Into<ngap::Pdu>) {
        let bytes = pdu.into().encode().unwrap();
        self.send(Wire::ToGnb(bytes));
    }
    fn send(&mut self, mut wire: Wire) {
        let copies = self.tamper.as_mut().map_or(1, |t| t(&mut wire));
        let delay = if matches!(wire, Wire::ToDu(_) | Wire::ToCu(_)) { 1 } else { 2 };
        for _ in 0..copies {
            self.wires.push_back((self.slot + delay, wire.clone()));
        }
    }
    fn collect(&mut self) {
        while let Some(o) = self.cu_out.pop() {
            match o {
                CuOutput::N2(bytes) => self.send(Wire::ToAmf(bytes)),
                CuOutput::F1(m) => self.send(Wire::ToDu(m)),
                CuOutput::N3 { packet, .. } => self.send(Wire::ToUpf(packet)),
                CuOutput::Event(e) => self.cu_events.push(e),
            }
        }
        while let Some(o) = self.core_out.pop() {
            match o {
                CoreOutput::N2 { bytes, .. } => self.send(Wire::ToGnb(bytes)),
                CoreOutput::N3 { bytes, .. } => self.send(Wire::ToGnbUser(bytes)),
                CoreOutput::N6 { packet } => self.n6.push(packet),
                CoreOutput::Event(e) => self.core_events.push(e),
                CoreOutput::Tap(t) => self.tap(t),
            }
        }
        for m in std::mem::take(&mut self.du.to_cu) {
            self.send(Wire::ToCu(m));
        }
    }
    fn tap(&mut self, t: Tap) {
        self.log.extend(flow::line(&t));
        self.taps.push(t);
    }
    fn deliver(&mut self, wire: Wire) {
        let now = self.now();
        match wire {
            Wire::ToDu(m) => self.du.f1(now, m),
            Wire::ToCu(m) => self.cu.f1(now, m, &mut self.cu_out),
            Wire::ToAmf(bytes) => self.core.handle(now, CoreInput::N2 { gnb: GNB, bytes }, &mut self.core_out),
            Wire::ToGnb(bytes) => self.cu.n2(now, &bytes, &mut self.cu_out),
            Wire::ToUpf(bytes) => self.core.handle(now, CoreInput::N3 { from: GNB_N3, bytes }, &mut self.core_out),
            Wire::ToGnbUser(bytes) => self.cu.n3(now, UPF_N3, &bytes, &mut self.cu_out),
        }
    }
    /// One slot.
    pub fn step(&mut self) {
        self.slot += 1;
        let (slot, now) = (self.slot, self.now());
        self.collect();
        for _ in 0..self.wires.len() {
            let Some((at, wire)) = self.wires.pop_front() else { break };
            if at <= slot { self.deliver(wire) } else { self.wires.push_back((at, wire)) }
        }
        while self.core.deadline().is_some_and(|t| t <= now) {
            self.core.timeout(now, &mut self.core_out);
        }
        while self.cu.deadline().is_some_and(|t| t <= now) {
            self.cu.timeout(now, &mut self.cu_out);
        }
        for i in 0..self.ues.len() {
            let sent = self.ues[i].slot(slot, now, &self.cells);
            if let Some(p) = sent.preamble {
                self.du.preamble(p);
            }
            if let Some(r) = sent.request {
                self.du.request(r);
            }
            for (rnti, msg3, block) in sent.blocks {
                self.du.block(now, rnti, msg3, &block);
            }
            let mut taps = std::mem::take(&mut self.ues[i].taps);
            taps.extend(self.ues[i].l2.drain_taps());
            taps.into_iter().for_each(|t| self.tap(t));
        }
        let pages = std::mem::take(&mut self.du.pages);
        if !pages.is_empty() {
            let pdu = gnb_du::rrc_build::paging(&pages).unwrap();
            self.ues.iter_mut().for_each(|p| p.hear_paging(slot, &pdu));
        }
        for air in self.du.slot(now) {
            for p in &mut self.ues {
                match &air {
                    Air::Rar(pdu) => p.hear_rar(slot, pdu),
                    Air::Block { rnti, temporary, pdu } => p.hear_block(slot, *rnti, *temporary, pdu),
                    Air::Grant { rnti, tbs } => p.hear_grant(slot, *rnti, *tbs),
                }
            }
        }
        self.collect();
    }
    pub fn run_ms(&mut self, ms: i64) {
        for _ in 0..2 * ms {
            self.step();
        }
    }
    /// Runs until `done`, for a minute at the most.
    #[track_caller]
    pub fn run_until(&mut self, done: impl Fn(&World) -> bool) {
        for _ in 0..120_000 {
            if done(self) {
                return;
            }
            self.step();
        }
        self.fail("it did not happen within a minute");
    }
    #[track_caller]
    pub fn fail(&self, why: &str) -> ! {
        let mut text = format!("seed {}: {why}\n", self.seed);
        self.log.iter().for_each(|l| text += &format!("  {}: {}\n", l.between, l.what));
        self.ues.iter().for_each(|u| text += &format!("  UE: {:?}\n", u.events));
        text += &format!("  gNB: {:?}\n  core: {:?}\n", self.cu_events, self.core_events);
        panic!("{text}");
    }
    /// The next message of the interface is this one.
    #[track_caller]
    pub fn expect(&mut self, between: &'static str, what: &str) {
        let interface = match between {
            "UE -> AMF" | "AMF -> UE" => "NAS",
            "UE -> gNB" | "gNB -> UE" => "RRC",
            "gNB -> AMF" | "AMF -> gNB" => "NGAP",
            _ => panic!("{between}"),
        };
        let of = |l: &Line| match interface {
            "NAS" => matches!(l.between, "UE -> AMF" | "AMF -> UE"),
            "RRC" => matches!(l.between, "UE -> gNB" | "gNB -> UE"),
            _ => matches!(l.between, "gNB -> AMF" | "AMF -> gNB"),
        };
        let from = *self.cursors.get(interface).unwrap_or(&0);
        for _ in 0..120_000 {
            if let Some(i) = self.log[from..].iter().position(of) {
                let l = self.log[from + i].clone();
                self.cursors.insert(interface, from + i + 1);
                if (l.between, l.what.as_str()) != (between, what) {
                    self.fail(&format!("expected {between}: {what}, and got {}: {}", l.between, l.what));
                }
                return;
            }
            self.step();
        }
        self.fail(&format!("expected {between}: {what}, and nothing came"));
    }
    /// Lines of an interface from here on.
    pub fn skip(&mut self) {
        for i in ["NAS", "RRC", "NGAP"] {
            self.cursors.insert(i, self.log.len());
        }
    }
    /// Whether terminal `i` told of an event.
    pub fn told(&self, i: usize, which: impl Fn(&CpEvent) -> bool) -> bool {
        self.ues[i].events.iter().any(which)
    }
    /// The last session of that identity that came up.
    pub fn session(&self, i: usize, id: u8) -> Option<SessionInfo> {
        self.ues[i].events.iter().rev().find_map(|e| match e {
            CpEvent::SessionUp(s) if s.id == id => Some(s.clone()),
            _ => None,
        })
    }
    /// Failures that terminal `i` told of: step and cause.
    pub fn failures(&self, i: usize) -> Vec<(&'static str, String)> {
        let of = |e: &CpEvent| match e {
            CpEvent::Failed { step, cause, .. } => Some((*step, cause.clone())),
            _ => None,
        };
        self.ues[i].events.iter().filter_map(of).collect()
    }
    /// Switches terminal `i` on and waits for its session 1 and its bearer.
    #[track_caller]
    pub fn attach(&mut self, i: usize) {
        self.switch_on(i);
        self.run_until(|w| w.session(i, 1).is_some());
        self.run_ms(100);
    }
}

/// An IPv4 packet with `payload` in UDP.
pub fn ipv4(src: Ipv4Addr, dst: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let len = 28 + payload.len() as u16;
    let mut p = vec![0x45, 0];
    p.extend(len.to_be_bytes());
    p.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    p.extend(src.octets());
    p.extend(dst.octets());
    let sum: u32 = p.chunks(2).map(|c| u32::from(c[0]) << 8 | u32::from(c[1])).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    p[10..12].copy_from_slice(&sum.to_be_bytes());
    p.extend([0x10, 0x01, 0x10, 0x02]);
    p.extend((8 + payload.len() as u16).to_be_bytes());
    p.extend([0, 0]);
    p.extend(payload);
    p
}

/// An IPv6 packet with `payload` in UDP (its checksum is not checked by anyone here).
pub fn ipv6(src: std::net::Ipv6Addr, dst: std::net::Ipv6Addr, payload: &[u8]) -> Vec<u8> {
    let mut p = vec![0x60, 0, 0, 0];
    p.extend((8 + payload.len() as u16).to_be_bytes());
    p.extend([17, 64]);
    p.extend(src.octets());
    p.extend(dst.octets());
    p.extend([0x10, 0x01, 0x10, 0x02]);
    p.extend((8 + payload.len() as u16).to_be_bytes());
    p.extend([0, 1]);
    p.extend(payload);
    p
}
