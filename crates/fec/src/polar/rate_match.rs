//! Sub-block interleaving, bit selection and interleaving of coded bits. Spec: TS 38.212 §5.4.1

use super::N_MAX;
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

/// The part of the sub-block interleaver's output that is sent, and whether it is sent again and again. Spec: TS 38.212 §5.4.1.2
fn sent(plan: &Plan, e: usize) -> &[u16] {
    let positions = &plan.interleaved[..plan.n];
    match plan.matching {
        Matching::Repeat => positions,
        Matching::Puncture => &positions[plan.n - e..],
        Matching::Shorten => &positions[..e],
    }
}

/// Writes where each of `e` <= N_MAX bits comes from.
pub(super) fn fill(plan: &mut Plan, e: usize) {
    let mut from = [0u16; N_MAX];
    let sent = sent(plan, e);
    from[..e].iter_mut().zip(sent.iter().cycle()).for_each(|(from, &i)| *from = i);
    if plan.uplink() {
        triangle(e, |k, i| plan.matched[k] = from[i]);
    } else {
        plan.matched = from;
    }
}

/// Rate-matches the mother code's word `d` to `out`; `between` is scratch of at least `out.len()`.
pub(super) fn select(plan: &Plan, d: &[u8], between: &mut [u8], out: &mut [u8]) {
    if out.len() <= N_MAX {
        out.iter_mut().zip(&plan.matched).for_each(|(bit, &i)| *bit = d[i as usize]);
        return;
    }
    let (e, sent) = (out.len(), sent(plan, out.len()));
    let first = &mut between[..e.min(plan.n)];
    first.iter_mut().zip(sent).for_each(|(bit, &i)| *bit = d[i as usize]);
    for at in (plan.n..e).step_by(plan.n) {
        between.copy_within(0..plan.n.min(e - at), at);
    }
    if plan.uplink() {
        triangle(e, |k, i| out[k] = between[i]);
    } else {
        out.copy_from_slice(&between[..e]);
    }
}

/// Undoes [`select`] on soft bits: repeated ones add up, punctured ones are 0, shortened ones certain zeros; `between` is scratch of
/// at least `llrs.len()`.
pub(super) fn recover(plan: &Plan, llrs: &[Llr], between: &mut [Llr], soft: &mut [i16]) {
    let (e, n) = (llrs.len(), plan.n);
    let rest = if plan.matching == Matching::Shorten { CERTAIN } else { 0 };
    soft[..n].fill(rest);
    if e <= n {
        llrs.iter().zip(&plan.matched).for_each(|(&llr, &i)| soft[i as usize] = i16::from(llr));
        return;
    }
    if e <= N_MAX {
        // At most 32 times 128: neither overflow nor a clamp before the last.
        llrs.iter().zip(&plan.matched).for_each(|(&llr, &i)| soft[i as usize] += i16::from(llr));
        soft[..n].iter_mut().for_each(|soft| *soft = (*soft).clamp(-SOFT_MAX, SOFT_MAX));
        return;
    }
    let sent = sent(plan, e);
    let llrs = if plan.uplink() {
        triangle(e, |k, i| between[i] = llrs[k]);
        &between[..e]
    } else {
        llrs
    };
    let mut sums = [0i16; N_MAX];
    for round in llrs.chunks(n) {
        for (sum, &llr) in sums.iter_mut().zip(round) {
            *sum = sum.saturating_add(i16::from(llr));
        }
    }
    for (&sum, &i) in sums.iter().zip(sent) {
        soft[i as usize] = sum.clamp(-SOFT_MAX, SOFT_MAX);
    }
}
