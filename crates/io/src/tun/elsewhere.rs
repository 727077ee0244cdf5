//! Operating systems without the interface that [`super`] describes.

use super::{TunError, name};
use std::convert::Infallible;
use std::net::IpAddr;

/// No interface: there is none to be made here.
#[derive(Debug)]
pub struct Tun(Infallible);

impl Tun {
    /// Fails.
    pub fn open(number: u32) -> Result<Tun, TunError> {
        let cause = std::io::Error::new(std::io::ErrorKind::Unsupported, "only on Linux");
        Err(TunError { name: name(number), cause })
    }
    /// Its name.
    pub fn name(&self) -> &str {
        match self.0 {}
    }
    /// The session is up.
    pub fn up(&mut self, _: u16) {
        match self.0 {}
    }
    /// The session has this address.
    pub fn add_address(&mut self, _: IpAddr) {
        match self.0 {}
    }
    /// The session is gone.
    pub fn down(&mut self) {
        match self.0 {}
    }
    /// The next packet of the operating system for the session.
    pub fn pull(&mut self) -> Option<Vec<u8>> {
        match self.0 {}
    }
    /// A packet of the session for the operating system.
    pub fn push(&mut self, _: &[u8]) {
        match self.0 {}
    }
    /// What a person should know.
    pub fn note(&mut self) -> Option<String> {
        match self.0 {}
    }
    /// Packets that were dropped.
    pub fn dropped(&self) -> u64 {
        match self.0 {}
    }
}
