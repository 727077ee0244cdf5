//! AMF: access and mobility management. Spec: TS 23.501 §6.2.1, TS 24.501 §5, TS 38.413 §8
//!
//! | file | what |
//! |---|---|
//! | `n2.rs` | NGAP in and out |
//! | `n1.rs` | NAS in and out: protection, and who may say what before security |
//! | `state.rs` | what is known of a UE, and its states |
//! | `procedures/` | one file for each procedure of TS 24.501 §5 |
//!
//! Timers: T3550, T3560, T3570, T3522, each 6 s and five times (TS 24.501 table 10.2.2), T3513 (2 s, three
//! times), the mobile reachable and the implicit deregistration timer, and a guard on the release of a UE context. Left out: T3555, T3565.

mod n1;
mod n2;
mod procedures;
mod state;

use std::collections::BTreeMap;

use node::{Node, Outbox, Tap, Timers};
use nr::{Supi, Tc};

use crate::ausf::{AusfAnswer, AusfRequest};
use crate::config::CoreConfig;
use crate::event::CoreEvent;
use crate::smf::{AmfToSmf, SmfToAmf};
use crate::udm::AccessSubscription;
use state::UeContext;
pub use state::{State, Timer};

/// A gNB's association with the AMF, as its composer numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GnbId(pub u32);

/// What the AMF can be told.
#[derive(Clone, Debug)]
pub enum AmfInput {
    /// An NGAP message.
    N2 {
        /// From this gNB.
        gnb: GnbId,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// A gNB's association is gone.
    N2Closed {
        /// This gNB's.
        gnb: GnbId,
    },
    /// The AUSF's answer.
    Ausf(AusfAnswer),
    /// The UDM's answer: access and mobility subscription.
    Subscription {
        /// AMF UE NGAP ID.
        ue: u64,
        /// `None` if there is no such subscriber.
        subscription: Option<AccessSubscription>,
    },
    /// The SMF has something for a UE or its gNB.
    Smf(SmfToAmf),
    /// The operator wants a UE deregistered.
    Deregister {
        /// This one.
        supi: Supi,
    },
}

/// What the AMF answers.
#[derive(Clone, Debug)]
pub enum AmfOutput {
    /// An NGAP message.
    N2 {
        /// To this gNB.
        gnb: GnbId,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// A request to the AUSF.
    Ausf(AusfRequest),
    /// A request to the UDM: access and mobility subscription.
    Subscription {
        /// AMF UE NGAP ID.
        ue: u64,
        /// Whose.
        supi: Supi,
    },
    /// Something for the SMF.
    Smf(AmfToSmf),
    /// An event.
    Event(CoreEvent),
    /// What crossed N1 or N2.
    Tap(Tap),
}

/// A gNB that has set up its interface.
struct Gnb {
    tacs: Vec<u32>,
}

/// The AMF's state.
pub struct Amf {
    config: CoreConfig,
    serving_network: String,
    gnbs: BTreeMap<GnbId, Gnb>,
    ues: BTreeMap<u64, UeContext>,
    tmsis: BTreeMap<u32, u64>,
    timers: Timers<(Timer, u64)>,
    next_ue: u64,
    rng: node::Rng,
}

impl Amf {
    /// An AMF of this configuration; `rng` makes 5G-TMSIs.
    pub fn new(config: &CoreConfig, rng: node::Rng) -> Self {
        Self {
            serving_network: config.plmn.serving_network_name(),
            config: config.clone(),
            gnbs: BTreeMap::new(),
            ues: BTreeMap::new(),
            tmsis: BTreeMap::new(),
            timers: Timers::default(),
            next_ue: 1,
            rng,
        }
    }

    /// The state of the UE with this SUPI, for tests and reports.
    pub fn state(&self, supi: &Supi) -> Option<State> {
        self.find(supi).map(|ue| ue.state)
    }

    /// UE contexts that exist.
    pub fn ue_count(&self) -> usize {
        self.ues.len()
    }

    fn find(&self, supi: &Supi) -> Option<&UeContext> {
        self.ues.values().rev().find(|ue| ue.supi.as_ref() == Some(supi))
    }

    fn guami(&self) -> ngap::Guami {
        let amf = &self.config.amf;
        ngap::Guami { plmn: self.config.plmn, region: amf.region, set: amf.set, pointer: amf.pointer }
    }

    fn event(&self, out: &mut Outbox<AmfOutput>, event: CoreEvent) {
        out.push(AmfOutput::Event(event));
    }

    fn protocol_error(&self, out: &mut Outbox<AmfOutput>, interface: &'static str, what: impl std::fmt::Display) {
        self.event(out, CoreEvent::ProtocolError { interface, what: what.to_string() });
    }
}

impl Node for Amf {
    type Input = AmfInput;
    type Output = AmfOutput;

    fn handle(&mut self, now: Tc, input: AmfInput, out: &mut Outbox<AmfOutput>) {
        match input {
            AmfInput::N2 { gnb, bytes } => self.n2_receive(now, gnb, &bytes, out),
            AmfInput::N2Closed { gnb } => self.n2_closed(now, gnb, out),
            AmfInput::Ausf(answer) => self.ausf_answer(now, answer, out),
            AmfInput::Subscription { ue, subscription } => self.subscription(now, ue, subscription, out),
            AmfInput::Smf(message) => self.smf_message(now, message, out),
            AmfInput::Deregister { supi } => self.deregister_by_network(now, &supi, out),
        }
    }

    fn timeout(&mut self, now: Tc, out: &mut Outbox<AmfOutput>) {
        while let Some((timer, ue)) = self.timers.expired(now) {
            self.expired(now, timer, ue, out);
        }
    }

    fn deadline(&self) -> Option<Tc> {
        self.timers.next()
    }
}
