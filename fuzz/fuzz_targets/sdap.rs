#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sdap::fuzz_one(data));
