//! Layers, interleaving, hopping and repetitions, by hand.

use super::*;
use crate::dci::*;
use crate::options::*;
use crate::resolve::riv_encode;
use crate::resolve::tests::{cell, dedicated};
use nr::Numerology;
use nr::tables::uplink_precoding::CodebookSubset;

fn heard(coreset: &CoresetConfig, kind: SearchSpaceKind, rnti_kind: RntiKind) -> Heard<'_> {
    Heard { slot: SlotPoint::new(Numerology::KHZ30, 1, 3), rnti: Rnti(0x4601), rnti_kind, kind, coreset }
}

#[test] // Spec: TS 38.211 §7.3.1.6, TS 38.214 §5.1.2.2.2
fn interleaved_fallback_assignments() {
    let mut cell = cell();
    cell.dl.offset_to_carrier = 4;
    // CORESET 0 is 48 RBs from carrier RB 1: for SIB1 bundles count from it, else from common RB 0 (RB 1 is common RB 5, odd).
    let h = heard(&cell.coresets[0], SearchSpaceKind::Common, RntiKind::Si);
    let frequency = riv_encode(0, 4, 48).unwrap();
    let si = Dci::Si(DciSi { frequency, interleaved: true, mcs: 2, ..DciSi::default() });
    let a = pdsch(&si, &h, &cell, None, None).unwrap();
    assert_eq!(a.pdu.rbs.iter().collect::<Vec<_>>(), [1, 2, 25, 26]);
    assert_eq!((a.pdu.vrb_interleaver, a.pdu.dmrs.reference_rb), (Some((1, 48, 2)), 1));
    let h = heard(&cell.coresets[0], SearchSpaceKind::Common, RntiKind::Ra);
    let ra = Dci::Ra(DciRa { frequency, interleaved: true, mcs: 2, ..DciRa::default() });
    let a = pdsch(&ra, &h, &cell, None, None).unwrap();
    // 25 bundles of 1, 2, ..., 2, 1 RBs: C = 12, so bundle 1 goes to bundle 12, which is RBs 24 and 25, and bundle 2 to bundle 1.
    assert_eq!(a.pdu.rbs.iter().collect::<Vec<_>>(), [1, 2, 24, 25]);
    assert_eq!(a.pdu.coding.tbs_bytes, {
        let plain = Dci::Ra(DciRa { frequency, interleaved: false, mcs: 2, ..DciRa::default() });
        pdsch(&plain, &h, &cell, None, None).unwrap().pdu.coding.tbs_bytes
    });
}

#[test] // Spec: TS 38.214 §5.1.6.2, §5.1.3.2; TS 38.212 tables 7.3.1.2.2-1 to -4
fn layers_by_antenna_ports() {
    let cell = cell();
    let mut d = dedicated(&cell);
    d.pdsch.dmrs.max_length = 2;
    d.pdsch.options.ptrs = Some(DlPtrsConfig::default());
    d.pdsch.options.max_cbg = 4;
    let h = heard(&d.coresets[0], SearchSpaceKind::Ue, RntiKind::Cell);
    let frequency = riv_encode(0, 51, 51).unwrap();
    let dci = Dci1_1 { frequency, mcs: 27, ports: 30, cbgti: 0b1011, ..Dci1_1::default() };
    let a = pdsch(&Dci::F1_1(dci), &h, &cell, Some(&d), None).unwrap();
    // Value 30: ports 0, 2, 4, 6, two symbols; with 12 symbols and pos1 the pairs are 2, 3 and 10, 11.
    assert_eq!((a.pdu.n_layers, a.pdu.dmrs.ports, a.pdu.dmrs.symbols), (4, 0b101_0101, 0xc0c));
    // N'_RE = 144 - 48 = 96; 51 PRBs, 948/1024, 8 bits, 4 layers: 145 044 bits.
    assert_eq!(a.pdu.coding.tbs_bytes * 8, tbs::tbs_bits(96 * 51, 1896, 8, 4, 0));
    assert_eq!(a.pdu.ptrs.unwrap().dmrs_ports, 1);
    assert_eq!(a.pdu.cbg, Some(CodeBlockGroups { n_max: 4, transmitted: 0b1101, flush: false }));
    d.pdsch.options.aggregation_factor = 4;
    assert!(pdsch(&Dci::F1_1(dci), &h, &cell, Some(&d), None).is_err());
    let one = Dci::F1_1(Dci1_1 { ports: 0, ..dci });
    let a = pdsch(&one, &h, &cell, Some(&d), None).unwrap();
    assert_eq!((a.repetitions, a.feedback.unwrap().slot), (4, a.slot.plus(3 + 2)));
    assert_eq!([0, 1, 2, 3].map(|n| repetition_rv(2, n)), [2, 3, 1, 0]);
    d.pdsch.mcs_table = McsTable::Qam1024;
    d.pdsch.options.aggregation_factor = 0;
    assert_eq!(pdsch(&one, &h, &cell, Some(&d), None).err().map(|_| ()), Some(()));
    let top = Dci::F1_1(Dci1_1 { ports: 0, mcs: 26, ..dci });
    assert_eq!(pdsch(&top, &h, &cell, Some(&d), None).unwrap().pdu.coding.q_m, 10);
}

#[test] // Spec: TS 38.214 §5.1.2.2, TS 38.212 §7.3.1.2.2
fn dynamic_switch_and_dedicated_interleaving() {
    let cell = cell();
    let mut d = dedicated(&cell);
    (d.pdsch.resource_allocation, d.pdsch.vrb_interleaver) = (ResourceAllocation::DynamicSwitch, Some(4));
    let h = heard(&d.coresets[0], SearchSpaceKind::Ue, RntiKind::Cell);
    // 13 groups and 11 bits of RIV: 14 bits, of which the first is the switch.
    assert_eq!(DciContext::dedicated(&cell, &d).dedicated.unwrap().dl.frequency, 14);
    let of = |frequency, interleaved| {
        let dci = Dci::F1_1(Dci1_1 { frequency, interleaved, mcs: 5, ..Dci1_1::default() });
        pdsch(&dci, &h, &cell, Some(&d), None).unwrap().pdu
    };
    assert_eq!(of(1 << 12, true).rbs.iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    let riv = riv_encode(4, 8, 51).unwrap();
    let p = of(1 << 13 | riv, true);
    // 13 bundles of four: C = 6; bundle 1 goes to 6, bundle 2 to 1.
    assert_eq!(p.rbs.iter().collect::<Vec<_>>(), [4, 5, 6, 7, 24, 25, 26, 27]);
    assert_eq!(p.vrb_interleaver, Some((0, 51, 4)));
    assert_eq!(of(1 << 13 | riv, false).rbs, RbAllocation::Contiguous { start: 4, n_rb: 8 });
}

#[test] // Spec: TS 38.214 §6.1.1.1, §6.1.1.2, §6.3; TS 38.211 §6.3.1.4
fn uplink_layers_hopping_and_transform_precoding() {
    let cell = cell();
    let mut d = dedicated(&cell);
    let h = heard(&d.coresets[0], SearchSpaceKind::Ue, RntiKind::Cell);
    let riv = riv_encode(3, 10, 51).unwrap();
    let dci = Dci0_1 { frequency: riv, mcs: 5, ul_sch: true, ..Dci0_1::default() };
    d.pusch.options.scheme =
        PuschScheme::Codebook { n_ports: 4, max_rank: 4, subset: CodebookSubset::FullyPartialNon, n_srs: 2 };
    let of = |d: &DedicatedConfig, x: Dci0_1| pusch(&Dci::F0_1(x), &h, &cell, Some(d), None);
    let g = of(&d, Dci0_1 { precoding: 55, ports: 3, sri: 1, ..dci }).unwrap();
    assert_eq!((g.pdu.n_layers, g.pdu.dmrs.ports, g.srs_resources), (2, 0b101, 0b10));
    assert_eq!(g.pdu.precoding, UlPrecoding::Codebook { n_ports: 4, tpmi: 21 });
    assert!(of(&d, Dci0_1 { precoding: 62, ..dci }).is_err());
    d.pusch.options.scheme = PuschScheme::NonCodebook { n_srs: 4, l_max: 4 };
    let g = of(&d, Dci0_1 { sri: 14, ports: 0, ..dci }).unwrap();
    assert_eq!((g.pdu.n_layers, g.srs_resources, g.pdu.precoding), (4, 15, UlPrecoding::Identity));
    d.pusch.options.scheme = PuschScheme::OnePort;
    let offsets = [20, 25, 30, 0];
    d.pusch.options.hopping = Some(PuschHopping { inter_slot: false, offsets, n_offsets: 4 });
    // 11 bits: two of them choose among four offsets, the RIV has nine.
    let hop = Dci0_1 { hopping: true, frequency: riv | 2 << 9, ..dci };
    let g = of(&d, hop).unwrap();
    assert_eq!((g.pdu.second_hop_rb, g.pdu.dmrs.symbols), (Some(33), 1 << 2 | 1 << 6 | 1 << 7 | 1 << 11));
    // A second hop that would reach beyond the part.
    let late = riv_encode(15, 9, 51).unwrap();
    assert!(of(&d, Dci0_1 { frequency: late | 2 << 9, ..hop }).is_err());
    d.pusch.options.hopping = Some(PuschHopping { inter_slot: true, offsets, n_offsets: 4 });
    let g = of(&d, hop).unwrap();
    // K_2 = 2: slot 5 is odd, so it lies in the second position.
    assert_eq!((g.pdu.second_hop_rb, g.pdu.rbs), (None, RbAllocation::Contiguous { start: 33, n_rb: 10 }));
    d.pusch.transform_precoding = true;
    d.pusch.mcs_table = McsTable::Qam64;
    d.pusch.options.pi2_bpsk = true;
    let g = of(&d, Dci0_1 { mcs: 1, ..dci }).unwrap();
    assert_eq!((g.pdu.coding.q_m, g.pdu.coding.rate_x1024, g.pdu.dmrs.n_cdm_groups_without_data), (1, 314.0, 2));
    assert_eq!(g.pdu.transform_precoding.unwrap().n_id_rs, 500);
    assert!(of(&d, Dci0_1 { frequency: riv_encode(0, 7, 51).unwrap(), ..dci }).is_err());
    assert_eq!(of(&d, Dci0_1 { ul_sch: false, ..dci }).unwrap().pdu.coding.tbs_bytes, 0);
}

#[test] // Spec: TS 38.213 §8.3, table 8.3-1
fn msg3_hops_by_the_top_bits() {
    let cell = cell();
    // 51 RBs: two hopping bits above a RIV of nine.
    let riv = riv_encode(30, 3, 51).unwrap();
    let grant =
        RarGrant { hopping: true, frequency: riv as u16 | 2 << 9, time: 10, mcs: 2, tpc: 3, csi_request: false };
    let g = msg3(&grant, Rnti(1), SlotPoint::new(Numerology::KHZ30, 8, 1), &cell).unwrap();
    assert_eq!((g.pdu.rbs, g.pdu.second_hop_rb), (RbAllocation::Contiguous { start: 30, n_rb: 3 }, Some(18)));
    assert_eq!(g.pdu.dmrs.symbols, 1 << 2 | 1 << 6 | 1 << 7 | 1 << 11);
    let reserved = RarGrant { frequency: riv as u16 | 3 << 9, ..grant };
    assert!(msg3(&reserved, Rnti(1), SlotPoint::new(Numerology::KHZ30, 8, 1), &cell).is_err());
}
