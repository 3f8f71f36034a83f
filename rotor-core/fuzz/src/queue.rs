#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rotor_core::fuzz::queue(bytes));
