//! What a cell broadcasts and configures, written with the RRC codec: band n78, 20 MHz, TDD DDDSU.

use rrc::*;
use seam::bearer::{self, Bearer, RlcBearerConfig};

/// NR-ARFCN of the SS/PBCH block.
pub const SSB_ARFCN: u32 = 632_544;

/// A cell that terminals may hear.
#[derive(Clone, Debug)]
pub struct Broadcast {
    pub pci: u16,
    pub mib: u32,
    pub sib1: Vec<u8>,
}

impl Broadcast {
    /// A cell of `plmn` (digits of MCC and MNC).
    pub fn new(pci: u16, mcc: [u8; 3], mnc: &[u8], barred: bool) -> Broadcast {
        let cell_barred = if barred { MibCellBarred::Barred } else { MibCellBarred::NotBarred };
        let mib = Mib {
            system_frame_number: 3,
            sub_carrier_spacing_common: MibSubCarrierSpacingCommon::Scs30or120,
            ssb_subcarrier_offset: 4,
            dmrs_type_a_position: MibDmrsTypeAPosition::Pos2,
            pdcch_config_sib1: PdcchConfigSib1 { control_resource_set_zero: 13, search_space_zero: 0 },
            cell_barred,
            intra_freq_reselection: MibIntraFreqReselection::Allowed,
            spare: 0,
        };
        let mib = encode(&BcchBchMessage { message: BcchBchMessageType::Mib(mib) }).unwrap();
        let mib = u32::from_be_bytes([0, mib[0], mib[1], mib[2]]);
        let sib1 = BcchDlSchMessageTypeC1::SystemInformationBlockType1(sib1(mcc, mnc));
        let sib1 = encode(&BcchDlSchMessage { message: BcchDlSchMessageType::C1(sib1) }).unwrap();
        Broadcast { pci, mib, sib1 }
    }
}

fn sib1(mcc: [u8; 3], mnc: &[u8]) -> Sib1 {
    let info = PlmnIdentityInfo {
        plmn_identity_list: vec![PlmnIdentity { mcc: Some(mcc.into()), mnc: mnc.into() }],
        tracking_area_code: Some(1),
        cell_identity: super::CELL_ID,
        cell_reserved_for_operator_use: PlmnIdentityInfoCellReservedForOperatorUse::NotReserved,
        ..Default::default()
    };
    Sib1 {
        cell_selection_info: Some(Sib1CellSelectionInfo { q_rx_lev_min: -70, ..Default::default() }),
        cell_access_related_info: CellAccessRelatedInfo { plmn_identity_info_list: vec![info], ..Default::default() },
        serving_cell_config_common: Some(serving_cell_common()),
        ue_timers_and_constants: Some(UeTimersAndConstants {
            t300: UeTimersAndConstantsT300::from_number(400).unwrap(),
            t301: UeTimersAndConstantsT301::from_number(400).unwrap(),
            t310: UeTimersAndConstantsT310::from_number(1000).unwrap(),
            n310: UeTimersAndConstantsN310::from_number(10).unwrap(),
            t311: UeTimersAndConstantsT311::from_number(3000).unwrap(),
            n311: UeTimersAndConstantsN311::from_number(1).unwrap(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn whole_carrier() -> Bwp {
    // RIV of 51 RBs from 0 in 275. Spec: TS 38.214 §5.1.2.2.2
    Bwp { location_and_bandwidth: 275 * 50, subcarrier_spacing: SubcarrierSpacing::KHz30, cyclic_prefix: None }
}

fn carrier() -> Vec<ScsSpecificCarrier> {
    let c = ScsSpecificCarrier {
        subcarrier_spacing: SubcarrierSpacing::KHz30,
        carrier_bandwidth: 51,
        ..Default::default()
    };
    vec![c]
}

fn candidates() -> SearchSpaceNrofCandidates {
    SearchSpaceNrofCandidates {
        aggregation_level4: SearchSpaceNrofCandidatesAggregationLevel4::N2,
        aggregation_level8: SearchSpaceNrofCandidatesAggregationLevel8::N1,
        ..Default::default()
    }
}

fn search_space(id: u8, coreset: u8, kind: SearchSpaceSearchSpaceType) -> SearchSpace {
    SearchSpace {
        search_space_id: id,
        control_resource_set_id: Some(coreset),
        monitoring_slot_periodicity_and_offset: Some(SearchSpaceMonitoringSlotPeriodicityAndOffset::Sl1),
        monitoring_symbols_within_slot: Some(1 << 13),
        nrof_candidates: Some(candidates()),
        search_space_type: Some(kind),
        ..Default::default()
    }
}

fn common_space() -> SearchSpaceSearchSpaceType {
    SearchSpaceSearchSpaceType::Common(SearchSpaceSearchSpaceTypeCommon {
        dci_format0_0_and_format1_0: Some(Default::default()),
        ..Default::default()
    })
}

fn serving_cell_common() -> ServingCellConfigCommonSib {
    let band = NrMultiBandInfo { freq_band_indicator_nr: Some(78), nr_ns_pmax_list: None };
    let pdcch = PdcchConfigCommon {
        common_search_space_list: Some(vec![search_space(1, 0, common_space())]),
        search_space_sib1: Some(0),
        paging_search_space: Some(1),
        ra_search_space: Some(1),
        ..Default::default()
    };
    let pdsch = PdschConfigCommon {
        pdsch_time_domain_allocation_list: Some(vec![PdschTimeDomainResourceAllocation {
            start_symbol_and_length: 40,
            ..Default::default()
        }]),
        ..Default::default()
    };
    ServingCellConfigCommonSib {
        downlink_config_common: DownlinkConfigCommonSib {
            frequency_info_dl: FrequencyInfoDlSib {
                frequency_band_list: vec![band],
                offset_to_point_a: 24,
                scs_specific_carrier_list: carrier(),
            },
            initial_downlink_bwp: BwpDownlinkCommon {
                generic_parameters: whole_carrier(),
                pdcch_config_common: Some(SetupRelease::Setup(pdcch)),
                pdsch_config_common: Some(SetupRelease::Setup(pdsch)),
                ..Default::default()
            },
            ..Default::default()
        },
        uplink_config_common: Some(uplink_common()),
        n_timing_advance_offset: Some(ServingCellConfigCommonSibNTimingAdvanceOffset::from_number(25_600).unwrap()),
        ssb_positions_in_burst: ServingCellConfigCommonSibSsbPositionsInBurst {
            in_one_group: 0x80,
            group_presence: None,
        },
        ssb_periodicity_serving_cell: ServingCellConfigCommonSibSsbPeriodicityServingCell::from_number(20).unwrap(),
        tdd_ul_dl_configuration_common: Some(TddUlDlConfigCommon {
            reference_subcarrier_spacing: SubcarrierSpacing::KHz30,
            pattern1: TddUlDlPattern {
                dl_ul_transmission_periodicity: TddUlDlPatternDlUlTransmissionPeriodicity::Ms2p5,
                nrof_downlink_slots: 3,
                nrof_downlink_symbols: 10,
                nrof_uplink_slots: 1,
                nrof_uplink_symbols: 2,
                ..Default::default()
            },
            ..Default::default()
        }),
        ss_pbch_block_power: 3,
        ..Default::default()
    }
}

fn uplink_common() -> UplinkConfigCommonSib {
    let generic = RachConfigGeneric {
        prach_configuration_index: 162,
        msg1_frequency_start: 4,
        zero_correlation_zone_config: 14,
        preamble_received_target_power: -98,
        preamble_trans_max: RachConfigGenericPreambleTransMax::from_number(10).unwrap(),
        power_ramping_step: RachConfigGenericPowerRampingStep::from_number(4).unwrap(),
        ra_response_window: RachConfigGenericRaResponseWindow::from_number(20).unwrap(),
        ..Default::default()
    };
    let rach = RachConfigCommon {
        rach_config_generic: generic,
        ra_contention_resolution_timer: RachConfigCommonRaContentionResolutionTimer::from_number(64).unwrap(),
        prach_root_sequence_index: RachConfigCommonPrachRootSequenceIndex::L139(1),
        msg1_subcarrier_spacing: Some(SubcarrierSpacing::KHz30),
        ..Default::default()
    };
    let pusch = PuschConfigCommon {
        pusch_time_domain_allocation_list: Some(vec![PuschTimeDomainResourceAllocation {
            k2: Some(4),
            start_symbol_and_length: 27,
            ..Default::default()
        }]),
        p0_nominal_with_grant: Some(-86),
        ..Default::default()
    };
    let pucch = PucchConfigCommon { pucch_resource_common: Some(12), p0_nominal: Some(-96), ..Default::default() };
    UplinkConfigCommonSib {
        frequency_info_ul: FrequencyInfoUlSib {
            scs_specific_carrier_list: carrier(),
            p_max: Some(23),
            ..Default::default()
        },
        initial_uplink_bwp: BwpUplinkCommon {
            generic_parameters: whole_carrier(),
            rach_config_common: Some(SetupRelease::Setup(rach)),
            pusch_config_common: Some(SetupRelease::Setup(pusch)),
            pucch_config_common: Some(SetupRelease::Setup(pucch)),
            ..Default::default()
        },
        time_alignment_timer_common: TimeAlignmentTimer::Infinity,
    }
}

/// The CellGroupConfig with these RLC bearers to add and logical channels to release.
pub fn cell_group(add: &[RlcBearerConfig], release: &[u8], reestablish: bool) -> Vec<u8> {
    let sr = SchedulingRequestToAddMod {
        scheduling_request_id: 0,
        sr_trans_max: SchedulingRequestToAddModSrTransMax::from_number(64).unwrap(),
        ..Default::default()
    };
    let mac = MacCellGroupConfig {
        scheduling_request_config: Some(SchedulingRequestConfig {
            scheduling_request_to_add_mod_list: Some(vec![sr]),
            ..Default::default()
        }),
        bsr_config: Some(BsrConfig {
            periodic_bsr_timer: BsrConfigPeriodicBsrTimer::from_number(10).unwrap(),
            retx_bsr_timer: BsrConfigRetxBsrTimer::from_number(80).unwrap(),
            ..Default::default()
        }),
        tag_config: Some(TagConfig {
            tag_to_add_mod_list: Some(vec![Tag {
                tag_id: 0,
                time_alignment_timer: TimeAlignmentTimer::Infinity,
                ..Default::default()
            }]),
            ..Default::default()
        }),
        ..Default::default()
    };
    let group = CellGroupConfig {
        rlc_bearer_to_add_mod_list: (!add.is_empty()).then(|| add.iter().map(|b| rlc_bearer(b, reestablish)).collect()),
        rlc_bearer_to_release_list: (!release.is_empty()).then(|| release.to_vec()),
        mac_cell_group_config: Some(mac),
        physical_cell_group_config: Some(PhysicalCellGroupConfig {
            pdsch_harq_ack_codebook: PhysicalCellGroupConfigPdschHarqAckCodebook::Dynamic,
            ..Default::default()
        }),
        sp_cell_config: Some(SpCellConfig { sp_cell_config_dedicated: Some(serving_cell()), ..Default::default() }),
        ..Default::default()
    };
    encode(&group).unwrap()
}

fn serving_cell() -> ServingCellConfig {
    let coreset = ControlResourceSet {
        control_resource_set_id: 1,
        frequency_domain_resources: 0xff << 37,
        duration: 2,
        ..Default::default()
    };
    let ue = SearchSpaceSearchSpaceType::UeSpecific(SearchSpaceSearchSpaceTypeUeSpecific {
        dci_formats: SearchSpaceSearchSpaceTypeUeSpecificDciFormats::Formats0_1And1_1,
        ..Default::default()
    });
    let pdcch = PdcchConfig {
        control_resource_set_to_add_mod_list: Some(vec![coreset]),
        search_spaces_to_add_mod_list: Some(vec![search_space(2, 1, ue)]),
        ..Default::default()
    };
    let f1 = |id, occ| PucchResource {
        pucch_resource_id: id,
        starting_prb: 1,
        format: PucchResourceFormat::Format1(PucchFormat1 {
            nrof_symbols: 14,
            time_domain_occ: occ,
            ..Default::default()
        }),
        ..Default::default()
    };
    let sr = SchedulingRequestResourceConfig {
        scheduling_request_resource_id: 1,
        scheduling_request_id: 0,
        periodicity_and_offset: Some(SchedulingRequestResourceConfigPeriodicityAndOffset::Sl20(4)),
        resource: Some(0),
    };
    let pucch = PucchConfig {
        resource_set_to_add_mod_list: Some(vec![PucchResourceSet {
            pucch_resource_set_id: 0,
            resource_list: vec![1],
            max_payload_size: None,
        }]),
        resource_to_add_mod_list: Some(vec![f1(0, 0), f1(1, 1)]),
        scheduling_request_resource_to_add_mod_list: Some(vec![sr]),
        dl_data_to_ul_ack: Some(vec![2, 3, 4, 5]),
        ..Default::default()
    };
    ServingCellConfig {
        initial_downlink_bwp: Some(BwpDownlinkDedicated {
            pdcch_config: Some(SetupRelease::Setup(pdcch)),
            pdsch_config: Some(SetupRelease::Setup(PdschConfig {
                resource_allocation: PdschConfigResourceAllocation::ResourceAllocationType1,
                mcs_table: Some(PdschConfigMcsTable::Qam256),
                ..Default::default()
            })),
            ..Default::default()
        }),
        uplink_config: Some(UplinkConfig {
            initial_uplink_bwp: Some(BwpUplinkDedicated {
                pucch_config: Some(SetupRelease::Setup(pucch)),
                pusch_config: Some(SetupRelease::Setup(PuschConfig {
                    resource_allocation: PuschConfigResourceAllocation::ResourceAllocationType1,
                    ..Default::default()
                })),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn rlc_bearer(b: &RlcBearerConfig, reestablish_rlc: bool) -> rrc::RlcBearerConfig {
    use RlcBearerConfigServedRadioBearer as S;
    let served = match b.bearer {
        Bearer::Srb0 | Bearer::Srb1 => S::SrbIdentity(1),
        Bearer::Srb2 => S::SrbIdentity(2),
        Bearer::Drb(d) => S::DrbIdentity(d.get()),
    };
    let lc = &b.logical_channel;
    let rate = LogicalChannelConfigUlSpecificParametersPrioritisedBitRate::Infinity;
    rrc::RlcBearerConfig {
        logical_channel_identity: b.lcid.get(),
        served_radio_bearer: Some(served),
        reestablish_rlc,
        rlc_config: Some(rlc(&b.rlc)),
        mac_logical_channel_config: Some(LogicalChannelConfig {
            ul_specific_parameters: Some(LogicalChannelConfigUlSpecificParameters {
                priority: lc.priority,
                prioritised_bit_rate: rate,
                bucket_size_duration: LogicalChannelConfigUlSpecificParametersBucketSizeDuration::from_number(50)
                    .unwrap(),
                logical_channel_group: lc.logical_channel_group,
                scheduling_request_id: lc.scheduling_request.then_some(0),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn rlc(r: &bearer::RlcConfig) -> RlcConfig {
    match *r {
        bearer::RlcConfig::Am { sn_bits, t_poll_retransmit_ms, max_retx_threshold, t_reassembly_ms, .. } => {
            let bits = SnFieldLengthAm::from_number(sn_bits.into());
            RlcConfig::Am(RlcConfigAm {
                ul_am_rlc: UlAmRlc {
                    sn_field_length: bits,
                    t_poll_retransmit: TPollRetransmit::from_number(t_poll_retransmit_ms.into()).unwrap(),
                    poll_pdu: PollPdu::Infinity,
                    poll_byte: PollByte::Infinity,
                    max_retx_threshold: UlAmRlcMaxRetxThreshold::from_number(max_retx_threshold.into()).unwrap(),
                },
                dl_am_rlc: DlAmRlc {
                    sn_field_length: bits,
                    t_reassembly: TReassembly::from_number(t_reassembly_ms.into()).unwrap(),
                    t_status_prohibit: TStatusProhibit::from_number(0).unwrap(),
                },
            })
        }
        bearer::RlcConfig::Um { sn_bits, t_reassembly_ms } => {
            let bits = SnFieldLengthUm::from_number(sn_bits.into());
            RlcConfig::UmBiDirectional(RlcConfigUmBiDirectional {
                ul_um_rlc: UlUmRlc { sn_field_length: bits },
                dl_um_rlc: DlUmRlc {
                    sn_field_length: bits,
                    t_reassembly: TReassembly::from_number(t_reassembly_ms.into()).unwrap(),
                },
            })
        }
        bearer::RlcConfig::Tm => unreachable!("SRB0 has no configuration"),
    }
}
