//! Judgement of single values and of the carrier's place.

use super::band::{Band, band, bandwidth_mhz, gscn_of};
use super::{CellParams, ConfigError, error};
use fapi::{Duplex, TddPattern};
use nr::tables::arfcn;
use nr::{Numerology, Plmn};

fn one_of<T: PartialEq + core::fmt::Display>(path: &'static str, value: T, legal: &[T]) -> Result<(), ConfigError> {
    if legal.contains(&value) {
        return Ok(());
    }
    let list = legal.iter().map(|l| l.to_string()).collect::<Vec<_>>().join(", ");
    Err(error(
        format!("{path} has a value that the specification does not have"),
        &[(path, value.to_string())],
        format!("one of {list}"),
    ))
}

fn within<T: PartialOrd + core::fmt::Display + Copy>(
    path: &'static str,
    value: T,
    lo: T,
    hi: T,
) -> Result<(), ConfigError> {
    if value >= lo && value <= hi {
        return Ok(());
    }
    Err(error(format!("{path} is out of range"), &[(path, value.to_string())], format!("{lo} to {hi}")))
}

/// Values that stand alone.
pub(super) fn values(p: &CellParams) -> Result<(), ConfigError> {
    one_of("scs_khz", p.scs_khz, &[15, 30])?;
    one_of("antennas", p.antennas, &[1, 2, 4])?;
    within("dl_layers_max", p.dl_layers_max, 0, 4)?;
    if p.dl_layers_max > p.antennas {
        return Err(error(
            "a PDSCH cannot have more layers than the gNB has antennas (TS 38.211 §7.3.1.4)",
            &[("dl_layers_max", p.dl_layers_max.to_string()), ("antennas", p.antennas.to_string())],
            format!("dl_layers_max = {}", p.antennas),
        ));
    }
    within("ul_layers_max", p.ul_layers_max, 0, 4)?;
    if p.ul_layers_max > p.antennas {
        return Err(error(
            "a PUSCH cannot have more layers than the gNB has antennas to tell apart (TS 38.211 §6.3.1.3)",
            &[("ul_layers_max", p.ul_layers_max.to_string()), ("antennas", p.antennas.to_string())],
            format!("ul_layers_max = {}", p.antennas),
        ));
    }
    within("pci", p.pci, 0, 1007)?;
    within("offset_to_carrier", p.offset_to_carrier, 0, 2199)?;
    one_of("ssb_period_ms", p.ssb_period_ms, &[5, 10, 20, 40, 80, 160])?;
    within("ssb_power_dbm", p.ssb_power_dbm, -60, 50)?;
    within("coreset0_index", p.coreset0_index, 0, 15)?;
    within("search_space0_index", p.search_space0_index, 0, 15)?;
    one_of("type_a_position", p.type_a_position, &[2, 3])?;
    within("prach_zero_correlation_zone", p.prach_zero_correlation_zone, 0, 15)?;
    within("prach_target_power_dbm", p.prach_target_power_dbm, -202, -60)?;
    one_of("prach_power_step_db", p.prach_power_step_db, &[0, 2, 4, 6])?;
    one_of("prach_trans_max", p.prach_trans_max, &[3, 4, 5, 6, 7, 8, 10, 20, 50, 100, 200])?;
    one_of("prach_preambles", p.prach_preambles, &[4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64])?;
    one_of("ra_response_window_slots", p.ra_response_window_slots, &[1, 2, 4, 8, 10, 20, 40, 80])?;
    one_of("contention_resolution_ms", p.contention_resolution_ms, &[8, 16, 24, 32, 40, 48, 56, 64])?;
    within("pdsch_additional_position", p.pdsch_additional_position, 0, if p.type_a_position == 2 { 3 } else { 2 })?;
    within("pusch_additional_position", p.pusch_additional_position, 0, if p.type_a_position == 2 { 3 } else { 2 })?;
    one_of("cbg", p.cbg, &[0, 2, 4, 6, 8])?;
    one_of("coreset1_symbols", p.coreset1_symbols, &[1, 2])?;
    for n in p.pdcch_candidates {
        one_of("pdcch_candidates", n, &[0, 1, 2, 3, 4, 5, 6, 8])?;
    }
    within("pucch_common_row", p.pucch_common_row, 0, 15)?;
    one_of("pucch_format", p.pucch_format, &[2, 3, 4])?;
    one_of("sr_period_slots", p.sr_period_slots, &[4, 5, 8, 10, 16, 20, 40, 80, 160])?;
    one_of("csi_period_slots", p.csi_period_slots, &[10, 16, 20, 40, 80, 160, 320])?;
    one_of("csi_rs_period_slots", p.csi_rs_period_slots, &[10, 16, 20, 32, 40, 64, 80, 160])?;
    one_of("trs_period_slots", p.trs_period_slots, &[20, 40, 80, 160])?;
    one_of("srs_period_slots", p.srs_period_slots, &[10, 16, 20, 32, 40, 64, 80, 160, 320])?;
    within("p0_pusch_dbm", p.p0_pusch_dbm, -202, 24)?;
    within("p0_pucch_dbm", p.p0_pucch_dbm, -202, 24)?;
    within("p_max_dbm", p.p_max_dbm, -30, 33)?;
    one_of("n_ta_offset_tc", p.n_ta_offset_tc, &[0, 25_600, 39_936])?;
    one_of("rlc_am_sn_bits", p.rlc_am_sn_bits, &[12, 18])?;
    one_of("pdcp_sn_bits", p.pdcp_sn_bits, &[12, 18])?;
    one_of("max_retx_threshold", p.max_retx_threshold, &[1, 2, 3, 4, 6, 8, 16, 32])?;
    one_of("sr_prohibit_ms", p.sr_prohibit_ms, &[0, 1, 2, 4, 8, 16, 32, 64, 128])?;
    one_of("sr_trans_max", p.sr_trans_max, &[4, 8, 16, 32, 64])?;
    one_of("phr_periodic_ms", p.phr_periodic_ms, &[10, 20, 50, 100, 200, 500, 1000])?;
    timers(p)?;
    within("tac", p.tac, 0, 0xff_ffff)?;
    within("cell_id", p.cell_id, 0, 0xf_ffff_ffff)?;
    within("q_rx_lev_min_dbm", p.q_rx_lev_min_dbm, -140, -44)?;
    within("max_ues", p.max_ues, 1, 64)?;
    within("target_bler", p.target_bler, 0.001, 0.5)?;
    within("max_harq_tx", p.max_harq_tx, 1, 16)?;
    within("ul_target_snr_db", p.ul_target_snr_db, 0.0, 40.0)?;
    within("pucch_target_snr_db", p.pucch_target_snr_db, 0.0, 40.0)?;
    if p.inactivity_ms > 0 {
        within("inactivity_ms", p.inactivity_ms, 100, 86_400_000)?;
    }
    within("rlf_silence_ms", p.rlf_silence_ms, 100, 600_000)?;
    for (path, v) in [
        ("prach_target_power_dbm", p.prach_target_power_dbm),
        ("p0_pusch_dbm", p.p0_pusch_dbm),
        ("p0_pucch_dbm", p.p0_pucch_dbm),
        ("q_rx_lev_min_dbm", p.q_rx_lev_min_dbm),
    ] {
        if v % 2 != 0 {
            return Err(error(
                format!("{path} is odd, and RRC counts it in steps of 2 dB"),
                &[(path, v.to_string())],
                "an even number",
            ));
        }
    }
    if p.plmn.parse::<Plmn>().is_err() {
        return Err(error(
            "plmn is no PLMN",
            &[("plmn", p.plmn.clone())],
            "three digits of MCC and two or three of MNC, as in 001-01",
        ));
    }
    within("k1_slots", p.k1_slots.len(), 1, 8)?;
    within("k2_slots", p.k2_slots.len(), 1, 16)?;
    p.k1_slots.iter().try_for_each(|k| within("k1_slots", *k, 1, 15))?;
    p.k2_slots.iter().try_for_each(|k| within("k2_slots", *k, 1, 32))
}

fn timers(p: &CellParams) -> Result<(), ConfigError> {
    let steps = |to: u16, more: &[u16]| (1..=to / 5).map(|i| 5 * i).chain(more.iter().copied()).collect::<Vec<_>>();
    one_of(
        "t_poll_retransmit_ms",
        p.t_poll_retransmit_ms,
        &steps(250, &[300, 350, 400, 450, 500, 800, 1000, 2000, 4000]),
    )?;
    let mut prohibit = steps(250, &[300, 350, 400, 450, 500, 800, 1000, 1200, 1600, 2000, 2400]);
    prohibit.push(0);
    one_of("t_status_prohibit_ms", p.t_status_prohibit_ms, &prohibit)?;
    let mut reassembly = steps(100, &[110, 120, 130, 140, 150, 160, 170, 180, 190, 200]);
    reassembly.push(0);
    one_of("t_reassembly_ms", p.t_reassembly_ms, &reassembly)?;
    const POLL_PDU: [u32; 24] = [
        0, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 6144, 8192, 12288, 16384, 20480, 24576, 28672, 32768,
        40960, 49152, 57344, 65536,
    ];
    one_of("poll_pdu", p.poll_pdu, &POLL_PDU)?;
    one_of("poll_byte_kb", p.poll_byte_kb, &[0, 1, 2, 5, 8, 10, 15, 25, 50, 75, 100, 125, 250, 375, 500, 750, 1000])?;
    one_of("periodic_bsr_ms", p.periodic_bsr_ms, &[1, 5, 10, 16, 20, 32, 40, 64, 80, 128, 160, 320, 640, 1280, 2560])?;
    one_of("retx_bsr_ms", p.retx_bsr_ms, &[10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240])?;
    let setup = [100, 200, 300, 400, 600, 1000, 1500, 2000];
    one_of("t300_ms", p.t300_ms, &setup)?;
    one_of("t301_ms", p.t301_ms, &setup)?;
    one_of("t310_ms", p.t310_ms, &[0, 50, 100, 200, 500, 1000, 2000])?;
    one_of("n310", p.n310, &[1, 2, 3, 4, 6, 8, 10, 20])?;
    one_of("t311_ms", p.t311_ms, &[1000, 3000, 5000, 10_000, 15_000, 20_000, 30_000])?;
    one_of("n311", p.n311, &[1, 2, 3, 4, 5, 6, 8, 10])
}

/// The band, and the carrier and the block on its rasters.
pub(super) fn carrier(p: &CellParams) -> Result<(&'static Band, Numerology), ConfigError> {
    let b = band(p.band)
        .ok_or_else(|| error("the band is not known here", &[("band", p.band.to_string())], "3, 78 or 79"))?;
    let scs = Numerology::from_scs_khz(p.scs_khz).unwrap_or_default();
    if scs != b.ssb {
        return Err(error(
            format!(
                "band n{} has its SS/PBCH blocks at {} kHz (TS 38.104 table 5.4.3.3-1), and they are sent in the carrier's spacing here",
                p.band,
                b.ssb.scs_khz()
            ),
            &[("band", p.band.to_string()), ("scs_khz", p.scs_khz.to_string())],
            format!("scs_khz = {}", b.ssb.scs_khz()),
        ));
    }
    let mhz = bandwidth_mhz(p.n_rb, p.scs_khz).filter(|m| b.bandwidths_mhz.contains(m)).ok_or_else(|| {
        error(
            format!(
                "no channel bandwidth of band n{} has this many RBs (TS 38.101-1 tables 5.3.2-1 and 5.3.5-1)",
                p.band
            ),
            &[("n_rb", p.n_rb.to_string()), ("scs_khz", p.scs_khz.to_string())],
            "24 (10 MHz), 51 (20), 106 (40) or 273 (100) at 30 kHz; 25 (5 MHz), 52 (10) or 106 (20) at 15 kHz",
        )
    })?;
    on_raster(p, b, "dl_arfcn", p.dl_arfcn, b.dl_hz, mhz)?;
    on_raster(p, b, "ul_arfcn", p.ul_arfcn, b.ul_hz, mhz)?;
    if !b.fdd && p.ul_arfcn != p.dl_arfcn {
        return Err(error(
            format!("band n{} is unpaired, so uplink and downlink are one carrier", p.band),
            &[("dl_arfcn", p.dl_arfcn.to_string()), ("ul_arfcn", p.ul_arfcn.to_string())],
            format!("ul_arfcn = {}", p.dl_arfcn),
        ));
    }
    let ssb_hz = arfcn::hz(p.ssb_arfcn).unwrap_or(0.0);
    if gscn_of(b, ssb_hz).is_none() {
        let (first, step, last) = b.gscn;
        let nearest = (first..=last)
            .step_by(step as usize)
            .map(super::band::gscn_hz)
            .min_by(|x, y| (x - ssb_hz).abs().total_cmp(&(y - ssb_hz).abs()))
            .and_then(arfcn::arfcn);
        return Err(error(
            format!(
                "the SS/PBCH block is off the synchronisation raster of band n{}: GSCN {first} to {last} in steps of {step} (TS 38.104 §5.4.3)",
                p.band
            ),
            &[("ssb_arfcn", p.ssb_arfcn.to_string())],
            nearest.map_or_else(|| "another frequency".into(), |a| format!("ssb_arfcn = {a}, the nearest on it")),
        ));
    }
    Ok((b, scs))
}

fn on_raster(
    p: &CellParams,
    b: &Band,
    path: &'static str,
    n: u32,
    edge: (f64, f64),
    mhz: u16,
) -> Result<(), ConfigError> {
    let step = b.arfcn_step[(p.scs_khz == 30) as usize];
    if !n.is_multiple_of(step) {
        return Err(error(
            format!(
                "the carrier is off the channel raster of band n{}: a multiple of {step} (TS 38.104 §5.4.2.3)",
                p.band
            ),
            &[(path, n.to_string())],
            format!("{path} = {}", n / step * step),
        ));
    }
    let half = mhz as f64 * 0.5e6;
    let hz = arfcn::hz(n).unwrap_or(0.0);
    if hz - half < edge.0 - 1.0 || hz + half > edge.1 + 1.0 {
        return Err(error(
            format!("a carrier of {mhz} MHz here leaves band n{} ({} to {} MHz)", p.band, edge.0 / 1e6, edge.1 / 1e6),
            &[(path, n.to_string())],
            format!("an ARFCN between {} and {}", arfcn_above(edge.0 + half), arfcn_above(edge.1 - half)),
        ));
    }
    Ok(())
}

fn arfcn_above(hz: f64) -> u32 {
    if hz < 3e9 { (hz / 5e3) as u32 } else { 600_000 + ((hz - 3e9) / 15e3) as u32 }
}

/// FDD, or the TDD pattern.
pub(super) fn duplex(p: &CellParams, b: &Band, scs: Numerology) -> Result<Duplex, ConfigError> {
    let fields = || {
        [
            ("tdd_period_slots", p.tdd_period_slots.to_string()),
            ("tdd_dl_slots", p.tdd_dl_slots.to_string()),
            ("tdd_dl_symbols", p.tdd_dl_symbols.to_string()),
            ("tdd_ul_slots", p.tdd_ul_slots.to_string()),
            ("tdd_ul_symbols", p.tdd_ul_symbols.to_string()),
        ]
    };
    if b.fdd {
        if p.tdd_period_slots != 0 {
            return Err(error(
                format!("band n{} is paired and has no TDD pattern", b.number),
                &fields()[..1],
                "tdd_period_slots = 0",
            ));
        }
        return Ok(Duplex::Fdd);
    }
    // Periods in steps of 0.125 ms: 0.5, 0.625, 1, 1.25, 2, 2.5, 5, 10 ms.
    let eighths = (p.tdd_period_slots as u32 * 8) >> scs.mu();
    if ![4, 5, 8, 10, 16, 20, 40, 80].contains(&eighths)
        || !(p.tdd_period_slots as u32 * 8).is_multiple_of(1 << scs.mu())
    {
        return Err(error(
            "the TDD period is none of 0.5, 0.625, 1, 1.25, 2, 2.5, 5, 10 ms (TS 38.213 §11.1)",
            &fields()[..1],
            "5 slots of 30 kHz (2.5 ms)",
        ));
    }
    let mixed = (p.tdd_dl_symbols > 0 || p.tdd_ul_symbols > 0) as u8;
    let slots = p.tdd_dl_slots as u32 + p.tdd_ul_slots as u32 + mixed as u32;
    if slots > p.tdd_period_slots as u32 || p.tdd_dl_symbols as u32 + p.tdd_ul_symbols as u32 > 14 {
        return Err(error(
            "the TDD pattern is longer than its period (TS 38.213 §11.1)",
            &fields(),
            "fewer slots or symbols",
        ));
    }
    if p.tdd_dl_slots == 0 || p.tdd_ul_slots == 0 {
        return Err(error(
            "a cell needs at least one full downlink and one full uplink slot here",
            &fields(),
            "DDDSU: 3 downlink slots, 1 uplink slot in 5",
        ));
    }
    Ok(Duplex::Tdd(TddPattern {
        period_slots: p.tdd_period_slots,
        dl_slots: p.tdd_dl_slots,
        dl_symbols: p.tdd_dl_symbols,
        ul_slots: p.tdd_ul_slots,
        ul_symbols: p.tdd_ul_symbols,
    }))
}
