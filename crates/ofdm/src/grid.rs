//! The resource grid of one slot.

use dsp::Cf32;
use nr::SYMBOLS_PER_SLOT;

/// The resource elements of one slot: `[port][symbol 0..14][subcarrier]`.
///
/// Spec: TS 38.211 §4.4.2. Subcarrier 0 is the lowest of the carrier's lowest resource block. Made once and used again.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    n_ports: usize,
    n_subcarriers: usize,
    elements: Vec<Cf32>,
}

impl Grid {
    /// A grid of zeros.
    pub fn new(n_ports: usize, n_subcarriers: usize) -> Grid {
        let elements = vec![Cf32::new(0.0, 0.0); n_ports * SYMBOLS_PER_SLOT * n_subcarriers];
        Grid { n_ports, n_subcarriers, elements }
    }

    /// Antenna ports.
    pub fn n_ports(&self) -> usize {
        self.n_ports
    }

    /// Subcarriers, twelve for each resource block.
    pub fn n_subcarriers(&self) -> usize {
        self.n_subcarriers
    }

    /// Sets every element to zero.
    pub fn clear(&mut self) {
        self.elements.fill(Cf32::new(0.0, 0.0));
    }

    /// The subcarriers of symbol `l` on `port`. Panics if either is out of range.
    pub fn symbol(&self, port: usize, l: usize) -> &[Cf32] {
        let start = self.start(port, l);
        &self.elements[start..start + self.n_subcarriers]
    }

    /// The subcarriers of symbol `l` on `port`, for writing. Panics if either is out of range.
    pub fn symbol_mut(&mut self, port: usize, l: usize) -> &mut [Cf32] {
        let start = self.start(port, l);
        &mut self.elements[start..start + self.n_subcarriers]
    }

    /// All symbols of `port`, one after another. Panics if it is out of range.
    pub fn port(&self, port: usize) -> &[Cf32] {
        let len = SYMBOLS_PER_SLOT * self.n_subcarriers;
        &self.elements[port * len..(port + 1) * len]
    }

    /// Every element: `[port][symbol][subcarrier]`.
    pub fn elements(&self) -> &[Cf32] {
        &self.elements
    }

    /// Every element, for writing.
    pub fn elements_mut(&mut self) -> &mut [Cf32] {
        &mut self.elements
    }

    fn start(&self, port: usize, l: usize) -> usize {
        assert!(port < self.n_ports && l < SYMBOLS_PER_SLOT, "symbol {l} of port {port} in a grid");
        (port * SYMBOLS_PER_SLOT + l) * self.n_subcarriers
    }
}
