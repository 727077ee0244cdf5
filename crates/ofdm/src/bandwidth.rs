//! How many resource blocks a channel bandwidth carries.
//!
//! Spec: TS 38.101-1 table 5.3.2-1, TS 38.101-2 table 5.3.2-1; the tables of TS 38.104 §5.3.2 are the same

use nr::Numerology;

use crate::CarrierError;

/// Frequency ranges. Spec: TS 38.101-1 §5.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrequencyRange {
    /// 410 to 7125 MHz.
    Fr1,
    /// 24 250 to 52 600 MHz (FR2-1).
    Fr2,
}

/// Bandwidths of FR1 in MHz, and N_RB at 15, 30 and 60 kHz; 0 for none.
const FR1: [(u32, [usize; 3]); 15] = [
    (5, [25, 11, 0]),
    (10, [52, 24, 11]),
    (15, [79, 38, 18]),
    (20, [106, 51, 24]),
    (25, [133, 65, 31]),
    (30, [160, 78, 38]),
    (35, [188, 92, 44]),
    (40, [216, 106, 51]),
    (45, [242, 119, 58]),
    (50, [270, 133, 65]),
    (60, [0, 162, 79]),
    (70, [0, 189, 93]),
    (80, [0, 217, 107]),
    (90, [0, 245, 121]),
    (100, [0, 273, 135]),
];

/// Bandwidths of FR2 in MHz, and N_RB at 60 and 120 kHz; 0 for none.
const FR2: [(u32, [usize; 2]); 4] = [(50, [66, 32]), (100, [132, 66]), (200, [264, 132]), (400, [0, 264])];

/// N_RB of a channel bandwidth in MHz.
///
/// Errors: `Bandwidth` for what the tables do not have.
pub fn n_rb(range: FrequencyRange, numerology: Numerology, bandwidth_mhz: u32) -> Result<usize, CarrierError> {
    let column = usize::from(numerology.mu());
    let found = match range {
        FrequencyRange::Fr1 => FR1.iter().find(|row| row.0 == bandwidth_mhz).and_then(|row| row.1.get(column)),
        FrequencyRange::Fr2 => FR2
            .iter()
            .find(|row| row.0 == bandwidth_mhz)
            .and_then(|row| column.checked_sub(2).and_then(|column| row.1.get(column))),
    };
    let scs_khz = numerology.scs_khz();
    found.copied().filter(|&n| n > 0).ok_or(CarrierError::Bandwidth { range, scs_khz, bandwidth_mhz })
}

/// All bandwidths of a range and numerology in MHz with their N_RB, narrowest first.
pub fn bandwidths(range: FrequencyRange, numerology: Numerology) -> impl Iterator<Item = (u32, usize)> {
    (5..=400).step_by(5).filter_map(move |mhz| n_rb(range, numerology, mhz).ok().map(|n| (mhz, n)))
}
