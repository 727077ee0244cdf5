//! The corpus of the fuzz target `cn` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.413 §10, TS 24.501 §7, TS 29.281 §11 (messages of gNBs and UEs that lie, in any order)
fn corpus_and_its_mutations_pass() {
    mutate::replay("cn", 1000, cn::fuzz_one);
}
