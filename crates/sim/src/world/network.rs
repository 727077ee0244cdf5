//! The network's side of a slot: base station, core, data network. It touches nothing of the terminals, so both sides run at once.

use super::hash::EventHash;
use super::{GNB, N2Tamper};
use cn::{Core, CoreEvent, CoreInput, CoreOutput};
use dsp::Cf32;
use gnb::{Gnb, GnbOutput};
use gnb_cu::CuEvent;
use io::gateway::Gateway;
use node::{Direction, Node, Outbox, Tap};
use nr::{SlotPoint, Tc};
use obs::metrics::Durations;
use std::net::IpAddr;
use std::time::Instant;

/// What the network's side had to say, in order.
pub enum NetworkEvent {
    /// The base station.
    Gnb(CuEvent),
    /// The core.
    Core(CoreEvent),
    /// What crossed.
    Tap(Tap),
}

/// Base station, core and data network.
pub struct Network {
    pub gnb: Gnb,
    pub core: Core,
    pub core_out: Outbox<CoreOutput>,
    pub gateway: Gateway,
    pub upf_n3: IpAddr,
    pub gnb_n3: IpAddr,
    pub hash: EventHash,
    pub tamper_n2: Option<N2Tamper>,
    /// Antennas of the base station.
    pub n_antennas: usize,
    /// Samples of the present slot, and those received of an earlier one, `[antenna][sample]`.
    pub tx: Vec<Cf32>,
    pub rx: Vec<Cf32>,
    pub times: Durations,
    /// What happened in this slot.
    pub events: Vec<NetworkEvent>,
}

impl Network {
    /// One slot: `rx`, of `rx_slot` if there is one, to `tx`, and all messages and packets that follow.
    pub fn run(&mut self, slot: SlotPoint, now: Tc, rx_slot: Option<SlotPoint>) {
        self.tx.resize(self.n_antennas * self.gnb.dl_carrier().slot_len(slot), Cf32::default());
        let begun = Instant::now();
        self.gnb.run(slot, now, rx_slot.map(|s| (s, &self.rx[..])), &mut self.tx);
        self.times.add_us(begun.elapsed().as_secs_f64() * 1e6);
        self.hash.samples(&self.tx);
        self.route(now);
    }
    /// Messages and packets between base station, core and data network.
    fn route(&mut self, now: Tc) {
        loop {
            let mut moved = false;
            while let Some(o) = self.gnb.output() {
                moved = true;
                match o {
                    GnbOutput::N2(bytes) => {
                        self.hash.bytes(&bytes);
                        self.core.handle(now, CoreInput::N2 { gnb: GNB, bytes }, &mut self.core_out);
                    }
                    GnbOutput::N3 { packet, .. } => {
                        self.hash.bytes(&packet);
                        let input = CoreInput::N3 { from: self.gnb_n3, bytes: packet };
                        self.core.handle(now, input, &mut self.core_out);
                    }
                    GnbOutput::Event(e) => self.events.push(NetworkEvent::Gnb(e)),
                    // What goes down is taken where it was received: at the terminals.
                    GnbOutput::Tap(t) if t.direction == Direction::Uplink => self.events.push(NetworkEvent::Tap(t)),
                    GnbOutput::Tap(_) => {}
                }
            }
            if self.core.deadline().is_some_and(|t| t <= now) {
                self.core.timeout(now, &mut self.core_out);
            }
            while let Some(o) = self.core_out.pop() {
                moved = true;
                self.core_output(now, o);
            }
            self.gateway.poll(now);
            while let Some(packet) = self.gateway.transmit() {
                moved = true;
                self.core.handle(now, CoreInput::N6 { packet }, &mut self.core_out);
            }
            if !moved {
                return;
            }
        }
    }
    fn core_output(&mut self, now: Tc, output: CoreOutput) {
        match output {
            CoreOutput::N2 { mut bytes, .. } => {
                if let Some(tamper) = &mut self.tamper_n2 {
                    tamper(&mut bytes);
                }
                self.hash.bytes(&bytes);
                self.gnb.n2(now, &bytes);
            }
            CoreOutput::N3 { bytes, .. } => {
                self.hash.bytes(&bytes);
                self.gnb.n3(now, self.upf_n3, &bytes);
            }
            CoreOutput::N6 { packet } => self.gateway.receive(packet, now),
            CoreOutput::Event(e) => self.events.push(NetworkEvent::Core(e)),
            CoreOutput::Tap(t) => self.events.push(NetworkEvent::Tap(t)),
        }
    }
}
