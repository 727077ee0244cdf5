//! The corpus of the fuzz target `gnb-cu` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.331 §10, TS 38.413 §10 (messages of a hostile AMF and of hostile UEs, in any order)
fn corpus_and_its_mutations_pass() {
    mutate::replay("gnb-cu", 1000, gnb_cu::fuzz_one);
}
