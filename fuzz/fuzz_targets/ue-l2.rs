#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ue_l2::fuzz_one(data));
