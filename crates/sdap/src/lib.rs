//! TS 37.324 entities.
