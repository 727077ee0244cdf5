//! How far the decoders are from floating-point ones: points by a counting rule. The whole table: examples/distance.

#[path = "common/reference.rs"]
mod reference;

use fec::ldpc::BaseGraph::{Bg1, Bg2};
use reference::{Errors, LdpcCase, PolarCase};

/// The counting rule: the decoder at an Es/N0 higher by the distance allowed has fewer errors than floating point, among as many blocks, by more
/// than chance (two standard deviations) would give if the distance were just that.
fn within(float: usize, blocks: usize, beyond: Errors) -> bool {
    let (float, ours) = (float as f64, beyond.ours as f64 * blocks as f64 / beyond.blocks as f64);
    ours + 2.0 * (ours + float).sqrt() < float
}

/// Less than 0.25 dB from sum-product over ascending rows, and less than 0.4 dB from sum-product over the rows in the better order of this crate.
fn ldpc_is_near(db: f64, case: LdpcCase, errors: usize, blocks: usize) {
    let at = case.run(db, 11, true, errors, blocks);
    let beyond = |distance| case.run(db + distance, 12, false, usize::MAX, at.blocks);
    let (near, far) = (beyond(0.25), beyond(0.4));
    let LdpcCase { bg, z, rate, .. } = case;
    let counts = format!(
        "{bg:?} z {z} rate {rate} %, of {}: sum-product {} and {}, ours {} and {} beyond",
        at.blocks, at.ascending, at.same, near.ours, far.ours
    );
    println!("{counts}");
    assert!(at.same >= errors / 2 && within(at.ascending, at.blocks, near), "{counts}");
    assert!(within(at.same, at.blocks, far), "{counts}");
}

#[test] // Spec: TS 38.212 §5.3.2 (0.3 dB from sum-product, one point)
fn a_block_of_each_graph_decodes_as_well_as_in_floating_point() {
    ldpc_is_near(-0.9, LdpcCase { bg: Bg2, z: 96, rate: 33, iterations: 8 }, 25, 1000);
    ldpc_is_near(7.1, LdpcCase { bg: Bg1, z: 96, rate: 92, iterations: 8 }, 30, 1500);
}

#[test] // Spec: TS 38.212 §5.3.1 (0.1 dB from list decoding in f64, one point)
fn a_dci_decodes_as_well_as_in_floating_point() {
    // 0.1 dB is a factor of about 1.2 here; in the same noise few blocks make the difference.
    let at = PolarCase { list: 8, a: 41, e: 128 }.run(1.0, 13, true, 40, 600);
    assert!(at.same >= 20 && 10 * at.ours <= 12 * at.same + 40, "{} and {} of {}", at.same, at.ours, at.blocks);
}

#[test]
// Spec: TS 38.212 §5.3.2 (0.3 dB from sum-product at a block error rate of 0.01, both graphs, all rates)
#[ignore = "minutes: run by cargo xtask curves --check"]
fn every_rate_decodes_as_well_as_in_floating_point() {
    for (bg, rate, db) in [
        (Bg1, 92, 7.3),
        (Bg1, 67, 3.5),
        (Bg1, 50, 1.5),
        (Bg1, 33, -0.95),
        (Bg1, 20, -3.2),
        (Bg2, 92, 7.7),
        (Bg2, 67, 3.6),
        (Bg2, 50, 1.6),
        (Bg2, 33, -0.9),
        (Bg2, 20, -3.4),
    ] {
        ldpc_is_near(db, LdpcCase { bg, z: 96, rate, iterations: 8 }, 100, 10_000);
    }
}
