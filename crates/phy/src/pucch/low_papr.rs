//! Low-PAPR base sequences, and their hopping for PUCCH.
//!
//! | in the specification | here | meaning | range |
//! |---|---|---|---|
//! | u, v | `u`, `v` | group, base sequence in the group | 0..=29, 0..=1 |
//! | M_ZC | `out.len()` | length | 6, 12, 18, 24, 30, and 36 or more |
//! | phi(n) | `PHI_6` ... | phase in quarters of pi: -3, -1, 1, 3, packed two bits each, first in the lowest | |
//! | f_gh, f_ss | [`group`] | group hopping, sequence shift | 0..=29 |
//!
//! Spec: TS 38.211 §5.2.2, §6.3.2.2.1

use crate::sequences::Gold;
use dsp::{Cf32, unit_phasor};

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

/// (u, v) for a slot and hop; `hopping` is pucch-GroupHopping: 0 neither, 1 enable, 2 disable.
///
/// Spec: TS 38.211 §6.3.2.2.1
pub fn group(hopping: u8, n_id: u16, n_s: u32, n_hop: u32) -> (u8, u8) {
    let n_id = n_id as u32;
    let f_ss = n_id % 30;
    match hopping {
        1 => {
            let bits = Gold::starting_at(n_id / 30, 8 * (2 * n_s + n_hop) as usize).next(8);
            (((bits % 30 + f_ss) % 30) as u8, 0)
        }
        2 => {
            let c_init = 32 * (n_id / 30) + n_id % 30;
            (f_ss as u8, Gold::starting_at(c_init, (2 * n_s + n_hop) as usize).next(1) as u8)
        }
        _ => (f_ss as u8, 0),
    }
}

/// n_cs of every symbol of a slot. Spec: TS 38.211 §6.3.2.2.2
pub fn cyclic_shifts(n_id: u16, n_s: u32) -> [u8; 14] {
    let mut gold = Gold::starting_at(n_id as u32, 8 * 14 * n_s as usize);
    core::array::from_fn(|_| gold.next(8) as u8)
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
