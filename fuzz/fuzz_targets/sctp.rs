#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sctp::fuzz_one(data));
