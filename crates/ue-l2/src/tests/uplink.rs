//! Scheduling requests, reports, prioritisation, time alignment.

use super::lab::{Lab, channel, mac_config};
use fapi::ue::{UeL1Command, UeL1Event};
use mac::Bsr;
use nr::{DrbId, Qfi};
use pdcp::{End, PdcpConfig, Setup};
use seam::bearer::{Bearer, SdapConfig};
use seam::ue::{L2Command, L2Event, MacConfig};

pub fn drb(n: u8) -> Bearer {
    Bearer::Drb(DrbId::new(n).unwrap())
}

pub fn add_drb(lab: &mut Lab, ue: usize, n: u8, priority: u8, group: u8, sn_bits: u8) {
    let lcid = 3 + n;
    let config = PdcpConfig {
        sn_bits,
        discard_timer_ms: None,
        t_reordering_ms: Some(3000),
        integrity: false,
        ciphering: true,
        status_report_required: false,
        out_of_order_delivery: false,
    };
    let rlc = seam::bearer::RlcConfig::Am {
        sn_bits,
        t_poll_retransmit_ms: 40,
        poll_pdu: Some(32),
        poll_byte: Some(25_000),
        max_retx_threshold: 32,
        t_reassembly_ms: 20,
        t_status_prohibit_ms: 10,
    };
    let sdap = SdapConfig {
        pdu_session: n,
        header_dl: true,
        header_ul: true,
        default_drb: true,
        flows: vec![Qfi::new(n).unwrap()],
    };
    lab.command(ue, L2Command::AddRlcBearer(channel(lcid, drb(n), &rlc, priority, group)));
    lab.command(ue, L2Command::AddPdcp { bearer: drb(n), config, sdap: Some(sdap) });
    let setup = Setup { bearer: drb(n), end: End::Gnb, config, acknowledged: true, sdap_tx: true, sdap_rx: true };
    lab.context(ue).add(lcid, &rlc, setup);
}

fn rrc(n: u8, len: usize) -> L2Command {
    L2Command::SendRrc { bearer: Bearer::Srb1, pdu: vec![n; len] }
}

#[test] // Spec: TS 38.321 §5.4.4, §5.4.5 (data, Regular BSR, SR, grant, BSR and data)
fn data_asks_for_a_grant() {
    let mut lab = Lab::new(21, 1);
    lab.attach(0, mac_config());
    lab.run(30);
    lab.command(0, rrc(7, 1000));
    assert!(lab.ues[0].sr);
    lab.run(60);
    assert!(!lab.ues[0].sr);
    let c = lab.context(0);
    assert_eq!(c.got, [(1, vec![7; 1000])]);
    assert_eq!(c.requests, 1, "the rest is asked for by the BSR");
    assert!(c.bsrs >= 1);
    assert_eq!(lab.ues[0].l2.stats().dropped, 0);
}

#[test] // Spec: TS 38.321 §5.4.4 (sr-ProhibitTimer, sr-TransMax, then random access with the C-RNTI)
fn scheduling_requests_fail() {
    let mut lab = Lab::new(22, 1);
    lab.attach(0, MacConfig { sr_trans_max: 4, sr_prohibit_timer_ms: 16, ..mac_config() });
    lab.run(30);
    lab.script.no_grants = true;
    lab.command(0, rrc(7, 10));
    lab.run(400);
    assert_eq!(lab.context(0).requests, 4);
    assert_eq!(lab.ues[0].events.iter().filter(|e| e.1 == L2Event::SchedulingRequestFailed).count(), 1);
    let sr: Vec<i64> =
        lab.ues[0].commands.iter().filter(|c| c.1 == UeL1Command::SchedulingRequest(true)).map(|c| c.0).collect();
    assert!(sr.windows(2).all(|w| w[1] - w[0] >= 32), "each waits for the prohibit timer: {sr:?}");
    // Random access goes on until there are grants again; the message is there with Msg3 or the grant that follows.
    lab.script.no_grants = false;
    lab.run(200);
    assert_eq!(lab.context(0).got, [(1, vec![7; 10])]);
}

#[test] // Spec: TS 38.321 §5.4.5 (one group: short, several: long; retxBSR-Timer)
fn buffer_status_has_the_right_shape() {
    let mut lab = Lab::new(23, 1);
    lab.attach(0, mac_config());
    add_drb(&mut lab, 0, 1, 10, 3, 12);
    lab.run(30);
    lab.script.no_grants = true;
    lab.packet(0, 1, 1, vec![1; 500]);
    lab.grant(0, 2, true, 20);
    lab.run(2);
    assert!(matches!(lab.context(0).bsr, Some(Bsr::Short { lcg: 3, truncated: false, .. })));
    lab.command(0, rrc(7, 300));
    lab.grant(0, 3, true, 20);
    lab.run(2);
    let bsr = lab.context(0).bsr.unwrap();
    assert!(matches!(bsr, Bsr::Long { .. }), "{bsr:?}");
    assert!(bsr.bytes(0).unwrap() >= 290 && bsr.bytes(3).unwrap() >= 480, "{bsr:?}");
    assert_eq!(bsr.bytes(1), Some(0));
    // No grant follows: after retxBSR-Timer (40 ms) it is asked for again.
    let (before, _) = (lab.context(0).requests, lab.run(1));
    lab.run(70);
    assert_eq!(lab.context(0).requests, before);
    lab.run(40);
    assert!(lab.context(0).requests > before);
}

#[test] // Spec: TS 38.321 §5.4.3.1 (SRB first, then each channel's prioritised rate, then strict priority)
fn prioritisation() {
    let mut lab = Lab::new(24, 1);
    lab.attach(0, mac_config());
    add_drb(&mut lab, 0, 1, 6, 1, 12);
    add_drb(&mut lab, 0, 2, 7, 2, 12);
    lab.run(30);
    lab.script.no_grants = true;
    for _ in 0..40 {
        lab.packet(0, 1, 1, vec![1; 95]);
        lab.packet(0, 2, 2, vec![2; 95]);
    }
    lab.command(0, rrc(7, 50));
    // The buckets hold 100 ms of 8000 byte/s at most: 800 bytes each, 120 of which have come in 15 ms.
    lab.grant(0, 1, true, 2000);
    lab.run(1);
    let got = lab.context(0).got.clone();
    let count = |lcid: u8| got.iter().filter(|g| g.0 == lcid).count();
    assert_eq!(count(1), 1);
    assert_eq!((count(4), count(5)), (16, 2), "the lower one gets what its bucket holds, the higher one the rest");
}

#[test] // Spec: TS 38.321 §5.4.5 (padding BSR), §5.4.3.1.3 (a grant without data is answered by padding)
fn empty_grants_carry_padding() {
    let mut lab = Lab::new(25, 1);
    lab.attach(0, mac_config());
    lab.run(30);
    let before = lab.context(0).bsrs;
    for tbs in 1..20 {
        lab.grant(0, 1, true, tbs);
        lab.step();
    }
    assert_eq!(lab.context(0).bsrs - before, 18, "all but the one-byte block");
    assert_eq!(lab.context(0).bsr, Some(Bsr::Short { lcg: 0, level: 0, truncated: false }));
}

#[test] // Spec: TS 38.321 §5.4.6 (PHR after configuration, periodically, and when the path loss changes)
fn power_headroom() {
    let mut lab = Lab::new(26, 1);
    lab.attach(0, mac_config());
    lab.ues[0].event(UeL1Event::PowerHeadroom { ph_db: 12.3, p_cmax_dbm: 23.0 });
    lab.ues[0].event(UeL1Event::Measured { rsrp_dbm: -90.0, snr_db: 20.0, cfo_hz: 0.0 });
    lab.grant(0, 1, true, 30);
    lab.run(2);
    assert_eq!(lab.context(0).phr.take().map(|p| (p.ph_db(), p.p_cmax_dbm())), Some((12, 23)));
    lab.grant(0, 1, true, 30);
    lab.run(50);
    assert_eq!(lab.context(0).phr, None);
    lab.ues[0].event(UeL1Event::Measured { rsrp_dbm: -94.0, snr_db: 20.0, cfo_hz: 0.0 });
    lab.grant(0, 1, true, 30);
    lab.run(50);
    assert!(lab.context(0).phr.take().is_some());
    lab.run(400);
    lab.grant(0, 1, true, 30);
    lab.run(2);
    assert!(lab.context(0).phr.is_some());
}

#[test] // Spec: TS 38.321 §5.2 (timeAlignmentTimer; a command restarts it; without it, uplink data takes random access)
fn time_alignment() {
    let mut lab = Lab::new(27, 1);
    lab.attach(0, MacConfig { time_alignment_timer_ms: Some(100), ..mac_config() });
    let command = [61, 20, 63];
    lab.raw_downlink(0, &command);
    lab.run(150);
    lab.raw_downlink(0, &command);
    assert!(lab.ues[0].commands.iter().any(|c| c.1 == UeL1Command::TimingAdvance(20)));
    lab.run(199);
    assert!(!lab.ues[0].has(|e| *e == L2Event::TimeAlignmentExpired));
    lab.run(3);
    assert!(lab.ues[0].has(|e| *e == L2Event::TimeAlignmentExpired));
    let n = lab.ues[0].preambles().len();
    lab.command(0, rrc(7, 10));
    assert_eq!(lab.ues[0].preambles().len(), n + 1);
    lab.run(100);
    assert_eq!(lab.context(0).got, [(1, vec![7; 10])]);
}

#[test] // Spec: TS 38.321 §5.4.2.1 (a retransmission carries the same block)
fn retransmissions_carry_the_same_block() {
    let mut lab = Lab::new(28, 1);
    lab.attach(0, mac_config());
    lab.run(30);
    lab.script.no_grants = true;
    lab.command(0, rrc(7, 30));
    lab.grant(0, 5, true, 60);
    lab.run(1);
    lab.grant(0, 5, false, 60);
    lab.run(1);
    let s = lab.ues[0].l2.stats();
    assert_eq!((s.blocks - s.retransmissions, s.retransmissions), (s.blocks - 1, 1));
    assert_eq!(lab.context(0).got.len(), 1, "the second one is a duplicate");
}
