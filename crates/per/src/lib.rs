//! Bit reader and writer, and the unaligned PER runtime.
