//! From where somebody calls, as budgets count it: one address of IPv4, or one /64 of IPv6, of which one host has all addresses.

use std::net::{IpAddr, Ipv6Addr};

/// An address of IPv4 or a network of 64 bits of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            v4 @ IpAddr::V4(_) => Self(v4),
            IpAddr::V6(v6) => Self(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: &str, other: &str, same: bool) {
        let [one, other] = [one, other].map(|text| Network::from(text.parse::<IpAddr>().unwrap()));
        assert_eq!(one == other, same, "{one:?} {other:?}");
    }

    #[test]
    fn a_host_has_one_address_of_ipv4_and_a_64_of_ipv6() {
        check("192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("192.0.2.1", "::ffff:192.0.2.1", true);
        check("::ffff:192.0.2.1", "::ffff:192.0.2.2", false);
        check("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true);
        check("2001:db8:0:1::1", "2001:db8:0:2::1", false);
    }
}
