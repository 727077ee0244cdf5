//! Bad input and bad luck: each ends at its step with a cause and a clause, or the terminal comes back.

use crate::harness::{Outcome, run};
use sim::report::Step;

/// Air time within which a failure must be told, s.
const PATIENCE: f64 = 3.0;

fn fails(step: Step, settings: &[&str]) -> Outcome {
    let o = run("n3-10", 3, settings);
    let f = o.expect_failure(step);
    assert!(f.clause.starts_with("TS "), "{f:?}");
    assert!(o.report.air_seconds < PATIENCE, "{} s", o.report.air_seconds);
    o
}

#[test] // Spec: TS 38.104 §5.4.3 (nothing but noise)
fn noise_fails_at_the_cell_search() {
    let o = fails(Step::CellSearch, &["air.snr_db=-20"]);
    assert!(o.report.ues[0].steps.iter().all(|s| s.name == Step::Deregistration));
}

#[test] // Spec: TS 24.501 §5.4.1.3.7 (MAC failure)
fn a_wrong_k_or_opc_fails_at_the_authentication() {
    for set in ["ue.1.k=00112233445566778899aabbccddeeff", "ue.1.opc=00112233445566778899aabbccddeeff"] {
        let o = fails(Step::Authentication, &[set]);
        assert!(o.tells("MAC failure"), "{:?}", o.notes);
        assert!(!o.report.ues[0].registered);
    }
}

#[test] // Spec: TS 33.501 §6.1.3.3.2 (synchronisation failure), TS 33.102 §6.3.5
fn a_sequence_number_out_of_range_is_resynchronised() {
    let o = run("n3-10", 3, &["ue.1.sqn=100000000000000"]).expect_ok();
    assert!(o.tells("resynchronising"), "{:?}", o.notes);
}

#[test] // Spec: TS 24.501 §5.5.1.2.5
fn an_unknown_subscriber_is_rejected() {
    fails(Step::Registration, &["ue.1.supi=001010000000099"]);
}

#[test] // Spec: TS 38.304 §5.2.3 (no cell of the PLMN)
fn a_cell_of_another_plmn_is_passed_over() {
    fails(Step::Sib1, &["ue.1.plmn=001-02"]);
}

#[test] // Spec: TS 24.501 §6.4.1.4
fn an_unknown_dnn_or_slice_fails_at_the_session() {
    let o = fails(Step::Session, &["ue.1.dnn=nowhere"]);
    assert!(o.report.failure.as_ref().is_some_and(|f| f.cause.contains("DNN")), "{:?}", o.report.failure);
    fails(Step::Session, &["ue.1.slice=2"]);
}

#[test] // Spec: TS 38.331 §5.3.7, §5.3.10 (three seconds without a channel)
fn the_phone_comes_back_after_a_blackout() {
    let settings = ["air.blackout_at_s=0.35", "air.blackout_s=3", "traffic.transfer_bytes=300000"];
    let o = run("n3-10", 3, &settings).expect_ok();
    assert!(o.report.air_seconds > 3.35, "over before it was dark");
    assert!(o.tells("radio link failure"), "{:?}", o.notes);
}

#[test] // Spec: TS 38.321 §5.1.5 (contention: more terminals than preambles, all at once)
fn two_terminals_with_one_preamble_both_attach() {
    let mut settings = vec!["ues=6", "cell.prach_preambles=4", "air.snr_db=20"];
    let starts: Vec<String> = (1..=6).map(|n| format!("ue.{n}.start_ms=1")).collect();
    settings.extend(starts.iter().map(String::as_str));
    let o = run("n3-10", 3, &settings).expect_ok();
    let again = |n: &&String| n.contains("random-access") && !n.contains("1 preamble(s)");
    assert!(o.notes.iter().any(|n| again(&n)), "nobody had to try again: {:?}", o.notes);
}
