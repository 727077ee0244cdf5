//! Spatial correlation between the antennas of both ends.
//!
//! | in the specification | here        | meaning                                                    |
//! | alpha                | alpha       | correlation of neighbouring antennas of the gNB            |
//! | beta                 | beta        | the same of the UE                                         |
//! | gamma                | gamma       | correlation of the polarisations                           |
//! | R_spat               | matrix      | of vec(H), element `tx n_rx + rx`: R_tx (x) R_rx           |
//! | P                    | permutation | brings polarisations of the transmitter behind each other  |
//!
//! The clauses' own matrices are rounded to four digits and made positive again by a multiple of the identity (a of 1e-4); here
//! they stay exact, so elements differ by 1.2e-4 at most.
//!
//! Spec: TS 38.104 §G.2.3; TS 38.101-4 §B.2.3

use crate::config::AirError;

/// How much antennas have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Correlation {
    /// Nothing.
    #[default]
    Low,
    /// Downlink alpha 0.3, beta 0.9; uplink 0.9, 0.3; cross-polarised 0.3, 0.6, gamma 0.2.
    Medium,
    /// Downlink with uniform arrays only: 0.3, 0.3874.
    MediumA,
    /// 0.9, 0.9; cross-polarised gamma 0.3.
    High,
}

/// How antennas stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Polarisation {
    /// Uniform linear arrays of one polarisation.
    #[default]
    Uniform,
    /// Pairs of crossed antennas.
    Cross,
}

/// Which end transmits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Direction {
    /// The gNB. Spec: TS 38.101-4
    #[default]
    Downlink,
    /// The UE. Spec: TS 38.104
    Uplink,
}

/// R_spat, `[row][column]` with `n_tx n_rx` of each, row `tx n_rx + rx`.
///
/// Errors: `Unsupported` with the clause for a level or a number of antennas that has no definition.
pub fn correlation_matrix(
    n_tx: usize,
    n_rx: usize,
    level: Correlation,
    polarisation: Polarisation,
    direction: Direction,
) -> Result<Vec<f64>, AirError> {
    let n = n_tx * n_rx;
    if level == Correlation::Low {
        return Ok((0..n * n).map(|i| if i / n == i % n { 1.0 } else { 0.0 }).collect());
    }
    let (n_gnb, n_ue) = if direction == Direction::Downlink { (n_tx, n_rx) } else { (n_rx, n_tx) };
    let uniform = [1, 2, 4, 8].contains(&n_gnb) && [1, 2, 4].contains(&n_ue);
    match (polarisation, direction) {
        (Polarisation::Uniform, Direction::Downlink) => {
            let (alpha, beta) = match level {
                Correlation::Medium => (0.3, 0.9),
                Correlation::MediumA => (0.3, 0.3874),
                _ => (0.9, 0.9),
            };
            let clause = "TS 38.101-4 §B.2.3.1";
            if uniform { Ok(kron(&array(n_tx, alpha), &array(n_rx, beta))) } else { Err(AirError::Unsupported(clause)) }
        }
        (Polarisation::Uniform, Direction::Uplink) => {
            let (alpha, beta) = match level {
                Correlation::Medium => (0.9, 0.3),
                Correlation::MediumA => return Err(AirError::Unsupported("TS 38.104 §G.2.3.1.2")),
                _ => (0.9, 0.9),
            };
            let clause = "TS 38.104 §G.2.3.1";
            if uniform { Ok(kron(&array(n_tx, beta), &array(n_rx, alpha))) } else { Err(AirError::Unsupported(clause)) }
        }
        (Polarisation::Cross, _) => crossed(n_tx, n_rx, level, direction),
    }
}

/// P (R (x) Gamma (x) R) P^T.
fn crossed(n_tx: usize, n_rx: usize, level: Correlation, direction: Direction) -> Result<Vec<f64>, AirError> {
    let (alpha, beta, g) = match level {
        Correlation::Medium => (0.3, 0.6, 0.2),
        Correlation::High => (0.9, 0.9, 0.3),
        _ => return Err(AirError::Unsupported("TS 38.101-4 §B.2.3.2.3")),
    };
    let inner = match direction {
        Direction::Downlink if [2, 4, 8].contains(&n_tx) && [2, 4].contains(&n_rx) => {
            let gamma = [1.0, 0.0, -g, 0.0, 0.0, 1.0, 0.0, g, -g, 0.0, 1.0, 0.0, 0.0, g, 0.0, 1.0];
            kron(&kron(&array(n_tx / 2, alpha), &gamma), &array(n_rx / 2, beta))
        }
        Direction::Uplink if n_tx == 1 && [2, 4, 8].contains(&n_rx) => {
            kron(&[1.0, -g, -g, 1.0], &array(n_rx / 2, alpha))
        }
        Direction::Uplink if [2, 4].contains(&n_tx) && [2, 4, 8].contains(&n_rx) => {
            let gamma = [1.0, -g, 0.0, 0.0, -g, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, g, 0.0, 0.0, g, 1.0];
            kron(&kron(&array(n_tx / 2, beta), &gamma), &array(n_rx / 2, alpha))
        }
        Direction::Downlink => return Err(AirError::Unsupported("TS 38.101-4 §B.2.3.2.2")),
        Direction::Uplink => return Err(AirError::Unsupported("TS 38.104 §G.2.3.2.2")),
    };
    let n = n_tx * n_rx;
    let from: Vec<usize> = (0..n).map(|a| permuted(a, n_tx, n_rx)).collect();
    Ok((0..n * n).map(|i| inner[from[i / n] * n + from[i % n]]).collect())
}

/// The b with P(a, b) = 1. Spec: TS 38.101-4 §B.2.3.2.1
fn permuted(a: usize, n_tx: usize, n_rx: usize) -> usize {
    let (tx, rx) = (a / n_rx, a % n_rx);
    let first = n_tx.div_ceil(2);
    if tx < first { 2 * tx * n_rx + rx } else { (2 * (tx - first) + 1) * n_rx + rx }
}

/// The matrix of a uniform linear array: `delta^(((i - j) / (n - 1))^2)`. Spec: TS 38.104 table G.2.3.1.1-1
fn array(n: usize, delta: f64) -> Vec<f64> {
    (0..n * n)
        .map(|i| {
            let apart = (i / n).abs_diff(i % n) as f64 / n.saturating_sub(1).max(1) as f64;
            libm::pow(delta, apart * apart)
        })
        .collect()
}

/// The Kronecker product of two square matrices.
fn kron(a: &[f64], b: &[f64]) -> Vec<f64> {
    let (n_a, n_b) = (a.len().isqrt(), b.len().isqrt());
    let n = n_a * n_b;
    (0..n * n)
        .map(|i| {
            let (r, c) = (i / n, i % n);
            a[r / n_b * n_a + c / n_b] * b[r % n_b * n_b + c % n_b]
        })
        .collect()
}

/// A lower triangle L with L L^T = `matrix`, which is positive semidefinite.
pub(crate) fn square_root(matrix: &[f64]) -> Vec<f64> {
    let n = matrix.len().isqrt();
    let mut lower = vec![0.0; n * n];
    for r in 0..n {
        for c in 0..=r {
            let known: f64 = (0..c).map(|k| lower[r * n + k] * lower[c * n + k]).sum();
            let rest = matrix[r * n + c] - known;
            lower[r * n + c] = if r == c {
                libm::sqrt(rest.max(0.0))
            } else if lower[c * n + c] > 1e-7 {
                rest / lower[c * n + c]
            } else {
                0.0
            };
        }
    }
    lower
}
