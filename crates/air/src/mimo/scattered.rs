//! Rayleigh and Ricean taps between antennas, and taps that only turn.
//!
//! Each tap between two antennas is a sum of 32 sinusoids of equal size; their angles of arrival lie evenly on a circle turned at
//! random, their phases are random: the mean power is exact over time, the autocorrelation over seeds J_0 (2 pi f_d t).
//! Antennas are correlated by a root of R_spat. A line of sight has the static matrix and 0.7 f_d of Doppler shift.
//!
//! Spec: TR 38.901 §7.7.2, §7.7.5.2; TS 38.104 §G.2; TS 38.101-4 §B.1, §B.2

use dsp::mix::{phasor_f64, turns_q64};
use dsp::{Cf32, Cf64};
use node::Rng;

use crate::config::power_from_db;
use crate::mimo::correlation::square_root;

const SINUSOIDS: usize = 32;

#[derive(Clone, Debug)]
pub(crate) struct Scattered {
    links: usize,
    /// Turns per knot of the greatest Doppler shift.
    doppler: f64,
    /// Size of the line of sight, which is the first path, and its matrix `[tx][rx]`.
    los: Option<(f64, Vec<Cf64>)>,
    los_phase: Cf64,
    los_step: Cf64,
    /// Size of each sinusoid by path, without the line of sight.
    sizes: Vec<f64>,
    /// `[path][link][sinusoid]`
    phases: Vec<Cf64>,
    steps: Vec<Cf64>,
    /// The lower triangle of the root of R_spat; `None` for the identity.
    root: Option<Vec<f64>>,
}

impl Scattered {
    /// `taps` has powers in dB; `static_matrix` is `[tx][rx]`.
    pub(crate) fn new(
        taps: &[(f64, f64)],
        ricean: bool,
        static_matrix: &[Cf64],
        correlation: &[f64],
        doppler: f64,
        rng: &mut Rng,
    ) -> Scattered {
        let links = static_matrix.len();
        let total: f64 = taps.iter().map(|t| power_from_db(t.1)).sum();
        let size = |db: f64| libm::sqrt(power_from_db(db) / total);
        let scattered = &taps[usize::from(ricean)..];
        let one = Cf64::new(1.0, 0.0);
        let n = scattered.len() * links * SINUSOIDS;
        let identity = correlation.iter().enumerate().all(|(i, &r)| (i / links != i % links) == (r == 0.0));
        let mut made = Scattered {
            links,
            doppler,
            los: ricean.then(|| (size(taps[0].1), static_matrix.to_vec())),
            los_phase: one,
            los_step: phasor_f64(turns_q64(0.7 * doppler)),
            sizes: scattered.iter().map(|t| size(t.1) / libm::sqrt(SINUSOIDS as f64)).collect(),
            phases: vec![one; n],
            steps: vec![one; n],
            root: (!identity).then(|| square_root(correlation)),
        };
        made.draw(rng);
        made
    }

    /// Draws all angles and phases. No allocation.
    pub(crate) fn draw(&mut self, rng: &mut Rng) {
        self.los_phase = Cf64::new(1.0, 0.0);
        for (phases, steps) in self.phases.chunks_exact_mut(SINUSOIDS).zip(self.steps.chunks_exact_mut(SINUSOIDS)) {
            let turn = rng.unit();
            for (n, (phase, step)) in phases.iter_mut().zip(steps).enumerate() {
                let cosine = phasor_f64(turns_q64((n as f64 + turn) / SINUSOIDS as f64)).re;
                *phase = phasor_f64(rng.u64());
                *step = phasor_f64(turns_q64(self.doppler * cosine));
            }
        }
    }

    /// Writes the gains of this knot, `[path][tx][rx]`, and goes on to the next.
    pub(crate) fn next(&mut self, out: &mut [Cf32]) {
        let mut out = out.chunks_exact_mut(self.links);
        if let Some((size, matrix)) = &self.los
            && let Some(out) = out.next()
        {
            for (out, m) in out.iter_mut().zip(matrix) {
                let gain = self.los_phase * m * *size;
                *out = Cf32::new(gain.re as f32, gain.im as f32);
            }
            self.los_phase *= self.los_step;
        }
        let per_path = self.links * SINUSOIDS;
        let states = self.phases.chunks_exact_mut(per_path).zip(self.steps.chunks_exact(per_path));
        for ((out, &size), (phases, steps)) in out.zip(&self.sizes).zip(states) {
            let mut sums = [Cf64::new(0.0, 0.0); 64];
            let links = phases.chunks_exact_mut(SINUSOIDS).zip(steps.chunks_exact(SINUSOIDS));
            for (sum, (phases, steps)) in sums.iter_mut().zip(links) {
                for (phase, step) in phases.iter_mut().zip(steps) {
                    *sum += *phase;
                    *phase *= step;
                }
            }
            for (row, out) in out.iter_mut().enumerate() {
                let gain = match &self.root {
                    None => sums[row],
                    Some(root) => {
                        let row = &root[row * self.links..row * self.links + row + 1];
                        row.iter().zip(&sums).map(|(l, s)| *s * *l).sum()
                    }
                } * size;
                *out = Cf32::new(gain.re as f32, gain.im as f32);
            }
        }
    }
}
