//! TS 38.323 entities.
