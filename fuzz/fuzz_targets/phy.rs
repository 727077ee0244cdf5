#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| phy::fuzz_one(data));
