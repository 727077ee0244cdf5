//! Operating bands that a cell may use. Spec: TS 38.101-1 §5.2, §5.3.5; TS 38.104 §5.4.2.3, §5.4.3.3

use fapi::SsbCase;
use nr::Numerology;

/// A band and its rasters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Band {
    /// Its number.
    pub number: u16,
    /// Downlink, lowest and highest frequency, Hz.
    pub dl_hz: (f64, f64),
    /// Uplink, lowest and highest frequency, Hz.
    pub ul_hz: (f64, f64),
    /// Paired spectrum.
    pub fdd: bool,
    /// Channel raster in NR-ARFCN, for carriers of 15 kHz and of 30 kHz subcarrier spacing.
    pub arfcn_step: [u32; 2],
    /// Subcarrier spacing of the SS/PBCH block.
    pub ssb: Numerology,
    /// Start symbols of its blocks.
    pub case: SsbCase,
    /// L_max.
    pub l_max: u8,
    /// First GSCN, step, last GSCN.
    pub gscn: (u32, u32, u32),
    /// CORESET 0 by tables 13-5 and 13-6.
    pub min_bandwidth_40mhz: bool,
    /// Bandwidths in MHz that the band has.
    pub bandwidths_mhz: &'static [u16],
}

const BANDS: [Band; 3] = [
    Band {
        number: 3,
        dl_hz: (1_805e6, 1_880e6),
        ul_hz: (1_710e6, 1_785e6),
        fdd: true,
        arfcn_step: [20, 20],
        ssb: Numerology::KHZ15,
        case: SsbCase::A,
        l_max: 4,
        gscn: (4517, 1, 4693),
        min_bandwidth_40mhz: false,
        bandwidths_mhz: &[5, 10, 15, 20, 25, 30, 40],
    },
    Band {
        number: 78,
        dl_hz: (3_300e6, 3_800e6),
        ul_hz: (3_300e6, 3_800e6),
        fdd: false,
        arfcn_step: [1, 2],
        ssb: Numerology::KHZ30,
        case: SsbCase::C,
        l_max: 8,
        gscn: (7711, 1, 8051),
        min_bandwidth_40mhz: false,
        bandwidths_mhz: &[10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 90, 100],
    },
    Band {
        number: 79,
        dl_hz: (4_400e6, 5_000e6),
        ul_hz: (4_400e6, 5_000e6),
        fdd: false,
        arfcn_step: [1, 2],
        ssb: Numerology::KHZ30,
        case: SsbCase::C,
        l_max: 8,
        gscn: (8480, 16, 8880),
        min_bandwidth_40mhz: true,
        bandwidths_mhz: &[40, 50, 60, 80, 100],
    },
];

/// A band by its number.
pub fn band(number: u16) -> Option<&'static Band> {
    BANDS.iter().find(|b| b.number == number)
}

/// Frequency of a GSCN in Hz. Spec: TS 38.104 table 5.4.3.1-1
pub fn gscn_hz(gscn: u32) -> f64 {
    if gscn < 7499 {
        // GSCN = 3 N + (M - 3) / 2 with M = 1, 3, 5.
        let n = (gscn + 1) / 3;
        let m = 2.0 * (gscn as f64 - 3.0 * n as f64) + 3.0;
        n as f64 * 1_200e3 + m * 50e3
    } else {
        3_000e6 + (gscn - 7499) as f64 * 1_440e3
    }
}

/// The GSCN of a frequency on the band's synchronisation raster.
pub fn gscn_of(band: &Band, hz: f64) -> Option<u32> {
    let (first, step, last) = band.gscn;
    (first..=last).step_by(step as usize).find(|g| (gscn_hz(*g) - hz).abs() < 1.0)
}

/// N_RB by bandwidth. Spec: TS 38.101-1 table 5.3.2-1
pub fn bandwidth_mhz(n_rb: u16, scs_khz: u32) -> Option<u16> {
    const MHZ: [u16; 15] = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 100];
    const RB_15: [u16; 15] = [25, 52, 79, 106, 133, 160, 188, 216, 242, 270, 0, 0, 0, 0, 0];
    const RB_30: [u16; 15] = [11, 24, 38, 51, 65, 78, 92, 106, 119, 133, 162, 189, 217, 245, 273];
    let rbs = match scs_khz {
        15 => &RB_15,
        30 => &RB_30,
        _ => return None,
    };
    rbs.iter().position(|n| *n == n_rb && n_rb > 0).map(|i| MHZ[i])
}
