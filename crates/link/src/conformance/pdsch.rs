//! Requirements on PDSCH. Spec: TS 38.101-4 §5.2.2 to §5.2.4, §7.2.2.2

use fapi::resolve::pdsch_dmrs_symbols;
use fapi::{MappingType, TimeAllocation};
use nr::Numerology;
use phy::equalize::Detector;

use super::{Case, Requirement, broken, n_rb};
use crate::LinkError;
use crate::cells::{ONE_CELL, TWO_CELLS};
use crate::propagation::{Antennas, Correlation, Polarisation, Propagation, correlation};
use crate::shared::{Direction, Extras, SharedCase};
use crate::table::Rows;

pub(super) fn all() -> Result<Vec<Requirement>, LinkError> {
    Rows::new(include_str!("../../data/pdsch.tsv")).map(|r| row(r).unwrap_or_else(|| Err(broken("pdsch")))).collect()
}

/// Spec: TS 38.101-4 tables 5.2-1, 5.2.2.1.1-2, 5.2.2.2.1-2, 5.2.3.1.1-2, 5.2.3.2.1-2, 7.2-1, 7.2.2.2.1-2
fn row(mut r: crate::table::Row) -> Option<Result<Requirement, LinkError>> {
    let (clause, test, reference) = (r.text()?, r.text()?, r.text()?);
    let (bandwidth, scs_khz) = (r.number::<u32>()?, r.number::<u32>()?);
    let (first_rb, n_rb_allocated) = (r.number()?, r.number()?);
    let mapping = if r.text()? == "B" { MappingType::B } else { MappingType::A };
    let (start_symbol, n_symbols) = (r.number()?, r.number()?);
    let (q_m, rate_x1024, n_layers) = (r.number()?, r.number()?, r.number()?);
    let (additional, prg_size) = (r.number()?, r.number()?);
    let (_overhead, payload) = (r.number::<u32>()?, r.number()?);
    let (propagation, n_tx, n_rx, correlated) = (r.text()?, r.number()?, r.number()?, r.text()?);
    let (n_slots, percent, required_snr_db) = (r.number()?, r.number::<f64>()?, r.number()?);
    let more = r.text()?;
    let time = TimeAllocation { k: 0, mapping, start: start_symbol, n_symbols };
    let mut case = SharedCase {
        direction: Direction::Downlink,
        numerology: Numerology::from_scs_khz(scs_khz)?,
        carrier_rb: n_rb(bandwidth, scs_khz)?,
        first_rb,
        n_rb: n_rb_allocated,
        start_symbol,
        n_symbols,
        mapping,
        dmrs_symbols: pdsch_dmrs_symbols(&time, 2, additional).ok()?,
        n_cdm_groups: if n_layers > 2 { 2 } else { 1 },
        q_m,
        rate_x1024,
        tbs_bits: payload,
        n_layers,
        prg_size,
        transform_precoding: false,
        n_transmissions: 4,
        ldpc_iterations: 10,
        // As the terminal has it: tests 3-1 and 5-1 ask for the enhanced receiver type 1.
        detector: Detector::Joint,
        antennas: Antennas { n_tx, n_rx, correlation: Correlation::Low },
        propagation: Propagation::AWGN,
    };
    let (polarisation, level) = match correlated.strip_prefix("cross-") {
        Some(level) => (Polarisation::Cross, level),
        None => (Polarisation::Uniform, correlated),
    };
    let (cells, what) = match more {
        "one-cell" => (ONE_CELL, ", one cell interferes"),
        "two-cells" => (TWO_CELLS, ", two cells interfere"),
        "csi-rs" => (&[][..], ", CSI-RS in every fifth slot"),
        _ => (&[][..], ""),
    };
    let extras = Extras { csi_rs: more == "csi-rs", ptrs: more == "pt-rs", cells, n_slots };
    let asked = match n_slots {
        1 => format!("{percent} %"),
        n => format!("{n} slots, blocks lost {} %", 100.0 - percent),
    };
    let condition = correlation(level).and_then(|c| Ok((c, Propagation::parse(propagation)?)));
    Some(condition.map(|(correlation, condition)| {
        case.antennas.correlation = correlation;
        let direction = crate::propagation::Direction::Downlink;
        case.propagation = Propagation { direction, polarisation, ..condition };
        Requirement {
            clause: format!("TS 38.101-4 §{clause}"),
            test: format!(
                "test {test} {reference} {bandwidth} MHz {scs_khz} kHz {n_layers} layer(s) {n_tx}x{n_rx} {propagation} {correlated} {asked}{what}"
            ),
            channel: "PDSCH",
            required_snr_db,
            target: 1.0 - percent / 100.0,
            case: if extras == Extras::NONE { Case::Shared(case) } else { Case::Pdsch(case, extras) },
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.101-4 annex A.3.2 (payloads), TS 38.214 §5.1.3.2
    fn payloads_follow_from_the_transport_block_size_formula() {
        let rows: Vec<Vec<&str>> = include_str!("../../data/pdsch.tsv")
            .lines()
            .filter(|l| !l.starts_with('#'))
            .map(|l| l.split('\t').collect())
            .collect();
        let all = all().unwrap();
        assert_eq!(rows.len(), all.len());
        for (row, requirement) in rows.iter().zip(&all) {
            let (Case::Shared(case) | Case::Pdsch(case, _)) = requirement.case else { panic!() };
            let number = |i: usize| row[i].parse::<u32>().unwrap();
            let n_dmrs = case.dmrs_symbols.count_ones() * 6 * u32::from(case.n_cdm_groups);
            let n_re = nr::tables::tbs::n_re(case.n_symbols.into(), n_dmrs, number(15), case.n_rb.into());
            let rate = (case.rate_x1024 * 2.0) as u16;
            let tbs = nr::tables::tbs::tbs_bits(n_re, rate, case.q_m, case.n_layers, 0);
            assert_eq!(tbs, number(16), "{}", requirement.test);
        }
    }
}
