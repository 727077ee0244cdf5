//! The whole network on one clock: base station, channel, terminals, core, data network.
//!
//! One [`World::step`] is one slot of the base station. In it the base station and the terminals run side by side, each on what
//! the other sent in earlier steps, and their results join in a fixed order: any number of threads gives the same bits.
//!
//! | in step s | works on | gives |
//! |---|---|---|
//! | channel | bursts of steps before s | uplink samples of slot s - 2 |
//! | base station | those samples | samples of slot s, messages, packets |
//! | terminals | samples of slots before s | bursts, messages, packets |
//! | core, gateway | messages and packets of step s | answers, for step s + 1 |
//!
//! A terminal has seen slot n at the latest in step n + 2 and builds its uplink two slots ahead, so bursts of slot n + 2 are there
//! when the channel sums that slot in step n + 4.

mod client;
mod hash;
mod observe;
mod setup;
mod terminal;

use crate::report::{LiveLine, Progress, Report};
use crate::scenario::Scenario;
use air::Air;
use cn::{Core, CoreInput, CoreOutput, GnbId};
use dsp::Cf32;
use gnb::{Gnb, GnbOutput};
use hash::EventHash;
use io::gateway::Gateway;
use io::proxy::Proxy;
use node::{Direction, Frame, Node, Outbox, Tap};
use nr::{Numerology, SYMBOLS_PER_SLOT, SlotPoint, Tc};
use obs::metrics::Durations;
use std::net::IpAddr;
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
    gnb: Gnb,
    core: Core,
    core_out: Outbox<CoreOutput>,
    gateway: Gateway,
    proxy: Option<Proxy>,
    terminals: Vec<Terminal>,
    pool: Option<rayon::ThreadPool>,
    tx: Vec<Cf32>,
    rx: Vec<Cf32>,
    upf_n3: IpAddr,
    gnb_n3: IpAddr,
    hash: EventHash,
    progress: Vec<Progress>,
    taps: Vec<Tap>,
    keep_taps: bool,
    log: obs::log::Filter,
    /// Blocks that failed and that were lost for good so far, down and up: for the log.
    lost: [(u64, u64); 2],
    iq: Option<IqSink>,
    tamper_n2: Option<N2Tamper>,
    report: Report,
    gnb_times: Durations,
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
        self.gnb.tamper(f);
    }
    /// A fault between core and base station, for tests: `f` sees every NGAP message of the core.
    pub fn tamper_n2(&mut self, f: N2Tamper) {
        self.tamper_n2 = Some(f);
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
        let rx_slot = self.pull_uplink(slot);
        self.run_radios(slot, now, rx_slot);
        self.air.push_downlink(&self.tx);
        self.hash.samples(&self.tx);
        if let Some(sink) = &mut self.iq {
            sink(&self.tx, &self.rx);
        }
        self.route(now);
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
    /// The uplink samples of the slot that is due, from n-TimingAdvanceOffset before its downlink.
    fn pull_uplink(&mut self, slot: SlotPoint) -> Option<SlotPoint> {
        if self.count < RX_LAG {
            self.rx.clear();
            return None;
        }
        let rx_slot = slot.plus(-RX_LAG);
        let len = self.gnb.ul_carrier().slot_len(rx_slot);
        self.rx.resize(len, Cf32::default());
        // The first window begins before the first sample: that part is silence.
        let skip = if self.count == RX_LAG { self.uplink_offset().min(len) } else { 0 };
        self.rx[..skip].fill(Cf32::default());
        let duplex = &self.gnb.du().cell().config.duplex;
        if (0..SYMBOLS_PER_SLOT as u8).any(|l| duplex.is_uplink(rx_slot, l, 1)) {
            self.air.pull_uplink(&mut self.rx[skip..]);
            self.hash.samples(&self.rx);
        } else {
            // Between downlink slots the receiver is off.
            self.air.skip_uplink(&mut self.rx[skip..]);
        }
        Some(rx_slot)
    }
    fn uplink_offset(&self) -> usize {
        let rate = self.gnb.ul_carrier().sample_rate_hz() as i128;
        (self.scenario.cell.n_ta_offset_tc as i128 * rate / Tc::PER_SECOND as i128) as usize
    }
    /// Base station and terminals side by side.
    fn run_radios(&mut self, slot: SlotPoint, now: Tc, rx_slot: Option<SlotPoint>) {
        self.tx.resize(self.gnb.dl_carrier().slot_len(slot), Cf32::default());
        let (gnb, tx, rx, times) = (&mut self.gnb, &mut self.tx, &self.rx, &mut self.gnb_times);
        let mut base = move || {
            let begun = Instant::now();
            gnb.run(slot, now, rx_slot.map(|s| (s, &rx[..])), tx);
            times.add_us(begun.elapsed().as_secs_f64() * 1e6);
        };
        let (downlink, links) = self.air.split_mut();
        let mut pairs: Vec<_> = self.terminals.iter_mut().zip(links.iter_mut()).collect();
        match &self.pool {
            Some(pool) => pool.install(|| {
                use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};
                rayon::join(base, || pairs.par_iter_mut().for_each(|(t, link)| t.run(now, downlink, link)));
            }),
            None => {
                base();
                pairs.iter_mut().for_each(|(t, link)| t.run(now, downlink, link));
            }
        }
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
                    GnbOutput::Event(e) => self.gnb_event(now, e),
                    // What goes down is taken where it was received: at the terminals.
                    GnbOutput::Tap(t) if t.direction == Direction::Uplink => self.keep_of_gnb(t),
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
            CoreOutput::Event(e) => self.core_event(now, e),
            CoreOutput::Tap(t) => self.keep(t),
        }
    }
    fn keep(&mut self, tap: Tap) {
        if self.keep_taps {
            self.taps.push(tap);
        }
    }
    /// The base station numbers its UEs itself: what it saw is filed under the terminal that holds the RNTI.
    fn keep_of_gnb(&mut self, mut tap: Tap) {
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
            let gone = self.terminals.iter().all(|t| t.is_off()) && self.gnb.cu().n_ues() == 0;
            if gone || now - since > Tc::from_ms(2000) {
                self.finished = true;
            }
        }
    }
    /// The last second for the live line.
    fn live_line(&mut self, now: Tc) -> LiveLine {
        self.live.line(now, &self.terminals, &self.gnb, &self.gnb_times, self.numerology)
    }
}
