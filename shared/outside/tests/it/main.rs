//! Calls of receivers on this machine.

mod calls;
