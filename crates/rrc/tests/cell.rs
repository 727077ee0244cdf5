//! Messages of one cell, value by value: vectors/rrc_hand.txt by an independent codec, see vectors/rrc.manifest.toml.

use rrc::*;

fn vector(name: &str, nth: usize) -> Vec<u8> {
    let text = include_str!("../../../vectors/rrc_hand.txt");
    let mut lines = text.lines().filter_map(|line| line.split_once(' ')).filter(|(n, _)| *n == name);
    let (_, hex) = lines.nth(nth).unwrap();
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

fn setup<T>(value: &Option<SetupRelease<T>>) -> &T {
    match value {
        Some(SetupRelease::Setup(value)) => value,
        _ => panic!("not set up"),
    }
}

fn cell_group() -> CellGroupConfig {
    let octets = vector("DL-CCCH-Message", 0);
    let message: DlCcchMessage = decode(&octets).unwrap();
    assert_eq!(encode(&message).unwrap(), octets);
    let DlCcchMessageType::C1(DlCcchMessageTypeC1::RrcSetup(message)) = message.message else { panic!() };
    assert_eq!(message.rrc_transaction_identifier, 2);
    let RrcSetupCriticalExtensions::RrcSetup(ies) = message.critical_extensions else { panic!() };
    assert_eq!(ies.radio_bearer_config.srb_to_add_mod_list.unwrap()[0].srb_identity, 1);
    let group: CellGroupConfig = decode(&ies.master_cell_group).unwrap();
    assert_eq!(encode(&group).unwrap(), ies.master_cell_group);
    group
}

// Spec: TS 38.331 §6.2.2 (MIB)
#[test]
fn mib_is_24_bits() {
    let mib = Mib {
        system_frame_number: 0b101101,
        sub_carrier_spacing_common: MibSubCarrierSpacingCommon::Scs30or120,
        ssb_subcarrier_offset: 6,
        dmrs_type_a_position: MibDmrsTypeAPosition::Pos3,
        pdcch_config_sib1: PdcchConfigSib1 { control_resource_set_zero: 10, search_space_zero: 4 },
        cell_barred: MibCellBarred::NotBarred,
        intra_freq_reselection: MibIntraFreqReselection::Allowed,
        spare: 0,
    };
    let message = BcchBchMessage { message: BcchBchMessageType::Mib(mib) };
    let octets = encode(&message).unwrap();
    assert_eq!(octets, vector("BCCH-BCH-Message", 0));
    assert_eq!(octets.len(), 3);
    assert_eq!(decode(&octets), Ok(message));
}

// Spec: TS 38.331 §6.2.2 (SIB1), §6.3.2 (ServingCellConfigCommonSIB)
#[test]
fn sib1_is_read() {
    let octets = vector("BCCH-DL-SCH-Message", 0);
    let message: BcchDlSchMessage = decode(&octets).unwrap();
    let BcchDlSchMessageType::C1(BcchDlSchMessageTypeC1::SystemInformationBlockType1(sib1)) = message.message else {
        panic!()
    };
    let plmn = &sib1.cell_access_related_info.plmn_identity_info_list[0];
    assert_eq!(plmn.tracking_area_code, Some(0xabcde));
    assert_eq!(plmn.cell_identity, 0x1_2345_6789);
    assert_eq!(plmn.plmn_identity_list[0].mnc, [7, 0]);
    assert_eq!(sib1.cell_selection_info.unwrap().q_rx_lev_min, -62);
    let timers = sib1.ue_timers_and_constants.unwrap();
    assert_eq!((timers.t300.number(), timers.t319.name()), (Some(1000), "ms1500"));
    let cell = sib1.serving_cell_config_common.unwrap();
    assert_eq!(cell.ss_pbch_block_power, -16);
    assert_eq!(cell.ssb_positions_in_burst.in_one_group, 0b1010_0000);
    let tdd = cell.tdd_ul_dl_configuration_common.unwrap().pattern1;
    let pattern = (tdd.nrof_downlink_slots, tdd.nrof_downlink_symbols, tdd.nrof_uplink_slots, tdd.nrof_uplink_symbols);
    assert_eq!(pattern, (3, 10, 1, 2));
    let uplink = cell.uplink_config_common.unwrap().initial_uplink_bwp;
    let rach = setup(&uplink.rach_config_common);
    assert_eq!(rach.prach_root_sequence_index, RachConfigCommonPrachRootSequenceIndex::L139(77));
    assert_eq!(rach.rach_config_generic.preamble_received_target_power, -104);
    assert_eq!(setup(&uplink.pucch_config_common).hopping_id, Some(513));
    let downlink = cell.downlink_config_common.initial_downlink_bwp;
    let pdsch = setup(&downlink.pdsch_config_common).pdsch_time_domain_allocation_list.as_ref().unwrap();
    assert_eq!((pdsch[0].k0, pdsch[1].k0, pdsch[1].start_symbol_and_length), (None, Some(3), 57));
    let space = &setup(&downlink.pdcch_config_common).common_search_space_list.as_ref().unwrap()[0];
    let period = SearchSpaceMonitoringSlotPeriodicityAndOffset::Sl10(3);
    assert_eq!(space.monitoring_slot_periodicity_and_offset, Some(period));
    assert_eq!(space.monitoring_symbols_within_slot, Some(1 << 13));
}

// Spec: TS 38.331 §8.5 (padding of BCCH)
#[test]
fn padding_behind_sib1_is_no_error() {
    let mut octets = vector("BCCH-DL-SCH-Message", 0);
    let message: BcchDlSchMessage = decode(&octets).unwrap();
    octets.resize(octets.len() + 40, 0);
    assert_eq!(decode(&octets), Ok(message));
}

// Spec: TS 38.331 §6.3.2 (RLC-BearerConfig, MAC-CellGroupConfig, RLF-TimersAndConstants)
#[test]
fn cell_group_is_read() {
    let group = cell_group();
    let bearer = &group.rlc_bearer_to_add_mod_list.unwrap()[0];
    assert_eq!(bearer.served_radio_bearer, Some(RlcBearerConfigServedRadioBearer::DrbIdentity(1)));
    let Some(RlcConfig::Am(am)) = &bearer.rlc_config else { panic!() };
    assert_eq!(am.ul_am_rlc.sn_field_length, Some(SnFieldLengthAm::Size18));
    assert_eq!(am.ul_am_rlc.t_poll_retransmit.number(), Some(45));
    assert_eq!(am.ul_am_rlc.poll_byte, PollByte::from_number(500).unwrap());
    assert_eq!(am.dl_am_rlc.t_status_prohibit.name(), "ms15");
    let mac = group.mac_cell_group_config.unwrap();
    assert!(mac.skip_uplink_tx_dynamic);
    assert_eq!(setup(&mac.ext1.unwrap().data_inactivity_timer).number(), Some(60));
    let cell = group.sp_cell_config.unwrap();
    assert_eq!(setup(&cell.rlf_timers_and_constants).ext1.as_ref().unwrap().t311.number(), Some(15000));
    let serving = cell.sp_cell_config_dedicated.unwrap();
    assert_eq!(serving.tag_id, 2);
    let pdcch = serving.initial_downlink_bwp.unwrap().pdcch_config;
    let coreset = &setup(&pdcch).control_resource_set_to_add_mod_list.as_ref().unwrap()[0];
    assert_eq!(coreset.frequency_domain_resources, 0xff << 37);
    assert_eq!(coreset.pdcch_dmrs_scrambling_id, Some(60001));
    let csi = &setup(&serving.csi_meas_config).nzp_csi_rs_resource_to_add_mod_list.as_ref().unwrap()[0];
    assert_eq!(csi.periodicity_and_offset, Some(CsiResourcePeriodicityAndOffset::Slots80(41)));
    assert_eq!((csi.power_control_offset, csi.scrambling_id), (-8, 1023));
}

// Spec: TS 38.331 §6.3.2 (PUCCH-Config)
#[test]
fn pucch_config_is_read() {
    let serving = cell_group().sp_cell_config.unwrap().sp_cell_config_dedicated.unwrap();
    let uplink = serving.uplink_config.unwrap();
    assert_eq!(setup(&uplink.pusch_serving_cell_config).ext1.as_ref().unwrap().max_mimo_layers, Some(2));
    let bwp = uplink.initial_uplink_bwp.unwrap();
    let pucch = setup(&bwp.pucch_config);
    assert_eq!(pucch.dl_data_to_ul_ack, Some(vec![4, 5, 6, 15]));
    let resources = pucch.resource_to_add_mod_list.as_ref().unwrap();
    let PucchResourceFormat::Format0(format0) = &resources[0].format else { panic!() };
    assert_eq!((format0.initial_cyclic_shift, format0.nrof_symbols, format0.starting_symbol_index), (7, 2, 12));
    let PucchResourceFormat::Format2(format2) = &resources[1].format else { panic!() };
    assert_eq!((format2.nrof_prbs, resources[1].second_hop_prb), (3, Some(49)));
    assert!(setup(&pucch.format2).simultaneous_harq_ack_csi);
}

// Spec: TS 38.331 §6.2.2 (RRCReconfiguration), §6.3.2 (RadioBearerConfig)
#[test]
fn reconfiguration_is_read() {
    let message: DlDcchMessage = decode(&vector("DL-DCCH-Message", 0)).unwrap();
    let DlDcchMessageType::C1(DlDcchMessageTypeC1::RrcReconfiguration(message)) = message.message else { panic!() };
    let RrcReconfigurationCriticalExtensions::RrcReconfiguration(ies) = message.critical_extensions else { panic!() };
    let bearers = ies.radio_bearer_config.unwrap();
    let drb = &bearers.drb_to_add_mod_list.unwrap()[0];
    let Some(DrbToAddModCnAssociation::SdapConfig(sdap)) = &drb.cn_association else { panic!() };
    assert_eq!((sdap.pdu_session, sdap.sdap_header_ul.name(), drb.drb_identity), (200, "present", 32));
    assert_eq!(sdap.mapped_qos_flows_to_add, Some(vec![9, 63]));
    let pdcp = drb.pdcp_config.as_ref().unwrap();
    assert_eq!(pdcp.t_reordering.unwrap().number(), Some(220));
    assert!(pdcp.drb.as_ref().unwrap().integrity_protection);
    let algorithms = bearers.security_config.unwrap().security_algorithm_config.unwrap();
    assert_eq!(algorithms.ciphering_algorithm, CipheringAlgorithm::Nea2);
    assert_eq!(algorithms.integrity_prot_algorithm, Some(IntegrityProtAlgorithm::Nia3));
    let v1530 = ies.non_critical_extension.unwrap();
    assert!(v1530.full_config);
    let nas = v1530.dedicated_nas_message_list.unwrap();
    assert_eq!((nas[0].as_slice(), nas[1].len()), ([0x7e, 0, 0x42].as_slice(), 200));
    assert_eq!(decode::<CellGroupConfig>(&v1530.master_cell_group.unwrap()), Ok(cell_group()));
}

// Spec: TS 38.331 §6.2.2 (RRCSetupRequest, RRCReestablishmentRequest), §6.2.1 (UL-CCCH)
#[test]
fn requests_are_six_octets() {
    let setup = RrcSetupRequestIes {
        ue_identity: InitialUeIdentity::RandomValue(0x5a_5a5a_5a5a),
        establishment_cause: EstablishmentCause::MoSignalling,
        spare: 0,
    };
    let setup = UlCcchMessageTypeC1::RrcSetupRequest(RrcSetupRequest { rrc_setup_request: setup });
    let ue_identity = ReestabUeIdentity { c_rnti: 17921, phys_cell_id: 1007, short_mac_i: 0xbeef };
    let reestablishment_cause = ReestablishmentCause::OtherFailure;
    let request = RrcReestablishmentRequestIes { ue_identity, reestablishment_cause, spare: 0 };
    let request = UlCcchMessageTypeC1::RrcReestablishmentRequest(RrcReestablishmentRequest {
        rrc_reestablishment_request: request,
    });
    for (nth, c1) in [setup, request].into_iter().enumerate() {
        let octets = encode(&UlCcchMessage { message: UlCcchMessageType::C1(c1) }).unwrap();
        assert_eq!(octets, vector("UL-CCCH-Message", nth));
        assert_eq!(octets.len(), 6);
    }
}

// Spec: TS 38.331 §6.3.3 (UE-NR-Capability, BandNR, FeatureSets)
#[test]
fn capability_is_read() {
    let octets = vector("UE-NR-Capability", 0);
    let capability: UeNrCapability = decode(&octets).unwrap();
    assert_eq!(encode(&capability).unwrap(), octets);
    assert_eq!(capability.access_stratum_release.number(), Some(17));
    let band = &capability.rf_parameters.supported_band_list_nr[1];
    assert!(band.pusch_256_qam);
    let widths = BandNrExt4ChannelBwsDlV1590Fr1 { scs_30khz: Some(0x8001), ..Default::default() };
    let widths = BandNrExt4ChannelBwsDlV1590::Fr1(widths);
    assert_eq!(band.ext4.as_ref().unwrap().channel_bws_dl_v1590, Some(widths));
    let sets = capability.feature_sets.unwrap();
    let downlink = &sets.feature_sets_downlink_per_cc.unwrap()[0];
    assert_eq!(downlink.supported_bandwidth_dl, SupportedBandwidth::Fr1(SupportedBandwidthFr1::Mhz100));
    assert_eq!(downlink.supported_modulation_order_dl, Some(ModulationOrder::Qam256));
    let uplink = &sets.feature_sets_uplink_per_cc.unwrap()[0];
    assert_eq!(uplink.supported_modulation_order_ul.unwrap().name(), "qam64");
}

// Spec: ITU-T X.691 §11.9.3.8 (fragments of 16K units)
#[test]
fn a_long_nas_message_is_sent_in_fragments() {
    let nas: Vec<u8> = (0..100_003u32).map(|i| (i * 7) as u8).collect();
    let ies = UlInformationTransferIes { dedicated_nas_message: Some(nas), ..Default::default() };
    let message = UlInformationTransfer {
        critical_extensions: UlInformationTransferCriticalExtensions::UlInformationTransfer(ies),
    };
    let octets = encode(&message).unwrap();
    assert_eq!(octets.len(), (5usize + 8 * (1 + 65536 + 1 + 32768 + 2 + 1699)).div_ceil(8));
    assert_eq!(decode(&octets), Ok(message));
    assert!(decode::<UlInformationTransfer>(&octets[..70_000]).is_err());
}

// Spec: TS 38.331 §6.3.2 (SearchSpace: ranges)
#[test]
fn what_does_not_fit_is_an_error_with_its_range() {
    let space = SearchSpace { search_space_id: 40, ..Default::default() };
    let error = encode(&space).unwrap_err();
    assert_eq!(error.kind, EncodeErrorKind::Integer { value: 40, min: 0, max: 39 });
    assert_eq!(error.within, "SearchSpace");
    let empty = RrcReconfigurationV1530Ies { dedicated_nas_message_list: Some(vec![]), ..Default::default() };
    assert_eq!(encode(&empty).unwrap_err().kind, EncodeErrorKind::Length { len: 0, min: 1, max: 29 });
}
