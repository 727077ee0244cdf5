//! An OFDM slot through the channel: what a receiver sees inside its cyclic prefix.

mod common;

use air::{Air, CellConfig, LinkConfig, Profile, Tuning};
use common::*;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa};
use ofdm::{Carrier, Demodulator, Grid, Modulator, Numerology, SlotPoint};

/// Sends three slots, takes the middle one from where its first path arrives, divides symbol 3 to 13 by symbol 2's channel;
/// returns error over signal in dB, over all subcarriers and at the worst one.
fn evm(numerology: Numerology, n_rb: usize, profile: Profile) -> (f64, f64) {
    let carrier = Carrier::new(numerology, n_rb, CENTRE).unwrap();
    let rate = carrier.sample_rate_hz();
    let n_sc = carrier.n_subcarriers();
    let cell = CellConfig { rate_hz: rate, ppm: 0.0, ..cell() };
    let link = LinkConfig { profile, delay_spread_ns: 100.0, doppler_hz: 0.0, ppm: 0.0, start_s: 0.0, ..link() };
    let mut air = Air::new(cell, Isa::best(), 1).unwrap();
    air.add_link(link.clone(), Tuning { rate_hz: rate, ..tuning() }).unwrap();
    let mut modulator = Modulator::new(carrier, Isa::best()).unwrap();
    let mut grid = Grid::new(1, n_sc);
    Gaussian::new(1, Isa::best()).fill(grid.elements_mut(), 1.0);
    for x in grid.elements_mut() {
        *x = Cf32::new(x.re.signum(), x.im.signum()) * 0.5f32.sqrt();
    }
    for s in 0..3 {
        let slot = SlotPoint::new(numerology, 0, s);
        let mut samples = vec![Cf32::new(0.0, 0.0); carrier.slot_len(slot)];
        modulator.modulate(slot, &grid, 0, &mut samples).unwrap();
        air.push_downlink(&samples);
    }
    let slot = SlotPoint::new(numerology, 0, 1);
    let start = carrier.slot_start_in_frame(slot) + (link.delay_s * f64::from(rate)) as usize;
    let mut out = vec![Cf32::new(0.0, 0.0); start + carrier.slot_len(slot)];
    air.pull_ue(0, &mut out).unwrap();
    let mut got = Grid::new(1, n_sc);
    let mut demodulator = Demodulator::new(carrier, Isa::best()).unwrap();
    let advance = 9 * carrier.fft_len() / 128 / 8;
    demodulator.demodulate(slot, &out[start..], advance, &mut got, 0).unwrap();
    let mut errors = vec![(0.0, 0.0); n_sc];
    for k in 0..n_sc {
        let h = wide(got.symbol(0, 2)[k]) / wide(grid.symbol(0, 2)[k]);
        for l in 3..14 {
            let want = h * wide(grid.symbol(0, l)[k]);
            errors[k].0 += (wide(got.symbol(0, l)[k]) - want).norm_sqr();
            errors[k].1 += want.norm_sqr();
        }
    }
    let db = |e: f64, p: f64| 10.0 * (e / p).log10();
    let total = errors.iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    let worst = errors.iter().map(|&(e, _)| db(e, total.1 / n_sc as f64)).fold(f64::NEG_INFINITY, f64::max);
    (db(total.0, total.1), worst)
}

#[test] // Spec: TS 38.104 §9.6 (error vector far below 256QAM's 3.5 %), the channel's own error -45 dB or better
fn the_channel_adds_no_error_inside_the_occupied_band() {
    for (numerology, n_rb) in [(Numerology::KHZ30, 51), (Numerology::KHZ15, 106), (Numerology::KHZ30, 273)] {
        for profile in [Profile::Awgn, Profile::TdlA] {
            let (all, worst) = evm(numerology, n_rb, profile);
            assert!(all < -60.0 && worst < -55.0, "{n_rb} RB {profile}: {all:.1} dB, worst subcarrier {worst:.1} dB");
        }
    }
}
