//! The corpora of the fuzz targets `gnb-du` and `sched` and mutations of them: nothing panics, no element is used twice. See
//! docs/FUZZING.md.

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test] // Spec: TS 38.321 §5.13 (blocks, control and preambles of UEs that lie, messages of a central unit that lies)
fn the_unit_stands_its_corpus_and_its_mutations() {
    mutate::replay("gnb-du", 200, gnb_du::fuzz_one);
}

#[test] // Spec: TS 38.214 §5.1.2, §6.1.2 (any call in any order: no resource element is given twice)
fn the_scheduler_stands_its_corpus_and_its_mutations() {
    mutate::replay("sched", 200, gnb_du::fuzz_sched);
}
