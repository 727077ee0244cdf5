//! The corpus of the fuzz target `gnb-l1` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.211 §6, §7 (plans without sense, samples of any kind)
fn corpus_and_its_mutations_pass() {
    mutate::replay("gnb-l1", 300, gnb_l1::fuzz_one);
}
