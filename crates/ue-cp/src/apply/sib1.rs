//! MIB and SIB1 to the cell's configuration. Spec: TS 38.331 §5.2.2.4.1, §5.2.2.4.2

use super::{ApplyError, error, number, numerology, period};
use fapi::resolve::{self, MibView};
use fapi::*;
use nr::{Numerology, Pci, Plmn, tables};
use rrc::{Enumerated, SetupRelease};
use seam::ue::RandomAccessConfig;

/// What the search found, and the MIB.
#[derive(Clone, PartialEq, Debug)]
pub struct FoundCell {
    /// Physical cell identity.
    pub pci: Pci,
    /// Centre of the block, Hz.
    pub ssb_hz: f64,
    /// Band whose raster it lies on.
    pub band: u16,
    /// k_SSB.
    pub k_ssb: u8,
    /// Index of the block that was read.
    pub ssb_index: u8,
    /// Subcarrier spacing of the block.
    pub ssb_numerology: Numerology,
    /// Start symbols.
    pub ssb_case: SsbCase,
    /// L_max.
    pub l_max: u8,
    /// The MIB.
    pub mib: rrc::Mib,
}

/// The MIB as `fapi` wants it.
pub fn mib_view(f: &FoundCell) -> MibView {
    let fr2 = f.ssb_numerology.mu() >= 3;
    let high = f.mib.sub_carrier_spacing_common == rrc::MibSubCarrierSpacingCommon::Scs30or120;
    let scs_common = match (fr2, high) {
        (false, false) => Numerology::KHZ15,
        (false, true) => Numerology::KHZ30,
        (true, false) => Numerology::KHZ60,
        (true, true) => Numerology::KHZ120,
    };
    MibView {
        pci: f.pci,
        scs_common,
        k_ssb: f.k_ssb,
        coreset_zero: f.mib.pdcch_config_sib1.control_resource_set_zero,
        search_space_zero: f.mib.pdcch_config_sib1.search_space_zero,
        type_a_position: type_a_position(&f.mib),
        ssb_numerology: f.ssb_numerology,
        ssb_case: f.ssb_case,
        l_max: f.l_max,
        ssb_index: f.ssb_index,
        ssb_hz: f.ssb_hz,
        // Spec: TS 38.101-1 table 5.3.5-1: bands whose narrowest channel is 40 MHz.
        min_bandwidth_40mhz: matches!(f.band, 79 | 104),
        fr2,
    }
}

fn type_a_position(mib: &rrc::Mib) -> u8 {
    if mib.dmrs_type_a_position == rrc::MibDmrsTypeAPosition::Pos2 { 2 } else { 3 }
}

/// PLMN of SIB1; an absent MCC is that of the entry before. Spec: TS 38.331 PLMN-Identity
pub fn plmns(sib1: &rrc::Sib1) -> Vec<(Plmn, Option<u32>, u64)> {
    let mut mcc = None;
    let mut out = Vec::new();
    for info in &sib1.cell_access_related_info.plmn_identity_info_list {
        for p in &info.plmn_identity_list {
            mcc = p.mcc.as_ref().map(|m| [digit(m, 0), digit(m, 1), digit(m, 2)]).or(mcc);
            let Some(mcc) = mcc else { continue };
            let third = (p.mnc.len() == 3).then(|| digit(&p.mnc, 2));
            let plmn = Plmn { mcc, mnc: ([digit(&p.mnc, 0), digit(&p.mnc, 1)], third) };
            out.push((plmn, info.tracking_area_code, info.cell_identity));
        }
    }
    out
}

fn digit(d: &[u8], i: usize) -> u8 {
    d.get(i).copied().unwrap_or(0)
}

/// The cell's configuration, and what MAC needs of its random access.
pub fn cell_config(f: &FoundCell, sib1: &rrc::Sib1) -> Result<(CellConfig, RandomAccessConfig), ApplyError> {
    let Some(common) = &sib1.serving_cell_config_common else {
        return error("SIB1 without servingCellConfigCommon", "TS 38.331 §5.2.2.4.2");
    };
    let view = mib_view(f);
    let (mut cell, type0) = resolve::cell_from_mib(&view)
        .map_err(|e| ApplyError { what: format!("the MIB does not fit: {e:?}"), clause: "TS 38.213 §13" })?;
    downlink_carrier(&mut cell, &view, common)?;
    cell.duplex = duplex(common, view.scs_common)?;
    uplink_carrier(&mut cell, common)?;
    ssb(&mut cell, common)?;
    downlink_bwp(&mut cell, &type0, &common.downlink_config_common)?;
    let mac = uplink_bwp(&mut cell, common)?;
    cell.n_ta_offset_tc = match &common.n_timing_advance_offset {
        Some(n) => number(*n)? as i64,
        None if view.fr2 => 13_792,
        // Spec: TS 38.133 table 7.1.2-2 (FR1, no coexistence with LTE)
        None => 25_600,
    };
    Ok((cell, mac))
}

fn carrier_of(list: &[rrc::ScsSpecificCarrier], mu: Numerology) -> Result<(u16, u16), ApplyError> {
    for c in list {
        if numerology(c.subcarrier_spacing) == Ok(mu) {
            return Ok((c.offset_to_carrier, c.carrier_bandwidth));
        }
    }
    error(format!("no carrier of {} kHz in scs-SpecificCarrierList", mu.scs_khz()), "TS 38.331 §6.3.2")
}

fn downlink_carrier(c: &mut CellConfig, v: &MibView, s: &rrc::ServingCellConfigCommonSib) -> Result<(), ApplyError> {
    let info = &s.downlink_config_common.frequency_info_dl;
    let (offset_to_carrier, n_rb) = carrier_of(&info.scs_specific_carrier_list, v.scs_common)?;
    let unit = if v.fr2 { 60_000.0 } else { 15_000.0 };
    let k_unit = if v.fr2 { v.scs_common.scs_hz() as f64 } else { 15_000.0 };
    let point_a_hz = v.ssb_hz
        - 120.0 * v.ssb_numerology.scs_hz() as f64
        - v.k_ssb as f64 * k_unit
        - info.offset_to_point_a as f64 * 12.0 * unit;
    c.dl = CarrierConfig { numerology: v.scs_common, n_rb, point_a_hz, offset_to_carrier };
    c.ssb.offset_to_point_a = info.offset_to_point_a;
    if !(11..=275).contains(&n_rb) {
        return error(format!("carrierBandwidth {n_rb}"), "TS 38.331 SCS-SpecificCarrier");
    }
    Ok(())
}

fn duplex(s: &rrc::ServingCellConfigCommonSib, mu: Numerology) -> Result<Duplex, ApplyError> {
    let Some(t) = &s.tdd_ul_dl_configuration_common else { return Ok(Duplex::Fdd) };
    if t.pattern2.is_some() {
        return error("a second TDD pattern", "TS 38.213 §11.1");
    }
    let reference = numerology(t.reference_subcarrier_spacing)?;
    if reference != mu {
        return error("a TDD reference subcarrier spacing other than the carrier's", "TS 38.213 §11.1");
    }
    let p = &t.pattern1;
    // Eighths of a millisecond, for 0.625 ms is one of the values.
    let eighths = match p.dl_ul_transmission_periodicity.name() {
        "ms0p5" => 4,
        "ms0p625" => 5,
        "ms1" => 8,
        "ms1p25" => 10,
        "ms2" => 16,
        "ms2p5" => 20,
        "ms5" => 40,
        _ => 80,
    };
    let slots = eighths * mu.slots_per_subframe();
    let (d, u) = (p.nrof_downlink_slots as u32, p.nrof_uplink_slots as u32);
    let mixed = (p.nrof_downlink_symbols > 0 || p.nrof_uplink_symbols > 0) as u32;
    if !slots.is_multiple_of(8) || d + u + mixed > slots / 8 {
        return error("a TDD pattern that does not fit its period", "TS 38.213 §11.1");
    }
    Ok(Duplex::Tdd(TddPattern {
        period_slots: (slots / 8) as u8,
        dl_slots: d as u8,
        dl_symbols: p.nrof_downlink_symbols,
        ul_slots: u as u8,
        ul_symbols: p.nrof_uplink_symbols,
    }))
}

fn uplink_carrier(c: &mut CellConfig, s: &rrc::ServingCellConfigCommonSib) -> Result<(), ApplyError> {
    let Some(up) = &s.uplink_config_common else {
        return error("a cell without uplink", "TS 38.331 §5.2.2.4.2");
    };
    let info = &up.frequency_info_ul;
    let (offset_to_carrier, n_rb) = carrier_of(&info.scs_specific_carrier_list, c.dl.numerology)?;
    let point_a_hz = match info.absolute_frequency_point_a {
        Some(a) => match tables::arfcn::hz(a) {
            Some(hz) => hz,
            None => return error("absoluteFrequencyPointA beyond the raster", "TS 38.104 §5.4.2.1"),
        },
        None => c.dl.point_a_hz,
    };
    if info.frequency_shift7p5khz {
        return error("frequencyShift7p5khz", "TS 38.104 §5.4.2.1");
    }
    c.ul = CarrierConfig { numerology: c.dl.numerology, n_rb, point_a_hz, offset_to_carrier };
    c.p_max_dbm = info.p_max.unwrap_or(23).clamp(-30, 33);
    Ok(())
}

fn ssb(c: &mut CellConfig, s: &rrc::ServingCellConfigCommonSib) -> Result<(), ApplyError> {
    let p = &s.ssb_positions_in_burst;
    let group = (p.in_one_group as u64).reverse_bits() >> 56;
    c.ssb.positions_in_burst = match p.group_presence {
        None => group,
        Some(g) => (0..8).filter(|i| g >> (7 - i) & 1 == 1).fold(0, |m, i| m | group << (8 * i)),
    };
    if c.ssb.l_max < 8 {
        c.ssb.positions_in_burst &= (1 << c.ssb.l_max) - 1;
    }
    c.ssb.period_ms = number(s.ssb_periodicity_serving_cell)? as u8;
    c.ssb.block_power_dbm = s.ss_pbch_block_power;
    Ok(())
}

/// A bandwidth part in RBs of the carrier. Spec: TS 38.213 §12 (RIV with N_BWP = 275, from offsetToCarrier)
pub(crate) fn bwp(b: &rrc::Bwp, id: u8, carrier: &CarrierConfig) -> Result<Bwp, ApplyError> {
    if b.cyclic_prefix.is_some() || numerology(b.subcarrier_spacing)? != carrier.numerology {
        return error("a BWP of another numerology than the carrier's", "TS 38.211 §4.4.5");
    }
    match resolve::riv_decode(b.location_and_bandwidth as u32, 275) {
        Some((start_rb, n_rb)) if start_rb + n_rb <= carrier.n_rb => Ok(Bwp { id, start_rb, n_rb }),
        _ => error("locationAndBandwidth beyond the carrier", "TS 38.213 §12"),
    }
}

fn setup<T>(s: &Option<SetupRelease<T>>) -> Option<&T> {
    match s {
        Some(SetupRelease::Setup(t)) => Some(t),
        _ => None,
    }
}

fn downlink_bwp(
    c: &mut CellConfig,
    type0: &resolve::Type0,
    d: &rrc::DownlinkConfigCommonSib,
) -> Result<(), ApplyError> {
    let b = &d.initial_downlink_bwp;
    c.initial_dl_bwp = bwp(&b.generic_parameters, 0, &c.dl)?;
    let rb_hz = 12.0 * c.dl.numerology.scs_hz() as f64;
    let start = (type0.low_hz - c.dl.subcarrier_hz(0)) / rb_hz;
    let start_rb = (start + 0.5).floor();
    let n_rb = type0.coreset0.n_rb as u16;
    if (start - start_rb).abs() > 1e-3 || start_rb < 0.0 || start_rb as u16 + n_rb > c.dl.n_rb {
        return error("CORESET 0 does not lie on the carrier that SIB1 describes", "TS 38.213 §13");
    }
    let start_rb = start_rb as u16;
    c.coreset0_bwp = Bwp { id: 0, start_rb, n_rb };
    c.coresets = vec![resolve::coreset0_config(&type0.coreset0, c.pci, start_rb)];
    let Some(pdcch) = setup(&b.pdcch_config_common) else {
        return error("SIB1 without pdcch-ConfigCommon", "TS 38.331 BWP-DownlinkCommon");
    };
    if let Some(set) = &pdcch.common_control_resource_set {
        c.coresets.push(coreset(set, c.initial_dl_bwp, c)?);
    }
    for s in pdcch.common_search_space_list.iter().flatten() {
        c.search_spaces.retain(|x| x.id != s.search_space_id);
        c.search_spaces.push(search_space(s, None)?);
    }
    c.ss_sib1 = pdcch.search_space_sib1.unwrap_or(0);
    c.ss_ra = match pdcch.ra_search_space {
        Some(id) => id,
        None => return error("SIB1 without ra-SearchSpace", "TS 38.213 §10.1"),
    };
    c.paging = pdcch.paging_search_space.and_then(|id| paging(id, &d.pcch_config));
    if let Some(list) = setup(&b.pdsch_config_common).and_then(|p| p.pdsch_time_domain_allocation_list.as_ref()) {
        c.pdsch.time_allocations = pdsch_times(list)?;
    }
    Ok(())
}

/// Where paging is. Spec: TS 38.304 §7.1
fn paging(search_space: u8, pcch: &rrc::PcchConfig) -> Option<resolve::PagingConfig> {
    use rrc::PcchConfigFirstPdcchMonitoringOccasionOfPo as First;
    use rrc::PcchConfigNAndPagingFrameOffset as Frames;
    let cycle_frames = pcch.default_paging_cycle.number()? as u16;
    let (share, frame_offset) = match pcch.n_and_paging_frame_offset {
        Frames::OneT => (1, 0),
        Frames::HalfT(offset) => (2, offset),
        Frames::QuarterT(offset) => (4, offset),
        Frames::OneEighthT(offset) => (8, offset),
        Frames::OneSixteenthT(offset) => (16, offset),
    };
    let first = pcch.first_pdcch_monitoring_occasion_of_po.as_ref().map(|first| match first {
        First::SCs15KhZoneT(list) => four(list),
        First::SCs30KhZoneTScs15KhZhalfT(list)
        | First::SCs60KhZoneTScs30KhZhalfTScs15KhZquarterT(list)
        | First::SCs120KhZoneTScs60KhZhalfTScs30KhZquarterTScs15KhZoneEighthT(list)
        | First::SCs120KhZhalfTScs60KhZquarterTScs30KhZoneEighthTScs15KhZoneSixteenthT(list)
        | First::SCs480KhZoneTScs120KhZquarterTScs60KhZoneEighthTScs30KhZoneSixteenthT(list)
        | First::SCs480KhZhalfTScs120KhZoneEighthTScs60KhZoneSixteenthT(list)
        | First::SCs480KhZquarterTScs120KhZoneSixteenthT(list) => four(list),
    });
    let occasions = match pcch.ns {
        rrc::PcchConfigNs::One => 1,
        rrc::PcchConfigNs::Two => 2,
        rrc::PcchConfigNs::Four => 4,
    };
    let (frames, frame_offset) = (cycle_frames / share, u16::from(frame_offset));
    Some(resolve::PagingConfig { search_space, cycle_frames, frames, frame_offset, occasions, first })
}

/// The first of up to four occasions; those that are not given repeat the last.
fn four<T: Copy + Into<u16>>(list: &[T]) -> [u16; 4] {
    std::array::from_fn(|i| list.get(i).or(list.last()).map_or(0, |first| (*first).into()))
}

/// A CORESET in RBs of the carrier. Spec: TS 38.213 §10.1 (groups of six RBs from the first common RB that is a multiple of six)
pub(crate) fn coreset(s: &rrc::ControlResourceSet, bwp: Bwp, c: &CellConfig) -> Result<CoresetConfig, ApplyError> {
    let offset = c.dl.offset_to_carrier;
    let first_common = (offset + bwp.start_rb).next_multiple_of(6);
    let start_rb = first_common - offset;
    let groups = s.frequency_domain_resources.reverse_bits() >> (64 - 45);
    let last = 64 - groups.leading_zeros() as u16;
    if groups == 0 || start_rb + 6 * last > bwp.start_rb + bwp.n_rb {
        return error("frequencyDomainResources beyond the BWP", "TS 38.213 §10.1");
    }
    use rrc::ControlResourceSetCceRegMappingType as M;
    let mapping = match &s.cce_reg_mapping_type {
        M::NonInterleaved => CceRegMapping::NonInterleaved,
        M::Interleaved(i) => CceRegMapping::Interleaved {
            reg_bundle_size: number(i.reg_bundle_size)? as u8,
            interleaver_size: number(i.interleaver_size)? as u8,
            shift_index: i.shift_index.unwrap_or(c.pci.get()),
        },
    };
    Ok(CoresetConfig {
        id: s.control_resource_set_id,
        rb_groups: groups,
        start_rb,
        duration: s.duration,
        mapping,
        wideband_precoder: s.precoder_granularity == rrc::ControlResourceSetPrecoderGranularity::AllContiguousRbs,
        dmrs_n_id: s.pdcch_dmrs_scrambling_id.unwrap_or(c.pci.get()),
        dmrs_reference_rb: -(offset as i32),
    })
}

/// A search space; `old` is what it was before, for what is left out. Spec: TS 38.331 SearchSpace
pub(crate) fn search_space(
    s: &rrc::SearchSpace,
    old: Option<&SearchSpaceConfig>,
) -> Result<SearchSpaceConfig, ApplyError> {
    let missing =
        |what: &str| ApplyError { what: format!("a search space without {what}"), clause: "TS 38.331 SearchSpace" };
    let (period_slots, offset_slots) = match &s.monitoring_slot_periodicity_and_offset {
        Some(p) => period!(p, SearchSpaceMonitoringSlotPeriodicityAndOffset { Sl1 = 1, }
            Sl2 = 2, Sl4 = 4, Sl5 = 5, Sl8 = 8, Sl10 = 10, Sl16 = 16, Sl20 = 20, Sl40 = 40, Sl80 = 80, Sl160 = 160,
            Sl320 = 320, Sl640 = 640, Sl1280 = 1280, Sl2560 = 2560),
        None => old.map(|o| (o.period_slots, o.offset_slots)).ok_or(missing("its period"))?,
    };
    let n_candidates = match &s.nrof_candidates {
        Some(n) => [
            number(n.aggregation_level1)? as u8,
            number(n.aggregation_level2)? as u8,
            number(n.aggregation_level4)? as u8,
            number(n.aggregation_level8)? as u8,
            number(n.aggregation_level16)? as u8,
        ],
        None => old.map(|o| o.n_candidates).ok_or(missing("its candidates"))?,
    };
    use rrc::SearchSpaceSearchSpaceType as T;
    let kind = match &s.search_space_type {
        Some(T::Common(_)) => SearchSpaceKind::Common,
        Some(T::UeSpecific(u)) => match u.dci_formats {
            rrc::SearchSpaceSearchSpaceTypeUeSpecificDciFormats::Formats0_0And1_0 => SearchSpaceKind::UeFallback,
            rrc::SearchSpaceSearchSpaceTypeUeSpecificDciFormats::Formats0_1And1_1 => SearchSpaceKind::Ue,
        },
        None => old.map(|o| o.kind).ok_or(missing("its type"))?,
    };
    // 14 bits, symbol 0 first.
    let symbols = match s.monitoring_symbols_within_slot {
        Some(m) => m.reverse_bits() >> 2,
        None => old.map(|o| o.symbols).ok_or(missing("its symbols"))?,
    };
    Ok(SearchSpaceConfig {
        id: s.search_space_id,
        coreset_id: s.control_resource_set_id.or(old.map(|o| o.coreset_id)).ok_or(missing("its CORESET"))?,
        period_slots,
        offset_slots,
        duration_slots: s.duration.unwrap_or(1),
        symbols,
        n_candidates,
        kind,
    })
}

fn sliv(v: u8) -> Result<(u8, u8), ApplyError> {
    match tables::tdra::from_sliv(v) {
        Some(s) => Ok(s),
        None => error(format!("startSymbolAndLength {v}"), "TS 38.214 §5.1.2.1"),
    }
}

pub(crate) fn pdsch_times(list: &[rrc::PdschTimeDomainResourceAllocation]) -> Result<Vec<TimeAllocation>, ApplyError> {
    list.iter()
        .map(|t| {
            let (start, n_symbols) = sliv(t.start_symbol_and_length)?;
            let a = t.mapping_type == rrc::PdschTimeDomainResourceAllocationMappingType::TypeA;
            let mapping = if a { MappingType::A } else { MappingType::B };
            Ok(TimeAllocation { k: t.k0.unwrap_or(0), mapping, start, n_symbols })
        })
        .collect()
}

pub(crate) fn pusch_times(
    list: &[rrc::PuschTimeDomainResourceAllocation],
    mu: Numerology,
) -> Result<Vec<TimeAllocation>, ApplyError> {
    // Spec: TS 38.331 PUSCH-TimeDomainResourceAllocation: an absent k2 is 1 (15, 30 kHz), 2 (60) or 3 (120).
    let k2 = [1, 1, 2, 3, 3][mu.mu() as usize];
    list.iter()
        .map(|t| {
            let (start, n_symbols) = sliv(t.start_symbol_and_length)?;
            let a = t.mapping_type == rrc::PuschTimeDomainResourceAllocationMappingType::TypeA;
            let mapping = if a { MappingType::A } else { MappingType::B };
            Ok(TimeAllocation { k: t.k2.unwrap_or(k2), mapping, start, n_symbols })
        })
        .collect()
}

fn uplink_bwp(c: &mut CellConfig, s: &rrc::ServingCellConfigCommonSib) -> Result<RandomAccessConfig, ApplyError> {
    let Some(up) = &s.uplink_config_common else {
        return error("a cell without uplink", "TS 38.331 §5.2.2.4.2");
    };
    let b = &up.initial_uplink_bwp;
    c.initial_ul_bwp = bwp(&b.generic_parameters, 0, &c.ul)?;
    let (Some(rach), Some(pusch)) = (setup(&b.rach_config_common), setup(&b.pusch_config_common)) else {
        return error("SIB1 without rach- and pusch-ConfigCommon", "TS 38.331 BWP-UplinkCommon");
    };
    if let Some(list) = &pusch.pusch_time_domain_allocation_list {
        c.pusch.time_allocations = pusch_times(list, c.ul.numerology)?;
    }
    c.pusch.msg3_delta_preamble_db = 2 * pusch.msg3_delta_preamble.unwrap_or(0);
    c.pusch.p0_dbm = pusch.p0_nominal_with_grant.unwrap_or(rach.rach_config_generic.preamble_received_target_power);
    c.pusch.transform_precoding = rach.msg3_transform_precoder;
    if let Some(p) = setup(&b.pucch_config_common) {
        c.pucch.common_resource_row = p.pucch_resource_common.unwrap_or(0);
        c.pucch.group_hopping = p.pucch_group_hopping.index() as u8;
        c.pucch.hopping_id = p.hopping_id.unwrap_or(c.pci.get());
        c.pucch.p0_dbm = p.p0_nominal.unwrap_or(0);
    }
    rach_config(c, rach)
}

fn rach_config(c: &mut CellConfig, r: &rrc::RachConfigCommon) -> Result<RandomAccessConfig, ApplyError> {
    use rrc::RachConfigCommonSsbPerRachOccasionAndCbPreamblesPerSsb as P;
    let g = &r.rach_config_generic;
    let cb = match &r.ssb_per_rach_occasion_and_cb_preambles_per_ssb {
        Some(P::One(n)) => number(*n)? as u8,
        None => 64,
        Some(_) => return error("more or fewer than one SSB a PRACH occasion", "TS 38.213 §8.1"),
    };
    if r.group_bconfigured.is_some() {
        return error("preamble group B", "TS 38.321 §5.1.2");
    }
    let (root_sequence_index, long_sequence) = match r.prach_root_sequence_index {
        rrc::RachConfigCommonPrachRootSequenceIndex::L839(i) => (i, true),
        rrc::RachConfigCommonPrachRootSequenceIndex::L139(i) => (i as u16, false),
    };
    let total = r.total_number_of_ra_preambles.unwrap_or(64);
    c.rach = RachConfig {
        configuration_index: g.prach_configuration_index as u16,
        msg1_fdm: 1 << g.msg1_fdm.index(),
        msg1_frequency_start: g.msg1_frequency_start,
        zero_correlation_zone: g.zero_correlation_zone_config,
        root_sequence_index,
        long_sequence,
        msg1_numerology: match r.msg1_subcarrier_spacing {
            Some(s) => numerology(s)?,
            None => c.ul.numerology,
        },
        restricted_set: r.restricted_set_config.index() as u8,
        preamble_target_power_dbm: g.preamble_received_target_power,
        power_ramping_step_db: number(g.power_ramping_step)? as u8,
        preamble_trans_max: number(g.preamble_trans_max)? as u8,
        ra_response_window_slots: number(g.ra_response_window)? as u8,
        contention_resolution_timer_ms: number(r.ra_contention_resolution_timer)? as u8,
        n_preambles: total,
        cb_preambles_per_ssb: cb.min(total),
        rsrp_threshold_dbm: None,
    };
    Ok(RandomAccessConfig {
        preamble_target_power_dbm: g.preamble_received_target_power + delta_preamble(c),
        power_ramping_step_db: c.rach.power_ramping_step_db,
        preamble_trans_max: c.rach.preamble_trans_max,
        ra_response_window_slots: c.rach.ra_response_window_slots,
        contention_resolution_timer_ms: c.rach.contention_resolution_timer_ms,
        n_preambles: c.rach.cb_preambles_per_ssb,
    })
}

/// DELTA_PREAMBLE of the configured format. Spec: TS 38.321 tables 7.3-1 and 7.3-2
fn delta_preamble(c: &CellConfig) -> i16 {
    use nr::tables::prach::PrachFormat as F;
    let paired = c.duplex == Duplex::Fdd;
    let Some(row) = tables::prach::configuration(paired, c.rach.configuration_index) else { return 0 };
    let mu = 3 * c.rach.msg1_numerology.mu() as i16;
    match row.format {
        F::F0 | F::F3 => 0,
        F::F1 => -3,
        F::F2 => -6,
        F::A1 | F::B1 => 8 + mu,
        F::A2 | F::B2 | F::C2 => 5 + mu,
        F::A3 | F::B3 => 3 + mu,
        F::B4 => mu,
        F::C0 => 11 + mu,
    }
}
