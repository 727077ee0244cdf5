//! Detection of formats 0 and 1: correlation with cyclic shifts, energies of all words, thresholds.

use super::transmit::position;
use super::{RX_MAX, cover, format1_symbol, m_cs, sequences, symbols};
use dsp::Cf32;
use fapi::PucchPdu;
use nr::{SYMBOLS_PER_SLOT, SlotPoint, Tc};
use ofdm::Grid;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);
/// Bits of up to two HARQ-ACKs.
const WORDS: [[u8; 2]; 4] = [[0, 0], [1, 0], [0, 1], [1, 1]];
/// A candidate must reach this part of the strongest cyclic shift in its resource block, so that another UE's leakage is not
/// taken for it.
const LEAKAGE: f32 = 0.04;

/// Correlations of the received symbols with all twelve cyclic shifts, relative to n_cs, of unit gain for noise.
pub(super) struct Shifts {
    /// `[symbol idx][rx][shift]`.
    c: [[[Cf32; 12]; RX_MAX]; SYMBOLS_PER_SLOT],
    /// Energy of each shift over all symbols and antennas.
    energy: [f32; 12],
    /// Noise variance of one correlation, from the six weakest shifts.
    noise_var: f32,
}

impl Shifts {
    pub fn new(grid: &Grid, pdu: &PucchPdu, slot: SlotPoint, twelfths: &[Cf32; 12]) -> Shifts {
        let (bases, n_cs) = sequences(pdu, slot);
        let mut shifts = Shifts { c: [[[ZERO; 12]; RX_MAX]; SYMBOLS_PER_SLOT], energy: [0.0; 12], noise_var: 0.0 };
        let gain = 1.0 / libm::sqrtf(12.0);
        for s in symbols(pdu) {
            for rx in 0..grid.n_ports() {
                let y = &grid.symbol(rx, s.l)[s.prb * 12..s.prb * 12 + 12];
                let t: [Cf32; 12] = core::array::from_fn(|n| y[n] * bases[s.hop][n].conj());
                let bins = transform_12(&t, twelfths);
                for (shift, out) in shifts.c[s.idx][rx].iter_mut().enumerate() {
                    *out = bins[(shift + n_cs[s.l] as usize) % 12] * gain;
                    shifts.energy[shift] += out.norm_sqr();
                }
            }
        }
        let nu = pdu.resource.n_symbols as usize * grid.n_ports();
        shifts.noise_var = noise_of_weakest(&shifts.energy, nu);
        shifts
    }
}

/// X(k) = sum t(n) exp(-j 2 pi k n / 12), as four transforms of three and three of four points.
fn transform_12(t: &[Cf32; 12], twelfths: &[Cf32; 12]) -> [Cf32; 12] {
    let half = 0.866_025_4; // sqrt(3) / 2
    let mut columns = [[ZERO; 4]; 3];
    for c in 0..4 {
        let (a, b, d) = (t[c], t[c + 4], t[c + 8]);
        let (sum, difference) = (b + d, (b - d) * half);
        let turned = Cf32::new(difference.im, -difference.re);
        let middle = a - sum * 0.5;
        for (r, x) in [a + sum, middle + turned, middle - turned].into_iter().enumerate() {
            columns[r][c] = x * twelfths[r * c % 12].conj();
        }
    }
    let mut out = [ZERO; 12];
    for (r, [a, b, c, d]) in columns.into_iter().enumerate() {
        let (p, q, s, u) = (a + c, a - c, b + d, b - d);
        let turned = Cf32::new(u.im, -u.re);
        for (k, x) in [p + s, q + turned, p - s, q - turned].into_iter().enumerate() {
            out[r + 3 * k] = x;
        }
    }
    out
}

/// What one or several slots say of each word.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    /// Energy of word `w`, with a request in format 0 of word `w + 4`.
    energy: [f32; 8],
    /// Energy of the strongest cyclic shift.
    strongest: f32,
    /// Sum of the slots' noise variances, and slots.
    noise: f32,
    n: f32,
    /// Independent values in an energy.
    nu: usize,
    /// Resource elements in one of them.
    elements: f32,
}

/// What was decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub seen: bool,
    pub bits: [u8; 2],
    pub sr: bool,
    /// Power a resource element.
    pub power: f32,
    pub noise_var: f32,
}

impl Evidence {
    fn add(&mut self, shifts: &Shifts, nu: usize, elements: f32) {
        self.strongest += shifts.energy.iter().copied().fold(0.0, f32::max);
        self.noise += shifts.noise_var;
        self.n += 1.0;
        self.nu += nu;
        self.elements = elements;
    }

    /// Adds a slot of format 0.
    pub fn add_format0(&mut self, shifts: &Shifts, pdu: &PucchPdu, n_rx: usize, initial: u8) {
        let n_ack = pdu.n_harq_ack as usize;
        for sr in 0..2 {
            for (w, word) in WORDS[..1 << n_ack].iter().enumerate() {
                let shift = (initial + m_cs(&word[..n_ack], sr == 1)) as usize % 12;
                self.energy[4 * sr + w] += shifts.energy[shift];
            }
        }
        self.add(shifts, pdu.resource.n_symbols as usize * n_rx, 12.0);
    }

    /// Adds a slot of format 1.
    pub fn add_format1(&mut self, shifts: &Shifts, pdu: &PucchPdu, n_rx: usize, initial: usize, occ: usize) {
        let n_hops = if pdu.resource.second_hop_prb.is_some() { 2 } else { 1 };
        // Despread pilots and data: [hop][rx], sums over symbols.
        let mut pilot = [[ZERO; RX_MAX]; 2];
        let mut data = [[ZERO; RX_MAX]; 2];
        let mut count = [0.0f32; 2];
        let plan = symbols(pdu);
        for s in plan.clone() {
            let (n_sf, m) = position(plan.clone(), s);
            let w = cover(n_sf, occ, m).conj();
            let to = if s.idx % 2 == 1 { &mut data[s.hop] } else { &mut pilot[s.hop] };
            for (rx, to) in to.iter_mut().enumerate().take(n_rx) {
                *to += w * shifts.c[s.idx][rx][initial];
            }
            count[s.hop] += 1.0;
        }
        let n_ack = pdu.n_harq_ack as usize;
        for (w, word) in WORDS[..1 << n_ack].iter().enumerate() {
            let d = format1_symbol(&word[..n_ack]).conj();
            for hop in 0..n_hops {
                for rx in 0..n_rx {
                    self.energy[w] += (pilot[hop][rx] + d * data[hop][rx]).norm_sqr() / count[hop];
                }
            }
        }
        self.add(shifts, n_hops * n_rx, 12.0 * pdu.resource.n_symbols as f32 / n_hops as f32);
    }

    /// The likeliest word, and whether it stands out.
    pub fn decide(&self, pdu: &PucchPdu, format0: bool) -> Word {
        let n_ack = pdu.n_harq_ack as usize;
        let may_sr = format0 && pdu.n_sr > 0;
        let mut best = (f32::NEG_INFINITY, 0, false);
        let mut n_hypotheses = 0;
        for sr in [false, true] {
            if sr && !may_sr || !sr && n_ack == 0 && format0 {
                continue;
            }
            for w in 0..1 << n_ack {
                n_hypotheses += 1;
                let energy = self.energy[w + 4 * usize::from(sr)];
                if energy > best.0 {
                    best = (energy, w, sr);
                }
            }
        }
        let (energy, w, sr) = best;
        let noise_var = (self.noise / self.n.max(1.0)).max(1e-30);
        let threshold =
            if format0 { format0_threshold(self.nu, n_hypotheses) } else { format1_threshold(self.nu, n_hypotheses) };
        let seen = energy > threshold * noise_var && energy >= LEAKAGE * self.strongest;
        let power = (energy / self.nu.max(1) as f32 - noise_var) / self.elements.max(1.0);
        let sr = if format0 { sr } else { pdu.n_sr > 0 && n_ack == 0 };
        Word { seen, bits: WORDS[w], sr, power, noise_var }
    }
}

/// Delay of a format 1 PUCCH, T_c, from the phase slope across the resource block; `None` where other UEs would disturb it.
pub(super) fn delay_tc(
    grid: &Grid,
    pdu: &PucchPdu,
    slot: SlotPoint,
    (initial, occ): (usize, usize),
    word: &[u8],
    twelfths: &[Cf32; 12],
) -> Option<i32> {
    let (bases, n_cs) = sequences(pdu, slot);
    let d = format1_symbol(word).conj();
    let plan = symbols(pdu);
    let (mut lag, mut wanted, mut all) = (ZERO, 0.0f32, 0.0f32);
    for rx in 0..grid.n_ports() {
        for hop in 0..2 {
            let mut sum = [ZERO; 12];
            let mut n = 0.0f32;
            for s in plan.clone().filter(|s| s.hop == hop) {
                let (n_sf, m) = position(plan.clone(), s);
                let mut w = cover(n_sf, occ, m).conj();
                if s.idx % 2 == 1 {
                    w *= d;
                }
                let total = (initial + n_cs[s.l] as usize) % 12;
                let y = &grid.symbol(rx, s.l)[s.prb * 12..s.prb * 12 + 12];
                for (k, sum) in sum.iter_mut().enumerate() {
                    let x = w * y[k] * (bases[hop][k] * twelfths[total * k % 12]).conj();
                    all += x.norm_sqr();
                    *sum += x;
                }
                n += 1.0;
            }
            if n > 0.0 {
                wanted += sum.iter().map(|x| x.norm_sqr()).sum::<f32>() / n;
                lag += sum.windows(2).map(|w| w[1] * w[0].conj()).sum::<Cf32>() / n;
            }
        }
    }
    // Other UEs in the block bend the slope; so does noise below about 0 dB.
    let alone = wanted > 0.7 * all;
    if !alone {
        return None;
    }
    let turns = libm::atan2f(lag.im, lag.re) / core::f32::consts::TAU;
    let delay_s = -f64::from(turns) / slot.numerology().scs_hz() as f64;
    Some((delay_s * Tc::PER_SECOND as f64) as i32)
}

/// Mean of the six smallest of twelve gamma variables of shape nu, over nu: by simulation for 1 to 16.
const WEAKEST: [f32; 16] = [
    0.3468, 0.5058, 0.5871, 0.6386, 0.6745, 0.7014, 0.7226, 0.7399, 0.7545, 0.7666, 0.7772, 0.7865, 0.7947, 0.8021,
    0.8086, 0.8144,
];

/// Noise variance from twelve sums of `nu` squared magnitudes, of which up to six may be signals: the six weakest tell a first value,
/// then all count that noise of this value hardly ever exceeds.
fn noise_of_weakest(energy: &[f32; 12], nu: usize) -> f32 {
    let mut sorted = *energy;
    sorted.sort_unstable_by(f32::total_cmp);
    let nu_f = nu.max(1) as f32;
    let part = WEAKEST.get(nu.max(1) - 1).copied().unwrap_or(1.0 - 0.745 / libm::sqrtf(nu_f));
    let first = sorted[..6].iter().sum::<f32>() / (6.0 * part * nu_f);
    let limit = first * quantile(nu, 2.5);
    let (sum, n) = sorted.iter().filter(|e| **e < limit).fold((0.0, 0.0), |(s, n), e| (s + e, n + 1.0f32));
    if n < 6.0 {
        return first.max(1e-30);
    }
    // Noise beyond the limit is missing (by simulation).
    let missing = 0.0646 / (libm::sqrtf(nu_f) * libm::sqrtf(libm::sqrtf(nu_f)));
    (sum / (n * nu_f * (1.0 - missing))).max(1e-30)
}

/// Value of a gamma variable of shape `nu` that lies `z` standard deviations out: Wilson and Hilferty's cube of a normal variable.
pub(super) fn quantile(nu: usize, z: f32) -> f32 {
    let v = 1.0 / (9.0 * nu.max(1) as f32);
    let root = 1.0 - v + z * libm::sqrtf(v);
    nu.max(1) as f32 * root * root * root
}

/// Value that a gamma variable of shape `nu` exceeds with a probability of 0.1 % (one hypothesis: a lone request), or so that the best
/// of `n_hypotheses` does with 0.8 %: half of their bits are ACK, of which TS 38.104 §8.3.1.2 allows 1 %.
fn gamma_quantile(nu: usize, n_hypotheses: usize) -> f32 {
    let z = match n_hypotheses {
        0 | 1 => 3.090,
        2 => 2.652,
        3 | 4 => 2.878,
        _ => 3.090f32,
    };
    quantile(nu, z)
}

/// Energy over noise that a format 0 candidate must exceed: noise is known from few values, which costs (by simulation).
fn format0_threshold(nu: usize, n_hypotheses: usize) -> f32 {
    let row = match nu {
        0 | 1 => [1.684, 1.443, 1.521, 1.598],
        2 => [1.264, 1.199, 1.227, 1.252],
        3 => [1.172, 1.135, 1.157, 1.170],
        4 => [1.141, 1.103, 1.119, 1.131],
        5 | 6 => [1.100, 1.077, 1.087, 1.094],
        7..10 => [1.082, 1.062, 1.073, 1.079],
        10..14 => [1.070, 1.048, 1.055, 1.061],
        _ => [1.053, 1.039, 1.044, 1.048],
    };
    let i = (n_hypotheses.max(1).next_power_of_two().trailing_zeros() as usize).min(3);
    row[i] * gamma_quantile(nu, n_hypotheses)
}

/// The same for format 1, whose noise is known better; a part is added for what is not known of it.
fn format1_threshold(nu: usize, n_hypotheses: usize) -> f32 {
    1.06 * gamma_quantile(nu, n_hypotheses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.211 §6.3.2.2.2 (all cyclic shifts at once)
    fn the_transform_of_twelve_is_the_sum() {
        let w = super::super::twelfths();
        let t: [Cf32; 12] = core::array::from_fn(|n| Cf32::new((n * n % 7) as f32 - 3.0, (n * 5 % 11) as f32 - 5.0));
        for (k, x) in transform_12(&t, &w).iter().enumerate() {
            let sum: Cf32 = t.iter().enumerate().map(|(n, t)| t * w[k * n % 12].conj()).sum();
            assert!((x - sum).norm_sqr() < 1e-8, "{k}: {x} {sum}");
        }
    }
}
