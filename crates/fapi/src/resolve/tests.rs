//! DCI to channel occasions, against the clauses by hand.

use super::*;
use crate::config::*;
use crate::dci::*;
use crate::options::*;
use crate::pdu::{PucchPdu, RbAllocation};
use nr::{Numerology, Pci, Rnti, SlotPoint};

/// n78, 51 RB of 30 kHz, CORESET 0 of 48 RB x 1 symbol at RB 1.
pub(crate) fn cell() -> CellConfig {
    let m = MibView { coreset_zero: 10, ssb_hz: 3_489_420_000.0, ..MibView::of_zeros(Pci::new(500).unwrap()) };
    let (mut cell, t) = cell_from_mib(&m).unwrap();
    cell.dl.n_rb = 51;
    cell.dl.point_a_hz = t.low_hz - 360_000.0;
    cell.ul = cell.dl;
    cell.coresets = vec![coreset0_config(&t.coreset0, m.pci, 1)];
    cell.coreset0_bwp.start_rb = 1;
    cell.initial_dl_bwp = Bwp { id: 0, start_rb: 0, n_rb: 51 };
    cell.initial_ul_bwp = cell.initial_dl_bwp;
    cell
}

pub(crate) fn dedicated(cell: &CellConfig) -> DedicatedConfig {
    let all = |k| TimeAllocation { k, mapping: MappingType::A, start: 0, n_symbols: 14 };
    DedicatedConfig {
        dl_bwp: cell.initial_dl_bwp,
        ul_bwp: cell.initial_ul_bwp,
        coresets: vec![CoresetConfig { id: 1, dmrs_n_id: 77, ..cell.coresets[0] }],
        search_spaces: vec![SearchSpaceConfig {
            id: 2,
            coreset_id: 1,
            period_slots: 1,
            offset_slots: 0,
            duration_slots: 1,
            symbols: 1,
            n_candidates: [2, 2, 2, 1, 0],
            kind: SearchSpaceKind::Ue,
        }],
        pdsch: PdschConfig {
            time_allocations: vec![
                TimeAllocation { k: 0, mapping: MappingType::A, start: 2, n_symbols: 12 },
                TimeAllocation { k: 0, mapping: MappingType::A, start: 2, n_symbols: 8 },
            ],
            dmrs: DmrsConfig { additional_position: 1, scrambling_id: [11, 12], ..cell.pdsch.dmrs },
            n_id: 99,
            mcs_table: McsTable::Qam256,
            ..cell.pdsch.clone()
        },
        pusch: PuschConfig {
            time_allocations: vec![all(2), all(3), all(4)],
            n_id: 98,
            mcs_table: McsTable::Qam256,
            dmrs: DmrsConfig { additional_position: 1, scrambling_id: [21, 22], ..cell.pusch.dmrs },
            ..cell.pusch.clone()
        },
        pucch: PucchConfig { dl_data_to_ul_ack: vec![2, 3, 4, 6], ..cell.pucch.clone() },
        harq_codebook: HarqCodebook::Dynamic,
        n_dl_harq: 16,
        zp_csi_rs: vec![],
        csi_im: vec![],
        csi_rs: vec![CsiRsResource {
            id: 0,
            row: 2,
            k: [5, 0, 0, 0, 0, 0],
            l0: 13,
            l1: 0,
            odd_rbs: false,
            density_x2: 2,
            start_rb: 0,
            n_rb: 52,
            scrambling_id: 0,
            period_slots: 80,
            offset_slots: 3,
            power_offset_ss_db: 0,
            trs: false,
        }],
        srs: None,
        csi_report: None,
        dci: Default::default(),
    }
}

fn heard<'a>(coreset: &'a CoresetConfig, kind: SearchSpaceKind, rnti_kind: RntiKind, slot: u32) -> Heard<'a> {
    Heard { slot: SlotPoint::new(Numerology::KHZ30, 1, slot), rnti: Rnti(0x4601), rnti_kind, kind, coreset }
}

#[test] // Spec: TS 38.212 §7.3.1.0, §7.3.1.1, §7.3.1.2
fn sizes_by_adding_the_fields_of_the_clause() {
    let cell = cell();
    let d = dedicated(&cell);
    let ctx = DciContext::dedicated(&cell, &d);
    // 48 RB: 1176 RIVs, 11 bits; 1 + 11 + 4 + 1 + 5 + 1 + 2 + 4 + 2 + 2 + 3 + 3.
    assert_eq!(ctx.sizes(SearchSpaceKind::Common), [Some(39), None, None, None]);
    // 51 RB: 1326 RIVs, 11 bits; 0_1: 1 + 11 + 2 + 5 + 1 + 2 + 4 + 2 + 2 + 3 + 2 + 1 + 1.
    assert_eq!(ctx.size_0_1(), Ok(37));
    // 1_1: 1 + 11 + 1 + 5 + 1 + 2 + 4 + 2 + 2 + 3 + 2 + 4 + 2 + 1.
    assert_eq!(ctx.size_1_1(), Ok(41));
    let semi = DedicatedConfig { harq_codebook: HarqCodebook::SemiStatic, ..d.clone() };
    let semi = DciContext::dedicated(&cell, &semi);
    assert_eq!((semi.size_0_1(), semi.size_1_1()), (Ok(36), Ok(39)));
    // With 24 RB of CORESET 0 format 1_0 has 37 bits, and format 0_0 over 273 RB is 36: nothing is cut.
    let wide = DciContext { n_rb_dl_common: 24, n_rb_ul_common: 273, group: Default::default(), dedicated: None };
    assert_eq!(wide.sizes(SearchSpaceKind::Common), [Some(37), None, None, None]);
    assert_eq!(wide.frequency_bits_0_0(SearchSpaceKind::Common), Ok(16));
    // A fallback space of the UE's own: 11 bits each way, and format 1_1 must differ from it.
    let mut d2 = d.clone();
    d2.search_spaces[0].kind = SearchSpaceKind::UeFallback;
    let own = DciContext::dedicated(&cell, &d2);
    assert_eq!(own.size_fallback(SearchSpaceKind::UeFallback), Ok(39));
    d2.harq_codebook = HarqCodebook::SemiStatic;
    assert_eq!(DciContext::dedicated(&cell, &d2).size_1_1(), Ok(40));
}

#[test] // Spec: TS 38.212 §7.3.1
fn every_format_round_trips() {
    let cell = cell();
    let ctx = DciContext::dedicated(&cell, &dedicated(&cell));
    let ra = DciRa { frequency: 95, time: 3, interleaved: false, mcs: 5, tb_scaling: 1 };
    let common = [
        (
            Dci::F0_0(Dci0_0 { frequency: 1000, time: 2, hopping: false, mcs: 9, ndi: true, rv: 3, harq: 15, tpc: 1 }),
            RntiKind::Cell,
        ),
        (
            Dci::F1_0(Dci1_0 {
                frequency: 202,
                time: 1,
                interleaved: true,
                mcs: 28,
                ndi: false,
                rv: 2,
                harq: 7,
                dai: 3,
                tpc: 2,
                pri: 5,
                k1: 6,
            }),
            RntiKind::Temporary,
        ),
        (Dci::Si(DciSi { frequency: 95, time: 0, interleaved: false, mcs: 6, rv: 3, other_si: true }), RntiKind::Si),
        (Dci::Ra(ra), RntiKind::Ra),
        (Dci::Paging(DciPaging { indicator: 3, short_messages: 0x80, assignment: ra }), RntiKind::Paging),
        (Dci::Order(PdcchOrder { preamble: 33, sul: false, ssb: 5, prach_mask: 9 }), RntiKind::Cell),
    ];
    for (dci, rnti) in common {
        let bits = encode(&dci, SearchSpaceKind::Common, &ctx).unwrap();
        assert_eq!(bits.as_slice().len(), 39);
        assert_eq!(decode(bits.as_slice(), rnti, SearchSpaceKind::Common, &ctx), Ok(dci));
        assert!(decode(&bits.as_slice()[1..], rnti, SearchSpaceKind::Common, &ctx).is_err());
    }
    let own = [
        Dci::F0_1(Dci0_1 {
            frequency: 1325,
            time: 2,
            mcs: 27,
            ndi: true,
            rv: 1,
            harq: 9,
            dai: 2,
            tpc: 3,
            ports: 2,
            srs_request: 1,
            n_scid: 1,
            ul_sch: true,
            ..Default::default()
        }),
        Dci::F1_1(Dci1_1 {
            frequency: 77,
            time: 1,
            interleaved: false,
            mcs: 1,
            ndi: true,
            rv: 2,
            harq: 3,
            dai: 1,
            tpc: 2,
            pri: 7,
            k1: 3,
            ports: 11,
            srs_request: 2,
            n_scid: 1,
            ..Default::default()
        }),
    ];
    for dci in own {
        let bits = encode(&dci, SearchSpaceKind::Ue, &ctx).unwrap();
        assert_eq!(decode(bits.as_slice(), RntiKind::Cell, SearchSpaceKind::Ue, &ctx), Ok(dci));
    }
    let too_big = Dci::Ra(DciRa { mcs: 32, ..ra });
    assert!(matches!(
        encode(&too_big, SearchSpaceKind::Common, &ctx),
        Err(DciError::FieldOverflow { field: "mcs", .. })
    ));
}

#[test] // Spec: TS 38.214 §5.1.2, §5.1.3, §5.1.6.2; TS 38.211 §7.3.1.1
fn fallback_assignment_of_a_sib1() {
    let cell = cell();
    let h = heard(&cell.coresets[0], SearchSpaceKind::Common, RntiKind::Si, 0);
    let riv = riv_encode(10, 20, 48).unwrap();
    let a =
        pdsch(&Dci::Si(DciSi { frequency: riv, time: 0, mcs: 5, ..DciSi::default() }), &h, &cell, None, None).unwrap();
    assert_eq!(a.pdu.rbs, RbAllocation::Contiguous { start: 11, n_rb: 20 });
    assert_eq!((a.pdu.start_symbol, a.pdu.n_symbols, a.pdu.dmrs.symbols), (2, 12, 1 << 2 | 1 << 7 | 1 << 11));
    assert_eq!((a.pdu.dmrs.reference_rb, a.pdu.dmrs.n_id, a.pdu.n_id), (1, 500, 500));
    // N'_RE = 144 - 36 = 108; 20 PRB, 379/1024, QPSK: N_info = 1598.9, which quantises to 1584 and rounds up to 1608.
    assert_eq!(a.pdu.coding.tbs_bytes * 8, 1608);
    assert!(a.feedback.is_none() && a.pdu.reserved == [None; 2]);
    let high = Dci::Si(DciSi { frequency: riv, mcs: 10, ..DciSi::default() });
    assert!(pdsch(&high, &h, &cell, None, None).is_err());
}

#[test] // Spec: TS 38.214 §5.1.4, TS 38.213 §9.2.3
fn dedicated_assignment_leaves_ssb_and_csi_rs_free() {
    let cell = cell();
    let d = dedicated(&cell);
    let h = heard(&d.coresets[0], SearchSpaceKind::Ue, RntiKind::Cell, 3);
    let dci =
        Dci1_1 { frequency: riv_encode(0, 51, 51).unwrap(), mcs: 27, k1: 3, n_scid: 1, ports: 3, ..Dci1_1::default() };
    let a = pdsch(&Dci::F1_1(dci), &h, &cell, Some(&d), None).unwrap();
    assert_eq!(a.feedback.unwrap().slot, h.slot.plus(6));
    assert_eq!((a.pdu.n_id, a.pdu.dmrs.n_id, a.pdu.coding.q_m), (99, 12, 8));
    assert_eq!(a.pdu.dmrs.symbols, 1 << 2 | 1 << 11);
    // Slot 23 of the count: no CSI-RS (83 = 80 + 3 is), no block in frame 1.
    assert_eq!((a.pdu.reserved, a.pdu.reserved_re), ([None; 2], [0; 14]));
    let at = Heard { slot: SlotPoint::new(Numerology::KHZ30, 4, 3), ..h };
    let mask = pdsch(&Dci::F1_1(dci), &at, &cell, Some(&d), None).unwrap().pdu.reserved_re;
    assert_eq!((mask[13], mask[12]), (1 << 5, 0));
    let first = Heard { slot: SlotPoint::new(Numerology::KHZ30, 4, 0), ..h };
    let r = pdsch(&Dci::F1_1(dci), &first, &cell, Some(&d), None).unwrap().pdu.reserved;
    // The block starts 13 RBs from the carrier's lowest, on its grid: 20 RBs in symbols 2 to 5.
    assert_eq!(r[0], Some(crate::pdu::ReservedRbs { start_rb: 13, n_rb: 20, symbols: 0b11_1100 }));
    // A reserved MCS row needs an earlier transmission, and keeps its size.
    let again = Dci::F1_1(Dci1_1 { mcs: 31, rv: 2, ..dci });
    assert!(pdsch(&again, &h, &cell, Some(&d), None).is_err());
    let b = pdsch(&again, &h, &cell, Some(&d), Some(&a.pdu.coding)).unwrap().pdu.coding;
    assert_eq!((b.tbs_bytes, b.q_m, b.rv), (a.pdu.coding.tbs_bytes, 8, 2));
}

#[test] // Spec: TS 38.213 §8.2, TS 38.214 §6.1.2.1.1
fn msg3_of_a_response_grant() {
    let cell = cell();
    let riv = riv_encode(4, 3, 51).unwrap();
    let grant = RarGrant { hopping: false, frequency: riv as u16, time: 10, mcs: 2, tpc: 3, csi_request: false };
    assert_eq!(RarGrant::decode(grant.encode()), grant);
    assert_eq!(grant.tpc_db(), 0);
    let slot = SlotPoint::new(Numerology::KHZ30, 8, 1);
    let g = msg3(&grant, Rnti(0x4601), slot, &cell).unwrap();
    // Row 11 of the default table at 30 kHz: K_2 = 3; Delta = 3.
    assert_eq!(g.slot, slot.plus(6));
    assert_eq!(g.pdu.rbs, RbAllocation::Contiguous { start: 4, n_rb: 3 });
    assert_eq!((g.pdu.dmrs.symbols, g.pdu.dmrs.n_cdm_groups_without_data), (1 << 2 | 1 << 7 | 1 << 11, 2));
    // N'_RE = 168 - 36 = 132; 3 PRB; 193/1024 QPSK: 149.3 -> 144.
    assert_eq!(g.pdu.coding.tbs_bytes * 8, 144);
}

#[test] // Spec: TS 38.213 §9.2.1, §9.2.3, §9.2.5
fn pucch_before_and_after_a_dedicated_configuration() {
    let mut cell = cell();
    cell.pucch.common_resource_row = 11;
    let slot = SlotPoint::new(Numerology::KHZ30, 1, 4);
    let h = HarqUci { n_bits: 1, pri: 4, first_cce: 4, n_cce: 8 };
    let c = pucch(&cell, None, Rnti(5), slot, Some(h)).unwrap().main.unwrap();
    // r_PUCCH = 1 + 8 = 9: upper half.
    assert_eq!((c.resource.start_prb, c.resource.second_hop_prb), (50, Some(0)));
    assert_eq!(c.resource.format, PucchFormat::F1 { initial_cyclic_shift: 6, time_domain_occ: 0 });

    let mut d = dedicated(&cell);
    let f1 = |id, prb| PucchResource {
        id,
        start_prb: prb,
        second_hop_prb: None,
        start_symbol: 0,
        n_symbols: 14,
        format: PucchFormat::F1 { initial_cyclic_shift: 0, time_domain_occ: 0 },
    };
    let f2 =
        |id, prb| PucchResource { start_symbol: 12, n_symbols: 2, format: PucchFormat::F2 { n_prb: 1 }, ..f1(id, prb) };
    d.pucch.resources = vec![f1(0, 0), f1(1, 50), f2(2, 2), f2(3, 3), f2(4, 48)];
    d.pucch.resource_sets = vec![vec![0], vec![2, 3]];
    d.pucch.set_max_payload = vec![2, 64];
    d.pucch.f2_simultaneous_harq_csi = true;
    d.pucch.sr = Some(SrConfig { resource_idx: 1, period_slots: 10, offset_slots: 4 });
    d.csi_report = Some(CsiReport {
        period_slots: 20,
        offset_slots: 4,
        resource_idx: 4,
        cqi_table: McsTable::Qam256,
        csi_rs_id: 0,
        content: crate::csi::CsiContent::CQI,
    });
    let at = |slot: u32, n: u8| {
        let h = (n > 0).then_some(HarqUci { n_bits: n, pri: 0, first_cce: 0, n_cce: 8 });
        pucch(&cell, Some(&d), Rnti(5), SlotPoint::new(Numerology::KHZ30, 1, slot), h).unwrap()
    };
    let shape = |p: Option<PucchPdu>| p.map(|p| (p.resource.id, p.n_harq_ack, p.n_sr, p.n_csi1));
    // Slot 24: request and report; slot 34 (frame 1, 14): request only.
    assert_eq!((shape(at(4, 0).main), at(4, 0).sr), (Some((4, 0, 1, 4)), None));
    assert_eq!((at(14, 0).main, shape(at(14, 0).sr)), (None, Some((1, 0, 1, 0))));
    assert_eq!((shape(at(14, 2).main), shape(at(14, 2).sr)), (Some((0, 2, 0, 0)), Some((1, 2, 1, 0))));
    assert_eq!(shape(at(14, 3).main), Some((2, 3, 1, 0)));
    assert_eq!(shape(at(4, 1).main), Some((2, 1, 1, 4)));
    assert_eq!(shape(at(9, 1).main), Some((0, 1, 0, 0)));
}

#[test] // Spec: ironcell habits (nothing that a peer sends reaches a panic)
fn random_payloads_are_followed_or_refused() {
    let cell = cell();
    let mut d = dedicated(&cell);
    let mut x = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x >> 32) as u8
    };
    for round in 0..40_000 {
        d.pdsch.resource_allocation = [ResourceAllocation::Type1, ResourceAllocation::Type0][round & 1];
        d.pusch.resource_allocation = [ResourceAllocation::Type1, ResourceAllocation::Type0][round >> 1 & 1];
        d.pdsch.vrb_interleaver = (round & 4 == 4).then_some(2);
        let ctx = DciContext::dedicated(&cell, &d);
        let choice = next();
        let kind = if choice & 0x80 == 0 { SearchSpaceKind::Common } else { SearchSpaceKind::Ue };
        let size = ctx.sizes(kind)[round & 1].or(ctx.sizes(kind)[0]).unwrap();
        let data: Vec<u8> = core::iter::once(choice).chain((0..size).map(|_| next())).collect();
        fuzz_one(&data, &cell, &d);
    }
}

#[test] // Spec: TS 38.213 §9.2.3, §9.2.6, TS 38.211 §6.3.2.6.3
fn pucch_takes_the_fewest_resource_blocks_and_hops_from_slot_to_slot() {
    let format = |n_prb| PucchFormat::F3 { n_prb };
    let r = PucchResource {
        id: 0,
        start_prb: 3,
        second_hop_prb: Some(9),
        start_symbol: 0,
        n_symbols: 14,
        format: format(16),
    };
    let f = PucchFormatConfig { max_code_rate_milli: 80, ..PucchFormatConfig::default() };
    // Twelve symbols of 24 bits a block at 0.08: 23.04 bits a block, of which 11 bits of CRC from 20 bits on.
    for (n_bits, n_prb) in [(4, 1), (11, 1), (17, 1), (18, 2), (60, 4), (130, 8), (150, 8), (250, 12), (1000, 16)] {
        assert_eq!(narrowest(&r, &f, n_bits), format(n_prb), "{n_bits}");
    }
    let slots: Vec<_> = (0..3).map(|n| r.in_slot(n, true)).map(|r| (r.start_prb, r.second_hop_prb)).collect();
    assert_eq!(slots, [(3, None), (9, None), (3, None)]);
    assert_eq!(r.in_slot(1, false), r);
}
