//! Managing configuration: what admin-api may do.
