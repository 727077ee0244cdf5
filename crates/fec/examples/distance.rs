//! How far the decoders are from floating-point ones at a block error rate of 0.01, AWGN, QPSK:
//! `cargo run --release -p fec --example distance [errors] [word]`, as CSV.
//!
//! LDPC against layered sum-product at equal iterations, its rows in ascending order and in this crate's; polar codes against list decoding
//! in f64. Es/N0 by interpolation between points 0.2 dB apart, all decoders in the same noise.

#[path = "../tests/common/reference.rs"]
mod reference;

use fec::ldpc::BaseGraph::{Bg1, Bg2};
use reference::{Errors, LdpcCase, PolarCase};

/// Es/N0 where the error rate is 0.01, between the two points around it.
fn crossing(points: &[(f64, Errors)], errors: impl Fn(&Errors) -> usize) -> Option<f64> {
    let log = |e: &Errors| ((errors(e) as f64).max(0.3) / e.blocks as f64 / 0.01).ln();
    let pair = points.windows(2).find(|pair| log(&pair[0].1) >= 0.0 && log(&pair[1].1) < 0.0)?;
    let ((db_a, a), (db_b, b)) = (&pair[0], &pair[1]);
    Some(db_a + (db_b - db_a) * log(a) / (log(a) - log(b)))
}

fn measure(label: &str, from_db: f64, wanted: usize, run: impl Fn(f64) -> Errors) {
    let mut points: Vec<(f64, Errors)> = Vec::new();
    // Until the worst of the decoders is below 0.01.
    while points.last().is_none_or(|(_, e)| e.ours.max(e.ascending) * 100 >= e.blocks) && points.len() < 15 {
        let db = from_db + 0.2 * points.len() as f64;
        points.push((db, run(db)));
    }
    let at = [crossing(&points, |e| e.ours), crossing(&points, |e| e.ascending), crossing(&points, |e| e.same)];
    let text = |x: Option<f64>| x.map_or("".into(), |x| format!("{x:.2}"));
    let gap = |i: usize| text(at[0].zip(at[i]).map(|(a, b)| a - b));
    let blocks = points.last().map_or(0, |(_, e)| e.blocks);
    println!("{label},{},{},{},{},{},{wanted},{blocks}", text(at[0]), text(at[1]), text(at[2]), gap(1), gap(2));
}

fn main() {
    let wanted = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100);
    let only = std::env::args().nth(2).unwrap_or_default();
    println!(
        "code,iterations_or_list,ours_db,float_db,float_same_order_db,distance_db,distance_same_order_db,errors_wanted,blocks_last"
    );
    for (bg, rate, z, from_db) in [
        (Bg1, 92, 96, 6.9),
        (Bg1, 67, 96, 3.2),
        (Bg1, 50, 96, 1.2),
        (Bg1, 33, 96, -1.1),
        (Bg1, 20, 96, -3.4),
        (Bg2, 92, 96, 7.1),
        (Bg2, 67, 96, 3.2),
        (Bg2, 50, 96, 1.3),
        (Bg2, 33, 96, -1.0),
        (Bg2, 20, 96, -3.6),
        (Bg1, 33, 384, -1.3),
        (Bg2, 20, 384, -3.7),
    ] {
        let label = format!("ldpc {bg:?} z {z} rate 0.{rate},8");
        if label.contains(&only) {
            let case = LdpcCase { bg, z, rate, iterations: 8 };
            measure(&label, from_db, wanted, |db| case.run(db, 3, true, wanted, 100 * wanted));
        }
    }
    for (a, e, from_db) in [(41, 128, 0.6), (41, 256, -2.4), (64, 256, -1.4)] {
        let label = format!("polar dci {a} bits in {e},8");
        if label.contains(&only) {
            let case = PolarCase { list: 8, a, e };
            measure(&label, from_db, wanted, |db| case.run(db, 4, true, wanted, 100 * wanted));
        }
    }
}
