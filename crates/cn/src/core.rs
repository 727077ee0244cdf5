//! The composition: what one function puts into its outbox goes into the next one's inbox, here and nowhere else.

use std::net::IpAddr;

use node::{Direction, Frame, Node, Outbox, Tap};
use nr::{Supi, Tc};

use crate::amf::{Amf, AmfInput, AmfOutput, GnbId};
use crate::ausf::Ausf;
use crate::config::CoreConfig;
use crate::event::CoreEvent;
use crate::smf::{Smf, SmfInput, SmfOutput};
use crate::udm::Udm;
use crate::upf::{Upf, UpfInput, UpfOutput, UpfStats};

/// What a core can be told.
#[derive(Clone, Debug)]
pub enum CoreInput {
    /// N2: an NGAP message.
    N2 {
        /// From this gNB.
        gnb: GnbId,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// N2: a gNB's association is gone.
    N2Closed {
        /// This gNB's.
        gnb: GnbId,
    },
    /// N3: a GTP-U packet.
    N3 {
        /// Its sender.
        from: IpAddr,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// N6: an IP packet for a UE. Leave [`gtpu::HEADER_LEN`] octets of capacity, and it is not moved to another buffer.
    N6 {
        /// Its bytes.
        packet: Vec<u8>,
    },
    /// The operator: deregister a UE.
    Deregister {
        /// This one.
        supi: Supi,
    },
    /// The operator: release a session.
    ReleaseSession {
        /// Whose.
        supi: Supi,
        /// PDU session identity.
        session: u8,
    },
}

/// What a core answers.
#[derive(Clone, Debug)]
pub enum CoreOutput {
    /// N2: an NGAP message.
    N2 {
        /// To this gNB.
        gnb: GnbId,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// N3: a GTP-U packet.
    N3 {
        /// To this gNB.
        to: IpAddr,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// N6: an IP packet of a UE, whose source address is the UE's own.
    N6 {
        /// Its bytes.
        packet: Vec<u8>,
    },
    /// An event.
    Event(CoreEvent),
    /// What crossed an interface.
    Tap(Tap),
}

/// A whole core.
pub struct Core {
    amf: Amf,
    ausf: Ausf,
    udm: Udm,
    smf: Smf,
    upf: Upf,
    smf_n4: IpAddr,
    tap_control: bool,
    tap_user: bool,
    from_amf: Outbox<AmfOutput>,
    from_smf: Outbox<SmfOutput>,
    from_upf: Outbox<UpfOutput>,
}

impl Core {
    /// A core of this configuration. Each function gets a generator of its own, forked from `rng`.
    ///
    /// Its first deadline is at once: SMF and UPF associate.
    pub fn new(config: &CoreConfig, rng: &node::Rng) -> Self {
        Self {
            amf: Amf::new(config, rng.fork("amf")),
            ausf: Ausf::default(),
            udm: Udm::new(config, rng.fork("udm")),
            smf: Smf::new(config, rng.fork("smf")),
            upf: Upf::new(config, rng.fork("upf")),
            smf_n4: config.smf_n4,
            tap_control: config.taps.control,
            tap_user: config.taps.user,
            from_amf: Outbox::default(),
            from_smf: Outbox::default(),
            from_upf: Outbox::default(),
        }
    }

    /// The AMF, to look at.
    pub fn amf(&self) -> &Amf {
        &self.amf
    }

    /// The UDM, to look at.
    pub fn udm(&self) -> &Udm {
        &self.udm
    }

    /// The SMF, to look at.
    pub fn smf(&self) -> &Smf {
        &self.smf
    }

    /// What the UPF has counted.
    pub fn upf_stats(&self) -> UpfStats {
        self.upf.stats()
    }

    /// Sessions at the UPF.
    pub fn upf_sessions(&self) -> usize {
        self.upf.session_count()
    }

    fn tap(&self, at: Tc, direction: Direction, frame: Frame, out: &mut Outbox<CoreOutput>) {
        out.push(CoreOutput::Tap(Tap { at, direction, ue: 0, frame }));
    }

    /// Moves values until every outbox is empty: AMF first, then SMF, then UPF.
    fn run(&mut self, now: Tc, out: &mut Outbox<CoreOutput>) {
        loop {
            if let Some(output) = self.from_amf.pop() {
                self.amf_output(now, output, out);
            } else if let Some(output) = self.from_smf.pop() {
                self.smf_output(now, output, out);
            } else if let Some(output) = self.from_upf.pop() {
                self.upf_output(now, output, out);
            } else {
                return;
            }
        }
    }

    fn amf_output(&mut self, now: Tc, output: AmfOutput, out: &mut Outbox<CoreOutput>) {
        match output {
            AmfOutput::N2 { gnb, bytes } => out.push(CoreOutput::N2 { gnb, bytes }),
            AmfOutput::Ausf(request) => {
                let answer = self.ausf.request(request).unwrap_or_else(|ask| {
                    let resync = ask.resync.as_ref().map(|(rand, auts)| (rand, auts));
                    let result = self.udm.generate(&ask.identity, resync);
                    self.ausf.udm(ask.ue, result)
                });
                self.amf.handle(now, AmfInput::Ausf(answer), &mut self.from_amf);
            }
            AmfOutput::Subscription { ue, supi } => {
                let subscription = self.udm.access(&supi);
                self.amf.handle(now, AmfInput::Subscription { ue, subscription }, &mut self.from_amf);
            }
            AmfOutput::Smf(message) => self.smf.handle(now, SmfInput::Amf(message), &mut self.from_smf),
            AmfOutput::Event(event) => {
                if let CoreEvent::Released { ue, .. } = event {
                    self.ausf.forget(ue);
                }
                out.push(CoreOutput::Event(event));
            }
            AmfOutput::Tap(tap) => out.push(CoreOutput::Tap(tap)),
        }
    }

    fn smf_output(&mut self, now: Tc, output: SmfOutput, out: &mut Outbox<CoreOutput>) {
        match output {
            SmfOutput::Amf(message) => self.amf.handle(now, AmfInput::Smf(message), &mut self.from_amf),
            SmfOutput::Subscription { seid, supi } => {
                let subscription = self.udm.session(&supi);
                self.smf.handle(now, SmfInput::Subscription { seid, subscription }, &mut self.from_smf);
            }
            SmfOutput::N4(bytes) => {
                if self.tap_control {
                    self.tap(now, Direction::Downlink, Frame::Pfcp(bytes.clone()), out);
                }
                self.upf.handle(now, UpfInput::N4(bytes), &mut self.from_upf);
            }
            SmfOutput::N4u(bytes) => {
                if self.tap_user {
                    self.tap(now, Direction::Downlink, Frame::Gtpu(bytes.clone()), out);
                }
                self.upf.handle(now, UpfInput::N3 { from: self.smf_n4, bytes }, &mut self.from_upf);
            }
            SmfOutput::Event(event) => out.push(CoreOutput::Event(event)),
        }
    }

    fn upf_output(&mut self, now: Tc, output: UpfOutput, out: &mut Outbox<CoreOutput>) {
        match output {
            UpfOutput::N4(bytes) => {
                if self.tap_control {
                    self.tap(now, Direction::Uplink, Frame::Pfcp(bytes.clone()), out);
                }
                self.smf.handle(now, SmfInput::N4(bytes), &mut self.from_smf);
            }
            UpfOutput::N3 { to, bytes } => {
                if self.tap_user {
                    self.tap(now, Direction::Downlink, Frame::Gtpu(bytes.clone()), out);
                }
                out.push(CoreOutput::N3 { to, bytes });
            }
            UpfOutput::N6(packet) => out.push(CoreOutput::N6 { packet }),
            UpfOutput::Event(event) => out.push(CoreOutput::Event(event)),
        }
    }
}

impl Node for Core {
    type Input = CoreInput;
    type Output = CoreOutput;

    fn handle(&mut self, now: Tc, input: CoreInput, out: &mut Outbox<CoreOutput>) {
        match input {
            CoreInput::N2 { gnb, bytes } => self.amf.handle(now, AmfInput::N2 { gnb, bytes }, &mut self.from_amf),
            CoreInput::N2Closed { gnb } => self.amf.handle(now, AmfInput::N2Closed { gnb }, &mut self.from_amf),
            CoreInput::N3 { from, bytes } => {
                if self.tap_user {
                    self.tap(now, Direction::Uplink, Frame::Gtpu(bytes.clone()), out);
                }
                self.upf.handle(now, UpfInput::N3 { from, bytes }, &mut self.from_upf);
            }
            CoreInput::N6 { packet } => self.upf.handle(now, UpfInput::N6(packet), &mut self.from_upf),
            CoreInput::Deregister { supi } => self.amf.handle(now, AmfInput::Deregister { supi }, &mut self.from_amf),
            CoreInput::ReleaseSession { supi, session } => {
                self.smf.handle(now, SmfInput::Release { supi, session }, &mut self.from_smf);
            }
        }
        self.run(now, out);
    }

    fn timeout(&mut self, now: Tc, out: &mut Outbox<CoreOutput>) {
        self.amf.timeout(now, &mut self.from_amf);
        self.smf.timeout(now, &mut self.from_smf);
        self.upf.timeout(now, &mut self.from_upf);
        self.run(now, out);
    }

    fn deadline(&self) -> Option<Tc> {
        [self.amf.deadline(), self.smf.deadline(), self.upf.deadline()].into_iter().flatten().min()
    }
}
