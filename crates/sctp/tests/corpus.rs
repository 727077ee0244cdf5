//! The corpus of the fuzz target `sctp` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: RFC 9260 §5.2, §8.4, §3.2 (unexpected, malformed and unknown packets in every state)
fn corpus_and_its_mutations_pass() {
    mutate::replay("sctp", 20000, sctp::fuzz_one);
}
