//! Small complex matrices: products, inverse, linear systems, for equalizers of up to four layers.
//!
//! Rows first: `a[row][column]`. Elimination with partial pivoting; a pivot below 1e-30 of the largest entry is singular.

use crate::Cf32;

const ZERO: Cf32 = Cf32::new(0.0, 0.0);

/// A matrix of `R` rows and `C` columns.
pub type Matrix<const R: usize, const C: usize> = [[Cf32; C]; R];

/// The product a b.
pub fn product<const R: usize, const K: usize, const C: usize>(a: &Matrix<R, K>, b: &Matrix<K, C>) -> Matrix<R, C> {
    let mut out = [[ZERO; C]; R];
    for r in 0..R {
        for c in 0..C {
            for k in 0..K {
                out[r][c] += a[r][k] * b[k][c];
            }
        }
    }
    out
}

/// The conjugate transpose.
pub fn hermitian<const R: usize, const C: usize>(a: &Matrix<R, C>) -> Matrix<C, R> {
    let mut out = [[ZERO; R]; C];
    for r in 0..R {
        for c in 0..C {
            out[c][r] = a[r][c].conj();
        }
    }
    out
}

/// Solves a x = b; `None` if `a` is singular.
pub fn solve<const N: usize, const C: usize>(a: &Matrix<N, N>, b: &Matrix<N, C>) -> Option<Matrix<N, C>> {
    let (mut a, mut b) = (*a, *b);
    let largest = a.iter().flatten().fold(0.0f32, |m, v| m.max(v.norm_sqr()));
    for i in 0..N {
        let mut pivot = i;
        for row in i + 1..N {
            if a[row][i].norm_sqr() > a[pivot][i].norm_sqr() {
                pivot = row;
            }
        }
        let size = a[pivot][i].norm_sqr();
        if size.is_nan() || size <= largest * 1e-30 {
            return None;
        }
        a.swap(i, pivot);
        b.swap(i, pivot);
        let inverse = a[i][i].conj() / size;
        for row in 0..N {
            if row == i {
                continue;
            }
            let factor = a[row][i] * inverse;
            for column in i..N {
                let v = a[i][column];
                a[row][column] -= factor * v;
            }
            for column in 0..C {
                let v = b[i][column];
                b[row][column] -= factor * v;
            }
        }
        a[i].iter_mut().for_each(|v| *v *= inverse);
        b[i].iter_mut().for_each(|v| *v *= inverse);
    }
    Some(b)
}

/// The inverse; `None` if `a` is singular.
pub fn inverse<const N: usize>(a: &Matrix<N, N>) -> Option<Matrix<N, N>> {
    let mut identity = [[ZERO; N]; N];
    for (i, row) in identity.iter_mut().enumerate() {
        row[i] = Cf32::new(1.0, 0.0);
    }
    solve(a, &identity)
}
