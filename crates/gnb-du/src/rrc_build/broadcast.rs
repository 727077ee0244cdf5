//! What every UE hears: MIB and SIB1. Spec: TS 38.331 §6.2.2, §6.3.2

use super::shared::{coreset, pdsch_times, pusch_times, search_space};
use super::*;
use crate::config::Cell;
use fapi::{CarrierConfig, CellConfig, Duplex, TddPattern, resolve};
use nr::SlotPoint;

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

/// A PCCH-Message that calls these 5G-S-TMSIs, at most 32.
pub fn paging(s_tmsis: &[u64]) -> Built<Vec<u8>> {
    let record =
        |s_tmsi: &u64| PagingRecord { ue_identity: PagingUeIdentity::Ng5GSTmsi(*s_tmsi), ..Default::default() };
    let list = s_tmsis.iter().map(record).collect();
    let paging = Paging { paging_record_list: Some(list), ..Default::default() };
    encoded(&PcchMessage { message: PcchMessageType::C1(PcchMessageTypeC1::Paging(paging)) })
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

fn pcch(cell: &Cell) -> Built<PcchConfig> {
    use PcchConfigNAndPagingFrameOffset as Frames;
    let Some(p) = &cell.config.paging else { return Ok(PcchConfig::default()) };
    let offset = p.frame_offset as u8;
    Ok(PcchConfig {
        default_paging_cycle: number(i64::from(p.cycle_frames), "defaultPagingCycle")?,
        n_and_paging_frame_offset: match p.cycle_frames / p.frames.max(1) {
            1 => Frames::OneT,
            2 => Frames::HalfT(offset),
            4 => Frames::QuarterT(offset),
            8 => Frames::OneEighthT(offset),
            16 => Frames::OneSixteenthT(offset),
            _ => return Err(BuildError("nAndPagingFrameOffset".into())),
        },
        ns: match p.occasions {
            1 => PcchConfigNs::One,
            2 => PcchConfigNs::Two,
            _ => PcchConfigNs::Four,
        },
        ..Default::default()
    })
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
            pcch_config: pcch(cell)?,
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
            paging_search_space: c.paging.map(|p| p.search_space),
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
