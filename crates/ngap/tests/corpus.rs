//! The corpus of the fuzz target `ngap` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.413 §10 (unknown, unforeseen and erroneous protocol data)
fn corpus_and_its_mutations_pass() {
    mutate::replay("ngap", 40000, ngap::fuzz_one);
}
