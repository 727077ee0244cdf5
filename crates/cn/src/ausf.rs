//! AUSF: 5G AKA between the home network and the AMF's SEAF. Spec: TS 33.501 §6.1.3.2.0, TS 29.509 §5.2

use std::collections::BTreeMap;

use nr::Supi;
use security::{AuthenticationVector, Auts, equal_constant_time, kdf};

use crate::udm::{Identity, UdmError};

/// What the AMF asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AusfRequest {
    /// A challenge for a UE.
    Authenticate {
        /// AMF UE NGAP ID.
        ue: u64,
        /// Who.
        identity: Identity,
        /// Serving network name.
        serving_network: String,
        /// RAND and AUTS of a synch failure.
        resync: Option<([u8; 16], Auts)>,
    },
    /// Whether this RES* is right.
    Confirm {
        /// AMF UE NGAP ID.
        ue: u64,
        /// RES*.
        res_star: [u8; 16],
    },
}

/// What the AUSF asks of the UDM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdmRequest {
    /// AMF UE NGAP ID.
    pub ue: u64,
    /// Who.
    pub identity: Identity,
    /// RAND and AUTS of a synch failure.
    pub resync: Option<([u8; 16], Auts)>,
}

/// What the AMF is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AusfAnswer {
    /// A challenge.
    Challenge {
        /// AMF UE NGAP ID.
        ue: u64,
        /// RAND.
        rand: [u8; 16],
        /// AUTN.
        autn: [u8; 16],
        /// HXRES*.
        hxres_star: [u8; 16],
    },
    /// The UE is who it says.
    Confirmed {
        /// AMF UE NGAP ID.
        ue: u64,
        /// Who.
        supi: Supi,
        /// K_SEAF.
        k_seaf: [u8; 32],
    },
    /// It is not, or there is none.
    Refused {
        /// AMF UE NGAP ID.
        ue: u64,
        /// Why; `None` for a wrong RES*.
        error: Option<UdmError>,
    },
}

struct Context {
    serving_network: String,
    supi: Supi,
    xres_star: [u8; 16],
    k_seaf: [u8; 32],
}

/// The AUSF's state: challenges that are open, at most one for each UE of the AMF.
#[derive(Default)]
pub struct Ausf {
    asked: BTreeMap<u64, String>,
    open: BTreeMap<u64, Context>,
}

impl Ausf {
    /// The AMF's request: an answer, or what to ask the UDM first.
    pub fn request(&mut self, request: AusfRequest) -> Result<AusfAnswer, UdmRequest> {
        match request {
            AusfRequest::Authenticate { ue, identity, serving_network, resync } => {
                self.asked.insert(ue, serving_network);
                Err(UdmRequest { ue, identity, resync })
            }
            AusfRequest::Confirm { ue, res_star } => Ok(match self.open.remove(&ue) {
                Some(context) if equal_constant_time(&context.xres_star, &res_star) => {
                    AusfAnswer::Confirmed { ue, supi: context.supi, k_seaf: context.k_seaf }
                }
                _ => AusfAnswer::Refused { ue, error: None },
            }),
        }
    }

    /// The UDM's answer, made into the AMF's challenge. Spec: TS 33.501 §6.1.3.2.0 steps 3 to 5
    pub fn udm(&mut self, ue: u64, result: Result<(Supi, AuthenticationVector), UdmError>) -> AusfAnswer {
        let Some(serving_network) = self.asked.remove(&ue) else {
            return AusfAnswer::Refused { ue, error: Some(UdmError::UserNotFound) };
        };
        let (supi, v) = match result {
            Ok(vector) => vector,
            Err(error) => return AusfAnswer::Refused { ue, error: Some(error) },
        };
        let sqn_xor_ak = [v.autn[0], v.autn[1], v.autn[2], v.autn[3], v.autn[4], v.autn[5]];
        let xres_star = kdf::res_star(&v.ck, &v.ik, &serving_network, &v.rand, &v.xres);
        let k_ausf = kdf::k_ausf(&v.ck, &v.ik, &serving_network, &sqn_xor_ak);
        let k_seaf = kdf::k_seaf(&k_ausf, &serving_network);
        let hxres_star = kdf::hres_star(&v.rand, &xres_star);
        self.open.insert(ue, Context { serving_network, supi, xres_star, k_seaf });
        AusfAnswer::Challenge { ue, rand: v.rand, autn: v.autn, hxres_star }
    }

    /// Forgets a UE's challenge.
    pub fn forget(&mut self, ue: u64) {
        self.asked.remove(&ue);
        self.open.remove(&ue);
    }

    /// The serving network of an open challenge, for a report.
    pub fn serving_network(&self, ue: u64) -> Option<&str> {
        self.open.get(&ue).map(|context| context.serving_network.as_str())
    }
}
