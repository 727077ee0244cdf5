//! The corpora of the fuzz targets `services` and `packets` and mutations of them: nothing panics, nothing hangs. See
//! docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: RFC 1035, RFC 9112 (what a terminal's programs may ask the servers of the data network)
fn services_stand_their_corpus_and_its_mutations() {
    mutate::replay("services", 10_000, io::fuzz_services);
}

#[test] // Spec: RFC 791, RFC 8200, RFC 9293 (packets that no stack makes)
fn stacks_stand_their_corpus_and_its_mutations() {
    mutate::replay("packets", 20, io::fuzz_packets);
}
