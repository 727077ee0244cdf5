//! Search spaces, CORESETs and time allocations. Spec: TS 38.331 §6.3.2

use super::*;
use fapi::{CceRegMapping, CoresetConfig, MappingType, SearchSpaceConfig, SearchSpaceKind, TimeAllocation};
use nr::tables::tdra;

pub(super) fn pdsch_times(list: &[TimeAllocation]) -> Built<Vec<PdschTimeDomainResourceAllocation>> {
    use PdschTimeDomainResourceAllocationMappingType as M;
    let one = |t: &TimeAllocation| {
        let sliv = tdra::sliv(t.start, t.n_symbols).ok_or_else(|| BuildError("startSymbolAndLength".into()))?;
        Ok(PdschTimeDomainResourceAllocation {
            k0: (t.k != 0).then_some(t.k),
            mapping_type: if t.mapping == MappingType::A { M::TypeA } else { M::TypeB },
            start_symbol_and_length: sliv,
        })
    };
    list.iter().map(one).collect()
}

pub(super) fn pusch_times(list: &[TimeAllocation]) -> Built<Vec<PuschTimeDomainResourceAllocation>> {
    use PuschTimeDomainResourceAllocationMappingType as M;
    let one = |t: &TimeAllocation| {
        let sliv = tdra::sliv(t.start, t.n_symbols).ok_or_else(|| BuildError("startSymbolAndLength".into()))?;
        Ok(PuschTimeDomainResourceAllocation {
            k2: Some(t.k),
            mapping_type: if t.mapping == MappingType::A { M::TypeA } else { M::TypeB },
            start_symbol_and_length: sliv,
        })
    };
    list.iter().map(one).collect()
}

/// A search space. Period and offset are named by the period.
pub(super) fn search_space(s: &SearchSpaceConfig) -> Built<SearchSpace> {
    use SearchSpaceMonitoringSlotPeriodicityAndOffset as P;
    use SearchSpaceSearchSpaceType as T;
    let o = s.offset_slots;
    let period = match s.period_slots {
        1 => P::Sl1,
        2 => P::Sl2(o as u8),
        4 => P::Sl4(o as u8),
        5 => P::Sl5(o as u8),
        8 => P::Sl8(o as u8),
        10 => P::Sl10(o as u8),
        16 => P::Sl16(o as u8),
        20 => P::Sl20(o as u8),
        40 => P::Sl40(o as u8),
        80 => P::Sl80(o as u8),
        160 => P::Sl160(o as u8),
        n => return Err(BuildError(format!("monitoringSlotPeriodicityAndOffset of {n} slots"))),
    };
    let n = |i: usize| s.n_candidates[i] as i64;
    let kind = match s.kind {
        SearchSpaceKind::Common => T::Common(SearchSpaceSearchSpaceTypeCommon {
            dci_format0_0_and_format1_0: Some(Default::default()),
            ..Default::default()
        }),
        SearchSpaceKind::UeFallback => T::UeSpecific(SearchSpaceSearchSpaceTypeUeSpecific {
            dci_formats: SearchSpaceSearchSpaceTypeUeSpecificDciFormats::Formats0_0And1_0,
            ..Default::default()
        }),
        SearchSpaceKind::Ue => T::UeSpecific(SearchSpaceSearchSpaceTypeUeSpecific {
            dci_formats: SearchSpaceSearchSpaceTypeUeSpecificDciFormats::Formats0_1And1_1,
            ..Default::default()
        }),
        SearchSpaceKind::UeCompact | SearchSpaceKind::UeAll => {
            return Err(BuildError("a search space of formats 0_2 and 1_2".into()));
        }
    };
    Ok(SearchSpace {
        search_space_id: s.id,
        control_resource_set_id: Some(s.coreset_id),
        monitoring_slot_periodicity_and_offset: Some(period),
        duration: (s.duration_slots > 1).then_some(s.duration_slots),
        // 14 bits, symbol 0 first.
        monitoring_symbols_within_slot: Some(s.symbols.reverse_bits() >> 2),
        nrof_candidates: Some(SearchSpaceNrofCandidates {
            aggregation_level1: number(n(0), "candidates")?,
            aggregation_level2: number(n(1), "candidates")?,
            aggregation_level4: number(n(2), "candidates")?,
            aggregation_level8: number(n(3), "candidates")?,
            aggregation_level16: number(n(4), "candidates")?,
        }),
        search_space_type: Some(kind),
    })
}

pub(super) fn coreset(c: &CoresetConfig, pci: u16) -> Built<ControlResourceSet> {
    use ControlResourceSetCceRegMappingType as M;
    let mapping = match c.mapping {
        CceRegMapping::NonInterleaved => M::NonInterleaved,
        CceRegMapping::Interleaved { reg_bundle_size, interleaver_size, shift_index } => {
            M::Interleaved(ControlResourceSetCceRegMappingTypeInterleaved {
                reg_bundle_size: number(reg_bundle_size as i64, "reg-BundleSize")?,
                interleaver_size: number(interleaver_size as i64, "interleaverSize")?,
                // Absent means the physical cell identity; that may be beyond what the field carries.
                shift_index: (shift_index != pci).then_some(shift_index),
            })
        }
    };
    Ok(ControlResourceSet {
        control_resource_set_id: c.id,
        // 45 bits, group 0 first.
        frequency_domain_resources: c.rb_groups.reverse_bits() >> (64 - 45),
        duration: c.duration,
        cce_reg_mapping_type: mapping,
        precoder_granularity: if c.wideband_precoder {
            ControlResourceSetPrecoderGranularity::AllContiguousRbs
        } else {
            ControlResourceSetPrecoderGranularity::SameAsRegBundle
        },
        // Always there: with it the C-RNTI scrambles a UE-specific PDCCH. Spec: TS 38.211 §7.3.2.3
        pdcch_dmrs_scrambling_id: Some(c.dmrs_n_id),
        ..Default::default()
    })
}
