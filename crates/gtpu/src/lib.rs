//! TS 29.281 and 38.415 packets.
