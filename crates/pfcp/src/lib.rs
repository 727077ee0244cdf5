//! TS 29.244 messages, those that N4 of this network uses.
