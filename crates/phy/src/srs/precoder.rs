//! From the sounded channel to the codebook's precoders: what a PUSCH through each would carry.
//!
//! | in the formula | here | meaning |
//! |---|---|---|
//! | H | [`SrsReceiver::channel`] | channel of an element, `[rx][port]` |
//! | W | [`codebook`] | precoder of a TPMI, `[port][layer]` |
//! | N_0 | `noise_var` | noise power of an element, for unit power of the PUSCH |
//!
//! A layer's SINR after MMSE is 1 / [(I + W^H H^H H W / N_0)^-1]_kk - 1. The mean of log2(1 + SINR) over layers and elements is what the
//! one codeword of the PUSCH gets; the precoder of a rank is the one with the most of it.
//!
//! Spec: TS 38.211 §6.3.1.5, TS 38.214 §6.1.1.1

use super::{PORTS_MAX, SrsReceiver};
use crate::csi::{Small, ZERO, cholesky, inverse, wide};
use crate::shared::precoding::codebook;
use dsp::Cf64;
use fapi::PrecodingMatrix;
use nr::tables::uplink_precoding::{CodebookSubset, n_precoders, precoder};

/// Elements that are looked at, over all places.
const POINTS_MAX: usize = 24;

/// What the codebook's precoders would give.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Choice {
    /// (TPMI, SINR of a layer in dB) of ranks 1 to 4; none where the rank is not to be had.
    pub ranks: [Option<(u8, f32)>; 4],
    /// SINR of one layer that leaves port 0 alone with all of the power, dB.
    pub one_port_db: f32,
}

/// H^H H / N_0 at some elements, `[port][port]` each.
struct Grams {
    list: [[[Cf64; PORTS_MAX]; PORTS_MAX]; POINTS_MAX],
    n: usize,
    n_ports: usize,
}

impl SrsReceiver {
    /// Tries every precoder of the codebook on the channel of the last [`SrsReceiver::receive`].
    ///
    /// - `noise_var`  noise power of a PUSCH's element, in the units of [`SrsReceiver::channel`] squared
    /// - `max_rank`   1..=4; no more than there are ports and antennas
    ///
    /// With one port, rank 1 has TPMI 0 and no precoder. Cost: precoders x elements x layers^3; nothing is allocated.
    pub fn choose(&self, noise_var: f32, max_rank: u8, subset: CodebookSubset) -> Choice {
        let Some(grams) = self.grams(f64::from(noise_var).max(1e-30)) else { return Choice::default() };
        let n_ports = grams.n_ports as u8;
        let alone = layer_rate(&grams, &first_port(n_ports), 1);
        let mut out = Choice { ranks: [None; 4], one_port_db: db(alone) };
        if n_ports == 1 {
            out.ranks[0] = Some((0, out.one_port_db));
            return out;
        }
        let most = max_rank.min(n_ports).min(self.n_antennas() as u8);
        let mut best = [f64::MIN; 4];
        for field in 0..n_precoders(n_ports, most, subset) {
            let Some((rank, tpmi)) = precoder(n_ports, most, subset, field) else { continue };
            let Ok(w) = codebook(n_ports, rank, tpmi, false) else { continue };
            let rate = layer_rate(&grams, &w, usize::from(rank));
            let at = usize::from(rank) - 1;
            if rate > best[at] * 1.0001 {
                best[at] = rate;
                out.ranks[at] = Some((tpmi, db(rate)));
            }
        }
        out
    }

    /// Elements spread evenly over the places; `None` where nothing was received.
    fn grams(&self, noise_var: f64) -> Option<Grams> {
        let (n, n_ports, n_rx) = self.shape();
        let n_places = self.n_places();
        if n * n_places * n_ports * n_rx == 0 {
            return None;
        }
        let mut out = Grams { list: [[[ZERO; PORTS_MAX]; PORTS_MAX]; POINTS_MAX], n: 0, n_ports };
        let total = n * n_places;
        let n_points = total.min(POINTS_MAX);
        for (i, r) in out.list.iter_mut().enumerate().take(n_points) {
            let at = (2 * i + 1) * total / (2 * n_points);
            let h = |port, rx| self.channel(at / n, port, rx).1.get(at % n).map_or(ZERO, |z| wide(*z));
            for a in 0..n_ports {
                for b in 0..n_ports {
                    r[a][b] = (0..n_rx).map(|rx| h(a, rx).conj() * h(b, rx)).sum::<Cf64>() / noise_var;
                }
            }
        }
        out.n = n_points;
        Some(out)
    }
}

/// One layer on port 0, with all of the power.
fn first_port(n_ports: u8) -> PrecodingMatrix {
    let mut w = PrecodingMatrix { n_ports, w: [[(0.0, 0.0); 4]; 8] };
    w.w[0][0] = (1.0, 0.0);
    w
}

/// Mean of log2(1 + SINR) over layers and elements.
fn layer_rate(grams: &Grams, w: &PrecodingMatrix, rank: usize) -> f64 {
    let n = grams.n_ports;
    let weight = |port: usize, layer: usize| {
        let (re, im) = w.w[port][layer];
        Cf64::new(f64::from(re), f64::from(im))
    };
    let mut sum = 0.0;
    for r in &grams.list[..grams.n] {
        let mut g: Small = [[ZERO; 8]; 8];
        for b in 0..rank {
            let mut rw = [ZERO; PORTS_MAX];
            for (a, rw) in rw.iter_mut().enumerate().take(n) {
                *rw = (0..n).map(|k| r[a][k] * weight(k, b)).sum();
            }
            for (a, row) in g.iter_mut().enumerate().take(rank) {
                row[b] = (0..n).map(|k| weight(k, a).conj() * rw[k]).sum();
            }
        }
        for (a, row) in g.iter_mut().enumerate().take(rank) {
            row[a] += Cf64::new(1.0, 0.0);
        }
        let Some(inverted) = cholesky(&g, rank).map(|l| inverse(&l, rank)) else { continue };
        sum += (0..rank).map(|k| libm::log2((1.0 / inverted[k][k].re).max(1.0))).sum::<f64>();
    }
    sum / (grams.n * rank).max(1) as f64
}

/// The SINR that carries so many bits, dB.
fn db(rate: f64) -> f32 {
    (10.0 * libm::log10((libm::exp2(rate) - 1.0).max(1e-4))) as f32
}
