//! Radio bearers: PDCP and SDAP above the logical channels.

use crate::channel::Channel;
use crate::{Config, Out, SendError};
use node::{Direction, Frame, Outbox, Tap};
use nr::{DrbId, LcId, Qfi, Rnti, Tc};
use pdcp::{AsAlgorithms, AsKeys, End, Pdcp, PdcpEvent, Security, Setup};
use rlc::RlcEvent;
use sdap::Sdap;
use seam::bearer::{Bearer, PdcpConfig, RlcBearerConfig, SdapConfig};
use seam::ue::L2Event;

/// Tag of PDUs that have no COUNT.
const NO_COUNT: u32 = u32::MAX;
/// Room that headers and MAC-I may take of an RLC queue.
const OVERHEAD_MAX: usize = 8;
/// Frames kept for the caller at most.
const TAPS_MAX: usize = 65_536;

/// A bearer with a PDCP entity.
#[derive(Debug)]
struct RadioBearer {
    bearer: Bearer,
    pdcp: Pdcp,
    /// DRBs: their PDU session.
    pdu_session: u8,
}

/// Keys of the access stratum as RRC gave them.
#[derive(Clone, Copy, Debug)]
struct Secured {
    algorithms: AsAlgorithms,
    keys: AsKeys,
    ciphering: bool,
}

/// All bearers of the UE.
#[derive(Debug)]
pub(crate) struct Bearers {
    config: Config,
    /// In decreasing priority.
    pub(crate) channels: Vec<Channel>,
    radio: Vec<RadioBearer>,
    sessions: Vec<(u8, Sdap)>,
    secured: Option<Secured>,
    rlc_events: Outbox<RlcEvent>,
    pdcp_events: Outbox<PdcpEvent>,
    pub(crate) rnti: Rnti,
    pub(crate) taps: Vec<Tap>,
    /// SDUs and PDUs that had no bearer or did not fit a queue.
    pub(crate) dropped: u64,
}

impl Bearers {
    pub(crate) fn new(config: Config) -> Bearers {
        Bearers {
            config,
            channels: Vec::new(),
            radio: Vec::new(),
            sessions: Vec::new(),
            secured: None,
            rlc_events: Outbox::default(),
            pdcp_events: Outbox::default(),
            rnti: Rnti(0),
            taps: Vec::new(),
            dropped: 0,
        }
    }

    pub(crate) fn clear(&mut self) {
        let (taps, dropped) = (std::mem::take(&mut self.taps), self.dropped);
        *self = Bearers { taps, dropped, rnti: self.rnti, ..Bearers::new(self.config) };
    }

    pub(crate) fn tap(&mut self, at: Tc, direction: Direction, frame: impl FnOnce() -> Frame) {
        if self.is_tapped(direction) && self.taps.len() < TAPS_MAX {
            self.taps.push(Tap { at, direction, ue: self.config.ue, frame: frame() });
        }
    }

    pub(crate) fn is_tapped(&self, direction: Direction) -> bool {
        match direction {
            Direction::Uplink => self.config.tap_uplink,
            Direction::Downlink => self.config.tap_downlink,
        }
    }

    // Configuration.

    pub(crate) fn add_channel(&mut self, now: Tc, config: RlcBearerConfig) {
        match self.channels.iter_mut().find(|c| c.lcid() == config.lcid) {
            Some(c) => {
                c.config = config;
                c.rlc.reconfigure(&config.rlc);
            }
            None => self.channels.push(Channel::new(now, config, self.config.rlc)),
        }
        self.channels.sort_by_key(|c| (c.priority(), c.lcid()));
        let acknowledged = self.is_acknowledged(config.bearer);
        if let Some(r) = self.radio.iter_mut().find(|r| r.bearer == config.bearer) {
            r.pdcp.reconfigure(Setup { acknowledged, ..*r.pdcp.setup() });
        }
    }

    pub(crate) fn release_channel(&mut self, lcid: LcId) {
        self.channels.retain(|c| c.lcid() != lcid);
    }

    fn is_acknowledged(&self, bearer: Bearer) -> bool {
        self.channels.iter().find(|c| c.config.bearer == bearer).is_some_and(|c| c.rlc.is_acknowledged())
    }

    pub(crate) fn add_pdcp(&mut self, now: Tc, bearer: Bearer, config: PdcpConfig, sdap: Option<SdapConfig>) {
        if bearer == Bearer::Srb0 {
            return;
        }
        let setup = Setup {
            bearer,
            end: End::Ue,
            config,
            acknowledged: self.is_acknowledged(bearer),
            sdap_tx: sdap.as_ref().is_some_and(|s| s.header_ul),
            sdap_rx: sdap.as_ref().is_some_and(|s| s.header_dl),
        };
        let pdu_session = sdap.as_ref().map_or(0, |s| s.pdu_session);
        match self.radio.iter_mut().find(|r| r.bearer == bearer) {
            Some(r) => {
                r.pdcp.reconfigure(setup);
                r.pdu_session = if sdap.is_some() { pdu_session } else { r.pdu_session };
            }
            None => {
                let mut pdcp = Pdcp::new(setup, self.config.pdcp);
                if let Some((s, security)) = self.secured.and_then(|s| Some((s, security_of(bearer, &s)?))) {
                    pdcp.secure(security, s.ciphering || !bearer.is_srb());
                }
                self.radio.push(RadioBearer { bearer, pdcp, pdu_session });
                self.radio.sort_by_key(|r| r.bearer);
            }
        }
        if let (Bearer::Drb(drb), Some(sdap)) = (bearer, sdap) {
            let markers = self.session(pdu_session).configure(drb, &sdap);
            for m in markers {
                let _ = self.send_on(now, Bearer::Drb(m.drb), m.pdu);
            }
        }
    }

    fn session(&mut self, id: u8) -> &mut Sdap {
        let i = match self.sessions.iter().position(|(s, _)| *s == id) {
            Some(i) => i,
            None => {
                self.sessions.push((id, Sdap::new()));
                self.sessions.len() - 1
            }
        };
        &mut self.sessions[i].1
    }

    pub(crate) fn release_drb(&mut self, drb: DrbId) {
        self.radio.retain(|r| r.bearer != Bearer::Drb(drb));
        self.sessions.iter_mut().for_each(|(_, s)| s.release(drb));
        self.sessions.retain(|(_, s)| !s.is_empty());
    }

    pub(crate) fn secure(&mut self, algorithms: AsAlgorithms, keys: AsKeys, ciphering: bool) {
        let secured = Secured { algorithms, keys, ciphering };
        self.secured = Some(secured);
        for r in &mut self.radio {
            if let Some(security) = security_of(r.bearer, &secured) {
                r.pdcp.secure(security, ciphering || !r.bearer.is_srb());
            }
        }
    }

    pub(crate) fn reestablish(&mut self, now: Tc, bearer: Bearer, out: &mut Out) {
        self.channels.iter_mut().filter(|c| c.config.bearer == bearer).for_each(|c| c.rlc.reestablish());
        if let Some(r) = self.radio.iter_mut().find(|r| r.bearer == bearer) {
            if bearer.is_srb() {
                r.pdcp.suspend_security();
            }
            r.pdcp.reestablish(now, &mut self.pdcp_events);
        }
        self.drain_pdcp(now, bearer, out);
    }

    pub(crate) fn suspend_all(&mut self) {
        self.channels.iter_mut().filter(|c| c.config.bearer != Bearer::Srb0).for_each(|c| c.suspended = true);
    }

    pub(crate) fn resume(&mut self, bearer: Bearer) {
        self.channels.iter_mut().filter(|c| c.config.bearer == bearer).for_each(|c| c.suspended = false);
    }

    // Uplink.

    /// An SDU of a bearer through PDCP into the RLC queue.
    pub(crate) fn send_on(&mut self, now: Tc, bearer: Bearer, sdu: Vec<u8>) -> Result<(), SendError> {
        let (Some(r), Some(c)) = (
            self.radio.iter_mut().find(|r| r.bearer == bearer),
            self.channels.iter_mut().find(|c| c.config.bearer == bearer),
        ) else {
            self.dropped += 1;
            return Err(SendError::NoBearer);
        };
        // Asked before PDCP gives a COUNT away: a hole in them would cost the peer t-Reordering.
        if c.rlc.held_bytes() + sdu.len() + OVERHEAD_MAX > self.config.rlc.queue_bytes {
            self.dropped += 1;
            return Err(SendError::Full(sdu));
        }
        match r.pdcp.send(now, sdu) {
            Ok((pdu, count)) => {
                let lcid = c.lcid();
                self.push_rlc(now, lcid, pdu, count);
                Ok(())
            }
            Err(pdcp::SendError::Full(sdu)) => {
                self.dropped += 1;
                Err(SendError::Full(sdu))
            }
            Err(pdcp::SendError::CountExhausted) => {
                self.dropped += 1;
                Err(SendError::CountExhausted)
            }
        }
    }

    fn push_rlc(&mut self, now: Tc, lcid: LcId, pdu: Vec<u8>, tag: u32) {
        self.tap_pdcp(now, Direction::Uplink, lcid, &pdu);
        let Some(c) = self.channels.iter_mut().find(|c| c.lcid() == lcid) else { return };
        if c.rlc.push_sdu(now, pdu, tag).is_err() {
            self.dropped += 1;
        }
    }

    pub(crate) fn send_packet(&mut self, now: Tc, pdu_session: u8, qfi: Qfi, packet: Vec<u8>) -> Result<(), SendError> {
        let Some((_, sdap)) = self.sessions.iter().find(|(s, _)| *s == pdu_session) else {
            self.dropped += 1;
            return Err(SendError::NoBearer);
        };
        let Ok(mapped) = sdap.push_uplink(qfi, packet) else {
            self.dropped += 1;
            return Err(SendError::NoBearer);
        };
        self.send_on(now, Bearer::Drb(mapped.drb), mapped.pdu)
    }

    pub(crate) fn has_bearer(&self, pdu_session: u8) -> bool {
        let lower = |bearer| self.channels.iter().any(|c| c.config.bearer == bearer);
        self.drbs_of(pdu_session).any(lower)
    }

    fn drbs_of(&self, pdu_session: u8) -> impl Iterator<Item = Bearer> + '_ {
        self.radio.iter().filter(move |r| !r.bearer.is_srb() && r.pdu_session == pdu_session).map(|r| r.bearer)
    }

    pub(crate) fn queued_bytes(&self, pdu_session: u8) -> usize {
        let of = |b: Bearer| self.channels.iter().filter(move |c| c.config.bearer == b).map(|c| c.rlc.held_bytes());
        self.drbs_of(pdu_session).flat_map(of).sum()
    }

    pub(crate) fn recycle(&mut self, pdu_session: u8, buffer: Vec<u8>) {
        let bearer = self.drbs_of(pdu_session).next();
        if let Some(c) = self.channels.iter_mut().find(|c| Some(c.config.bearer) == bearer) {
            c.rlc.recycle(buffer);
        }
    }

    pub(crate) fn take_buffer(&mut self, pdu_session: u8) -> Vec<u8> {
        let bearer = self.drbs_of(pdu_session).next();
        let channel = self.channels.iter_mut().find(|c| Some(c.config.bearer) == bearer);
        channel.map_or_else(Vec::new, |c| c.rlc.take_buffer())
    }

    // Downlink.

    /// An SDU of a logical channel from MAC.
    pub(crate) fn receive(&mut self, now: Tc, lcid: LcId, pdu: &[u8], out: &mut Out) {
        let Some(c) = self.channels.iter_mut().find(|c| c.lcid() == lcid && !c.suspended) else {
            self.dropped += 1;
            return;
        };
        c.rlc.receive(now, pdu, &mut self.rlc_events);
        let (acknowledged, sn_bits) = (c.rlc.is_acknowledged(), c.rlc.sn_bits());
        let rnti = self.rnti;
        self.tap(now, Direction::Downlink, || Frame::Rlc {
            rnti,
            lcid: lcid.get(),
            acknowledged,
            sn_bits,
            pdu: pdu.to_vec(),
        });
        self.drain_rlc(now, lcid, out);
    }

    fn drain_rlc(&mut self, now: Tc, lcid: LcId, out: &mut Out) {
        let Some(bearer) = self.channels.iter().find(|c| c.lcid() == lcid).map(|c| c.config.bearer) else {
            self.rlc_events.drain().for_each(drop);
            return;
        };
        while let Some(event) = self.rlc_events.pop() {
            match event {
                RlcEvent::Sdu(pdu) => {
                    self.tap_pdcp(now, Direction::Downlink, lcid, &pdu);
                    match self.radio.iter_mut().find(|r| r.bearer == bearer) {
                        Some(r) => r.pdcp.receive(now, pdu, &mut self.pdcp_events),
                        None => self.dropped += 1,
                    }
                    self.drain_pdcp(now, bearer, out);
                }
                RlcEvent::Delivered { tag } => {
                    if let Some(r) = self.radio.iter_mut().find(|r| r.bearer == bearer) {
                        r.pdcp.delivered(tag);
                    }
                }
                RlcEvent::MaxRetx => out.events.push(L2Event::RlcMaxRetx { lcid }),
            }
        }
    }

    fn tap_pdcp(&mut self, now: Tc, direction: Direction, lcid: LcId, pdu: &[u8]) {
        if !self.is_tapped(direction) {
            return;
        }
        let Some(bearer) = self.channels.iter().find(|c| c.lcid() == lcid).map(|c| c.config.bearer) else { return };
        let Some(r) = self.radio.iter().find(|r| r.bearer == bearer) else { return };
        let setup = r.pdcp.setup();
        let (srb, config, sdap) = (bearer.is_srb(), setup.config, (setup.sdap_tx, setup.sdap_rx));
        let frame = Frame::Pdcp {
            rnti: self.rnti,
            lcid: lcid.get(),
            srb,
            sn_bits: config.sn_bits,
            integrity: srb || config.integrity,
            sdap,
            pdu: pdu.to_vec(),
        };
        self.tap(now, direction, || frame);
    }

    fn drain_pdcp(&mut self, now: Tc, bearer: Bearer, out: &mut Out) {
        while let Some(event) = self.pdcp_events.pop() {
            match event {
                PdcpEvent::Sdu { sdu, count, verified, mac_i } => match bearer {
                    Bearer::Drb(drb) => self.deliver(now, drb, sdu, out),
                    _ => out.events.push(L2Event::Rrc { bearer, pdu: sdu, verified, count, mac_i }),
                },
                PdcpEvent::IntegrityFailure { .. } => out.events.push(L2Event::IntegrityFailure { bearer }),
                PdcpEvent::Discard { count } => {
                    if let Some(c) = self.channels.iter_mut().find(|c| c.config.bearer == bearer) {
                        c.rlc.discard(count);
                    }
                }
                PdcpEvent::Transmit { pdu, count } => {
                    if let Some(lcid) = self.channels.iter().find(|c| c.config.bearer == bearer).map(Channel::lcid) {
                        self.push_rlc(now, lcid, pdu, count.unwrap_or(NO_COUNT));
                    }
                }
            }
        }
    }

    fn deliver(&mut self, now: Tc, drb: DrbId, sdu: Vec<u8>, out: &mut Out) {
        let Some(pdu_session) = self.radio.iter().find(|r| r.bearer == Bearer::Drb(drb)).map(|r| r.pdu_session) else {
            return;
        };
        match self.session(pdu_session).receive_downlink(drb, sdu) {
            Ok(d) => {
                let qfi = d.qfi.map_or(0, Qfi::get);
                out.events.push(L2Event::User { pdu_session, qfi, packet: d.packet });
                if let Some(m) = d.end_marker {
                    let _ = self.send_on(now, Bearer::Drb(m.drb), m.pdu);
                }
            }
            Err(_) => self.dropped += 1,
        }
    }

    // Time.

    pub(crate) fn deadline(&self) -> Option<Tc> {
        let rlc = self.channels.iter().filter_map(|c| c.rlc.deadline());
        rlc.chain(self.radio.iter().filter_map(|r| r.pdcp.deadline())).min()
    }

    pub(crate) fn timeout(&mut self, now: Tc, out: &mut Out) {
        for i in 0..self.channels.len() {
            if self.channels[i].rlc.deadline().is_some_and(|t| t <= now) {
                self.channels[i].rlc.timeout(now, &mut self.rlc_events);
                let lcid = self.channels[i].lcid();
                self.drain_rlc(now, lcid, out);
            }
        }
        for i in 0..self.radio.len() {
            if self.radio[i].pdcp.deadline().is_some_and(|t| t <= now) {
                self.radio[i].pdcp.timeout(now, &mut self.pdcp_events);
                let bearer = self.radio[i].bearer;
                self.drain_pdcp(now, bearer, out);
            }
        }
    }
}

fn security_of(bearer: Bearer, s: &Secured) -> Option<Security> {
    Security::for_bearer(bearer, s.algorithms, &s.keys)
}
