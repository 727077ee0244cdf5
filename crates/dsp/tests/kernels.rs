//! Vectors, filters, noise, oscillators and matrices against plain double-precision forms.

use dsp::correlate::Correlator;
use dsp::fir::{Kernel, StridedTaps, filter_complex, filter_real, filter_strided};
use dsp::mix::{Nco, phasor_q64, turns_q64};
use dsp::noise::Gaussian;
use dsp::{Cf32, Cf64, Isa, matrix, vector};

fn signal(seed: u64, n: usize) -> Vec<Cf32> {
    let mut x = vec![Cf32::new(0.0, 0.0); n];
    Gaussian::new(seed, Isa::Scalar).fill(&mut x, 1.0);
    x
}

fn strided(taps: &[Cf32]) -> StridedTaps {
    let mut out = StridedTaps::new(taps.len());
    out.set(taps);
    out
}

fn wide(x: Cf32) -> Cf64 {
    Cf64::new(x.re.into(), x.im.into())
}

#[test] // Spec: none (house rule: the same bits on every instruction set)
fn every_kernel_gives_the_same_bits_on_every_instruction_set() {
    let (a, b) = (signal(1, 1037), signal(2, 1037));
    let taps: Vec<f32> = a[..19].iter().map(|v| v.re).collect();
    let run = |isa| {
        let mut out = vec![];
        let mut buffer = vec![Cf32::new(0.0, 0.0); 1037];
        vector::mul(isa, &a, &b, &mut buffer);
        out.extend_from_slice(&buffer);
        vector::mul_conj(isa, &a, &b, &mut buffer);
        out.extend_from_slice(&buffer);
        vector::mul_assign(isa, &mut buffer, &a);
        vector::add_scaled(isa, &mut buffer, &b, Cf32::new(0.3, -0.4));
        vector::rotate(isa, &mut buffer, Cf32::new(0.6, 0.8));
        vector::add_ramped(isa, &mut buffer, &a, Cf32::new(0.6, 0.8), Cf32::new(-1e-4, 3e-3));
        out.extend_from_slice(&buffer);
        let n = filter_real(isa, &a, &taps, &mut buffer);
        out.extend_from_slice(&buffer[..n]);
        let n = filter_complex(isa, &a, &b[..21], &mut buffer);
        out.extend_from_slice(&buffer[..n]);
        filter_strided(isa, &a, &strided(&b[..45]), 3, &mut buffer, 2);
        out.extend_from_slice(&buffer);
        Nco::new(0.0123).mix(isa, &mut buffer);
        out.extend_from_slice(&buffer);
        Gaussian::new(5, isa).add(&mut buffer, 0.7);
        out.extend_from_slice(&buffer);
        (out, vector::energy(isa, &a).to_bits(), vector::dot_conj(isa, &a, &b))
    };
    let want = run(Isa::Scalar);
    for isa in Isa::available() {
        assert!(run(isa) == want, "{isa}");
    }
}

#[test] // Spec: none (definition of the sums)
fn reductions_equal_the_definition() {
    let (a, b) = (signal(1, 2003), signal(2, 2003));
    let energy: f64 = a.iter().map(|v| wide(*v).norm_sqr()).sum();
    assert!((vector::energy(Isa::best(), &a) / energy - 1.0).abs() < 1e-6);
    let dot: Cf64 = a.iter().zip(&b).map(|(a, b)| wide(*a) * wide(*b).conj()).sum();
    assert!((vector::dot_conj(Isa::best(), &a, &b) - dot).norm() < 1e-3);
}

#[test] // Spec: none (definition of the sum)
fn a_ramped_sum_equals_the_definition() {
    let (x, b) = (signal(21, 77), signal(22, 75));
    let (from, step) = (Cf32::new(0.6, -0.8), Cf32::new(-1e-2, 3e-3));
    let mut out = x.clone();
    vector::add_ramped(Isa::best(), &mut out, &b, from, step);
    for i in 0..75 {
        let want = wide(x[i]) + (wide(from) + wide(step) * i as f64) * wide(b[i]);
        assert!((wide(out[i]) - want).norm() < 2e-6);
    }
    assert!(out[75..] == x[75..]);
}

#[test] // Spec: none (definition of the filter)
fn filters_equal_the_definition() {
    let x = signal(3, 500);
    let taps = signal(4, 23);
    let mut out = vec![Cf32::new(0.0, 0.0); 500];
    assert_eq!(filter_complex(Isa::best(), &x, &taps, &mut out), 478);
    for i in 0..478 {
        let want: Cf64 = taps.iter().enumerate().map(|(k, t)| wide(*t) * wide(x[i + k])).sum();
        assert!((wide(out[i]) - want).norm() < 2e-5);
    }
}

#[test] // Spec: none (definition of the filter, with steps)
fn a_strided_filter_equals_the_definition() {
    let x = signal(3, 500);
    let taps = signal(4, 29);
    let mut out = vec![Cf32::new(0.0, 0.0); 100];
    filter_strided(Isa::best(), &x, &strided(&taps), 7, &mut out[1..], 2);
    for i in 0..50 {
        let want: Cf64 = taps.iter().enumerate().map(|(k, t)| wide(*t) * wide(x[7 * i + k])).sum();
        assert!((wide(out[1 + 2 * i]) - want).norm() < 2e-5);
        assert!(out[2 * i].norm_sqr() == 0.0);
    }
}

#[test] // Spec: none (interpolation error of a tone inside the band, -55 dB or better)
fn a_kernel_interpolates_between_samples() {
    let kernel = Kernel::for_rates(1.0, 1.0);
    let mut taps = vec![0.0; kernel.n_taps()];
    for (frequency, fraction) in [(0.0, 0.3), (0.1, 0.5), (0.3, 0.123), (0.41, 0.5), (-0.41, 0.77)] {
        kernel.taps_at(fraction, &mut taps);
        let half = kernel.n_taps() as f64 / 2.0;
        let got: Cf64 = taps
            .iter()
            .enumerate()
            .map(|(k, &t)| dsp::unit_phasor(frequency * (k as f64 - half + 1.0)) * f64::from(t))
            .sum();
        let error = (got - dsp::unit_phasor(frequency * fraction)).norm();
        assert!(error < 1.8e-3, "frequency {frequency}, fraction {fraction}: {:.1} dB", 20.0 * error.log10());
    }
}

#[test] // Spec: none (a fraction of a sample at one rate: -55 dB within the band of an OFDM signal)
fn a_fractional_delay_holds_over_its_band() {
    let kernel = Kernel::fractional_delay(18, 0.418);
    let mut taps = vec![0.0; kernel.n_taps()];
    assert_eq!(taps.len(), 18);
    let (mut worst, mut beyond) = (0.0f64, 0.0f64);
    for fraction in [0.0, 0.1, 0.25, 0.4, 0.5, 0.623, 0.9, 0.999] {
        kernel.taps_at(fraction, &mut taps);
        let mut square = 0.0;
        for step in -250..=250 {
            let frequency = f64::from(step) / 500.0;
            let got: Cf64 = taps
                .iter()
                .enumerate()
                .map(|(k, &t)| dsp::unit_phasor(frequency * (k as f64 - 8.0)) * f64::from(t))
                .sum();
            if frequency.abs() <= 0.412 {
                square += (got - dsp::unit_phasor(frequency * fraction)).norm_sqr() / 413.0;
            }
            beyond = beyond.max(got.norm());
        }
        worst = worst.max(square);
    }
    assert!(10.0 * worst.log10() < -55.0, "{} dB", 10.0 * worst.log10());
    assert!(beyond < 1.02, "{beyond}");
}

#[test] // Spec: none (mean, variance, tails and independence of white Gaussian noise)
fn noise_is_white_and_gaussian() {
    let n = 1 << 20;
    let mut x = vec![Cf32::new(0.0, 0.0); n];
    Gaussian::new(7, Isa::best()).fill(&mut x, 2.0);
    let mean: Cf64 = x.iter().map(|v| wide(*v)).sum::<Cf64>() / n as f64;
    assert!(mean.norm() < 5e-3);
    let moment = |p: i32| x.iter().map(|v| f64::from(v.re).powi(p)).sum::<f64>() / n as f64;
    assert!((moment(2) - 1.0).abs() < 6e-3, "{}", moment(2));
    assert!((moment(4) - 3.0).abs() < 0.05, "{}", moment(4));
    assert!((moment(6) - 15.0).abs() < 0.6, "{}", moment(6));
    let cross: f64 = x.iter().map(|v| f64::from(v.re * v.im)).sum::<f64>() / n as f64;
    assert!(cross.abs() < 5e-3);
    for lag in [1, 2, 15, 16, 17, 32, 256] {
        let r = vector::dot_conj(Isa::best(), &x[lag..], &x[..n - lag]) / n as f64;
        assert!(r.norm() < 1e-2, "lag {lag}: {r}");
    }
    let moment_im = |p: i32| x.iter().map(|v| f64::from(v.im).powi(p)).sum::<f64>() / n as f64;
    assert!((moment_im(2) - 1.0).abs() < 6e-3 && (moment_im(4) - 3.0).abs() < 0.05);
    let beyond = |limit: f32| x.iter().filter(|v| v.re.abs() > limit).count() as f64 / n as f64;
    assert!((beyond(3.0) / 0.0027 - 1.0).abs() < 0.1, "{}", beyond(3.0));
    assert!((beyond(1.0) / 0.317_31 - 1.0).abs() < 0.01, "{}", beyond(1.0));
}

#[test] // Spec: none (tails to five deviations, independence of powers, a flat distribution of angles)
fn noise_has_the_tails_of_a_gaussian_and_independent_powers() {
    let (block, blocks) = (1 << 18, 64);
    let n = f64::from(block * blocks);
    let mut source = Gaussian::new(11, Isa::best());
    let mut x = vec![Cf32::new(0.0, 0.0); block as usize];
    let (mut beyond, mut angles, mut crossed) = ([0.0f64; 3], [0.0f64; 16], [0.0f64; 4]);
    for _ in 0..blocks {
        source.fill(&mut x, 2.0);
        for v in &x {
            for (count, limit) in beyond.iter_mut().zip([4.0, 4.5, 5.0]) {
                *count += f64::from(u8::from(v.re.abs() > limit)) + f64::from(u8::from(v.im.abs() > limit));
            }
            // The octant, and which half of it: tan(pi / 8).
            let (a, b) = (v.re.abs(), v.im.abs());
            let octant = usize::from(v.re < 0.0) * 8 + usize::from(v.im < 0.0) * 4 + usize::from(a < b) * 2;
            angles[octant + usize::from(a.min(b) > 0.414_213_57 * a.max(b))] += 1.0;
        }
        for (r, lag) in crossed.iter_mut().zip([1, 8, 16, 32]) {
            let product = |(a, b): (&Cf32, &Cf32)| f64::from(a.norm_sqr() - 2.0) * f64::from(b.norm_sqr() - 2.0);
            *r += x.iter().zip(&x[lag..]).map(product).sum::<f64>() / n;
        }
    }
    // Twice the upper tail of the normal distribution, two values a sample.
    for (count, tail) in beyond.iter().zip([6.334e-5, 6.795e-6, 5.733e-7]) {
        let want = 2.0 * n * tail;
        assert!((count - want).abs() < 4.5 * want.sqrt(), "{count} of {want}");
    }
    assert!(angles.iter().all(|count| (count - n / 16.0).abs() < 4.5 * (n / 16.0).sqrt()), "{angles:?}");
    // |z|^2 - 2 has variance 4: the correlation of two is within 4 / sqrt(n).
    assert!(crossed.iter().all(|r| r.abs() < 4.5 * 4.0 / n.sqrt()), "{crossed:?}");
}

#[test] // Spec: none (house rule: deterministic)
fn a_noise_stream_does_not_depend_on_how_it_is_cut() {
    let mut whole = vec![Cf32::new(0.0, 0.0); 3000];
    Gaussian::new(9, Isa::best()).fill(&mut whole, 1.0);
    let mut source = Gaussian::new(9, Isa::Scalar);
    let mut cut = vec![];
    for len in [1, 15, 16, 17, 300, 5, 1000, 1646] {
        let mut part = vec![Cf32::new(0.0, 0.0); len];
        source.add(&mut part, 1.0);
        cut.extend(part);
    }
    assert!(cut == whole);
}

#[test] // Spec: none (definition of the oscillator)
fn an_oscillator_keeps_its_phase() {
    for phase in [0.0, 0.1, 0.126, 0.37, 0.5, 0.63, 0.874, 0.999_999, -0.2] {
        let want = dsp::unit_phasor(phase);
        let got = phasor_q64(turns_q64(phase));
        assert!((wide(got) - want).norm() < 1.2e-7, "{phase}: {got} {want}");
    }
    let frequency = 1234.5 / 30.72e6;
    let mut nco = Nco::new(frequency);
    nco.advance(10_000_000_000);
    let mut x = vec![Cf32::new(1.0, 0.0); 1000];
    nco.mix(Isa::best(), &mut x);
    // 10^10 steps of a frequency rounded to 53 bits are exact to 1e-11 turns here.
    let start = (frequency * 10_000_000_000.0).fract();
    for (i, x) in x.iter().enumerate() {
        assert!((wide(*x) - dsp::unit_phasor(start + frequency * i as f64)).norm() < 3e-6);
    }
}

#[test] // Spec: none (definition of the correlation)
fn a_correlation_equals_the_definition() {
    let (x, reference) = (signal(11, 700), signal(12, 127));
    let mut correlator = Correlator::new(&reference, 256, Isa::best()).unwrap();
    let mut out = vec![Cf32::new(0.0, 0.0); 700];
    assert_eq!(correlator.correlate(&x, &mut out), 574);
    for lag in (0..574).step_by(13) {
        let want = vector::dot_conj(Isa::Scalar, &x[lag..lag + 127], &reference);
        assert!((wide(out[lag]) - want).norm() < 1e-4);
    }
}

#[test] // Spec: none (definition of the inverse)
fn an_inverse_times_its_matrix_is_the_identity() {
    let x = signal(13, 16);
    let a: matrix::Matrix<4, 4> = std::array::from_fn(|r| std::array::from_fn(|c| x[4 * r + c]));
    let product = matrix::product(&a, &matrix::inverse(&a).unwrap());
    for r in 0..4 {
        for c in 0..4 {
            let want = if r == c { 1.0 } else { 0.0 };
            assert!((product[r][c] - want).norm() < 1e-5);
        }
    }
    let nothing = matrix::inverse(&[[Cf32::new(0.0, 0.0); 2]; 2]);
    assert!(nothing.is_none());
    assert!(matrix::inverse(&[[Cf32::new(f32::NAN, 0.0); 1]; 1]).is_none());
}

#[test] // Spec: TS 38.211 §6.3.1.5, §7.3.1.4 (layers to a port)
fn sums_of_rows_equal_the_definition_on_every_instruction_set() {
    for n in [0, 1, 7, 8, 9, 33] {
        let mut rows = vec![vec![Cf32::new(0.0, 0.0); n]; 4];
        rows.iter_mut().enumerate().for_each(|(i, row)| Gaussian::new(i as u64, Isa::Scalar).fill(row, 1.0));
        let rows: [&[Cf32]; 4] = [&rows[0], &rows[1], &rows[2], &rows[3]];
        let gains = [Cf32::new(0.5, -1.0), Cf32::new(0.0, 2.0), Cf32::new(-1.5, 0.25), Cf32::new(1.0, 1.0)];
        let sum = |isa| {
            let mut x = vec![Cf32::new(0.25, -0.75); n];
            vector::add_combined(isa, &mut x, &rows, &gains);
            x
        };
        let expected = sum(Isa::Scalar);
        for (i, x) in expected.iter().enumerate() {
            let want: Cf32 = rows.iter().zip(&gains).map(|(r, g)| r[i] * g).sum::<Cf32>() + Cf32::new(0.25, -0.75);
            assert!((x - want).norm_sqr() < 1e-10, "{n} {i}: {x} {want}");
        }
        for isa in Isa::available() {
            assert_eq!(sum(isa), expected, "{isa} {n}");
        }
    }
}
