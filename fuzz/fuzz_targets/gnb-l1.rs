#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gnb_l1::fuzz_one(data));
