//! Requirements on PUCCH. Spec: TS 38.104 §8.3.1 to §8.3.7

use fapi::PucchFormat;
use nr::Numerology;

use super::{Case, Requirement, broken, n_rb};
use crate::LinkError;
use crate::propagation::{Antennas, Correlation, Propagation};
use crate::pucch::{Count, PucchCase};
use crate::table::Rows;

pub(super) fn all() -> Result<Vec<Requirement>, LinkError> {
    let mut all = Vec::new();
    for mut r in Rows::new(include_str!("../../data/pucch.tsv")) {
        let requirement = pucch_row(&mut r).unwrap_or_else(|| Err(broken("pucch")))?;
        all.push(requirement);
    }
    // Nothing sent: each format that carries HARQ-ACK, at the smallest carrier. Spec: TS 38.104 §8.3.1
    for (test, n_symbols) in [("f0", 1), ("f0", 2), ("f1-ack-missed", 14), ("f2-ack-missed", 1)] {
        for n_rx in [2, 4, 8] {
            let (case, _) =
                pucch_case(test, 5, 15, n_rx, "TDLC300-100", n_symbols, "-").unwrap_or_else(|| Err(broken("pucch")))?;
            all.push(Requirement {
                clause: "TS 38.104 §8.3.1.2".into(),
                test: format!("format {} {n_symbols} symbol(s) {n_rx} antennas, DTX to ACK", &test[1..2]),
                channel: "PUCCH",
                required_snr_db: 0.0,
                target: 0.01,
                case: Case::Pucch(PucchCase { count: Count::DtxToAck, ..case }),
            });
        }
    }
    Ok(all)
}

fn pucch_row(r: &mut crate::table::Row) -> Option<Result<Requirement, LinkError>> {
    let (table, test) = (r.text()?, r.text()?);
    let (bandwidth, scs_khz, n_rx) = (r.number()?, r.number()?, r.number()?);
    let (propagation, n_symbols, additional) = (r.text()?, r.number()?, r.text()?);
    let required_snr_db = r.number()?;
    let case = pucch_case(test, bandwidth, scs_khz, n_rx, propagation, n_symbols, additional)?;
    Some(case.map(|(case, target)| {
        let clause = table.rsplit_once('-').map_or(table, |t| t.0);
        let dmrs = match additional {
            "1" => ", additional DM-RS",
            _ => "",
        };
        Requirement {
            clause: format!("TS 38.104 §{clause}"),
            test: format!(
                "{test} {bandwidth} MHz {scs_khz} kHz {n_symbols} symbol(s) 1x{n_rx} {propagation}{dmrs} (table {table})"
            ),
            channel: "PUCCH",
            required_snr_db,
            target,
            case: Case::Pucch(case),
        }
    }))
}

/// The case and the target of a test of §8.3. Spec: TS 38.104 tables 8.3.2.1-1, 8.3.3.1.1-1, 8.3.4.1.1-1, 8.3.4.2.1-1, 8.3.5.1-1, 8.3.6.1-1
fn pucch_case(
    test: &str,
    bandwidth_mhz: u32,
    scs_khz: u32,
    n_rx: u8,
    propagation: &str,
    n_symbols: u8,
    additional: &str,
) -> Option<Result<(PucchCase, f64), LinkError>> {
    let numerology = Numerology::from_scs_khz(scs_khz)?;
    let carrier_rb = n_rb(bandwidth_mhz, scs_khz)?;
    let additional_dmrs = additional == "1";
    let f1 = PucchFormat::F1 { initial_cyclic_shift: 0, time_domain_occ: 0 };
    let (format, n_prb, hops, n_bits, count, target) = match test {
        "f0" => (PucchFormat::F0 { initial_cyclic_shift: 0 }, 1, n_symbols == 2, 1, Count::AckMissed, 0.01),
        "f1-two-slots-ack-missed" => (f1, 1, true, 2, Count::AckMissed, 0.01),
        "f1-two-slots-nack-to-ack" => (f1, 1, true, 2, Count::NackToAck, 0.001),
        "f1-ack-missed" => (f1, 1, true, 2, Count::AckMissed, 0.01),
        "f1-nack-to-ack" => (f1, 1, true, 2, Count::NackToAck, 0.001),
        "f2-ack-missed" => (PucchFormat::F2 { n_prb: 4 }, 4, false, 4, Count::AckMissed, 0.01),
        "f2-bler" => (PucchFormat::F2 { n_prb: 9 }, 9, true, 22, Count::Uci, 0.01),
        "f3-1" => (PucchFormat::F3 { n_prb: 1 }, 1, true, 16, Count::Uci, 0.01),
        "f3-2" => (PucchFormat::F3 { n_prb: 3 }, 3, true, 16, Count::Uci, 0.01),
        "f4" => (PucchFormat::F4 { occ_length: 2, occ_index: 0 }, 1, true, 22, Count::Uci, 0.01),
        _ => return None,
    };
    let case = PucchCase::new(format, n_symbols, n_prb, hops, numerology, carrier_rb);
    let n_slots = if test.starts_with("f1-two-slots") { 2 } else { 1 };
    let antennas = Antennas { n_tx: 1, n_rx, correlation: Correlation::Low };
    Some(Propagation::parse(propagation).map(|propagation| {
        (PucchCase { count, n_bits, n_slots, additional_dmrs, antennas, propagation, ..case }, target)
    }))
}
