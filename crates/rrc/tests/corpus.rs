//! The corpus of the fuzz target `rrc` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.331 §10 (protocol error handling)
fn corpus_and_its_mutations_pass() {
    mutate::replay("rrc", 20000, rrc::fuzz_one);
}
