//! What the decoders of this crate must stand: for fuzz targets and for tests.

use crate::config::{CellConfig, DedicatedConfig, HarqCodebook, PucchConfig, SearchSpaceKind, SsbCase};
use crate::dci::{self, Dci, DciContext, RntiKind};
use crate::options::{CompactOptions, GroupOptions, PuschHopping, PuschScheme, ResourceAllocation};
use crate::resolve::{self, Heard, MibView, RarGrant};
use nr::{Numerology, Pci, Rnti, SlotPoint};

const KINDS: [SearchSpaceKind; 5] = [
    SearchSpaceKind::Common,
    SearchSpaceKind::UeFallback,
    SearchSpaceKind::Ue,
    SearchSpaceKind::UeCompact,
    SearchSpaceKind::UeAll,
];
const RNTIS: [RntiKind; 9] = [
    RntiKind::Cell,
    RntiKind::Temporary,
    RntiKind::Si,
    RntiKind::Ra,
    RntiKind::Paging,
    RntiKind::SlotFormat,
    RntiKind::Interruption,
    RntiKind::Tpc,
    RntiKind::TpcSrs,
];

/// One run of a fuzzer: six octets are a MIB and options of the cell that it describes, the others the bits of a DCI of whatever
/// length and of a random access response's grant.
///
/// # Panics
/// If an assignment or a grant that was accepted lies outside its bandwidth part or its slot: a bug of this crate.
pub fn fuzz_one(data: &[u8]) {
    let Some((&[pci, k_ssb, mib, l_max, options, slot], rest)) = data.split_first_chunk() else { return };
    let numerologies = [Numerology::KHZ15, Numerology::KHZ30];
    let Some(pci) = Pci::new(u16::from(pci) * 4) else { return };
    let view = MibView {
        pci,
        scs_common: numerologies[usize::from(options & 1)],
        k_ssb,
        coreset_zero: mib >> 4,
        search_space_zero: mib & 15,
        type_a_position: 2 + (options >> 1 & 1),
        ssb_numerology: numerologies[usize::from(options >> 2 & 1)],
        ssb_case: [SsbCase::A, SsbCase::B, SsbCase::C][usize::from(l_max >> 6) % 3],
        l_max: l_max & 15,
        ssb_index: l_max & 7,
        ssb_hz: 3.5e9,
        min_bandwidth_40mhz: options & 8 != 0,
        fr2: false,
    };
    let Ok((cell, _)) = resolve::cell_from_mib(&view) else { return };
    let dedicated = dedicated(&cell, options);
    let slot = SlotPoint::new(cell.dl.numerology, u32::from(slot) * 4, u32::from(slot) % 10);
    let _ = resolve::reserved_for_ssb(&cell, slot, 0, 14);
    let bits: Vec<u8> = rest.iter().flat_map(|octet| (0..8).map(move |i| octet >> (7 - i) & 1)).collect();
    for d in [None, Some(&dedicated)] {
        every_dci(&bits, &cell, d, slot);
    }
    let Some(&grant) = rest.first_chunk() else { return };
    if let Ok(grant) = resolve::msg3(&RarGrant::decode(u32::from_be_bytes(grant)), Rnti(17), slot, &cell) {
        inside(grant.pdu.rbs.iter(), cell.ul.n_rb, grant.pdu.start_symbol, grant.pdu.n_symbols);
    }
}

fn every_dci(bits: &[u8], cell: &CellConfig, d: Option<&DedicatedConfig>, slot: SlotPoint) {
    let context = d.map_or(DciContext::common(cell), |d| DciContext::dedicated(cell, d));
    let Some(coreset) = cell.coresets.first() else { return };
    for kind in KINDS {
        // The bits as they are, and cut to each length that a terminal would try.
        let cut = context.sizes(kind).into_iter().flatten().filter_map(|n| bits.get(..usize::from(n)));
        for bits in cut.chain([bits]) {
            for rnti_kind in RNTIS {
                let Ok(dci) = dci::decode(bits, rnti_kind, kind, &context) else { continue };
                let heard = Heard { slot, rnti: Rnti(0x4601), rnti_kind, kind, coreset };
                resolve_one(&dci, &heard, cell, d);
            }
        }
    }
}

fn resolve_one(dci: &Dci, heard: &Heard, cell: &CellConfig, d: Option<&DedicatedConfig>) {
    if let Ok(a) = resolve::pdsch(dci, heard, cell, d, None) {
        inside(a.pdu.rbs.iter(), cell.dl.n_rb, a.pdu.start_symbol, a.pdu.n_symbols);
        assert!(a.pdu.coding.tbs_bytes > 0, "a transport block of nothing: {dci:?}");
    }
    if let Ok(g) = resolve::pusch(dci, heard, cell, d, None) {
        inside(g.pdu.rbs.iter(), cell.ul.n_rb, g.pdu.start_symbol, g.pdu.n_symbols);
    }
}

fn inside(rbs: impl Iterator<Item = u16>, n_rb: u16, start_symbol: u8, n_symbols: u8) {
    assert!(rbs.into_iter().all(|rb| rb < n_rb), "RBs beyond the carrier");
    assert!(n_symbols > 0 && u16::from(start_symbol) + u16::from(n_symbols) <= 14, "symbols beyond the slot");
}

fn dedicated(cell: &CellConfig, options: u8) -> DedicatedConfig {
    let mut d = DedicatedConfig {
        dl_bwp: cell.initial_dl_bwp,
        ul_bwp: cell.initial_ul_bwp,
        coresets: vec![],
        search_spaces: vec![],
        pdsch: cell.pdsch.clone(),
        pusch: cell.pusch.clone(),
        pucch: PucchConfig { dl_data_to_ul_ack: vec![4, 5, 6], ..cell.pucch.clone() },
        harq_codebook: if options & 16 != 0 { HarqCodebook::Dynamic } else { HarqCodebook::SemiStatic },
        n_dl_harq: 16,
        csi_rs: vec![],
        zp_csi_rs: vec![],
        csi_im: vec![],
        srs: None,
        csi_report: None,
        dci: Default::default(),
    };
    d.pdsch.resource_allocation = allocation(options >> 5);
    d.pusch.resource_allocation = allocation(options >> 6);
    d.pdsch.vrb_interleaver = (options & 128 != 0).then_some(2);
    // The octet's remaining freedom: layers, symbols, hopping, phase tracking and the group formats.
    let more = options.wrapping_mul(89) >> 2;
    (d.pdsch.dmrs.max_length, d.pdsch.dmrs.config_type) = (1 + (more & 1), 1 + (more >> 1 & 1));
    (d.pusch.dmrs.max_length, d.pusch.dmrs.config_type) = (1 + (more >> 2 & 1), 1 + (more >> 3 & 1));
    d.pdsch.options.max_cbg = more & 8;
    d.pdsch.options.ptrs = (more & 16 != 0).then(Default::default);
    d.pusch.transform_precoding = more & 5 == 5;
    d.pusch.options.hopping = (more & 2 != 0).then_some(PuschHopping {
        inter_slot: more & 1 == 1,
        offsets: [3, 9, 400, u16::MAX],
        n_offsets: 2 + (more & 2),
    });
    d.pusch.options.scheme = match more >> 4 {
        0 => PuschScheme::OnePort,
        1 | 2 => PuschScheme::Codebook { n_ports: 4, max_rank: 4, subset: Default::default(), n_srs: 2 },
        _ => PuschScheme::NonCodebook { n_srs: 4, l_max: 4 },
    };
    d.dci.compact = CompactOptions { granularity: more & 7, antenna_ports: true, harq_bits: 4, ..Default::default() };
    d.dci.group = GroupOptions {
        slot_format_bits: options,
        preemption_bits: options & 0x7f,
        closed_loop_indicator: more & 1 == 0,
        srs_request_bits_plus_1: more & 3,
        n_srs_tpc: options & 31,
    };
    d
}

fn allocation(option: u8) -> ResourceAllocation {
    if option & 1 == 0 { ResourceAllocation::Type1 } else { ResourceAllocation::Type0 }
}
