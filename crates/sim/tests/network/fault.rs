//! What would be fake if it were skipped: a change at one end alone breaks the attach at the step where it should.

use crate::harness::{Outcome, finish, world};
use fapi::slot::SlotPlan;
use nr::Rnti;
use sim::report::Step;

/// RNTIs below are those of random access responses. Spec: TS 38.321 §7.1
const FIRST_C_RNTI: u16 = 0x4601;

/// A run in which the base station alone does every slot as `f` changes it.
fn with_plans(f: impl FnMut(&mut SlotPlan) + Send + 'static) -> Outcome {
    let mut w = world("n3-10", 9, &["run.attach_seconds_max=1"]);
    w.tamper_plans(Box::new(f));
    finish(w)
}

/// The step that the terminal does not get beyond.
fn breaks_at(o: &Outcome, last: Step, missing: Step) {
    let u = &o.report.ues[0];
    assert!(!o.is_ok() && u.reached(last) && !u.reached(missing), "{}\n{}", o.notes.join("\n"), o.report);
}

#[test] // Spec: TS 38.211 §7.3.2.3 (PDCCH scrambling), §7.3.1.1 (PDSCH scrambling), TS 38.212 §7.3.2 (RNTI mask)
fn broadcast_that_is_scrambled_otherwise_is_not_read() {
    let o = with_plans(|p| p.pdcch.iter_mut().for_each(|d| d.scrambling_n_id ^= 1));
    breaks_at(&o, Step::Mib, Step::Sib1);
    let o = with_plans(|p| p.pdcch.iter_mut().for_each(|d| d.rnti = Rnti(d.rnti.0 ^ 1)));
    breaks_at(&o, Step::Mib, Step::Sib1);
    let o = with_plans(|p| p.pdsch.iter_mut().for_each(|d| d.n_id ^= 1));
    breaks_at(&o, Step::Mib, Step::Sib1);
    let o = with_plans(|p| p.pdsch.iter_mut().for_each(|d| d.dmrs.n_id ^= 1));
    breaks_at(&o, Step::Mib, Step::Sib1);
}

#[test] // Spec: TS 38.211 §7.4.1.4.1 (the PBCH's DM-RS and scrambling follow the identity)
fn a_block_of_another_identity_leads_to_another_cell() {
    // PSS, SSS and PBCH of a cell that the rest of the carrier is not.
    let o = with_plans(|p| {
        for s in &mut p.ssb {
            if let Some(pci) = nr::Pci::new(s.pci.get() ^ 3) {
                s.pci = pci;
            }
        }
    });
    breaks_at(&o, Step::Mib, Step::Sib1);
}

#[test] // Spec: TS 38.321 §5.1.4 (RA-RNTI), TS 38.211 §6.3.1.1 (PUSCH scrambling)
fn random_access_that_is_masked_or_scrambled_otherwise_fails() {
    let o = with_plans(|p| {
        let random = |r: Rnti| r.0 < FIRST_C_RNTI;
        p.pdcch.iter_mut().filter(|d| random(d.rnti)).for_each(|d| d.rnti = Rnti(d.rnti.0 ^ 1));
    });
    breaks_at(&o, Step::Sib1, Step::RandomAccess);
    let o = with_plans(|p| p.pusch.iter_mut().for_each(|d| d.n_id ^= 1));
    breaks_at(&o, Step::Sib1, Step::RandomAccess);
}

/// A run in which NGAP of the core changes on its way to the base station: `find` is replaced through `f`, once a message.
fn with_n2(find: &'static [u8], f: impl Fn(&mut [u8]) + Send + 'static) -> Outcome {
    let mut w = world("n3-10", 9, &["run.attach_seconds_max=1"]);
    w.tamper_n2(Box::new(move |bytes| {
        let at = bytes.windows(find.len()).position(|w| w == find);
        if let Some(at) = at {
            f(&mut bytes[at + find.len()..]);
        }
    }));
    finish(w)
}

#[test] // Spec: TS 33.501 §A.7.0 (ABBA goes into K_AMF)
fn another_abba_at_the_terminal_breaks_the_security_mode() {
    // ABBA 0000 of length 2, then the IE RAND of the authentication request.
    let o = with_n2(&[0x7e, 0x00, 0x56], |rest| {
        // Key set identifier, then ABBA as length and value.
        if let [_, 2, _, last, ..] = rest {
            *last ^= 1;
        }
    });
    breaks_at(&o, Step::Authentication, Step::SecurityMode);
    o.expect_failure(Step::SecurityMode);
}

#[test] // Spec: TS 33.501 §A.9, §A.8 (K_gNB and what follows from it), TS 38.413 §9.3.1.87
fn another_k_gnb_at_the_base_station_breaks_the_access_stratum() {
    // IE SecurityKey (94), criticality reject, 32 octets.
    let o = with_n2(&[0x00, 0x5e, 0x00, 0x20], |key| {
        if let Some(b) = key.first_mut() {
            *b ^= 1;
        }
    });
    breaks_at(&o, Step::SecurityMode, Step::Session);
    assert!(!o.tells("RRC and user data under"), "{:?}", o.notes);
}

/// Switches timing advance off in what the base station sends: T_A 0 in responses, no change in commands.
fn without_timing_advance(p: &mut SlotPlan) {
    for d in &p.pdsch {
        let (start, len) = (d.tb.start as usize, d.tb.len as usize);
        let Some(tb) = p.bytes.get_mut(start..start + len) else { continue };
        match tb {
            // A response of one preamble.
            [head, a, b, ..] if d.rnti.0 < FIRST_C_RNTI && *head & 0xc0 == 0x40 => (*a, *b) = (0, *b & 0x07),
            // Timing advance command, alone or behind the contention resolution.
            [61, command, ..] | [62, _, _, _, _, _, _, 61, command, ..] => *command = *command & 0xc0 | 31,
            _ => {}
        }
    }
}

#[test] // Spec: TS 38.213 §4.2, TS 38.321 §5.2
fn without_timing_advance_five_microseconds_break_the_uplink() {
    let far = ["ue.1.delay_us=5", "run.attach_seconds_max=1"];
    let mut w = world("n78-20", 9, &far);
    w.tamper_plans(Box::new(without_timing_advance));
    let o = finish(w);
    let u = &o.report.ues[0];
    assert!(!o.is_ok() && u.reached(Step::Sib1) && !u.reached(Step::Session), "{}\n{}", o.notes.join("\n"), o.report);
    // With it, the same terminal attaches.
    finish(world("n78-20", 9, &far)).expect_ok();
}
