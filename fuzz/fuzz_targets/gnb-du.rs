#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gnb_du::fuzz_one(data));
