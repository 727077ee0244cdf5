//! Runs a scenario in virtual time and prints what happens.
use sim::report::Progress;
use sim::scenario::Loader;
use sim::{Entropy, World};

fn main() {
    let mut l = Loader::new();
    l.option("example", "run.virtual_time", true);
    l.option("example", "run.once", true);
    for a in std::env::args().skip(1) {
        l.set(&a).unwrap();
    }
    let s = l.build().unwrap_or_else(|e| panic!("{e}"));
    let seed = s.seed.unwrap_or(7);
    let mut w = World::new(s, Entropy { seed, secrets: None }).unwrap_or_else(|e| panic!("{e}"));
    let mut p = Vec::new();
    while !w.finished() {
        w.step();
        w.drain_progress(&mut p);
        for e in p.drain(..) {
            match e {
                Progress::Step { ue, name, at, detail } => {
                    println!("{:9.3} ms ue{ue} {name} {detail}", at.as_us() as f64 / 1e3)
                }
                Progress::Live(l) => println!("{l}"),
                e => println!("{e:?}"),
            }
        }
    }
    println!("{}", w.report());
}
