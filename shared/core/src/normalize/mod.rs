//! Normalising and hashing of user_data.
