//! NR-ARFCN: the global frequency raster. Spec: TS 38.104 §5.4.2.1, table 5.4.2.1-1
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | N_REF | `arfcn` | NR-ARFCN | 0..=3279165 |
//! | F_REF | `hz` | RF reference frequency, Hz | 0..=100 GHz |

/// (first ARFCN, last ARFCN, F_REF-Offs Hz, step Hz)
const RANGES: [(u32, u32, u64, u64); 3] = [
    (0, 599_999, 0, 5_000),
    (600_000, 2_016_666, 3_000_000_000, 15_000),
    (2_016_667, 3_279_165, 24_250_080_000, 60_000),
];

/// Frequency of an NR-ARFCN in Hz; `None` beyond 3279165.
pub fn hz(arfcn: u32) -> Option<f64> {
    let (first, _, offset, step) = RANGES.into_iter().find(|r| (r.0..=r.1).contains(&arfcn))?;
    Some((offset + step * (arfcn - first) as u64) as f64)
}

/// The NR-ARFCN of a frequency in Hz, if it lies on the raster (to 1 Hz).
pub fn arfcn(hz: f64) -> Option<u32> {
    RANGES.into_iter().find_map(|(first, last, offset, step)| {
        let n = nearest((hz - offset as f64) / step as f64);
        if n < 0.0 || n > (last - first) as f64 {
            return None;
        }
        let exact = offset as f64 + n * step as f64;
        ((exact - hz).abs() < 1.0).then_some(first + n as u32)
    })
}

fn nearest(x: f64) -> f64 {
    (x + 0.5).floor()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.104 table 5.4.2.1-1
    fn raster_points_both_ways() {
        for (n, f) in [(0, 0.0), (600_000, 3e9), (632_628, 3_489_420_000.0), (2_016_667, 24_250_080_000.0)] {
            assert_eq!(hz(n), Some(f));
            assert_eq!(arfcn(f), Some(n));
        }
        assert_eq!(hz(3_279_166), None);
        assert_eq!(arfcn(3_489_421_000.0), None);
        assert_eq!(arfcn(-5.0), None);
    }
}
