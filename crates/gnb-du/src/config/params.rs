//! Every parameter of a cell, with its unit, range and name in the specification.

use serde::{Deserialize, Serialize};

/// What a person wants to know of one parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParamDoc {
    /// Field of [`CellParams`].
    pub path: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Unit, or "" for a plain number.
    pub unit: &'static str,
    /// Legal values.
    pub range: &'static str,
    /// Name and clause in the specification.
    pub spec: &'static str,
}

macro_rules! params {
    ($($name:ident: $t:ty, $doc:literal, $unit:literal, $range:literal, $spec:literal;)*) => {
        /// A cell as it is configured: raw values, judged by [`super::Cell::new`].
        #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct CellParams {
            $(#[doc = $doc]
              #[doc = concat!("\n\nUnit: ", $unit, ". Range: ", $range, ". Spec: ", $spec)]
              pub $name: $t,)*
        }
        /// Documentation of the fields of [`CellParams`], in their order.
        pub const PARAMS: &[ParamDoc] = &[
            $(ParamDoc { path: stringify!($name), doc: $doc, unit: $unit, range: $range, spec: $spec },)*
        ];
    };
}

params! {
    band: u16, "NR operating band", "", "3, 78, 79", "freqBandIndicatorNR, TS 38.101-1 5.2";
    dl_arfcn: u32, "Downlink carrier's centre as NR-ARFCN", "ARFCN", "the band's raster", "absoluteFrequency, TS 38.104 5.4.2";
    ul_arfcn: u32, "Uplink carrier's centre as NR-ARFCN (in TDD equal to dl_arfcn)", "ARFCN", "the band's raster", "TS 38.104 5.4.2";
    n_rb: u16, "Carrier bandwidth", "RB", "24 to 273, as the bandwidth and spacing allow", "carrierBandwidth, TS 38.101-1 5.3.2";
    antennas: u8, "Antennas of the gNB, each of which sends and receives; ports of the CSI-RS for channel quality", "", "1, 2, 4", "nrofPorts, TS 38.331 CSI-RS-ResourceMapping";
    dl_layers_max: u8, "Most layers of a PDSCH; 0: as many as there are antennas, at both ends", "", "0 to 4, at most antennas", "maxMIMO-Layers, TS 38.331 PDSCH-ServingCellConfig";
    ul_layers_max: u8, "Most layers of a PUSCH; 0: as many as there are antennas, at both ends", "", "0 to 4, at most antennas", "maxRank, TS 38.331 PUSCH-Config";
    ul_joint: bool, "Layers of a PUSCH are told apart jointly, not by a linear filter: further by 1 dB for two of 64QAM or less, and slower", "", "true, false", "ironcell";
    scs_khz: u32, "Subcarrier spacing of carrier, SSB and common channels", "kHz", "15, 30", "subCarrierSpacingCommon, TS 38.331";
    offset_to_carrier: u16, "Distance of the carrier's lowest RB from point A", "RB", "0 to 2199", "offsetToCarrier, TS 38.331";
    pci: u16, "Physical cell identity", "", "0 to 1007", "physCellId, TS 38.211 7.4.2.1";
    ssb_arfcn: u32, "Centre of the SS/PBCH block as NR-ARFCN", "ARFCN", "the synchronisation raster", "SS_REF, TS 38.104 5.4.3";
    ssb_period_ms: u8, "Period of the SS/PBCH blocks", "ms", "5, 10, 20, 40, 80, 160", "ssb-periodicityServingCell, TS 38.331";
    ssb_power_dbm: i8, "Power of a resource element of the SSB", "dBm", "-60 to 50", "ss-PBCH-BlockPower, TS 38.331";
    tdd_period_slots: u8, "Period of the TDD pattern; 0 in FDD", "slots", "0, 1, 2, 4, 5, 8, 10, 20", "dl-UL-TransmissionPeriodicity, TS 38.213 11.1";
    tdd_dl_slots: u8, "Full downlink slots at its start", "slots", "0 to 80", "nrofDownlinkSlots, TS 38.213 11.1";
    tdd_dl_symbols: u8, "Downlink symbols after them", "symbols", "0 to 13", "nrofDownlinkSymbols, TS 38.213 11.1";
    tdd_ul_slots: u8, "Full uplink slots at its end", "slots", "0 to 80", "nrofUplinkSlots, TS 38.213 11.1";
    tdd_ul_symbols: u8, "Uplink symbols before them", "symbols", "0 to 13", "nrofUplinkSymbols, TS 38.213 11.1";
    coreset0_index: u8, "CORESET 0 in size and place", "", "0 to 15", "controlResourceSetZero, TS 38.213 tables 13-1 to 13-6";
    search_space0_index: u8, "Monitoring occasions of search space 0", "", "0 to 15", "searchSpaceZero, TS 38.213 table 13-11";
    type_a_position: u8, "First DM-RS symbol of mapping type A", "symbol", "2, 3", "dmrs-TypeA-Position, TS 38.331";
    prach_config_index: u16, "PRACH format and occasions", "", "0 to 255", "prach-ConfigurationIndex, TS 38.211 tables 6.3.3.2-2, -3";
    prach_root_index: u16, "First logical root sequence", "", "0 to 837 long, 0 to 137 short", "prach-RootSequenceIndex, TS 38.211 6.3.3.1";
    prach_zero_correlation_zone: u8, "Cyclic shift distance", "", "0 to 15", "zeroCorrelationZoneConfig, TS 38.211 6.3.3.1";
    prach_frequency_start: u16, "First RB of the occasions in the uplink bandwidth part", "RB", "0 to 274", "msg1-FrequencyStart, TS 38.331";
    prach_target_power_dbm: i16, "Preamble power that the gNB wants to receive", "dBm", "-202 to -60, even", "preambleReceivedTargetPower, TS 38.321 5.1.3";
    prach_power_step_db: u8, "Power ramping step", "dB", "0, 2, 4, 6", "powerRampingStep, TS 38.321 5.1.3";
    prach_trans_max: u8, "Preambles before a random access problem", "", "3, 4, 5, 6, 7, 8, 10, 20, 50, 100, 200", "preambleTransMax, TS 38.321 5.1.4";
    prach_preambles: u8, "Preambles that UEs choose from", "", "4 to 64 in steps of 4", "CB-PreamblesPerSSB, TS 38.331";
    ra_response_window_slots: u8, "Window for the random access response", "slots", "1, 2, 4, 8, 10, 20, 40, 80", "ra-ResponseWindow, TS 38.321 5.1.4";
    contention_resolution_ms: u8, "Time for contention resolution after Msg3", "ms", "8, 16, 24, 32, 40, 48, 56, 64", "ra-ContentionResolutionTimer, TS 38.321 5.1.5";
    k1_slots: Vec<u8>, "PDSCH to HARQ feedback", "slots", "1 to 8 values of 1 to 15", "dl-DataToUL-ACK, TS 38.213 9.2.3";
    k2_slots: Vec<u8>, "PDCCH to PUSCH", "slots", "1 to 16 values of 1 to 32", "k2, TS 38.214 6.1.2.1";
    pdsch_additional_position: u8, "Additional DM-RS symbols of the PDSCH", "", "0, 1, 2, 3", "dmrs-AdditionalPosition, TS 38.211 7.4.1.1.2";
    pusch_additional_position: u8, "Additional DM-RS symbols of the PUSCH", "", "0, 1, 2, 3", "dmrs-AdditionalPosition, TS 38.211 6.4.1.1.3";
    pdsch_256qam: bool, "MCS table to 256QAM for PDSCH, where the UE can", "", "true, false", "mcs-Table, TS 38.214 table 5.1.3.1-2";
    pusch_256qam: bool, "MCS table to 256QAM for PUSCH, where the UE can", "", "true, false", "mcs-Table, TS 38.214 table 5.1.3.1-2";
    cbg: u8, "Code block groups of a PDSCH that are acknowledged, and sent again, each on its own; 0: whole blocks", "", "0, 2, 4, 6, 8", "maxCodeBlockGroupsPerTransportBlock, TS 38.331 PDSCH-CodeBlockGroupTransmission";
    coreset1_symbols: u8, "Symbols of the UE-specific CORESET", "symbols", "1, 2", "duration, TS 38.331 ControlResourceSet";
    pdcch_candidates: [u8; 5], "Candidates of aggregation levels 1, 2, 4, 8, 16 for a UE", "", "0 to 6, or 8", "nrofCandidates, TS 38.213 10.1";
    pucch_common_row: u8, "PUCCH resources before a dedicated configuration", "", "0 to 15", "pucch-ResourceCommon, TS 38.213 table 9.2.1-1";
    pucch_format: u8, "Format of PUCCHs with more than two bits: 2 short, 3 long, 4 long in one RB that four UEs share", "", "2, 3, 4", "PUCCH-Resource, TS 38.213 9.2.1";
    sr_period_slots: u16, "Period of scheduling requests", "slots", "4, 5, 8, 10, 16, 20, 40, 80, 160", "periodicityAndOffset, TS 38.213 9.2.4";
    csi_period_slots: u16, "Period of channel quality reports", "slots", "10, 16, 20, 40, 80, 160, 320", "reportSlotConfig, TS 38.214 5.2.1.4";
    csi_rs_period_slots: u16, "Period of the CSI-RS for channel quality", "slots", "10, 16, 20, 32, 40, 64, 80, 160", "CSI-ResourcePeriodicityAndOffset, TS 38.331";
    csi_im: bool, "Elements beside that CSI-RS in which the cell is silent, so that reports count the interference of others", "", "true, false", "CSI-IM-Resource, TS 38.214 5.2.2.4";
    trs_period_slots: u16, "Period of the tracking reference signal", "slots", "20, 40, 80, 160", "trs-Info, TS 38.214 5.1.6.1.1";
    srs_period_slots: u16, "Period of the sounding reference signals of a UE with several antennas", "slots", "10, 16, 20, 32, 40, 64, 80, 160, 320", "SRS-PeriodicityAndOffset, TS 38.331";
    p0_pusch_dbm: i16, "Nominal received PUSCH power in an RB of 15 kHz", "dBm", "-202 to 24, even", "p0-NominalWithGrant, TS 38.213 7.1.1";
    p0_pucch_dbm: i16, "Nominal received PUCCH power", "dBm", "-202 to 24, even", "p0-nominal, TS 38.213 7.2.1";
    p_max_dbm: i8, "Greatest uplink power in the cell", "dBm", "-30 to 33", "p-Max, TS 38.331";
    n_ta_offset_tc: i64, "Offset of uplink before downlink", "Tc", "0, 25600, 39936", "n-TimingAdvanceOffset, TS 38.133 table 7.1.2-2";
    rlc_am_sn_bits: u8, "Sequence number of AM data bearers", "bits", "12, 18", "sn-FieldLength, TS 38.331";
    pdcp_sn_bits: u8, "Sequence number of PDCP data bearers", "bits", "12, 18", "pdcp-SN-SizeDL, -UL, TS 38.331";
    t_poll_retransmit_ms: u16, "Time until a poll is repeated", "ms", "5 to 250 in steps of 5, 300, 350, 400, 450, 500, 800, 1000, 2000, 4000", "t-PollRetransmit, TS 38.322 7.3";
    poll_pdu: u32, "PDUs between polls; 0 is infinity", "PDU", "0, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 6144, 8192, 12288, 16384, 20480, 24576, 28672, 32768, 40960, 49152, 57344, 65536", "pollPDU, TS 38.322 7.4";
    poll_byte_kb: u32, "Kilobytes between polls; 0 is infinity", "kB", "0, 1, 2, 5, 8, 10, 15, 25, 50, 75, 100, 125, 250, 375, 500, 750, 1000", "pollByte, TS 38.322 7.4";
    max_retx_threshold: u8, "Retransmissions until a radio link failure", "", "1, 2, 3, 4, 6, 8, 16, 32", "maxRetxThreshold, TS 38.322 7.4";
    t_reassembly_ms: u16, "Time until a missing PDU is taken as lost", "ms", "0 to 100 in steps of 5, 110 to 200 in steps of 10", "t-Reassembly, TS 38.322 7.3";
    t_status_prohibit_ms: u16, "Least time between status reports", "ms", "0 to 250 in steps of 5, 300, 350, 400, 450, 500, 800, 1000, 1200, 1600, 2000, 2400", "t-StatusProhibit, TS 38.322 7.3";
    periodic_bsr_ms: u16, "Period of buffer status reports", "ms", "1, 5, 10, 16, 20, 32, 40, 64, 80, 128, 160, 320, 640, 1280, 2560", "periodicBSR-Timer, TS 38.321 5.4.5";
    retx_bsr_ms: u16, "Time until a buffer status report is repeated", "ms", "10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240", "retxBSR-Timer, TS 38.321 5.4.5";
    sr_prohibit_ms: u16, "Least time between scheduling requests; 0 is off", "ms", "0, 1, 2, 4, 8, 16, 32, 64, 128", "sr-ProhibitTimer, TS 38.321 5.4.4";
    sr_trans_max: u8, "Scheduling requests before random access", "", "4, 8, 16, 32, 64", "sr-TransMax, TS 38.321 5.4.4";
    phr_periodic_ms: u16, "Period of power headroom reports", "subframes", "10, 20, 50, 100, 200, 500, 1000", "phr-PeriodicTimer, TS 38.321 5.4.6";
    plmn: String, "Public land mobile network", "", "MCC-MNC, as in 001-01", "plmn-IdentityList, TS 38.331 SIB1";
    tac: u32, "Tracking area code", "", "0 to 16777215", "trackingAreaCode, TS 38.331 SIB1";
    cell_id: u64, "NR cell identity", "", "0 to 68719476735", "cellIdentity, TS 38.331 SIB1";
    q_rx_lev_min_dbm: i16, "Least received level for camping", "dBm", "-140 to -44, even", "q-RxLevMin, TS 38.304 5.2.3.2";
    t300_ms: u16, "Time for RRC set-up", "ms", "100, 200, 300, 400, 600, 1000, 1500, 2000", "t300, TS 38.331 7.1.1";
    t301_ms: u16, "Time for RRC re-establishment", "ms", "100, 200, 300, 400, 600, 1000, 1500, 2000", "t301, TS 38.331 7.1.1";
    t310_ms: u16, "Time from out-of-sync to radio link failure", "ms", "0, 50, 100, 200, 500, 1000, 2000", "t310, TS 38.331 7.1.1";
    n310: u8, "Out-of-sync indications that start t310", "", "1, 2, 3, 4, 6, 8, 10, 20", "n310, TS 38.331 7.1.1";
    t311_ms: u16, "Time to find a cell after a radio link failure", "ms", "1000, 3000, 5000, 10000, 15000, 20000, 30000", "t311, TS 38.331 7.1.1";
    n311: u8, "In-sync indications that stop t310", "", "1, 2, 3, 4, 5, 6, 8, 10", "n311, TS 38.331 7.1.1";
    max_ues: u8, "UEs that are served at once", "", "1 to 64", "ironcell";
    target_bler: f32, "Error rate of first transmissions that link adaptation aims at", "", "0.001 to 0.5", "ironcell";
    max_harq_tx: u8, "Transmissions of a transport block", "", "1 to 16", "TS 38.321 5.3.2, 5.4.2";
    ul_target_snr_db: f32, "SNR of the PUSCH that closed-loop power control aims at", "dB", "0 to 40", "TPC, TS 38.213 7.1.1";
    pucch_target_snr_db: f32, "SNR of the PUCCH that closed-loop power control aims at", "dB", "0 to 40", "TPC, TS 38.213 7.2.1";
    inactivity_ms: u32, "Time without user data or signalling until a UE is released and becomes idle; 0: never", "ms", "0, or 100 to 86400000", "ironcell";
    rlf_silence_ms: u32, "Silence of a UE until it is taken as lost", "ms", "100 to 600000", "ironcell";
}
