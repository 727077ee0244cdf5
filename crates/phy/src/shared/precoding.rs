//! Precoding: the uplink's codebooks, and matrices applied to rows of layers.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | W | [`PrecodingMatrix`] | `w[port][layer]` |
//! | rho, nu | `n_ports`, `n_layers` | antenna ports, layers |
//!
//! Spec: TS 38.211 §6.3.1.5, TS 38.214 §5.1.2.3

use crate::estimate::ChannelError;
use dsp::{Cf32, Isa};
use fapi::{DlPrecoding, PrecodingMatrix, UlPrecoding};

/// A quarter turn to the power of `q`, times `scale`.
fn quarter(q: u8, scale: f32) -> (f32, f32) {
    match q % 4 {
        0 => (scale, 0.0),
        1 => (0.0, scale),
        2 => (-scale, 0.0),
        _ => (0.0, -scale),
    }
}

/// Writes `columns[layer][port]`, quarter turns or none, over a matrix.
fn matrix<const P: usize, const L: usize>(columns: [[Option<u8>; P]; L], scale: f32) -> PrecodingMatrix {
    let mut out = PrecodingMatrix { n_ports: P as u8, w: [[(0.0, 0.0); 4]; 8] };
    for (layer, column) in columns.iter().enumerate() {
        for (port, q) in column.iter().enumerate() {
            if let Some(q) = q {
                out.w[port][layer] = quarter(*q, scale);
            }
        }
    }
    out
}

/// One layer that leaves one port.
fn only<const P: usize>(port: usize) -> [Option<u8>; P] {
    let mut column = [None; P];
    column[port] = Some(0);
    column
}

/// The column of one layer over four ports, TPMI 4 to 27.
fn four_ports(tpmi: u8, transform: bool) -> [Option<u8>; 4] {
    // The phases in the order of the tables: 1, -1, j, -j for pairs, 1, j, -1, -j for all four ports.
    const PAIR: [u8; 4] = [0, 2, 1, 3];
    let one = Some(0);
    match tpmi {
        4..=7 => [one, None, Some(PAIR[usize::from(tpmi - 4)]), None],
        8..=11 => [None, one, None, Some(PAIR[usize::from(tpmi - 8)])],
        _ => {
            let (a, b) = ((tpmi - 12) / 4, (tpmi - 12) % 4);
            // With transform precoding a real product changes its sign (table 6.3.1.5-2).
            let turn = if transform && (a + b) % 2 == 0 { 2 } else { 0 };
            [one, Some(a), Some(b), Some(a + b + turn)]
        }
    }
}

const SQRT_1_2: f32 = core::f32::consts::FRAC_1_SQRT_2;
/// 1/(2 sqrt(2)) and 1/(2 sqrt(3)).
const SQRT_1_8: f32 = 0.353_553_4;
const SQRT_1_12: f32 = 0.288_675_13;

/// The matrix that a TPMI names.
///
/// Spec: TS 38.211 tables 6.3.1.5-1 to 6.3.1.5-7
/// - `n_ports` 2 or 4; `n_layers` up to that (one with transform precoding)
///
/// Errors: `Invalid` for what the tables do not hold.
pub fn codebook(n_ports: u8, n_layers: u8, tpmi: u8, transform: bool) -> Result<PrecodingMatrix, ChannelError> {
    const NO: Option<u8> = None;
    const P1: Option<u8> = Some(0);
    const PJ: Option<u8> = Some(1);
    const M1: Option<u8> = Some(2);
    const MJ: Option<u8> = Some(3);
    let bad = ChannelError::Invalid("TPMI, layers and ports (TS 38.211 tables 6.3.1.5-1 to -7)");
    if transform && n_layers != 1 {
        return Err(bad);
    }
    Ok(match (n_ports, n_layers, tpmi) {
        (2, 1, 0 | 1) => matrix([only::<2>(usize::from(tpmi))], SQRT_1_2),
        (2, 1, 2..=5) => matrix([[P1, [P1, M1, PJ, MJ][usize::from(tpmi - 2)]]], SQRT_1_2),
        (4, 1, 0..=3) => matrix([only::<4>(usize::from(tpmi))], 0.5),
        (4, 1, 4..=27) => matrix([four_ports(tpmi, transform)], 0.5),
        (2, 2, 0) => matrix([only::<2>(0), only::<2>(1)], SQRT_1_2),
        (2, 2, 1) => matrix([[P1, P1], [P1, M1]], 0.5),
        (2, 2, 2) => matrix([[P1, PJ], [P1, MJ]], 0.5),
        (4, 2, 0..=5) => {
            let (a, b) = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)][usize::from(tpmi)];
            matrix([only::<4>(a), only::<4>(b)], 0.5)
        }
        (4, 2, 6..=13) => {
            let (a, b) =
                [(P1, MJ), (P1, PJ), (MJ, P1), (MJ, M1), (M1, MJ), (M1, PJ), (PJ, P1), (PJ, M1)][usize::from(tpmi - 6)];
            matrix([[P1, NO, a, NO], [NO, P1, NO, b]], 0.5)
        }
        (4, 2, 14..=21) => {
            let (a, b) = ((tpmi - 14) / 2, (tpmi - 14) % 2);
            let column = |turn: u8| [P1, Some(a), Some(b + turn), Some(a + b + turn)];
            matrix([column(0), column(2)], SQRT_1_8)
        }
        (4, 3, 0) => matrix([only::<4>(0), only::<4>(1), only::<4>(2)], 0.5),
        (4, 3, 1) => matrix([[P1, NO, P1, NO], only::<4>(1), only::<4>(3)], 0.5),
        (4, 3, 2) => matrix([[P1, NO, M1, NO], only::<4>(1), only::<4>(3)], 0.5),
        (4, 3, 3) => matrix([[P1, P1, P1, P1], [P1, M1, P1, M1], [P1, P1, M1, M1]], SQRT_1_12),
        (4, 3, 4) => matrix([[P1, P1, PJ, PJ], [P1, M1, PJ, MJ], [P1, P1, MJ, MJ]], SQRT_1_12),
        (4, 3, 5) => matrix([[P1, M1, P1, M1], [P1, P1, P1, P1], [P1, M1, M1, P1]], SQRT_1_12),
        (4, 3, 6) => matrix([[P1, M1, PJ, MJ], [P1, P1, PJ, PJ], [P1, M1, MJ, PJ]], SQRT_1_12),
        (4, 4, 0) => matrix([only::<4>(0), only::<4>(1), only::<4>(2), only::<4>(3)], 0.5),
        (4, 4, 1) => matrix([[P1, NO, P1, NO], [P1, NO, M1, NO], [NO, P1, NO, P1], [NO, P1, NO, M1]], SQRT_1_8),
        (4, 4, 2) => matrix([[P1, NO, PJ, NO], [P1, NO, MJ, NO], [NO, P1, NO, PJ], [NO, P1, NO, MJ]], SQRT_1_8),
        (4, 4, 3) => matrix([[P1, P1, P1, P1], [P1, M1, P1, M1], [P1, P1, M1, M1], [P1, M1, M1, P1]], 0.25),
        (4, 4, 4) => matrix([[P1, P1, PJ, PJ], [P1, M1, PJ, MJ], [P1, P1, MJ, MJ], [P1, M1, MJ, PJ]], 0.25),
        _ => return Err(bad),
    })
}

/// Which matrix serves which resource block.
#[derive(Clone, Copy, Debug)]
pub enum Precoder<'a> {
    /// Layer v to port v.
    Identity,
    /// Matrices of groups of `size` RBs (0: one group), the first group that of carrier RB 0, whose RB `offset` lies in it.
    Groups {
        /// P', or 0.
        size: usize,
        /// RBs of the first group below the carrier.
        offset: usize,
        /// One for each group.
        matrices: &'a [PrecodingMatrix],
    },
}

impl<'a> Precoder<'a> {
    /// The precoder of a PDSCH whose matrices lie in `precoders`.
    ///
    /// Errors: `Invalid` if there are too few, or the group size is none of TS 38.214 §5.1.2.3.
    pub fn downlink(
        precoding: &DlPrecoding,
        reference_rb: i32,
        precoders: &'a [PrecodingMatrix],
        n_rb: usize,
        n_ports: usize,
    ) -> Result<Precoder<'a>, ChannelError> {
        let DlPrecoding::Matrices { prg_size, matrices } = precoding else {
            return Ok(Precoder::Identity);
        };
        if !matches!(prg_size, 0 | 2 | 4) {
            return Err(ChannelError::Invalid("precoding group of 2 or 4 resource blocks (TS 38.214 §5.1.2.3)"));
        }
        let size = usize::from(*prg_size);
        let offset = if size == 0 { 0 } else { (-i64::from(reference_rb)).rem_euclid(size as i64) as usize };
        let n = if size == 0 { 1 } else { (n_rb + offset).div_ceil(size) };
        let (start, len) = (matrices.start as usize, matrices.len as usize);
        let list = precoders.get(start..start.saturating_add(len)).unwrap_or(&[]);
        let fits = list.len() >= n && list.iter().all(|m| (1..=n_ports.min(8)).contains(&usize::from(m.n_ports)));
        if !fits {
            return Err(ChannelError::Invalid("a precoding matrix for each group, of no more ports than the grid has"));
        }
        Ok(Precoder::Groups { size, offset, matrices: list })
    }

    /// Runs of RBs within `first..first + n` that one matrix serves.
    pub fn runs(&self, first: usize, n: usize) -> impl Iterator<Item = (usize, usize, &'a PrecodingMatrix)> + use<'a> {
        let (size, offset, matrices) = match self {
            Precoder::Identity => (0, 0, &[][..]),
            Precoder::Groups { size, offset, matrices } => (*size, *offset, *matrices),
        };
        let mut at = first;
        let end = first + n;
        core::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let group = (at + offset).checked_div(size).unwrap_or(0);
            let until = if size == 0 { end } else { ((group + 1) * size - offset).min(end) };
            let run = (at, until - at, matrices.get(group)?);
            at = until;
            Some(run)
        })
    }
}

/// The matrix of a PUSCH, or none. Errors: as [`codebook`], and more ports than the grid has.
pub fn uplink(
    precoding: &UlPrecoding,
    n_layers: u8,
    transform: bool,
    n_grid_ports: usize,
) -> Result<Option<PrecodingMatrix>, ChannelError> {
    match precoding {
        UlPrecoding::Identity => Ok(None),
        UlPrecoding::Codebook { n_ports, tpmi } => {
            let w = codebook(*n_ports, n_layers, *tpmi, transform)?;
            if usize::from(w.n_ports) > n_grid_ports {
                return Err(ChannelError::Invalid("more antenna ports than the grid has (TS 38.211 §6.3.1.5)"));
            }
            Ok(Some(w))
        }
    }
}

/// Elements that go through all ports before the next: rows of four layers and ports together stay in the first cache.
pub const PIECE: usize = 480;

/// Adds W x to one port: `out[k] += sum_v row[v] x[v][k]`, in the order of the layers.
///
/// - `weights` the port's row of the matrix, as many as layers
/// - `layers`  rows at least as long as `out`; four at most
///
/// Every instruction set gives the same bits. Cost: O(n * layers), no allocation.
pub fn add_port(isa: Isa, weights: &[(f32, f32)], layers: &[&[Cf32]], out: &mut [Cf32]) {
    weigh::<true>(isa, weights, layers, out);
}

/// Writes W x to one port: what [`add_port`] makes of zeros.
pub fn write_port(isa: Isa, weights: &[(f32, f32)], layers: &[&[Cf32]], out: &mut [Cf32]) {
    weigh::<false>(isa, weights, layers, out);
}

fn weigh<const ADD: bool>(isa: Isa, weights: &[(f32, f32)], layers: &[&[Cf32]], out: &mut [Cf32]) {
    let n = out.len();
    let used = layers.len().min(weights.len()).min(4);
    let mut w = [Cf32::default(); 4];
    let mut x: [&[Cf32]; 4] = [&[]; 4];
    let mut m = 0;
    for v in 0..used {
        if weights[v] != (0.0, 0.0) && layers[v].len() >= n {
            (w[m], x[m]) = (Cf32::new(weights[v].0, weights[v].1), &layers[v][..n]);
            m += 1;
        }
    }
    use dsp::vector::{add_combined, combined};
    match (ADD, m) {
        (true, 0) => {}
        (true, 1) => add_combined(isa, out, &[x[0]], &[w[0]]),
        (true, 2) => add_combined(isa, out, &[x[0], x[1]], &[w[0], w[1]]),
        (true, 3) => add_combined(isa, out, &[x[0], x[1], x[2]], &[w[0], w[1], w[2]]),
        (true, _) => add_combined(isa, out, &x, &w),
        (false, 0) => out.fill(Cf32::new(0.0, 0.0)),
        (false, 1) => combined(isa, out, &[x[0]], &[w[0]]),
        (false, 2) => combined(isa, out, &[x[0], x[1]], &[w[0], w[1]]),
        (false, 3) => combined(isa, out, &[x[0], x[1], x[2]], &[w[0], w[1], w[2]]),
        (false, _) => combined(isa, out, &x, &w),
    }
}
