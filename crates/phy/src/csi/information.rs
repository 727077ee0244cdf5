//! Which code rate an SINR carries: the information of a bit of each modulation, and what the receiver is away from it.

/// Lowest and highest SINR of the table, dB.
const DB_MIN: i32 = -14;
const DB_MAX: i32 = 42;

/// Mutual information of a bit and its soft value in white noise, x 10 000, by modulation (Q_m 2, 4, 6, 8, 10) and SINR in steps of 1 dB.
/// By numerical integration over the constellations of TS 38.211 §5.1.3 to §5.1.7.
#[rustfmt::skip]
const INFORMATION: [[u16; (DB_MAX - DB_MIN + 1) as usize]; 5] = [
    [
        282, 353, 441, 551, 687, 855, 1061, 1311, 1614, 1977, 2407, 2910, 3489, 4141, 4859, 5628, 6421, 7207, 7944,
        8592, 9119, 9507, 9760, 9902, 9968, 9992, 9999, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000,
        10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000,
    ],
    [
        114, 143, 180, 225, 282, 353, 440, 549, 681, 843, 1039, 1273, 1550, 1874, 2248, 2673, 3149, 3671, 4234,
        4829, 5445, 6070, 6696, 7313, 7909, 8463, 8949, 9343, 9633, 9821, 9927, 9976, 9994, 9999, 10000, 10000, 10000, 10000,
        10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000,
    ],
    [
        72, 91, 114, 143, 179, 224, 279, 347, 431, 533, 655, 802, 974, 1175, 1406, 1666, 1957, 2277, 2626,
        3004, 3410, 3843, 4302, 4783, 5281, 5789, 6300, 6808, 7308, 7797, 8267, 8708, 9100, 9425, 9669, 9833, 9929, 9975,
        9993, 9999, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000,
    ],
    [
        54, 67, 84, 106, 132, 166, 207, 257, 319, 394, 485, 592, 719, 867, 1036, 1227, 1439, 1672, 1924,
        2195, 2484, 2790, 3110, 3444, 3789, 4146, 4517, 4902, 5302, 5715, 6136, 6560, 6982, 7398, 7805, 8201, 8581, 8937,
        9256, 9521, 9722, 9859, 9939, 9978, 9994, 9999, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000,
    ],
    [
        43, 54, 67, 84, 106, 132, 165, 205, 254, 314, 386, 472, 573, 691, 825, 977, 1145, 1330, 1530,
        1744, 1972, 2213, 2465, 2725, 2994, 3269, 3552, 3843, 4142, 4447, 4757, 5072, 5395, 5728, 6071, 6422, 6777, 7134,
        7488, 7835, 8173, 8501, 8817, 9112, 9377, 9597, 9766, 9880, 9948, 9981, 9995, 9999, 10000, 10000, 10000, 10000, 10000,
    ],];

/// By how much the information must exceed the code rate for one block in ten to be lost: (rate, excess), straight in between.
///
/// Measured: PDSCH on 52 resource blocks in two DM-RS symbols, precoding groups of two, one antenna.
const EXCESS: [(f64, f64); 6] = [(0.0, 0.01), (0.12, 0.074), (0.3, 0.102), (0.6, 0.087), (0.93, 0.036), (1.0, 0.02)];

/// Information of a bit of modulation `q_m` (2, 4, 6, 8 or 10) at an SINR (linear), 0..=1.
pub(super) fn information(q_m: u8, sinr: f64) -> f64 {
    let table = &INFORMATION[usize::from(q_m / 2).clamp(1, 5) - 1];
    let db = 10.0 * libm::log10(sinr.max(1e-9));
    let at = db - f64::from(DB_MIN);
    if at <= 0.0 {
        // As the SINR, where that is low.
        return f64::from(table[0]) * 1e-4 * libm::pow(10.0, at / 10.0);
    }
    let whole = (at as usize).min(table.len() - 2);
    let part = (at - whole as f64).min(1.0);
    let (a, b) = (f64::from(table[whole]), f64::from(table[whole + 1]));
    (a + (b - a) * part) * 1e-4
}

/// The code rate that blocks of a mean information of `information` a bit carry, 0..=1.
pub(super) fn rate(information: f64) -> f64 {
    for pair in EXCESS.windows(2) {
        let ((r0, e0), (r1, e1)) = (pair[0], pair[1]);
        let (i0, i1) = (r0 + e0, r1 + e1);
        if information <= i1 {
            return (r0 + (r1 - r0) * (information - i0) / (i1 - i0)).max(0.0);
        }
    }
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 - E{log2(1 + exp(-L))} of an antipodal bit, L of mean and half variance `snr` times two, by Simpson's rule.
    fn antipodal(snr: f64) -> f64 {
        let (n, sigma) = (4000, libm::sqrt(4.0 * snr));
        let (mean, step) = (2.0 * snr, 16.0 / 4000.0);
        let f = |i: usize| {
            let x = -8.0 + step * i as f64;
            let l = mean + sigma * x;
            let log = if l < -30.0 { -l } else { libm::log1p(libm::exp(-l)) };
            libm::exp(-x * x / 2.0) * log / core::f64::consts::LN_2
        };
        let sum: f64 = (0..=n).map(|i| f(i) * if i == 0 || i == n { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 }).sum();
        1.0 - sum * step / 3.0 / libm::sqrt(core::f64::consts::TAU)
    }

    #[test] // Spec: TS 38.211 §5.1.3 to §5.1.7 (information of their bits), TS 38.214 §5.2.2.1
    fn information_is_that_of_the_constellations() {
        for db in -20..12 {
            let snr = libm::pow(10.0, f64::from(db) / 10.0);
            let (got, wanted) = (information(2, snr), antipodal(snr));
            assert!((got - wanted).abs() < 0.004, "{db} dB: {got} {wanted}");
        }
        for q_m in [2u8, 4, 6, 8, 10] {
            let mut before = 0.0;
            for db in -30..50 {
                let snr = libm::pow(10.0, f64::from(db) / 10.0);
                let i = information(q_m, snr);
                assert!(i >= before && i <= 1.0 && f64::from(q_m) * i < libm::log2(1.0 + snr) + 0.01, "{q_m} {db}");
                before = i;
            }
            assert!(before > 0.9999);
        }
    }

    #[test] // Spec: TS 38.214 §5.2.2.1 (one block in ten)
    fn rates_stay_below_the_information() {
        let mut before = -1.0;
        for i in 0..=100 {
            let information = f64::from(i) / 100.0;
            let r = rate(information);
            assert!(r >= before && (r == 0.0 || r < information));
            before = r;
        }
        assert!((rate(0.3 + 0.102) - 0.3).abs() < 1e-12);
    }
}
