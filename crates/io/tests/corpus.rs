//! The corpus of the fuzz target `io` and mutations of it: nothing panics, nothing hangs. See docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: RFC 1035, RFC 9112, RFC 791, RFC 8200 (what a terminal's programs may send)
fn corpus_and_its_mutations_pass() {
    mutate::replay("io", 4000, io::fuzz_one);
}
