//! The corpus of the fuzz target `suci` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 33.501 §C.3 (scheme outputs that no UE made)
fn corpus_and_its_mutations_pass() {
    mutate::replay("suci", 300, security::fuzz_one);
}
