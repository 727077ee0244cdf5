//! Pieces of work that do not depend on one another: a driver may run them side by side.
//!
//! Whoever owns the work says which pieces there are, lends each what it writes to, and joins the results in an order of its own. So the
//! bits are the same whichever piece runs first and however many run at once, and whoever forks needs neither thread nor clock.

use std::sync::Arc;

/// Runs pieces of work, perhaps at once.
pub trait Fork: Send + Sync {
    /// How many pieces may run at once, 1 or more: cutting finer gains nothing.
    fn width(&self) -> usize;

    /// Runs both, in any order or at once; returns when both are done. A piece may fork again.
    ///
    /// Each piece is called exactly once, unless the other panics: then it may be left out, and the panic goes on.
    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send));
}

/// One piece after the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline;

impl Fork for Inline {
    fn width(&self) -> usize {
        1
    }
    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        a();
        b();
    }
}

/// What a node keeps of whoever runs its pieces; [`Inline`] unless told otherwise.
#[derive(Clone)]
pub struct Crew(Arc<dyn Fork>);

impl Crew {
    /// A crew that `fork` leads.
    pub fn new(fork: Arc<dyn Fork>) -> Crew {
        Crew(fork)
    }

    /// See [`Fork::width`].
    pub fn width(&self) -> usize {
        self.0.width().max(1)
    }

    /// Runs both; see [`Fork::join`].
    pub fn join(&self, mut a: impl FnMut() + Send, mut b: impl FnMut() + Send) {
        self.0.join(&mut a, &mut b);
    }

    /// Calls `f` with each item and its index.
    pub fn each<T: Send>(&self, items: &mut [T], f: &(dyn Fn(usize, &mut T) + Sync)) {
        self.halves(0, items, f);
    }

    /// Calls `f` with each row of `data`, `row_len` long, its index and one of `lanes`: as many rows for each lane, those of a lane in order.
    pub fn rows<L: Send, T: Send>(
        &self,
        lanes: &mut [L],
        data: &mut [T],
        row_len: usize,
        f: &(dyn Fn(&mut L, usize, &mut [T]) + Sync),
    ) {
        self.rows_from(0, lanes, data, row_len.max(1), f);
    }

    fn rows_from<L: Send, T: Send>(
        &self,
        first: usize,
        lanes: &mut [L],
        data: &mut [T],
        row_len: usize,
        f: &(dyn Fn(&mut L, usize, &mut [T]) + Sync),
    ) {
        let n = data.len() / row_len;
        if lanes.len() < 2 || n < 2 || self.width() == 1 {
            let Some(lane) = lanes.first_mut() else { return };
            return data.chunks_exact_mut(row_len).enumerate().for_each(|(i, row)| f(lane, first + i, row));
        }
        let (left, right) = lanes.split_at_mut(lanes.len().div_ceil(2));
        let cut = (n * left.len()).div_ceil(left.len() + right.len()).min(n - 1);
        let (data_left, data_right) = data.split_at_mut(cut * row_len);
        self.join(
            || self.rows_from(first, left, data_left, row_len, f),
            || self.rows_from(first + cut, right, data_right, row_len, f),
        );
    }

    fn halves<T: Send>(&self, first: usize, items: &mut [T], f: &(dyn Fn(usize, &mut T) + Sync)) {
        match items {
            [] => {}
            [one] => f(first, one),
            _ if self.width() == 1 => items.iter_mut().enumerate().for_each(|(i, item)| f(first + i, item)),
            _ => {
                let n = items.len().div_ceil(2);
                let (left, right) = items.split_at_mut(n);
                self.0.join(&mut || self.halves(first, left, f), &mut || self.halves(first + n, right, f));
            }
        }
    }
}

impl Default for Crew {
    fn default() -> Self {
        Crew(Arc::new(Inline))
    }
}

impl core::fmt::Debug for Crew {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Crew of {}", self.width())
    }
}

/// As if `width` pieces could run at once, but the second piece first and all on the caller's thread: shows up whoever relies on an order.
#[derive(Clone, Copy, Debug)]
pub struct Backwards(
    /// The width it claims.
    pub usize,
);

impl Fork for Backwards {
    fn width(&self) -> usize {
        self.0
    }
    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        b();
        a();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: ironcell issue §3 (the same bits on any number of threads)
    fn every_piece_runs_once_in_any_order() {
        for crew in [Crew::default(), Crew::new(Arc::new(Backwards(3)))] {
            for n in 0..9 {
                let mut items = vec![0usize; n];
                crew.each(&mut items, &|i, item| *item += i + 1);
                assert_eq!(items, (1..=n).collect::<Vec<_>>(), "{crew:?}");
            }
            for n_lanes in 1..5 {
                let (mut lanes, mut data) = (vec![0usize; n_lanes], vec![0usize; 3 * 14]);
                crew.rows(&mut lanes, &mut data, 3, &|lane, i, row| {
                    *lane += 1;
                    row.fill(i + 1);
                });
                assert_eq!(lanes.iter().sum::<usize>(), 14, "{crew:?}");
                assert!(data.iter().enumerate().all(|(i, x)| *x == i / 3 + 1), "{crew:?}");
            }
            let (mut a, mut b) = (0, 0);
            crew.join(|| a += 1, || b += 2);
            assert_eq!((a, b), (1, 2));
        }
    }
}
