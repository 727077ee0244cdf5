//! UE-NR-Capability, made from what this terminal can do. Spec: TS 38.331 §5.6.1, TS 38.306

use crate::config::UeCpConfig;
use rrc::*;

/// The capability container for the given bands.
pub fn ue_nr_capability(c: &UeCpConfig) -> UeNrCapability {
    let radio = &c.capability;
    let band = |b: &u16| BandNr {
        band_nr: *b,
        pusch_256_qam: radio.ul_256qam,
        ue_power_class: Some(BandNrUePowerClass::Pc3),
        mimo_parameters_per_band: (radio.ul_layers > 1).then(|| MimoParametersPerBand {
            pusch_trans_coherence: Some(MimoParametersPerBandPuschTransCoherence::FullCoherent),
            ..Default::default()
        }),
        ..BandNr::default()
    };
    let combination = |b: &u16| BandCombination {
        band_list: vec![BandParameters::Nr(BandParametersNr {
            band_nr: *b,
            ca_bandwidth_class_dl_nr: Some(CaBandwidthClassNr::A),
            ca_bandwidth_class_ul_nr: Some(CaBandwidthClassNr::A),
        })],
        feature_set_combination: 0,
        ..BandCombination::default()
    };
    UeNrCapability {
        access_stratum_release: AccessStratumRelease::Rel15,
        pdcp_parameters: PdcpParameters { short_sn: true, out_of_order_delivery: true, ..PdcpParameters::default() },
        rlc_parameters: Some(RlcParameters {
            am_with_short_sn: true,
            um_with_short_sn: true,
            um_with_long_sn: true,
            ..RlcParameters::default()
        }),
        phy_parameters: PhyParameters {
            phy_parameters_common: Some(PhyParametersCommon {
                dynamic_harq_ack_codebook: true,
                pdsch_mapping_type_a: true,
                cbg_trans_indication_dl: true,
                dynamic_harq_ack_code_b_cbg_retx_dl: true,
                ..PhyParametersCommon::default()
            }),
            phy_parameters_fr1: Some(PhyParametersFr1 {
                pdsch_256_qam_fr1: radio.dl_256qam,
                ..PhyParametersFr1::default()
            }),
            ..PhyParameters::default()
        },
        rf_parameters: RfParameters {
            supported_band_list_nr: c.bands.iter().map(band).collect(),
            supported_band_combination_list: Some(c.bands.iter().map(combination).collect()),
            ..RfParameters::default()
        },
        feature_sets: Some(feature_sets(c)),
        feature_set_combinations: Some(vec![vec![vec![FeatureSet::Nr(FeatureSetNr {
            downlink_set_nr: 1,
            uplink_set_nr: 1,
        })]]]),
        ..UeNrCapability::default()
    }
}

fn feature_sets(c: &UeCpConfig) -> FeatureSets {
    let order = |qam256| Some(if qam256 { ModulationOrder::Qam256 } else { ModulationOrder::Qam64 });
    let per_scs = [
        (SubcarrierSpacing::KHz15, SupportedBandwidthFr1::Mhz20),
        (SubcarrierSpacing::KHz30, SupportedBandwidthFr1::Mhz100),
    ];
    FeatureSets {
        feature_sets_downlink: Some(vec![FeatureSetDownlink {
            feature_set_list_per_downlink_cc: vec![2],
            ..FeatureSetDownlink::default()
        }]),
        feature_sets_downlink_per_cc: Some(
            per_scs
                .iter()
                .map(|(scs, bandwidth)| FeatureSetDownlinkPerCc {
                    supported_subcarrier_spacing_dl: *scs,
                    supported_bandwidth_dl: SupportedBandwidth::Fr1(*bandwidth),
                    max_number_mimo_layers_pdsch: match c.capability.dl_layers {
                        0 | 1 => None,
                        2 | 3 => Some(MimoLayersDl::TwoLayers),
                        _ => Some(MimoLayersDl::FourLayers),
                    },
                    supported_modulation_order_dl: order(c.capability.dl_256qam),
                    ..FeatureSetDownlinkPerCc::default()
                })
                .collect(),
        ),
        feature_sets_uplink: Some(vec![FeatureSetUplink {
            feature_set_list_per_uplink_cc: vec![2],
            supported_srs_resources: srs_resources(c.capability.ul_layers),
            ..FeatureSetUplink::default()
        }]),
        feature_sets_uplink_per_cc: Some(
            per_scs
                .iter()
                .map(|(scs, bandwidth)| FeatureSetUplinkPerCc {
                    supported_subcarrier_spacing_ul: *scs,
                    supported_bandwidth_ul: SupportedBandwidth::Fr1(*bandwidth),
                    mimo_cb_pusch: ul_layers(c.capability.ul_layers).map(|n| FeatureSetUplinkPerCcMimoCbPusch {
                        max_number_mimo_layers_cb_pusch: Some(n),
                        max_number_srs_resource_per_set: 1,
                    }),
                    supported_modulation_order_ul: order(c.capability.ul_256qam),
                    ..FeatureSetUplinkPerCc::default()
                })
                .collect(),
        ),
        ..FeatureSets::default()
    }
}

fn ul_layers(n: u8) -> Option<MimoLayersUl> {
    match n {
        0 | 1 => None,
        2 | 3 => Some(MimoLayersUl::TwoLayers),
        _ => Some(MimoLayersUl::FourLayers),
    }
}

/// One periodic resource of as many ports as there are layers. Spec: TS 38.306 §4.2.7.7 (supportedSRS-Resources)
fn srs_resources(ul_layers: u8) -> Option<SrsResources> {
    let ports = match ul_layers {
        0 | 1 => return None,
        2 | 3 => SrsResourcesMaxNumberSrsPortsPerResource::N2,
        _ => SrsResourcesMaxNumberSrsPortsPerResource::N4,
    };
    Some(SrsResources {
        max_number_aperiodic_srs_per_bwp_per_slot: 1,
        max_number_periodic_srs_per_bwp_per_slot: 1,
        max_number_semi_persistent_srs_per_bwp_per_slot: 1,
        max_number_srs_ports_per_resource: ports,
        ..SrsResources::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::*;

    #[test] // Spec: TS 38.331 §6.3.3 (UE-NR-Capability)
    fn the_capability_encodes_and_says_what_the_terminal_can() {
        let mut c = crate::test_config();
        c.capability = RadioCapability { ul_256qam: false, ..RadioCapability::default() };
        let bytes = encode(&ue_nr_capability(&c)).unwrap();
        let back: UeNrCapability = decode(&bytes).unwrap();
        assert!(!back.rf_parameters.supported_band_list_nr[0].pusch_256_qam);
        assert_eq!(back.rf_parameters.supported_band_list_nr.len(), c.bands.len());
        let layers = |dl_layers| {
            let mut c = c.clone();
            c.capability.dl_layers = dl_layers;
            let back: UeNrCapability = decode(&encode(&ue_nr_capability(&c)).unwrap()).unwrap();
            let carriers = back.feature_sets.unwrap().feature_sets_downlink_per_cc.unwrap();
            carriers.iter().map(|f| f.max_number_mimo_layers_pdsch).collect::<Vec<_>>()
        };
        assert_eq!(layers(1), [None, None]);
        assert_eq!(layers(2), [Some(MimoLayersDl::TwoLayers); 2]);
        assert_eq!(layers(4), [Some(MimoLayersDl::FourLayers); 2]);
        let uplink = |ul_layers| {
            let mut c = c.clone();
            c.capability.ul_layers = ul_layers;
            let back: UeNrCapability = decode(&encode(&ue_nr_capability(&c)).unwrap()).unwrap();
            let f = back.feature_sets.unwrap();
            let layers = f.feature_sets_uplink_per_cc.unwrap()[1].mimo_cb_pusch.clone();
            let ports = f.feature_sets_uplink.unwrap()[0].supported_srs_resources.clone();
            let ports = ports.map(|s| s.max_number_srs_ports_per_resource);
            let coherence = back.rf_parameters.supported_band_list_nr[0].mimo_parameters_per_band.clone();
            (
                layers.and_then(|m| m.max_number_mimo_layers_cb_pusch),
                ports,
                coherence.and_then(|m| m.pusch_trans_coherence),
            )
        };
        assert_eq!(uplink(1), (None, None, None));
        let full = Some(MimoParametersPerBandPuschTransCoherence::FullCoherent);
        let ports = Some(SrsResourcesMaxNumberSrsPortsPerResource::N2);
        assert_eq!(uplink(2), (Some(MimoLayersUl::TwoLayers), ports, full));
    }
}
