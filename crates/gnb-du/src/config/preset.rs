//! Cells that are known to work.

use super::CellParams;

/// Names of the presets, the default first.
pub const PRESETS: [&str; 5] = ["n78-20", "n78-100", "n3-10", "n3-20", "mine-ul"];

/// A preset by its name.
pub fn preset(name: &str) -> Option<CellParams> {
    let tdd = n78_20();
    Some(match name {
        "n78-20" => tdd,
        "n78-100" => CellParams {
            n_rb: 273,
            dl_arfcn: 636_666,
            ul_arfcn: 636_666,
            ssb_arfcn: 634_080,
            coreset1_symbols: 1,
            ssb_power_dbm: -3,
            ..tdd
        },
        "mine-ul" => CellParams {
            band: 79,
            n_rb: 106,
            dl_arfcn: 710_320,
            ul_arfcn: 710_320,
            ssb_arfcn: 709_536,
            coreset0_index: 6,
            tdd_dl_slots: 1,
            tdd_ul_slots: 3,
            k1_slots: vec![2, 3, 4],
            k2_slots: vec![2, 3, 4],
            ssb_power_dbm: 0,
            ..tdd
        },
        "n3-10" => n3_10(),
        "n3-20" => CellParams {
            n_rb: 106,
            dl_arfcn: 370_000,
            ul_arfcn: 351_000,
            ssb_arfcn: 368_890,
            ssb_power_dbm: 3,
            ..n3_10()
        },
        _ => return None,
    })
}

fn n3_10() -> CellParams {
    CellParams {
        band: 3,
        n_rb: 52,
        scs_khz: 15,
        dl_arfcn: 368_500,
        ul_arfcn: 349_500,
        ssb_arfcn: 368_410,
        ssb_power_dbm: 6,
        tdd_period_slots: 0,
        tdd_dl_slots: 0,
        tdd_dl_symbols: 0,
        tdd_ul_slots: 0,
        tdd_ul_symbols: 0,
        coreset0_index: 8,
        prach_config_index: 19,
        prach_root_index: 1,
        prach_zero_correlation_zone: 2,
        k1_slots: vec![4],
        k2_slots: vec![4],
        ra_response_window_slots: 10,
        sr_period_slots: 10,
        csi_period_slots: 40,
        csi_rs_period_slots: 20,
        trs_period_slots: 40,
        prach_target_power_dbm: -104,
        p0_pusch_dbm: -86,
        ..n78_20()
    }
}

fn n78_20() -> CellParams {
    CellParams {
        band: 78,
        dl_arfcn: 632_624,
        ul_arfcn: 632_624,
        n_rb: 51,
        scs_khz: 30,
        offset_to_carrier: 0,
        pci: 500,
        ssb_arfcn: 632_544,
        ssb_period_ms: 20,
        ssb_power_dbm: 3,
        tdd_period_slots: 5,
        tdd_dl_slots: 3,
        tdd_dl_symbols: 10,
        tdd_ul_slots: 1,
        tdd_ul_symbols: 2,
        coreset0_index: 13,
        search_space0_index: 0,
        type_a_position: 2,
        prach_config_index: 162,
        prach_root_index: 1,
        prach_zero_correlation_zone: 14,
        prach_frequency_start: 4,
        prach_target_power_dbm: -98,
        prach_power_step_db: 4,
        prach_trans_max: 10,
        ra_response_window_slots: 20,
        contention_resolution_ms: 64,
        k1_slots: vec![2, 3, 4, 6, 7, 8, 9],
        k2_slots: vec![2, 3, 4, 5, 6],
        pdsch_additional_position: 1,
        pusch_additional_position: 1,
        pdsch_256qam: true,
        pusch_256qam: true,
        coreset1_symbols: 2,
        pdcch_candidates: [2, 2, 2, 2, 0],
        pucch_common_row: 12,
        sr_period_slots: 20,
        csi_period_slots: 80,
        csi_rs_period_slots: 40,
        trs_period_slots: 80,
        p0_pusch_dbm: -86,
        p0_pucch_dbm: -96,
        p_max_dbm: 23,
        n_ta_offset_tc: 25_600,
        rlc_am_sn_bits: 18,
        t_poll_retransmit_ms: 45,
        poll_pdu: 64,
        poll_byte_kb: 125,
        max_retx_threshold: 32,
        t_reassembly_ms: 35,
        t_status_prohibit_ms: 10,
        periodic_bsr_ms: 10,
        retx_bsr_ms: 80,
        sr_prohibit_ms: 0,
        sr_trans_max: 64,
        phr_periodic_ms: 100,
        plmn: "001-01".into(),
        tac: 1,
        cell_id: 0x1001,
        q_rx_lev_min_dbm: -140,
        t300_ms: 1000,
        t301_ms: 1000,
        t310_ms: 1000,
        n310: 10,
        t311_ms: 30_000,
        n311: 1,
        max_ues: 32,
        target_bler: 0.1,
        max_harq_tx: 8,
        ul_target_snr_db: 30.0,
        rlf_silence_ms: 10_000,
    }
}
