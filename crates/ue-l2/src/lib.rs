//! The terminal's MAC, RLC, PDCP and SDAP.
