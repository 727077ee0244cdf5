#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rrc::fuzz_one(data));
