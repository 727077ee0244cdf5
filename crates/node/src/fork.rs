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
            let (mut a, mut b) = (0, 0);
            crew.join(|| a += 1, || b += 2);
            assert_eq!((a, b), (1, 2));
        }
    }
}
