//! A cell of another codec's making (vectors/rrc_hand.txt, see vectors/rrc.manifest.toml) against what L1 is to be told.

use super::sib1::{FoundCell, cell_config, plmns};
use super::{ApplyError, bearer, cell_group};
use fapi::*;
use nr::{Numerology, Pci};
use rrc::SetupRelease;

fn vector(name: &str) -> Vec<u8> {
    let text = include_str!("../../../../vectors/rrc_hand.txt");
    let (_, hex) = text.lines().filter_map(|l| l.split_once(' ')).find(|(n, _)| *n == name).unwrap();
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

fn found() -> FoundCell {
    let rrc::BcchBchMessageType::Mib(mib) =
        rrc::decode::<rrc::BcchBchMessage>(&vector("BCCH-BCH-Message")).unwrap().message
    else {
        panic!()
    };
    FoundCell {
        pci: Pci::new(321).unwrap(),
        ssb_hz: 3_488.16e6,
        band: 78,
        k_ssb: 6,
        ssb_index: 0,
        ssb_numerology: Numerology::KHZ30,
        ssb_case: SsbCase::C,
        l_max: 8,
        mib,
    }
}

fn sib1() -> rrc::Sib1 {
    let message: rrc::BcchDlSchMessage = rrc::decode(&vector("BCCH-DL-SCH-Message")).unwrap();
    let rrc::BcchDlSchMessageType::C1(rrc::BcchDlSchMessageTypeC1::SystemInformationBlockType1(s)) = message.message
    else {
        panic!()
    };
    s
}

/// The CORESET with one group of six RBs less, so that it fits 51 RBs.
fn narrower(g: &mut rrc::CellGroupConfig) {
    let serving = g.sp_cell_config.as_mut().unwrap().sp_cell_config_dedicated.as_mut().unwrap();
    let Some(SetupRelease::Setup(pdcch)) = &mut serving.initial_downlink_bwp.as_mut().unwrap().pdcch_config else {
        panic!()
    };
    pdcch.control_resource_set_to_add_mod_list.as_mut().unwrap()[0].frequency_domain_resources = 0x7f << 38;
}

/// The same with its SS/PBCH block high enough that CORESET 0 lies on the carrier.
fn fitting() -> rrc::Sib1 {
    let mut s = sib1();
    let common = s.serving_cell_config_common.as_mut().unwrap();
    common.downlink_config_common.frequency_info_dl.offset_to_point_a = 30;
    s
}

fn group() -> rrc::CellGroupConfig {
    let message: rrc::DlCcchMessage = rrc::decode(&vector("DL-CCCH-Message")).unwrap();
    let rrc::DlCcchMessageType::C1(rrc::DlCcchMessageTypeC1::RrcSetup(m)) = message.message else { panic!() };
    let rrc::RrcSetupCriticalExtensions::RrcSetup(ies) = m.critical_extensions else { panic!() };
    rrc::decode(&ies.master_cell_group).unwrap()
}

#[test] // Spec: TS 38.331 §6.2.2 (SIB1), TS 38.213 §13 (CORESET 0 lies where the MIB says, not where SIB1 would like it)
fn a_carrier_without_coreset_0_is_refused() {
    let e = cell_config(&found(), &sib1()).unwrap_err();
    assert_eq!(e.clause, "TS 38.213 §13");
}

#[test] // Spec: TS 38.331 §6.2.2 (SIB1), §6.3.2 (ServingCellConfigCommonSIB)
fn sib1_describes_the_cell() {
    let s = fitting();
    assert_eq!(plmns(&s), [("999-70".parse().unwrap(), Some(0xabcde), 0x1_2345_6789)]);
    let (c, mac) = cell_config(&found(), &s).unwrap();
    // Point A: 120 subcarriers, k_SSB of 15 kHz and offsetToPointA RBs of 15 kHz below the block's centre.
    assert_eq!(c.dl.point_a_hz, 3_488.16e6 - 3.6e6 - 90e3 - 30.0 * 180e3);
    assert_eq!((c.dl.offset_to_carrier, c.dl.n_rb, c.dl.numerology), (2, 51, Numerology::KHZ30));
    assert_eq!(c.ul, c.dl);
    assert_eq!((c.initial_dl_bwp.start_rb, c.initial_dl_bwp.n_rb), (0, 51));
    let pattern = TddPattern { period_slots: 5, dl_slots: 3, dl_symbols: 10, ul_slots: 1, ul_symbols: 2 };
    assert_eq!(c.duplex, Duplex::Tdd(pattern));
    assert_eq!((c.ssb.positions_in_burst, c.ssb.period_ms, c.ssb.block_power_dbm), (0b101, 20, -16));
    assert_eq!((c.ss_sib1, c.ss_ra), (0, 1));
    let p = c.paging.unwrap();
    assert_eq!((p.search_space, p.cycle_frames, p.frames, p.frame_offset, p.occasions), (1, 128, 32, 3, 2));
    let space = c.search_spaces.iter().find(|x| x.id == 1).unwrap();
    assert_eq!((space.period_slots, space.offset_slots, space.duration_slots, space.symbols), (10, 3, 2, 1));
    assert_eq!(space.n_candidates, [0, 0, 4, 2, 1]);
    let times: Vec<_> = c.pdsch.time_allocations.iter().map(|t| (t.k, t.mapping, t.start, t.n_symbols)).collect();
    // SLIV 57 is 14 * (5 - 1) + 1; 40 is 14 * (14 - 13 + 1) + (14 - 1 - 1), for 12 + 3 symbols would not fit.
    assert_eq!(times, [(0, MappingType::A, 1, 13), (3, MappingType::B, 1, 5)]);
    assert_eq!((c.pusch.time_allocations[0].k, c.pusch.time_allocations[0].n_symbols), (4, 14));
    assert_eq!((c.pusch.msg3_delta_preamble_db, c.pusch.p0_dbm), (6, -92));
    assert_eq!((c.pucch.common_resource_row, c.pucch.hopping_id, c.pucch.p0_dbm), (11, 513, -98));
    let r = c.rach;
    assert_eq!((r.configuration_index, r.msg1_frequency_start, r.zero_correlation_zone), (148, 17, 12));
    assert_eq!((r.root_sequence_index, r.long_sequence, r.cb_preambles_per_ssb), (77, false, 48));
    assert_eq!((mac.preamble_trans_max, mac.ra_response_window_slots, mac.n_preambles), (10, 20, 48));
    assert_eq!((mac.power_ramping_step_db, mac.contention_resolution_timer_ms), (4, 56));
    assert_eq!((c.n_ta_offset_tc, c.p_max_dbm), (25_600, 23));
}

#[test] // Spec: TS 38.331 §5.3.5.8.2 (a configuration that cannot be complied with is refused as a whole)
fn what_does_not_fit_is_refused_with_its_clause() {
    let (c, _) = cell_config(&found(), &fitting()).unwrap();
    let old = cell_group::initial(&c);
    let apply = |g: &rrc::CellGroupConfig| cell_group::apply(g, &old, &cell_group::default_mac(), &c).unwrap_err();
    let ApplyError { what, clause } = apply(&group());
    assert_eq!((what.as_str(), clause), ("RLC sequence numbers of unequal length", "TS 38.322 §6.2.2"));
    let mut g = group();
    g.rlc_bearer_to_add_mod_list = None;
    assert_eq!(apply(&g).what, "frequencyDomainResources beyond the BWP");
    narrower(&mut g);
    assert_eq!(apply(&g).what, "PUCCH resource 1 is not there");
    g.s_cell_to_add_mod_list = Some(Default::default());
    assert_eq!(apply(&g).what, "a secondary cell");
}

/// The cell, and a CellGroupConfig that fits it: PUCCH resources 0 (format 0) and 1 (format 2) in a set each, requests on 2.
pub(crate) fn cell_and_group() -> (CellConfig, rrc::CellGroupConfig) {
    let (c, _) = cell_config(&found(), &fitting()).unwrap();
    let mut g = group();
    let Some(rrc::RlcConfig::Am(am)) = &mut g.rlc_bearer_to_add_mod_list.as_mut().unwrap()[0].rlc_config else {
        panic!()
    };
    am.dl_am_rlc.sn_field_length = Some(rrc::SnFieldLengthAm::Size18);
    narrower(&mut g);
    let serving = g.sp_cell_config.as_mut().unwrap().sp_cell_config_dedicated.as_mut().unwrap();
    let uplink = serving.uplink_config.as_mut().unwrap().initial_uplink_bwp.as_mut().unwrap();
    let Some(SetupRelease::Setup(pucch)) = &mut uplink.pucch_config else { panic!() };
    pucch.resource_set_to_add_mod_list.as_mut().unwrap()[0].resource_list = vec![0];
    pucch.scheduling_request_resource_to_add_mod_list.as_mut().unwrap()[0].resource = Some(2);
    (c, g)
}

#[test] // Spec: TS 38.331 §6.3.2 (CellGroupConfig)
fn a_cell_group_configures_the_terminal() {
    let (c, g) = cell_and_group();
    let out = cell_group::apply(&g, &cell_group::initial(&c), &cell_group::default_mac(), &c).unwrap();
    let d = &out.dedicated;
    assert_eq!((d.coresets[0].id, d.coresets[0].rb_groups, d.coresets[0].dmrs_n_id), (1, 0x7f, 60_001));
    // The first group begins at the common RB that is a multiple of six: 6, which is RB 4 of a carrier that begins at 2.
    assert_eq!((d.coresets[0].start_rb, d.coresets[0].dmrs_reference_rb), (4, -2));
    let mapping = CceRegMapping::Interleaved { reg_bundle_size: 6, interleaver_size: 3, shift_index: 274 };
    assert_eq!(d.coresets[0].mapping, mapping);
    let space = d.search_spaces[0];
    assert_eq!((space.id, space.coreset_id, space.symbols, space.kind), (2, 1, 0b11, SearchSpaceKind::Ue));
    assert_eq!(space.n_candidates, [8, 6, 5, 3, 2]);
    assert_eq!((d.pdsch.n_id, d.pdsch.mcs_table, d.pdsch.rbg_config2), (1000, McsTable::Qam256, true));
    assert_eq!((d.n_dl_harq, d.pdsch.max_layers, d.harq_codebook), (16, 4, HarqCodebook::Dynamic));
    assert_eq!(d.pucch.resources[0].format, PucchFormat::F0 { initial_cyclic_shift: 7 });
    assert_eq!(d.pucch.resources[1].format, PucchFormat::F2 { n_prb: 3 });
    assert_eq!(d.pucch.resource_sets, [vec![0], vec![1]]);
    assert_eq!((d.pucch.set_max_payload[1], d.pucch.f2_max_code_rate_milli), (64, 250));
    assert_eq!(d.pucch.sr, Some(SrConfig { resource_idx: 1, period_slots: 40, offset_slots: 9 }));
    assert_eq!(d.pucch.dl_data_to_ul_ack, [4, 5, 6, 15]);
    assert_eq!((d.pusch.p0_dbm, d.pusch.beta_offset_ack, d.pusch.beta_offset_csi1), (-98, [9, 8, 7], [6, 5]));
    assert_eq!((d.pusch.uci_scaling, d.pusch.x_overhead, d.pusch.max_layers), (0.8, 12, 2));
    let csi = d.csi_rs[0];
    assert_eq!((csi.row, csi.k[0], csi.l0, csi.density_x2, csi.period_slots, csi.offset_slots), (1, 2, 8, 6, 80, 41));
    assert_eq!(out.rlf, Some((4000, 20, 10)));
    let mac = out.mac.unwrap();
    assert_eq!(
        (mac.periodic_bsr_timer_ms, mac.retx_bsr_timer_ms, mac.time_alignment_timer_ms),
        (Some(20), 320, Some(10_240))
    );
    assert_eq!((mac.sr_prohibit_timer_ms, mac.sr_trans_max, mac.phr_tx_power_factor_change_db), (16, 64, Some(6)));
    let b = out.add[0];
    assert_eq!(
        (b.lcid.get(), b.logical_channel.priority, b.logical_channel.prioritised_bit_rate),
        (4, 12, Some(256_000))
    );
    let seam::bearer::RlcConfig::Am { sn_bits, poll_pdu, poll_byte, max_retx_threshold, t_status_prohibit_ms, .. } =
        b.rlc
    else {
        panic!()
    };
    assert_eq!((sn_bits, poll_pdu, poll_byte), (18, Some(16), Some(500_000)));
    assert_eq!((max_retx_threshold, t_status_prohibit_ms), (32, 15));
}

#[test] // Spec: TS 38.331 §6.3.2 CSI-FrequencyOccupation (in steps of four; the width of the BWP where that is less)
fn a_csi_rs_ends_with_the_bandwidth_part() {
    let (c, mut g) = cell_and_group();
    let serving = g.sp_cell_config.as_mut().unwrap().sp_cell_config_dedicated.as_mut().unwrap();
    let Some(SetupRelease::Setup(csi)) = &mut serving.csi_meas_config else { panic!() };
    let band = &mut csi.nzp_csi_rs_resource_to_add_mod_list.as_mut().unwrap()[0].resource_mapping.freq_band;
    (band.starting_rb, band.nrof_rbs) = (0, c.initial_dl_bwp.n_rb.next_multiple_of(4) + 4);
    let out = cell_group::apply(&g, &cell_group::initial(&c), &cell_group::default_mac(), &c).unwrap();
    assert_eq!(out.dedicated.csi_rs[0].n_rb, c.initial_dl_bwp.n_rb);
}

#[test] // Spec: TS 38.331 §6.3.2 (RadioBearerConfig: SDAP-Config, PDCP-Config)
fn a_radio_bearer_is_read() {
    let message: rrc::DlDcchMessage = rrc::decode(&vector("DL-DCCH-Message")).unwrap();
    let rrc::DlDcchMessageType::C1(rrc::DlDcchMessageTypeC1::RrcReconfiguration(m)) = message.message else { panic!() };
    let rrc::RrcReconfigurationCriticalExtensions::RrcReconfiguration(ies) = m.critical_extensions else { panic!() };
    let drb = ies.radio_bearer_config.unwrap().drb_to_add_mod_list.unwrap().remove(0);
    let Some(rrc::DrbToAddModCnAssociation::SdapConfig(s)) = &drb.cn_association else { panic!() };
    let sdap = bearer::sdap(s);
    assert_eq!((sdap.pdu_session, sdap.header_dl, sdap.header_ul, sdap.default_drb), (200, false, true, true));
    assert_eq!(sdap.flows.iter().map(|q| q.get()).collect::<Vec<_>>(), [9, 63]);
    let mut pdcp = drb.pdcp_config.unwrap();
    assert_eq!(bearer::drb_pdcp(&pdcp).unwrap_err().clause, "TS 38.323 §6.2.2");
    pdcp.drb.as_mut().unwrap().pdcp_sn_size_dl = pdcp
        .drb
        .as_ref()
        .unwrap()
        .pdcp_sn_size_dl
        .map(|_| <rrc::PdcpConfigDrbPdcpSnSizeDl as rrc::Enumerated>::from_number(18).unwrap());
    let p = bearer::drb_pdcp(&pdcp).unwrap();
    assert_eq!((p.sn_bits, p.discard_timer_ms, p.t_reordering_ms), (18, Some(750), Some(220)));
    assert!(p.integrity && p.ciphering && p.status_report_required && !p.out_of_order_delivery);
}

#[test] // Spec: TS 38.331 §10 (whatever the network configures: no panic)
fn damaged_configurations_never_panic() {
    let mut rng = node::Rng::from_lab_seed(4);
    let (cell, groups) = (vector("BCCH-DL-SCH-Message"), vector("DL-CCCH-Message"));
    let (good, _) = cell_config(&found(), &fitting()).unwrap();
    let mut read = 0;
    for _ in 0..20_000 {
        let mut bytes = if rng.below(2) == 0 { cell.clone() } else { groups.clone() };
        for _ in 0..1 + rng.below(3) {
            let i = rng.below(bytes.len() as u32) as usize;
            bytes[i] ^= 1 << rng.below(8);
        }
        if let Ok(rrc::BcchDlSchMessage {
            message: rrc::BcchDlSchMessageType::C1(rrc::BcchDlSchMessageTypeC1::SystemInformationBlockType1(s)),
        }) = rrc::decode(&bytes)
        {
            let _ = plmns(&s);
            read += cell_config(&found(), &s).is_ok() as u32;
        }
        if let Ok(rrc::DlCcchMessage { message: rrc::DlCcchMessageType::C1(rrc::DlCcchMessageTypeC1::RrcSetup(m)) }) =
            rrc::decode(&bytes)
            && let rrc::RrcSetupCriticalExtensions::RrcSetup(ies) = m.critical_extensions
            && let Ok(g) = rrc::decode::<rrc::CellGroupConfig>(&ies.master_cell_group)
        {
            let old = cell_group::initial(&good);
            read += cell_group::apply(&g, &old, &cell_group::default_mac(), &good).is_ok() as u32;
            let mut parts = g.clone();
            parts.rlc_bearer_to_add_mod_list = None;
            read += cell_group::apply(&parts, &old, &cell_group::default_mac(), &good).is_ok() as u32;
        }
    }
    assert!(read > 0, "some of them are good configurations still");
}
