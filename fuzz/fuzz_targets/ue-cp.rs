#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ue_cp::fuzz_one(data));
