//! Samples against an independent model, and what the carrier's numbers must be.

use dsp::{Cf32, Isa};
use ofdm::{
    Carrier, CarrierError, CyclicPrefix, Demodulator, FFT_LENS, FrequencyRange, Grid, Modulator, Numerology, SlotPoint,
    bandwidths, n_rb,
};

const KHZ15: Numerology = Numerology::KHZ15;
const KHZ30: Numerology = Numerology::KHZ30;

/// A file of vectors/: the grid of `n_symbols`, then the samples.
fn vector(name: &str, n_subcarriers: usize, n_symbols: usize) -> (Grid, Vec<Cf32>) {
    let path = format!("{}/../../vectors/{name}.cf32", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).expect(&path);
    let values: Vec<Cf32> = bytes
        .chunks_exact(8)
        .map(|b| {
            Cf32::new(f32::from_le_bytes(b[..4].try_into().unwrap()), f32::from_le_bytes(b[4..].try_into().unwrap()))
        })
        .collect();
    let mut grid = Grid::new(1, n_subcarriers);
    let (elements, samples) = values.split_at(n_symbols * n_subcarriers);
    grid.elements_mut()[..elements.len()].copy_from_slice(elements);
    (grid, samples.to_vec())
}

fn cases() -> [(&'static str, Carrier, SlotPoint); 4] {
    let a = Carrier::with_fft_len(KHZ15, 11, 256, 1_842_500_000.0).unwrap();
    let b = Carrier::with_fft_len(KHZ30, 24, 384, 3_489_420_000.0).unwrap();
    let c = Carrier::with_fft_len(Numerology::KHZ60, 11, 256, 3_489_420_000.0).unwrap();
    let c = c.with_prefix(CyclicPrefix::Extended).unwrap();
    [
        ("ofdm_60k_11rb_extended", c, SlotPoint::new(Numerology::KHZ60, 5, 11)),
        ("ofdm_15k_11rb", a, SlotPoint::new(KHZ15, 5, 3)),
        ("ofdm_30k_24rb_slot0", b, SlotPoint::new(KHZ30, 5, 4)),
        ("ofdm_30k_24rb_slot1", b, SlotPoint::new(KHZ30, 5, 7)),
    ]
}

fn error(a: &[Cf32], b: &[Cf32]) -> f32 {
    let error: f32 = a.iter().zip(b).map(|(a, b)| (a - b).norm_sqr()).sum();
    error / b.iter().map(|b| b.norm_sqr()).sum::<f32>()
}

/// As [`error`], of one port from the only one of another grid.
fn grid_error(grid: &Grid, port: usize, want: &Grid) -> f32 {
    let of = |grid: &Grid, port| grid.port(port).copied().collect::<Vec<Cf32>>();
    error(&of(grid, port), &of(want, 0))
}

#[test] // Spec: TS 38.211 §5.3.1, §5.4; vectors: vectors/ofdm.manifest.toml
fn samples_equal_the_independent_model() {
    for (name, carrier, slot) in cases() {
        let (grid, want) = vector(name, carrier.n_subcarriers(), carrier.symbols_per_slot());
        let mut out = vec![Cf32::new(0.0, 0.0); carrier.slot_len(slot)];
        assert_eq!(out.len(), want.len(), "{name}");
        Modulator::new(carrier, Isa::best()).unwrap().modulate(slot, &grid, 0, &mut out).unwrap();
        assert!(error(&out, &want) < 1e-11, "{name}: {:e}", error(&out, &want));
    }
}

#[test] // Spec: TS 38.211 §5.3.1, §5.4; vectors: vectors/ofdm.manifest.toml
fn the_grid_comes_back_from_any_window_inside_the_prefix() {
    for (name, carrier, slot) in cases() {
        let (want, samples) = vector(name, carrier.n_subcarriers(), carrier.symbols_per_slot());
        let mut demodulator = Demodulator::new(carrier, Isa::best()).unwrap();
        for advance in [0, 5, carrier.mid_prefix(), carrier.cp_len_min()] {
            let mut grid = Grid::new(2, carrier.n_subcarriers());
            demodulator.demodulate(slot, &samples, advance, &mut grid, 1).unwrap();
            assert!(grid.port(0).all(|x| x.norm_sqr() == 0.0));
            assert!(grid_error(&grid, 1, &want) < 1e-11, "{name}, advance {advance}");
        }
        let mut grid = Grid::new(1, carrier.n_subcarriers());
        let beyond = carrier.cp_len_min() + 1;
        assert!(demodulator.demodulate(slot, &samples, beyond, &mut grid, 0).is_err());
        assert!(demodulator.demodulate(slot, &samples[1..], 0, &mut grid, 0).is_err());
        assert!(demodulator.demodulate(slot, &samples, 0, &mut grid, 1).is_err());
    }
}

#[test] // Spec: TS 38.211 §5.3.1 (N_CP,l), §4.3.1; sampling rates of the presets
fn rates_and_prefixes_are_those_of_the_clause() {
    for (numerology, n_rb, fft_len, rate) in [
        (KHZ30, 51, 768, 23_040_000),
        (KHZ15, 52, 768, 11_520_000),
        (KHZ15, 106, 1536, 23_040_000),
        (KHZ30, 106, 1536, 46_080_000),
        (KHZ30, 273, 4096, 122_880_000),
        (KHZ30, 24, 384, 11_520_000),
    ] {
        let carrier = Carrier::new(numerology, n_rb, 0.0).unwrap();
        assert_eq!((carrier.fft_len(), carrier.sample_rate_hz()), (fft_len, rate));
    }
    for mu in 0..=4 {
        let numerology = Numerology::new(mu).unwrap();
        for fft_len in FFT_LENS {
            let carrier = Carrier::with_fft_len(numerology, 1, fft_len, 0.0).unwrap();
            let mut subframe = 0;
            for s in 0..numerology.slots_per_subframe() {
                let slot = SlotPoint::new(numerology, 0, s);
                assert_eq!(carrier.slot_start_in_frame(slot), subframe);
                for l in 0..14 {
                    // In T_c: 144 kappa 2^-mu, and 16 kappa more for the symbols 0 and 7 2^mu of the subframe.
                    let longer = s as usize * 14 + l == 0 || s as usize * 14 + l == 7 << mu;
                    let tc = ((144 * 64) >> mu) + if longer { 16 * 64 } else { 0 };
                    let samples = tc as u64 * u64::from(carrier.sample_rate_hz()) / (480_000 * 4096);
                    assert_eq!(carrier.cp_len(slot, l) as u64, samples, "mu {mu}, N {fft_len}, slot {s}, symbol {l}");
                }
                subframe += carrier.slot_len(slot);
            }
            assert_eq!(subframe, carrier.subframe_len(), "mu {mu}, N {fft_len}");
        }
    }
    assert!(Carrier::new(KHZ30, 0, 0.0).is_err());
    assert!(Carrier::new(KHZ30, 287, 0.0).is_err());
    assert!(Carrier::new(KHZ30, usize::MAX, 0.0).is_err());
    assert!(Carrier::with_fft_len(KHZ30, 20, 128, 0.0).is_err());
    assert!(Carrier::with_fft_len(KHZ30, 20, 250, 0.0).is_err());
}

#[test] // Spec: TS 38.211 §5.3.1 (odd numbers of resource blocks: subcarrier 6 n_rb at 0 Hz), power of a sample
fn the_middle_subcarrier_is_at_zero_hertz_and_power_is_kept() {
    let carrier = Carrier::new(KHZ30, 51, 0.0).unwrap();
    assert_eq!(carrier.bin(306), 0);
    assert_eq!(carrier.bin(305), 767);
    let slot = SlotPoint::new(KHZ30, 0, 0);
    let mut modulator = Modulator::new(carrier, Isa::best()).unwrap();
    let mut subcarriers = vec![Cf32::new(0.0, 0.0); 612];
    subcarriers[306] = Cf32::new(1.0, 0.0);
    let mut out = vec![Cf32::new(0.0, 0.0); carrier.symbol_len(slot, 1)];
    modulator.modulate_symbol(slot, 1, &subcarriers, &mut out).unwrap();
    for x in &out {
        assert!((x - Cf32::new(1.0 / 768f32.sqrt(), 0.0)).norm() < 1e-6);
    }
}

#[test] // Spec: TS 38.101-1 table 5.3.2-1, TS 38.101-2 table 5.3.2-1 (minimum guard bands of table 5.3.3-1 stay free)
fn every_bandwidth_has_its_resource_blocks_and_a_transform_that_fits() {
    for (range, mu, mhz, want) in [
        (FrequencyRange::Fr1, 0, 5, 25),
        (FrequencyRange::Fr1, 0, 50, 270),
        (FrequencyRange::Fr1, 1, 100, 273),
        (FrequencyRange::Fr1, 2, 100, 135),
        (FrequencyRange::Fr2, 2, 200, 264),
        (FrequencyRange::Fr2, 3, 50, 32),
        (FrequencyRange::Fr2, 3, 400, 264),
    ] {
        assert_eq!(n_rb(range, Numerology::new(mu).unwrap(), mhz), Ok(want));
    }
    for (range, mu, mhz) in [
        (FrequencyRange::Fr1, 0, 60),
        (FrequencyRange::Fr1, 2, 5),
        (FrequencyRange::Fr1, 3, 100),
        (FrequencyRange::Fr1, 1, 55),
        (FrequencyRange::Fr2, 2, 400),
        (FrequencyRange::Fr2, 1, 100),
        (FrequencyRange::Fr2, 4, 100),
        (FrequencyRange::Fr1, 1, 0),
    ] {
        let error = Carrier::for_bandwidth(range, Numerology::new(mu).unwrap(), mhz, 0.0).unwrap_err();
        assert!(matches!(error, CarrierError::Bandwidth { .. }) && error.to_string().contains("5.3.2-1"), "{error}");
    }
    let mut count = 0;
    for range in [FrequencyRange::Fr1, FrequencyRange::Fr2] {
        for mu in 0..=4 {
            let numerology = Numerology::new(mu).unwrap();
            for (mhz, n_rb) in bandwidths(range, numerology) {
                count += 1;
                let carrier = Carrier::for_bandwidth(range, numerology, mhz, 0.0).unwrap();
                assert_eq!(carrier.n_rb(), n_rb);
                // The carrier and one subcarrier fit into the channel, with less than a tenth of it (a fifth at 60 kHz) to spare.
                let used_khz = (12 * n_rb + 1) as u32 * numerology.scs_khz();
                assert!(used_khz < 1000 * mhz && used_khz > 790 * mhz, "{mhz} MHz, mu {mu}");
                // The smallest transform that leaves room for filters, 1536 and its like included.
                let smaller = FFT_LENS.iter().rfind(|&&len| len < carrier.fft_len());
                assert!(100 * 12 * n_rb <= 84 * carrier.fft_len());
                assert!(smaller.is_none_or(|len| 100 * 12 * n_rb > 84 * len));
                Modulator::new(carrier, Isa::Scalar).unwrap();
            }
        }
    }
    assert_eq!(count, 10 + 15 + 14 + 3 + 4);
}

#[test] // Spec: TS 38.211 table 4.2-1, §4.3.2 (12 symbols), §5.3.1 (N_CP 512 kappa 2^-mu)
fn the_extended_prefix_exists_at_60_khz_only() {
    for mu in [0, 1, 3, 4] {
        let carrier = Carrier::new(Numerology::new(mu).unwrap(), 11, 0.0).unwrap();
        let error = carrier.with_prefix(CyclicPrefix::Extended).unwrap_err();
        assert_eq!(error, CarrierError::ExtendedPrefix { scs_khz: 15 << mu });
    }
    let normal = Carrier::new(Numerology::KHZ60, 135, 0.0).unwrap();
    let carrier = normal.with_prefix(CyclicPrefix::Extended).unwrap();
    assert_eq!((carrier.symbols_per_slot(), carrier.cp_len_min(), carrier.mid_prefix()), (12, 512, 256));
    for s in 0..4 {
        let slot = SlotPoint::new(Numerology::KHZ60, 0, s);
        assert_eq!(carrier.slot_len(slot), carrier.subframe_len() / 4);
        assert_eq!(carrier.slot_start_in_frame(slot), s as usize * carrier.subframe_len() / 4);
    }
    assert_eq!(carrier.with_prefix(CyclicPrefix::Normal), Ok(normal));
    let mut modulator = Modulator::new(carrier, Isa::best()).unwrap();
    let mut out = vec![Cf32::new(0.0, 0.0); carrier.symbol_len(SlotPoint::default(), 0)];
    let subcarriers = vec![Cf32::new(0.0, 0.0); carrier.n_subcarriers()];
    let slot = SlotPoint::new(Numerology::KHZ60, 0, 0);
    assert!(modulator.modulate_symbol(slot, 11, &subcarriers, &mut out).is_ok());
    assert!(modulator.modulate_symbol(slot, 12, &subcarriers, &mut out).is_err());
}
