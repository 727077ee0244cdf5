//! The corpora of the fuzz targets `services`, `packets` and `proxy` and mutations of them: nothing panics, nothing hangs. See
//! docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: RFC 1035, RFC 9112 (what a terminal's programs may ask the servers of the data network)
fn services_stand_their_corpus_and_its_mutations() {
    mutate::replay("services", 10_000, io::fuzz_services);
}

#[test] // Spec: RFC 791, RFC 8200, RFC 9293 (packets that no stack makes)
fn stacks_stand_their_corpus_and_its_mutations() {
    mutate::replay("packets", 3000, io::fuzz_packets);
}

#[test] // Spec: RFC 1928, RFC 1929, RFC 9110 §9.3.6 (what any program of this machine may say to the proxy)
fn the_proxy_stands_its_corpus_and_its_mutations() {
    mutate::replay("proxy", 3000, io::fuzz_proxy);
}
