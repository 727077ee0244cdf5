//! Several antennas at both ends: what each hears of each, both ways.

mod common;

use air::{Air, CellConfig, LinkConfig, Profile};
use common::*;
use dsp::{Cf32, Cf64, Isa};

const N: usize = 16_384;

/// A network of one UE whose ends have these antennas; no oscillator errors.
fn air(n_cell: usize, n_rx: usize, n_tx: usize, profile: Profile, seed: u64) -> Air {
    let cell = CellConfig { n_antennas: n_cell, ppm: 0.0, ..cell() };
    let mut air = Air::new(cell, Isa::best(), 1).unwrap();
    let config = LinkConfig {
        n_rx,
        n_tx,
        profile,
        doppler_hz: 0.0,
        ppm: 0.0,
        start_s: 0.0,
        delay_s: 0.0,
        delay_spread_ns: 0.0,
        phase_turns: 0.0,
        seed,
        ..link()
    };
    air.add_link(config, tuning()).unwrap();
    air
}

/// `samples` from antenna `a` of `n`, nothing from the others.
fn from(a: usize, n: usize, samples: &[Cf32]) -> Vec<Cf32> {
    let mut all = vec![Cf32::default(); n * samples.len()];
    all[a * samples.len()..(a + 1) * samples.len()].copy_from_slice(samples);
    all
}

/// Gain of `got` over `sent`, and how far it is from being that alone, dB.
fn gain(got: &[Cf32], sent: &[Cf32]) -> (Cf64, f64) {
    let (got, sent) = (&got[4096..12_288], &sent[4096..12_288]);
    let power: f64 = sent.iter().map(|x| wide(*x).norm_sqr()).sum();
    let g: Cf64 = got.iter().zip(sent).map(|(y, x)| wide(*y) * wide(*x).conj()).sum::<Cf64>() / power;
    let rest: f64 = got.iter().zip(sent).map(|(y, x)| (wide(*y) - wide(*x) * g).norm_sqr()).sum();
    (g, 10.0 * (rest / (power * g.norm_sqr().max(1e-30))).log10())
}

/// `[cell's antenna][UE's antenna]` downlink, and the same uplink for the UE's first antennas.
fn matrices(n_cell: usize, n_rx: usize, n_tx: usize, profile: Profile, seed: u64) -> (Vec<Vec<Cf64>>, Vec<Vec<Cf64>>) {
    let comb = Comb::new(40, 8e6).samples(RATE, 0, N);
    let mut down = Vec::new();
    for c in 0..n_cell {
        let mut air = air(n_cell, n_rx, n_tx, profile, seed);
        air.push_downlink(&from(c, n_cell, &comb));
        air.push_downlink(&vec![Cf32::default(); n_cell * N]);
        let mut heard = vec![Cf32::default(); n_rx * N];
        air.pull_ue(0, &mut heard).unwrap();
        down.push(
            (0..n_rx)
                .map(|u| gain(&heard[u * N..(u + 1) * N], &comb))
                .inspect(|g| assert!(g.1 < -40.0))
                .map(|g| g.0)
                .collect(),
        );
    }
    let mut up = vec![vec![Cf64::new(0.0, 0.0); n_tx]; n_cell];
    for u in 0..n_tx {
        let mut air = air(n_cell, n_rx, n_tx, profile, seed);
        assert!(air.link_mut(0).unwrap().push_burst(0, &from(u, n_tx, &comb)));
        let mut heard = vec![Cf32::default(); n_cell * N];
        air.pull_uplink(&mut heard);
        (0..n_cell).for_each(|c| up[c][u] = gain(&heard[c * N..(c + 1) * N], &comb).0);
    }
    (down, up)
}

#[test] // Spec: TS 38.101-4 §B.1 (static propagation matrices), with a phase at each antenna
fn without_fading_the_matrix_has_full_rank_and_is_reciprocal() {
    for (n_cell, n_rx, n_tx) in [(1, 2, 1), (2, 1, 1), (2, 2, 2), (2, 4, 2), (4, 2, 1), (4, 4, 2)] {
        let (down, up) = matrices(n_cell, n_rx, n_tx, Profile::Awgn, 3);
        for (c, row) in down.iter().enumerate() {
            assert!(row.iter().all(|g| (g.norm() - 1.0).abs() < 0.01), "{n_cell} x {n_rx}: {row:?}");
            assert!((0..n_tx).all(|u| (up[c][u] - row[u]).norm() < 0.02), "{n_cell} x {n_rx}: {up:?}");
        }
        // The smaller end's antennas are told apart as well as can be.
        let column = |u: usize| down.iter().map(|row| row[u]).collect::<Vec<_>>();
        let across: Vec<Vec<Cf64>> = if n_cell <= n_rx { down.clone() } else { (0..n_rx).map(column).collect() };
        for (i, a) in across.iter().enumerate() {
            for b in &across[..i] {
                let dot: Cf64 = a.iter().zip(b).map(|(a, b)| a * b.conj()).sum();
                assert!(dot.norm() < 0.02 * a.len() as f64, "{n_cell} x {n_rx}: {dot}");
            }
        }
    }
}

#[test] // Spec: TR 38.901 §7.7.2 (Rayleigh taps), each pair of antennas its own
fn fading_pairs_are_independent_and_reciprocal() {
    let (mut power, mut like, mut n) = (0.0, Cf64::new(0.0, 0.0), 0.0);
    for seed in 0..60 {
        let (down, up) = matrices(2, 2, 2, Profile::TdlA, seed);
        for (row, back) in down.iter().zip(&up) {
            power += row.iter().map(|g| g.norm_sqr()).sum::<f64>();
            assert!(row.iter().zip(back).all(|(a, b)| (a - b).norm() < 0.03 * (1.0 + a.norm())));
        }
        like += down[0][0] * down[0][1].conj() + down[0][0] * down[1][0].conj() + down[1][1] * down[1][0].conj();
        n += 1.0;
    }
    let mean = power / (4.0 * n);
    assert!((0.75..1.25).contains(&mean), "{mean}");
    assert!(like.norm() / (3.0 * n) < 0.25, "{like}");
}

#[test] // Spec: ironcell air (antennas that an end does not have)
fn antennas_out_of_range_are_errors() {
    let cell = |n_antennas| CellConfig { n_antennas, ..cell() };
    assert!(Air::new(cell(0), Isa::best(), 1).is_err() && Air::new(cell(9), Isa::best(), 1).is_err());
    let mut air = Air::new(cell(2), Isa::best(), 1).unwrap();
    for (n_rx, n_tx) in [(0, 0), (1, 2), (9, 1)] {
        assert!(air.add_link(LinkConfig { n_rx, n_tx, ..link() }, tuning()).is_err());
    }
}
