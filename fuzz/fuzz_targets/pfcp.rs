#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pfcp::fuzz_one(data));
