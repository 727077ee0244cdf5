//! Requirements on PUSCH. Spec: TS 38.104 §8.2.1 to §8.2.9

use fapi::MappingType;
use nr::Numerology;
use phy::equalize::Detector;

use super::{Case, Requirement, broken, numerology};
use crate::propagation::{Antennas, Correlation, Propagation};
use crate::shared::{Direction, SharedCase};
use crate::table::Rows;
use crate::timing::Timing;
use crate::uci::UciCase;
use crate::{LinkError, frc};

pub(super) fn all() -> Result<Vec<Requirement>, LinkError> {
    let row = |mut r: crate::table::Row| -> Option<Result<Requirement, LinkError>> {
        let table = r.text()?;
        let mapping = if r.text()? == "A" { MappingType::A } else { MappingType::B };
        let bandwidth = r.text()?;
        let scs_khz = r.number()?;
        let (n_tx, n_rx) = (r.number()?, r.number()?);
        let (propagation, percent) = (r.text()?, r.number::<f64>()?);
        let (name, additional, required_snr_db) = (r.text()?, r.number::<u8>()?, r.number()?);
        Some(frc::find(name, n_tx).and_then(|f| {
            let clause = table.rsplit_once('-').map_or(table, |t| t.0);
            Ok(Requirement {
                clause: format!("TS 38.104 §{clause}"),
                test: format!(
                    "{bandwidth} MHz {scs_khz} kHz type {mapping:?} {n_tx}x{n_rx} {propagation} {name} {percent} % (table {table})"
                ),
                channel: "PUSCH",
                required_snr_db,
                target: 1.0 - percent / 100.0,
                case: Case::Shared(shared(&f, numerology(scs_khz)?, mapping, additional, n_rx, propagation)?),
            })
        }))
    };
    Rows::new(include_str!("../../data/pusch.tsv")).map(|r| row(r).unwrap_or_else(|| Err(broken("pusch")))).collect()
}

/// The case of a fixed reference channel over a whole slot. Spec: TS 38.104 tables 8.2.1.1-1, 8.2.2.1-1
fn shared(
    f: &frc::Frc,
    numerology: Numerology,
    mapping: MappingType,
    additional: u8,
    n_rx: u8,
    propagation: &str,
) -> Result<SharedCase, LinkError> {
    // TS 38.211 table 6.4.1.1.3-3, fourteen symbols.
    let dmrs_symbols = match (mapping, additional) {
        (MappingType::A, 0) => 1 << 2,
        (MappingType::A, 1) => 1 << 2 | 1 << 11,
        (MappingType::A, _) => 1 << 2 | 1 << 7 | 1 << 11,
        (MappingType::B, 0) => 1,
        (MappingType::B, 1) => 1 | 1 << 10,
        (MappingType::B, _) => 1 | 1 << 5 | 1 << 10,
    };
    Ok(SharedCase {
        direction: Direction::Uplink,
        numerology,
        carrier_rb: f.n_rb,
        first_rb: 0,
        n_rb: f.n_rb,
        start_symbol: 0,
        n_symbols: 14,
        mapping,
        dmrs_symbols,
        n_cdm_groups: 2,
        q_m: f.q_m,
        rate_x1024: f.rate_x1024,
        tbs_bits: f.payload_bits,
        n_layers: f.n_layers,
        prg_size: 0,
        transform_precoding: f.transform_precoding,
        n_transmissions: 4,
        ldpc_iterations: 10,
        detector: if f.n_layers == 2 { Detector::Joint } else { Detector::Linear },
        antennas: Antennas { n_tx: f.n_layers, n_rx, correlation: Correlation::Low },
        propagation: Propagation::parse(propagation)?,
    })
}

fn mapping_type(name: &str) -> MappingType {
    if name == "A" { MappingType::A } else { MappingType::B }
}

/// What is not a plain slot. Spec: TS 38.104 tables 8.2.4.1-1, 8.2.5-1, 8.2.6.1-1, 8.2.7.1-1, 8.2.8.1-1, 8.2.9.1-1
pub(super) fn special() -> Result<Vec<Requirement>, LinkError> {
    let row = |mut r: crate::table::Row| -> Option<Result<Requirement, LinkError>> {
        let (table, kind, mapping) = (r.text()?, r.text()?, mapping_type(r.text()?));
        let (bandwidth, scs_khz, n_rx) = (r.text()?, r.number()?, r.number()?);
        let (propagation, percent) = (r.text()?, r.number::<f64>()?);
        let (name, additional, required_snr_db) = (r.text()?, r.number::<u8>()?, r.number()?);
        Some(frc::find(name, 1).and_then(|f| {
            let case = shared(&f, numerology(scs_khz)?, mapping, additional, n_rx, propagation)?;
            let (case, target, what) = match kind {
                // Two effective slots a transmission, in redundancy versions 0 and 2, then 3 and 1.
                "repetition" => (Case::Repeated(case, 2), percent / 100.0, "2 slots, blocks lost"),
                "two-symbols" => {
                    let case = SharedCase { n_symbols: 2, dmrs_symbols: 1, n_transmissions: 1, ..case };
                    (Case::Shared(case), 1.0 - percent / 100.0, "2 symbols")
                }
                "bler" => (Case::Shared(SharedCase { n_transmissions: 1, ..case }), percent / 100.0, "blocks lost"),
                "msga" => {
                    let case = SharedCase { carrier_rb: carrier_rb(bandwidth, scs_khz)?, n_transmissions: 1, ..case };
                    let last_us = if scs_khz == 15 { 3.8 } else { 2.0 };
                    (Case::Timed(case, Timing::Cycling { last_us }), percent / 100.0, "MsgA, blocks lost")
                }
                "moving-X" | "moving-Y" | "moving-Z" => {
                    let case = SharedCase { carrier_rb: carrier_rb(bandwidth, scs_khz)?, ..case };
                    (Case::Timed(case, moving(kind, scs_khz)), 1.0 - percent / 100.0, scenario(kind))
                }
                _ => (Case::Shared(case), 1.0 - percent / 100.0, "high speed train"),
            };
            let clause = table.rsplit_once('-').map_or(table, |t| t.0);
            Ok(Requirement {
                clause: format!("TS 38.104 §{clause}"),
                test: format!(
                    "{bandwidth} MHz {scs_khz} kHz type {mapping:?} 1x{n_rx} {propagation} {name} {what} {percent} % (table {table})"
                ),
                channel: "PUSCH",
                required_snr_db,
                target,
                case,
            })
        }))
    };
    let rows = Rows::new(include_str!("../../data/pusch_special.tsv"));
    rows.map(|r| row(r).unwrap_or_else(|| Err(broken("pusch_special")))).collect()
}

fn carrier_rb(bandwidth_mhz: &str, scs_khz: u32) -> Result<u16, LinkError> {
    let n_rb = bandwidth_mhz.parse().ok().and_then(|mhz| super::n_rb(mhz, scs_khz));
    n_rb.ok_or_else(|| LinkError::new(format!("no carrier of {bandwidth_mhz} MHz at {scs_khz} kHz")))
}

/// Spec: TS 38.104 table G.4-1
fn moving(kind: &str, scs_khz: u32) -> Timing {
    let rate = match kind {
        "moving-X" => 0.04,
        "moving-Y" => 0.13,
        _ => 0.18,
    };
    let mu = f64::from(scs_khz / 15);
    Timing::Moving { amplitude_us: 10.0 / mu, rad_per_s: rate * mu }
}

fn scenario(kind: &str) -> &'static str {
    match kind {
        "moving-X" => "scenario X",
        "moving-Y" => "scenario Y",
        _ => "scenario Z",
    }
}

/// CSI on PUSCH: 0.1 % of part 1, 1 % of part 2. Spec: TS 38.104 §8.2.3.2, table 8.2.3.1-1
pub(super) fn uci() -> Result<Vec<Requirement>, LinkError> {
    let row = |mut r: crate::table::Row| -> Option<Result<Requirement, LinkError>> {
        let (table, mapping) = (r.text()?, mapping_type(r.text()?));
        let (bandwidth, scs_khz, n_rx, propagation) = (r.text()?, r.number()?, r.number()?, r.text()?);
        let (part, n_csi1, n_csi2) = (r.number()?, r.number()?, r.number()?);
        let (name, additional, required_snr_db) = (r.text()?, r.number::<u8>()?, r.number()?);
        Some(frc::find(name, 1).and_then(|f| {
            let case = shared(&f, numerology(scs_khz)?, mapping, additional, n_rx, propagation)?;
            let case = SharedCase { n_transmissions: 1, ..case };
            Ok(Requirement {
                clause: "TS 38.104 §8.2.3.2".into(),
                test: format!(
                    "{bandwidth} MHz {scs_khz} kHz type {mapping:?} 1x{n_rx} {propagation} {name} CSI part {part} of {n_csi1} and {n_csi2} bits (table {table})"
                ),
                channel: "PUSCH",
                required_snr_db,
                target: if part == 1 { 0.001 } else { 0.01 },
                case: Case::Uci(UciCase { shared: case, n_csi1, n_csi2, part }),
            })
        }))
    };
    let rows = Rows::new(include_str!("../../data/uci.tsv"));
    rows.map(|r| row(r).unwrap_or_else(|| Err(broken("uci")))).collect()
}
