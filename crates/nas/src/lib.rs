//! TS 24.501 messages: a thin face over a library.
