//! A long filter by overlap-save: blocks of a transform's length less the taps.

use dsp::fft::{Direction, Plan};
use dsp::{Cf32, Isa, vector};

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

#[derive(Clone, Debug)]
pub(crate) struct Spectral {
    isa: Isa,
    forward: Plan,
    inverse: Plan,
    block_len: usize,
    response: Vec<Cf32>,
    block: Vec<Cf32>,
    scratch: Vec<Cf32>,
}

impl Spectral {
    /// Plans for `n_taps` taps; `None` if no transform is long enough.
    pub(crate) fn new(n_taps: usize, isa: Isa) -> Option<Spectral> {
        let n = [1024, 2048, 4096, 8192].into_iter().find(|n| 5 * n_taps <= 2 * n)?;
        let forward = Plan::new(n, Direction::Forward, isa).ok()?;
        let inverse = Plan::with_scale(n, Direction::Inverse, isa, 1.0 / n as f32).ok()?;
        Some(Spectral {
            isa,
            block_len: n - n_taps + 1,
            response: vec![ZERO; n],
            block: vec![ZERO; n],
            scratch: vec![ZERO; forward.scratch_len().max(inverse.scratch_len())],
            forward,
            inverse,
        })
    }

    /// Outputs of one block.
    pub(crate) fn block_len(&self) -> usize {
        self.block_len
    }

    /// Inputs of one block.
    pub(crate) fn window_len(&self) -> usize {
        self.block.len()
    }

    /// Takes new taps, those of `sum_k taps[k] x[i + k]`.
    pub(crate) fn set_taps(&mut self, taps: &[Cf32]) {
        self.response.fill(ZERO);
        for (response, tap) in self.response.iter_mut().zip(taps) {
            *response = tap.conj();
        }
        self.forward.process(&mut self.response, &mut self.scratch);
    }

    /// Filters one block: `window_len()` inputs.
    pub(crate) fn run(&mut self, window: &[Cf32]) {
        self.forward.process_into(window, &mut self.block, &mut self.scratch);
        vector::mul_conj_assign(self.isa, &mut self.block, &self.response);
        self.inverse.process(&mut self.block, &mut self.scratch);
    }

    /// The outputs of the last block.
    pub(crate) fn outputs(&self) -> &[Cf32] {
        &self.block[..self.block_len]
    }
}
