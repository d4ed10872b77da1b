//! Everything people manage: tenants, connections, pixels, sources, keys, receipts.
