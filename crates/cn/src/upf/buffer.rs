//! Downlink packets of idle UEs: they wait, and the SMF is told. Spec: TS 29.244 §5.2.4, §6.3.5, TS 23.502 §4.2.3.3

use node::Outbox;
use nr::Tc;
use pfcp::{Body, Message};

use super::{Session, Upf, UpfOutput};

/// Packets that may wait in one session, whatever the SMF suggests; and where it suggests nothing.
const SESSION_MAX: usize = 128;
/// Packets that may wait in all of them.
const ALL_MAX: usize = 1 << 16;
/// T1 and N1 of TS 29.244 §6.4, whose values are the implementation's.
const T1: Tc = Tc::from_ms(3_000);
const SENT_MAX: u8 = 3;
/// Reports that may wait for their response; one beyond is sent once, for a peer's flood must not be kept.
const REPORTS_MAX: usize = 4_096;

/// A report that waits for its response.
pub(super) struct Report {
    bytes: Vec<u8>,
    sent: u8,
}

impl Session {
    /// How many packets may wait, by the SMF's suggestion.
    pub(super) fn buffer_limit(bar: Option<&pfcp::CreateBar>) -> usize {
        let suggested = bar.and_then(|bar| bar.suggested_buffering_packets);
        suggested.map_or(SESSION_MAX, |packets| usize::from(packets).min(SESSION_MAX))
    }
}

impl Upf {
    /// A packet for an idle UE waits; of too many the oldest goes. The first one is told to the SMF, if it wants to know.
    pub(super) fn hold(
        &mut self,
        now: Tc,
        seid: u64,
        pdr: u16,
        packet: Vec<u8>,
        notify: bool,
        out: &mut Outbox<UpfOutput>,
    ) {
        let Some(session) = self.sessions.get_mut(&seid) else { return };
        if session.buffer.len() >= session.buffer_max || self.waiting >= ALL_MAX {
            self.stats.dropped += 1;
            if session.buffer.pop_front().is_none() {
                return;
            }
            self.waiting -= 1;
        }
        session.buffer.push_back((pdr, packet));
        self.waiting += 1;
        self.stats.buffered += 1;
        if notify && !session.notified {
            session.notified = true;
            let downlink_data = Some(pfcp::DownlinkDataReport { pdr_ids: vec![pdr] });
            let body = pfcp::SessionReportRequest { report_type: 1, downlink_data, error_indication: None };
            let to = session.cp.seid;
            self.report(now, to, body.into(), out);
        }
    }

    /// The rules have changed: what waits goes its way, or nowhere.
    pub(super) fn release_held(&mut self, now: Tc, seid: u64, discard: bool, out: &mut Outbox<UpfOutput>) {
        let Some(session) = self.sessions.get_mut(&seid) else { return };
        session.notified = false;
        let held = std::mem::take(&mut session.buffer);
        self.waiting -= held.len();
        for (pdr, packet) in held {
            if discard {
                self.stats.dropped += 1;
            } else {
                // What still has to wait comes back into the buffer.
                self.send_to_access(now, seid, pdr, packet, out);
            }
        }
    }

    /// A request of the UPF's own, sent again until it is answered.
    pub(super) fn report(&mut self, now: Tc, to: u64, body: Body, out: &mut Outbox<UpfOutput>) {
        let sequence = self.sequence;
        self.sequence = if sequence == 0xff_ffff { 1 } else { sequence + 1 };
        let bytes = Message::new(Some(to), sequence, body).encode();
        out.push(UpfOutput::N4(bytes.clone()));
        if self.reports.len() < REPORTS_MAX {
            self.reports.insert(sequence, Report { bytes, sent: 1 });
            self.timers.start(sequence, now + T1);
        }
    }

    /// T1 has run out. Spec: TS 29.244 §6.4
    pub(super) fn report_again(&mut self, now: Tc, sequence: u32, out: &mut Outbox<UpfOutput>) {
        let Some(report) = self.reports.get_mut(&sequence) else { return };
        if report.sent >= SENT_MAX {
            self.reports.remove(&sequence);
            return;
        }
        report.sent += 1;
        out.push(UpfOutput::N4(report.bytes.clone()));
        self.timers.start(sequence, now + T1);
    }

    /// The SMF has answered a report.
    pub(super) fn reported(&mut self, sequence: u32) {
        self.reports.remove(&sequence);
        self.timers.stop(sequence);
    }
}
