//! Takes hashed events off the queue and delivers them to Meta's Conversions API, a receipt for each.
