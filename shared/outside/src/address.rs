//! Which addresses are public (IANA: special-purpose address registries for IPv4 and IPv6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network and the bits of its prefix.
type Network4 = ([u8; 4], u32);

/// IPv4 networks that are not of the public internet.
const SPECIAL_V4: [Network4; 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// IPv6's global unicast; what is not in it is not public.
const GLOBAL_V6: (u128, u32) = (0x2000 << 112, 3);

/// Networks within global unicast that are not public either: protocol assignments with Teredo, documentation twice,
/// and 6to4, which leads to any IPv4 address.
const SPECIAL_V6: [(u128, u32); 4] =
    [(0x2001 << 112, 23), (0x2001_0db8 << 96, 32), (0x2002 << 112, 16), (0x3fff << 112, 20)];

/// Whether this address may be called.
pub(crate) fn is_allowed(address: IpAddr, loopback_allowed: bool) -> bool {
    is_public(address) || (loopback_allowed && address.is_loopback())
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    let is_in = |(network, prefix): &Network4| (bits ^ u32::from_be_bytes(*network)) >> (32 - prefix) == 0;
    !SPECIAL_V4.iter().any(is_in)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    let is_in = |(network, prefix): &(u128, u32)| (bits ^ network) >> (128 - prefix) == 0;
    is_in(&GLOBAL_V6) && !SPECIAL_V6.iter().any(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_are_refused_from_their_first_address_to_their_last_and_their_neighbours_are_not() {
        for (first, last, before, after) in [
            ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
            ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
            ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
            ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
            ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
            ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
            ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
            ("192.0.2.0", "192.0.2.255", Some("192.0.1.255"), Some("192.0.3.0")),
            ("192.88.99.0", "192.88.99.255", Some("192.88.98.255"), Some("192.88.100.0")),
            ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
            ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
            ("198.51.100.0", "198.51.100.255", Some("198.51.99.255"), Some("198.51.101.0")),
            ("203.0.113.0", "203.0.113.255", Some("203.0.112.255"), Some("203.0.114.0")),
            ("224.0.0.0", "255.255.255.255", Some("223.255.255.255"), None),
            ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Some("2000:ffff::"), Some("2001:200::")),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:db7::"), Some("2001:db9::")),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:ffff::"), Some("2003::")),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Some("3ffe::"), Some("3fff:1000::")),
            ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
        ] {
            for refused in [first, last] {
                assert!(!is_public(address(refused)), "{refused}");
            }
            for neighbour in [before, after].into_iter().flatten() {
                assert!(is_public(address(neighbour)), "{neighbour}");
            }
        }
    }

    #[test]
    fn what_leads_to_an_inner_address_by_another_way_is_refused() {
        for way in [
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::a00:1",
            "2002:a00:1::",
            "2001:0:a00:1::",
            "::1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!is_public(address(way)), "{way}");
        }
        assert!(!is_public(address("169.254.169.254")), "the metadata service");
    }

    #[test]
    fn public_addresses_are_allowed_and_loopback_where_told_so() {
        for public in ["8.8.8.8", "157.240.1.35", "2606:4700::1111", "2a03:2880:f12f:83:face:b00c:0:25de"] {
            assert!(is_allowed(address(public), false), "{public}");
        }
        for loopback in ["127.0.0.1", "127.1.2.3", "::1"] {
            assert!(
                is_allowed(address(loopback), true) && !is_allowed(address(loopback), false),
                "{loopback}"
            );
        }
        for inner in ["10.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "0.0.0.0", "::"] {
            assert!(!is_allowed(address(inner), true), "{inner}");
        }
    }
}
