//! CSI-MeasConfig: resources and the report. Spec: TS 38.331 §6.3.2

use super::*;
use fapi::{CsiReport, CsiRsResource, DedicatedConfig, McsTable};

pub(super) fn csi(d: &DedicatedConfig) -> Built<CsiMeasConfig> {
    let resources: Vec<NzpCsiRsResource> = d.csi_rs.iter().map(csi_rs).collect::<Built<_>>()?;
    let ids = |trs: bool| d.csi_rs.iter().filter(move |r| r.trs == trs).map(|r| r.id).collect::<Vec<u8>>();
    let mut sets = Vec::new();
    for (id, trs) in [(0u8, false), (1, true)] {
        let members = ids(trs);
        if !members.is_empty() {
            sets.push(NzpCsiRsResourceSet {
                nzp_csi_resource_set_id: id,
                nzp_csi_rs_resources: members,
                trs_info: trs,
                ..Default::default()
            });
        }
    }
    let setting = CsiResourceConfig {
        csi_resource_config_id: 0,
        csi_rs_resource_set_list: CsiResourceConfigCsiRsResourceSetList::NzpCsiRsSsb(
            CsiResourceConfigCsiRsResourceSetListNzpCsiRsSsb {
                nzp_csi_rs_resource_set_list: Some(vec![0]),
                ..Default::default()
            },
        ),
        bwp_id: 0,
        resource_type: CsiResourceConfigResourceType::Periodic,
        ..Default::default()
    };
    let report = d.csi_report.as_ref().map(|r| csi_report(r, d)).transpose()?;
    let some = |any: bool| any.then_some(());
    Ok(CsiMeasConfig {
        nzp_csi_rs_resource_to_add_mod_list: some(!resources.is_empty()).map(|()| resources),
        nzp_csi_rs_resource_set_to_add_mod_list: some(!sets.is_empty()).map(|()| sets),
        csi_resource_config_to_add_mod_list: Some(vec![setting]),
        csi_report_config_to_add_mod_list: report.map(|r| vec![r]),
        ..Default::default()
    })
}

fn csi_report(r: &CsiReport, d: &DedicatedConfig) -> Built<CsiReportConfig> {
    use CsiReportPeriodicityAndOffset as P;
    let o = r.offset_slots;
    let slots = match r.period_slots {
        4 => P::Slots4(o as u8),
        5 => P::Slots5(o as u8),
        8 => P::Slots8(o as u8),
        10 => P::Slots10(o as u8),
        16 => P::Slots16(o as u8),
        20 => P::Slots20(o as u8),
        40 => P::Slots40(o as u8),
        80 => P::Slots80(o as u8),
        160 => P::Slots160(o as u8),
        320 => P::Slots320(o),
        n => return Err(BuildError(format!("a CSI report every {n} slots"))),
    };
    let resource = d.pucch.resources.get(r.resource_idx as usize).map(|x| x.id);
    Ok(CsiReportConfig {
        report_config_id: 0,
        resources_for_channel_measurement: 0,
        report_config_type: CsiReportConfigReportConfigType::Periodic(CsiReportConfigReportConfigTypePeriodic {
            report_slot_config: slots,
            pucch_csi_resource_list: vec![PucchCsiResource {
                uplink_bandwidth_part_id: 0,
                pucch_resource: resource.ok_or_else(|| BuildError("CSI report resource".into()))?,
            }],
        }),
        report_quantity: CsiReportConfigReportQuantity::CriRiCqi,
        cqi_table: Some(match r.cqi_table {
            McsTable::Qam64 => CsiReportConfigCqiTable::Table1,
            McsTable::Qam256 => CsiReportConfigCqiTable::Table2,
            McsTable::Qam64LowSe => CsiReportConfigCqiTable::Table3,
            McsTable::Qam1024 => return Err(BuildError("cqi-Table table4-r17".into())),
        }),
        report_freq_configuration: Some(CsiReportConfigReportFreqConfiguration {
            cqi_format_indicator: Some(CsiReportConfigReportFreqConfigurationCqiFormatIndicator::WidebandCqi),
            ..Default::default()
        }),
        group_based_beam_reporting: CsiReportConfigGroupBasedBeamReporting::Disabled(Default::default()),
        ..Default::default()
    })
}

fn csi_rs(r: &CsiRsResource) -> Built<NzpCsiRsResource> {
    use CsiResourcePeriodicityAndOffset as P;
    use CsiRsResourceMappingFrequencyDomainAllocation as A;
    let o = r.offset_slots;
    let period = match r.period_slots {
        4 => P::Slots4(o as u8),
        5 => P::Slots5(o as u8),
        8 => P::Slots8(o as u8),
        10 => P::Slots10(o as u8),
        16 => P::Slots16(o as u8),
        20 => P::Slots20(o as u8),
        32 => P::Slots32(o as u8),
        40 => P::Slots40(o as u8),
        64 => P::Slots64(o as u8),
        80 => P::Slots80(o as u8),
        160 => P::Slots160(o as u8),
        320 => P::Slots320(o),
        640 => P::Slots640(o),
        n => return Err(BuildError(format!("a CSI-RS every {n} slots"))),
    };
    let (allocation, density) = match r.row {
        1 => (A::Row1(1 << r.k[0]), CsiRsResourceMappingDensity::Three),
        2 => (A::Row2(1 << r.k[0]), CsiRsResourceMappingDensity::One),
        n => return Err(BuildError(format!("row {n} of TS 38.211 table 7.4.1.5.3-1"))),
    };
    Ok(NzpCsiRsResource {
        nzp_csi_rs_resource_id: r.id,
        resource_mapping: CsiRsResourceMapping {
            frequency_domain_allocation: allocation,
            nrof_ports: CsiRsResourceMappingNrofPorts::P1,
            first_ofdm_symbol_in_time_domain: r.l0,
            cdm_type: CsiRsResourceMappingCdmType::NoCdm,
            density,
            freq_band: CsiFrequencyOccupation {
                starting_rb: r.start_rb,
                // A multiple of four that covers the carrier. Spec: TS 38.331 CSI-FrequencyOccupation
                nrof_rbs: r.n_rb.next_multiple_of(4).max(24),
                ..Default::default()
            },
            ..Default::default()
        },
        power_control_offset: 0,
        power_control_offset_ss: Some(match r.power_offset_ss_db {
            -3 => NzpCsiRsResourcePowerControlOffsetSs::DbMinus3,
            3 => NzpCsiRsResourcePowerControlOffsetSs::Db3,
            6 => NzpCsiRsResourcePowerControlOffsetSs::Db6,
            _ => NzpCsiRsResourcePowerControlOffsetSs::Db0,
        }),
        scrambling_id: r.scrambling_id,
        periodicity_and_offset: Some(period),
        ..Default::default()
    })
}
