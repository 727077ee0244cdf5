//! Requirements on PDCCH and PBCH. Spec: TS 38.101-4 §5.3, §5.4

use fapi::CceRegMapping;

use super::{Case, Requirement, broken, n_rb, numerology};
use crate::LinkError;
use crate::control::{PbchCase, PdcchCase};
use crate::propagation::{Antennas, Propagation, correlation};
use crate::table::{Row, Rows};

pub(super) fn all() -> Result<Vec<Requirement>, LinkError> {
    let pdcch = Rows::new(include_str!("../../data/pdcch.tsv"))
        .map(|mut r| pdcch(&mut r).unwrap_or_else(|| Err(broken("pdcch"))));
    let pbch =
        Rows::new(include_str!("../../data/pbch.tsv")).map(|mut r| pbch(&mut r).unwrap_or_else(|| Err(broken("pbch"))));
    pdcch.chain(pbch).collect()
}

/// Spec: TS 38.101-4 tables 5.3-1, 5.3.1.1-1 to 5.3.3.2.2-1, A.3.3
fn pdcch(r: &mut Row) -> Option<Result<Requirement, LinkError>> {
    let (clause, test, reference) = (r.text()?, r.text()?, r.text()?);
    let (bandwidth, scs_khz) = (r.number()?, r.number()?);
    let (coreset_rb, duration, level) = (r.number()?, r.number()?, r.number()?);
    let (bundle, n_bits) = (r.number()?, r.number()?);
    let (propagation, n_tx, n_rx, correlated) = (r.text()?, r.number()?, r.number()?, r.text()?);
    let required_snr_db = r.number()?;
    let carrier_rb = n_rb(bandwidth, scs_khz)?;
    let mapping = match bundle {
        0 => CceRegMapping::NonInterleaved,
        l => CceRegMapping::Interleaved { reg_bundle_size: l, interleaver_size: 3, shift_index: 0 },
    };
    let condition =
        correlation(correlated).and_then(|c| Ok((c, Propagation::parse(propagation)?, numerology(scs_khz)?)));
    Some(condition.map(|(correlation, condition, numerology)| Requirement {
        clause: format!("TS 38.101-4 §{clause}"),
        test: format!(
            "test {test} {reference} {bandwidth} MHz {scs_khz} kHz level {level} {n_tx}x{n_rx} {propagation} {correlated}"
        ),
        channel: "PDCCH",
        required_snr_db,
        target: 0.01,
        case: Case::Pdcch(PdcchCase {
            numerology,
            carrier_rb,
            coreset_rb,
            duration,
            mapping,
            level,
            n_bits,
            antennas: Antennas { n_tx, n_rx, correlation },
            propagation: Propagation { direction: crate::propagation::Direction::Downlink, ..condition },
        }),
    }))
}

/// Spec: TS 38.101-4 tables 5.4-1, 5.4.1.1-1 to 5.4.3.2-3
fn pbch(r: &mut Row) -> Option<Result<Requirement, LinkError>> {
    let (clause, test, scs_khz) = (r.text()?, r.text()?, r.number::<u32>()?);
    let (known, propagation, n_rx, required_snr_db) = (r.number::<u8>()?, r.text()?, r.number()?, r.number()?);
    let carrier_rb = n_rb(if scs_khz == 15 { 10 } else { 20 }, scs_khz)?;
    let index = if known == 1 { "index known" } else { "index not known" };
    let condition = Propagation::parse(propagation).and_then(|p| Ok((p, numerology(scs_khz)?)));
    Some(condition.map(|(condition, numerology)| Requirement {
        clause: format!("TS 38.101-4 §{clause}"),
        test: format!("test {test} {scs_khz} kHz {index} 1x{n_rx} {propagation}"),
        channel: "PBCH",
        required_snr_db,
        target: 0.01,
        case: Case::Pbch(PbchCase {
            numerology,
            carrier_rb,
            n_rx,
            index_known: known == 1,
            propagation: Propagation { direction: crate::propagation::Direction::Downlink, ..condition },
        }),
    }))
}
