//! Rank, precoder and channel quality out of a CSI-RS channel. Spec: TS 38.214 §5.2.2
//!
//! | in the formula | here | meaning |
//! |---|---|---|
//! | H | `CsiRsChannel::of_rb` | channel of an RB, `[rx][port]` |
//! | Q | `Interference::covariance`, or the channel's noise | covariance of noise and interference |
//! | R = mean of H^H Q^-1 H | `r` | what the precoders are tried on, `[port][port]` |
//! | W | `Codebook::weight` | precoder |
//!
//! - A rank's precoder is the one with the most log2 det(I + W^H R W).
//! - The rank is the one whose layers, received by MMSE RB by RB, carry most; the CQI the highest whose efficiency they carry. What they
//!   carry is the mean information of their bits, less what the receiver is away from it.

use super::information::{information, rate};
use crate::csi_rs::{CsiRsChannel, Interference, PORTS_MAX};
use dsp::{Cf32, Cf64};
use fapi::McsTable;
use fapi::csi::{Codebook, CsiContent, CsiError, CsiQuantity, CsiValues, Pmi, SUBBANDS_MAX, cqi_difference};
use nr::tables::cqi;
use nr::tables::mcs::Mcs;

/// What is taken off for the noise of estimates, at most: I + H^H Q^-1 H stays positive definite.
const BELIEVED_MAX: f64 = 0.9;
/// What each layer costs in channel estimation and by what the channel does until the report takes effect: 0.2 dB.
const LAYER_LOSS: f64 = 0.955;
/// Most antennas.
const RX_MAX: usize = 8;

pub(crate) type Small = [[Cf64; RX_MAX]; RX_MAX];

pub(crate) const ZERO: Cf64 = Cf64::new(0.0, 0.0);

/// L of A = L L^H for the upper left `n` x `n` of `a`; `None` unless it is positive definite.
pub(crate) fn cholesky(a: &Small, n: usize) -> Option<Small> {
    let mut l = [[ZERO; RX_MAX]; RX_MAX];
    for i in 0..n {
        for j in 0..=i {
            let sum: Cf64 = (0..j).map(|k| l[i][k] * l[j][k].conj()).sum();
            let rest = a[i][j] - sum;
            if i == j {
                if rest.re.is_nan() || rest.re <= 0.0 || rest.re.is_infinite() {
                    return None;
                }
                l[i][i] = Cf64::new(rest.re.sqrt(), 0.0);
            } else {
                l[i][j] = rest / l[j][j].re;
            }
        }
    }
    Some(l)
}

/// A^-1 out of its Cholesky factor.
pub(crate) fn inverse(l: &Small, n: usize) -> Small {
    let mut out = [[ZERO; RX_MAX]; RX_MAX];
    for column in 0..n {
        let mut y = [ZERO; RX_MAX];
        for i in 0..n {
            let unit = Cf64::new(f64::from(u8::from(i == column)), 0.0);
            let sum: Cf64 = (0..i).map(|k| l[i][k] * y[k]).sum();
            y[i] = (unit - sum) / l[i][i].re;
        }
        for i in (0..n).rev() {
            let sum: Cf64 = (i + 1..n).map(|k| l[k][i].conj() * out[k][column]).sum();
            out[i][column] = (y[i] - sum) / l[i][i].re;
        }
    }
    out
}

pub(crate) fn wide(z: Cf32) -> Cf64 {
    Cf64::new(f64::from(z.re), f64::from(z.im))
}

/// Computes reports; owns its scratch.
pub struct CsiComputer {
    /// `[port][port]`.
    r: Vec<Cf64>,
    /// H^H Q^-1 H of each RB, `[rb][port][port]`.
    per_rb: Vec<Cf64>,
    w: [[Cf64; 4]; PORTS_MAX],
    /// twoTX-CodebookSubsetRestriction.
    two_port_subset: u8,
}

impl Default for CsiComputer {
    fn default() -> Self {
        Self::new()
    }
}

impl CsiComputer {
    /// Makes the scratch, which grows with the first report.
    pub fn new() -> Self {
        Self { r: Vec::new(), per_rb: Vec::new(), w: [[ZERO; 4]; PORTS_MAX], two_port_subset: 0x3f }
    }

    /// Which precoders of two ports may be reported from now on: bits 0 to 3 those of one layer, 4 and 5 those of two; all at first.
    /// Spec: TS 38.214 §5.2.2.2.1 (twoTX-CodebookSubsetRestriction)
    pub fn set_two_port_subset(&mut self, subset: u8) {
        self.two_port_subset = subset;
    }

    /// Whether the codebook's subset holds a precoder.
    fn allowed(&self, codebook: Codebook, rank: u8, pmi: &Pmi) -> bool {
        codebook != Codebook::TwoPorts || self.two_port_subset >> (4 * (rank - 1) + pmi.i2).min(7) & 1 == 1
    }

    /// The report of a channel.
    ///
    /// - `interference`  from CSI-IM; without it the noise that the CSI-RS itself shows
    /// - `power_offset_db`  powerControlOffset: PDSCH over CSI-RS elements
    /// - `subband`  elements' RBs of a subband (the last one may be shorter); 0 where nothing is by subband
    ///
    /// Errors: a content that does not fit the channel. Cost: precoders x ports^2, and RBs x rank^3.
    pub fn compute(
        &mut self,
        channel: &CsiRsChannel,
        interference: Option<&Interference>,
        content: &CsiContent,
        table: McsTable,
        power_offset_db: f32,
        subband: usize,
    ) -> Result<CsiValues, CsiError> {
        content.check()?;
        let n = usize::from(content.codebook.n_ports());
        if n != channel.n_ports || channel.n_rb == 0 || matches!(content.quantity, CsiQuantity::Rsrp { .. }) {
            return Err(CsiError::Content("another number of ports than its CSI-RS"));
        }
        self.correlate(channel, interference, f64::from(libm::powf(10.0, power_offset_db / 10.0)));
        self.average(n, 0..channel.n_rb);
        let rows = rows_of(table);
        let mut best: Option<(f64, u8, Pmi)> = None;
        for rank in (1..=4u8).filter(|r| content.ranks >> (r - 1) & 1 == 1 && usize::from(*r) <= channel.n_rx) {
            let Some((pmi, _)) = self.best_precoder(content.codebook, rank, None) else { continue };
            let all = [Part { pmi, first: 0, end: channel.n_rb }];
            let each = self.efficiencies(content.codebook, rank, &all, n).into_iter().zip(Q_M);
            let best_order = each.filter(|e| e.1 <= rows[15].q_m).map(|e| e.0).fold(0.0, f64::max);
            let carried = f64::from(rank) * best_order.min(rows[15].efficiency().into());
            if best.is_none_or(|b| carried > b.0 * 1.0001) {
                best = Some((carried, rank, pmi));
            }
        }
        let (_, rank, pmi) = best.ok_or(CsiError::Content("no rank that the antennas can tell apart"))?;
        let mut v = CsiValues { rank, pmi, ..CsiValues::default() };
        let subbands = usize::from(content.cqi_subbands.max(content.pmi_subbands)).min(SUBBANDS_MAX);
        let n_subbands = if subband == 0 { 0 } else { subbands };
        let mut parts = [Part { pmi, first: 0, end: channel.n_rb }; SUBBANDS_MAX];
        for (i, part) in parts.iter_mut().enumerate().take(n_subbands) {
            (part.first, part.end) = ((i * subband).min(channel.n_rb), ((i + 1) * subband).min(channel.n_rb));
            if content.pmi_subbands > 0 && part.first < part.end {
                self.average(n, part.first..part.end);
                part.pmi = self.best_precoder(content.codebook, rank, Some(pmi)).map_or(pmi, |b| b.0);
                v.i2[i] = part.pmi.i2;
            }
        }
        // The wideband quality goes with the precoders that are reported.
        let all = if n_subbands > 0 && content.pmi_subbands > 0 { n_subbands } else { 1 };
        v.cqi = self.quality(content.codebook, rank, &parts_of(&parts, all, channel.n_rb, pmi), n, rows);
        for i in 0..n_subbands {
            let cqi = self.quality(content.codebook, rank, &[parts[i]], n, rows);
            v.cqi_difference[i] = if parts[i].first < parts[i].end { cqi_difference(v.cqi, cqi) } else { 0 };
        }
        Ok(v)
    }

    /// H^H Q^-1 H of every RB.
    fn correlate(&mut self, channel: &CsiRsChannel, interference: Option<&Interference>, boost: f64) {
        let (n, n_rx) = (channel.n_ports, channel.n_rx.min(RX_MAX));
        let mut q = [[ZERO; RX_MAX]; RX_MAX];
        let white = f64::from(channel.noise_var).max(1e-30);
        for (a, row) in q.iter_mut().enumerate().take(n_rx) {
            row[a] = Cf64::new(white, 0.0);
        }
        let white_inverse = |q: &Small| cholesky(q, n_rx).map_or([[ZERO; RX_MAX]; RX_MAX], |l| inverse(&l, n_rx));
        let q_inverse = match interference {
            None => white_inverse(&q),
            Some(i) => {
                let mut c = [[ZERO; RX_MAX]; RX_MAX];
                for a in 0..n_rx {
                    (0..n_rx).for_each(|b| c[a][b] = wide(i.covariance[a][b]));
                    // A little white noise keeps the inverse of a few elements' covariance in bounds.
                    c[a][a] += Cf64::new(1e-3 * f64::from(i.power[a]) + 1e-30, 0.0);
                }
                cholesky(&c, n_rx).map_or_else(|| white_inverse(&q), |l| inverse(&l, n_rx))
            }
        };
        let trace: f64 = (0..n_rx).map(|x| q_inverse[x][x].re).sum();
        let believed = (f64::from(channel.noise_gain) * white * trace * boost).clamp(0.0, BELIEVED_MAX);
        self.per_rb.clear();
        self.per_rb.resize(channel.n_rb * n * n, ZERO);
        for (rb, out) in self.per_rb.chunks_exact_mut((n * n).max(1)).enumerate() {
            let h = channel.of_rb(rb);
            for b in 0..n {
                let mut whitened = [ZERO; RX_MAX];
                for (x, w) in whitened.iter_mut().enumerate().take(n_rx) {
                    *w = (0..n_rx).map(|y| q_inverse[x][y] * wide(h[y * n + b])).sum::<Cf64>() * boost;
                }
                for a in 0..n {
                    out[a * n + b] = (0..n_rx).map(|x| wide(h[x * n + a]).conj() * whitened[x]).sum();
                }
            }
            // The noise of the estimates counts as power, in directions that have little most of all.
            (0..n).for_each(|a| out[a * n + a] -= believed);
        }
    }

    fn average(&mut self, n: usize, rbs: core::ops::Range<usize>) {
        self.r.clear();
        self.r.resize(n * n, ZERO);
        let count = rbs.len().max(1) as f64;
        for rb in rbs {
            let one = &self.per_rb[rb * n * n..(rb + 1) * n * n];
            self.r.iter_mut().zip(one).for_each(|(r, x)| *r += x / count);
        }
    }

    fn load(&mut self, codebook: Codebook, rank: u8, pmi: &Pmi) -> bool {
        for port in 0..codebook.n_ports() {
            for layer in 0..rank {
                let Some((re, im)) = codebook.weight(rank, pmi, port, layer) else { return false };
                self.w[usize::from(port)][usize::from(layer)] = Cf64::new(f64::from(re), f64::from(im));
            }
        }
        true
    }

    /// W^H `r` W.
    fn gram(&self, r: &[Cf64], n: usize, rank: usize) -> Small {
        let mut g = [[ZERO; RX_MAX]; RX_MAX];
        for b in 0..rank {
            let mut rw = [ZERO; PORTS_MAX];
            for (a, rw) in rw.iter_mut().enumerate().take(n) {
                *rw = (0..n).map(|k| r[a * n + k] * self.w[k][b]).sum();
            }
            for (a, row) in g.iter_mut().enumerate().take(rank) {
                row[b] = (0..n).map(|k| self.w[k][a].conj() * rw[k]).sum();
            }
        }
        for (a, row) in g.iter_mut().enumerate().take(rank) {
            row[a] += Cf64::new(1.0, 0.0);
        }
        g
    }

    /// The precoder of a rank with the most log2 det(I + W^H R W), of all or of those that share i_1 with `wideband`.
    fn best_precoder(&mut self, codebook: Codebook, rank: u8, wideband: Option<Pmi>) -> Option<(Pmi, f64)> {
        let range = codebook.range(rank)?;
        let n = usize::from(codebook.n_ports());
        let mut best: Option<(Pmi, f64)> = None;
        let r = core::mem::take(&mut self.r);
        let total = u32::from(range.i11) * u32::from(range.i12) * u32::from(range.i13) * u32::from(range.i2);
        for i in 0..total {
            let (i2, rest) = ((i % u32::from(range.i2)) as u8, i / u32::from(range.i2));
            let (i13, rest) = ((rest % u32::from(range.i13)) as u8, rest / u32::from(range.i13));
            let (i12, i11) = ((rest % u32::from(range.i12)) as u8, (rest / u32::from(range.i12)) as u8);
            let pmi = Pmi { i11, i12, i13, i2 };
            let other = wideband.is_some_and(|w| Pmi { i2, ..w } != pmi);
            if other || !self.allowed(codebook, rank, &pmi) || !self.load(codebook, rank, &pmi) {
                continue;
            }
            let g = self.gram(&r, n, usize::from(rank));
            let det = cholesky(&g, usize::from(rank));
            let rate = det.map_or(0.0, |l| (0..usize::from(rank)).map(|k| 2.0 * libm::log2(l[k][k].re)).sum());
            if best.is_none_or(|b| rate > b.1) {
                best = Some((pmi, rate));
            }
        }
        self.r = r;
        best
    }

    /// Calls `f` with the SINR of each layer of each RB after MMSE.
    fn for_sinrs(
        &mut self,
        codebook: Codebook,
        rank: u8,
        pmi: &Pmi,
        n: usize,
        rbs: core::ops::Range<usize>,
        mut f: impl FnMut(f64),
    ) {
        if !self.load(codebook, rank, pmi) {
            return;
        }
        let rank = usize::from(rank);
        for rb in rbs {
            let g = self.gram(&self.per_rb[rb * n * n..(rb + 1) * n * n], n, rank);
            let inverted = cholesky(&g, rank).map(|l| inverse(&l, rank));
            for k in 0..rank {
                f(inverted.map_or(0.0, |i| (1.0 / i[k][k].re - 1.0).max(0.0)));
            }
        }
    }

    /// Bits a resource element that a layer carries on average over all parts, with Q_m of 2, 4, 6, 8 and 10.
    fn efficiencies(&mut self, codebook: Codebook, rank: u8, parts: &[Part], n: usize) -> [f64; 5] {
        let (mut sums, mut count) = ([0.0; 5], 0.0);
        let loss = (0..rank).fold(1.0, |l, _| l * LAYER_LOSS);
        for p in parts.iter().filter(|p| p.first < p.end) {
            self.for_sinrs(codebook, rank, &p.pmi, n, p.first..p.end, |sinr| {
                let sinr = sinr * loss;
                for (sum, q_m) in sums.iter_mut().zip(Q_M) {
                    *sum += information(q_m, sinr);
                }
                count += 1.0;
            });
        }
        core::array::from_fn(|i| f64::from(Q_M[i]) * rate(sums[i] / f64::max(count, 1.0)))
    }

    /// The highest CQI whose efficiency the layers carry on average over all parts. Spec: TS 38.214 §5.2.2.1
    fn quality(&mut self, codebook: Codebook, rank: u8, parts: &[Part], n: usize, rows: &[Mcs; 16]) -> u8 {
        let carried = self.efficiencies(codebook, rank, parts, n);
        let fits = |r: &Mcs| Q_M.iter().zip(&carried).any(|(q_m, c)| r.q_m == *q_m && f64::from(r.efficiency()) <= *c);
        (1..16).rev().find(|i| fits(&rows[*i])).unwrap_or(0) as u8
    }
}

/// Modulation orders.
const Q_M: [u8; 5] = [2, 4, 6, 8, 10];

/// RBs `first..end` and their precoder.
#[derive(Clone, Copy)]
struct Part {
    pmi: Pmi,
    first: usize,
    end: usize,
}

/// The parts that cover the band: one, or the subbands, the last of which reaches to its end.
fn parts_of(parts: &[Part; SUBBANDS_MAX], n: usize, n_rb: usize, pmi: Pmi) -> [Part; SUBBANDS_MAX] {
    let mut out = [Part { pmi, first: n_rb, end: n_rb }; SUBBANDS_MAX];
    if n == 1 {
        out[0] = Part { pmi, first: 0, end: n_rb };
    } else {
        out[..n].copy_from_slice(&parts[..n]);
        out[n - 1].end = n_rb.max(out[n - 1].first);
    }
    out
}

fn rows_of(table: McsTable) -> &'static [Mcs; 16] {
    match table {
        McsTable::Qam64 => &cqi::TABLE_1,
        McsTable::Qam256 => &cqi::TABLE_2,
        McsTable::Qam64LowSe => &cqi::TABLE_3,
        McsTable::Qam1024 => &cqi::TABLE_4,
    }
}
