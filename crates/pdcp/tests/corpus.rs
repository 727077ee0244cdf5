//! The corpus of the fuzz target `pdcp` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.323 §5.9 (unknown, unforeseen and erroneous protocol data)
fn corpus_and_its_mutations_pass() {
    mutate::replay("pdcp", 10000, pdcp::fuzz_one);
}
