//! Type I single-panel codebooks. Spec: TS 38.214 §5.2.2.2.1
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | (N_1, N_2), (O_1, O_2) | `n1`, `n2`, [`Codebook::oversampling`] | panel and oversampling |
//! | v_{l,m} | [`beam`] | beam |
//! | phi_n | `n` | co-phasing exp(j pi n / 2) |
//! | i_1,1, i_1,2, i_1,3, i_2 | [`Pmi`] | indices |

/// Which codebook.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codebook {
    /// One port: no precoder.
    OnePort,
    /// Two ports, table 5.2.2.2.1-1.
    TwoPorts,
    /// Four ports and more.
    SinglePanel {
        /// N_1.
        n1: u8,
        /// N_2.
        n2: u8,
        /// codebookMode, 1 or 2.
        mode: u8,
    },
}

/// A precoding matrix indicator; of two ports `i2` alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pmi {
    /// i_1,1.
    pub i11: u8,
    /// i_1,2.
    pub i12: u8,
    /// i_1,3.
    pub i13: u8,
    /// i_2.
    pub i2: u8,
}

/// How many values each index has for one rank.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PmiRange {
    /// Of i_1,1.
    pub i11: u8,
    /// Of i_1,2.
    pub i12: u8,
    /// Of i_1,3.
    pub i13: u8,
    /// Of i_2.
    pub i2: u8,
}

/// Panels of table 5.2.2.2.1-2.
const PANELS: [(u8, u8); 13] =
    [(2, 1), (2, 2), (4, 1), (3, 2), (6, 1), (4, 2), (8, 1), (4, 3), (6, 2), (12, 1), (4, 4), (8, 2), (16, 1)];

impl Codebook {
    /// CSI-RS ports; 0 for a panel that the specification does not have.
    pub fn n_ports(&self) -> u8 {
        match *self {
            Codebook::OnePort => 1,
            Codebook::TwoPorts => 2,
            Codebook::SinglePanel { n1, n2, mode: 1 | 2 } if PANELS.contains(&(n1, n2)) => 2 * n1 * n2,
            Codebook::SinglePanel { .. } => 0,
        }
    }

    /// (O_1, O_2). Spec: TS 38.214 table 5.2.2.2.1-2
    pub fn oversampling(&self) -> (u8, u8) {
        match *self {
            Codebook::SinglePanel { n2: 1, .. } => (4, 1),
            Codebook::SinglePanel { .. } => (4, 4),
            _ => (1, 1),
        }
    }

    /// Values of each index for `rank` 1..=4; `None` for a rank that the codebook does not have, or that is not built: ranks 3 and 4 of 16
    /// ports and more.
    pub fn range(&self, rank: u8) -> Option<PmiRange> {
        let one = PmiRange { i11: 1, i12: 1, i13: 1, i2: 1 };
        let n_ports = self.n_ports();
        if rank == 0 || rank > n_ports.min(4) {
            return None;
        }
        let Codebook::SinglePanel { n1, n2, mode } = *self else {
            let i2 = match (n_ports, rank) {
                (2, 1) => 4,
                (2, _) => 2,
                _ => 1,
            };
            return Some(PmiRange { i2, ..one });
        };
        let (o1, o2) = self.oversampling();
        let (full1, full2) = (n1 * o1, n2 * o2);
        let halved = |n: u8| if n > 1 { n / 2 } else { 1 };
        let i13 = n_offsets(n1, n2, rank);
        Some(match (rank, mode) {
            (1, 1) => PmiRange { i11: full1, i12: full2, i13: 1, i2: 4 },
            (1, _) => PmiRange { i11: full1 / 2, i12: halved(full2), i13: 1, i2: 16 },
            (2, 1) => PmiRange { i11: full1, i12: full2, i13, i2: 2 },
            (2, _) => PmiRange { i11: full1 / 2, i12: halved(full2), i13, i2: 8 },
            _ if n_ports < 16 => PmiRange { i11: full1, i12: full2, i13, i2: 2 },
            _ => return None,
        })
    }

    /// The precoder of a rank and an indicator: element of `port` and `layer`. Columns together have power 1.
    ///
    /// Spec: TS 38.214 tables 5.2.2.2.1-1, -5 to -8. `None` outside [`Codebook::range`].
    pub fn weight(&self, rank: u8, pmi: &Pmi, port: u8, layer: u8) -> Option<(f32, f32)> {
        let r = self.range(rank)?;
        if pmi.i11 >= r.i11 || pmi.i12 >= r.i12 || pmi.i13 >= r.i13 || pmi.i2 >= r.i2 || layer >= rank {
            return None;
        }
        let n_ports = self.n_ports();
        if port >= n_ports {
            return None;
        }
        let amplitude = 1.0 / f32::from(rank * n_ports).sqrt();
        let Codebook::SinglePanel { n1, n2, mode } = *self else {
            // Two ports: the second one's phase, opposite for the second layer.
            let quarter = if port == 0 { 0 } else { pmi.i2 + 2 * layer };
            return Some(quarter_turns(quarter, amplitude));
        };
        let (l, m, n) = beam_of(pmi, rank, mode, n2);
        let (k1, k2) = if rank == 1 { (0, 0) } else { offset(n1, n2, rank, pmi.i13) };
        // Layers 1 and 3 (from 0) have the second beam; the later ones of each beam the opposite co-phasing.
        let second = layer % 2 == 1;
        let opposite = match rank {
            2 => layer == 1,
            3 | 4 => layer >= 2,
            _ => false,
        };
        let (o1, o2) = self.oversampling();
        let (l, m) = if second { (l + u16::from(k1 * o1), m + u16::from(k2 * o2)) } else { (l, m) };
        let half = n_ports / 2;
        let (re, im) = beam(n1, n2, (o1, o2), l, m, port % half);
        let (re, im) = (re * amplitude, im * amplitude);
        if port < half {
            return Some((re, im));
        }
        let (c, s) = quarter_turns(n + 2 * u8::from(opposite), 1.0);
        Some((re * c - im * s, re * s + im * c))
    }
}

/// `amplitude` times exp(j pi n / 2).
fn quarter_turns(n: u8, amplitude: f32) -> (f32, f32) {
    match n & 3 {
        0 => (amplitude, 0.0),
        1 => (0.0, amplitude),
        2 => (-amplitude, 0.0),
        _ => (0.0, -amplitude),
    }
}

/// Element `i` of v_{l,m}.
pub fn beam(n1: u8, n2: u8, (o1, o2): (u8, u8), l: u16, m: u16, i: u8) -> (f32, f32) {
    let (a, b) = (i / n2, i % n2);
    let turns = f64::from(l) * f64::from(a) / f64::from(o1 * n1) + f64::from(m) * f64::from(b) / f64::from(o2 * n2);
    let angle = core::f64::consts::TAU * (turns % 1.0);
    (libm::cos(angle) as f32, libm::sin(angle) as f32)
}

/// (l, m, n) of an indicator. Spec: TS 38.214 tables 5.2.2.2.1-5 to -8
fn beam_of(pmi: &Pmi, rank: u8, mode: u8, n2: u8) -> (u16, u16, u8) {
    let (i11, i12) = (u16::from(pmi.i11), u16::from(pmi.i12));
    if mode == 1 || rank > 2 {
        return (i11, i12, pmi.i2);
    }
    let phases = if rank == 1 { 4 } else { 2 };
    let (choice, n) = (u16::from(pmi.i2 / phases), pmi.i2 % phases);
    if n2 == 1 { (2 * i11 + choice, 0, n) } else { (2 * i11 + choice % 2, 2 * i12 + choice / 2, n) }
}

/// Values of i_1,3. Spec: TS 38.214 tables 5.2.2.2.1-3 and -4
fn n_offsets(n1: u8, n2: u8, rank: u8) -> u8 {
    match (rank, n1, n2) {
        (2, 2, 1) => 2,
        (2, ..) => 4,
        (3 | 4, 2, 1) => 1,
        (3 | 4, 4, 1) | (3 | 4, 2, 2) => 3,
        (3 | 4, ..) => 4,
        _ => 1,
    }
}

/// (k_1 / O_1, k_2 / O_2) of i_1,3. Spec: TS 38.214 tables 5.2.2.2.1-3 and -4
fn offset(n1: u8, n2: u8, rank: u8, i13: u8) -> (u8, u8) {
    if rank == 2 {
        return match (n1, n2, i13) {
            (_, 1, i) => (i, 0),
            (_, _, 0) => (0, 0),
            (_, _, 1) => (1, 0),
            (_, _, 2) => (0, 1),
            (a, b, _) if a == b => (1, 1),
            _ => (2, 0),
        };
    }
    match (n2, i13) {
        (1, i) => (i + 1, 0),
        (_, 0) => (1, 0),
        (_, 1) => (0, 1),
        (_, 2) => (1, 1),
        _ => (2, 0),
    }
}
