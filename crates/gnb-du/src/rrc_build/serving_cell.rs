//! ServingCellConfig: the physical channels of one UE. Spec: TS 38.331 §6.3.2

use super::csi::{csi, zp_csi_rs};
use super::shared::{coreset, pdsch_times, pusch_times, search_space};
use super::*;
use crate::config::Cell;
use fapi::{CellConfig, DedicatedConfig, McsTable, PucchFormat, PuschScheme, SrConfig};
use nr::tables::uplink_precoding::CodebookSubset;

pub(super) fn serving_cell(cell: &Cell, d: &DedicatedConfig) -> Built<ServingCellConfig> {
    let pci = cell.config.pci.get();
    let pdcch = PdcchConfig {
        control_resource_set_to_add_mod_list: Some(d.coresets.iter().map(|c| coreset(c, pci)).collect::<Built<_>>()?),
        search_spaces_to_add_mod_list: Some(d.search_spaces.iter().map(search_space).collect::<Built<_>>()?),
        ..Default::default()
    };
    let n_harq = PdschServingCellConfigNrofHarqProcessesForPdsch::from_number(d.n_dl_harq as i32);
    Ok(ServingCellConfig {
        initial_downlink_bwp: Some(BwpDownlinkDedicated {
            pdcch_config: Some(SetupRelease::Setup(pdcch)),
            pdsch_config: Some(SetupRelease::Setup(zero_power(pdsch(&d.pdsch, pci)?, d)?)),
            ..Default::default()
        }),
        first_active_downlink_bwp_id: Some(0),
        uplink_config: Some(UplinkConfig {
            initial_uplink_bwp: Some(BwpUplinkDedicated {
                pucch_config: Some(SetupRelease::Setup(pucch(&d.pucch)?)),
                pusch_config: Some(SetupRelease::Setup(pusch(&d.pusch, &cell.config)?)),
                srs_config: Some(SetupRelease::Setup(match &d.srs {
                    Some(s) => sounding(s)?,
                    None => srs(pci)?,
                })),
                ..Default::default()
            }),
            first_active_uplink_bwp_id: Some(0),
            pusch_serving_cell_config: (d.pusch.max_layers > 1).then(|| {
                SetupRelease::Setup(PuschServingCellConfig {
                    ext1: Some(PuschServingCellConfigExt1 {
                        max_mimo_layers: Some(d.pusch.max_layers),
                        ..Default::default()
                    }),
                    ..Default::default()
                })
            }),
            ..Default::default()
        }),
        pdsch_serving_cell_config: Some(SetupRelease::Setup(PdschServingCellConfig {
            nrof_harq_processes_for_pdsch: n_harq,
            code_block_group_transmission: match d.pdsch.options.max_cbg {
                0 => None,
                n => Some(SetupRelease::Setup(PdschCodeBlockGroupTransmission {
                    max_code_block_groups_per_transport_block: number(n.into(), "maxCodeBlockGroupsPerTransportBlock")?,
                    code_block_group_flush_indicator: d.pdsch.options.cbg_flush,
                    ..Default::default()
                })),
            },
            ext1: (d.pdsch.max_layers > 1).then(|| PdschServingCellConfigExt1 {
                max_mimo_layers: Some(d.pdsch.max_layers),
                ..Default::default()
            }),
            ..Default::default()
        })),
        csi_meas_config: Some(SetupRelease::Setup(csi(d)?)),
        tag_id: 0,
        ..Default::default()
    })
}

fn mcs_table<E: Enumerated>(t: McsTable) -> Built<Option<E>> {
    Ok(match t {
        McsTable::Qam64 => None,
        McsTable::Qam256 => Some(named("qam256")?),
        McsTable::Qam64LowSe => Some(named("qam64LowSE")?),
        McsTable::Qam1024 => return Err(BuildError("mcs-Table-r17".into())),
    })
}

/// Absent means pos2. Spec: TS 38.331 DMRS-DownlinkConfig
fn additional<E: Enumerated>(n: u8) -> Built<Option<E>> {
    if n == 2 { Ok(None) } else { number(n as i64, "dmrs-AdditionalPosition").map(Some) }
}

fn pdsch(c: &fapi::PdschConfig, pci: u16) -> Built<rrc::PdschConfig> {
    let dmrs = DmrsDownlinkConfig {
        dmrs_type: (c.dmrs.config_type == 2).then_some(DmrsDownlinkConfigDmrsType::Type2),
        dmrs_additional_position: additional(c.dmrs.additional_position)?,
        max_length: (c.dmrs.max_length == 2).then_some(DmrsDownlinkConfigMaxLength::Len2),
        ..Default::default()
    };
    Ok(rrc::PdschConfig {
        data_scrambling_identity_pdsch: (c.n_id != pci).then_some(c.n_id),
        dmrs_downlink_for_pdsch_mapping_type_a: Some(SetupRelease::Setup(dmrs)),
        resource_allocation: match c.resource_allocation {
            fapi::ResourceAllocation::Type0 => PdschConfigResourceAllocation::ResourceAllocationType0,
            fapi::ResourceAllocation::Type1 => PdschConfigResourceAllocation::ResourceAllocationType1,
            fapi::ResourceAllocation::DynamicSwitch => PdschConfigResourceAllocation::DynamicSwitch,
        },
        pdsch_time_domain_allocation_list: Some(SetupRelease::Setup(pdsch_times(&c.time_allocations)?)),
        rbg_size: if c.rbg_config2 { PdschConfigRbgSize::Config2 } else { PdschConfigRbgSize::Config1 },
        mcs_table: mcs_table(c.mcs_table)?,
        prb_bundling_type: PdschConfigPrbBundlingType::StaticBundling(PdschConfigPrbBundlingTypeStaticBundling {
            bundle_size: Some(PdschConfigPrbBundlingTypeStaticBundlingBundleSize::Wideband),
        }),
        ..Default::default()
    })
}

/// Adds the periodic ZP CSI-RS resources. Spec: TS 38.214 §5.1.4.2
fn zero_power(mut c: rrc::PdschConfig, d: &DedicatedConfig) -> Built<rrc::PdschConfig> {
    if d.zp_csi_rs.is_empty() {
        return Ok(c);
    }
    c.zp_csi_rs_resource_to_add_mod_list = Some(d.zp_csi_rs.iter().map(zp_csi_rs).collect::<Built<_>>()?);
    c.p_zp_csi_rs_resource_set = Some(SetupRelease::Setup(ZpCsiRsResourceSet {
        zp_csi_rs_resource_set_id: 0,
        zp_csi_rs_resource_id_list: d.zp_csi_rs.iter().map(|r| r.id).collect(),
        ..Default::default()
    }));
    Ok(c)
}

/// One aperiodic resource: format 0_1 needs codebook transmission (TS 38.214 §6.1.1), which needs an SRS resource; its
/// single port makes the indicators zero bits long, and nothing triggers it.
fn srs(pci: u16) -> Built<SrsConfig> {
    Ok(SrsConfig {
        srs_resource_set_to_add_mod_list: Some(vec![SrsResourceSet {
            srs_resource_set_id: 0,
            srs_resource_id_list: Some(vec![0]),
            resource_type: SrsResourceSetResourceType::Aperiodic(SrsResourceSetResourceTypeAperiodic {
                aperiodic_srs_resource_trigger: 1,
                slot_offset: Some(7),
                ..Default::default()
            }),
            usage: named("codebook")?,
            p0: Some(-84),
            ..Default::default()
        }]),
        srs_resource_to_add_mod_list: Some(vec![SrsResource {
            srs_resource_id: 0,
            nrof_srs_ports: named("port1")?,
            transmission_comb: SrsResourceTransmissionComb::N2(SrsResourceTransmissionCombN2 {
                comb_offset_n2: 0,
                cyclic_shift_n2: 0,
            }),
            resource_mapping: SrsResourceResourceMapping {
                start_position: 0,
                nrof_symbols: named("n1")?,
                repetition_factor: named("n1")?,
            },
            group_or_sequence_hopping: named("neither")?,
            resource_type: SrsResourceResourceType::Aperiodic(SrsResourceResourceTypeAperiodic::default()),
            sequence_id: pci,
            ..Default::default()
        }]),
        ..Default::default()
    })
}

/// The periodic resource of a UE with several ports, for codebook transmission. Spec: TS 38.214 §6.1.1.1
fn sounding(s: &fapi::SrsConfig) -> Built<SrsConfig> {
    let r = &s.resource;
    let (comb_offset_n2, cyclic_shift_n2) = (r.comb_offset, r.cyclic_shift);
    let periodicity_and_offset_p = period(r.period)?;
    Ok(SrsConfig {
        srs_resource_set_to_add_mod_list: Some(vec![SrsResourceSet {
            srs_resource_set_id: 0,
            srs_resource_id_list: Some(vec![r.id]),
            resource_type: SrsResourceSetResourceType::Periodic(Default::default()),
            usage: named("codebook")?,
            alpha: Some(alpha(s.alpha)),
            p0: Some(s.p0_dbm),
            ..Default::default()
        }]),
        srs_resource_to_add_mod_list: Some(vec![SrsResource {
            srs_resource_id: r.id,
            nrof_srs_ports: named(if r.n_ports == 4 { "ports4" } else { "ports2" })?,
            transmission_comb: match r.comb {
                2 => SrsResourceTransmissionComb::N2(SrsResourceTransmissionCombN2 { comb_offset_n2, cyclic_shift_n2 }),
                n => return Err(BuildError(format!("an SRS on comb {n}"))),
            },
            resource_mapping: SrsResourceResourceMapping {
                start_position: 13 - r.start_symbol.min(13),
                nrof_symbols: named("n1")?,
                repetition_factor: named("n1")?,
            },
            freq_domain_position: r.freq_position,
            freq_domain_shift: r.freq_shift,
            freq_hopping: SrsResourceFreqHopping { c_srs: r.c_srs, b_srs: r.b_srs, b_hop: r.b_hop },
            group_or_sequence_hopping: named("neither")?,
            resource_type: SrsResourceResourceType::Periodic(SrsResourceResourceTypePeriodic {
                periodicity_and_offset_p,
                ..Default::default()
            }),
            sequence_id: r.sequence_id,
            ..Default::default()
        }]),
        ..Default::default()
    })
}

fn period(period: Option<(u32, u32)>) -> Built<SrsPeriodicityAndOffset> {
    use SrsPeriodicityAndOffset as P;
    Ok(match period.map(|(n, o)| (n, o as u16)) {
        Some((10, o)) => P::Sl10(o as u8),
        Some((16, o)) => P::Sl16(o as u8),
        Some((20, o)) => P::Sl20(o as u8),
        Some((32, o)) => P::Sl32(o as u8),
        Some((40, o)) => P::Sl40(o as u8),
        Some((64, o)) => P::Sl64(o as u8),
        Some((80, o)) => P::Sl80(o as u8),
        Some((160, o)) => P::Sl160(o as u8),
        Some((320, o)) => P::Sl320(o),
        other => return Err(BuildError(format!("an SRS every {other:?} slots"))),
    })
}

fn alpha(alpha: f32) -> Alpha {
    match (alpha * 10.0 + 0.5) as u8 {
        0 => Alpha::Alpha0,
        4 => Alpha::Alpha04,
        5 => Alpha::Alpha05,
        6 => Alpha::Alpha06,
        7 => Alpha::Alpha07,
        8 => Alpha::Alpha08,
        9 => Alpha::Alpha09,
        _ => Alpha::Alpha1,
    }
}

fn pusch(c: &fapi::PuschConfig, cell: &CellConfig) -> Built<rrc::PuschConfig> {
    let dmrs = DmrsUplinkConfig {
        dmrs_type: (c.dmrs.config_type == 2).then_some(DmrsUplinkConfigDmrsType::Type2),
        dmrs_additional_position: additional(c.dmrs.additional_position)?,
        max_length: (c.dmrs.max_length == 2).then_some(DmrsUplinkConfigMaxLength::Len2),
        transform_precoding_disabled: Some(DmrsUplinkConfigTransformPrecodingDisabled::default()),
        ..Default::default()
    };
    let (max_rank, subset) = match c.options.scheme {
        PuschScheme::OnePort => (1, PuschConfigCodebookSubset::NonCoherent),
        PuschScheme::Codebook { max_rank, subset, .. } => {
            let subset = match subset {
                CodebookSubset::FullyPartialNon => PuschConfigCodebookSubset::FullyAndPartialAndNonCoherent,
                CodebookSubset::PartialNon => PuschConfigCodebookSubset::PartialAndNonCoherent,
                CodebookSubset::Non => PuschConfigCodebookSubset::NonCoherent,
            };
            (max_rank, subset)
        }
        PuschScheme::NonCodebook { .. } => return Err(BuildError("nonCodebook transmission".into())),
    };
    let p0 = c.p0_dbm - cell.pusch.p0_dbm;
    Ok(rrc::PuschConfig {
        data_scrambling_identity_pusch: (c.n_id != cell.pci.get()).then_some(c.n_id),
        dmrs_uplink_for_pusch_mapping_type_a: Some(SetupRelease::Setup(dmrs)),
        pusch_power_control: Some(PuschPowerControl {
            p0_alpha_sets: Some(vec![P0PuschAlphaSet {
                p0_pusch_alpha_set_id: 0,
                p0: Some(i8::try_from(p0).map_err(|_| BuildError("p0".into()))?),
                alpha: Some(alpha(c.alpha)),
            }]),
            ..Default::default()
        }),
        resource_allocation: PuschConfigResourceAllocation::ResourceAllocationType1,
        pusch_time_domain_allocation_list: Some(SetupRelease::Setup(pusch_times(&c.time_allocations)?)),
        mcs_table: mcs_table(c.mcs_table)?,
        transform_precoder: Some(PuschConfigTransformPrecoder::Disabled),
        tx_config: Some(PuschConfigTxConfig::Codebook),
        codebook_subset: Some(subset),
        max_rank: Some(max_rank),
        uci_on_pusch: Some(SetupRelease::Setup(UciOnPusch {
            beta_offsets: Some(UciOnPuschBetaOffsets::SemiStatic(BetaOffsets {
                beta_offset_ack_index1: Some(c.beta_offset_ack[0]),
                beta_offset_ack_index2: Some(c.beta_offset_ack[1]),
                beta_offset_ack_index3: Some(c.beta_offset_ack[2]),
                beta_offset_csi_part1_index1: Some(c.beta_offset_csi1[0]),
                beta_offset_csi_part1_index2: Some(c.beta_offset_csi1[1]),
                beta_offset_csi_part2_index1: Some(c.beta_offset_csi2[0]),
                beta_offset_csi_part2_index2: Some(c.beta_offset_csi2[1]),
            })),
            scaling: match (c.uci_scaling * 100.0 + 0.5) as u32 {
                50 => UciOnPuschScaling::F0p5,
                65 => UciOnPuschScaling::F0p65,
                80 => UciOnPuschScaling::F0p8,
                _ => UciOnPuschScaling::F1,
            },
        })),
        ..Default::default()
    })
}

fn pucch(c: &fapi::PucchConfig) -> Built<rrc::PucchConfig> {
    let id = |i: u8| c.resources.get(i as usize).map(|r| r.id).ok_or_else(|| BuildError("PUCCH resource index".into()));
    let mut sets = Vec::new();
    for (i, list) in c.resource_sets.iter().enumerate() {
        let last = i + 1 == c.resource_sets.len();
        sets.push(PucchResourceSet {
            pucch_resource_set_id: i as u8,
            resource_list: list.iter().map(|r| id(*r)).collect::<Built<_>>()?,
            max_payload_size: (i > 0 && !last).then(|| c.set_max_payload.get(i).copied().unwrap_or(256)),
        });
    }
    let sr = c.sr.map(|s| scheduling_request(&s, id(s.resource_idx)?)).transpose()?;
    let rate = |milli: u16| {
        let i = [80, 150, 250, 350, 450, 600, 800].iter().position(|r| *r == milli);
        i.and_then(|i| PucchMaxCodeRate::ALL.get(i).copied()).ok_or_else(|| BuildError("maxCodeRate".into()))
    };
    let long = |i: usize| -> Built<Option<SetupRelease<PucchFormatConfig>>> {
        let f = c.long_formats[i];
        if f == fapi::PucchFormatConfig::default() {
            return Ok(None);
        }
        Ok(Some(SetupRelease::Setup(PucchFormatConfig {
            max_code_rate: Some(rate(f.max_code_rate_milli)?),
            simultaneous_harq_ack_csi: f.simultaneous_harq_csi,
            additional_dmrs: f.additional_dmrs,
            pi2_bpsk: f.pi2_bpsk,
            ..Default::default()
        })))
    };
    Ok(rrc::PucchConfig {
        resource_set_to_add_mod_list: Some(sets),
        resource_to_add_mod_list: Some(c.resources.iter().map(pucch_resource).collect::<Built<_>>()?),
        format1: Some(SetupRelease::Setup(PucchFormatConfig::default())),
        format2: Some(SetupRelease::Setup(PucchFormatConfig {
            max_code_rate: Some(rate(c.f2_max_code_rate_milli)?),
            simultaneous_harq_ack_csi: c.f2_simultaneous_harq_csi,
            ..Default::default()
        })),
        format3: long(1)?,
        format4: long(2)?,
        scheduling_request_resource_to_add_mod_list: sr.map(|s| vec![s]),
        dl_data_to_ul_ack: Some(c.dl_data_to_ul_ack.clone()),
        pucch_power_control: Some(PucchPowerControl {
            delta_f_pucch_f0: Some(c.delta_f_db[0]),
            delta_f_pucch_f1: Some(c.delta_f_db[1]),
            delta_f_pucch_f2: Some(c.delta_f_db[2]),
            ..Default::default()
        }),
        ..Default::default()
    })
}

fn scheduling_request(s: &SrConfig, resource: u8) -> Built<SchedulingRequestResourceConfig> {
    use SchedulingRequestResourceConfigPeriodicityAndOffset as P;
    let o = s.offset_slots as u8;
    let period = match s.period_slots {
        1 => P::Sl1,
        2 => P::Sl2(o),
        4 => P::Sl4(o),
        5 => P::Sl5(o),
        8 => P::Sl8(o),
        10 => P::Sl10(o),
        16 => P::Sl16(o),
        20 => P::Sl20(o),
        40 => P::Sl40(o),
        80 => P::Sl80(o),
        160 => P::Sl160(o),
        n => return Err(BuildError(format!("a scheduling request every {n} slots"))),
    };
    Ok(SchedulingRequestResourceConfig {
        scheduling_request_resource_id: 1,
        scheduling_request_id: 0,
        periodicity_and_offset: Some(period),
        resource: Some(resource),
    })
}

fn pucch_resource(r: &fapi::PucchResource) -> Built<rrc::PucchResource> {
    use PucchResourceFormat as F;
    let (nrof_symbols, starting_symbol_index) = (r.n_symbols, r.start_symbol);
    let format = match r.format {
        PucchFormat::F0 { initial_cyclic_shift } => {
            F::Format0(PucchFormat0 { initial_cyclic_shift, nrof_symbols, starting_symbol_index })
        }
        PucchFormat::F1 { initial_cyclic_shift, time_domain_occ } => {
            F::Format1(PucchFormat1 { initial_cyclic_shift, nrof_symbols, starting_symbol_index, time_domain_occ })
        }
        PucchFormat::F2 { n_prb } => F::Format2(PucchFormat2 { nrof_prbs: n_prb, nrof_symbols, starting_symbol_index }),
        PucchFormat::F3 { n_prb } => F::Format3(PucchFormat3 { nrof_prbs: n_prb, nrof_symbols, starting_symbol_index }),
        PucchFormat::F4 { occ_length, occ_index } => F::Format4(PucchFormat4 {
            nrof_symbols,
            occ_length: named(if occ_length == 2 { "n2" } else { "n4" })?,
            occ_index: named(["n0", "n1", "n2", "n3"].get(usize::from(occ_index)).unwrap_or(&""))?,
            starting_symbol_index,
        }),
    };
    Ok(rrc::PucchResource {
        pucch_resource_id: r.id,
        starting_prb: r.start_prb,
        intra_slot_frequency_hopping: r.second_hop_prb.is_some(),
        second_hop_prb: r.second_hop_prb,
        format,
    })
}
