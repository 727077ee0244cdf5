//! All ways between the antennas of two ends, in one direction.
//!
//! | in the formula | here | meaning |
//! |---|---|---|
//! | s, u | `input`, `output` | antennas of sender and receiver |
//! | h_u,s | `matrix` | gain between them where nothing fades |
//!
//! - Without fading every pair has one delay, so each input is filtered once and the matrix does the rest: that of TS 38.101-4
//!   §B.1, whose columns (or rows) are orthogonal, with a drawn phase at each antenna.
//! - With fading each pair has taps of its own, independent of the others'.
//!
//! TDD is reciprocal: what is drawn belongs to a pair of antennas, whichever of them sends.

use dsp::{Cf32, Isa, vector};
use node::Rng;

use crate::config::{AirError, LinkConfig};
use crate::fading::Fading;
use crate::mimo::static_matrix;
use crate::path::{Path, PathSpec, Source};

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// Samples that are worked on at a time: they stay in the first cache from one step to the next.
pub(crate) const PIECE: usize = 1024;

/// Samples of several antennas in one slice, `[antenna][sample]`, and a range of each.
pub(crate) struct Antennas<'a> {
    all: &'a mut [Cf32],
    stride: usize,
    at: usize,
    len: usize,
}

impl<'a> Antennas<'a> {
    /// All samples of `n` antennas.
    pub fn new(all: &'a mut [Cf32], n: usize) -> Antennas<'a> {
        let stride = all.len() / n.max(1);
        Antennas { all, stride, at: 0, len: stride }
    }
    /// Samples of each antenna.
    pub fn len(&self) -> usize {
        self.len
    }
    /// Samples `at..at + len` of each.
    pub fn part(&mut self, at: usize, len: usize) -> Antennas<'_> {
        let at = at.min(self.len);
        Antennas { stride: self.stride, at: self.at + at, len: len.min(self.len - at), all: &mut *self.all }
    }
    /// Those of antenna `a`.
    pub fn antenna(&mut self, a: usize) -> &mut [Cf32] {
        let from = a * self.stride + self.at;
        &mut self.all[from..from + self.len]
    }
}

/// Which antennas meet: those of the cell, and the UE's that take part in this direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meeting {
    pub n_cell: usize,
    pub n_ue: usize,
    /// The UE sends.
    pub uplink: bool,
}

impl Meeting {
    fn n_in(&self) -> usize {
        if self.uplink { self.n_ue } else { self.n_cell }
    }
    pub fn n_out(&self) -> usize {
        if self.uplink { self.n_cell } else { self.n_ue }
    }
    /// (cell's antenna, UE's antenna) of an input and an output.
    fn pair(&self, input: usize, output: usize) -> (usize, usize) {
        if self.uplink { (output, input) } else { (input, output) }
    }
}

/// What lies between the antennas, in one direction: drawn once, whatever the tuning.
#[derive(Clone, Debug)]
pub(crate) struct Between {
    isa: Isa,
    pub meeting: Meeting,
    /// `[input][output]` of fading channels, else one that has no taps.
    fading: Vec<Fading>,
    /// `[input][output]` where nothing fades and there are several antennas.
    matrix: Vec<Cf32>,
    block: Vec<Cf32>,
}

impl Between {
    /// Draws what `config` asks for; `what` names the draw, the same for both directions where they are reciprocal.
    pub fn new(config: &LinkConfig, meeting: Meeting, rng: &Rng, what: &str, isa: Isa) -> Between {
        let (n_in, n_out) = (meeting.n_in(), meeting.n_out());
        let first = Fading::new(config, rng.fork(what));
        let fades = first.delays_s().next().is_some();
        let pairs = (0..n_in).flat_map(|i| (0..n_out).map(move |o| meeting.pair(i, o)));
        let fading = if fades {
            let of = |(c, u): (usize, usize)| match (c, u) {
                (0, 0) => first.clone(),
                _ => Fading::new(config, rng.fork(&format!("{what} {c} {u}"))),
            };
            pairs.map(of).collect()
        } else {
            vec![first]
        };
        let matrix =
            if fades || meeting.n_cell * config.n_rx == 1 { Vec::new() } else { flat(config, meeting, rng, what) };
        Between { isa, meeting, fading, matrix, block: vec![ZERO; PIECE] }
    }

    /// Paths for a tuning. Errors: as of [`Path::new`].
    pub fn paths(&self, spec: &PathSpec) -> Result<Vec<Path>, AirError> {
        let n = if self.matrix.is_empty() { self.fading.len() } else { self.meeting.n_in() };
        (0..n).map(|i| Path::new(spec, self.fading.get(i).unwrap_or(&self.fading[0]), self.isa)).collect()
    }

    /// Writes (`add`: adds) outputs from `first` on of `source(input)` through `paths`; at most [`PIECE`] of them.
    pub fn render<'a>(
        &mut self,
        paths: &mut [Path],
        source: impl Fn(usize) -> Source<'a>,
        first: i64,
        amplitude: f32,
        out: &mut Antennas<'_>,
        add: bool,
    ) {
        let (n_in, n_out, len) = (self.meeting.n_in(), self.meeting.n_out(), out.len());
        if n_in * n_out == 1 && self.matrix.is_empty() && !add {
            paths[0].render(&mut self.fading[0], source(0), first, amplitude, out.antenna(0));
            return;
        }
        if !add {
            (0..n_out).for_each(|o| out.antenna(o).fill(ZERO));
        }
        let Between { isa, fading, matrix, block, .. } = self;
        let isa = *isa;
        let block = &mut block[..len.min(PIECE)];
        for (i, path) in paths.iter_mut().enumerate() {
            let from = source(if matrix.is_empty() { i / n_out } else { i });
            if from.samples.is_empty() {
                continue;
            }
            if matrix.is_empty() {
                path.render(&mut fading[i], from, first, amplitude, block);
                vector::add_assign(isa, out.antenna(i % n_out), block);
                continue;
            }
            path.render(&mut fading[0], from, first, amplitude, block);
            if vector::is_zero(isa, block) {
                continue;
            }
            for o in 0..n_out {
                vector::add_ramped(isa, out.antenna(o), block, matrix[i * n_out + o], ZERO);
            }
        }
    }
}

/// `[input][output]`: the static matrix between the cell's and all of the UE's antennas, with a phase at each antenna.
fn flat(config: &LinkConfig, meeting: Meeting, rng: &Rng, what: &str) -> Vec<Cf32> {
    let n_ue = config.n_rx;
    let matrix = static_matrix(meeting.n_cell, n_ue);
    let mut draw = rng.fork(&format!("{what} phases"));
    let phases: Vec<f64> = (0..meeting.n_cell + n_ue).map(|_| draw.unit()).collect();
    let gain = |(c, u): (usize, usize)| {
        let z = matrix[c * n_ue + u] * dsp::unit_phasor(phases[c] + phases[meeting.n_cell + u]);
        Cf32::new(z.re as f32, z.im as f32)
    };
    let (n_in, n_out) = (meeting.n_in(), meeting.n_out());
    (0..n_in * n_out).map(|i| gain(meeting.pair(i / n_out, i % n_out))).collect()
}
