//! The corpus of the fuzz target `rlc` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.322 §5.7 (unknown, unforeseen and erroneous protocol data)
fn corpus_and_its_mutations_pass() {
    mutate::replay("rlc", 10000, rlc::fuzz_one);
}
