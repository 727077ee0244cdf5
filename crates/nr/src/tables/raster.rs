//! The synchronisation raster and the frequencies of the bands served. Spec: TS 38.104 §5.2, §5.4.3
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | GSCN | `gscn` | global synchronisation channel number | 2..=26639 |
//! | SS_REF | [`gscn_hz`] | frequency of the SS block's subcarrier 120 | |
//! | N, M | | SS_REF = N 1.2 MHz + M 50 kHz; 3 GHz + N 1.44 MHz; 24.25008 GHz + N 17.28 MHz | |

use crate::Numerology;

/// SS_REF of a GSCN in Hz; `None` outside the raster. Spec: TS 38.104 table 5.4.3.1-1
pub fn gscn_hz(gscn: u32) -> Option<f64> {
    let hz = match gscn {
        2..=7498 => {
            // GSCN = 3 N + (M - 3)/2 with M = 1, 3, 5.
            let n = (gscn + 1) / 3;
            let m = [1, 3, 5][(gscn + 1 - 3 * n) as usize];
            u64::from(n) * 1_200_000 + m * 50_000
        }
        7499..=22255 => 3_000_000_000 + u64::from(gscn - 7499) * 1_440_000,
        22256..=26639 => 24_250_080_000 + u64::from(gscn - 22256) * 17_280_000,
        _ => return None,
    };
    Some(hz as f64)
}

/// The GSCN whose SS_REF is `hz` (to 1 Hz). Spec: TS 38.104 table 5.4.3.1-1
pub fn gscn(hz: f64) -> Option<u32> {
    let near = |x: f64| (x + 0.5).floor() as i64;
    let guess = match hz {
        h if h >= 24_250_080_000.0 => 22256 + near((h - 24_250_080_000.0) / 17_280_000.0),
        h if h >= 3_000_000_000.0 => 7499 + near((h - 3_000_000_000.0) / 1_440_000.0),
        h if h > 0.0 => 3 * near((h - 150_000.0) / 1_200_000.0),
        _ => return None,
    };
    (guess - 1..=guess + 1)
        .filter_map(|g| u32::try_from(g).ok())
        .find(|&g| gscn_hz(g).is_some_and(|f| (f - hz).abs() < 1.0))
}

/// SS block pattern. Spec: TS 38.213 §4.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockPattern {
    /// 15 kHz.
    A,
    /// 30 kHz, 28-symbol pattern.
    B,
    /// 30 kHz, 14-symbol pattern.
    C,
}

/// A band and its synchronisation raster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Band {
    /// Band number n.
    pub number: u16,
    /// Downlink, Hz: lowest and highest.
    pub dl_hz: (u64, u64),
    /// Uplink, Hz: lowest and highest; that of the downlink in TDD.
    pub ul_hz: (u64, u64),
    /// Subcarrier spacing of the SS block.
    pub ssb_numerology: Numerology,
    /// Its pattern.
    pub pattern: BlockPattern,
    /// First GSCN, step and last GSCN.
    pub gscn: (u32, u32, u32),
    /// The minimum channel bandwidth is 40 MHz, so CORESET 0 is read from tables 13-5 and 13-6. Spec: TS 38.213 §13
    pub min_bandwidth_40mhz: bool,
}

const fn mhz(low: u64, high: u64) -> (u64, u64) {
    (low * 1_000_000, high * 1_000_000)
}

/// The bands served. Spec: TS 38.104 tables 5.2-1, 5.4.3.3-1
pub const BANDS: [Band; 8] = [
    band(1, mhz(2110, 2170), mhz(1920, 1980), Numerology::KHZ15, BlockPattern::A, (5279, 1, 5419)),
    band(3, mhz(1805, 1880), mhz(1710, 1785), Numerology::KHZ15, BlockPattern::A, (4517, 1, 4693)),
    band(7, mhz(2620, 2690), mhz(2500, 2570), Numerology::KHZ15, BlockPattern::A, (6554, 1, 6718)),
    band(28, mhz(758, 803), mhz(703, 748), Numerology::KHZ15, BlockPattern::A, (1901, 1, 2002)),
    band(41, mhz(2496, 2690), mhz(2496, 2690), Numerology::KHZ30, BlockPattern::C, (6252, 3, 6714)),
    band(77, mhz(3300, 4200), mhz(3300, 4200), Numerology::KHZ30, BlockPattern::C, (7711, 1, 8329)),
    band(78, mhz(3300, 3800), mhz(3300, 3800), Numerology::KHZ30, BlockPattern::C, (7711, 1, 8051)),
    Band {
        min_bandwidth_40mhz: true,
        ..band(79, mhz(4400, 5000), mhz(4400, 5000), Numerology::KHZ30, BlockPattern::C, (8480, 16, 8880))
    },
];

const fn band(
    number: u16,
    dl_hz: (u64, u64),
    ul_hz: (u64, u64),
    ssb_numerology: Numerology,
    pattern: BlockPattern,
    gscn: (u32, u32, u32),
) -> Band {
    Band { number, dl_hz, ul_hz, ssb_numerology, pattern, gscn, min_bandwidth_40mhz: false }
}

impl Band {
    /// The band of this number, if it is served.
    pub fn of(number: u16) -> Option<&'static Band> {
        BANDS.iter().find(|b| b.number == number)
    }
    /// The GSCNs of the band's raster, ascending.
    pub fn raster(&self) -> impl DoubleEndedIterator<Item = u32> + use<> {
        let (first, step, last) = self.gscn;
        (0..=(last - first) / step).map(move |i| first + i * step)
    }
    /// L_max of the band. Spec: TS 38.213 §4.1
    pub fn l_max(&self) -> u8 {
        // Case C in unpaired spectrum has 8 from 1.88 GHz on, the others from 3 GHz on.
        let from =
            if self.pattern == BlockPattern::C && self.dl_hz == self.ul_hz { 1_880_000_000 } else { 3_000_000_000 };
        if self.dl_hz.0 >= from { 8 } else { 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.104 table 5.4.3.1-1
    fn raster_points_both_ways() {
        for (n, hz) in
            [(2, 1.25e6), (3, 1.35e6), (4, 1.45e6), (5, 2.45e6), (7498, 2999.05e6), (7499, 3e9), (7711, 3305.28e6)]
        {
            assert_eq!(gscn_hz(n), Some(hz), "{n}");
        }
        for n in [2, 3, 4, 4517, 4518, 4519, 4693, 7498, 7499, 8051, 8480, 22255, 22256, 26639] {
            assert_eq!(gscn(gscn_hz(n).unwrap()), Some(n));
        }
        assert_eq!((gscn_hz(1), gscn_hz(26640), gscn(3_000_001_000.0)), (None, None, None));
    }

    #[test] // Spec: TS 38.104 table 5.4.3.3-1 (every block lies in its band)
    fn rasters_lie_in_their_bands() {
        for band in &BANDS {
            let half = 10.0 * 12.0 * f64::from(band.ssb_numerology.scs_hz());
            for hz in band.raster().map(|g| gscn_hz(g).unwrap()) {
                assert!(hz - half >= band.dl_hz.0 as f64 && hz + half <= band.dl_hz.1 as f64, "n{} {hz}", band.number);
            }
        }
        assert_eq!(Band::of(78).unwrap().raster().count(), 341);
        assert_eq!(Band::of(79).unwrap().raster().count(), 26);
        assert_eq!((Band::of(3).unwrap().l_max(), Band::of(78).unwrap().l_max()), (4, 8));
    }
}
