//! The terminal's layer 2: MAC procedures, RLC, PDCP, SDAP. Spec: TS 38.321, TS 38.322, TS 38.323, TS 37.324
//!
//! [`UeL2`] stands between three neighbours. All its answers for L1 go into a [`UeResponse`], all others into an
//! `Outbox<L2Event>`; give both to each call, and carry them on before the next one.
//!
//! | when | call | what may come back |
//! |---|---|---|
//! | L1 has an indication (each slot, also an empty one) | [`UeL2::handle_indication`] | a block for each grant, L1 commands, events |
//! | RRC has a command | [`UeL2::command`] | L1 commands, events |
//! | the house has a packet | [`UeL2::send_packet`]; before it, [`UeL2::queued_bytes`] tells how much waits | L1 commands |
//! | [`UeL2::deadline`] has come (ask after each call) | [`UeL2::timeout`] | L1 commands, events |
//! | a packet was consumed | [`UeL2::recycle`], optional: its buffer serves the next one | |
//! | captures are on | [`UeL2::drain_taps`] after each call | |
//!
//! The response of [`UeL2::handle_indication`] answers grants and must go back within the call's slot. Those of the other calls
//! hold commands only.
//!
//! What RRC does, in this order: `ConfigureRandomAccess`, `StartRandomAccess { ccch }` (the C-RNTI that may be held is forgotten
//! then), and after the RRCSetup `ConfigureMac`, `AddRlcBearer`, `AddPdcp`, `SendRrc`. `Reestablish` of an SRB forgets its keys
//! until the next `Secure`; for DRBs, `Secure` with the new keys comes first. `SuspendAll` resets MAC as well. The C-RNTI is set at
//! L1 by this node alone.
//!
//! | file | what |
//! |---|---|
//! | `random_access` | TS 38.321 §5.1 |
//! | `reports` | SR §5.4.4, BSR §5.4.5, PHR §5.4.6 |
//! | `mux` | logical channel prioritisation §5.4.3, building of blocks |
//! | `channel`, `bearers` | RLC entities; PDCP and SDAP above them |
//!
//! Left out: contention-free random access, two-step random access, preambles group B, configured grants, DRX, several cells, SI
//! requests. One SSB is mapped to an occasion.

mod bearers;
mod channel;
mod fuzz;
mod mux;
mod random_access;
mod reports;

#[cfg(test)]
mod tests;

pub use fuzz::fuzz_one;

use bearers::Bearers;
use fapi::pdu::Span;
use fapi::ue::{Addressed, UeIndication, UeL1Command, UeL1Event, UeResponse, UlBlock};
use mac::{DlReader, DlSubPdu};
use mux::Mux;
use node::{Direction, Frame, MacKind, Outbox, Rng, Tap};
use nr::{HarqId, Qfi, Rnti, SlotPoint, Tc};
use random_access::{Msg3, RandomAccess, Timeout};
use reports::{BufferStatusReport, PowerHeadroom, SchedulingRequest};
use seam::bearer::Bearer;
use seam::ue::{L2Command, L2Event, MacConfig};

/// How a terminal's layer 2 is set up; RRC does the rest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    /// The terminal's number, for taps.
    pub ue: u32,
    /// Bounds of each RLC entity.
    pub rlc: rlc::Limits,
    /// Bounds of each PDCP entity.
    pub pdcp: pdcp::Limits,
    /// Copies of the MAC, RLC and PDCP PDUs that are received are kept for [`UeL2::drain_taps`].
    pub tap_downlink: bool,
    /// And of those that are sent. A dissector takes an RLC retransmission that it sees beside the first transmission for a
    /// malformed fragment, so a capture is better off with what the gNB received.
    pub tap_uplink: bool,
}

/// Why a packet was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SendError {
    /// The PDU session or the bearer does not exist.
    NoBearer,
    /// The queue is full; the packet (or its SDAP PDU) is handed back.
    Full(Vec<u8>),
    /// PDCP COUNT is used up.
    CountExhausted,
}

/// Counters since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Uplink blocks built anew.
    pub blocks: u64,
    /// Bytes of them.
    pub block_bytes: u64,
    /// Blocks handed out again for retransmission.
    pub retransmissions: u64,
    /// Downlink blocks that ended with an unsupported or malformed subPDU.
    pub malformed_blocks: u64,
    /// SDUs, PDUs and packets without a bearer, or beyond a queue.
    pub dropped: u64,
}

/// Answers of one call.
pub(crate) struct Out<'a> {
    pub(crate) l1: &'a mut UeResponse,
    pub(crate) events: &'a mut Outbox<L2Event>,
}

/// MAC parameters before RRC gives any. Spec: TS 38.331 §9.2.2
const MAC_DEFAULT: MacConfig = MacConfig {
    periodic_bsr_timer_ms: Some(10),
    retx_bsr_timer_ms: 80,
    sr_prohibit_timer_ms: 0,
    sr_trans_max: 64,
    time_alignment_timer_ms: None,
    phr_periodic_timer_ms: Some(10),
    phr_prohibit_timer_ms: 10,
    phr_tx_power_factor_change_db: Some(1),
    sr_resource: false,
};

/// Largest block that a grant may ask for, bytes: beyond what any carrier has.
const BLOCK_MAX: u32 = 1 << 18;

/// Layer 2 of one terminal.
#[derive(Debug)]
pub struct UeL2 {
    rng: Rng,
    c_rnti: Option<Rnti>,
    mac: MacConfig,
    random_access: RandomAccess,
    sr: SchedulingRequest,
    bsr: BufferStatusReport,
    phr: PowerHeadroom,
    /// The uplink is aligned: timeAlignmentTimer runs.
    aligned: bool,
    /// When it expires; `None` for infinity.
    alignment_at: Option<Tc>,
    /// It was started by the response of a random access that is not complete yet.
    alignment_tentative: bool,
    bearers: Bearers,
    /// Last block of each HARQ process.
    harq: [Vec<u8>; 16],
    /// Last downlink slot that was heard.
    slot: Option<SlotPoint>,
    stats: Stats,
}

impl UeL2 {
    /// A terminal without bearers. `rng` chooses preambles and back-offs.
    pub fn new(config: Config, rng: Rng) -> UeL2 {
        UeL2 {
            rng,
            c_rnti: None,
            mac: MAC_DEFAULT,
            random_access: RandomAccess::new(),
            sr: SchedulingRequest::default(),
            bsr: BufferStatusReport::default(),
            phr: PowerHeadroom::default(),
            aligned: false,
            alignment_at: None,
            alignment_tentative: false,
            bearers: Bearers::new(config),
            harq: Default::default(),
            slot: None,
            stats: Stats::default(),
        }
    }

    /// The C-RNTI that is held.
    pub fn c_rnti(&self) -> Option<Rnti> {
        self.c_rnti
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        Stats { dropped: self.bearers.dropped, ..self.stats }
    }

    /// Copies of the PDUs that crossed since the last call, where [`Config::tap_downlink`] or [`Config::tap_uplink`] is on.
    pub fn drain_taps(&mut self) -> impl Iterator<Item = Tap> + '_ {
        self.bearers.taps.drain(..)
    }

    /// Whether packets of a PDU session have a bearer.
    pub fn has_bearer(&self, pdu_session: u8) -> bool {
        self.bearers.has_bearer(pdu_session)
    }

    /// Uplink bytes of a PDU session that wait or are not acknowledged yet.
    pub fn queued_bytes(&self, pdu_session: u8) -> usize {
        self.bearers.queued_bytes(pdu_session)
    }

    /// Gives back the buffer of a packet that came in [`L2Event::User`], for the next ones.
    pub fn recycle(&mut self, pdu_session: u8, buffer: Vec<u8>) {
        self.bearers.recycle(pdu_session, buffer);
    }

    /// An empty buffer for a packet to be sent, of those that were sent before.
    pub fn take_buffer(&mut self, pdu_session: u8) -> Vec<u8> {
        self.bearers.take_buffer(pdu_session)
    }

    /// Takes an uplink packet of a PDU session.
    ///
    /// Errors: [`SendError`]; the packet is dropped unless it is handed back.
    pub fn send_packet(
        &mut self,
        now: Tc,
        pdu_session: u8,
        qfi: Qfi,
        packet: Vec<u8>,
        l1: &mut UeResponse,
        events: &mut Outbox<L2Event>,
    ) -> Result<(), SendError> {
        let sent = self.bearers.send_packet(now, pdu_session, qfi, packet);
        self.after(&mut Out { l1, events });
        sent
    }

    /// Takes a command of RRC.
    pub fn command(&mut self, now: Tc, command: L2Command, l1: &mut UeResponse, events: &mut Outbox<L2Event>) {
        let out = &mut Out { l1, events };
        match command {
            L2Command::ConfigureRandomAccess(c) => self.random_access.config = Some(c),
            L2Command::StartRandomAccess { ccch } => self.start_random_access(ccch, out),
            L2Command::ConfigureMac(c) => self.configure_mac(c),
            L2Command::AddRlcBearer(c) => self.bearers.add_channel(now, c),
            L2Command::ReleaseRlcBearer(lcid) => self.bearers.release_channel(lcid),
            L2Command::AddPdcp { bearer, config, sdap } => self.bearers.add_pdcp(now, bearer, config, sdap),
            L2Command::ReleaseDrb(drb) => self.bearers.release_drb(drb),
            L2Command::Secure { algorithms, keys, ciphering } => self.bearers.secure(algorithms, keys, ciphering),
            L2Command::SendRrc { bearer, pdu } => {
                // A refusal is counted; RRC's own timers see that no answer comes.
                let _ = self.bearers.send_on(now, bearer, pdu);
            }
            L2Command::Reestablish { bearer } => self.bearers.reestablish(now, bearer, out),
            L2Command::SuspendAll => {
                self.reset_mac(now, out);
                // With the special cell's configuration go its PUCCH resources. Spec: TS 38.331 §5.3.7.2
                self.mac = MAC_DEFAULT;
                self.bearers.suspend_all();
            }
            L2Command::ReleaseBearers => self.bearers.clear(),
            L2Command::Resume { bearer } => self.bearers.resume(bearer),
            L2Command::Reset => {
                self.reset_mac(now, out);
                self.bearers.clear();
                self.c_rnti = None;
                self.mac = MAC_DEFAULT;
                self.phr = PowerHeadroom::default();
                out.l1.commands.push(UeL1Command::SetRnti { c_rnti: None, temporary: None });
            }
        }
        self.after(out);
    }

    /// Takes what happened at L1. `response` gets a block for each grant, in the order of the grants, and commands.
    pub fn handle_indication(
        &mut self,
        indication: &UeIndication,
        response: &mut UeResponse,
        events: &mut Outbox<L2Event>,
    ) {
        let now = indication.now;
        let out = &mut Out { l1: response, events };
        self.slot = indication.slot.or(self.slot);
        for event in &indication.events {
            match event {
                UeL1Event::DlBlock { addressed, rnti, harq, slot, tb } => {
                    self.receive_block(now, *addressed, *rnti, *harq, *slot, tb.of(&indication.bytes), out);
                }
                UeL1Event::UlGrant { harq, new_data, tbs_bytes, slot, msg3 } => {
                    self.grant(now, *harq, *new_data, *tbs_bytes, *slot, *msg3, out);
                }
                UeL1Event::PreambleSent { ra_rnti, end } => {
                    self.random_access.preamble_sent(now, *ra_rnti, *end, out);
                }
                UeL1Event::SchedulingRequestSent => self.sr.sent(now, &self.mac),
                UeL1Event::PdcchToCRnti { uplink_new } => self.pdcch_to_c_rnti(now, *uplink_new, out),
                UeL1Event::PowerHeadroom { ph_db, p_cmax_dbm } => self.phr.granted(*ph_db, *p_cmax_dbm),
                UeL1Event::Measured { rsrp_dbm, .. } => self.phr.measured(*rsrp_dbm, &self.mac),
                UeL1Event::CellFound { .. } | UeL1Event::SearchExhausted { .. } | UeL1Event::InSync(_) => {}
            }
        }
        if indication.slot.is_some_and(|s| self.random_access.window_is_over(s)) {
            self.random_access.attempt_failed(now, self.c_rnti, &mut self.rng, out);
        }
        self.after(out);
    }

    /// When [`UeL2::timeout`] is due.
    pub fn deadline(&self) -> Option<Tc> {
        [
            self.random_access.deadline(),
            self.sr.prohibited_until,
            self.bsr.deadline(),
            self.phr.deadline(),
            self.alignment_at,
            self.bearers.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Fires the timers that are due.
    pub fn timeout(&mut self, now: Tc, l1: &mut UeResponse, events: &mut Outbox<L2Event>) {
        let out = &mut Out { l1, events };
        if self.random_access.timeout(now, self.c_rnti, &mut self.rng, out) == Timeout::ContentionLost {
            self.contention_lost();
        }
        if self.sr.prohibited_until.is_some_and(|t| t <= now) {
            self.sr.prohibited_until = None;
        }
        let has_data = self.bearers.channels.iter().any(|c| c.pending() > 0);
        self.bsr.timeout(now, has_data);
        self.phr.timeout(now);
        if self.alignment_at.is_some_and(|t| t <= now) {
            self.alignment_expired(out);
        }
        self.bearers.timeout(now, out);
        self.after(out);
    }

    // Random access.

    fn start_random_access(&mut self, ccch: Option<Vec<u8>>, out: &mut Out) {
        let msg3 = match ccch {
            Some(sdu) => {
                self.c_rnti = None;
                out.l1.commands.push(UeL1Command::SetRnti { c_rnti: None, temporary: None });
                Msg3::Ccch(sdu)
            }
            None => Msg3::CRnti,
        };
        if !self.random_access.start(msg3, &mut self.rng, out) {
            out.events.push(L2Event::RandomAccessProblem);
        }
    }

    fn pdcch_to_c_rnti(&mut self, now: Tc, uplink_new: bool, out: &mut Out) {
        let Some(c_rnti) = self.c_rnti else { return };
        if uplink_new && self.random_access.is_resolved_by_pdcch() {
            self.alignment_tentative = false;
            self.random_access.complete(now, c_rnti, out);
        }
    }

    /// The contention was lost: the alignment that the response gave is void. Spec: TS 38.321 §5.2
    fn contention_lost(&mut self) {
        if std::mem::take(&mut self.alignment_tentative) {
            self.aligned = false;
            self.alignment_at = None;
        }
    }

    // Time alignment. Spec: TS 38.321 §5.2

    fn start_alignment(&mut self, now: Tc) {
        self.aligned = true;
        self.alignment_at = self.mac.time_alignment_timer_ms.map(|ms| now + Tc::from_ms(ms.into()));
    }

    fn alignment_expired(&mut self, out: &mut Out) {
        self.aligned = false;
        self.alignment_at = None;
        // With the alignment goes the PUCCH for requests, and it does not come back with it. Spec: TS 38.321 §5.2
        self.sr.released = true;
        self.harq.iter_mut().for_each(Vec::clear);
        out.events.push(L2Event::TimeAlignmentExpired);
    }

    // Configuration.

    fn configure_mac(&mut self, config: MacConfig) {
        self.mac = config;
        self.sr.released = false;
        self.phr.configure();
    }

    /// Spec: TS 38.321 §5.12
    fn reset_mac(&mut self, now: Tc, out: &mut Out) {
        self.random_access.stop(out);
        if self.sr.at_l1 {
            out.l1.commands.push(UeL1Command::SchedulingRequest(false));
        }
        self.sr = SchedulingRequest::default();
        self.bsr = BufferStatusReport::default();
        self.aligned = false;
        self.alignment_at = None;
        self.harq.iter_mut().for_each(Vec::clear);
        self.bearers.channels.iter_mut().for_each(|c| c.reset_bucket(now));
    }

    // Downlink.

    fn receive_block(
        &mut self,
        now: Tc,
        addressed: Addressed,
        rnti: Rnti,
        harq: HarqId,
        slot: SlotPoint,
        block: &[u8],
        out: &mut Out,
    ) {
        let kind = match addressed {
            Addressed::Si => MacKind::Si,
            Addressed::Paging => MacKind::Paging,
            Addressed::Ra => MacKind::Ra,
            Addressed::Temporary | Addressed::Cell => MacKind::Cell,
        };
        self.bearers.tap(now, Direction::Downlink, || Frame::Mac {
            rnti,
            kind,
            slot,
            harq: harq.get(),
            pdu: block.to_vec(),
        });
        match addressed {
            Addressed::Si => out.events.push(L2Event::SystemInformation(block.to_vec())),
            Addressed::Paging => out.events.push(L2Event::Paging(block.to_vec())),
            Addressed::Ra => {
                let ta = self.random_access.response(now, rnti, slot, block, self.c_rnti, out);
                // An alignment that holds is more exact than the preamble's.
                if let Some(ta) = ta.filter(|_| !self.aligned) {
                    out.l1.commands.push(UeL1Command::TimingAdvanceAbsolute(ta));
                    self.start_alignment(now);
                    self.alignment_tentative = true;
                }
            }
            Addressed::Temporary => {
                if self.resolve_contention(now, block, out) {
                    self.demultiplex(now, block, out);
                }
            }
            Addressed::Cell => self.demultiplex(now, block, out),
        }
    }

    /// Whether a block for the temporary C-RNTI is ours. Spec: TS 38.321 §5.1.5
    fn resolve_contention(&mut self, now: Tc, block: &[u8], out: &mut Out) -> bool {
        let identity = DlReader::new(block).flatten().find_map(|s| match s {
            DlSubPdu::ContentionResolution(id) => Some(id),
            _ => None,
        });
        match (self.random_access.resolve_by_identity(identity), self.random_access.temporary()) {
            (Some(true), Some(c_rnti)) => {
                self.c_rnti = Some(c_rnti);
                self.bearers.rnti = c_rnti;
                self.alignment_tentative = false;
                self.random_access.complete(now, c_rnti, out);
                true
            }
            (Some(_), _) => {
                self.random_access.attempt_failed(now, self.c_rnti, &mut self.rng, out);
                self.contention_lost();
                false
            }
            // No contention is open: the number has become the C-RNTI meanwhile, or the block is not ours.
            (None, _) => self.random_access.is_idle() && self.c_rnti.is_some(),
        }
    }

    fn demultiplex(&mut self, now: Tc, block: &[u8], out: &mut Out) {
        for sub in DlReader::new(block) {
            match sub {
                Ok(DlSubPdu::Ccch(sdu)) => out.events.push(L2Event::Rrc {
                    bearer: Bearer::Srb0,
                    pdu: sdu.to_vec(),
                    verified: false,
                    count: 0,
                    mac_i: [0; 4],
                }),
                Ok(DlSubPdu::Sdu { lcid, data }) => self.bearers.receive(now, lcid, data, out),
                Ok(DlSubPdu::TimingAdvance { command, .. }) => {
                    out.l1.commands.push(UeL1Command::TimingAdvance(command));
                    self.start_alignment(now);
                }
                Ok(_) => {}
                Err(_) => self.stats.malformed_blocks += 1,
            }
        }
    }

    // Uplink.

    fn grant(&mut self, now: Tc, harq: HarqId, new_data: bool, tbs: u32, slot: SlotPoint, msg3: bool, out: &mut Out) {
        if tbs == 0 || tbs > BLOCK_MAX {
            return;
        }
        let (index, len) = (usize::from(harq.get() & 15), tbs as usize);
        let start = out.l1.bytes.len();
        let kept = match msg3 {
            true => &self.random_access.msg3_buffer,
            false => &self.harq[index],
        };
        if kept.len() == len && (msg3 || !new_data) {
            out.l1.bytes.extend_from_slice(kept);
            self.stats.retransmissions += 1;
        } else {
            // New data may have come with this very indication.
            self.look_for_new_data();
            out.l1.bytes.resize(start + len, 0);
            self.build(now, msg3, &mut out.l1.bytes[start..]);
            let keep = if msg3 { &mut self.random_access.msg3_buffer } else { &mut self.harq[index] };
            keep.clear();
            keep.extend_from_slice(&out.l1.bytes[start..]);
            self.stats.blocks += 1;
            self.stats.block_bytes += u64::from(tbs);
        }
        if msg3 {
            let ahead = self.slot.filter(|s| s.numerology() == slot.numerology()).map_or(0, |s| slot.minus(s).max(0));
            self.random_access.msg3_sent(now + Tc((ahead + 1) * slot.numerology().slot_tc().0));
        }
        out.l1.blocks.push(UlBlock { harq, tb: Span { start: start as u32, len: tbs } });
        let rnti = self.random_access.temporary().filter(|_| msg3).or(self.c_rnti).unwrap_or(Rnti(0));
        let block = &out.l1.bytes[start..];
        self.bearers.tap(now, Direction::Uplink, || Frame::Mac {
            rnti,
            kind: MacKind::Cell,
            slot,
            harq: harq.get(),
            pdu: block.to_vec(),
        });
    }

    fn build(&mut self, now: Tc, msg3: bool, block: &mut [u8]) {
        let rnti = self.bearers.rnti;
        let mut rlc_taps = Vec::new();
        let taps = self.bearers.is_tapped(Direction::Uplink);
        let mut mux = Mux {
            now,
            config: &self.mac,
            channels: &mut self.bearers.channels,
            bsr: &mut self.bsr,
            phr: &mut self.phr,
        };
        let built = mux.build(msg3.then_some((&self.random_access.msg3, self.c_rnti)), block, &mut |lcid, rlc, pdu| {
            if taps {
                rlc_taps.push(Frame::Rlc {
                    rnti,
                    lcid: lcid.get(),
                    acknowledged: rlc.is_acknowledged(),
                    sn_bits: rlc.sn_bits(),
                    pdu: pdu.to_vec(),
                });
            }
        });
        for frame in rlc_taps {
            self.bearers.tap(now, Direction::Uplink, || frame);
        }
        // Spec: TS 38.321 §5.4.4: a report of all, or room for all, withdraws the request.
        if built.reported || built.emptied {
            self.sr.cancel();
        }
        self.bearers.channels.iter_mut().for_each(|c| c.had_data = c.pending() > 0);
    }

    /// Triggers a Regular BSR where data came to a group that had none, or of a higher priority. Spec: TS 38.321 §5.4.5
    fn look_for_new_data(&mut self) {
        let channels = &mut self.bearers.channels;
        let group = |c: &channel::Channel| c.config.logical_channel.logical_channel_group;
        let mut regular = false;
        for i in 0..channels.len() {
            let has = channels[i].pending() > 0;
            if has && !channels[i].had_data && group(&channels[i]).is_some() {
                let (g, p) = (group(&channels[i]), channels[i].priority());
                let others = || channels.iter().filter(|c| c.had_data && group(c).is_some());
                regular |= others().all(|c| group(c) != g) || others().all(|c| c.priority() > p);
            }
        }
        for c in channels.iter_mut() {
            c.had_data = c.pending() > 0;
        }
        self.bsr.regular |= regular;
    }

    /// What follows from every input: buffer status, scheduling request, random access for want of one.
    fn after(&mut self, out: &mut Out) {
        self.look_for_new_data();
        if self.bsr.regular && self.c_rnti.is_some() {
            self.sr.trigger();
        }
        self.serve_request(out);
    }

    /// Spec: TS 38.321 §5.4.4
    fn serve_request(&mut self, out: &mut Out) {
        let configured = self.bearers.channels.iter().any(|c| c.config.logical_channel.scheduling_request);
        let has_resource = configured && self.mac.sr_resource && self.aligned && !self.sr.released;
        let mut wanted = false;
        if self.sr.pending && self.random_access.is_idle() {
            if !has_resource {
                self.sr.cancel();
                self.random_access.start(Msg3::CRnti, &mut self.rng, out);
            } else if self.sr.counter >= self.mac.sr_trans_max && self.sr.prohibited_until.is_none() {
                self.sr.cancel();
                self.sr.released = true;
                out.events.push(L2Event::SchedulingRequestFailed);
                self.random_access.start(Msg3::CRnti, &mut self.rng, out);
            } else {
                wanted = self.sr.prohibited_until.is_none();
            }
        }
        if wanted != self.sr.at_l1 {
            self.sr.at_l1 = wanted;
            out.l1.commands.push(UeL1Command::SchedulingRequest(wanted));
        }
    }
}
