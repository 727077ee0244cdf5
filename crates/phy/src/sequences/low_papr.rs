//! Low-PAPR sequences of both types, and the hopping of their groups.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | u, v | `u`, `v` | group, base sequence in the group | 0..=29, 0..=1 |
//! | M_ZC, M | `out.len()` | length m 12 / 2^delta | type 1: 6, 12, 18, 24, 30, and multiples of 6 from 36 on |
//! | alpha | `turns` | cyclic shift, 2 pi `turns` | |
//! | delta | `delta` | log2 of the comb | 0..=3 |
//! | N_ZC | `n_zc` | largest prime below M_ZC | |
//! | phi(n) | `PHI_6` ... | phase in quarters of pi: -3, -1, 1, 3, packed two bits each, first in the lowest | |
//! | phi(i), b(i) | `TILDE_6` ... | of type 2: eighths of pi, odd, -7 to 7, packed three bits each; bits; first in the lowest | |
//! | f_gh, v | [`group_hopping`], [`sequence_hopping`] | hopping of group and sequence | 0..=29, 0..=1 |
//!
//! Spec: TS 38.211 §5.2.2, §5.2.3

use super::Gold;
use crate::estimate::ChannelError;
use dsp::fft::{Direction, Plan};
use dsp::{Cf32, unit_phasor};

/// Writes the low-PAPR sequence of type 1, r_u,v^(alpha,delta), of length M_ZC = `out.len()`.
///
/// Spec: TS 38.211 §5.2.2
/// - `u`, `v`  group 0..=29 and base sequence, 0 or 1 (`v` = 1 from length 72 on only)
/// - `turns`   alpha / (2 pi)
/// - `delta`   0..=3: `out.len() << delta` must be a multiple of 12
///
/// Unit magnitude. Errors: `Invalid` for numbers out of range and lengths that have no sequence. No allocation.
pub fn low_papr(u: u8, v: u8, turns: f64, delta: u8, out: &mut [Cf32]) -> Result<(), ChannelError> {
    let n = out.len();
    if u >= 30 || v > 1 || v == 1 && n < 72 {
        return Err(ChannelError::Invalid("group or number of a low-PAPR sequence (TS 38.211 §5.2.2)"));
    }
    if delta > 3 || n == 0 || !(n << delta).is_multiple_of(12) || !base(u, v, out) {
        return Err(ChannelError::Invalid("length of a low-PAPR sequence (TS 38.211 §5.2.2)"));
    }
    if turns != 0.0 {
        for (n, r) in out.iter_mut().enumerate() {
            let t = turns * n as f64;
            *r *= phasor(t - libm::floor(t));
        }
    }
    Ok(())
}

/// Writes the low-PAPR sequence of type 2 (of pi/2-BPSK) of length M = `out.len()`.
///
/// Spec: TS 38.211 §5.2.3
/// - `u`       group 0..=29, which tells short sequences (M of 6, 12, 18 and 24)
/// - `c_init`  start of the pseudo-random sequence, which tells longer ones
/// - `plan`    unitary forward transform of length M
/// - `scratch` overwritten, at least `plan.scratch_len()` long
///
/// Unit mean power. Errors: `Invalid` for other lengths, a group out of range, and a plan that does not fit.
pub fn low_papr_type2(
    u: u8,
    c_init: u32,
    plan: &Plan,
    scratch: &mut [Cf32],
    out: &mut [Cf32],
) -> Result<(), ChannelError> {
    let m = out.len();
    let u = usize::from(u);
    if m < 30 && !matches!(m, 6 | 12 | 18 | 24) || u >= 30 {
        return Err(ChannelError::Invalid("length or group of a low-PAPR sequence of type 2 (TS 38.211 §5.2.3)"));
    }
    if plan.n() != m || plan.direction() != Direction::Forward || scratch.len() < plan.scratch_len() {
        return Err(ChannelError::Invalid("transform of a low-PAPR sequence of type 2 (TS 38.211 §5.2.3)"));
    }
    let mut gold = Gold::new(c_init);
    for (i, r) in out.iter_mut().enumerate() {
        let bit = match m {
            6 => {
                let phi = 2 * (TILDE_6[u] >> (3 * i) & 7) as i32 - 7;
                *r = phasor(f64::from(phi) / 16.0);
                continue;
            }
            12 => u32::from(TILDE_12[u]) >> i & 1,
            18 => TILDE_18[u] >> i & 1,
            24 => TILDE_24[u] >> i & 1,
            _ => gold.next(1),
        };
        // pi/2-BPSK. Spec: TS 38.211 §5.1.1
        let a = if bit == 0 { core::f32::consts::FRAC_1_SQRT_2 } else { -core::f32::consts::FRAC_1_SQRT_2 };
        *r = if i % 2 == 0 { Cf32::new(a, a) } else { Cf32::new(-a, a) };
    }
    plan.process(out, scratch);
    Ok(())
}

/// f_gh: eight bits of the pseudo-random sequence of `c_init` from bit 8 `position` on, modulo 30.
///
/// Spec: TS 38.211 §6.3.2.2.1, §6.4.1.1.1.2, §6.4.1.4.2
pub fn group_hopping(c_init: u32, position: usize) -> u8 {
    (Gold::starting_at(c_init, 8 * position).next(8) % 30) as u8
}

/// v: bit `position` of the pseudo-random sequence of `c_init`. Spec: TS 38.211 §6.3.2.2.1, §6.4.1.1.1.2, §6.4.1.4.2
pub fn sequence_hopping(c_init: u32, position: usize) -> u8 {
    Gold::starting_at(c_init, position).next(1) as u8
}

/// Writes the base sequence r-bar_u,v of length `out.len()`; `false` for a length that has none.
///
/// Spec: TS 38.211 §5.2.2. `u` is taken modulo 30; `v` matters for lengths of 72 and more.
pub fn base(u: u8, v: u8, out: &mut [Cf32]) -> bool {
    let u = u as usize % 30;
    let n = out.len();
    let table = match n {
        6 => &PHI_6,
        12 => &PHI_12,
        18 => &PHI_18,
        24 => &PHI_24,
        30 => {
            for (n, r) in out.iter_mut().enumerate() {
                // exp(-j pi (u + 1)(n + 1)(n + 2) / 31)
                let turns = ((u + 1) * (n + 1) * (n + 2)) % 62;
                *r = phasor(-(turns as f64) / 62.0);
            }
            return true;
        }
        _ if n >= 36 && n.is_multiple_of(6) => {
            zadoff_chu(u, v & u8::from(n >= 72), out);
            return true;
        }
        _ => return false,
    };
    let word = table[u];
    for (n, r) in out.iter_mut().enumerate() {
        let phi = 2 * (word >> (2 * n) & 3) as i32 - 3;
        *r = phasor(phi as f64 / 8.0);
    }
    true
}

fn phasor(turns: f64) -> Cf32 {
    let z = unit_phasor(turns);
    Cf32::new(z.re as f32, z.im as f32)
}

/// Spec: TS 38.211 §5.2.2.1
fn zadoff_chu(u: usize, v: u8, out: &mut [Cf32]) {
    let n_zc = (2..out.len()).rev().find(|n| is_prime(*n)).unwrap_or(2);
    // q-bar = N_ZC (u + 1) / 31; q = floor(q-bar + 1/2) + v (-1)^floor(2 q-bar)
    let numerator = n_zc * (u + 1);
    let rounded = (2 * numerator + 31) / 62;
    let even = (2 * numerator / 31).is_multiple_of(2);
    let q = match (v, even) {
        (0, _) => rounded,
        (_, true) => rounded + 1,
        (_, false) => rounded - 1,
    };
    for (n, r) in out.iter_mut().enumerate() {
        let m = n % n_zc;
        let turns = (q * m * (m + 1)) % (2 * n_zc);
        *r = phasor(-(turns as f64) / (2 * n_zc) as f64);
    }
}

fn is_prime(n: usize) -> bool {
    (2..n).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d))
}

/// Table 5.2.2.2-1.
#[rustfmt::skip]
const PHI_6: [u64; 30] = [
    0x1f4, 0x35c, 0x2c0, 0x1ea, 0xd2a, 0x018, 0x038, 0x624, 0x084, 0x320, 0x0b8, 0x284, 0xc7a, 0xdfa, 0x72a, 0x36a,
    0x754, 0x190, 0x480, 0x128, 0x28c, 0x408, 0xeca, 0x20a, 0xf7a, 0xf8a, 0x75a, 0x5da, 0x4da, 0x58a,
];

/// Table 5.2.2.2-2.
#[rustfmt::skip]
const PHI_12: [u64; 30] = [
    0x2a4c08, 0xfe5e2c, 0x339cbc, 0x18cfd0, 0x866b94, 0xe740b0, 0x2a4576, 0x264071, 0xbec4b4, 0x1ec414, 0x2f53cc,
    0x25f144, 0xf18434, 0x114f58, 0xd9bf8e, 0x2d4178, 0x87d255, 0x217e69, 0x33c5f8, 0x21fd30, 0x1b93bb, 0xcea8ec,
    0x3841fc, 0x13f4c7, 0xf1fe24, 0x998f6c, 0x616639, 0x2c93f0, 0x8e56b6, 0x3970cc,
];

/// Table 5.2.2.2-3.
#[rustfmt::skip]
const PHI_18: [u64; 30] = [
    0x56a534b1d, 0xcdb104e73, 0x476aa4d6c, 0x91c2f8bf0, 0xb6520245a, 0x73da167a3, 0x01f8a4b9c, 0xd09a73bca,
    0xe9012c208, 0x33bf090b7, 0xc3783ac80, 0x742d517f0, 0xedf511a04, 0x874bce00a, 0xae350a11c, 0xe4c107c8b,
    0x1c6fd3844, 0xbd5191df4, 0x5a8102d48, 0xf4219d13f, 0x15cd13a28, 0xfe4421f12, 0xbb7fd2960, 0xfad27c087,
    0xc2a104497, 0x5302b7f20, 0x574f17214, 0xd531878f0, 0x8d3cfa021, 0x7793d956c,
];

/// Table 5.2.2.2-4.
#[rustfmt::skip]
const PHI_24: [u64; 30] = [
    0x03f139127b71, 0x0f8fcd4822b1, 0x0d4ba1478581, 0x04d013a6f472, 0x061b85ee5d0d, 0x00846e172824, 0x0a54011889ec,
    0x3c515c473678, 0x0026791b15c8, 0x08e1c326291a, 0x3b1ba14bb340, 0x3890beaf56dc, 0x0c3d7345b873, 0x05390ce2bddc,
    0x3014c7d8ed48, 0x05ad2d9d4214, 0x1588d6964f60, 0x0a415530a277, 0x0a2820022088, 0x1c944d9256f0, 0x096f32346150,
    0x009572c7a367, 0x3f9e0046c8c8, 0x1b01667ea524, 0x06b4cd35d51c, 0x199fe9a12418, 0x0440ae1d5f5d, 0x06dd37ab4f43,
    0x001b1e42e888, 0x032b711d1793,
];

/// Table 5.2.3.2-1.
#[rustfmt::skip]
const TILDE_6: [u32; 30] = [
    0x2b283, 0x2f5eb, 0x0bd2b, 0x10c10, 0x220f7, 0x1bd15, 0x0f410, 0x0b310, 0x10550, 0x218c0, 0x33c10, 0x1e880, 0x0e2be,
    0x1967a, 0x269c6, 0x2bd28, 0x310c8, 0x37aa0, 0x34d40, 0x0d750, 0x18b88, 0x3dd34, 0x2b314, 0x1833c, 0x1075c, 0x1565c,
    0x3d75c, 0x3dde9, 0x268a0, 0x16174,
];

/// Table 5.2.3.2-2.
#[rustfmt::skip]
const TILDE_12: [u16; 30] = [
    0x6c0, 0xe20, 0xee0, 0x15b, 0x953, 0xd2d, 0x448, 0x122, 0xdbd, 0x1ed, 0x62d, 0x525, 0x783, 0xd62, 0xc60, 0x920,
    0x824, 0x760, 0x8f8, 0xc11, 0xf5e, 0xb2e, 0x13e, 0x20e, 0x3fc, 0x2ce, 0xeee, 0xc7e, 0xc1e, 0xdee,
];

/// Table 5.2.3.2-3.
#[rustfmt::skip]
const TILDE_18: [u32; 30] = [
    0x23e20, 0x24f80, 0x3dde0, 0x358da, 0x1e54b, 0x1b4ea, 0x3e238, 0x3058a, 0x22514, 0x2254d, 0x2038d, 0x07ddb, 0x2b151,
    0x183ad, 0x0d6e0, 0x162dc, 0x39712, 0x101b2, 0x0c1e4, 0x36480, 0x3c860, 0x24faf, 0x3bc89, 0x291c4, 0x1b01b, 0x121ab,
    0x094fe, 0x0c076, 0x0c018, 0x0dd6e,
];

/// Table 5.2.3.2-4.
#[rustfmt::skip]
const TILDE_24: [u32; 30] = [
    0x927c80, 0x63b480, 0xde4900, 0xda9b00, 0xe376f9, 0xecf9b5, 0xb7bf26, 0xb397fd, 0x7048a4, 0xa30590, 0x4f79c5,
    0x523824, 0xd3a2e5, 0x4dab65, 0xd20e45, 0x9fc329, 0x9dca78, 0x581ceb, 0x8d1e00, 0xe008d1, 0x518dc0, 0xc421d6,
    0xd13825, 0xcff059, 0x1f92b1, 0x27e235, 0x27e352, 0xc9b55a, 0xc97562, 0xc9ff92,
];

#[cfg(test)]
mod tests;
