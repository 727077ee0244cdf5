#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fapi::fuzz_one(data));
