//! The terminal's control plane: RRC (TS 38.331) and NAS (TS 24.501).
//!
//! [`UeCp`] is a node in the sense of the house: [`UeCp::l1_event`], [`UeCp::l2_event`] and [`UeCp::timeout`] take what happened,
//! an outbox of [`CpOutput`] takes what follows from it, [`UeCp::deadline`] says when to call `timeout`.

pub mod apply;
pub mod capability;
pub mod config;
pub mod event;
mod fuzz;
pub mod nas_ue;
pub mod rrc_ue;

pub use config::{RadioCapability, SessionWish, UeCpConfig, Usim};
pub use event::{CpEvent, SessionInfo};
pub use fuzz::fuzz_one;
pub use rrc_ue::{CpOutput, RrcState, UeCp};

#[cfg(test)]
pub(crate) fn test_config() -> UeCpConfig {
    UeCpConfig {
        bands: vec![78],
        plmn: "001-01".parse().unwrap(),
        usim: Usim {
            supi: nr::Supi::from_imsi("001010000000001").unwrap(),
            home_plmn: "001-01".parse().unwrap(),
            subscription: security::AuthenticationSubscription::milenage_opc(&[1; 16], &[2; 16]),
            sqn_ms: 0,
            scheme: security::Scheme::Null,
            home_public_key: Vec::new(),
            home_key_id: 0,
            routing_indicator: "0".into(),
        },
        imeisv: "3534900698733190".into(),
        nea: 0x70,
        nia: 0x70,
        allow_null: false,
        requested_nssai: vec![],
        sessions: vec![SessionWish { id: 1, kind: nas::ie::PduSessionType::Ipv4, dnn: None, s_nssai: None }],
        capability: RadioCapability::default(),
    }
}
