//! Requirements on PRACH. Spec: TS 38.104 §8.4.1, §8.4.2.2, §8.4.2.3, tables 8.4.2.1-1, A.6-1, A.6-3 to A.6-5

use nr::tables::prach::{PrachFormat, n_cs};

use super::{Case, Requirement, broken, n_rb, numerology};
use crate::LinkError;
use crate::prach::PrachCase;
use crate::propagation::Propagation;
use crate::table::{Row, Rows};

/// The strongest path of TDLC300 lies so long behind the first. Spec: TS 38.104 table G.2.1.1-4
const STRONGEST_OF_TDLC300_S: f64 = 65e-9;

/// What a cell's receiver is configured for: offsets of slow terminals, and those of a cell for fast ones at 15 and 30 kHz, which are the
/// test's own. Spec: TS 38.104 §8.4.2.1, tables 8.4.2.2-1 to 8.4.2.3-4
const OFFSET_HZ: f64 = 400.0;
const OFFSET_FAST_HZ: [(u32, f64); 2] = [(15, 1740.0), (30, 3334.0)];

pub(super) fn all() -> Result<Vec<Requirement>, LinkError> {
    let mut all: Vec<Requirement> = Rows::new(include_str!("../../data/prach.tsv"))
        .map(|mut r| row(&mut r).unwrap_or_else(|| Err(broken("prach"))))
        .collect::<Result<_, _>>()?;
    // Nothing sent: one row for a long and one for a short format, and for each kind of cell for fast terminals, each number of antennas.
    let sent = all.clone();
    for (clause, wanted) in [
        ("8.4.2.2", "format 0 1.25 kHz"),
        ("8.4.2.2", "format B4 30 kHz"),
        ("8.4.2.3", "format 0 1.25 kHz restricted set A"),
        ("8.4.2.3", "format 0 1.25 kHz restricted set B"),
        ("8.4.2.3", "format B4 15 kHz"),
    ] {
        for n_rx in [2, 4, 8] {
            let of_format =
                |r: &&Requirement| r.clause.ends_with(clause) && r.test.starts_with(&format!("{wanted} 1x{n_rx} AWGN"));
            let Some(Case::Prach(case)) = sent.iter().find(of_format).map(|r| r.case) else { continue };
            let fast = if clause == "8.4.2.3" { ", for fast terminals" } else { "" };
            all.push(Requirement {
                clause: "TS 38.104 §8.4.1.2".into(),
                test: format!("{wanted} {n_rx} antennas, noise alone{fast}"),
                channel: "PRACH",
                required_snr_db: 0.0,
                target: 0.001,
                case: Case::Prach(PrachCase { preamble: None, ..case }),
            });
        }
    }
    Ok(all)
}

fn format(name: &str) -> Option<PrachFormat> {
    Some(match name {
        "0" => PrachFormat::F0,
        "1" => PrachFormat::F1,
        "A1" => PrachFormat::A1,
        "A2" => PrachFormat::A2,
        "A3" => PrachFormat::A3,
        "B4" => PrachFormat::B4,
        "C0" => PrachFormat::C0,
        "C2" => PrachFormat::C2,
        _ => return None,
    })
}

fn row(r: &mut Row) -> Option<Result<Requirement, LinkError>> {
    let (table, name, scs) = (r.text()?, r.text()?, r.text()?);
    let (restricted, n_rx, propagation) = (r.text()?, r.number()?, r.text()?);
    let (offset_hz, required_snr_db) = (r.number()?, r.number()?);
    let format = format(name)?;
    // Preambles of 1.25 kHz on the narrowest carrier of 15 kHz.
    let scs_khz = if format.is_long() { 15 } else { scs.parse().ok()? };
    let carrier_rb = n_rb(if scs_khz == 15 { 5 } else { 10 }, scs_khz)?;
    // (N_CS, logical index, v); the restricted sets' zones have their own table, in which 15 stands first.
    let (n_cs_wanted, root_sequence_index, preamble) = match (restricted, format, scs_khz) {
        ("A", ..) => (15, 384, 0),
        ("B", ..) => (15, 30, 30),
        (_, PrachFormat::F0, _) => (13, 22, 32),
        (_, PrachFormat::F1, _) => (0, 22, 0),
        (.., 15) => (23, 0, 0),
        _ => (46, 0, 0),
    };
    let restricted_set = match restricted {
        "A" => 1,
        "B" => 2,
        _ => 0,
    };
    let zero_correlation_zone = match restricted_set {
        0 => (0..16).find(|z| n_cs(format, *z) == Some(n_cs_wanted))?,
        _ => 0,
    };
    let fast = table.starts_with("8.4.2.3").then(|| OFFSET_FAST_HZ.iter().find(|o| o.0 == scs_khz).map(|o| o.1));
    let offset_max_hz = fast.flatten().filter(|_| !format.is_long()).unwrap_or(OFFSET_HZ);
    let fading = propagation.starts_with("TDLC");
    let tolerance_us = match (format.is_long(), scs_khz, fading) {
        (true, _, false) => 1.04,
        (true, _, true) => 2.55,
        (false, 15, false) => 0.52,
        (false, 15, true) => 2.03,
        (false, _, false) => 0.26,
        (false, _, true) => 1.77,
    };
    let set = if restricted_set == 0 { String::new() } else { format!(" restricted set {restricted}") };
    let requirement = |propagation_of| {
        let clause = table.rsplit_once('-').map_or(table, |t| t.0);
        Ok(Requirement {
            clause: format!("TS 38.104 §{clause}"),
            test: format!("format {name} {scs} kHz{set} 1x{n_rx} {propagation} offset {offset_hz} Hz (table {table})"),
            channel: "PRACH",
            required_snr_db,
            target: 0.01,
            case: Case::Prach(PrachCase {
                format,
                numerology: numerology(scs_khz)?,
                carrier_rb,
                zero_correlation_zone,
                restricted_set,
                root_sequence_index,
                preamble: Some(preamble),
                offset_hz,
                offset_max_hz,
                strongest_path_s: if fading { STRONGEST_OF_TDLC300_S } else { 0.0 },
                tolerance_s: tolerance_us * 1e-6,
                n_rx,
                propagation: propagation_of,
            }),
        })
    };
    Some(Propagation::parse(propagation).and_then(requirement))
}
