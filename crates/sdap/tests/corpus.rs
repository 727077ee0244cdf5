//! The corpus of the fuzz target `sdap` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 37.324 §5.4 (unknown, unforeseen and erroneous protocol data)
fn corpus_and_its_mutations_pass() {
    mutate::replay("sdap", 50000, sdap::fuzz_one);
}
