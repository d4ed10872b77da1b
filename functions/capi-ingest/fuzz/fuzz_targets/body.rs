//! Bytes to bodies to events: nothing that a stranger sends may panic, hang or get through malformed.
#![no_main]

mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
