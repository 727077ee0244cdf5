//! Sub-block interleaving, bit selection and interleaving of coded bits. Spec: TS 38.212 §5.4.1

use super::plan::{Matching, Plan};
use super::tables::SUB_BLOCK;
use crate::Llr;

/// A position that shortening makes a certain zero.
const CERTAIN: i16 = 8192;
/// The largest magnitude of a received position.
const SOFT_MAX: i16 = 2047;

/// J(n): where position `i` after the sub-block interleaver came from. Spec: TS 38.212 §5.4.1.1
#[inline]
pub fn sub_block(i: usize, n: usize) -> usize {
    let len = n / 32;
    SUB_BLOCK[i / len] as usize * len + i % len
}

/// Where bit `k` after bit selection came from in the mother code. Spec: TS 38.212 §5.4.1.2
#[inline]
fn source(plan: &Plan, e: usize, k: usize) -> usize {
    let selected = match plan.matching {
        Matching::Repeat => k % plan.n,
        Matching::Puncture => k + plan.n - e,
        Matching::Shorten => k,
    };
    sub_block(selected, plan.n)
}

/// Calls `visit(k, i)`: bit `k` after the interleaver was bit `i` before. Spec: TS 38.212 §5.4.1.3
fn triangle(e: usize, mut visit: impl FnMut(usize, usize)) {
    let mut t = 0;
    while t * (t + 1) / 2 < e {
        t += 1;
    }
    let mut k = 0;
    for column in 0..t {
        // Row r holds t - r bits; in this column rows 0..t - column have one.
        let mut i = column;
        for row in 0..t - column {
            if i >= e {
                break;
            }
            visit(k, i);
            k += 1;
            i += t - row;
        }
    }
}

/// Rate-matches the mother code's word `d` to `out`; `between` is scratch of at least `out.len()`.
pub(super) fn select(plan: &Plan, d: &[u8], between: &mut [u8], out: &mut [u8]) {
    let e = out.len();
    for (k, bit) in between[..e].iter_mut().enumerate() {
        *bit = d[source(plan, e, k)];
    }
    if plan.params.is_some_and(|params| params.uplink) {
        triangle(e, |k, i| out[k] = between[i]);
    } else {
        out.copy_from_slice(&between[..e]);
    }
}

/// Undoes [`select`] on soft bits: repeated ones add up, punctured ones are 0, shortened ones certain zeros.
pub(super) fn recover(plan: &Plan, llrs: &[Llr], soft: &mut [i16]) {
    let (e, n) = (llrs.len(), plan.n);
    let soft = &mut soft[..n];
    soft.fill(0);
    if plan.matching == Matching::Shorten {
        (e..n).for_each(|i| soft[sub_block(i, n)] = CERTAIN);
    }
    let mut add = |k: usize, llr: Llr| {
        let value = &mut soft[source(plan, e, k)];
        *value = (*value + i16::from(llr)).clamp(-SOFT_MAX, SOFT_MAX);
    };
    if plan.params.is_some_and(|params| params.uplink) {
        triangle(e, |k, i| add(i, llrs[k]));
    } else {
        llrs.iter().enumerate().for_each(|(k, &llr)| add(k, llr));
    }
}

/// The correlation of soft bits with the rate-matched word `d`.
pub(super) fn correlate(plan: &Plan, d: &[u8], llrs: &[Llr]) -> i64 {
    let (e, mut sum) = (llrs.len(), 0i64);
    let mut add = |k: usize, llr: Llr| {
        let sign = 1 - 2 * i64::from(d[source(plan, e, k)] & 1);
        sum += sign * i64::from(llr);
    };
    if plan.params.is_some_and(|params| params.uplink) {
        triangle(e, |k, i| add(i, llrs[k]));
    } else {
        llrs.iter().enumerate().for_each(|(k, &llr)| add(k, llr));
    }
    sum
}
