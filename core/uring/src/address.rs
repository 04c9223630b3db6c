//! Socket addresses as the kernel reads and writes them.

use core::fmt;
use core::mem::size_of;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use libc::{AF_INET, AF_INET6, sa_family_t, sockaddr, sockaddr_in, sockaddr_in6, socklen_t};

/// Room for an address of either family, and how much of it is used. Where the kernel points to it, it is boxed.
#[derive(Clone, Copy)]
pub(crate) struct Address {
    room: Room,
    length: socklen_t,
}

#[derive(Clone, Copy)]
#[repr(C)]
union Room {
    v4: sockaddr_in,
    v6: sockaddr_in6,
}

const ROOM_BYTES: socklen_t = bytes_of::<Room>();
const V4_BYTES: socklen_t = bytes_of::<sockaddr_in>();
const V6_BYTES: socklen_t = bytes_of::<sockaddr_in6>();

#[expect(
    clippy::cast_possible_truncation,
    reason = "a socket address is a few bytes long"
)]
const fn bytes_of<T>() -> socklen_t {
    assert!(size_of::<T>() < 256);
    size_of::<T>() as socklen_t
}

impl Address {
    /// Room for the kernel to write an address into.
    pub(crate) fn empty() -> Self {
        // SAFETY: all zeroes are a value of both members, which are plain numbers.
        let room = unsafe { core::mem::zeroed() };
        Self {
            room,
            length: ROOM_BYTES,
        }
    }

    /// `address` for the kernel to read.
    pub(crate) fn of(address: SocketAddr) -> Self {
        let mut encoded = Self::empty();
        match address {
            SocketAddr::V4(address) => {
                encoded.room.v4 = sockaddr_in {
                    sin_family: family(AF_INET),
                    sin_port: address.port().to_be(),
                    sin_addr: libc::in_addr {
                        s_addr: address.ip().to_bits().to_be(),
                    },
                    sin_zero: [0; 8],
                };
                encoded.length = V4_BYTES;
            }
            SocketAddr::V6(address) => {
                encoded.room.v6 = sockaddr_in6 {
                    sin6_family: family(AF_INET6),
                    sin6_port: address.port().to_be(),
                    sin6_flowinfo: address.flowinfo(),
                    sin6_addr: libc::in6_addr {
                        s6_addr: address.ip().octets(),
                    },
                    sin6_scope_id: address.scope_id(),
                };
                encoded.length = V6_BYTES;
            }
        }
        encoded
    }

    /// Where the kernel finds or puts it.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut sockaddr {
        (&raw mut self.room).cast()
    }

    /// Where the kernel finds and puts its length.
    pub(crate) fn length_mut_ptr(&mut self) -> *mut socklen_t {
        &raw mut self.length
    }

    /// Bytes used.
    pub(crate) fn length(&self) -> socklen_t {
        self.length
    }

    /// The address that the kernel put here, unless it is of another family.
    pub(crate) fn decode(&self) -> Option<SocketAddr> {
        // SAFETY: the family is the first member of both, and the room was zeroed before it was written to.
        let family_here = unsafe { self.room.v4.sin_family };
        if family_here == family(AF_INET) && self.length >= V4_BYTES {
            // SAFETY: the family says which member it is, the length that it is whole.
            let address = unsafe { self.room.v4 };
            let ip = Ipv4Addr::from_bits(u32::from_be(address.sin_addr.s_addr));
            return Some(SocketAddrV4::new(ip, u16::from_be(address.sin_port)).into());
        }
        if family_here == family(AF_INET6) && self.length >= V6_BYTES {
            // SAFETY: the family says which member it is, the length that it is whole.
            let address = unsafe { self.room.v6 };
            let ip = Ipv6Addr::from(address.sin6_addr.s6_addr);
            let port = u16::from_be(address.sin6_port);
            let (flow, scope) = (address.sin6_flowinfo, address.sin6_scope_id);
            return Some(SocketAddrV6::new(ip, port, flow, scope).into());
        }
        None
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({:?})", self.decode())
    }
}

fn family(number: i32) -> sa_family_t {
    sa_family_t::try_from(number).expect("families are small numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_kernels_form() {
        for text in ["127.0.0.1:9092", "[::1]:9092", "[fe80::1%7]:65535"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(Address::of(address).decode(), Some(address));
        }
        assert_eq!(Address::empty().decode(), None);
    }
}
