//! One slot of the terminal: what the air brought, what the layers make of it, what goes on the air. Read this first.

use crate::Ue;
use dsp::Cf32;
use fapi::ue::UeL1Event;
use seam::ue::L2Event;
use ue_cp::{CpEvent, CpOutput};

impl Ue {
    /// Takes exactly the samples that [`Ue::need`] asked for, `[antenna][sample]`: about one slot of the terminal's own time.
    pub fn run(&mut self, samples: &[Cf32]) {
        // up the layers: samples -> blocks and grants -> messages and packets
        self.indication.clear();
        self.l1.receive(samples, &mut self.indication);
        self.now = self.indication.now;
        self.l2.handle_indication(&self.indication, &mut self.response, &mut self.l2_events);
        if let Some(slot) = self.indication.slot {
            self.cp.set_slot(slot);
        }
        self.control_plane();

        // timers of this slot, and what follows from all of it
        self.timeouts();
        if !self.held.is_empty() {
            self.send_held();
        }
        self.settle();

        // down the layers: blocks for grants and commands -> samples
        self.l1.respond(&self.response);
        self.response.clear();
        self.bursts.clear();
        self.l1.transmit(&mut self.bursts);
    }
    /// What L1 has to say to RRC.
    fn control_plane(&mut self) {
        let indication = std::mem::take(&mut self.indication);
        for event in &indication.events {
            if matches!(event, UeL1Event::CellFound { .. } | UeL1Event::SearchExhausted { .. } | UeL1Event::InSync(_)) {
                self.cp.l1_event(self.now, event, &mut self.cp_outputs);
            }
        }
        self.indication = indication;
    }
    fn timeouts(&mut self) {
        if self.l2.deadline().is_some_and(|t| t <= self.now) {
            self.l2.timeout(self.now, &mut self.response, &mut self.l2_events);
        }
        if self.cp.deadline().is_some_and(|t| t <= self.now) {
            self.cp.timeout(self.now, &mut self.cp_outputs);
        }
    }
    /// Moves what one layer put out into the next, until nothing is left.
    pub(crate) fn settle(&mut self) {
        loop {
            if let Some(e) = self.l2_events.pop() {
                match e {
                    L2Event::User { packet, .. } => self.downlink.push_back(packet),
                    e => self.cp.l2_event(self.now, e, &mut self.cp_outputs),
                }
            } else if let Some(o) = self.cp_outputs.pop() {
                match o {
                    CpOutput::L1(c) => self.response.commands.push(c),
                    CpOutput::L2(c) => self.l2.command(self.now, c, &mut self.response, &mut self.l2_events),
                    CpOutput::Event(e) => self.remember(e),
                    CpOutput::Tap(t) if self.keep_taps => self.taps.push(t),
                    CpOutput::Tap(_) => {}
                }
            } else {
                return;
            }
        }
    }
    fn remember(&mut self, event: CpEvent) {
        match &event {
            CpEvent::SessionUp(s) => {
                self.sessions.retain(|x| x.id != s.id);
                self.sessions.push(s.clone());
            }
            CpEvent::SessionDown { id } => self.sessions.retain(|x| x.id != *id),
            CpEvent::Deregistered => self.sessions.clear(),
            _ => {}
        }
        self.events.push_back((self.now, event));
    }
}
