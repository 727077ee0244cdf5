//! Throughput of the codes on this machine: `cargo run --release -p fec --example bench [word ...]`; only lines with all words.

use fec::{Isa, bench};
use std::time::Instant;

/// Seconds a call, the median of 25 rounds of about 2 ms.
fn time(mut call: impl FnMut()) -> f64 {
    (0..3).for_each(|_| call());
    let start = Instant::now();
    call();
    let n = (0.002 / start.elapsed().as_secs_f64().max(1e-8)).ceil() as usize;
    let mut rounds: Vec<f64> = (0..std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(25))
        .map(|_| {
            let start = Instant::now();
            (0..n).for_each(|_| call());
            start.elapsed().as_secs_f64() / n as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    for isa in Isa::available() {
        for mut case in bench::cases(isa) {
            let label = format!("{:18} {:42} {isa:7}", case.name, case.parameters);
            if words.iter().all(|word| label.contains(word.as_str())) {
                let seconds = time(|| case.run());
                println!("{label} {:9.2} {}", case.value(seconds), case.unit);
            }
        }
    }
}
