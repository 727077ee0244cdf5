//! The corpus of the fuzz target `ue-l2` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.321 §5.13, TS 38.322 §5.5, TS 38.323 §5.10 (blocks of a base station that lies, in any order)
fn corpus_and_its_mutations_pass() {
    mutate::replay("ue-l2", 2000, ue_l2::fuzz_one);
}
