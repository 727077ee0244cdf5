//! The corpus of the fuzz target `ue-cp` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.331 §10, TS 24.501 §7 (messages of a network that lies, in any order)
fn corpus_and_its_mutations_pass() {
    mutate::replay("ue-cp", 1000, ue_cp::fuzz_one);
}
