//! The procedures of TS 24.501 §5, one file for each.

mod authentication;
mod deregistration;
mod identification;
mod paging;
mod registration;
mod security_mode;
mod service;
mod transport;
