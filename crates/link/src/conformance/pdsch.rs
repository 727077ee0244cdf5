//! Requirements on PDSCH. Spec: TS 38.101-4 §5.2.2, §5.2.3

use fapi::MappingType;
use nr::Numerology;
use phy::equalize::Detector;

use super::{Case, Requirement, broken, n_rb};
use crate::LinkError;
use crate::propagation::{Antennas, Correlation, Propagation, correlation};
use crate::shared::{Direction, SharedCase};
use crate::table::Rows;

pub(super) fn all() -> Result<Vec<Requirement>, LinkError> {
    Rows::new(include_str!("../../data/pdsch.tsv")).map(|r| row(r).unwrap_or_else(|| Err(broken("pdsch")))).collect()
}

/// Spec: TS 38.101-4 tables 5.2-1, 5.2.2.1.1-2, 5.2.2.2.1-2, 5.2.3.1.1-2, 5.2.3.2.1-2
fn row(mut r: crate::table::Row) -> Option<Result<Requirement, LinkError>> {
    let (clause, test, reference) = (r.text()?, r.text()?, r.text()?);
    let (bandwidth, scs_khz) = (r.number::<u32>()?, r.number::<u32>()?);
    let (first_rb, n_rb_allocated) = (r.number()?, r.number()?);
    let (q_m, rate_x1024, n_layers) = (r.number()?, r.number()?, r.number()?);
    let (additional, prg_size) = (r.number::<u8>()?, r.number()?);
    let (propagation, n_tx, n_rx, correlated) = (r.text()?, r.number()?, r.number()?, r.text()?);
    let (percent, required_snr_db) = (r.number::<f64>()?, r.number()?);
    let mut case = SharedCase {
        direction: Direction::Downlink,
        numerology: Numerology::from_scs_khz(scs_khz)?,
        carrier_rb: n_rb(bandwidth, scs_khz)?,
        first_rb,
        n_rb: n_rb_allocated,
        start_symbol: 2,
        n_symbols: 12,
        mapping: MappingType::A,
        // TS 38.211 table 7.4.1.1.2-3, ending with the slot.
        dmrs_symbols: if additional == 2 { 1 << 2 | 1 << 7 | 1 << 11 } else { 1 << 2 | 1 << 11 },
        n_cdm_groups: if n_layers > 2 { 2 } else { 1 },
        q_m,
        rate_x1024,
        tbs_bits: 0,
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
    case.tbs_bits = case.tbs_bits();
    let condition = correlation(correlated).and_then(|c| Ok((c, Propagation::parse(propagation)?)));
    Some(condition.map(|(correlation, propagation_of)| {
        case.antennas.correlation = correlation;
        case.propagation =
            Propagation { direction: crate::propagation::Direction::Downlink, ..propagation_of };
        Requirement {
            clause: format!("TS 38.101-4 §{clause}"),
            test: format!(
                "test {test} {reference} {bandwidth} MHz {scs_khz} kHz {n_layers} layer(s) {n_tx}x{n_rx} {propagation} {correlated} {percent} %"
            ),
            channel: "PDSCH",
            required_snr_db,
            target: 1.0 - percent / 100.0,
            case: Case::Shared(case),
        }
    }))
}
