//! Formats against a second derivation, and what a configuration may not be.

use super::*;
use crate::config::*;
use crate::options::*;
use crate::resolve::tests::{cell, dedicated};
use nr::tables::uplink_precoding::CodebookSubset;
use std::collections::BTreeMap;

const VECTORS: &str = include_str!("../../../../vectors/dci.txt");

type Values<'a> = BTreeMap<&'a str, u32>;

fn values(text: &str) -> Values<'_> {
    text.split(',').filter_map(|p| p.split_once('=')).map(|(k, v)| (k, v.parse().unwrap())).collect()
}

fn allocation(n: u32) -> ResourceAllocation {
    [ResourceAllocation::Type0, ResourceAllocation::Type1, ResourceAllocation::DynamicSwitch][n as usize]
}

fn scheme(c: &Values) -> PuschScheme {
    let (n_srs, rank) = (c["n_srs"] as u8, c["rank"] as u8);
    match c["scheme"] {
        0 => PuschScheme::OnePort,
        1 => PuschScheme::Codebook {
            n_ports: c["ports"] as u8,
            max_rank: rank,
            subset: [CodebookSubset::FullyPartialNon, CodebookSubset::PartialNon, CodebookSubset::Non]
                [c["subset"] as usize],
            n_srs,
        },
        _ => PuschScheme::NonCodebook { n_srs, l_max: rank },
    }
}

/// The cell and the configuration of a line.
fn configuration(c: &Values) -> (CellConfig, DedicatedConfig) {
    let (byte, flag) = (|k: &str| c[k] as u8, |k: &str| c[k] == 1);
    let mut cell = cell();
    cell.coreset0_bwp.n_rb = c["coreset0"] as u16;
    cell.initial_ul_bwp.n_rb = c["initial"] as u16;
    (cell.dl.offset_to_carrier, cell.ul.offset_to_carrier) = (c["offset"] as u16, c["offset"] as u16);
    let mut d = dedicated(&cell);
    d.dl_bwp = Bwp { id: 1, start_rb: c["dl_start"] as u16, n_rb: c["dl"] as u16 };
    d.ul_bwp = Bwp { id: 1, start_rb: c["ul_start"] as u16, n_rb: c["ul"] as u16 };
    d.harq_codebook = if flag("dynamic") { HarqCodebook::Dynamic } else { HarqCodebook::SemiStatic };
    d.pucch.dl_data_to_ul_ack = vec![4; c["k1"] as usize];
    let space = d.search_spaces[0];
    let kinds = [
        ("full", SearchSpaceKind::Ue),
        ("compact", SearchSpaceKind::UeCompact),
        ("fallback", SearchSpaceKind::UeFallback),
    ];
    let there = kinds.into_iter().filter(|(k, _)| flag(k));
    d.search_spaces = there.map(|(_, kind)| SearchSpaceConfig { kind, ..space }).collect();
    let p = &mut d.pdsch;
    (p.resource_allocation, p.rbg_config2) = (allocation(c["dl_alloc"]), flag("dl_config2"));
    p.time_allocations = vec![p.time_allocations[0]; c["dl_times"] as usize];
    (p.dmrs.config_type, p.dmrs.max_length) = (byte("dl_dmrs"), byte("dl_len"));
    p.vrb_interleaver = flag("interleaver").then_some(2);
    p.options = PdschOptions {
        dynamic_prb_bundling: flag("bundling"),
        n_rate_match_groups: byte("rate_match"),
        n_zp_csi_rs: byte("zp"),
        two_codewords: flag("second"),
        max_cbg: byte("dl_cbg"),
        cbg_flush: flag("flush"),
        tci: flag("tci"),
        ..Default::default()
    };
    let p = &mut d.pusch;
    (p.resource_allocation, p.transform_precoding) = (allocation(c["ul_alloc"]), flag("tp"));
    p.time_allocations = vec![p.time_allocations[0]; c["ul_times"] as usize];
    (p.dmrs.config_type, p.dmrs.max_length) = (byte("ul_dmrs"), byte("ul_len"));
    p.options = PuschOptions {
        hopping: flag("hopping").then(PuschHopping::default),
        scheme: scheme(c),
        rbg_config2: flag("ul_config2"),
        max_cbg: byte("ul_cbg"),
        csi_request_bits: byte("csi"),
        beta_offsets: flag("beta").then(Default::default),
        priority: flag("priority"),
        ptrs: flag("ptrs").then(Default::default),
        ..Default::default()
    };
    d.dci = DciOptions {
        carrier_indicator: flag("carrier"),
        sul: flag("sul"),
        n_dl_bwp: byte("n_dl_bwp"),
        n_ul_bwp: byte("n_ul_bwp"),
        dl_priority: flag("priority"),
        compact: CompactOptions {
            carrier_bits: byte("c_carrier"),
            granularity: byte("c_gran"),
            rv_bits: byte("c_rv"),
            harq_bits: byte("c_harq"),
            dai: flag("c_dai"),
            antenna_ports: flag("c_ports"),
            srs_request_bits: byte("c_srs"),
            csi_request_bits: byte("c_csi"),
            dmrs_sequence: flag("c_scid"),
            hopping: flag("c_hop"),
            beta_offset_bits: byte("c_beta"),
            priority: flag("priority"),
            pri_bits: byte("c_pri"),
            interleaver: flag("c_int"),
            tci_bits: byte("c_tci"),
            dynamic_prb_bundling: flag("c_bundling"),
            ..Default::default()
        },
        ..Default::default()
    };
    (cell, d)
}

fn uplink(v: &Values, rv: u8) -> Dci0_1 {
    let byte = |k: &str| v.get(k).copied().unwrap_or(0) as u8;
    Dci0_1 {
        carrier: byte("carrier"),
        sul: byte("sul") == 1,
        bwp: byte("bwp"),
        frequency: v["frequency"],
        time: byte("time"),
        hopping: byte("hopping") == 1,
        mcs: byte("mcs"),
        ndi: byte("ndi") == 1,
        rv,
        harq: byte("harq"),
        dai: byte("dai"),
        dai_2: byte("dai_2"),
        tpc: byte("tpc"),
        sri: byte("sri"),
        precoding: byte("precoding"),
        ports: byte("ports"),
        srs_request: byte("srs_request"),
        csi_request: byte("csi_request"),
        cbgti: byte("cbgti"),
        ptrs_dmrs: byte("ptrs_dmrs"),
        beta_offset: byte("beta_offset"),
        n_scid: byte("n_scid"),
        ul_sch: byte("ul_sch") == 1,
        priority: byte("priority") == 1,
        ..Default::default()
    }
}

fn downlink(v: &Values, rv: u8) -> Dci1_1 {
    let byte = |k: &str| v.get(k).copied().unwrap_or(0) as u8;
    Dci1_1 {
        carrier: byte("carrier"),
        bwp: byte("bwp"),
        frequency: v["frequency"],
        time: byte("time"),
        interleaved: byte("interleaved") == 1,
        prb_bundling: byte("prb_bundling") == 1,
        rate_matching: byte("rate_matching"),
        zp_csi_rs: byte("zp_csi_rs"),
        mcs: byte("mcs"),
        ndi: byte("ndi") == 1,
        rv,
        second: SecondBlock { mcs: byte("mcs2"), ndi: byte("ndi2") == 1, rv: byte("rv2") },
        harq: byte("harq"),
        dai: byte("dai"),
        tpc: byte("tpc"),
        pri: byte("pri"),
        k1: byte("k1"),
        ports: byte("ports"),
        tci: byte("tci"),
        srs_request: byte("srs_request"),
        cbgti: byte("cbgti"),
        cbgfi: byte("cbgfi") == 1,
        n_scid: byte("n_scid"),
        priority: byte("priority") == 1,
        ..Default::default()
    }
}

fn fallback(v: &Values, is_downlink: bool) -> Dci {
    let byte = |k: &str| v.get(k).copied().unwrap_or(0) as u8;
    let (frequency, time, mcs, ndi) = (v["frequency"], byte("time"), byte("mcs"), byte("ndi") == 1);
    let (rv, harq, tpc) = (byte("rv"), byte("harq"), byte("tpc"));
    if !is_downlink {
        return Dci::F0_0(Dci0_0 { frequency, time, hopping: byte("hopping") == 1, mcs, ndi, rv, harq, tpc });
    }
    let (interleaved, dai, pri, k1) = (byte("interleaved") == 1, byte("dai"), byte("pri"), byte("k1"));
    Dci::F1_0(Dci1_0 { frequency, time, interleaved, mcs, ndi, rv, harq, dai, tpc, pri, k1 })
}

#[test] // Spec: TS 38.212 §7.3.1.0, §7.3.1.1.1 to §7.3.1.2.3; vectors: vectors/dci.txt (second derivation)
fn formats_by_configuration_equal_the_second_derivation() {
    for (n, line) in VECTORS.lines().enumerate() {
        let part: Vec<&str> = line.split(';').collect();
        let (c, v) = (values(part[0]), values(part[2]));
        let (cell, d) = configuration(&c);
        let ctx = DciContext::dedicated(&cell, &d);
        let compact = part[1].ends_with("_2");
        let rv = match (v.get("rv").copied().unwrap_or(0) as u8, compact && c["c_rv"] == 1) {
            (1, true) => 3,
            (rv, _) => rv,
        };
        let (dci, kind) = match part[1] {
            "0_0" | "1_0" => (fallback(&v, part[1] == "1_0"), SearchSpaceKind::Common),
            "0_0u" | "1_0u" => (fallback(&v, part[1] == "1_0u"), SearchSpaceKind::UeFallback),
            "0_1" => (Dci::F0_1(uplink(&v, rv)), SearchSpaceKind::Ue),
            "0_2" => (Dci::F0_2(uplink(&v, rv)), SearchSpaceKind::UeCompact),
            "1_1" => (Dci::F1_1(downlink(&v, rv)), SearchSpaceKind::Ue),
            _ => (Dci::F1_2(downlink(&v, rv)), SearchSpaceKind::UeCompact),
        };
        let bits = encode(&dci, kind, &ctx).unwrap_or_else(|e| panic!("line {n}, {}: {e}", part[1]));
        assert_eq!(format!("{bits:?}"), part[3], "line {n}, {} {}", part[1], part[2]);
        assert_eq!(decode(bits.as_slice(), RntiKind::Cell, kind, &ctx), Ok(dci), "line {n}");
        assert!(ctx.sizes(kind).contains(&Some(bits.as_slice().len() as u8)));
    }
}

#[test] // Spec: TS 38.212 §7.3.1.3
fn group_formats_round_trip() {
    let mut d = dedicated(&cell());
    d.dci.group = GroupOptions {
        slot_format_bits: 20,
        preemption_bits: 42,
        closed_loop_indicator: true,
        srs_request_bits_plus_1: 3,
        n_srs_tpc: 2,
    };
    let ctx = DciContext::dedicated(&cell(), &d);
    let common = SearchSpaceKind::Common;
    let round = |dci: Dci, rnti, len| {
        let bits = encode(&dci, common, &ctx).unwrap();
        assert_eq!(bits.as_slice().len(), len);
        assert_eq!(decode(bits.as_slice(), rnti, common, &ctx), Ok(dci));
        bits
    };
    let payload = DciBits::new(&[0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]).unwrap();
    let sfi = Dci2_0 { payload };
    round(Dci::F2_0(sfi), RntiKind::SlotFormat, 20);
    assert_eq!((sfi.slot_format(1, 4), sfi.slot_format(18, 4)), (Some(0b1101), None));
    let mut pre = Dci2_1::default();
    pre.indications[..3].copy_from_slice(&[0x3fff, 1, 0x2000]);
    round(Dci::F2_1(pre), RntiKind::Interruption, 42);
    // 39 bits of format 1_0: 13 blocks of three bits.
    let mut tpc = Dci2_2::default();
    tpc.blocks[12] = TpcBlock { closed_loop: true, tpc: 2 };
    let bits = round(Dci::F2_2(tpc), RntiKind::Tpc, 39);
    assert_eq!(bits.as_slice()[36..], [1, 1, 0]);
    // Six blocks of six bits: a request, then two commands.
    let mut srs = Dci2_3::default();
    srs.blocks[1] = SrsBlock { request: 2, tpc: 0b1101 };
    let bits = round(Dci::F2_3(srs), RntiKind::TpcSrs, 39);
    assert_eq!(bits.as_slice()[6..12], [1, 0, 1, 1, 0, 1]);
    let none = DciContext::common(&cell());
    assert_eq!(encode(&Dci::F2_0(sfi), common, &none), Err(DciError::NotConfigured));
}

#[test] // Spec: TS 38.212 §7.3.1.0
fn impossible_size_budgets_are_refused() {
    let cell = cell();
    let mut d = dedicated(&cell);
    assert_eq!(DciContext::dedicated(&cell, &d).check(&d), Ok(()));
    // Four formats in one search space, and the fallback formats in another: aligned until three sizes are left.
    let space = d.search_spaces[0];
    d.search_spaces = vec![
        SearchSpaceConfig { kind: SearchSpaceKind::UeAll, ..space },
        SearchSpaceConfig { kind: SearchSpaceKind::UeFallback, ..space },
    ];
    d.ul_bwp.n_rb = 24;
    d.dci.compact = CompactOptions { rv_bits: 2, harq_bits: 4, ..Default::default() };
    let ctx = DciContext::dedicated(&cell, &d);
    let s = ctx.dedicated.unwrap().sizes;
    assert_eq!((s.fallback, s.f0_2, s.f0_1), (39, s.f1_2, s.f1_1));
    assert_eq!(ctx.check(&d), Ok(()));
    assert_eq!(ctx.sizes(SearchSpaceKind::UeAll).iter().flatten().count(), 2);
    for dci in [Dci::F0_2(Dci0_1::default()), Dci::F1_1(Dci1_1::default()), Dci::F0_1(Dci0_1::default())] {
        let bits = encode(&dci, SearchSpaceKind::UeAll, &ctx).unwrap();
        assert_eq!(decode(bits.as_slice(), RntiKind::Cell, SearchSpaceKind::UeAll, &ctx), Ok(dci));
    }
    // Formats 2_0 and 2_1 of two more sizes make five.
    d.dci.group = GroupOptions { slot_format_bits: 17, preemption_bits: 14, ..Default::default() };
    let ctx = DciContext::dedicated(&cell, &d);
    assert!(matches!(ctx.check(&d), Err(DciError::Sizes(_))));
}
