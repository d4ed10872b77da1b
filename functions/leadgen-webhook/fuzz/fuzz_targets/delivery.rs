//! Bytes to leads on the queue: nothing that is sent may panic, hang, get lost or get through malformed.
#![no_main]

mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
