//! What the AMF knows of a UE. Spec: TS 24.501 §5.1.3.2.3

use nas::ie::{Guti, Suci, UeSecurityCapability};
use nas::mm::RegistrationRequest;
use nas::{Message, SecurityContext};
use ngap::UserLocation;
use nr::{SNssai, Supi};

use super::GnbId;
use crate::smf::SmfToAmf;
use crate::udm::AccessSubscription;

/// 5GMM state, with the step of the common procedure that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// 5GMM-DEREGISTERED.
    Deregistered,
    /// Identification runs: T3570.
    Identifying,
    /// The AUSF has been asked.
    AwaitingVector,
    /// Authentication runs: T3560.
    Authenticating,
    /// Security mode control runs: T3560.
    SecurityMode,
    /// The UDM has been asked for the subscription.
    AwaitingSubscription,
    /// A registration accept is out: T3550.
    Accepting,
    /// 5GMM-REGISTERED.
    Registered,
    /// A deregistration by the network runs: T3522.
    Deregistering,
}

/// A timer of the AMF. Spec: TS 24.501 table 10.2.2
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Registration accept sent.
    T3550,
    /// Authentication request or security mode command sent.
    T3560,
    /// Identity request sent.
    T3570,
    /// Deregistration request sent.
    T3522,
    /// Paging sent.
    T3513,
    /// The UE has to register again before it ends: T3512 and four minutes.
    MobileReachable,
    /// An unreachable UE counts as registered until it ends.
    ImplicitDeregistration,
    /// UE context release command sent (the implementation's own).
    Release,
}

/// A challenge that is open.
pub(super) struct Challenge {
    pub ng_ksi: u8,
    pub rand: [u8; 16],
    pub hxres_star: [u8; 16],
    /// Synch failures in a row.
    pub synch_failures: u8,
}

/// A message that waits for its answer under a timer, to be sent again.
pub(super) struct Awaiting {
    pub timer: Timer,
    pub message: Message,
    pub sent: u8,
}

/// The N2 connection of a UE.
#[derive(Clone, Copy)]
pub(super) struct N2 {
    pub gnb: GnbId,
    pub ran: u32,
}

/// A UE, connected or idle.
pub(super) struct UeContext {
    pub id: u64,
    pub n2: Option<N2>,
    pub location: Option<UserLocation>,
    pub state: State,
    pub supi: Option<Supi>,
    pub suci: Option<Suci>,
    /// Whether the identity came as a SUCI on this connection.
    pub identified_by_suci: bool,
    pub guti: Option<Guti>,
    pub request: Option<RegistrationRequest>,
    pub capability: Option<UeSecurityCapability>,
    pub security: Option<SecurityContext>,
    /// The context that a security mode command offers.
    pub new_security: Option<SecurityContext>,
    /// Whether the secure exchange of NAS messages is on for this connection.
    pub secured: bool,
    pub challenge: Option<Challenge>,
    pub awaiting: Option<Awaiting>,
    /// NAS COUNT of the uplink message that K_gNB comes from.
    pub k_gnb_count: u32,
    /// Whether the gNB has the UE's context.
    pub context_at_gnb: bool,
    /// Pagings sent since the UE was last heard.
    pub paged: u8,
    /// Not heard of for T3512 and four minutes: nobody calls it any more.
    pub unreachable: bool,
    /// The operator wants it deregistered once it is reached.
    pub deregister: bool,
    /// What the SMF wants of UE and gNB, until the UE is there and the gNB has its context.
    pub deferred: Vec<SmfToAmf>,
    pub radio_capability: Option<Vec<u8>>,
    pub subscription: Option<AccessSubscription>,
    pub allowed: Vec<SNssai>,
    /// A deregistration is answered and the context is to go when the gNB has released it.
    pub forget_when_released: bool,
    /// Why a release command was sent.
    pub release_cause: &'static str,
}

impl UeContext {
    pub fn new(id: u64, n2: N2, location: UserLocation) -> Self {
        Self {
            id,
            n2: Some(n2),
            location: Some(location),
            state: State::Deregistered,
            supi: None,
            suci: None,
            identified_by_suci: false,
            guti: None,
            request: None,
            capability: None,
            security: None,
            new_security: None,
            secured: false,
            challenge: None,
            awaiting: None,
            k_gnb_count: 0,
            context_at_gnb: false,
            paged: 0,
            unreachable: false,
            deregister: false,
            deferred: Vec::new(),
            radio_capability: None,
            subscription: None,
            allowed: Vec::new(),
            forget_when_released: false,
            release_cause: "",
        }
    }

    /// Takes over what an older context of the same UE knows: everything but the connection and its procedure.
    pub fn adopt(&mut self, old: UeContext) {
        self.state = if old.state == State::Registered || old.state == State::Accepting {
            State::Registered
        } else {
            State::Deregistered
        };
        self.supi = old.supi;
        self.suci = old.suci;
        self.guti = old.guti;
        self.capability = old.capability;
        self.security = old.security;
        self.radio_capability = old.radio_capability;
        self.deferred = old.deferred;
        self.deregister = old.deregister;
        self.subscription = old.subscription;
        self.allowed = old.allowed;
    }
}
