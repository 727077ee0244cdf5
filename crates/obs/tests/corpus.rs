//! The corpus of the fuzz target `pcap` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.413, TS 24.501, TS 38.331 (frames that are no messages, into a capture)
fn corpus_and_its_mutations_pass() {
    mutate::replay("pcap", 10000, obs::fuzz_one);
}
