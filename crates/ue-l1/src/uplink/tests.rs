use super::*;
use crate::slot::carrier_of;
use fapi::resolve::{MibView, cell_from_mib};
use fapi::*;
use nr::{Numerology, Pci};

fn cell() -> CellConfig {
    let view = MibView { coreset_zero: 10, ..MibView::of_zeros(Pci::new(1).unwrap()) };
    let (mut cell, _) = cell_from_mib(&view).unwrap();
    cell.rach.preamble_target_power_dbm = -100;
    cell.ssb.block_power_dbm = -5;
    cell.p_max_dbm = 20;
    cell.pucch.p0_dbm = -110;
    cell
}

fn build() -> Build {
    Build { isa: dsp::Isa::Scalar, max_iterations: 8, p_max_dbm: 23.0, seed: 1, n_rx: 1, n_tx: 1 }
}

fn slot(n: u32) -> SlotPoint {
    SlotPoint::new(Numerology::KHZ30, 7, n)
}

fn ack(dai: u8, k: u32, ok: bool) -> Ack {
    Ack {
        slot: slot(9),
        pdsch_slot: slot(9 - k),
        dai,
        pri: 3,
        tpc: 1,
        first_cce: 4,
        n_cce: 8,
        ack: ok,
        groups: (0, 0),
        temporary: false,
        dedicated: true,
    }
}

fn dedicated(cell: &CellConfig, harq_codebook: HarqCodebook) -> DedicatedConfig {
    DedicatedConfig {
        dl_bwp: cell.initial_dl_bwp,
        ul_bwp: cell.initial_ul_bwp,
        coresets: vec![],
        search_spaces: vec![],
        pdsch: cell.pdsch.clone(),
        pusch: PuschConfig { p0_dbm: -90, alpha: 0.8, ..cell.pusch.clone() },
        pucch: PucchConfig { dl_data_to_ul_ack: vec![2, 3, 4, 6], ..cell.pucch.clone() },
        harq_codebook,
        n_dl_harq: 16,
        csi_rs: vec![],
        zp_csi_rs: vec![],
        csi_im: vec![],
        srs: None,
        csi_report: None,
        dci: Default::default(),
    }
}

#[test] // Spec: TS 38.213 §9.1.3.1 (a missed assignment is a NACK in its place)
fn dynamic_codebook_keeps_the_place_of_what_was_missed() {
    let cell = cell();
    let d = dedicated(&cell, HarqCodebook::Dynamic);
    let acks = [ack(0, 4, true), ack(2, 2, true)];
    let book = Codebook::gather(&acks, slot(9), (None, None), &cell, Some(&d));
    assert_eq!(book.bits(), [1, 0, 1]);
    let uci = book.uci().unwrap();
    assert_eq!((uci.n_bits, uci.pri, uci.first_cce), (3, 3, 4));
    // The grant says that four assignments were sent. Spec: TS 38.213 §9.1.3.2
    assert_eq!(Codebook::gather(&acks, slot(9), (Some(3), None), &cell, Some(&d)).bits(), [1, 0, 1, 0]);
    assert_eq!(Codebook::gather(&[], slot(9), (Some(1), None), &cell, Some(&d)).bits(), [0, 0]);
    assert!(Codebook::gather(&[], slot(9), (Some(3), None), &cell, Some(&d)).bits().is_empty());
    assert!(Codebook::gather(&acks, slot(8), (None, None), &cell, Some(&d)).uci().is_none());
}

#[test] // Spec: TS 38.213 §9.1.2.1
fn semi_static_codebook_has_a_bit_for_each_k1() {
    let mut cell = cell();
    cell.duplex = Duplex::Tdd(TddPattern { period_slots: 5, dl_slots: 3, dl_symbols: 10, ul_slots: 1, ul_symbols: 2 });
    let mut d = dedicated(&cell, HarqCodebook::SemiStatic);
    d.pdsch.time_allocations = vec![TimeAllocation { k: 0, mapping: MappingType::A, start: 2, n_symbols: 12 }];
    // K_1 of 6 leads to slot 3, which has no twelve downlink symbols from symbol 2 on.
    let book = Codebook::gather(&[ack(0, 3, true)], slot(9), (None, None), &cell, Some(&d));
    assert_eq!(book.bits(), [0, 1, 0]);
}

#[test] // Spec: TS 38.213 §9.2.1
fn one_bit_before_a_dedicated_configuration() {
    let book = Codebook::gather(&[ack(3, 4, true)], slot(9), (None, None), &cell(), None);
    assert_eq!((book.bits(), book.uci().unwrap().n_bits), (&[1][..], 1));
}

#[test] // Spec: TS 38.213 §7.1.1, §7.2.1, §7.4, §7.7.1
fn power_by_hand() {
    let cell = cell();
    let d = dedicated(&cell, HarqCodebook::Dynamic);
    let mut p = Power::new(23.0, &cell);
    assert_eq!(p.p_cmax_dbm(), 20.0);
    p.on_rsrp(-95.0, &cell);
    assert_eq!(p.path_loss_db, 90.0);
    assert_eq!(p.prach_dbm(-98.0, &cell), -8.0);
    // Ramped by 2 dB, corrected by -4 dB.
    p.on_random_access(-4.0);
    let close = |a: f32, b: f32| assert!((a - b).abs() < 0.01, "{a} against {b}");
    // Msg3: -100 + 10 log10(2 * 2) + 90 - 2.
    close(p.pusch_dbm(2, 1, true, &cell, None).0, -100.0 + 6.0206 + 90.0 - 2.0);
    p.on_pusch_tpc(3.0);
    let (dbm, headroom) = p.pusch_dbm(50, 1, false, &cell, Some(&d));
    close(dbm, -90.0 + 20.0 + 72.0 + 1.0);
    close(headroom, 20.0 - dbm);
    // All that there is, and no more.
    p.on_rsrp(-120.0, &cell);
    let (dbm, headroom) = p.pusch_dbm(50, 1, false, &cell, Some(&d));
    close(dbm, 20.0);
    close(headroom, 20.0 - (-90.0 + 20.0 + 92.0 + 1.0));
    p.on_rsrp(-95.0, &cell);
    let format = |format, n_symbols, n_harq_ack| PucchPdu {
        rnti: Rnti(1),
        resource: PucchResource { id: 0, start_prb: 0, second_hop_prb: None, start_symbol: 0, n_symbols, format },
        n_harq_ack,
        n_sr: 0,
        n_csi1: 0,
        hopping_id: 0,
        group_hopping: 0,
        n_id: 0,
        dmrs_n_id: 0,
        long: Default::default(),
    };
    let f1 = format(PucchFormat::F1 { initial_cyclic_shift: 0, time_domain_occ: 0 }, 14, 2);
    close(p.pucch_dbm(&f1, 1, &cell, None), -110.0 + 3.0103 + 90.0 + 3.0103 - 2.0);
    let f2 = format(PucchFormat::F2 { n_prb: 2 }, 2, 8);
    close(p.pucch_dbm(&f2, 1, &cell, None), -110.0 + 6.0206 + 90.0 + 10.0 * 1.5f32.log10() - 2.0);
}

fn pucch(n_harq_ack: u8) -> PucchPdu {
    let format = PucchFormat::F1 { initial_cyclic_shift: 0, time_domain_occ: 0 };
    PucchPdu {
        rnti: Rnti(1),
        resource: PucchResource { id: 0, start_prb: 0, second_hop_prb: None, start_symbol: 0, n_symbols: 14, format },
        n_harq_ack,
        n_sr: 0,
        n_csi1: 0,
        hopping_id: 0,
        group_hopping: 0,
        n_id: 0,
        dmrs_n_id: 0,
        long: Default::default(),
    }
}

#[test] // Spec: TS 38.213 §7.1.1, §7.2.1 (at the greatest power nothing is added, at the least nothing taken away)
fn nothing_is_accumulated_beyond_the_limits() {
    let cell = cell();
    let close = |a: f32, b: f32| assert!((a - b).abs() < 0.01, "{a} against {b}");
    // (RSRP, command, what it is worth until the limit): the greatest and the least power.
    for (rsrp_dbm, limit_dbm, away, back) in [(-140.0, 20.0, 3.0, -1.0), (-5.0, -40.0, -1.0, 3.0)] {
        let mut p = Power::new(23.0, &cell);
        p.on_rsrp(rsrp_dbm, &cell);
        let pusch = |p: &mut Power| p.pusch_dbm(1, 1, true, &cell, None);
        let pucch_dbm = |p: &mut Power| p.pucch_dbm(&pucch(1), 1, &cell, None);
        let (first, headroom) = pusch(&mut p);
        assert_eq!((first, pucch_dbm(&mut p)), (limit_dbm, limit_dbm));
        for _ in 0..10 {
            p.on_pusch_tpc(away);
            p.on_pucch_tpc(away);
            close(pusch(&mut p).1, headroom);
            assert_eq!(pucch_dbm(&mut p), limit_dbm);
        }
        // What leads away from the limit counts at once.
        p.on_pusch_tpc(back);
        close(pusch(&mut p).1, headroom - back);
        p.on_pucch_tpc(back);
        pucch_dbm(&mut p);
        p.on_rsrp(-95.0, &cell);
        close(pusch(&mut p).0, -100.0 + 3.0103 + 90.0 + back);
        close(pucch_dbm(&mut p), -110.0 + 3.0103 + 90.0 + back);
        // And between the limits everything does; what several assignments say for one PUCCH is summed up.
        p.on_pusch_tpc(away);
        close(pusch(&mut p).0, -100.0 + 3.0103 + 90.0 + back + away);
        p.on_pucch_tpc(away);
        p.on_pucch_tpc(away);
        close(pucch_dbm(&mut p), -110.0 + 3.0103 + 90.0 + back + 2.0 * away);
    }
}

#[test] // Spec: TS 38.213 §7.7.1, TS 38.321 §5.4.6 (a report tells of the PUSCH that carries it)
fn headroom_is_that_of_the_grant_it_comes_with() {
    let cell = cell();
    let (dci, rntis) = (fapi::dci::DciContext::common(&cell), Rntis { c_rnti: Some(Rnti(17)), ..Rntis::default() });
    let c = InForce { cell: &cell, d: None, dci: &dci, rntis: &rntis, camped: true };
    let mut ul = Uplink::new(&cell, carrier_of(&cell.ul).unwrap(), &build()).unwrap();
    ul.power.on_rsrp(-95.0, &cell);
    let n_rb = cell.initial_ul_bwp.n_rb;
    let mut ind = UeIndication::default();
    let mut expected = 20.0 - (-100.0 + 3.0103 + 90.0);
    for (harq, width, tpc) in [(0, n_rb, 1), (1, 2, 3), (2, 8, 0)] {
        ind.clear();
        let frequency = resolve::riv_encode(0, width, n_rb).unwrap();
        let grant = Dci::F0_0(fapi::dci::Dci0_0 { frequency, mcs: 4, harq, tpc, ..Default::default() });
        let kind = SearchSpaceKind::Common;
        let heard = Heard {
            slot: slot(harq.into()),
            rnti: Rnti(17),
            rnti_kind: RntiKind::Cell,
            kind,
            coreset: &cell.coresets[0],
        };
        assert!(ul.on_grant(&grant, &heard, &c, &mut ind));
        expected -= f32::from(resolve::tpc_db(tpc));
        let [UeL1Event::PowerHeadroom { ph_db, p_cmax_dbm }, UeL1Event::UlGrant { .. }, ..] = ind.events[..] else {
            panic!("{:?}", ind.events);
        };
        let ph = expected - 10.0 * f32::from(width).log10();
        assert!((ph_db - ph).abs() < 0.01 && p_cmax_dbm == 20.0, "{ph_db} dB against {ph} at {width} RBs");
    }
}

#[test] // Spec: TS 38.213 §4.2
fn timing_advance_takes_effect_when_it_must() {
    let cell = cell();
    let carrier = carrier_of(&cell.ul).unwrap();
    let mut ul = Uplink::new(&cell, carrier, &build()).unwrap();
    ul.on_advance_absolute(100, 1);
    assert_eq!(ul.n_ta_in(slot(0)), 100 * 512);
    ul.on_advance(33, slot(2));
    assert_eq!(ul.n_ta_in(slot(6)), 100 * 512);
    assert_eq!(ul.n_ta_in(slot(7)), 102 * 512);
    // Two commands before the first takes effect add up.
    ul.on_advance(32, slot(10));
    ul.on_advance(30, slot(11));
    assert_eq!(ul.n_ta_in(slot(19)), 102 * 512);
    ul.on_advance_absolute(0, 1);
    ul.on_advance(0, slot(2));
    assert_eq!(ul.n_ta_in(slot(19)), 0, "never before the downlink's start");
}
