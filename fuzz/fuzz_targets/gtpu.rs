#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gtpu::fuzz_one(data));
