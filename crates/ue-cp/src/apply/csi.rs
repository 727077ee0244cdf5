//! CSI-MeasConfig and ZP CSI-RS: what is measured, what is reported, what is left free. Spec: TS 38.331 §6.3.2, TS 38.214 §5.2

use super::cell_group::position;
use super::{ApplyError, error, period};
use fapi::csi::{Codebook, CsiContent, CsiQuantity};
use fapi::{CsiImResource, CsiReport, CsiRsResource, DedicatedConfig, McsTable};
use rrc::{Enumerated, SetupRelease};

pub(super) fn csi(d: &mut DedicatedConfig, c: &rrc::CsiMeasConfig) -> Result<(), ApplyError> {
    for r in c.nzp_csi_rs_resource_to_add_mod_list.iter().flatten() {
        let r = csi_rs(r, d.dl_bwp.n_rb)?;
        d.csi_rs.retain(|x| x.id != r.id);
        d.csi_rs.push(r);
    }
    for s in c.nzp_csi_rs_resource_set_to_add_mod_list.iter().flatten().filter(|s| s.trs_info) {
        for r in d.csi_rs.iter_mut().filter(|r| s.nzp_csi_rs_resources.contains(&r.id)) {
            r.trs = true;
        }
    }
    for r in c.csi_im_resource_to_add_mod_list.iter().flatten() {
        let r = csi_im(r, d.dl_bwp.n_rb)?;
        d.csi_im.retain(|x| x.id != r.id);
        d.csi_im.push(r);
    }
    for id in c.csi_im_resource_to_release_list.iter().flatten() {
        d.csi_im.retain(|x| x.id != *id);
    }
    for r in c.csi_report_config_to_add_mod_list.iter().flatten() {
        let rrc::CsiReportConfigReportConfigType::Periodic(p) = &r.report_config_type else { continue };
        let (period_slots, offset_slots) = period!(&p.report_slot_config, CsiReportPeriodicityAndOffset { }
            Slots4 = 4, Slots5 = 5, Slots8 = 8, Slots10 = 10, Slots16 = 16, Slots20 = 20, Slots40 = 40, Slots80 = 80,
            Slots160 = 160, Slots320 = 320);
        let Some(first) = p.pucch_csi_resource_list.first() else { continue };
        let Some(csi_rs_id) = measured_resource(c, r.resources_for_channel_measurement) else {
            return error("a CSI report without a resource to measure", "TS 38.331 CSI-ReportConfig");
        };
        d.csi_report = Some(CsiReport {
            period_slots,
            offset_slots,
            resource_idx: position(&d.pucch.resources, first.pucch_resource)?,
            cqi_table: match r.cqi_table {
                Some(rrc::CsiReportConfigCqiTable::Table2) => McsTable::Qam256,
                Some(rrc::CsiReportConfigCqiTable::Table3) => McsTable::Qam64LowSe,
                _ => McsTable::Qam64,
            },
            csi_rs_id,
            content: csi_content(r)?,
        });
    }
    Ok(())
}

/// What is to be reported. Spec: TS 38.331 CSI-ReportConfig, CodebookConfig; TS 38.214 §5.2.2.2.1
fn csi_content(r: &rrc::CsiReportConfig) -> Result<CsiContent, ApplyError> {
    use rrc::CsiReportConfigReportQuantity as Q;
    let quantity = match r.report_quantity {
        Q::CriRiPmiCqi => CsiQuantity::Pmi { li: false },
        Q::CriRiLiPmiCqi => CsiQuantity::Pmi { li: true },
        Q::CriRiCqi if r.codebook_config.is_none() => return Ok(CsiContent::CQI),
        _ => return error("a report of another quantity than RI, PMI and CQI", "TS 38.214 §5.2.1.4"),
    };
    let frequency = r.report_freq_configuration.as_ref();
    let narrow = frequency.is_some_and(|f| {
        f.cqi_format_indicator == Some(rrc::CsiReportConfigReportFreqConfigurationCqiFormatIndicator::SubbandCqi)
            || f.pmi_format_indicator == Some(rrc::CsiReportConfigReportFreqConfigurationPmiFormatIndicator::SubbandPmi)
    });
    let Some((codebook, ranks)) = r.codebook_config.as_ref().filter(|_| !narrow).and_then(codebook) else {
        return error("a codebook, a restriction of one or subbands that are not done here", "TS 38.214 §5.2.2.2.1");
    };
    let content = CsiContent { quantity, codebook, ranks, ..CsiContent::CQI };
    match content.check() {
        Ok(()) => Ok(content),
        Err(e) => error(e.to_string(), "TS 38.214 §5.2.2.2.1"),
    }
}

/// Codebook and ranks of a single panel of two or four ports; `None` for others, and where precoders are restricted.
fn codebook(c: &rrc::CodebookConfig) -> Option<(Codebook, u8)> {
    use rrc::CodebookConfigCodebookTypeType1SubTypeTypeISinglePanelNrOfAntennaPorts as Ports;
    use rrc::CodebookConfigCodebookTypeType1SubTypeTypeISinglePanelNrOfAntennaPortsMoreThanTwoN1N2 as Panel;
    let rrc::CodebookConfigCodebookType::Type1(t) = &c.codebook_type else { return None };
    let rrc::CodebookConfigCodebookTypeType1SubType::TypeISinglePanel(s) = &t.sub_type else { return None };
    let codebook = match &s.nr_of_antenna_ports {
        Ports::Two(two) if two.two_tx_codebook_subset_restriction == 0x3f => Codebook::TwoPorts,
        Ports::MoreThanTwo(more)
            if more.n1_n2 == Panel::TwoOneTypeISinglePanelRestriction(0xff)
                && more.type_i_single_panel_codebook_subset_restriction_i2.is_none() =>
        {
            Codebook::SinglePanel { n1: 2, n2: 1, mode: t.codebook_mode }
        }
        _ => return None,
    };
    Some((codebook, s.type_i_single_panel_ri_restriction))
}

/// The first NZP CSI-RS of a resource setting.
fn measured_resource(c: &rrc::CsiMeasConfig, setting: u8) -> Option<u8> {
    let config =
        c.csi_resource_config_to_add_mod_list.iter().flatten().find(|x| x.csi_resource_config_id == setting)?;
    let rrc::CsiResourceConfigCsiRsResourceSetList::NzpCsiRsSsb(s) = &config.csi_rs_resource_set_list else {
        return None;
    };
    let set = *s.nzp_csi_rs_resource_set_list.as_ref()?.first()?;
    let sets = c.nzp_csi_rs_resource_set_to_add_mod_list.iter().flatten();
    sets.into_iter().find(|x| x.nzp_csi_resource_set_id == set)?.nzp_csi_rs_resources.first().copied()
}

fn csi_rs(r: &rrc::NzpCsiRsResource, bwp_n_rb: u16) -> Result<CsiRsResource, ApplyError> {
    let Some(po) = &r.periodicity_and_offset else {
        return error("a CSI-RS that is not periodic", "TS 38.214 §5.1.6.1");
    };
    Ok(CsiRsResource {
        id: r.nzp_csi_rs_resource_id,
        scrambling_id: r.scrambling_id,
        power_offset_ss_db: r.power_control_offset_ss.map_or(0, |p| [-3, 0, 3, 6][p.index().min(3)]),
        ..placed(&r.resource_mapping, po, bwp_n_rb)?
    })
}

/// The periodic ZP CSI-RS resources that a PDSCH leaves free. Spec: TS 38.214 §5.1.4.2
pub(super) fn zero_power(d: &mut DedicatedConfig, p: &rrc::PdschConfig) -> Result<(), ApplyError> {
    for id in p.zp_csi_rs_resource_to_release_list.iter().flatten() {
        d.zp_csi_rs.retain(|r| r.id != *id);
    }
    let set = match &p.p_zp_csi_rs_resource_set {
        Some(SetupRelease::Setup(set)) => &set.zp_csi_rs_resource_id_list[..],
        Some(SetupRelease::Release) => {
            d.zp_csi_rs.clear();
            &[]
        }
        None => &[],
    };
    for r in p.zp_csi_rs_resource_to_add_mod_list.iter().flatten().filter(|r| set.contains(&r.zp_csi_rs_resource_id)) {
        let Some(po) = &r.periodicity_and_offset else {
            return error("a ZP CSI-RS that is not periodic", "TS 38.214 §5.1.4.2");
        };
        let id = r.zp_csi_rs_resource_id;
        d.zp_csi_rs.retain(|x| x.id != id);
        d.zp_csi_rs.push(CsiRsResource { id, ..placed(&r.resource_mapping, po, d.dl_bwp.n_rb)? });
    }
    Ok(())
}

/// Elements in which interference is measured. Spec: TS 38.214 §5.2.2.4
fn csi_im(r: &rrc::CsiImResource, bwp_n_rb: u16) -> Result<CsiImResource, ApplyError> {
    use rrc::CsiImResourceCsiImResourceElementPattern as Pattern;
    let (pattern, k, l) = match &r.csi_im_resource_element_pattern {
        Some(Pattern::Pattern0(p)) => (0, 2 * p.subcarrier_location_p0.index().min(5) as u8, p.symbol_location_p0),
        Some(Pattern::Pattern1(p)) => (1, 4 * p.subcarrier_location_p1.index().min(2) as u8, p.symbol_location_p1),
        None => return error("a CSI-IM without elements", "TS 38.214 §5.2.2.4"),
    };
    let (Some(band), Some(po)) = (&r.freq_band, &r.periodicity_and_offset) else {
        return error("a CSI-IM that is not periodic", "TS 38.214 §5.2.2.4");
    };
    let (period_slots, offset_slots) = periodicity(po)?;
    let n_rb = band.nrof_rbs.min(bwp_n_rb);
    Ok(CsiImResource {
        id: r.csi_im_resource_id,
        pattern,
        k,
        l,
        start_rb: band.starting_rb,
        n_rb,
        period_slots,
        offset_slots,
    })
}

fn periodicity(po: &rrc::CsiResourcePeriodicityAndOffset) -> Result<(u16, u16), ApplyError> {
    Ok(period!(po, CsiResourcePeriodicityAndOffset { }
        Slots4 = 4, Slots5 = 5, Slots8 = 8, Slots10 = 10, Slots16 = 16, Slots20 = 20, Slots32 = 32, Slots40 = 40,
        Slots64 = 64, Slots80 = 80, Slots160 = 160, Slots320 = 320, Slots640 = 640))
}

/// Where and when a CSI-RS lies. Spec: TS 38.211 §7.4.1.5.3
fn placed(
    m: &rrc::CsiRsResourceMapping,
    po: &rrc::CsiResourcePeriodicityAndOffset,
    bwp_n_rb: u16,
) -> Result<CsiRsResource, ApplyError> {
    use rrc::CsiRsResourceMappingFrequencyDomainAllocation as A;
    let (row, k0) = match m.frequency_domain_allocation {
        // Bit strings of 4 and 12 bits, the last bit is subcarrier 0. Spec: TS 38.211 §7.4.1.5.3
        A::Row1(b) => (1, b.trailing_zeros() as u8),
        A::Row2(b) => (2, b.trailing_zeros() as u8),
        A::Row4(b) => (4, 4 * b.trailing_zeros().min(2) as u8),
        A::Other(b) if m.nrof_ports == rrc::CsiRsResourceMappingNrofPorts::P2 => {
            (3, 2 * b.trailing_zeros().min(5) as u8)
        }
        _ => return error("a CSI-RS of more than four ports", "TS 38.211 table 7.4.1.5.3-1"),
    };
    let density_x2 = match m.density {
        rrc::CsiRsResourceMappingDensity::Three => 6,
        rrc::CsiRsResourceMappingDensity::One => 2,
        _ => return error("CSI-RS density 0.5", "TS 38.211 table 7.4.1.5.3-1"),
    };
    let (period_slots, offset_slots) = periodicity(po)?;
    Ok(CsiRsResource {
        id: 0,
        row,
        k: [k0, 0, 0, 0, 0, 0],
        l0: m.first_ofdm_symbol_in_time_domain,
        l1: 0,
        odd_rbs: false,
        density_x2,
        start_rb: m.freq_band.starting_rb,
        // In steps of four: what goes beyond the part is not there. Spec: TS 38.331 CSI-FrequencyOccupation
        n_rb: m.freq_band.nrof_rbs.min(bwp_n_rb),
        scrambling_id: 0,
        period_slots,
        offset_slots,
        power_offset_ss_db: 0,
        trs: false,
    })
}
