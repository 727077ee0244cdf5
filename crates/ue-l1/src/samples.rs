//! Samples of the UE's antennas, side by side.

use dsp::Cf32;

/// Most antennas of a UE.
pub const ANTENNAS_MAX: usize = 4;

/// The same stretch of time at every antenna.
#[derive(Clone, Copy)]
pub struct Samples<'a> {
    antennas: [&'a [Cf32]; ANTENNAS_MAX],
    n: usize,
}

impl<'a> Samples<'a> {
    /// `[antenna][sample]` of `n` antennas, 1..=4.
    pub fn of(all: &'a [Cf32], n: usize) -> Samples<'a> {
        let n = n.clamp(1, ANTENNAS_MAX);
        let len = all.len() / n;
        Samples::each(n, |a| &all[a * len..(a + 1) * len])
    }
    /// What `f` gives for each of `n` antennas, 1..=4; all must be equally long.
    pub fn each(n: usize, f: impl Fn(usize) -> &'a [Cf32]) -> Samples<'a> {
        let n = n.clamp(1, ANTENNAS_MAX);
        Samples { antennas: core::array::from_fn(|a| if a < n { f(a) } else { &[] }), n }
    }
    /// Antennas.
    pub fn n_antennas(&self) -> usize {
        self.n
    }
    /// Samples of each.
    pub fn len(&self) -> usize {
        self.antennas[0].len()
    }
    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Those of antenna `a`; none of one that is not there.
    pub fn antenna(&self, a: usize) -> &'a [Cf32] {
        self.antennas.get(a).copied().unwrap_or(&[])
    }
    /// Samples `at..at + len` of each; `None` beyond their end.
    pub fn part(&self, at: usize, len: usize) -> Option<Samples<'a>> {
        let end = at.checked_add(len).filter(|end| *end <= self.len())?;
        Some(Samples::each(self.n, |a| &self.antennas[a][at..end]))
    }
}
