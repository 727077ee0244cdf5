//! The terminal's control plane: RRC (TS 38.331) and NAS (TS 24.501).

pub mod config;
pub mod event;
pub mod nas_ue;

pub use config::{RadioCapability, SessionWish, UeCpConfig, Usim};
pub use event::{CpEvent, SessionInfo};
