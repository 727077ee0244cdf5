//! See TS 38.211.
