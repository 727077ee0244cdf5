//! No allocation in a slot once traffic runs: counted around each call into the terminal's layer 2.

use fapi::pdu::Span;
use fapi::ue::{Addressed, UeIndication, UeL1Event, UeResponse};
use mac::{PduBuilder, UlReader, UlSubPdu};
use node::{Outbox, Rng};
use nr::{DrbId, HarqId, LcId, Numerology, Qfi, Rnti, SlotPoint, Tc};
use pdcp::{AsAlgorithms, AsKeys, End, Pdcp, PdcpEvent, Security, Setup};
use rlc::{Rlc, RlcEvent};
use seam::bearer::{Bearer, LogicalChannelConfig, PdcpConfig, RlcBearerConfig, RlcConfig, SdapConfig};
use seam::ue::{L2Command, L2Event};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use ue_l2::{Config, UeL2};

static COUNTING: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: passes everything on to the system's allocator, and counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTING.load(Relaxed) {
            COUNT.fetch_add(1, Relaxed);
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(p, layout) }
    }
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, n: usize) -> *mut u8 {
        if COUNTING.load(Relaxed) {
            COUNT.fetch_add(1, Relaxed);
        }
        // SAFETY: as above.
        unsafe { System.realloc(p, layout, n) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn counted<T>(f: impl FnOnce() -> T) -> T {
    COUNTING.store(true, Relaxed);
    let x = f();
    COUNTING.store(false, Relaxed);
    x
}

const AM: RlcConfig = RlcConfig::Am {
    sn_bits: 18,
    t_poll_retransmit_ms: 40,
    poll_pdu: Some(32),
    poll_byte: Some(25_000),
    max_retx_threshold: 32,
    t_reassembly_ms: 20,
    t_status_prohibit_ms: 10,
};
const PDCP: PdcpConfig = PdcpConfig {
    sn_bits: 18,
    discard_timer_ms: None,
    t_reordering_ms: Some(3000),
    integrity: true,
    ciphering: true,
    status_report_required: false,
    out_of_order_delivery: false,
};

fn drb() -> Bearer {
    Bearer::Drb(DrbId::new(1).unwrap())
}

/// The other end: one DRB.
struct Gnb {
    rlc: Rlc,
    pdcp: Pdcp,
    got: u32,
}

impl Gnb {
    fn new(security: Security) -> Gnb {
        let setup =
            Setup { bearer: drb(), end: End::Gnb, config: PDCP, acknowledged: true, sdap_tx: true, sdap_rx: true };
        let mut pdcp = Pdcp::new(setup, pdcp::Limits::default());
        pdcp.secure(security, true);
        Gnb { rlc: Rlc::new(&AM, rlc::Limits::default()), pdcp, got: 0 }
    }
    fn receive(&mut self, now: Tc, block: &[u8]) {
        let (mut events, mut sdus) = (Outbox::default(), Outbox::default());
        for sub in UlReader::new(block).map(Result::unwrap) {
            if let UlSubPdu::Sdu { data, .. } = sub {
                self.rlc.receive(now, data, &mut events);
            }
        }
        self.rlc.timeout(now, &mut events);
        for e in events.drain() {
            match e {
                RlcEvent::Sdu(s) => self.pdcp.receive(now, s, &mut sdus),
                RlcEvent::Delivered { tag } => self.pdcp.delivered(tag),
                RlcEvent::MaxRetx => panic!("MaxRetx"),
            }
        }
        self.got += sdus.drain().filter(|e| matches!(e, PdcpEvent::Sdu { verified: true, .. })).count() as u32;
    }
}

/// Random access by hand: preamble, response, Msg3, Msg4.
fn attached(l2: &mut UeL2, response: &mut UeResponse, events: &mut Outbox<L2Event>) {
    let config = seam::ue::RandomAccessConfig {
        preamble_target_power_dbm: -100,
        power_ramping_step_db: 2,
        preamble_trans_max: 7,
        ra_response_window_slots: 20,
        contention_resolution_timer_ms: 64,
        n_preambles: 1,
    };
    l2.command(Tc::ZERO, L2Command::ConfigureRandomAccess(config), response, events);
    l2.command(Tc::ZERO, L2Command::StartRandomAccess { ccch: Some(vec![1, 2, 3, 4, 5, 6]) }, response, events);
    let slot = SlotPoint::new(Numerology::KHZ30, 0, 0);
    let harq = HarqId::new(0).unwrap();
    let mut ind = UeIndication::default();
    ind.events.push(UeL1Event::PreambleSent { ra_rnti: Rnti(15), end: slot });
    let rar = mac::Rar { timing_advance: 0, ul_grant: 0, temporary_c_rnti: Rnti(0x4601) };
    let mut pdu = Vec::new();
    mac::rar::encode_rar_pdu(None, &[(0, rar)], &mut pdu);
    let tb = Span::append(&mut ind.bytes, &pdu);
    ind.events.push(UeL1Event::DlBlock { addressed: Addressed::Ra, rnti: Rnti(15), harq, slot, tb });
    ind.events.push(UeL1Event::UlGrant { harq, new_data: true, tbs_bytes: 9, slot, msg3: true });
    let tb = Span::append(&mut ind.bytes, &[62, 1, 2, 3, 4, 5, 6]);
    ind.events.push(UeL1Event::DlBlock { addressed: Addressed::Temporary, rnti: Rnti(0x4601), harq, slot, tb });
    l2.handle_indication(&ind, response, events);
    assert_eq!(l2.c_rnti(), Some(Rnti(0x4601)));
}

fn configured(l2: &mut UeL2, response: &mut UeResponse, events: &mut Outbox<L2Event>) -> Security {
    let keys = AsKeys { rrc_int: [1; 16], rrc_enc: [2; 16], up_int: [3; 16], up_enc: [4; 16] };
    let algorithms = AsAlgorithms { nea: 2, nia: 2 };
    let qfi = Qfi::new(1).unwrap();
    let sdap = SdapConfig { pdu_session: 1, header_dl: true, header_ul: true, default_drb: true, flows: vec![qfi] };
    let logical_channel = LogicalChannelConfig {
        priority: 10,
        prioritised_bit_rate: Some(8000),
        bucket_size_duration_ms: 100,
        logical_channel_group: Some(1),
        scheduling_request: true,
    };
    let bearer = RlcBearerConfig { lcid: LcId::new(4).unwrap(), bearer: drb(), rlc: AM, logical_channel };
    for c in [
        L2Command::Secure { algorithms, keys, ciphering: true },
        L2Command::AddRlcBearer(bearer),
        L2Command::AddPdcp { bearer: drb(), config: PDCP, sdap: Some(sdap) },
    ] {
        l2.command(Tc::ZERO, c, response, events);
    }
    Security::for_bearer(drb(), algorithms, &keys).unwrap()
}

#[test] // Spec: ironcell ARCHITECTURE §slot path (no allocation in a slot once traffic runs)
fn no_allocation_in_a_slot_with_traffic_both_ways() {
    let mut l2 = UeL2::new(Config::default(), Rng::from_lab_seed(1));
    let (mut response, mut events) = (UeResponse::default(), Outbox::default());
    attached(&mut l2, &mut response, &mut events);
    let mut gnb = Gnb::new(configured(&mut l2, &mut response, &mut events));
    let mut rng = Rng::from_lab_seed(2);
    let mut ind = UeIndication::default();
    let (mut block, mut down) = (vec![0; 6000], 0u32);
    let (warm, total) = (6000i64, 9000i64);
    let harq = |n: i64| HarqId::new((n % 16) as u8).unwrap();
    for n in 1..total {
        if n == warm {
            COUNT.store(0, Relaxed);
        }
        let now = Tc(Tc::from_us(500).0 * n);
        let slot = SlotPoint::from_count(Numerology::KHZ30, n);
        response.clear();
        ind.clear();
        ind.now = now;
        ind.slot = Some(slot);
        for _ in 0..2 {
            let len = 40 + rng.below(1400) as usize;
            counted(|| {
                let mut packet = l2.take_buffer(1);
                packet.resize(len, 7);
                l2.send_packet(now, 1, Qfi::new(1).unwrap(), packet, &mut response, &mut events).unwrap();
            });
            let mut sdu = vec![9; len];
            sdu[0] = 1;
            let (pdu, count) = gnb.pdcp.send(now, sdu).unwrap();
            gnb.rlc.push_sdu(now, pdu, count).unwrap();
        }
        let mut builder = PduBuilder::new(&mut block);
        while builder.sdu_with(4, |room| gnb.rlc.pull(now, room)) > 0 {}
        builder.finish();
        if rng.unit() > 0.05 {
            let tb = Span::append(&mut ind.bytes, &block);
            let addressed = Addressed::Cell;
            ind.events.push(UeL1Event::DlBlock { addressed, rnti: Rnti(0x4601), harq: harq(n), slot, tb });
        }
        let tbs_bytes = 4000;
        ind.events.push(UeL1Event::UlGrant { harq: harq(n), new_data: true, tbs_bytes, slot, msg3: false });
        counted(|| {
            l2.handle_indication(&ind, &mut response, &mut events);
            if l2.deadline().is_some_and(|t| t <= now) {
                l2.timeout(now, &mut response, &mut events);
            }
            while let Some(e) = events.pop() {
                if let L2Event::User { packet, .. } = e {
                    down += 1;
                    l2.recycle(1, packet);
                }
            }
        });
        if rng.unit() > 0.05 {
            gnb.receive(now, response.blocks[0].tb.of(&response.bytes));
        }
    }
    assert!(down > 17_000 && gnb.got > 17_000, "{down} {}", gnb.got);
    assert_eq!(COUNT.load(Relaxed), 0, "allocations in {} slots", total - warm);
}
