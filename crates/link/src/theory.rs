//! What no code of finite length can beat by much: the normal approximation.
//!
//! | symbol | here | meaning |
//! |---|---|---|
//! | n | `n_symbols` | modulation symbols |
//! | R | bits a symbol | information bits over n |
//! | C, V | [`capacity_dispersion`] | mutual information and dispersion of bit-interleaved coded modulation, bits and bits squared a symbol |
//!
//! epsilon = Q((n (C - R) + log2(n) / 2) / sqrt(n V)). Y. Polyanskiy, H. V. Poor, S. Verdu, "Channel coding rate in the finite
//! blocklength regime", IEEE Transactions on Information Theory 56 (2010), equation 1 with the third term of the Gaussian channel.

/// Nodes and weights of a Gauss-Hermite rule are replaced by a plain sum over a fine grid: the integrands are smooth.
const STEPS: i32 = 240;
const REACH: f64 = 6.0;

/// Mutual information and dispersion of a square QAM of `q_m` bits (BPSK for 1) in AWGN, treating each bit level as a channel of its
/// own, as a bit-interleaved receiver does.
///
/// - `snr_db` E_s/N_0
///
/// Capacity in bits a symbol, dispersion in bits squared a symbol.
pub fn capacity_dispersion(q_m: u8, snr_db: f64) -> (f64, f64) {
    let per_axis = if q_m == 1 { 1 } else { q_m / 2 };
    let n_axes = if q_m == 1 { 1.0 } else { 2.0 };
    let levels = amplitudes(per_axis);
    // Mean energy of one axis.
    let energy = levels.iter().map(|(a, _)| a * a).sum::<f64>() / levels.len() as f64;
    let snr = libm::pow(10.0, snr_db / 10.0);
    // Noise variance of the axis: a complex symbol of unit energy has N_0/2 on each.
    let sigma = libm::sqrt(energy * n_axes / (2.0 * snr));
    let (mut c, mut v) = (0.0, 0.0);
    for bit in 0..per_axis {
        let (mut mean, mut square, mut weight) = (0.0, 0.0, 0.0);
        for (a, word) in &levels {
            for step in -STEPS..=STEPS {
                let t = f64::from(step) * REACH / f64::from(STEPS);
                let w = libm::exp(-t * t / 2.0);
                let i = information(&levels, a + sigma * t, sigma, bit, word >> bit & 1);
                mean += w * i;
                square += w * i * i;
                weight += w;
            }
        }
        mean /= weight;
        c += mean;
        v += square / weight - mean * mean;
    }
    (c * n_axes, v * n_axes)
}

/// Amplitudes of one axis with their Gray-coded words.
fn amplitudes(bits: u8) -> Vec<(f64, u8)> {
    let n = 1u8 << bits;
    (0..n).map(|i| (f64::from(2 * i32::from(i) + 1 - i32::from(n)), i ^ (i >> 1))).collect()
}

/// 1 + log2 of the probability of the bit that was sent, given y.
fn information(levels: &[(f64, u8)], y: f64, sigma: f64, bit: u8, sent: u8) -> f64 {
    let nearest = levels.iter().map(|(a, _)| (y - a) * (y - a)).fold(f64::INFINITY, f64::min);
    let (mut same, mut all) = (0.0, 0.0);
    for (a, word) in levels {
        let p = libm::exp(-((y - a) * (y - a) - nearest) / (2.0 * sigma * sigma));
        all += p;
        if word >> bit & 1 == sent {
            same += p;
        }
    }
    1.0 + libm::log2((same / all).max(1e-300))
}

/// Block error rate of `n_bits` in `n_symbols` symbols by the normal approximation.
pub fn block_error_rate(n_bits: f64, n_symbols: f64, q_m: u8, snr_db: f64) -> f64 {
    let (c, v) = capacity_dispersion(q_m, snr_db);
    let margin = n_symbols * c - n_bits + 0.5 * libm::log2(n_symbols);
    0.5 * libm::erfc(margin / libm::sqrt(2.0 * n_symbols * v.max(1e-12)))
}

/// SNR at which the normal approximation gives `target`, dB.
pub fn required_snr_db(n_bits: f64, n_symbols: f64, q_m: u8, target: f64) -> f64 {
    let (mut low, mut high) = (-30.0, 50.0);
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if block_error_rate(n_bits, n_symbols, q_m, middle) > target { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.211 §5.1 (constellations; published capacity of BPSK: rate 1/2 at E_b/N_0 = 0.187 dB)
    fn capacity_is_the_published_one() {
        // BPSK with E_s/N_0 = R E_b/N_0 on one axis.
        let (c, _) = capacity_dispersion(1, 0.187 - 3.0103);
        assert!((c - 0.5).abs() < 1e-3, "{c}");
        let (c, v) = capacity_dispersion(2, 30.0);
        assert!((c - 2.0).abs() < 1e-6 && v < 1e-6);
        assert!((capacity_dispersion(2, 3.0).0 - 2.0 * capacity_dispersion(1, 0.0).0).abs() < 1e-2);
        assert!(capacity_dispersion(8, 20.0).0 < libm::log2(101.0));
    }

    #[test] // Spec: TS 38.212 §5.3.2 (reference curve; normal approximation, n = 1000, rate 1/2 BPSK, 1e-3: E_b/N_0 near 1.2 dB)
    fn short_blocks_need_more_than_capacity() {
        let snr = required_snr_db(500.0, 1000.0, 1, 1e-3);
        let eb_n0 = snr + 3.0103;
        assert!((0.9..1.5).contains(&eb_n0), "{eb_n0}");
        assert!(required_snr_db(50.0, 100.0, 1, 1e-3) > snr + 0.8);
        assert!((required_snr_db(500.0, 1000.0, 1, 0.5) + 3.0103 - 0.187).abs() < 0.2);
    }
}
