//! The resource grid of one slot.

use dsp::Cf32;
use nr::SYMBOLS_PER_SLOT;

/// The resource elements of one slot: `[port][symbol 0..14][subcarrier]`.
///
/// Spec: TS 38.211 §4.4.2. Subcarrier 0 is the lowest of the carrier's lowest resource block. Made once and used again.
#[derive(Clone, Debug)]
pub struct Grid {
    n_ports: usize,
    n_subcarriers: usize,
    elements: Vec<Cf32>,
    /// Bit l of each port: symbol l is zero, whatever its elements hold.
    clear: Vec<u16>,
    zeros: Vec<Cf32>,
}

impl PartialEq for Grid {
    fn eq(&self, other: &Grid) -> bool {
        (self.n_ports, self.n_subcarriers) == (other.n_ports, other.n_subcarriers) && self.rows().eq(other.rows())
    }
}

const ZERO: Cf32 = Cf32::new(0.0, 0.0);
const ALL: u16 = (1 << SYMBOLS_PER_SLOT) - 1;

impl Grid {
    /// A grid of zeros.
    pub fn new(n_ports: usize, n_subcarriers: usize) -> Grid {
        let elements = vec![ZERO; n_ports * SYMBOLS_PER_SLOT * n_subcarriers];
        Grid { n_ports, n_subcarriers, elements, clear: vec![ALL; n_ports], zeros: vec![ZERO; n_subcarriers] }
    }

    /// Antenna ports.
    pub fn n_ports(&self) -> usize {
        self.n_ports
    }

    /// Subcarriers, twelve for each resource block.
    pub fn n_subcarriers(&self) -> usize {
        self.n_subcarriers
    }

    /// Sets every element to zero. Cost: O(ports); a symbol is written with zeros when something is written to it.
    pub fn clear(&mut self) {
        self.clear.fill(ALL);
    }

    /// Whether nothing was written to symbol `l` on `port` since the grid was made or cleared. Panics if either is out of range.
    pub fn is_clear(&self, port: usize, l: usize) -> bool {
        self.start(port, l);
        self.clear[port] >> l & 1 == 1
    }

    /// The subcarriers of symbol `l` on `port`. Panics if either is out of range.
    pub fn symbol(&self, port: usize, l: usize) -> &[Cf32] {
        let start = self.start(port, l);
        if self.clear[port] >> l & 1 == 1 {
            return &self.zeros;
        }
        &self.elements[start..start + self.n_subcarriers]
    }

    /// The subcarriers of symbol `l` on `port`, for writing. Panics if either is out of range.
    pub fn symbol_mut(&mut self, port: usize, l: usize) -> &mut [Cf32] {
        let was_clear = self.is_clear(port, l);
        let symbol = self.replace(port, l);
        if was_clear {
            symbol.fill(ZERO);
        }
        symbol
    }

    /// The subcarriers of symbol `l` on `port`, for who writes all of them: what they hold is of no meaning. Panics if either is out of
    /// range.
    pub fn replace(&mut self, port: usize, l: usize) -> &mut [Cf32] {
        let start = self.start(port, l);
        self.clear[port] &= !(1 << l);
        &mut self.elements[start..start + self.n_subcarriers]
    }

    /// All elements of `port`, one symbol after another. Panics if it is out of range.
    pub fn port(&self, port: usize) -> impl Iterator<Item = &Cf32> {
        (0..SYMBOLS_PER_SLOT).flat_map(move |l| self.symbol(port, l))
    }

    /// Every element: `[port][symbol][subcarrier]`.
    pub fn elements(&self) -> impl Iterator<Item = &Cf32> {
        self.rows().flatten()
    }

    /// Every element, for writing.
    pub fn elements_mut(&mut self) -> &mut [Cf32] {
        for port in 0..self.n_ports {
            for l in 0..SYMBOLS_PER_SLOT {
                self.symbol_mut(port, l);
            }
        }
        &mut self.elements
    }

    fn rows(&self) -> impl Iterator<Item = &[Cf32]> {
        (0..self.n_ports).flat_map(move |port| (0..SYMBOLS_PER_SLOT).map(move |l| self.symbol(port, l)))
    }

    fn start(&self, port: usize, l: usize) -> usize {
        assert!(port < self.n_ports && l < SYMBOLS_PER_SLOT, "symbol {l} of port {port} in a grid");
        (port * SYMBOLS_PER_SLOT + l) * self.n_subcarriers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.211 §4.4.2
    fn what_was_cleared_is_zero_until_it_is_written() {
        let mut grid = Grid::new(2, 24);
        grid.symbol_mut(1, 3)[5] = Cf32::new(1.0, 2.0);
        assert!(grid.is_clear(1, 2) && grid.is_clear(0, 3) && !grid.is_clear(1, 3) && grid != Grid::new(2, 24));
        grid.clear();
        assert!(grid.symbol(1, 3).iter().all(|x| *x == ZERO) && grid == Grid::new(2, 24));
        assert!(grid.elements().count() == 2 * 14 * 24 && grid.port(1).all(|x| *x == ZERO));
        grid.symbol_mut(1, 3)[6] = Cf32::new(3.0, 4.0);
        assert_eq!(grid.elements().filter(|x| **x != ZERO).count(), 1);
        grid.clear();
        assert!(grid.elements_mut().iter().all(|x| *x == ZERO) && !grid.is_clear(0, 0));
    }
}
