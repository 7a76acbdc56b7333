//! Addresses: a process is a host, known by its name.

use super::world;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// What can be resolved to addresses, as `tokio::net::ToSocketAddrs`: an address, or the name of a process
/// with a port.
pub trait ToSocketAddrs {
    /// The addresses.
    ///
    /// # Errors
    /// If it is no address, or no process has the name.
    fn resolve(&self) -> io::Result<Vec<SocketAddr>>;
}

/// The addresses of a host.
///
/// # Errors
/// If it is no address, or no process has the name.
pub async fn lookup_host<A: ToSocketAddrs>(host: A) -> io::Result<std::vec::IntoIter<SocketAddr>> {
    host.resolve().map(Vec::into_iter)
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        (**self).resolve()
    }
}

impl ToSocketAddrs for SocketAddr {
    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![*self])
    }
}

impl ToSocketAddrs for SocketAddrV4 {
    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        SocketAddr::V4(*self).resolve()
    }
}

impl ToSocketAddrs for SocketAddrV6 {
    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        SocketAddr::V6(*self).resolve()
    }
}

impl ToSocketAddrs for (IpAddr, u16) {
    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        SocketAddr::from(*self).resolve()
    }
}

impl ToSocketAddrs for (Ipv4Addr, u16) {
    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        SocketAddr::from(*self).resolve()
    }
}

impl ToSocketAddrs for (Ipv6Addr, u16) {
    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        SocketAddr::from(*self).resolve()
    }
}

impl ToSocketAddrs for [SocketAddr] {
    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        Ok(self.to_vec())
    }
}

impl ToSocketAddrs for (&str, u16) {
    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let (host, port) = *self;
        if let Ok(address) = host.parse::<IpAddr>() {
            return (address, port).resolve();
        }
        match world()?.resolve(host) {
            Some(address) => (address, port).resolve(),
            None => Err(io::Error::other(format!("no process is called `{host}`"))),
        }
    }
}

impl ToSocketAddrs for (String, u16) {
    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        (self.0.as_str(), self.1).resolve()
    }
}

impl ToSocketAddrs for str {
    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = self.parse::<SocketAddr>() {
            return address.resolve();
        }
        let parts = self.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "write host:port");
        parts.ok_or_else(invalid)?.resolve()
    }
}

impl ToSocketAddrs for String {
    fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        self.as_str().resolve()
    }
}
