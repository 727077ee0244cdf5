//! TS 38.331 messages in unaligned PER, generated.
