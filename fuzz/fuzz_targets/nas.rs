#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nas::fuzz_one(data));
