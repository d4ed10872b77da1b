//! Wires the function; see the library beside it.

fn main() {}
