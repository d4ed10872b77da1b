//! The stack's controls.

mod control;
