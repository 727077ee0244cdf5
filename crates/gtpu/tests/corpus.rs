//! The corpus of the fuzz target `gtpu` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 29.281 §7.1, §5.2.1 (unexpected messages and extension headers)
fn corpus_and_its_mutations_pass() {
    mutate::replay("gtpu", 100000, gtpu::fuzz_one);
}
