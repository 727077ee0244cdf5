//! What an observer keeps: captures of the very bytes that crossed, and figures over time.
//!
//! - [`pcap`]: taps to pcapng that Wireshark opens.
//! - [`log`]: taps and events to lines for a person, by level and layer.
//! - [`metrics`]: small statistics with percentiles.

mod fuzz;
pub mod log;
pub mod metrics;
pub mod pcap;

pub use fuzz::fuzz_one;
