#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| io::fuzz_proxy(data));
