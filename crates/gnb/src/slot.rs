//! One slot of the base station: what the air brought, what we decide, what goes on the air. Read this first.

use crate::{Gnb, GnbOutput, K_AHEAD, PLANS};
use dsp::Cf32;
use gnb_cu::CuOutput;
use nr::{SlotPoint, Tc};

impl Gnb {
    /// Runs one slot.
    ///
    /// - `slot`  the slot that goes on the air
    /// - `now`   its beginning
    /// - `rx`    an earlier slot and its uplink samples, `[antenna][sample]`, where there are any yet: consecutive slots, each once
    /// - `tx`    overwritten with the samples of `slot`, `[antenna][sample]`
    pub fn run(&mut self, slot: SlotPoint, now: Tc, rx: Option<(SlotPoint, &[Cf32])>, tx: &mut [Cf32]) {
        // up: samples -> control; then control -> scheduler, and blocks -> packets and messages
        self.control.clear();
        self.data.clear();
        if let Some((rx_slot, samples)) = rx {
            let plan = &self.plans[rx_slot.index() as usize % PLANS];
            if plan.slot == rx_slot {
                // A slot that cannot be received is a slot without answers: HARQ and timers see to it.
                let _ = self.l1.receive_control(rx_slot, samples, plan, &mut self.control);
            }
        }
        let (du, control, l1, data) = (&mut self.du, &self.control, &mut self.l1, &mut self.data);
        // Feedback does not wait for LDPC.
        self.crew.join(|| du.control_indication(now, slot, control), || _ = l1.receive_data(data));
        self.du.data_indication(now, slot, &self.data);
        self.timeouts(now);
        self.settle(now);

        // decide: slot n for slot n + K_AHEAD
        for ahead in slot_range(self.decided, slot) {
            let plan = &mut self.plans[ahead.index() as usize % PLANS];
            self.du.decide(now, ahead, plan);
            if let Some(tamper) = &mut self.tamper {
                tamper(plan);
            }
            self.decided = Some(ahead);
        }
        self.settle(now);

        // down: PDUs -> samples
        let plan = &self.plans[slot.index() as usize % PLANS];
        if plan.slot != slot || self.l1.transmit(plan, tx).is_err() {
            tx.fill(Cf32::default());
        }
    }
    fn timeouts(&mut self, now: Tc) {
        if self.cu.deadline().is_some_and(|t| t <= now) {
            self.cu.timeout(now, &mut self.cu_outputs);
        }
    }
    /// Moves what one unit put out into the other, until nothing is left.
    pub(crate) fn settle(&mut self, now: Tc) {
        loop {
            if let Some(m) = self.du.pop() {
                self.cu.f1(now, m, &mut self.cu_outputs);
            } else if let Some(t) = self.du.pop_tap() {
                self.outputs.push_back(GnbOutput::Tap(t));
            } else if let Some(o) = self.cu_outputs.pop() {
                match o {
                    CuOutput::F1(m) => self.du.f1(now, m),
                    CuOutput::N2(bytes) => self.outputs.push_back(GnbOutput::N2(bytes)),
                    CuOutput::N3 { to, packet } => self.outputs.push_back(GnbOutput::N3 { to, packet }),
                    CuOutput::Event(e) => self.outputs.push_back(GnbOutput::Event(e)),
                }
            } else {
                return;
            }
        }
    }
}

/// The slots that are to be decided now: up to `slot + K_AHEAD`, each once and in order.
fn slot_range(decided: Option<SlotPoint>, slot: SlotPoint) -> impl Iterator<Item = SlotPoint> {
    let last = slot.plus(K_AHEAD);
    let first = match decided {
        Some(d) if (0..=K_AHEAD + 1).contains(&last.minus(d)) => d.plus(1),
        _ => slot,
    };
    let n = last.minus(first) + 1;
    (0..n.max(0)).map(move |i| first.plus(i))
}
