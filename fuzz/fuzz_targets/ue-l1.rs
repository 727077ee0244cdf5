#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ue_l1::fuzz_one(data));
