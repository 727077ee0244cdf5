#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rlc::fuzz_one(data));
