//! Against a second derivation, and properties.

use super::*;
use dsp::Isa;

#[test] // Spec: TS 38.211 §5.2.2.1
fn long_base_sequences_are_flat_and_distinct() {
    for n in [6, 12, 18, 24, 30, 36, 72, 276] {
        let mut r = vec![Cf32::default(); n];
        assert!(base(3, 1, &mut r));
        assert!(r.iter().all(|r| (r.norm_sqr() - 1.0).abs() < 1e-5));
        let mut other = vec![Cf32::default(); n];
        base(4, 1, &mut other);
        let dot: Cf32 = r.iter().zip(&other).map(|(a, b)| a * b.conj()).sum();
        assert!(dot.norm_sqr() < 0.7 * (n * n) as f32, "{n}");
    }
    assert!(!base(0, 0, &mut [Cf32::default(); 13]));
}

#[test] // Spec: TS 38.211 §5.2.2, §5.2.3, §6.3.2.2.1; vectors: vectors/low_papr.txt (second derivation)
fn sequences_equal_the_second_derivation() {
    let mut n_vectors = 0;
    for line in include_str!("../../../../../vectors/low_papr.txt").lines() {
        let (head, tail) = line.split_once(':').unwrap();
        let h: Vec<i64> = head.split_whitespace().map(|x| x.parse().unwrap()).collect();
        let expected: Vec<Cf32> = tail
            .split_whitespace()
            .map(|z| {
                let (re, im) = z.split_once(',').unwrap();
                Cf32::new(re.parse::<f32>().unwrap() * 1e-4, im.parse::<f32>().unwrap() * 1e-4)
            })
            .collect();
        let mut out = vec![Cf32::default(); h[5] as usize];
        if h[0] == 1 {
            low_papr(h[1] as u8, h[2] as u8, h[3] as f64 / 24.0, h[4] as u8, &mut out).unwrap();
        } else {
            let plan = Plan::unitary(out.len(), Direction::Forward, Isa::best()).unwrap();
            low_papr_type2(h[1] as u8, h[3] as u32, &plan, &mut plan.make_scratch(), &mut out).unwrap();
        }
        // Long sequences are given at every so many elements.
        let step = h[6] as usize;
        assert_eq!(expected.len(), out.len().div_ceil(step));
        for (n, (x, e)) in out.iter().step_by(step).zip(&expected).enumerate() {
            assert!((x - e).norm_sqr() < 4e-8, "{head} {n}: {x} {e}");
        }
        n_vectors += 1;
    }
    assert_eq!(n_vectors, 326);
}

#[test] // Spec: TS 38.211 §5.2.2, §5.2.3
fn sequences_that_do_not_exist_are_errors() {
    let mut out = [Cf32::default(); 96];
    for (u, v, delta, n) in
        [(30, 0, 0, 12), (0, 2, 0, 96), (0, 1, 0, 60), (0, 0, 4, 12), (0, 0, 0, 18), (0, 0, 0, 13), (0, 0, 0, 0)]
    {
        assert!(low_papr(u, v, 0.0, delta, &mut out[..n]).is_err(), "{u} {v} {delta} {n}");
    }
    assert!(low_papr(0, 0, 0.0, 1, &mut out[..18]).is_ok());
    let plan = Plan::unitary(20, Direction::Forward, Isa::best()).unwrap();
    let mut scratch = plan.make_scratch();
    assert!(matches!(low_papr_type2(0, 1, &plan, &mut scratch, &mut out[..20]), Err(ChannelError::Invalid(_))));
    assert!(matches!(low_papr_type2(0, 1, &plan, &mut scratch, &mut out[..36]), Err(ChannelError::Invalid(_))));
    let plan = Plan::unitary(24, Direction::Forward, Isa::best()).unwrap();
    assert!(matches!(low_papr_type2(30, 1, &plan, &mut scratch, &mut out[..24]), Err(ChannelError::Invalid(_))));
}

#[test] // Spec: TS 38.211 §5.2.3.2 (what the short sequences are for: next to no correlation with themselves one step on, a low peak)
fn short_sequences_of_type_2_have_low_peaks() {
    for m in [6usize, 12, 18, 24] {
        let forward = Plan::unitary(m, Direction::Forward, Isa::best()).unwrap();
        let inverse = Plan::unitary(m, Direction::Inverse, Isa::best()).unwrap();
        let wide = Plan::unitary(16 * m, Direction::Inverse, Isa::best()).unwrap();
        let mut seen = Vec::new();
        for u in 0..30 {
            let mut r = vec![Cf32::default(); m];
            low_papr_type2(u, 0, &forward, &mut forward.make_scratch(), &mut r).unwrap();
            let mut waves = vec![Cf32::default(); 16 * m];
            waves[..m].copy_from_slice(&r);
            wide.process(&mut waves, &mut wide.make_scratch());
            let peak = waves.iter().map(|x| x.norm_sqr()).fold(0.0, f32::max);
            let mean = waves.iter().map(|x| x.norm_sqr()).sum::<f32>() / waves.len() as f32;
            // Zadoff-Chu sequences reach 5 to 6 dB.
            assert!(10.0 * (peak / mean).log10() < 4.9, "{m} {u}: {}", peak / mean);
            inverse.process(&mut r, &mut inverse.make_scratch());
            let next: Cf32 = (0..m).map(|i| r[i] * r[(i + 1) % m].conj()).sum();
            assert!(next.norm_sqr().sqrt() < 0.34 * m as f32, "{m} {u}: {next}");
            let signs: Vec<_> = r.iter().map(|x| ((x.re * 100.0) as i32, (x.im * 100.0) as i32)).collect();
            assert!(!seen.contains(&signs), "{m} {u} comes twice");
            seen.push(signs);
        }
    }
}
