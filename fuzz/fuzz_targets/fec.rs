#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fec::fuzz_one(data));
