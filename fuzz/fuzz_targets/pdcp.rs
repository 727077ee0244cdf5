#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pdcp::fuzz_one(data));
