//! Layers and precoders of the uplink by what was sounded.

use super::*;
use fapi::slot::{SrsIndication, SrsPrecoder};
use nr::tables::uplink_precoding::CodebookSubset;

fn sounding() -> SrsConfig {
    let resource = SrsResource {
        id: 0,
        n_ports: 2,
        comb: 2,
        comb_offset: 0,
        cyclic_shift: 0,
        start_symbol: 13,
        n_symbols: 1,
        repetition: 1,
        freq_position: 0,
        freq_shift: 3,
        c_srs: 9,
        b_srs: 0,
        b_hop: 0,
        hopping: SrsHopping::Neither,
        sequence_id: 1,
        period: Some((20, 7)),
        freq_scaling: 1,
        start_rb_index: 0,
        start_rb_hopping: false,
        positioning: false,
    };
    SrsConfig { resource, p0_dbm: -86, alpha: 1.0 }
}

/// A UE with two ports.
fn bench() -> Bench {
    let mut b = Bench::new(ALL, vec![]);
    let cell = cell();
    let mut d = dedicated(&cell, ALL, vec![]);
    d.srs = Some(sounding());
    d.pusch.options.scheme =
        PuschScheme::Codebook { n_ports: 2, max_rank: 2, subset: CodebookSubset::FullyPartialNon, n_srs: 1 };
    b.dci = dci::DciContext::dedicated(&cell, &d);
    b.s.configure(0, Box::new(d), false);
    b
}

/// What was sounded: SINR of a layer with one and with two of them, over 25 dB of a port alone.
fn heard(slot: SlotPoint, one: (u8, f32), two: (u8, f32)) -> SrsIndication {
    let choice = |(tpmi, sinr_db)| Some(SrsPrecoder { tpmi, sinr_db });
    SrsIndication { rnti: RNTI, slot, snr_db: 25.0, one_port_db: 25.0, ranks: [choice(one), choice(two), None, None] }
}

/// Layers and TPMI of the PUSCHs of some slots.
fn granted(b: &mut Bench, n: usize) -> Vec<(u8, UlPrecoding)> {
    let mut all = Vec::new();
    for _ in 0..n {
        b.s.ue_mut(0).unwrap().ul_bytes = 3000;
        b.step();
        all.extend(b.plan.pusch.iter().map(|p| (p.n_layers, p.precoding)));
    }
    all
}

fn by(tpmi: u8) -> UlPrecoding {
    UlPrecoding::Codebook { n_ports: 2, tpmi }
}

#[test] // Spec: TS 38.214 §6.1.1.1, TS 38.212 §7.3.1.1.2 (precoding information and number of layers)
fn rank_and_precoder_follow_what_was_sounded() {
    let mut b = bench();
    let before = granted(&mut b, 12);
    assert!(before.len() > 4 && before.iter().all(|g| *g == (1, by(0))), "{before:?}");
    b.s.srs(&heard(b.slot, (5, 28.0), (1, 22.0)));
    let two = granted(&mut b, 16).split_off(8);
    assert!(two.iter().all(|g| *g == (2, by(1))), "{two:?}");
    // The second layer is gone: one, by its own precoder.
    b.s.srs(&heard(b.slot, (4, 28.0), (0, 3.0)));
    let one = granted(&mut b, 16).split_off(8);
    assert!(one.iter().all(|g| *g == (1, by(4))), "{one:?}");
    // Noise is no sounding.
    b.s.srs(&SrsIndication { snr_db: -9.0, ..heard(b.slot, (5, 28.0), (1, 22.0)) });
    assert!(granted(&mut b, 16).iter().all(|g| g.0 == 1));
}

#[test] // Spec: TS 38.214 §6.1.4.2 (a block keeps its size), TS 38.212 §7.3.1.1.2
fn a_block_keeps_its_layers_when_the_rank_changes() {
    let mut b = bench();
    b.s.srs(&heard(b.slot, (5, 28.0), (1, 22.0)));
    granted(&mut b, 12);
    // The first block of two layers fails; meanwhile the rank goes down.
    let (harq, failed) =
        b.s.ue(0).unwrap().ul.iter().enumerate().find(|(_, p)| p.layers == 2).map(|(i, p)| (i, *p)).unwrap();
    b.s.srs(&heard(b.slot, (4, 28.0), (2, 3.0)));
    let u = b.s.ue_mut(0).unwrap();
    u.ul[harq].state = State::Retransmit;
    (0..12).for_each(|_| {
        b.step();
        for p in b.plan.pusch.iter().filter(|p| !p.new_data) {
            assert_eq!((p.n_layers, p.precoding), (2, by(2)));
            assert_eq!(p.coding.tbs_bytes, failed.tbs_bytes());
        }
    });
    assert_eq!(b.s.ue(0).unwrap().ul_stats.retransmissions, 1);
}

#[test] // Spec: TS 38.214 §6.2.1 (an SRS has its symbols to itself where no other slots are to be had)
fn slots_with_an_srs_hold_no_pusch() {
    let mut b = bench();
    let mut n = 0;
    for _ in 0..100 {
        b.s.ue_mut(0).unwrap().ul_bytes = 3000;
        b.step();
        if !b.plan.srs.is_empty() {
            n += 1;
            assert_eq!(b.slot.index() % 20, 7);
            assert!(b.plan.pusch.is_empty() || b.slot.index() == 7, "{}", b.slot);
        }
    }
    assert!(n >= 4, "{n}");
}
