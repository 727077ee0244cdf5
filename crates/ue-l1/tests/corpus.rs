//! The corpus of the fuzz target `ue-l1` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.212 §7.3, TS 38.213 §10 (control information of any bits, samples of any kind)
fn corpus_and_its_mutations_pass() {
    mutate::replay("ue-l1", 150, ue_l1::fuzz_one);
}
