//! The corpus of the fuzz target `config` and mutations of it: nothing panics, and what is printed means what was read. See
//! docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: ironcell issue §3 (configurations of any text are judged, and `config show` prints what is meant)
fn corpus_and_its_mutations_pass() {
    mutate::replay("config", 1000, sim::fuzz_config);
}
