//! The corpus of the fuzz target `pfcp` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 29.244 §7.6 (error handling)
fn corpus_and_its_mutations_pass() {
    mutate::replay("pfcp", 40000, pfcp::fuzz_one);
}
