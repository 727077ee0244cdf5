//! Data both ways under a dedicated configuration: DCI 1_1 and 0_1, HARQ-ACK on PUCCH and on PUSCH, CSI, scheduling requests.

mod common;

use air::{LinkConfig, Profile};
use common::*;
use dsp::Isa;
use fapi::dci::{Dci, Dci0_1, Dci1_1, RntiKind};
use fapi::resolve::{self, HarqUci, Heard};
use fapi::ue::{Addressed, UeIndication, UeL1Command, UeL1Event, UeResponse, UlBlock};
use fapi::*;
use nr::{Rnti, SlotPoint};
use phy::pucch::PucchReceiver;
use phy::pusch::PuschReceiver;
use std::collections::VecDeque;

/// Counts what the UE's L1 allocates.
struct Counting;

// SAFETY: hands everything to the system's allocator.
unsafe impl std::alloc::GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: std::alloc::Layout) -> *mut u8 {
        if AT_WORK.try_with(|w| w.get()).unwrap_or(false) {
            ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        }
        // SAFETY: the caller's promise.
        unsafe { std::alloc::System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: std::alloc::Layout) {
        // SAFETY: the caller's promise.
        unsafe { std::alloc::System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const C_RNTI: Rnti = Rnti(0x1234);

/// What the layers above the UE's L1 do: count blocks, answer grants.
#[derive(Default)]
struct Above {
    commands: Vec<UeL1Command>,
    sib1: bool,
    blocks: Vec<Vec<u8>>,
    sent: VecDeque<Vec<u8>>,
    requests: u32,
    in_sync: Vec<bool>,
    seed: u8,
}

impl Above {
    fn react(&mut self, ind: &UeIndication, response: &mut UeResponse) {
        response.commands.append(&mut self.commands);
        for event in &ind.events {
            match event {
                UeL1Event::DlBlock { addressed: Addressed::Si, .. } => self.sib1 = true,
                UeL1Event::DlBlock { addressed: Addressed::Cell, tb, .. } => {
                    self.blocks.push(tb.of(&ind.bytes).to_vec());
                }
                UeL1Event::UlGrant { harq, tbs_bytes, new_data, .. } => {
                    if !*new_data {
                        // A grant was missed, so that this one looks like another of the one before.
                        continue;
                    }
                    self.seed = self.seed.wrapping_add(1);
                    let bytes: Vec<u8> = (0..*tbs_bytes).map(|i| (i as u8).wrapping_mul(self.seed)).collect();
                    let tb = Span::append(&mut response.bytes, &bytes);
                    response.blocks.push(UlBlock { harq: *harq, tb });
                    self.sent.push_back(bytes);
                }
                UeL1Event::SchedulingRequestSent => self.requests += 1,
                UeL1Event::InSync(ok) => self.in_sync.push(*ok),
                _ => {}
            }
        }
    }
}

fn dedicated(cell: &CellConfig) -> DedicatedConfig {
    let bwp = Bwp { id: 0, start_rb: 0, n_rb: cell.dl.n_rb };
    let dmrs = DmrsConfig { additional_position: 1, scrambling_id: [77, 78], ..cell.pdsch.dmrs };
    let time = |k, start, n_symbols| TimeAllocation { k, mapping: MappingType::A, start, n_symbols };
    let f1 = |id, occ| PucchResource {
        id,
        start_prb: 0,
        second_hop_prb: Some(cell.ul.n_rb - 1),
        start_symbol: 0,
        n_symbols: 14,
        format: PucchFormat::F1 { initial_cyclic_shift: 0, time_domain_occ: occ },
    };
    let f2 = |id, prb| PucchResource {
        id,
        start_prb: prb,
        second_hop_prb: None,
        start_symbol: 12,
        n_symbols: 2,
        format: PucchFormat::F2 { n_prb: 2 },
    };
    let csi = |id, row, l0, period_slots, offset_slots| CsiRsResource {
        id,
        row,
        k: [1, 0, 0, 0, 0, 0],
        l0,
        l1: 0,
        odd_rbs: false,
        density_x2: if row == 1 { 6 } else { 2 },
        start_rb: 0,
        n_rb: cell.dl.n_rb,
        scrambling_id: 9,
        period_slots,
        offset_slots,
        power_offset_ss_db: 0,
        trs: row == 1,
    };
    DedicatedConfig {
        dl_bwp: bwp,
        ul_bwp: bwp,
        coresets: vec![CoresetConfig {
            id: 1,
            rb_groups: 0xff,
            start_rb: 0,
            duration: 1,
            mapping: CceRegMapping::NonInterleaved,
            wideband_precoder: false,
            dmrs_n_id: 333,
            dmrs_reference_rb: 0,
        }],
        search_spaces: vec![SearchSpaceConfig {
            id: 2,
            coreset_id: 1,
            period_slots: 1,
            offset_slots: 0,
            duration_slots: 1,
            symbols: 1,
            n_candidates: [0, 2, 2, 0, 0],
            kind: SearchSpaceKind::Ue,
        }],
        pdsch: PdschConfig {
            time_allocations: vec![time(0, 1, 13)],
            dmrs,
            n_id: 99,
            mcs_table: McsTable::Qam256,
            ..cell.pdsch.clone()
        },
        pusch: PuschConfig {
            time_allocations: vec![time(2, 0, 14)],
            dmrs,
            n_id: 98,
            mcs_table: McsTable::Qam256,
            p0_dbm: -95,
            alpha: 1.0,
            ..cell.pusch.clone()
        },
        pucch: PucchConfig {
            hopping_id: 5,
            p0_dbm: -105,
            resources: vec![f1(0, 0), f2(1, 4), f1(2, 1), f2(3, 8)],
            resource_sets: vec![vec![0], vec![1]],
            set_max_payload: vec![2, 64],
            dl_data_to_ul_ack: vec![2, 3, 4],
            f2_max_code_rate_milli: 350,
            f2_simultaneous_harq_csi: true,
            n_id: 6,
            sr: Some(SrConfig { resource_idx: 2, period_slots: 10, offset_slots: 4 }),
            ..cell.pucch.clone()
        },
        harq_codebook: HarqCodebook::Dynamic,
        n_dl_harq: 16,
        zp_csi_rs: vec![],
        csi_im: vec![],
        csi_rs: vec![csi(1, 2, 13, 40, 2), csi(2, 1, 4, 20, 11), csi(3, 1, 8, 20, 11)],
        dci: Default::default(),
        srs: None,
        csi_report: Some(CsiReport {
            period_slots: 20,
            offset_slots: 9,
            resource_idx: 3,
            cqi_table: McsTable::Qam256,
            csi_rs_id: 1,
            content: fapi::csi::CsiContent::CQI,
        }),
    }
}

/// The gNB's end of one UE: what it has sent and what it expects.
struct Peer {
    d: DedicatedConfig,
    pusch: PuschReceiver,
    pucch: PucchReceiver,
    soft: fec::sch::SoftBuffer,
    sent: Vec<Vec<u8>>,
    /// Downlink assignments whose feedback is due: slot of the feedback and number of bits.
    due: VecDeque<(SlotPoint, u8, u16, u16)>,
    granted: VecDeque<(SlotPoint, PuschPdu)>,
    acks: u32,
    nacks: u32,
    dtx: u32,
    on_pusch: u32,
    cqis: Vec<u32>,
    srs: u32,
    ul_ok: u32,
    ul_lost: u32,
    timing_tc: Vec<i32>,
}

impl Peer {
    fn receive(&mut self, world: &World, slot: SlotPoint, expected: &mut VecDeque<Vec<u8>>) {
        let cell = &world.gnb.cell;
        let due = (self.due.front().is_some_and(|d| d.0 == slot)).then(|| self.due.pop_front().unwrap());
        if self.granted.front().is_some_and(|g| g.0 == slot) {
            let (_, mut pdu) = self.granted.pop_front().unwrap();
            let csi = self.d.csi_report.filter(|_| resolve::is_csi_occasion(&self.d, slot)).map(|r| r.content);
            let n_harq = due.map_or(0, |d| u16::from(d.1));
            pdu.uci = resolve::uci_on_pusch(&self.d.pusch, n_harq, csi.as_ref());
            let control = self.pusch.receive_control(&world.ul_grid, &pdu, slot).unwrap();
            let mut tb = vec![0; pdu.coding.tbs_bytes as usize];
            let data = self.pusch.decode_data(&pdu, &mut self.soft, 8, &mut tb).unwrap();
            if data.crc_ok {
                // Blocks of grants that the UE did not hear are passed over; after one it may send the block before again.
                if let Some(at) = expected.iter().position(|sent| *sent == tb) {
                    expected.drain(..=at);
                    self.ul_ok += 1;
                }
                self.timing_tc.push(control.timing_error_tc);
            } else {
                self.ul_lost += 1;
            }
            if due.is_some() {
                let n = n_harq as usize;
                self.on_pusch += 1;
                self.count(&control.harq_ack.bits[..n]);
            }
            return;
        }
        let harq = due.map(|(_, n_bits, first_cce, n_cce)| HarqUci { n_bits, pri: 0, first_cce, n_cce });
        let choice = resolve::pucch(cell, Some(&self.d), C_RNTI, slot, harq).unwrap();
        let mut best = None;
        for pdu in [choice.main, choice.sr].into_iter().flatten() {
            let r = self.pucch.receive(&world.ul_grid, &pdu, slot).unwrap();
            if !r.dtx && best.is_none_or(|(b, _): (phy::pucch::PucchResult, PucchPdu)| r.power > b.power) {
                best = Some((r, pdu));
            }
        }
        let Some((r, pdu)) = best else {
            self.dtx += u32::from(harq.is_some());
            return;
        };
        self.srs += u32::from(r.sr);
        let n = usize::from(pdu.n_harq_ack);
        self.count(&r.harq_ack[..n]);
        if pdu.n_csi1 > 0 {
            self.cqis.push(r.csi1);
        }
    }

    fn count(&mut self, bits: &[u8]) {
        self.acks += bits.iter().filter(|b| **b == 1).count() as u32;
        self.nacks += bits.iter().filter(|b| **b == 0).count() as u32;
    }
}

/// Runs `n_slots` of traffic and returns both ends.
fn traffic(link: LinkConfig, snr_db: f64, mcs: u8, ul_mcs: u8, n_slots: u32) -> (World, Above, Peer) {
    let mut world = World::new(N78, link, snr_db, 61_440_000);
    let mut above = Above::default();
    above.commands.push(UeL1Command::Search { bands: vec![78] });
    for _ in 0..600 {
        world.slot(|_| {}, |i, r| above.react(i, r));
        while world.uplink_slot().is_some() {}
        if above.sib1 {
            break;
        }
    }
    assert!(above.sib1, "no SIB1");
    let cell = world.gnb.cell.clone();
    let d = dedicated(&cell);
    above.commands.push(UeL1Command::ConfigureCell(Box::new(cell.clone())));
    for _ in 0..85 {
        world.slot(|_| {}, |i, r| above.react(i, r));
        while world.uplink_slot().is_some() {}
    }
    // As if random access had set them.
    let t_a = (2.0 * link_delay(&world) / (1024.0 / 2.0 / nr::Tc::PER_SECOND as f64)).round() as u16;
    above.commands.push(UeL1Command::TimingAdvanceAbsolute(t_a));
    above.commands.push(UeL1Command::SetRnti { c_rnti: Some(C_RNTI), temporary: None });
    let from = world.gnb.slot.plus(-2);
    above.commands.push(UeL1Command::ConfigureDedicated { from, config: Some(Box::new(d.clone())) });
    above.commands.push(UeL1Command::SchedulingRequest(true));
    let mut peer = Peer {
        pusch: PuschReceiver::new(Isa::best(), usize::from(cell.ul.n_rb), 1, 1),
        pucch: PucchReceiver::new(Isa::best(), 0, 1),
        soft: fec::sch::SoftBuffer::new(200_000),
        d: d.clone(),
        sent: Vec::new(),
        due: VecDeque::new(),
        granted: VecDeque::new(),
        acks: 0,
        nacks: 0,
        dtx: 0,
        on_pusch: 0,
        cqis: Vec::new(),
        srs: 0,
        ul_ok: 0,
        ul_lost: 0,
        timing_tc: Vec::new(),
    };
    let n_rb = cell.dl.n_rb;
    let riv = resolve::riv_encode(0, n_rb, n_rb).unwrap();
    let mut n_grants = 0;
    for n in 0..n_slots {
        while let Some(slot) = world.uplink_slot() {
            if slot.slot() % 5 == 4 {
                peer.receive(&world, slot, &mut above.sent);
            }
        }
        let slot = world.gnb.slot;
        let (in_period, round) = (slot.slot() % 5, slot.index() / 5);
        let busy = resolve::ssb_occasions(&cell.ssb, slot).next().is_some() || cell.search_spaces[0].is_monitored(slot);
        let quiet = n < 6 || n + 12 > n_slots || busy;
        let d = d.clone();
        world.slot(
            |gnb| {
                gnb.send_csi(&d);
                if quiet || in_period > 2 {
                    return;
                }
                let space = d.search_spaces[0];
                // Two or three blocks a period, acknowledged together.
                if in_period > 0 || round % 3 > 0 {
                    let n_sent = peer.sent.len();
                    let harq = (n_sent % 16) as u8;
                    let first = peer.due.back().is_none_or(|x| x.0 != slot.plus(4 - i64::from(in_period)));
                    let dai = if first { 0 } else { peer.due.back().unwrap().1 };
                    let k1 = 2 - in_period as u8;
                    let dci = Dci::F1_1(Dci1_1 {
                        frequency: riv,
                        mcs,
                        ndi: (n_sent / 16).is_multiple_of(2),
                        harq,
                        dai,
                        k1,
                        tpc: 1,
                        ..Dci1_1::default()
                    });
                    let tb = gnb.send_block(&dci, C_RNTI, RntiKind::Cell, &space, Some(&d), 1, &|n| {
                        (0..n).map(|i| (i as u8) ^ (slot.index() as u8)).collect()
                    });
                    peer.sent.push(tb);
                    let cce = resolve::candidates(&space, &d.coresets[0], C_RNTI, slot, 1).next().unwrap();
                    let at = slot.plus(i64::from(k1) + 2);
                    if first {
                        peer.due.push_back((at, 1, cce, d.coresets[0].n_cce()));
                    } else {
                        *peer.due.back_mut().unwrap() = (at, dai + 1, cce, d.coresets[0].n_cce());
                    }
                }
                // A grant for every second uplink slot.
                if in_period == 2 && round % 2 == 0 {
                    n_grants += 1;
                    let dai = peer.due.back().filter(|x| x.0 == slot.plus(2)).map_or(3, |x| x.1 - 1);
                    let dci = Dci::F0_1(Dci0_1 {
                        frequency: riv,
                        mcs: ul_mcs,
                        ndi: n_grants % 2 == 0,
                        harq: 0,
                        dai,
                        tpc: 1,
                        ul_sch: true,
                        ..Dci0_1::default()
                    });
                    let other = resolve::candidates(&space, &d.coresets[0], C_RNTI, slot, 2).find(|c| {
                        let used = resolve::candidates(&space, &d.coresets[0], C_RNTI, slot, 1).next().unwrap();
                        used + 2 <= *c || *c + 4 <= used
                    });
                    gnb.send_dci_at(&dci, C_RNTI, &space, Some(&d), 2, other.unwrap());
                    let heard = Heard {
                        slot,
                        rnti: C_RNTI,
                        rnti_kind: RntiKind::Cell,
                        kind: SearchSpaceKind::Ue,
                        coreset: &d.coresets[0],
                    };
                    let grant = resolve::pusch(&dci, &heard, &cell, Some(&d), None).unwrap();
                    peer.granted.push_back((grant.slot, grant.pdu));
                }
            },
            |i, r| above.react(i, r),
        );
        if n == 60 {
            // All sizes in use have been seen.
            ALLOCATIONS.set(0);
        }
        if above.requests == 3 {
            above.commands.push(UeL1Command::SchedulingRequest(false));
            above.requests += 1;
        }
    }
    for _ in 0..12 {
        world.slot(|_| {}, |i, r| above.react(i, r));
        while let Some(slot) = world.uplink_slot() {
            if slot.slot() % 5 == 4 {
                peer.receive(&world, slot, &mut above.sent);
            }
        }
    }
    (world, above, peer)
}

fn link_delay(world: &World) -> f64 {
    world.air.link(0).unwrap().config().delay_s
}

fn link(ppm: f64) -> LinkConfig {
    LinkConfig { ppm, delay_s: 2.9e-6, start_s: 0.001_7, ..LinkConfig::default() }
}

#[test] // Spec: TS 38.213 §9.1.3, §9.2.3, §9.2.5, §9.3; TS 38.214 §5.1, §6.1
fn blocks_feedback_and_reports_both_ways() {
    let (world, above, peer) = traffic(link(2.0), 30.0, 20, 16, 400);
    assert!(peer.sent.len() > 150, "{}", peer.sent.len());
    assert_eq!(above.blocks.len(), peer.sent.len());
    assert!(above.blocks == peer.sent);
    assert_eq!((peer.nacks, peer.dtx, peer.acks as usize), (0, 0, peer.sent.len()));
    assert!(
        peer.on_pusch > 20 && peer.ul_ok > 30 && peer.ul_lost == 0,
        "{} {} {}",
        peer.on_pusch,
        peer.ul_ok,
        peer.ul_lost
    );
    assert!(peer.srs >= 3, "{} requests", peer.srs);
    assert!(peer.cqis.iter().all(|c| *c == 15) && peer.cqis.len() > 4, "{:?}", peer.cqis);
    assert!(peer.timing_tc.iter().all(|t| t.abs() < 400), "{:?}", peer.timing_tc);
    let c = world.ue.counters();
    assert_eq!((c.ul_late, c.ul_refused, c.dcis_dropped, c.dl_crc_errors), (0, 0, 0, 0));
    assert!(above.in_sync.iter().all(|s| *s));
    // Spec: ARCHITECTURE (the slot path allocates nothing after warm-up)
    assert_eq!(ALLOCATIONS.get(), 0, "allocations in the slot path");
}

#[test] // Spec: TR 38.901 §7.7.2 (TDL-C), TS 38.214 §5.1
fn most_blocks_come_through_fading() {
    let fading = LinkConfig { profile: Profile::TdlC, delay_spread_ns: 100.0, doppler_hz: 10.0, seed: 5, ..link(-1.5) };
    let (_, above, peer) = traffic(fading, 25.0, 5, 4, 300);
    let share = above.blocks.len() as f64 / peer.sent.len() as f64;
    assert!(share > 0.7, "{share} of {}", peer.sent.len());
    assert!(peer.acks as usize >= above.blocks.len() * 9 / 10, "{} of {}", peer.acks, above.blocks.len());
}
