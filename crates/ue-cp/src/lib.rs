//! The terminal's RRC and NAS.
