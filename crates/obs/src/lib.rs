//! Taps and events to log, metrics, pcap.
