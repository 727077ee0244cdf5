//! The control plane from end to end without a physical layer: UE, gNB-CU and core over real RRC, NAS, NGAP, PFCP and GTP-U.

mod common;

#[path = "control_plane/attach.rs"]
mod attach;
#[path = "control_plane/failure.rs"]
mod failure;
#[path = "control_plane/idle.rs"]
mod idle;
#[path = "control_plane/security.rs"]
mod security_of_both_ends;
