//! The whole network on one clock: base station, channel, terminals, core, data network.
//!
//! One [`World::step`] is one slot of the base station. In it the network's side and the terminals run at once, each on what
//! the other sent in earlier steps, and their results join in a fixed order: any number of threads gives the same bits. Threads that
//! are done with one side take pieces of the other's physical layers.
//!
//! | in step s | works on | gives |
//! |---|---|---|
//! | channel | bursts of steps before s | uplink samples of slot s - 2 |
//! | network: base station | those samples | samples of slot s, messages, packets |
//! | network: core, gateway | messages and packets of step s | answers, for step s + 1 |
//! | terminals | samples of slots before s | bursts, messages, packets |
//!
//! A terminal has seen slot n at the latest in step n + 2 and builds its uplink two slots ahead, so bursts of slot n + 2 are there
//! when the channel sums that slot in step n + 4.

mod client;
mod hash;
mod network;
mod observe;
mod setup;
mod terminal;

use crate::report::{LiveLine, Progress, Report};
use crate::scenario::Scenario;
use air::{Air, Link};
use cn::GnbId;
use dsp::Cf32;
use io::proxy::Proxy;
use network::{Network, NetworkEvent};
use node::{Crew, Frame, Node, Tap};
use nr::{Numerology, SYMBOLS_PER_SLOT, SlotPoint, Tc};
use std::time::Instant;
use terminal::Terminal;

pub use setup::{Entropy, SetupError};

/// Takes the samples of a slot: what the base station sent, and what it received two slots earlier.
pub type IqSink = Box<dyn FnMut(&[Cf32], &[Cf32]) + Send>;

/// Changes an NGAP message of the core on its way to the base station.
pub type N2Tamper = Box<dyn FnMut(&mut Vec<u8>) + Send>;

/// Slots after the air at which the base station looks at its uplink.
const RX_LAG: i64 = 2;
/// The association of our one base station.
const GNB: GnbId = GnbId(1);

/// The network.
pub struct World {
    scenario: Scenario,
    numerology: Numerology,
    first_slot: SlotPoint,
    count: i64,
    air: Air,
    net: Network,
    proxy: Option<Proxy>,
    terminals: Vec<Terminal>,
    /// The threads that all layers share.
    crew: Crew,
    progress: Vec<Progress>,
    taps: Vec<Tap>,
    keep_taps: bool,
    log: obs::log::Filter,
    /// Blocks that failed and that were lost for good so far, down and up: for the log.
    lost: [(u64, u64); 2],
    iq: Option<IqSink>,
    report: Report,
    live: observe::LiveState,
    started: Instant,
    stopping: Option<Tc>,
    finished: bool,
}

impl World {
    /// The network's time: the beginning of the next slot.
    pub fn now(&self) -> Tc {
        Tc(self.count * self.numerology.slot_tc().0)
    }
    /// How long a step lasts on the air.
    pub fn slot_duration(&self) -> Tc {
        self.numerology.slot_tc()
    }
    /// The scenario it runs.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }
    /// What happened since the last call.
    pub fn drain_progress(&mut self, out: &mut Vec<Progress>) {
        out.append(&mut self.progress);
    }
    /// What crossed since the last call, if the scenario asks for captures.
    pub fn drain_taps(&mut self, out: &mut Vec<Tap>) {
        out.append(&mut self.taps);
    }
    /// Hands every slot's samples to `sink`.
    pub fn record(&mut self, sink: IqSink) {
        self.iq = Some(sink);
    }
    /// A fault of the base station alone, for tests: `f` sees every slot that it decided.
    pub fn tamper_plans(&mut self, f: gnb::PlanTamper) {
        self.net.gnb.tamper(f);
    }
    /// A fault between core and base station, for tests: `f` sees every NGAP message of the core.
    pub fn tamper_n2(&mut self, f: N2Tamper) {
        self.net.tamper_n2 = Some(f);
    }
    /// A packet of the data network for a terminal, for tests.
    pub fn send_downlink(&mut self, packet: Vec<u8>) {
        let now = self.now();
        self.net.core.handle(now, cn::CoreInput::N6 { packet }, &mut self.net.core_out);
    }
    /// What the UPF has counted.
    pub fn upf_stats(&self) -> cn::upf::UpfStats {
        self.net.core.upf_stats()
    }
    /// Switches all terminals off; the run is over when they have deregistered, or two seconds later.
    pub fn request_stop(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        self.stopping = Some(self.now());
        for t in &mut self.terminals {
            t.switch_off();
        }
    }
    /// Nothing more will happen.
    pub fn finished(&self) -> bool {
        self.finished
    }
    /// The report as it stands.
    pub fn report(&mut self) -> Report {
        self.fill_report();
        self.report.clone()
    }
    /// One slot of the base station: see the module's page.
    pub fn step(&mut self) {
        let slot = self.first_slot.plus(self.count);
        let now = self.now();
        self.dark_or_light(now);
        self.run_sides(slot, now);
        self.air.push_downlink(&self.net.tx);
        if let Some(sink) = &mut self.iq {
            // What the first antenna sends and receives.
            let (tx, rx, n) = (&self.net.tx, &self.net.rx, self.net.n_antennas);
            sink(&tx[..tx.len() / n], &rx[..rx.len() / n]);
        }
        self.network_events(now);
        self.proxies(now);
        self.observe(now);
        self.count += 1;
        self.settle_end();
    }
    fn dark_or_light(&mut self, now: Tc) {
        if let Some(at) = self.scenario.air.blackout_at_s {
            let t = now.as_secs_f64();
            self.air.set_blackout(t >= at && t < at + self.scenario.air.blackout_s);
        }
    }
    fn uplink_offset(&self) -> usize {
        let rate = self.net.gnb.ul_carrier().sample_rate_hz() as i128;
        (self.scenario.cell.n_ta_offset_tc as i128 * rate / Tc::PER_SECOND as i128) as usize
    }
    /// The network's side with what it hears, and the terminals, at once.
    fn run_sides(&mut self, slot: SlotPoint, now: Tc) {
        let (count, offset) = (self.count, self.uplink_offset());
        let (mut uplink, downlink, links) = self.air.sides();
        let (net, terminals) = (&mut self.net, &mut self.terminals);
        let crew = &self.crew;
        crew.join(
            || {
                let rx_slot = pull_uplink(net, &mut uplink, count, slot, offset);
                net.run(slot, now, rx_slot);
            },
            || terminals_and_links(crew, terminals, links, &|t, link| t.run(now, downlink, link)),
        );
        self.air.unite();
    }
    /// What the network's side said in this slot.
    fn network_events(&mut self, now: Tc) {
        let mut events = std::mem::take(&mut self.net.events);
        for event in events.drain(..) {
            match event {
                NetworkEvent::Gnb(e) => self.gnb_event(now, e),
                NetworkEvent::Core(e) => self.core_event(now, e),
                NetworkEvent::Tap(t) => self.keep_tap(t),
            }
        }
        self.net.events = events;
    }
    fn keep(&mut self, tap: Tap) {
        if self.keep_taps {
            self.taps.push(tap);
        }
    }
    /// The base station numbers its UEs itself: what it saw is filed under the terminal that holds the RNTI.
    fn keep_tap(&mut self, mut tap: Tap) {
        if let Frame::Mac { rnti, .. } = tap.frame {
            tap.ue = self.terminals.iter().find(|t| t.ue().c_rnti() == Some(rnti)).map_or(0, |t| t.number);
        }
        self.keep(tap);
    }
    fn proxies(&mut self, now: Tc) {
        let Some(proxy) = &mut self.proxy else { return };
        let mut resolved = Vec::new();
        for (i, t) in self.terminals.iter_mut().enumerate() {
            resolved.extend(t.resolved().map(|(ticket, addresses)| (i, ticket, addresses)));
        }
        let mut hosts: Vec<_> = self.terminals.iter_mut().map(|t| t.host_mut()).collect();
        for (ue, ticket, addresses) in resolved {
            proxy.resolved(ue, ticket, &addresses, &mut hosts, now);
        }
        proxy.poll(&mut hosts, now);
    }
    fn settle_end(&mut self) {
        let now = self.now();
        let once = self.scenario.run.once;
        if once && self.stopping.is_none() {
            let done = self.terminals.iter().all(|t| t.client_is_done());
            let late = now.as_secs_f64() >= self.scenario.run.air_seconds_max;
            if late {
                self.give_up(now);
            }
            if done || late {
                self.request_stop();
            }
        }
        if let Some(since) = self.stopping {
            let gone = self.terminals.iter().all(|t| t.is_off()) && self.net.gnb.cu().n_ues() == 0;
            if gone || now - since > Tc::from_ms(2000) {
                self.finished = true;
            }
        }
    }
    /// The last second for the live line.
    fn live_line(&mut self, now: Tc) -> LiveLine {
        self.live.line(now, &self.terminals, &self.net.gnb, &self.net.times, self.numerology)
    }
}

/// The uplink samples of the slot that is due, from n-TimingAdvanceOffset (`offset` samples) before its downlink.
fn pull_uplink(
    net: &mut Network,
    uplink: &mut air::Uplink<'_>,
    count: i64,
    slot: SlotPoint,
    offset: usize,
) -> Option<SlotPoint> {
    net.rx.clear();
    if count < RX_LAG {
        return None;
    }
    let rx_slot = slot.plus(-RX_LAG);
    let len = net.gnb.ul_carrier().slot_len(rx_slot);
    let n_antennas = net.n_antennas;
    net.rx.resize(n_antennas * len, Cf32::default());
    // The first window begins before the first sample: that part is silence.
    let skip = if count == RX_LAG { offset.min(len) } else { 0 };
    let duplex = &net.gnb.du().cell().config.duplex;
    if (0..SYMBOLS_PER_SLOT as u8).any(|l| duplex.is_uplink(rx_slot, l, 1)) {
        if skip == 0 {
            uplink.pull(&mut net.rx);
        } else {
            let mut heard = vec![Cf32::default(); n_antennas * (len - skip)];
            uplink.pull(&mut heard);
            for (rx, heard) in net.rx.chunks_exact_mut(len).zip(heard.chunks_exact(len - skip)) {
                rx[skip..].copy_from_slice(heard);
            }
        }
        net.hash.samples(&net.rx);
    } else {
        // Between downlink slots the receiver is off.
        let silent = n_antennas * (len - skip);
        uplink.skip(&mut net.rx[..silent]);
    }
    Some(rx_slot)
}

/// Runs `f` on every terminal with its link, in halves.
fn terminals_and_links(
    crew: &Crew,
    terminals: &mut [Terminal],
    links: &mut [Link],
    f: &(dyn Fn(&mut Terminal, &mut Link) + Sync),
) {
    let n = terminals.len().min(links.len());
    if n < 2 || crew.width() == 1 {
        return terminals.iter_mut().zip(links).for_each(|(t, link)| f(t, link));
    }
    let (left, right) = terminals.split_at_mut(n / 2);
    let (links_left, links_right) = links.split_at_mut(n / 2);
    crew.join(|| terminals_and_links(crew, left, links_left, f), || terminals_and_links(crew, right, links_right, f));
}
