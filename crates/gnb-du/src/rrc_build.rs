//! From the cell's configuration to MIB, SIB1 and CellGroupConfig. Spec: TS 38.331 §6.2.2, §6.3.2
//!
//! The terminal's mirror of this file is `ue-cp`'s `apply`.

use crate::config::{Cell, CellParams};
use fapi::{
    CarrierConfig, CceRegMapping, CellConfig, CoresetConfig, CsiReport, CsiRsResource, DedicatedConfig, Duplex,
    MappingType, McsTable, PucchFormat, SearchSpaceConfig, SearchSpaceKind, SrConfig, TddPattern, TimeAllocation,
    resolve,
};
use nr::tables::tdra;
use nr::{Numerology, SlotPoint};
use rrc::*;
use seam::bearer::{Bearer, LogicalChannelConfig as Channel, RlcBearerConfig as BearerConfig, RlcConfig as Rlc};

/// A value that the message cannot carry: a fault of the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuildError(pub String);

impl core::fmt::Display for BuildError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "a value does not fit its RRC message: {} (TS 38.331 §6.3.2)", self.0)
    }
}
impl std::error::Error for BuildError {}

type Built<T> = Result<T, BuildError>;

fn number<E: Enumerated>(n: i64, what: &str) -> Built<E> {
    E::from_number(n as i32).ok_or_else(|| BuildError(format!("{what} = {n}")))
}

/// The number, or the value named `infinity`, for 0 or an absent one.
fn number_or_infinity<E: Enumerated>(n: Option<u32>, what: &str) -> Built<E> {
    match n.filter(|n| *n > 0) {
        Some(n) => number(n as i64, what),
        None => E::ALL.iter().copied().find(|e| e.name() == "infinity").ok_or_else(|| BuildError(what.to_owned())),
    }
}

fn named<E: Enumerated>(name: &str) -> Built<E> {
    E::ALL.iter().copied().find(|e| e.name() == name).ok_or_else(|| BuildError(name.to_owned()))
}

fn encoded<T: Codec>(t: &T) -> Built<Vec<u8>> {
    encode(t).map_err(|e| BuildError(e.to_string()))
}

fn spacing(n: Numerology) -> Built<SubcarrierSpacing> {
    number(n.scs_khz() as i64, "subcarrierSpacing")
}

/// The 24 bits of the BCCH-BCH-Message for the frame of `slot`.
pub fn mib(cell: &Cell, slot: SlotPoint) -> Built<u32> {
    let (p, c) = (&cell.params, &cell.config);
    let high = c.dl.numerology == Numerology::KHZ30 || c.dl.numerology == Numerology::KHZ120;
    let mib = Mib {
        system_frame_number: (slot.sfn() >> 4) as u8,
        sub_carrier_spacing_common: if high {
            MibSubCarrierSpacingCommon::Scs30or120
        } else {
            MibSubCarrierSpacingCommon::Scs15or60
        },
        ssb_subcarrier_offset: c.ssb.k_ssb & 15,
        dmrs_type_a_position: if p.type_a_position == 2 {
            MibDmrsTypeAPosition::Pos2
        } else {
            MibDmrsTypeAPosition::Pos3
        },
        pdcch_config_sib1: PdcchConfigSib1 {
            control_resource_set_zero: p.coreset0_index,
            search_space_zero: p.search_space0_index,
        },
        cell_barred: MibCellBarred::NotBarred,
        intra_freq_reselection: MibIntraFreqReselection::Allowed,
        spare: 0,
    };
    let b = encoded(&BcchBchMessage { message: BcchBchMessageType::Mib(mib) })?;
    match b[..] {
        [a, b, c] => Ok((a as u32) << 16 | (b as u32) << 8 | c as u32),
        _ => Err(BuildError("MIB".into())),
    }
}

/// SIB1 as a BCCH-DL-SCH-Message.
pub fn sib1(cell: &Cell) -> Built<Vec<u8>> {
    let p = &cell.params;
    let plmn = PlmnIdentity { mcc: Some(cell.plmn.mcc.to_vec()), mnc: cell.plmn.mnc_digits() };
    let sib1 = Sib1 {
        cell_selection_info: Some(Sib1CellSelectionInfo {
            q_rx_lev_min: (p.q_rx_lev_min_dbm / 2) as i8,
            ..Default::default()
        }),
        cell_access_related_info: CellAccessRelatedInfo {
            plmn_identity_info_list: vec![PlmnIdentityInfo {
                plmn_identity_list: vec![plmn],
                tracking_area_code: Some(p.tac),
                cell_identity: p.cell_id,
                cell_reserved_for_operator_use: PlmnIdentityInfoCellReservedForOperatorUse::NotReserved,
                ..Default::default()
            }],
            ..Default::default()
        },
        serving_cell_config_common: Some(serving_cell_common(cell)?),
        ue_timers_and_constants: Some(UeTimersAndConstants {
            t300: number(p.t300_ms as i64, "t300_ms")?,
            t301: number(p.t301_ms as i64, "t301_ms")?,
            t310: number(p.t310_ms as i64, "t310_ms")?,
            n310: number(p.n310 as i64, "n310")?,
            t311: number(p.t311_ms as i64, "t311_ms")?,
            n311: number(p.n311 as i64, "n311")?,
            t319: number(1000, "t319")?,
            ..Default::default()
        }),
        ..Default::default()
    };
    encoded(&BcchDlSchMessage {
        message: BcchDlSchMessageType::C1(BcchDlSchMessageTypeC1::SystemInformationBlockType1(sib1)),
    })
}

fn carrier(c: &CarrierConfig) -> Built<ScsSpecificCarrier> {
    Ok(ScsSpecificCarrier {
        offset_to_carrier: c.offset_to_carrier,
        subcarrier_spacing: spacing(c.numerology)?,
        carrier_bandwidth: c.n_rb,
        ..Default::default()
    })
}

/// Spec: TS 38.213 §12: a RIV over 275 RBs from offsetToCarrier.
fn bwp(b: &fapi::Bwp, n: Numerology) -> Built<rrc::Bwp> {
    let riv = resolve::riv_encode(b.start_rb, b.n_rb, 275).ok_or_else(|| BuildError("locationAndBandwidth".into()))?;
    Ok(rrc::Bwp { location_and_bandwidth: riv as u16, subcarrier_spacing: spacing(n)?, cyclic_prefix: None })
}

fn serving_cell_common(cell: &Cell) -> Built<ServingCellConfigCommonSib> {
    let (p, c) = (&cell.params, &cell.config);
    let band_list = vec![NrMultiBandInfo { freq_band_indicator_nr: Some(p.band), ..Default::default() }];
    let fdd = c.duplex == Duplex::Fdd;
    let period = number(p.ssb_period_ms as i64, "ssb_period_ms")?;
    Ok(ServingCellConfigCommonSib {
        downlink_config_common: DownlinkConfigCommonSib {
            frequency_info_dl: FrequencyInfoDlSib {
                frequency_band_list: band_list.clone(),
                offset_to_point_a: c.ssb.offset_to_point_a,
                scs_specific_carrier_list: vec![carrier(&c.dl)?],
            },
            initial_downlink_bwp: downlink_bwp(cell)?,
            bcch_config: BcchConfig {
                modification_period_coeff: BcchConfigModificationPeriodCoeff::N4,
                ..Default::default()
            },
            pcch_config: PcchConfig::default(),
            ..Default::default()
        },
        uplink_config_common: Some(UplinkConfigCommonSib {
            frequency_info_ul: FrequencyInfoUlSib {
                frequency_band_list: fdd.then_some(band_list),
                absolute_frequency_point_a: match fdd {
                    true => Some(
                        nr::tables::arfcn::arfcn(c.ul.point_a_hz)
                            .ok_or_else(|| BuildError("absoluteFrequencyPointA off the raster".into()))?,
                    ),
                    false => None,
                },
                scs_specific_carrier_list: vec![carrier(&c.ul)?],
                p_max: Some(p.p_max_dbm),
                ..Default::default()
            },
            initial_uplink_bwp: uplink_bwp(cell)?,
            time_alignment_timer_common: TimeAlignmentTimer::Infinity,
        }),
        n_timing_advance_offset: Some(number(p.n_ta_offset_tc, "n_ta_offset_tc")?),
        ssb_positions_in_burst: ServingCellConfigCommonSibSsbPositionsInBurst {
            in_one_group: (c.ssb.positions_in_burst as u8).reverse_bits(),
            group_presence: None,
        },
        ssb_periodicity_serving_cell: period,
        tdd_ul_dl_configuration_common: match c.duplex {
            Duplex::Fdd => None,
            Duplex::Tdd(t) => Some(tdd(&t, c.dl.numerology)?),
        },
        ss_pbch_block_power: c.ssb.block_power_dbm,
        ..Default::default()
    })
}

fn tdd(t: &TddPattern, n: Numerology) -> Built<TddUlDlConfigCommon> {
    // Periods in eighths of a millisecond, for 0.625 ms is one of them.
    let eighths = t.period_slots as u32 * 8 / n.slots_per_subframe();
    let name = match eighths {
        4 => "ms0p5",
        5 => "ms0p625",
        8 => "ms1",
        10 => "ms1p25",
        16 => "ms2",
        20 => "ms2p5",
        40 => "ms5",
        80 => "ms10",
        _ => return Err(BuildError(format!("dl-UL-TransmissionPeriodicity of {} slots", t.period_slots))),
    };
    Ok(TddUlDlConfigCommon {
        reference_subcarrier_spacing: spacing(n)?,
        pattern1: TddUlDlPattern {
            dl_ul_transmission_periodicity: named(name)?,
            nrof_downlink_slots: t.dl_slots as u16,
            nrof_downlink_symbols: t.dl_symbols,
            nrof_uplink_slots: t.ul_slots as u16,
            nrof_uplink_symbols: t.ul_symbols,
            ..Default::default()
        },
        ..Default::default()
    })
}

fn pdsch_times(list: &[TimeAllocation]) -> Built<Vec<PdschTimeDomainResourceAllocation>> {
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

fn pusch_times(list: &[TimeAllocation]) -> Built<Vec<PuschTimeDomainResourceAllocation>> {
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
fn search_space(s: &SearchSpaceConfig) -> Built<SearchSpace> {
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

fn coreset(c: &CoresetConfig, pci: u16) -> Built<ControlResourceSet> {
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

fn downlink_bwp(cell: &Cell) -> Built<BwpDownlinkCommon> {
    let c = &cell.config;
    let spaces: Vec<SearchSpace> =
        c.search_spaces.iter().filter(|s| s.id != 0).map(search_space).collect::<Built<_>>()?;
    let common = c.coresets.iter().find(|s| s.id != 0).map(|s| coreset(s, c.pci.get())).transpose()?;
    Ok(BwpDownlinkCommon {
        generic_parameters: bwp(&c.initial_dl_bwp, c.dl.numerology)?,
        pdcch_config_common: Some(SetupRelease::Setup(PdcchConfigCommon {
            control_resource_set_zero: Some(cell.params.coreset0_index),
            search_space_zero: Some(cell.params.search_space0_index),
            common_control_resource_set: common,
            common_search_space_list: (!spaces.is_empty()).then_some(spaces),
            search_space_sib1: Some(c.ss_sib1),
            paging_search_space: c.ss_paging,
            ra_search_space: Some(c.ss_ra),
            ..Default::default()
        })),
        pdsch_config_common: Some(SetupRelease::Setup(PdschConfigCommon {
            pdsch_time_domain_allocation_list: Some(pdsch_times(&c.pdsch.time_allocations)?),
            ..Default::default()
        })),
        ..Default::default()
    })
}

fn uplink_bwp(cell: &Cell) -> Built<BwpUplinkCommon> {
    let c = &cell.config;
    Ok(BwpUplinkCommon {
        generic_parameters: bwp(&c.initial_ul_bwp, c.ul.numerology)?,
        rach_config_common: Some(SetupRelease::Setup(rach(c)?)),
        pusch_config_common: Some(SetupRelease::Setup(PuschConfigCommon {
            pusch_time_domain_allocation_list: Some(pusch_times(&c.pusch.time_allocations)?),
            msg3_delta_preamble: Some(c.pusch.msg3_delta_preamble_db / 2),
            p0_nominal_with_grant: Some(c.pusch.p0_dbm),
            ..Default::default()
        })),
        pucch_config_common: Some(SetupRelease::Setup(PucchConfigCommon {
            pucch_resource_common: Some(c.pucch.common_resource_row),
            pucch_group_hopping: *PucchConfigCommonPucchGroupHopping::ALL
                .get(c.pucch.group_hopping as usize)
                .ok_or_else(|| BuildError("pucch-GroupHopping".into()))?,
            hopping_id: (c.pucch.hopping_id != c.pci.get()).then_some(c.pucch.hopping_id),
            p0_nominal: Some(c.pucch.p0_dbm),
            ..Default::default()
        })),
        ..Default::default()
    })
}

fn rach(c: &CellConfig) -> Built<RachConfigCommon> {
    use RachConfigCommonSsbPerRachOccasionAndCbPreamblesPerSsb as PerSsb;
    let r = &c.rach;
    Ok(RachConfigCommon {
        rach_config_generic: RachConfigGeneric {
            prach_configuration_index: r.configuration_index as u8,
            msg1_fdm: *RachConfigGenericMsg1Fdm::ALL
                .get(r.msg1_fdm.trailing_zeros() as usize)
                .ok_or_else(|| BuildError("msg1-FDM".into()))?,
            msg1_frequency_start: r.msg1_frequency_start,
            zero_correlation_zone_config: r.zero_correlation_zone,
            preamble_received_target_power: r.preamble_target_power_dbm,
            preamble_trans_max: number(r.preamble_trans_max as i64, "preambleTransMax")?,
            power_ramping_step: number(r.power_ramping_step_db as i64, "powerRampingStep")?,
            ra_response_window: number(r.ra_response_window_slots as i64, "ra-ResponseWindow")?,
            ..Default::default()
        },
        total_number_of_ra_preambles: (r.n_preambles < 64).then_some(r.n_preambles),
        ssb_per_rach_occasion_and_cb_preambles_per_ssb: Some(PerSsb::One(number(
            r.cb_preambles_per_ssb as i64,
            "CB-PreamblesPerSSB",
        )?)),
        ra_contention_resolution_timer: number(
            r.contention_resolution_timer_ms as i64,
            "ra-ContentionResolutionTimer",
        )?,
        prach_root_sequence_index: if r.long_sequence {
            RachConfigCommonPrachRootSequenceIndex::L839(r.root_sequence_index)
        } else {
            RachConfigCommonPrachRootSequenceIndex::L139(r.root_sequence_index as u8)
        },
        msg1_subcarrier_spacing: if r.long_sequence { None } else { Some(spacing(r.msg1_numerology)?) },
        restricted_set_config: *RachConfigCommonRestrictedSetConfig::ALL
            .get(r.restricted_set as usize)
            .ok_or_else(|| BuildError("restrictedSetConfig".into()))?,
        msg3_transform_precoder: c.pusch.transform_precoding,
        ..Default::default()
    })
}

/// What a CellGroupConfig carries.
pub struct CellGroup<'a> {
    /// The UE's dedicated configuration; `None` leaves the physical layer as SIB1 has it (but for what every UE needs).
    pub dedicated: Option<&'a DedicatedConfig>,
    /// RLC bearers to add.
    pub add: &'a [BearerConfig],
    /// Logical channels to release.
    pub release: &'a [u8],
    /// Logical channels whose RLC is to be re-established.
    pub reestablish: &'a [u8],
}

/// A CellGroupConfig in UPER.
pub fn cell_group(cell: &Cell, g: &CellGroup<'_>) -> Built<Vec<u8>> {
    let p = &cell.params;
    let mut bearers: Vec<RlcBearerConfig> = g.add.iter().map(rlc_bearer).collect::<Built<_>>()?;
    bearers.extend(g.reestablish.iter().map(|l| RlcBearerConfig {
        logical_channel_identity: *l,
        reestablish_rlc: true,
        ..Default::default()
    }));
    encoded(&CellGroupConfig {
        cell_group_id: 0,
        rlc_bearer_to_add_mod_list: (!bearers.is_empty()).then_some(bearers),
        rlc_bearer_to_release_list: (!g.release.is_empty()).then(|| g.release.to_vec()),
        mac_cell_group_config: Some(mac(p)?),
        physical_cell_group_config: Some(PhysicalCellGroupConfig {
            pdsch_harq_ack_codebook: PhysicalCellGroupConfigPdschHarqAckCodebook::Dynamic,
            ..Default::default()
        }),
        sp_cell_config: Some(SpCellConfig {
            rlf_timers_and_constants: Some(SetupRelease::Setup(RlfTimersAndConstants {
                t310: number(p.t310_ms as i64, "t310_ms")?,
                n310: number(p.n310 as i64, "n310")?,
                n311: number(p.n311 as i64, "n311")?,
                ..Default::default()
            })),
            sp_cell_config_dedicated: g.dedicated.map(|d| serving_cell(cell, d)).transpose()?,
            ..Default::default()
        }),
        ..Default::default()
    })
}

fn mac(p: &CellParams) -> Built<MacCellGroupConfig> {
    let sr_prohibit_timer = match p.sr_prohibit_ms {
        0 => None,
        n => Some(number(n as i64, "sr_prohibit_ms")?),
    };
    Ok(MacCellGroupConfig {
        scheduling_request_config: Some(SchedulingRequestConfig {
            scheduling_request_to_add_mod_list: Some(vec![SchedulingRequestToAddMod {
                scheduling_request_id: 0,
                sr_prohibit_timer,
                sr_trans_max: number(p.sr_trans_max as i64, "sr_trans_max")?,
            }]),
            ..Default::default()
        }),
        bsr_config: Some(BsrConfig {
            periodic_bsr_timer: number(p.periodic_bsr_ms as i64, "periodic_bsr_ms")?,
            retx_bsr_timer: number(p.retx_bsr_ms as i64, "retx_bsr_ms")?,
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
        phr_config: Some(SetupRelease::Setup(PhrConfig {
            phr_periodic_timer: number(p.phr_periodic_ms as i64, "phr_periodic_ms")?,
            phr_prohibit_timer: PhrConfigPhrProhibitTimer::Sf10,
            phr_tx_power_factor_change: PhrConfigPhrTxPowerFactorChange::DB3,
            ..Default::default()
        })),
        ..Default::default()
    })
}

fn rlc_bearer(b: &BearerConfig) -> Built<RlcBearerConfig> {
    use RlcBearerConfigServedRadioBearer as S;
    let served = match b.bearer {
        Bearer::Srb0 => return Err(BuildError("SRB0 is not configured".into())),
        Bearer::Srb1 => S::SrbIdentity(1),
        Bearer::Srb2 => S::SrbIdentity(2),
        Bearer::Drb(d) => S::DrbIdentity(d.get()),
    };
    Ok(RlcBearerConfig {
        logical_channel_identity: b.lcid.get(),
        served_radio_bearer: Some(served),
        rlc_config: Some(rlc(&b.rlc)?),
        mac_logical_channel_config: Some(channel(&b.logical_channel)?),
        ..Default::default()
    })
}

fn rlc(r: &Rlc) -> Built<RlcConfig> {
    Ok(match r {
        Rlc::Tm => return Err(BuildError("RLC TM is not configured".into())),
        Rlc::Um { sn_bits, t_reassembly_ms } => RlcConfig::UmBiDirectional(RlcConfigUmBiDirectional {
            ul_um_rlc: UlUmRlc { sn_field_length: Some(number(*sn_bits as i64, "sn-FieldLength")?) },
            dl_um_rlc: DlUmRlc {
                sn_field_length: Some(number(*sn_bits as i64, "sn-FieldLength")?),
                t_reassembly: number(*t_reassembly_ms as i64, "t-Reassembly")?,
            },
        }),
        Rlc::Am {
            sn_bits,
            t_poll_retransmit_ms,
            poll_pdu,
            poll_byte,
            max_retx_threshold,
            t_reassembly_ms,
            t_status_prohibit_ms,
        } => RlcConfig::Am(RlcConfigAm {
            ul_am_rlc: UlAmRlc {
                sn_field_length: Some(number(*sn_bits as i64, "sn-FieldLength")?),
                t_poll_retransmit: number(*t_poll_retransmit_ms as i64, "t-PollRetransmit")?,
                poll_pdu: number_or_infinity(*poll_pdu, "pollPDU")?,
                poll_byte: poll_bytes(*poll_byte)?,
                max_retx_threshold: number(*max_retx_threshold as i64, "maxRetxThreshold")?,
            },
            dl_am_rlc: DlAmRlc {
                sn_field_length: Some(number(*sn_bits as i64, "sn-FieldLength")?),
                t_reassembly: number(*t_reassembly_ms as i64, "t-Reassembly")?,
                t_status_prohibit: number(*t_status_prohibit_ms as i64, "t-StatusProhibit")?,
            },
        }),
    })
}

/// PollByte is named in kB up to 3000 kB here.
fn poll_bytes(n: Option<u32>) -> Built<PollByte> {
    match n {
        None => named("infinity"),
        Some(b) => named(&format!("kB{}", b / 1000)),
    }
}

fn channel(c: &Channel) -> Built<LogicalChannelConfig> {
    Ok(LogicalChannelConfig {
        ul_specific_parameters: Some(LogicalChannelConfigUlSpecificParameters {
            priority: c.priority,
            prioritised_bit_rate: match c.prioritised_bit_rate {
                None => named("infinity")?,
                Some(b) => named(&format!("kBps{}", b / 1000))?,
            },
            bucket_size_duration: number(c.bucket_size_duration_ms as i64, "bucketSizeDuration")?,
            logical_channel_group: c.logical_channel_group,
            scheduling_request_id: c.scheduling_request.then_some(0),
            ..Default::default()
        }),
        ..Default::default()
    })
}

fn serving_cell(cell: &Cell, d: &DedicatedConfig) -> Built<ServingCellConfig> {
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
            pdsch_config: Some(SetupRelease::Setup(pdsch(&d.pdsch, pci)?)),
            ..Default::default()
        }),
        first_active_downlink_bwp_id: Some(0),
        uplink_config: Some(UplinkConfig {
            initial_uplink_bwp: Some(BwpUplinkDedicated {
                pucch_config: Some(SetupRelease::Setup(pucch(&d.pucch)?)),
                pusch_config: Some(SetupRelease::Setup(pusch(&d.pusch, &cell.config)?)),
                srs_config: Some(SetupRelease::Setup(srs(pci)?)),
                ..Default::default()
            }),
            first_active_uplink_bwp_id: Some(0),
            ..Default::default()
        }),
        pdsch_serving_cell_config: Some(SetupRelease::Setup(PdschServingCellConfig {
            nrof_harq_processes_for_pdsch: n_harq,
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
        resource_allocation: if c.resource_allocation_type0 {
            PdschConfigResourceAllocation::ResourceAllocationType0
        } else {
            PdschConfigResourceAllocation::ResourceAllocationType1
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

fn pusch(c: &fapi::PuschConfig, cell: &CellConfig) -> Built<rrc::PuschConfig> {
    let dmrs = DmrsUplinkConfig {
        dmrs_type: (c.dmrs.config_type == 2).then_some(DmrsUplinkConfigDmrsType::Type2),
        dmrs_additional_position: additional(c.dmrs.additional_position)?,
        max_length: (c.dmrs.max_length == 2).then_some(DmrsUplinkConfigMaxLength::Len2),
        transform_precoding_disabled: Some(DmrsUplinkConfigTransformPrecodingDisabled::default()),
        ..Default::default()
    };
    let alpha = match (c.alpha * 10.0 + 0.5) as u8 {
        0 => Alpha::Alpha0,
        4 => Alpha::Alpha04,
        5 => Alpha::Alpha05,
        6 => Alpha::Alpha06,
        7 => Alpha::Alpha07,
        8 => Alpha::Alpha08,
        9 => Alpha::Alpha09,
        _ => Alpha::Alpha1,
    };
    let p0 = c.p0_dbm - cell.pusch.p0_dbm;
    Ok(rrc::PuschConfig {
        data_scrambling_identity_pusch: (c.n_id != cell.pci.get()).then_some(c.n_id),
        dmrs_uplink_for_pusch_mapping_type_a: Some(SetupRelease::Setup(dmrs)),
        pusch_power_control: Some(PuschPowerControl {
            p0_alpha_sets: Some(vec![P0PuschAlphaSet {
                p0_pusch_alpha_set_id: 0,
                p0: Some(i8::try_from(p0).map_err(|_| BuildError("p0".into()))?),
                alpha: Some(alpha),
            }]),
            ..Default::default()
        }),
        resource_allocation: PuschConfigResourceAllocation::ResourceAllocationType1,
        pusch_time_domain_allocation_list: Some(SetupRelease::Setup(pusch_times(&c.time_allocations)?)),
        mcs_table: mcs_table(c.mcs_table)?,
        transform_precoder: Some(PuschConfigTransformPrecoder::Disabled),
        tx_config: Some(PuschConfigTxConfig::Codebook),
        codebook_subset: Some(PuschConfigCodebookSubset::NonCoherent),
        max_rank: Some(1),
        uci_on_pusch: Some(SetupRelease::Setup(UciOnPusch {
            beta_offsets: Some(UciOnPuschBetaOffsets::SemiStatic(BetaOffsets {
                beta_offset_ack_index1: Some(c.beta_offset_ack[0]),
                beta_offset_ack_index2: Some(c.beta_offset_ack[1]),
                beta_offset_ack_index3: Some(c.beta_offset_ack[2]),
                beta_offset_csi_part1_index1: Some(c.beta_offset_csi1[0]),
                beta_offset_csi_part1_index2: Some(c.beta_offset_csi1[1]),
                beta_offset_csi_part2_index1: Some(c.beta_offset_csi1[0]),
                beta_offset_csi_part2_index2: Some(c.beta_offset_csi1[1]),
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
    let rate = [80, 150, 250, 350, 450, 600, 800].iter().position(|r| *r == c.f2_max_code_rate_milli);
    let rate = rate.and_then(|i| PucchMaxCodeRate::ALL.get(i).copied());
    Ok(rrc::PucchConfig {
        resource_set_to_add_mod_list: Some(sets),
        resource_to_add_mod_list: Some(c.resources.iter().map(pucch_resource).collect::<Built<_>>()?),
        format1: Some(SetupRelease::Setup(PucchFormatConfig::default())),
        format2: Some(SetupRelease::Setup(PucchFormatConfig {
            max_code_rate: Some(rate.ok_or_else(|| BuildError("maxCodeRate".into()))?),
            simultaneous_harq_ack_csi: c.f2_simultaneous_harq_csi,
            ..Default::default()
        })),
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
        PucchFormat::F3 { .. } | PucchFormat::F4 { .. } => {
            return Err(BuildError("PUCCH formats 3 and 4 (TS 38.211 §6.3.2.6)".into()));
        }
    };
    Ok(rrc::PucchResource {
        pucch_resource_id: r.id,
        starting_prb: r.start_prb,
        intra_slot_frequency_hopping: r.second_hop_prb.is_some(),
        second_hop_prb: r.second_hop_prb,
        format,
    })
}

fn csi(d: &DedicatedConfig) -> Built<CsiMeasConfig> {
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
        1 => (A::Row1(1 << r.k0), CsiRsResourceMappingDensity::Three),
        2 => (A::Row2(1 << r.k0), CsiRsResourceMappingDensity::One),
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
