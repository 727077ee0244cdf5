//! The corpus of the fuzz target `mac` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.321 §5.13, §6.1 (MAC PDUs of unknown and erroneous content)
fn corpus_and_its_mutations_pass() {
    mutate::replay("mac", 100000, mac::fuzz_one);
}
