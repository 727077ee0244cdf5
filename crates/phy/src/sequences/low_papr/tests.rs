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
            low_papr_type2(h[3] as u32, &plan, &mut plan.make_scratch(), &mut out).unwrap();
        }
        // Long sequences are given at every so many elements.
        let step = h[6] as usize;
        assert_eq!(expected.len(), out.len().div_ceil(step));
        for (n, (x, e)) in out.iter().step_by(step).zip(&expected).enumerate() {
            assert!((x - e).norm_sqr() < 4e-8, "{head} {n}: {x} {e}");
        }
        n_vectors += 1;
    }
    assert_eq!(n_vectors, 206);
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
    let plan = Plan::unitary(24, Direction::Forward, Isa::best()).unwrap();
    let mut scratch = plan.make_scratch();
    assert!(matches!(low_papr_type2(1, &plan, &mut scratch, &mut out[..24]), Err(ChannelError::Unsupported { .. })));
    assert!(matches!(low_papr_type2(1, &plan, &mut scratch, &mut out[..36]), Err(ChannelError::Invalid(_))));
}
