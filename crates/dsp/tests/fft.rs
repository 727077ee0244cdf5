//! Transforms against the definition, and against themselves on every instruction set.

use dsp::fft::{Direction, N_MAX, Plan};
use dsp::noise::Gaussian;
use dsp::{Cf32, Cf64, Isa};

fn sizes() -> Vec<usize> {
    (1..=N_MAX)
        .filter(|&n| {
            let mut n = n;
            for p in [2, 3, 5] {
                while n % p == 0 {
                    n /= p;
                }
            }
            n == 1
        })
        .collect()
}

fn signal(n: usize) -> Vec<Cf32> {
    let mut x = vec![Cf32::new(0.0, 0.0); n];
    Gaussian::new(n as u64, Isa::Scalar).fill(&mut x, 1.0);
    x
}

/// Bin `k` by the definition, in double precision.
fn bin(x: &[Cf32], roots: &[Cf64], k: usize, direction: Direction) -> Cf64 {
    let n = x.len();
    let mut at = 0;
    let mut sum = Cf64::new(0.0, 0.0);
    for x in x {
        let w = if direction == Direction::Forward { roots[at] } else { roots[at].conj() };
        sum += Cf64::new(x.re.into(), x.im.into()) * w;
        at = (at + k) % n;
    }
    sum
}

#[test] // Spec: TS 38.211 §5.3.1 (the transform), §6.3.1.4 (sizes 2^a 3^b 5^c)
fn every_size_equals_the_definition_both_ways() {
    for n in sizes() {
        let x = signal(n);
        let roots: Vec<Cf64> = (0..n).map(|i| dsp::unit_phasor(-(i as f64) / n as f64)).collect();
        let step = if n <= 300 { 1 } else { n / 7 };
        for direction in [Direction::Forward, Direction::Inverse] {
            let plan = Plan::new(n, direction, Isa::best()).unwrap();
            let mut y = x.clone();
            plan.process(&mut y, &mut plan.make_scratch());
            let mut error = 0.0f64;
            let bins: Vec<usize> = (0..n).step_by(step).chain([n - 1]).collect();
            for &k in &bins {
                let want = bin(&x, &roots, k, direction);
                error += (Cf64::new(y[k].re.into(), y[k].im.into()) - want).norm_sqr();
            }
            let relative = (error / bins.len() as f64 / n as f64).sqrt();
            assert!(relative < 1e-6, "n {n} {direction:?}: relative error {relative:e}");
        }
    }
}

#[test] // Spec: TS 38.211 §5.3.1
fn every_instruction_set_gives_the_same_bits() {
    for n in sizes() {
        let x = signal(n);
        for direction in [Direction::Forward, Direction::Inverse] {
            let run = |isa| {
                let plan = Plan::unitary(n, direction, isa).unwrap();
                let mut y = vec![Cf32::new(0.0, 0.0); n];
                plan.process_into(&x, &mut y, &mut plan.make_scratch());
                y
            };
            let want = run(Isa::Scalar);
            for isa in Isa::available() {
                assert!(run(isa) == want, "n {n} {direction:?} {isa}");
            }
        }
    }
}

#[test] // Spec: TS 38.211 §5.3.1 (in place and out of place agree; forward then inverse is the identity)
fn unitary_there_and_back_is_the_identity() {
    for n in [1, 2, 12, 128, 768, 839 - 7, 1536, 4096, 18432, 24576]
        .into_iter()
        .filter(|&n| Plan::new(n, Direction::Forward, Isa::Scalar).is_ok())
    {
        let x = signal(n);
        let mut y = x.clone();
        for direction in [Direction::Forward, Direction::Inverse] {
            let plan = Plan::unitary(n, direction, Isa::best()).unwrap();
            plan.process(&mut y, &mut plan.make_scratch());
        }
        let error: f32 = x.iter().zip(&y).map(|(a, b)| (a - b).norm_sqr()).sum();
        assert!(error / (n as f32) < 1e-11, "n {n}");
    }
}

#[test] // Spec: TS 38.211 §6.3.1.4
fn other_sizes_are_refused() {
    for n in [0, 7, 11, 839, 139, 65537, 131072] {
        assert!(Plan::new(n, Direction::Forward, Isa::best()).is_err(), "n {n}");
    }
}
