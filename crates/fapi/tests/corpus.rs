//! The corpus of the fuzz target `dci` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.212 §7.3.1, TS 38.213 §8.2, §13 (control information that a false alarm of a CRC lets through)
fn corpus_and_its_mutations_pass() {
    mutate::replay("dci", 20000, fapi::fuzz_one);
}
