//! Median and longest time from the first PSS to the session, over twenty seeds at 20 dB: `attach_times [preset]`.
use sim::scenario::Loader;
use sim::{Entropy, World};

fn main() {
    let preset = std::env::args().nth(1).unwrap_or_else(|| "n78-20".into());
    let mut times = Vec::new();
    for seed in 1..=20 {
        let mut l = Loader::new();
        l.option("example", "preset", preset.as_str());
        l.option("example", "run.virtual_time", true);
        l.option("example", "run.once", true);
        for set in ["air.snr_db=20", "traffic.pings=1", "traffic.transfer_bytes=0"] {
            l.set(set).unwrap_or_else(|e| panic!("{e}"));
        }
        let s = l.build().unwrap_or_else(|e| panic!("{e}"));
        let mut w = World::new(s, Entropy { seed, secrets: None }).unwrap_or_else(|e| panic!("{e}"));
        while !w.finished() {
            w.step();
        }
        match w.report().ues.first().and_then(|u| u.attach_ms) {
            Some(ms) => times.push(ms),
            None => println!("seed {seed}: not attached"),
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |i: usize| times.get(i).copied().unwrap_or(f64::NAN);
    let n = times.len();
    println!("{preset}: {n} of 20 seeds, median {:.1} ms, longest {:.1} ms", at(n / 2), at(n.saturating_sub(1)));
}
