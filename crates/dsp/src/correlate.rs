//! Correlation with a known sequence, by overlap-save in the frequency domain.

use crate::fft::{Direction, Plan, UnsupportedSize};
use crate::{Cf32, Isa, vector};

/// A correlator for one reference: `out[lag] = sum_i x[lag + i] conj(reference[i])`.
#[derive(Clone, Debug)]
pub struct Correlator {
    forward: Plan,
    inverse: Plan,
    /// The reference's transform over n.
    reference: Vec<Cf32>,
    reference_len: usize,
    block: Vec<Cf32>,
    scratch: Vec<Cf32>,
    isa: Isa,
}

impl Correlator {
    /// Prepares for `reference`, in transforms of `n_fft` points; each yields `n_fft - reference.len() + 1` lags.
    ///
    /// Errors: `UnsupportedSize` if no plan covers `n_fft` or the reference is empty or longer than `n_fft`.
    pub fn new(reference: &[Cf32], n_fft: usize, isa: Isa) -> Result<Correlator, UnsupportedSize> {
        if reference.is_empty() || reference.len() > n_fft {
            return Err(UnsupportedSize(n_fft));
        }
        let forward = Plan::new(n_fft, Direction::Forward, isa)?;
        let inverse = Plan::with_scale(n_fft, Direction::Inverse, isa, 1.0 / n_fft as f32)?;
        let mut spectrum = vec![Cf32::new(0.0, 0.0); n_fft];
        spectrum[..reference.len()].copy_from_slice(reference);
        let mut scratch = vec![Cf32::new(0.0, 0.0); forward.scratch_len().max(inverse.scratch_len())];
        forward.process(&mut spectrum, &mut scratch);
        Ok(Correlator {
            forward,
            inverse,
            reference: spectrum,
            reference_len: reference.len(),
            block: vec![Cf32::new(0.0, 0.0); n_fft],
            scratch,
            isa,
        })
    }

    /// How many lags `n_samples` samples give.
    pub fn n_lags(&self, n_samples: usize) -> usize {
        (n_samples + 1).saturating_sub(self.reference_len)
    }

    /// Correlates `x`; writes as many lags as both `x` and `out` allow and returns their number. No allocation.
    pub fn correlate(&mut self, x: &[Cf32], out: &mut [Cf32]) -> usize {
        let n_lags = self.n_lags(x.len()).min(out.len());
        let hop = self.block.len() - self.reference_len + 1;
        let mut lag = 0;
        while lag < n_lags {
            let take = (x.len() - lag).min(self.block.len());
            self.block[..take].copy_from_slice(&x[lag..lag + take]);
            self.block[take..].fill(Cf32::new(0.0, 0.0));
            self.forward.process(&mut self.block, &mut self.scratch);
            vector::mul_conj_assign(self.isa, &mut self.block, &self.reference);
            self.inverse.process(&mut self.block, &mut self.scratch);
            let give = hop.min(n_lags - lag);
            out[lag..lag + give].copy_from_slice(&self.block[..give]);
            lag += give;
        }
        n_lags
    }
}
