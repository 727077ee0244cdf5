#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| obs::fuzz_one(data));
