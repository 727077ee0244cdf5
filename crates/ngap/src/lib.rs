//! TS 38.413 messages: a thin face over a library.
