//! The corpus of the fuzz target `fec` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.212 §5, §6, §7 (soft bits and sizes that no transmitter makes)
fn corpus_and_its_mutations_pass() {
    mutate::replay("fec", 4000, fec::fuzz_one);
}
