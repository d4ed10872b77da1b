//! SHA-256 as Meta takes it: 64 lowercase hexadecimal digits.

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::Refusal;

/// A SHA-256 in 64 lowercase hexadecimal digits; never that of the empty text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256Hex([u8; 64]);

/// What SHA-256 makes of nothing. Official tools send it for blank values; it matches nobody.
const OF_NOTHING: &[u8; 64] = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

impl Sha256Hex {
    /// Hashes the UTF-8 bytes of a normal form.
    ///
    /// # Errors
    /// [`Refusal::Empty`] where the text is empty.
    pub fn of(normal: &str) -> Result<Self, Refusal> {
        if normal.is_empty() {
            return Err(Refusal::Empty);
        }
        let digest = Sha256::digest(normal.as_bytes());
        let mut digits = [0; 64];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(digest.iter()) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        Ok(Self(digits))
    }

    /// Takes a value that is a hash already: 64 hexadecimal digits in either case, with or without the
    /// appendix of Meta's parameter builders (`.AQQCAQMC`, or `.BA` of older ones). `None` where the value is
    /// no hash.
    ///
    /// The appendix only says which tool hashed the value, so it is cut: one person posted through two tools
    /// then stays one value.
    ///
    /// # Errors
    /// [`Refusal::Empty`] for the hash of nothing, [`Refusal::Md5`] for 32 digits.
    pub fn already(value: &str) -> Result<Option<Self>, Refusal> {
        let value = value.trim();
        // Hashes are 32 or 64 digits, with an appendix at most 73; most values are shorter, and end here.
        if !(32..=73).contains(&value.len()) {
            return Ok(None);
        }
        let digits = without_appendix(value).as_bytes();
        if !matches!(digits.len(), 32 | 64) || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Ok(None);
        }
        let Ok(mut hash) = <[u8; 64]>::try_from(digits) else { return Err(Refusal::Md5) };
        hash.make_ascii_lowercase();
        if &hash == OF_NOTHING { Err(Refusal::Empty) } else { Ok(Some(Self(hash))) }
    }

    /// The 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Both constructors write ASCII only.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// `value` without the appendix of Meta's parameter builders: after the last dot, eight base64url characters,
/// or two.
pub(super) fn without_appendix(value: &str) -> &str {
    match value.rsplit_once('.') {
        Some((before, appendix)) if is_appendix(appendix) => before,
        _ => value,
    }
}

/// Whether a text has the shape of an appendix. What the six bytes in it say is Meta's affair: a tool of
/// tomorrow will write a version or language that is not known today.
pub(super) fn is_appendix(text: &str) -> bool {
    matches!(text.len(), 2 | 8) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

impl std::fmt::Debug for Sha256Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A hash of an e-mail address is as good as the address to anyone with a list of addresses.
        f.write_str("Sha256Hex(…)")
    }
}

impl Serialize for Sha256Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARY: &str = "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec";

    #[test]
    fn hashes_as_metas_documentation_prints_them() {
        assert_eq!(Sha256Hex::of("mary").unwrap().as_str(), MARY);
        assert_eq!(Sha256Hex::of(""), Err(Refusal::Empty));
    }

    #[test]
    fn a_hash_is_taken_in_either_case_and_with_either_appendix() {
        let hash = Sha256Hex::of("mary").unwrap();
        for value in [
            MARY.to_owned(),
            MARY.to_uppercase(),
            format!(" {MARY}\n"),
            format!("{MARY}.AQQCAQMC"),
            format!("{MARY}.BA"),
        ] {
            assert_eq!(Sha256Hex::already(&value), Ok(Some(hash)), "{value}");
        }
    }

    #[test]
    fn what_is_no_hash_is_told_from_what_must_not_be_sent() {
        let nothing = std::str::from_utf8(OF_NOTHING).unwrap();
        assert_eq!(Sha256Hex::already(nothing), Err(Refusal::Empty));
        assert_eq!(Sha256Hex::already(&nothing.to_uppercase()), Err(Refusal::Empty));
        assert_eq!(Sha256Hex::already(&MARY[..32]), Err(Refusal::Md5));
        assert_eq!(Sha256Hex::already(&format!("{}.AQQCAQMC", &MARY[..32])), Err(Refusal::Md5));
        for value in
            ["", "mary", &MARY[..63], &format!("{MARY}0"), &format!("{MARY}.AQQ"), &MARY.replace('6', "g")]
        {
            assert_eq!(Sha256Hex::already(value), Ok(None), "{value}");
        }
    }
}
