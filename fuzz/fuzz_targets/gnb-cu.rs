#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gnb_cu::fuzz_one(data));
