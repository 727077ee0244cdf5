//! CSI-MeasConfig: resources and the report. Spec: TS 38.331 §6.3.2

use super::*;
use fapi::csi::{Codebook, CsiContent, CsiQuantity};
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
    let interference = CsiResourceConfig {
        csi_resource_config_id: 1,
        csi_rs_resource_set_list: CsiResourceConfigCsiRsResourceSetList::CsiImResourceSetList(vec![0]),
        bwp_id: 0,
        resource_type: CsiResourceConfigResourceType::Periodic,
        ..Default::default()
    };
    let silent: Vec<CsiImResource> = d.csi_im.iter().map(csi_im).collect::<Built<_>>()?;
    let silent_set = CsiImResourceSet {
        csi_im_resource_set_id: 0,
        csi_im_resources: d.csi_im.iter().map(|r| r.id).collect(),
        ..Default::default()
    };
    let report = d.csi_report.as_ref().map(|r| csi_report(r, d)).transpose()?;
    let some = |any: bool| any.then_some(());
    Ok(CsiMeasConfig {
        nzp_csi_rs_resource_to_add_mod_list: some(!resources.is_empty()).map(|()| resources),
        nzp_csi_rs_resource_set_to_add_mod_list: some(!sets.is_empty()).map(|()| sets),
        csi_im_resource_set_to_add_mod_list: some(!silent.is_empty()).map(|()| vec![silent_set]),
        csi_resource_config_to_add_mod_list: Some(if silent.is_empty() {
            vec![setting]
        } else {
            vec![setting, interference]
        }),
        csi_im_resource_to_add_mod_list: some(!silent.is_empty()).map(|()| silent),
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
        csi_im_resources_for_interference: (!d.csi_im.is_empty()).then_some(1),
        report_config_type: CsiReportConfigReportConfigType::Periodic(CsiReportConfigReportConfigTypePeriodic {
            report_slot_config: slots,
            pucch_csi_resource_list: vec![PucchCsiResource {
                uplink_bandwidth_part_id: 0,
                pucch_resource: resource.ok_or_else(|| BuildError("CSI report resource".into()))?,
            }],
        }),
        report_quantity: match r.content.quantity {
            CsiQuantity::Pmi { li: false } => CsiReportConfigReportQuantity::CriRiPmiCqi,
            CsiQuantity::Pmi { li: true } => CsiReportConfigReportQuantity::CriRiLiPmiCqi,
            CsiQuantity::Cqi => CsiReportConfigReportQuantity::CriRiCqi,
            CsiQuantity::Rsrp { .. } => return Err(BuildError("cri-RSRP".into())),
        },
        codebook_config: codebook(&r.content)?,
        cqi_table: Some(match r.cqi_table {
            McsTable::Qam64 => CsiReportConfigCqiTable::Table1,
            McsTable::Qam256 => CsiReportConfigCqiTable::Table2,
            McsTable::Qam64LowSe => CsiReportConfigCqiTable::Table3,
            McsTable::Qam1024 => return Err(BuildError("cqi-Table table4-r17".into())),
        }),
        report_freq_configuration: Some(CsiReportConfigReportFreqConfiguration {
            cqi_format_indicator: Some(CsiReportConfigReportFreqConfigurationCqiFormatIndicator::WidebandCqi),
            pmi_format_indicator: matches!(r.content.quantity, CsiQuantity::Pmi { .. })
                .then_some(CsiReportConfigReportFreqConfigurationPmiFormatIndicator::WidebandPmi),
            ..Default::default()
        }),
        group_based_beam_reporting: CsiReportConfigGroupBasedBeamReporting::Disabled(Default::default()),
        ..Default::default()
    })
}

/// codebookConfig: type I single panel, every precoder allowed, ranks by the restriction. Spec: TS 38.214 §5.2.2.2.1
fn codebook(c: &CsiContent) -> Built<Option<CodebookConfig>> {
    use CodebookConfigCodebookTypeType1SubTypeTypeISinglePanelNrOfAntennaPorts as Ports;
    use CodebookConfigCodebookTypeType1SubTypeTypeISinglePanelNrOfAntennaPortsMoreThanTwoN1N2 as Panel;
    let (ports, mode) = match c.codebook {
        Codebook::OnePort => return Ok(None),
        Codebook::TwoPorts => {
            let two = CodebookConfigCodebookTypeType1SubTypeTypeISinglePanelNrOfAntennaPortsTwo {
                two_tx_codebook_subset_restriction: 0x3f,
            };
            (Ports::Two(two), 1)
        }
        Codebook::SinglePanel { n1: 2, n2: 1, mode } => {
            let more = CodebookConfigCodebookTypeType1SubTypeTypeISinglePanelNrOfAntennaPortsMoreThanTwo {
                n1_n2: Panel::TwoOneTypeISinglePanelRestriction(0xff),
                ..Default::default()
            };
            (Ports::MoreThanTwo(more), mode)
        }
        Codebook::SinglePanel { n1, n2, .. } => return Err(BuildError(format!("a panel of {n1} x {n2}"))),
    };
    let panel = CodebookConfigCodebookTypeType1SubTypeTypeISinglePanel {
        nr_of_antenna_ports: ports,
        type_i_single_panel_ri_restriction: c.ranks,
    };
    let type1 = CodebookConfigCodebookTypeType1 {
        sub_type: CodebookConfigCodebookTypeType1SubType::TypeISinglePanel(panel),
        codebook_mode: mode,
    };
    Ok(Some(CodebookConfig { codebook_type: CodebookConfigCodebookType::Type1(type1) }))
}

fn csi_rs(r: &CsiRsResource) -> Built<NzpCsiRsResource> {
    Ok(NzpCsiRsResource {
        nzp_csi_rs_resource_id: r.id,
        resource_mapping: mapping(r)?,
        power_control_offset: 0,
        power_control_offset_ss: Some(match r.power_offset_ss_db {
            -3 => NzpCsiRsResourcePowerControlOffsetSs::DbMinus3,
            3 => NzpCsiRsResourcePowerControlOffsetSs::Db3,
            6 => NzpCsiRsResourcePowerControlOffsetSs::Db6,
            _ => NzpCsiRsResourcePowerControlOffsetSs::Db0,
        }),
        scrambling_id: r.scrambling_id,
        periodicity_and_offset: Some(period(r.period_slots, r.offset_slots)?),
        ..Default::default()
    })
}

/// A zero-power resource. Spec: TS 38.214 §5.1.4.2
pub(super) fn zp_csi_rs(r: &CsiRsResource) -> Built<ZpCsiRsResource> {
    Ok(ZpCsiRsResource {
        zp_csi_rs_resource_id: r.id,
        resource_mapping: mapping(r)?,
        periodicity_and_offset: Some(period(r.period_slots, r.offset_slots)?),
        ..Default::default()
    })
}

/// Elements for interference. Spec: TS 38.214 §5.2.2.4
fn csi_im(r: &fapi::CsiImResource) -> Built<CsiImResource> {
    use CsiImResourceCsiImResourceElementPattern as Pattern;
    let element = match (r.pattern, r.k) {
        (1, 0 | 4 | 8) => Pattern::Pattern1(CsiImResourceCsiImResourceElementPatternPattern1 {
            subcarrier_location_p1: named(["s0", "s4", "s8"][usize::from(r.k / 4)])?,
            symbol_location_p1: r.l,
        }),
        _ => return Err(BuildError(format!("CSI-IM pattern {} at subcarrier {}", r.pattern, r.k))),
    };
    Ok(CsiImResource {
        csi_im_resource_id: r.id,
        csi_im_resource_element_pattern: Some(element),
        freq_band: Some(occupation(r.start_rb, r.n_rb)),
        periodicity_and_offset: Some(period(r.period_slots, r.offset_slots)?),
        ..Default::default()
    })
}

/// A multiple of four that covers the carrier. Spec: TS 38.331 CSI-FrequencyOccupation
fn occupation(starting_rb: u16, n_rb: u16) -> CsiFrequencyOccupation {
    CsiFrequencyOccupation { starting_rb, nrof_rbs: n_rb.next_multiple_of(4).max(24), ..Default::default() }
}

fn period(slots: u16, o: u16) -> Built<CsiResourcePeriodicityAndOffset> {
    use CsiResourcePeriodicityAndOffset as P;
    Ok(match slots {
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
    })
}

/// Where the elements lie. Spec: TS 38.211 table 7.4.1.5.3-1
fn mapping(r: &CsiRsResource) -> Built<CsiRsResourceMapping> {
    use CsiRsResourceMappingCdmType as Cdm;
    use CsiRsResourceMappingFrequencyDomainAllocation as A;
    use CsiRsResourceMappingNrofPorts as Ports;
    let one = CsiRsResourceMappingDensity::One;
    // k_0 is a multiple of two in row 3 and of four in row 4. Spec: TS 38.211 §7.4.1.5.3
    let (allocation, density, ports, cdm) = match r.row {
        1 => (A::Row1(1 << r.k[0]), CsiRsResourceMappingDensity::Three, Ports::P1, Cdm::NoCdm),
        2 => (A::Row2(1 << r.k[0]), one, Ports::P1, Cdm::NoCdm),
        3 => (A::Other(1 << (r.k[0] / 2)), one, Ports::P2, Cdm::FdCdm2),
        4 => (A::Row4(1 << (r.k[0] / 4)), one, Ports::P4, Cdm::FdCdm2),
        n => return Err(BuildError(format!("row {n} of TS 38.211 table 7.4.1.5.3-1"))),
    };
    Ok(CsiRsResourceMapping {
        frequency_domain_allocation: allocation,
        nrof_ports: ports,
        first_ofdm_symbol_in_time_domain: r.l0,
        cdm_type: cdm,
        density,
        freq_band: occupation(r.start_rb, r.n_rb),
        ..Default::default()
    })
}
