//! The corpus of the fuzz target `nas` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 24.501 §7 (unknown, unforeseen and erroneous protocol data)
fn corpus_and_its_mutations_pass() {
    mutate::replay("nas", 40000, nas::fuzz_one);
}
