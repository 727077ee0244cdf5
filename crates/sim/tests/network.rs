//! The whole network, phone to data network over its samples, as scenarios with a seed.

#[path = "network/antennas.rs"]
mod antennas;
#[path = "network/attach.rs"]
mod attach;
#[path = "network/channel.rs"]
mod channel;
#[path = "network/control.rs"]
mod control;
#[path = "network/failure.rs"]
mod failure;
#[path = "network/fault.rs"]
mod fault;
#[path = "network/harness.rs"]
mod harness;
#[path = "network/idle.rs"]
mod idle;
#[path = "network/parameters.rs"]
mod parameters;
