//! A hostile base station that may hold every key, and an RRC above in any order: for fuzz targets and for tests.

use crate::{Config, UeL2};
use fapi::pdu::Span;
use fapi::ue::{Addressed, UeIndication, UeL1Event, UeResponse};
use mac::rar::encode_rar_pdu;
use mac::{PduBuilder, Rar, UlReader, UlSubPdu};
use node::{Outbox, Rng, Script};
use nr::{DrbId, HarqId, LcId, Numerology, Qfi, Rnti, SlotPoint, Tc};
use pdcp::{End, Pdcp, Setup};
use rlc::Rlc;
use seam::bearer::*;
use seam::ue::{L2Command, L2Event, MacConfig, RandomAccessConfig};

/// Fires of timers at one moment beyond which they would never end.
const FIRES_MAX: usize = 10_000;
/// Bytes that a script's packets may make wait.
const QUEUE_BYTES: usize = 1 << 16;
const RA_RNTI: Rnti = Rnti(15);
const C_RNTI: Rnti = Rnti(0x4601);
const KEYS: AsKeys = AsKeys { rrc_int: [1; 16], rrc_enc: [2; 16], up_int: [3; 16], up_enc: [4; 16] };

/// A bearer at the base station's end.
struct Peer {
    lcid: LcId,
    rlc: Rlc,
    pdcp: Pdcp,
}

struct World {
    l2: UeL2,
    peers: Vec<Peer>,
    indication: UeIndication,
    response: UeResponse,
    events: Outbox<L2Event>,
    now: Tc,
    n: i64,
    /// The peer hears uplink blocks.
    hears: bool,
}

/// One run of a fuzzer: operations of L1 with whatever blocks, of a base station that speaks RLC and PDCP under the right keys, of RRC,
/// of the user, and time.
///
/// # Panics
/// If a grant is not answered by a block of its size, a MAC PDU is sent that does not parse, or a timer fires without end: bugs of
/// this crate.
pub fn fuzz_one(data: &[u8]) {
    let mut s = Script::new(data);
    let limits = (
        rlc::Limits { queue_bytes: QUEUE_BYTES, reassembly_bytes: QUEUE_BYTES },
        pdcp::Limits { held_bytes: QUEUE_BYTES, reorder_bytes: QUEUE_BYTES },
    );
    let config = Config { ue: 0, rlc: limits.0, pdcp: limits.1, tap_downlink: true, tap_uplink: true };
    let mut w = World {
        l2: UeL2::new(config, Rng::from_lab_seed(1)),
        peers: Vec::new(),
        indication: UeIndication::default(),
        response: UeResponse::default(),
        events: Outbox::default(),
        now: Tc::ZERO,
        n: 1,
        hears: true,
    };
    w.rrc(L2Command::ConfigureRandomAccess(random_access(0)));
    while let Some(op) = s.op() {
        w.operation(op, &mut s);
        w.settle();
    }
}

impl World {
    fn slot(&self) -> SlotPoint {
        SlotPoint::from_count(Numerology::KHZ30, self.n)
    }

    fn operation(&mut self, op: u8, s: &mut Script) {
        match op % 16 {
            0 => {
                self.now += s.time();
                self.n += i64::from(s.u8());
            }
            1 => self.heard(Addressed::Ra, s.bytes()),
            2 => self.heard(Addressed::Temporary, s.bytes()),
            3 => self.heard(Addressed::Cell, s.bytes()),
            4 => self.heard(s.pick(&[Addressed::Si, Addressed::Paging]), s.bytes()),
            5 => {
                let slot = self.slot();
                let event = match s.below(6) {
                    0 => UeL1Event::PreambleSent { ra_rnti: RA_RNTI, end: slot },
                    1 => UeL1Event::PdcchToCRnti { uplink_new: s.bit() },
                    2 => UeL1Event::SchedulingRequestSent,
                    3 => UeL1Event::PowerHeadroom { ph_db: f32::from(s.u8() as i8), p_cmax_dbm: f32::NAN },
                    4 => UeL1Event::Measured { rsrp_dbm: f32::from(s.u8() as i8), snr_db: 0.0, cfo_hz: 0.0 },
                    _ => UeL1Event::InSync(s.bit()),
                };
                self.indicate(event);
            }
            6 | 7 => {
                let (harq, options, size) = (s.u8(), s.u8(), u32::from(s.u16()));
                self.grant(harq, options & 1 == 0, size % 4000, options & 6 == 6);
            }
            8 => self.access(),
            9 => self.bearer(s),
            10 => self.command(s),
            11 => {
                let (session, qfi, packet) =
                    (s.u8() & 3, Qfi::new(s.u8() & 63), vec![0x45; usize::from(s.u16() % 3000)]);
                let Some(qfi) = qfi else { return };
                let _ = self.l2.send_packet(self.now, session, qfi, packet, &mut self.response, &mut self.events);
                self.take_response();
            }
            12 | 13 => self.downlink(s),
            14 => self.hears = s.bit(),
            _ => {
                let bearer = bearer(s);
                let pdu = s.bytes().to_vec();
                self.rrc(L2Command::SendRrc { bearer, pdu });
            }
        }
    }

    fn heard(&mut self, addressed: Addressed, block: &[u8]) {
        let Some(harq) = HarqId::new(0) else { return };
        self.indication.bytes.clear();
        let tb = Span::append(&mut self.indication.bytes, block);
        let rnti = if addressed == Addressed::Ra { RA_RNTI } else { C_RNTI };
        let slot = self.slot();
        self.indicate(UeL1Event::DlBlock { addressed, rnti, harq, slot, tb });
    }

    fn indicate(&mut self, event: UeL1Event) {
        self.indication.now = self.now;
        self.indication.slot = Some(self.slot());
        self.indication.events.clear();
        self.indication.events.push(event);
        self.l2.handle_indication(&self.indication, &mut self.response, &mut self.events);
        self.take_response();
    }

    fn grant(&mut self, harq: u8, new_data: bool, tbs_bytes: u32, msg3: bool) {
        let Some(harq) = HarqId::new(harq & 15) else { return };
        let slot = self.slot().plus(4);
        self.indicate(UeL1Event::UlGrant { harq, new_data, tbs_bytes, slot, msg3 });
    }

    /// A random access from its start to its end, as it should be.
    fn access(&mut self) {
        let ccch = Some(vec![1, 2, 3, 4, 5, 6]);
        self.rrc(L2Command::StartRandomAccess { ccch });
        let slot = self.slot();
        self.indicate(UeL1Event::PreambleSent { ra_rnti: RA_RNTI, end: slot });
        let mut pdu = Vec::new();
        encode_rar_pdu(None, &[(0, Rar { timing_advance: 5, ul_grant: 7, temporary_c_rnti: C_RNTI })], &mut pdu);
        self.n += 1;
        self.heard(Addressed::Ra, &pdu);
        self.grant(0, true, 11, true);
        let mut block = [0; 20];
        let mut b = PduBuilder::new(&mut block);
        b.contention_resolution(&[1, 2, 3, 4, 5, 6]);
        b.finish();
        self.n += 1;
        self.heard(Addressed::Temporary, &block);
    }

    /// A bearer at both ends.
    fn bearer(&mut self, s: &mut Script) {
        let (bearer, options) = (bearer(s), s.u8());
        let (lcid, is_srb) = match bearer {
            Bearer::Srb0 => return,
            Bearer::Srb1 => (1, true),
            Bearer::Srb2 => (2, true),
            Bearer::Drb(d) => (3 + d.get(), false),
        };
        let Some(lcid) = LcId::new(lcid) else { return };
        let rlc = rlc_config(is_srb, options);
        let acknowledged = matches!(rlc, RlcConfig::Am { .. });
        let logical_channel = LogicalChannelConfig {
            priority: 1 + (options & 15),
            prioritised_bit_rate: (options & 16 == 0).then_some(8000),
            bucket_size_duration_ms: 100,
            logical_channel_group: Some(options & 7).filter(|_| options & 32 == 0),
            scheduling_request: options & 64 == 0,
        };
        let config = PdcpConfig {
            sn_bits: if is_srb || options & 2 == 0 { 12 } else { 18 },
            discard_timer_ms: (!is_srb && options & 4 != 0).then_some(20),
            t_reordering_ms: (!is_srb && options & 8 == 0).then_some(20),
            integrity: is_srb || options & 16 != 0,
            ciphering: true,
            status_report_required: acknowledged && options & 32 != 0,
            out_of_order_delivery: !is_srb && options & 64 != 0,
        };
        let header = options & 128 == 0;
        let flows = vec![Qfi::new(1), Qfi::new(5)].into_iter().flatten().collect();
        let sdap = SdapConfig { pdu_session: 1, header_dl: header, header_ul: header, default_drb: true, flows };
        let sdap = (!is_srb).then_some(sdap);
        self.rrc(L2Command::AddRlcBearer(RlcBearerConfig { lcid, bearer, rlc, logical_channel }));
        self.rrc(L2Command::AddPdcp { bearer, config, sdap });
        let sdap = !is_srb && header;
        let setup = Setup { bearer, end: End::Gnb, config, acknowledged, sdap_tx: sdap, sdap_rx: sdap };
        self.peers.retain(|p| p.lcid != lcid);
        let (rlc, pdcp) = (Rlc::new(&rlc, rlc::Limits::default()), Pdcp::new(setup, pdcp::Limits::default()));
        self.peers.push(Peer { lcid, rlc, pdcp });
    }

    fn command(&mut self, s: &mut Script) {
        let bearer = bearer(s);
        let command = match s.below(12) {
            0 => L2Command::ConfigureMac(mac_config(s.u8())),
            1 => L2Command::ConfigureRandomAccess(random_access(s.u8())),
            2 => L2Command::StartRandomAccess { ccch: Some(s.bytes().to_vec()).filter(|c| !c.is_empty()) },
            3 => match LcId::new(1 + s.u8() % 8) {
                Some(lcid) => L2Command::ReleaseRlcBearer(lcid),
                None => return,
            },
            4 => match bearer {
                Bearer::Drb(drb) => L2Command::ReleaseDrb(drb),
                _ => return,
            },
            5 | 6 => {
                let options = s.u8();
                let algorithms = AsAlgorithms { nea: options & 3, nia: options >> 2 & 3 };
                let ciphering = options & 16 == 0;
                for p in self.peers.iter_mut().filter(|_| options & 32 == 0) {
                    let bearer = p.pdcp.setup().bearer;
                    if let Some(security) = pdcp::Security::for_bearer(bearer, algorithms, &KEYS) {
                        p.pdcp.secure(security, ciphering || !bearer.is_srb());
                    }
                }
                L2Command::Secure { algorithms, keys: KEYS, ciphering }
            }
            7 => L2Command::Reestablish { bearer },
            8 => L2Command::SuspendAll,
            9 => L2Command::ReleaseBearers,
            10 => L2Command::Resume { bearer },
            _ => L2Command::Reset,
        };
        self.rrc(command);
    }

    fn rrc(&mut self, command: L2Command) {
        self.l2.command(self.now, command, &mut self.response, &mut self.events);
        self.take_response();
    }

    /// SDUs of the peer through its PDCP and RLC, changed on any layer, into a block.
    fn downlink(&mut self, s: &mut Script) {
        let (which, options, sdu, room) = (s.u8(), s.u8(), s.bytes(), 4 + usize::from(s.u8()));
        let n = self.peers.len();
        let Some(peer) = usize::from(which).checked_rem(n).and_then(|i| self.peers.get_mut(i)) else { return };
        if options & 1 == 0
            && let Ok((pdu, tag)) = peer.pdcp.send(self.now, sdu.to_vec())
        {
            let pdu = if options & 2 == 0 { pdu } else { s.changed(pdu) };
            let _ = peer.rlc.push_sdu(self.now, pdu, tag);
        }
        let mut block = vec![0; room];
        let mut b = PduBuilder::new(&mut block);
        let (now, lcid) = (self.now, peer.lcid.get());
        while b.sdu_with(lcid, |room| peer.rlc.pull(now, room)) > 0 {}
        b.finish();
        let block = if options & 4 == 0 { block } else { s.changed(block) };
        if options & 8 == 0 {
            self.heard(Addressed::Cell, &block);
        }
    }

    /// What the terminal sends: its blocks parse, and go to the peer.
    fn take_response(&mut self) {
        let (mut rlc_events, mut pdcp_events) = (Outbox::default(), Outbox::default());
        for b in &self.response.blocks {
            let block = b.tb.of(&self.response.bytes);
            assert_eq!(block.len(), b.tb.len as usize, "a grant without its block");
            for sub in UlReader::new(block) {
                let Ok(sub) = sub else { panic!("a MAC PDU that does not parse: {block:02x?}") };
                let UlSubPdu::Sdu { lcid, data } = sub else { continue };
                if let Some(p) = self.peers.iter_mut().find(|p| p.lcid == lcid && self.hears) {
                    p.rlc.receive(self.now, data, &mut rlc_events);
                    for e in rlc_events.drain() {
                        if let rlc::RlcEvent::Sdu(pdu) = e {
                            p.pdcp.receive(self.now, pdu, &mut pdcp_events);
                        }
                    }
                    pdcp_events.drain().for_each(drop);
                }
            }
        }
        self.response.clear();
    }

    fn settle(&mut self) {
        let mut fires = 0;
        while self.l2.deadline().is_some_and(|at| at <= self.now) {
            self.l2.timeout(self.now, &mut self.response, &mut self.events);
            self.take_response();
            fires += 1;
            assert!(fires < FIRES_MAX, "a timer without end");
        }
        for p in &mut self.peers {
            p.rlc.timeout(self.now, &mut Outbox::default());
        }
        for e in self.events.drain() {
            if let L2Event::User { pdu_session, packet, .. } = e {
                self.l2.recycle(pdu_session, packet);
            }
        }
        self.l2.drain_taps().for_each(drop);
    }
}

fn bearer(s: &mut Script) -> Bearer {
    match s.below(6) {
        0 => Bearer::Srb1,
        1 => Bearer::Srb2,
        2 => Bearer::Srb0,
        n => DrbId::new(n as u8 - 2).map_or(Bearer::Srb1, Bearer::Drb),
    }
}

fn random_access(options: u8) -> RandomAccessConfig {
    RandomAccessConfig {
        preamble_target_power_dbm: -100,
        power_ramping_step_db: 2,
        preamble_trans_max: 3,
        ra_response_window_slots: 4,
        contention_resolution_timer_ms: 8,
        n_preambles: 1 + (options & 63),
    }
}

fn mac_config(options: u8) -> MacConfig {
    MacConfig {
        periodic_bsr_timer_ms: (options & 1 == 0).then_some(5),
        retx_bsr_timer_ms: 10,
        sr_prohibit_timer_ms: u16::from(options >> 1 & 3),
        sr_trans_max: 4,
        time_alignment_timer_ms: (options & 8 == 0).then_some(500),
        phr_periodic_timer_ms: (options & 16 == 0).then_some(10),
        phr_prohibit_timer_ms: 10,
        phr_tx_power_factor_change_db: (options & 32 == 0).then_some(1),
        sr_resource: options & 64 == 0,
    }
}

fn rlc_config(is_srb: bool, options: u8) -> RlcConfig {
    if !is_srb && options & 1 == 0 {
        return RlcConfig::Um { sn_bits: if options & 8 == 0 { 6 } else { 12 }, t_reassembly_ms: 5 };
    }
    RlcConfig::Am {
        sn_bits: if is_srb || options & 8 == 0 { 12 } else { 18 },
        t_poll_retransmit_ms: 10,
        poll_pdu: Some(4),
        poll_byte: Some(1000),
        max_retx_threshold: 2,
        t_reassembly_ms: 5,
        t_status_prohibit_ms: 5,
    }
}
