//! UDM: SIDF, which reveals a SUCI; ARPF, which makes vectors and minds sequence numbers; subscription data.
//!
//! Spec: TS 33.501 §6.1.2, §6.12.2; TS 33.102 §6.3.2, §6.3.5, annex C; TS 29.503 §5

use std::collections::BTreeMap;

use nas::ie::{PduSessionType, Suci};
use nr::{Plmn, SNssai, Supi};
use security::aka::{SQN_IND_BITS, SQN_MAX};
use security::{AuthenticationSubscription, AuthenticationVector, Auts, Scheme};

use crate::config::{CoreConfig, HomeNetworkKey};

/// Who a vector is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A concealed identity.
    Suci(Suci),
    /// A revealed one.
    Supi(Supi),
}

/// Why the UDM has no answer. Spec: TS 29.503 table 6.3.7.3-1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdmError {
    /// USER_NOT_FOUND, and a SUCI of another home network alike.
    UserNotFound,
    /// A SUCI that does not reveal: unknown key, tag, scheme, or digits. SUPI_REJECTED.
    SuciRejected,
    /// An AUTS whose MAC-S does not match. AUTHENTICATION_REJECTED.
    Auts,
}

/// What access and mobility needs to know. Spec: TS 29.503 §6.1.6.2.4
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessSubscription {
    /// Slices; those with `true` are default ones.
    pub slices: Vec<(SNssai, bool)>,
}

/// What session management needs to know. Spec: TS 29.503 §6.1.6.2.8
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSubscription {
    /// Slices.
    pub slices: Vec<SNssai>,
    /// DNNs; the first is the default.
    pub dnns: Vec<String>,
    /// Session types; the first is the default.
    pub session_types: Vec<PduSessionType>,
}

struct Subscriber {
    keys: AuthenticationSubscription,
    amf_field: u16,
    sqn: u64,
    access: AccessSubscription,
    session: SessionSubscription,
}

/// The UDM's state: subscribers with their sequence numbers.
pub struct Udm {
    plmn: Plmn,
    home_network_keys: Vec<HomeNetworkKey>,
    null_suci: bool,
    subscribers: BTreeMap<Supi, Subscriber>,
    rng: node::Rng,
}

impl Udm {
    /// A UDM with the configuration's subscribers. `rng` makes RAND.
    pub fn new(config: &CoreConfig, rng: node::Rng) -> Self {
        let subscribers = config.subscribers.iter().map(|s| {
            let session = SessionSubscription {
                slices: s.slices.iter().map(|(slice, _)| *slice).collect(),
                dnns: s.dnns.clone(),
                session_types: s.session_types.clone(),
            };
            let subscriber = Subscriber {
                keys: s.credentials.subscription(),
                amf_field: s.amf_field,
                sqn: s.sqn & SQN_MAX,
                access: AccessSubscription { slices: s.slices.clone() },
                session,
            };
            (s.supi.clone(), subscriber)
        });
        Self {
            plmn: config.plmn,
            home_network_keys: config.home_network_keys.clone(),
            null_suci: config.null_suci,
            subscribers: subscribers.collect(),
            rng,
        }
    }

    /// SIDF: reveals a SUCI. Spec: TS 33.501 §6.12.2
    pub fn reveal(&self, suci: &Suci) -> Result<Supi, UdmError> {
        if suci.plmn != self.plmn {
            return Err(UdmError::UserNotFound);
        }
        let scheme = Scheme::new(suci.scheme).ok_or(UdmError::SuciRejected)?;
        let input = if scheme == Scheme::Null {
            if !self.null_suci {
                return Err(UdmError::SuciRejected);
            }
            suci.scheme_output.clone()
        } else {
            let key = self.home_network_keys.iter().find(|key| key.id == suci.key_id && key.scheme == scheme);
            let key = key.ok_or(UdmError::SuciRejected)?;
            security::suci::deconceal(scheme, &key.private, &suci.scheme_output).map_err(|_| UdmError::SuciRejected)?
        };
        let msin = security::suci::bcd_to_msin(&input).map_err(|_| UdmError::SuciRejected)?;
        let home: String = suci.plmn.to_string().chars().filter(char::is_ascii_digit).collect();
        Supi::from_imsi(&format!("{home}{msin}")).ok_or(UdmError::SuciRejected)
    }

    /// ARPF: a new vector; `resync` is the RAND and AUTS of a synch failure, which is answered first.
    ///
    /// Spec: TS 33.102 §6.3.5, §C.1.1.1 (sequence numbers step by one in SEQ)
    pub fn generate(
        &mut self,
        identity: &Identity,
        resync: Option<(&[u8; 16], &Auts)>,
    ) -> Result<(Supi, AuthenticationVector), UdmError> {
        let supi = match identity {
            Identity::Suci(suci) => self.reveal(suci)?,
            Identity::Supi(supi) => supi.clone(),
        };
        let subscriber = self.subscribers.get_mut(&supi).ok_or(UdmError::UserNotFound)?;
        if let Some((rand, auts)) = resync {
            let sqn_ms = subscriber.keys.check_auts(rand, auts).map_err(|_| UdmError::Auts)?;
            subscriber.sqn = sqn_ms;
        }
        subscriber.sqn = (((subscriber.sqn >> SQN_IND_BITS) + 1) << SQN_IND_BITS) & SQN_MAX;
        let mut rand = [0; 16];
        self.rng.fill(&mut rand);
        Ok((supi, subscriber.keys.vector(&rand, subscriber.sqn, subscriber.amf_field)))
    }

    /// Access and mobility subscription data.
    pub fn access(&self, supi: &Supi) -> Option<AccessSubscription> {
        self.subscribers.get(supi).map(|s| s.access.clone())
    }

    /// Session management subscription data.
    pub fn session(&self, supi: &Supi) -> Option<SessionSubscription> {
        self.subscribers.get(supi).map(|s| s.session.clone())
    }

    /// SQN of the last vector, for a report or a store.
    pub fn sqn(&self, supi: &Supi) -> Option<u64> {
        self.subscribers.get(supi).map(|s| s.sqn)
    }
}
