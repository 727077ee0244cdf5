//! The corpus of the fuzz target `phy` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.211 §6, §7 (antennas that hear anything at all, numbers or not)
fn corpus_and_its_mutations_pass() {
    mutate::replay("phy", 800, phy::fuzz_one);
}
