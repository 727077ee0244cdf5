//! What the base station is configured to, told to nobody: the terminal finds it in the samples.

use crate::harness::run;

/// Attaches and pings with each of `variants`: settings separated by spaces.
fn each(preset: &str, variants: &[&str]) {
    for (i, v) in variants.iter().enumerate() {
        let settings: Vec<&str> = v.split(' ').collect();
        let o = run(preset, 100 + i as u64, &settings);
        assert!(o.is_ok(), "{preset} {v}\n{}\n{}", o.notes.join("\n"), o.report);
    }
}

#[test] // Spec: TS 38.211 §7.4, TS 38.213 §4.1, §13 (identity, raster position, k_SSB, CORESET 0, search space 0)
fn where_the_cell_is_found() {
    each(
        "n3-10",
        &[
            "cell.pci=0",
            "cell.pci=1007",
            "cell.dl_arfcn=368520 cell.ssb_arfcn=368430",
            "cell.dl_arfcn=368440",
            "cell.coreset0_index=6",
            "cell.coreset0_index=10 cell.type_a_position=3",
            "cell.search_space0_index=4",
            "cell.search_space0_index=10",
            "cell.ssb_period_ms=5",
        ],
    );
    each(
        "n78-20",
        &[
            "cell.dl_arfcn=632626 cell.ul_arfcn=632626",
            "cell.dl_arfcn=650000 cell.ul_arfcn=650000 cell.ssb_arfcn=649920",
            "cell.ssb_arfcn=632640 cell.coreset0_index=12",
            "cell.ssb_arfcn=632448 cell.coreset0_index=0",
            "cell.search_space0_index=2",
            "cell.offset_to_carrier=10",
        ],
    );
}

#[test] // Spec: TS 38.331 §6.3.2 (RACH-ConfigCommon), TS 38.213 §4.2, §11.1
fn how_it_is_accessed() {
    each(
        "n3-10",
        &[
            "cell.prach_root_index=321",
            "cell.prach_config_index=16",
            "cell.prach_zero_correlation_zone=8",
            "cell.prach_frequency_start=20",
            "cell.prach_preambles=16",
            "cell.ra_response_window_slots=4",
            "cell.ul_arfcn=349600",
            "cell.pucch_common_row=3",
        ],
    );
    each(
        "n78-20",
        &[
            "cell.tdd_period_slots=10 cell.tdd_dl_slots=7 cell.tdd_dl_symbols=6 cell.tdd_ul_slots=2 cell.tdd_ul_symbols=4",
            "cell.tdd_dl_slots=2 cell.tdd_ul_slots=2 cell.tdd_dl_symbols=6",
            "cell.prach_config_index=160",
            "cell.prach_zero_correlation_zone=11",
            "cell.n_ta_offset_tc=39936",
        ],
    );
}

#[test] // Spec: TS 38.331 §6.3.2 (PDSCH-Config, PUSCH-Config, PDCCH-Config, PUCCH-Config, CSI-MeasConfig)
fn how_data_is_sent() {
    each(
        "n3-10",
        &[
            "cell.k1_slots=[5]",
            "cell.k2_slots=[6]",
            "cell.pdsch_additional_position=0",
            "cell.pdsch_additional_position=2",
            "cell.pusch_additional_position=2",
            "cell.type_a_position=3",
            "cell.coreset1_symbols=1",
            "cell.pdcch_candidates=[0,4,2,1,0]",
            "cell.sr_period_slots=20",
            "cell.csi_period_slots=80",
            "cell.trs_period_slots=20",
            "cell.pdsch_256qam=false cell.pusch_256qam=false",
            "cell.p0_pusch_dbm=-90",
        ],
    );
}

#[test] // Spec: TS 38.322 §7, TS 38.323 §6.3.2, TS 33.501 §5.11.1, TS 24.501 §5.5.1
fn what_the_layers_above_use() {
    each(
        "n3-10",
        &[
            "cell.pdcp_sn_bits=12",
            "cell.rlc_am_sn_bits=12",
            "cell.t_poll_retransmit_ms=20 cell.poll_pdu=4",
            "cell.t_reassembly_ms=50 cell.t_status_prohibit_ms=0",
            "core.nea=[\"nea1\"] core.nia=[\"nia3\"]",
            "core.nea=[\"nea3\"] core.nia=[\"nia1\"]",
            "cell.tac=16777215",
            "cell.cell_id=68719476735",
            "cell.plmn=310-410",
        ],
    );
}
