//! A set of resource blocks.

/// RBs 0..320 of a carrier.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RbSet([u64; 5]);

impl RbSet {
    /// None.
    pub const EMPTY: RbSet = RbSet([0; 5]);

    /// `n` RBs from `start` on.
    pub fn range(start: u16, n: u16) -> RbSet {
        let mut s = RbSet::EMPTY;
        s.insert(start, n);
        s
    }
    /// Adds `n` RBs from `start` on; what lies beyond 320 is left out.
    pub fn insert(&mut self, start: u16, n: u16) {
        for rb in start..start.saturating_add(n).min(320) {
            self.0[rb as usize / 64] |= 1 << (rb % 64);
        }
    }
    /// Adds all of `other`.
    pub fn union(&mut self, other: &RbSet) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a |= b);
    }
    /// Whether `rb` is in it.
    pub fn contains(&self, rb: u16) -> bool {
        self.0.get(rb as usize / 64).is_some_and(|w| w >> (rb % 64) & 1 == 1)
    }
    /// How many RBs of `start..start + n` are in it.
    pub fn count(&self, start: u16, n: u16) -> u16 {
        (start..start.saturating_add(n)).filter(|rb| self.contains(*rb)).count() as u16
    }
    /// A run of RBs in `lo..hi` that are not in the set: the shortest with at least `want` RBs (cut to `want`), else the longest.
    pub fn free_run(&self, lo: u16, hi: u16, want: u16) -> Option<(u16, u16)> {
        let mut best: Option<(u16, u16)> = None;
        let mut at = lo;
        while at < hi {
            if self.contains(at) {
                at += 1;
                continue;
            }
            let end = (at..hi).find(|rb| self.contains(*rb)).unwrap_or(hi);
            let n = end - at;
            let better = match best {
                None => true,
                Some((_, b)) if b >= want => n >= want && n < b,
                Some((_, b)) => n > b,
            };
            if better {
                best = Some((at, n));
            }
            at = end;
        }
        best.map(|(start, n)| (start, n.min(want)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: ironcell sched
    fn free_runs() {
        let mut s = RbSet::range(0, 2);
        s.insert(10, 5);
        s.insert(50, 1);
        assert_eq!(s.free_run(0, 51, 4), Some((2, 4)));
        assert_eq!(s.free_run(0, 51, 9), Some((15, 9)));
        assert_eq!(s.free_run(0, 51, 99), Some((15, 35)));
        assert_eq!(s.free_run(10, 15, 1), None);
        assert_eq!((s.count(0, 51), s.contains(319), s.contains(400)), (8, false, false));
    }
}
