//! What travels in clear: IP address, user agent, and the ids that Meta, its apps and the caller gave out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Refusal;
use super::sha256::without_appendix;

/// Longest user agent in bytes; what is longer is cut.
pub const MAX_USER_AGENT_BYTES: usize = 1024;

/// Longest identifier in bytes.
const MAX_IDENTIFIER_BYTES: usize = 512;

/// A public IPv4 or IPv6 address, with or without a port or a parameter builder's appendix behind it, which
/// are cut: an address of ours is an address.
///
/// # Errors
/// [`Refusal::Empty`], [`Refusal::Ip`], or [`Refusal::PrivateIp`] for an address that no visitor comes from.
pub fn ip_address(text: &str) -> Result<IpAddr, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::Empty);
    }
    let parse = |text: &str| {
        let address = text.parse::<IpAddr>();
        address.or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip())).map(|ip| ip.to_canonical())
    };
    let address = parse(text).or_else(|_| parse(without_appendix(text))).map_err(|_| Refusal::Ip)?;
    let public = match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    };
    if public { Ok(address) } else { Err(Refusal::PrivateIp) }
}

/// Addresses set aside for documentation count as public: they harm nobody and every example uses them.
fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    let carrier_nat = a == 100 && (64..128).contains(&b);
    !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || carrier_nat || a == 0 || a >= 224)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let unset_or_loopback = ip.is_unspecified() || ip.is_loopback();
    !(unset_or_loopback || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_multicast())
}

/// A user agent, trimmed, cut to [`MAX_USER_AGENT_BYTES`].
///
/// # Errors
/// [`Refusal::Empty`].
pub fn user_agent(text: &str) -> Result<&str, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::Empty);
    }
    Ok(text[..text.floor_char_boundary(MAX_USER_AGENT_BYTES)].trim_end())
}

/// The id of a lead: 15 to 17 digits. Meta rejects the whole event for another.
///
/// # Errors
/// [`Refusal::Empty`] or [`Refusal::LeadId`].
pub fn lead_id(text: &str) -> Result<&str, Refusal> {
    // Webhooks and CRM exports show ids as `l:123…`.
    let text = text.trim();
    let digits = text.strip_prefix("l:").unwrap_or(text);
    if digits.is_empty() {
        return Err(Refusal::Empty);
    }
    let valid = (15..=17).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if valid { Ok(digits) } else { Err(Refusal::LeadId) }
}

/// An identifier that Meta compares as it stands: trimmed, else untouched.
///
/// # Errors
/// [`Refusal::Empty`], [`Refusal::TooLong`]; [`Refusal::Identifier`] for control characters inside;
/// [`Refusal::PersonalData`] where it looks like an e-mail address, which must not travel in clear.
pub fn identifier(text: &str) -> Result<&str, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        Err(Refusal::Empty)
    } else if text.len() > MAX_IDENTIFIER_BYTES {
        Err(Refusal::TooLong)
    } else if text.contains('@') {
        Err(Refusal::PersonalData)
    } else if text.chars().any(char::is_control) {
        Err(Refusal::Identifier)
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_what_tools_put_behind_them() {
        for (text, want) in [
            ("203.0.113.7", "203.0.113.7"),
            (" 203.0.113.7.AQQAAQMC", "203.0.113.7"),
            ("203.0.113.7.BA", "203.0.113.7"),
            ("203.0.113.7:443", "203.0.113.7"),
            ("2001:DB8::1", "2001:db8::1"),
            ("2001:db8::1.AQQAAQMC", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
        ] {
            assert_eq!(ip_address(text).map(|ip| ip.to_string()).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn addresses_that_no_visitor_has() {
        for text in [
            "10.0.0.1",
            "172.31.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
        ] {
            assert_eq!(ip_address(text), Err(Refusal::PrivateIp), "{text}");
        }
        for text in ["x", "1.2.3", "256.1.1.1", "203.0.113.7, 10.0.0.1", "fe80::1%eth0", "203.0.113.7.AQQ"] {
            assert_eq!(ip_address(text), Err(Refusal::Ip), "{text}");
        }
        assert_eq!(ip_address(" "), Err(Refusal::Empty));
    }

    #[test]
    fn a_long_user_agent_is_cut_between_characters() {
        let long = format!("{}é", "x".repeat(MAX_USER_AGENT_BYTES - 1));
        assert_eq!(user_agent(&long).map(str::len), Ok(MAX_USER_AGENT_BYTES - 1));
        assert_eq!(user_agent(" Mozilla/5.0 "), Ok("Mozilla/5.0"));
        assert_eq!(user_agent(" "), Err(Refusal::Empty));
    }

    #[test]
    fn ids_in_clear() {
        assert_eq!(lead_id("525645896321548"), Ok("525645896321548"));
        assert_eq!(lead_id("l:52564589632154812"), Ok("52564589632154812"));
        for bad in ["52564589632154", "525645896321548123", "52564589632154a"] {
            assert_eq!(lead_id(bad), Err(Refusal::LeadId), "{bad}");
        }
        assert_eq!(identifier(" AbC-1 "), Ok("AbC-1"));
        assert_eq!(identifier("a@b.de"), Err(Refusal::PersonalData));
        assert_eq!(identifier("a\0b"), Err(Refusal::Identifier));
        assert_eq!(identifier(&"x".repeat(513)), Err(Refusal::TooLong));
    }
}
