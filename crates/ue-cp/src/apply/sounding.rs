//! SRS-Config and what PUSCH-Config says of ports and layers. Spec: TS 38.331 §6.3.2, TS 38.214 §6.1.1

use super::cell_group::{alpha, setup};
use super::{ApplyError, error, period};
use fapi::{DedicatedConfig, PuschScheme, SrsConfig, SrsHopping, SrsResource};
use nr::tables::uplink_precoding::CodebookSubset;
use rrc::{Enumerated, SetupRelease};

/// How layers meet ports, from SRS-Config and PUSCH-Config together. Spec: TS 38.214 §6.1.1
///
/// One resource of the set for codebook transmission counts; resources that nothing triggers are not sent.
pub(super) fn uplink_scheme(d: &mut DedicatedConfig, b: &rrc::BwpUplinkDedicated) -> Result<(), ApplyError> {
    match &b.srs_config {
        Some(SetupRelease::Setup(s)) => sounding(d, s)?,
        Some(SetupRelease::Release) => d.srs = None,
        None => {}
    }
    let before = d.pusch.options.scheme;
    let (mut max_rank, mut subset) = match before {
        PuschScheme::Codebook { max_rank, subset, .. } => (max_rank, subset),
        _ => (1, CodebookSubset::Non),
    };
    if let Some(p) = setup(&b.pusch_config) {
        match p.tx_config {
            None => return Ok(()),
            Some(rrc::PuschConfigTxConfig::Codebook) => {}
            Some(rrc::PuschConfigTxConfig::NonCodebook) => {
                return error("non-codebook transmission", "TS 38.214 §6.1.1.2");
            }
        }
        max_rank = p.max_rank.unwrap_or(1);
        subset = match p.codebook_subset {
            Some(rrc::PuschConfigCodebookSubset::FullyAndPartialAndNonCoherent) => CodebookSubset::FullyPartialNon,
            Some(rrc::PuschConfigCodebookSubset::PartialAndNonCoherent) => CodebookSubset::PartialNon,
            _ => CodebookSubset::Non,
        };
    }
    let n_ports = d.srs.map_or(1, |s| s.resource.n_ports);
    if max_rank > n_ports {
        return error("more layers than the SRS resource has ports", "TS 38.214 §6.1.1.1");
    }
    d.pusch.options.scheme = match n_ports {
        1 => PuschScheme::OnePort,
        _ => PuschScheme::Codebook { n_ports, max_rank, subset, n_srs: 1 },
    };
    Ok(())
}

/// SRS-Config. Spec: TS 38.331 SRS-Config, TS 38.211 §6.4.1.4
fn sounding(d: &mut DedicatedConfig, s: &rrc::SrsConfig) -> Result<(), ApplyError> {
    use rrc::SrsResourceSetResourceType as SetType;
    let released = |id: u8| s.srs_resource_to_release_list.iter().flatten().any(|r| *r == id);
    d.srs = d.srs.filter(|own| !released(own.resource.id));
    for set in s.srs_resource_set_to_add_mod_list.iter().flatten() {
        if set.usage != rrc::SrsResourceSetUsage::Codebook {
            return error("an SRS resource set of another usage than codebook", "TS 38.214 §6.2.1");
        }
        let ids = set.srs_resource_id_list.as_deref().unwrap_or(&[]);
        if ids.len() > 1 {
            return error("several SRS resources in a set", "TS 38.214 §6.1.1.1");
        }
        let SetType::Periodic(_) = set.resource_type else {
            d.srs = None;
            continue;
        };
        let resources = s.srs_resource_to_add_mod_list.iter().flatten();
        let known = d.srs.map(|own| own.resource).filter(|r| ids.first() == Some(&r.id));
        let resource = match resources.into_iter().find(|r| ids.first() == Some(&r.srs_resource_id)) {
            Some(r) => srs_resource(r)?,
            None => match known {
                Some(r) => r,
                None => return error("an SRS resource set without its resource", "TS 38.331 SRS-Config"),
            },
        };
        d.srs = Some(SrsConfig { resource, p0_dbm: set.p0.unwrap_or(0), alpha: alpha(set.alpha) });
    }
    Ok(())
}

/// One periodic resource. Spec: TS 38.211 §6.4.1.4
fn srs_resource(r: &rrc::SrsResource) -> Result<SrsResource, ApplyError> {
    let rrc::SrsResourceResourceType::Periodic(p) = &r.resource_type else {
        return error("an SRS resource of another type than its set", "TS 38.331 SRS-Config");
    };
    let (period, offset) = period!(&p.periodicity_and_offset_p, SrsPeriodicityAndOffset { Sl1 = 1, }
        Sl2 = 2, Sl4 = 4, Sl5 = 5, Sl8 = 8, Sl10 = 10, Sl16 = 16, Sl20 = 20, Sl32 = 32, Sl40 = 40, Sl64 = 64, Sl80 = 80,
        Sl160 = 160, Sl320 = 320, Sl640 = 640, Sl1280 = 1280, Sl2560 = 2560);
    let (comb, comb_offset, cyclic_shift) = match &r.transmission_comb {
        rrc::SrsResourceTransmissionComb::N2(c) => (2, c.comb_offset_n2, c.cyclic_shift_n2),
        rrc::SrsResourceTransmissionComb::N4(c) => (4, c.comb_offset_n4, c.cyclic_shift_n4),
    };
    let m = &r.resource_mapping;
    let (n_symbols, repetition) = (1 << m.nrof_symbols.index().min(2), 1 << m.repetition_factor.index().min(2));
    if n_symbols > m.start_position + 1 || repetition > n_symbols {
        return error("an SRS beyond the slot, or repeated more often than sent", "TS 38.211 §6.4.1.4.1");
    }
    Ok(SrsResource {
        id: r.srs_resource_id,
        n_ports: 1 << r.nrof_srs_ports.index().min(2),
        comb,
        comb_offset,
        cyclic_shift,
        start_symbol: 13 - m.start_position.min(13),
        n_symbols,
        repetition,
        freq_position: r.freq_domain_position,
        freq_shift: r.freq_domain_shift,
        c_srs: r.freq_hopping.c_srs,
        b_srs: r.freq_hopping.b_srs,
        b_hop: r.freq_hopping.b_hop,
        hopping: [SrsHopping::Neither, SrsHopping::Group, SrsHopping::Sequence]
            [r.group_or_sequence_hopping.index().min(2)],
        sequence_id: r.sequence_id,
        period: Some((period.into(), offset.into())),
        freq_scaling: 1,
        start_rb_index: 0,
        start_rb_hopping: false,
        positioning: false,
    })
}
