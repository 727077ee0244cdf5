//! The terminal: physical layer, layer 2 and control plane composed. `slot.rs` is the page to read first.
//!
//! A composer gives the samples that [`Ue::need`] asks for to [`Ue::run`], carries [`Ue::bursts`] to the air, and moves user packets
//! and events. The terminal's only clock is its own sample count.

mod slot;

use fapi::ue::{UeIndication, UeResponse};
use node::{Outbox, Rng, Tap};
use nr::{Qfi, Rnti, SlotPoint, Tc};
use seam::ue::L2Event;
use std::collections::VecDeque;
use ue_cp::{CpEvent, CpOutput, SessionInfo, UeCp, UeCpConfig};
use ue_l1::{Need, UeL1, UeL1Config, UlBursts};
use ue_l2::UeL2;

/// What a terminal is made of.
#[derive(Clone, Debug)]
pub struct UeConfig {
    /// Its number, for taps and reports.
    pub number: u32,
    /// Physical layer.
    pub l1: UeL1Config,
    /// RRC and NAS.
    pub cp: UeCpConfig,
    /// Keep copies of what crosses.
    pub taps: bool,
}

/// Packets that an idle terminal keeps.
const HELD_MAX: usize = 64;

/// A terminal.
pub struct Ue {
    l1: UeL1,
    l2: UeL2,
    cp: UeCp,
    indication: UeIndication,
    response: UeResponse,
    bursts: UlBursts,
    l2_events: Outbox<L2Event>,
    cp_outputs: Outbox<CpOutput>,
    events: VecDeque<(Tc, CpEvent)>,
    downlink: VecDeque<Vec<u8>>,
    sessions: Vec<SessionInfo>,
    /// Packets of an idle terminal that wait for its connection.
    held: VecDeque<Vec<u8>>,
    taps: Vec<Tap>,
    keep_taps: bool,
    now: Tc,
}

impl Ue {
    /// A terminal that is switched off. Everything random comes from `rng`.
    pub fn new(config: UeConfig, rng: &Rng) -> Self {
        let l2 = ue_l2::Config { ue: config.number, tap_downlink: config.taps, ..ue_l2::Config::default() };
        Self {
            l1: UeL1::new(config.l1, rng.fork("l1")),
            l2: UeL2::new(l2, rng.fork("l2")),
            cp: UeCp::new(config.cp, config.number, rng.fork("cp")),
            indication: UeIndication::default(),
            response: UeResponse::default(),
            bursts: UlBursts::default(),
            l2_events: Outbox::default(),
            cp_outputs: Outbox::default(),
            events: VecDeque::new(),
            downlink: VecDeque::new(),
            sessions: Vec::new(),
            held: VecDeque::new(),
            taps: Vec::new(),
            keep_taps: config.taps,
            now: Tc::ZERO,
        }
    }
    /// Samples and tuning that [`Ue::run`] wants next.
    pub fn need(&self) -> Need {
        self.l1.need()
    }
    /// The slot that comes next, and the sample count at which it starts; `None` while no cell is served.
    pub fn timing(&self) -> Option<(SlotPoint, f64)> {
        self.l1.timing()
    }
    /// Spreads the physical layer's work over `crew` from now on; the bits stay the same.
    pub fn set_crew(&mut self, crew: &node::Crew) {
        self.l1.set_crew(crew);
    }
    /// Switches the terminal on: it begins to search.
    pub fn switch_on(&mut self) {
        self.cp.switch_on(self.now, &mut self.cp_outputs);
        self.settle();
    }
    /// Deregisters and switches off.
    pub fn switch_off(&mut self) {
        self.cp.switch_off(self.now, &mut self.cp_outputs);
        self.settle();
    }
    /// The bursts of the last run, stamped in the terminal's sample count.
    pub fn bursts(&self) -> &UlBursts {
        &self.bursts
    }
    /// What happened, with the terminal's time.
    pub fn event(&mut self) -> Option<(Tc, CpEvent)> {
        self.events.pop_front()
    }
    /// The next packet that came for the user.
    pub fn receive_packet(&mut self) -> Option<Vec<u8>> {
        self.downlink.pop_front()
    }
    /// A packet of the user, over the first session. `false`: there is no bearer yet, or its queue is full.
    ///
    /// An idle terminal keeps it and asks for its connection.
    pub fn send_packet(&mut self, packet: Vec<u8>) -> bool {
        let Some(s) = self.sessions.first() else { return false };
        let Some(qfi) = Qfi::new(s.qfi) else { return false };
        if self.held.is_empty() && self.l2.has_bearer(s.id) {
            return self.l2.send_packet(self.now, s.id, qfi, packet, &mut self.response, &mut self.l2_events).is_ok();
        }
        let room = self.held.len() < HELD_MAX;
        if room {
            self.held.push_back(packet);
        }
        room
    }
    /// Packets that waited for a bearer go, or the connection is asked for.
    pub(crate) fn send_held(&mut self) {
        let Some(s) = self.sessions.first() else { return self.held.clear() };
        let (id, Some(qfi)) = (s.id, Qfi::new(s.qfi)) else { return };
        if !self.l2.has_bearer(id) {
            return self.cp.uplink_data(self.now, id, &mut self.cp_outputs);
        }
        while let Some(packet) = self.held.pop_front() {
            let _ = self.l2.send_packet(self.now, id, qfi, packet, &mut self.response, &mut self.l2_events);
        }
    }
    /// Uplink bytes that wait below, over the first session.
    pub fn queued_bytes(&self) -> usize {
        let held: usize = self.held.iter().map(Vec::len).sum();
        self.sessions.first().map_or(0, |s| held + self.l2.queued_bytes(s.id))
    }
    /// Sessions that are up.
    pub fn sessions(&self) -> &[SessionInfo] {
        &self.sessions
    }
    /// Copies of what crossed since the last call.
    pub fn drain_taps(&mut self, out: &mut Vec<Tap>) {
        out.append(&mut self.taps);
        out.extend(self.l2.drain_taps());
    }
    /// The terminal's own time.
    pub fn now(&self) -> Tc {
        self.now
    }
    /// The control plane, to look at.
    pub fn cp(&self) -> &UeCp {
        &self.cp
    }
    /// Its C-RNTI, while it holds one.
    pub fn c_rnti(&self) -> Option<Rnti> {
        self.l2.c_rnti()
    }
    /// The physical layer, to look at.
    pub fn l1(&self) -> &UeL1 {
        &self.l1
    }
}
