//! Prints nanoseconds per sample of the kernels on every instruction set of this machine.

use std::hint::black_box;
use std::time::Instant;

use dsp::fft::{Direction, Plan};
use dsp::fir::{Kernel, filter_complex, filter_real};
use dsp::mix::Nco;
use dsp::noise::Gaussian;
use dsp::{Cf32, Isa, vector};

/// The best of 20 runs of about a millisecond each, in nanoseconds per sample.
fn time(n: usize, mut run: impl FnMut()) -> f64 {
    let repeat = (1_000_000 / n).max(1);
    (0..20)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..repeat {
                run();
            }
            start.elapsed().as_secs_f64() * 1e9 / (repeat * n) as f64
        })
        .fold(f64::INFINITY, f64::min)
}

fn main() {
    for isa in Isa::available() {
        println!("{isa}: ns per sample");
        for n in [128, 256, 384, 512, 600, 768, 1024, 1536, 2048, 3072, 4096, 18432, 24576] {
            let plan = Plan::new(n, Direction::Forward, isa).expect("a size of the kind 2^a 3^b 5^c");
            let mut scratch = plan.make_scratch();
            let mut x = vec![Cf32::new(0.0, 0.0); n];
            let ns = time(n, || plan.process(black_box(&mut x), &mut scratch));
            println!("  fft {n:5}  {ns:6.2}   {:6.0} million samples/s", 1e3 / ns);
        }
        let n = 1024;
        let mut x = vec![Cf32::new(0.5, 0.25); n];
        let y = x.clone();
        let mut out = x.clone();
        let mut noise = Gaussian::new(1, isa);
        println!("  noise added       {:6.2}", time(n, || noise.add(black_box(&mut x), 1e-9)));
        let mut nco = Nco::new(1e-4);
        println!("  oscillator        {:6.2}", time(n, || nco.mix(isa, black_box(&mut x))));
        let kernel = Kernel::for_rates(1.0, 1.0);
        let mut taps = vec![0.0; kernel.n_taps()];
        kernel.taps_at(0.3, &mut taps);
        let turns = vec![Cf32::new(0.1, 0.1); taps.len()];
        let long = vec![Cf32::new(0.1, 0.1); n + taps.len()];
        let name = format!("{} taps", taps.len());
        let ns = time(n, || _ = filter_real(isa, black_box(&long), &taps, &mut out));
        println!("  real filter, {name}     {ns:6.2}");
        let ns = time(n, || _ = filter_complex(isa, black_box(&long), &turns, &mut out));
        println!("  complex filter, {name}  {ns:6.2}");
        println!("  energy            {:6.2}", time(n, || _ = black_box(vector::energy(isa, black_box(&x)))));
        println!("  dot_conj          {:6.2}", time(n, || _ = black_box(vector::dot_conj(isa, black_box(&x), &y))));
        println!("  mul_conj          {:6.2}", time(n, || vector::mul_conj(isa, black_box(&x), &y, &mut out)));
    }
}
