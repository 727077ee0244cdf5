#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cn::fuzz_one(data));
