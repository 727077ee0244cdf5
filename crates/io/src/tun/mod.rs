//! A terminal's session as an interface of the operating system: `irnue1` for the first terminal.
//!
//! Its address is the session's, its MTU the session's. A routing table of its own leads everything to it; two rules for each
//! family lead there what has its address as source, and what is bound to it. The main table is left alone, so a host keeps its
//! other routes. Its reverse-path filter is loose and addresses of the machine itself are taken as sources, so that a server of
//! the machine can be reached by way of the air. Interface, addresses and routes vanish with the process; the rules are taken
//! away at the end, and those that a killed process has left at the next start.
//!
//! What leaves is only what has the session's address as source: anything else is dropped and counted.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod linux;
#[cfg(target_os = "linux")]
mod netlink;

pub use linux::Tun;

/// Why there is no interface.
#[derive(Debug)]
pub struct TunError {
    /// The interface.
    pub name: String,
    /// The operating system's word.
    pub cause: std::io::Error,
}

impl core::fmt::Display for TunError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        use std::io::ErrorKind as Kind;
        write!(f, "--tun: the interface {} cannot be made: {}\n  try: ", self.name, self.cause)?;
        match self.cause.kind() {
            Kind::PermissionDenied => f.write_str(
                "run it as root, or give the program the right once with `sudo setcap cap_net_admin+ep PROGRAM` \
                 (and you that to read and write /dev/net/tun); or leave --tun out and use the proxy",
            ),
            Kind::NotFound => f.write_str(
                "`sudo modprobe tun` (a container needs --device /dev/net/tun); or leave --tun out and use the proxy",
            ),
            Kind::ResourceBusy => write!(
                f,
                "end the other program that holds {} (`ip link show {0}` finds it); or leave --tun out",
                self.name
            ),
            _ => f.write_str("leave --tun out, and use the proxy"),
        }
    }
}

impl std::error::Error for TunError {}

/// The interface of terminal `number`.
pub fn name(number: u32) -> String {
    format!("irnue{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: ironcell issue §1 (--tun with the right to do so), Linux IFNAMSIZ
    fn a_name_fits_and_an_error_says_what_to_do() {
        assert_eq!(name(1), "irnue1");
        assert!(name(u32::MAX).len() <= 15);
        for (kind, wanted) in [
            (std::io::ErrorKind::PermissionDenied, "setcap cap_net_admin"),
            (std::io::ErrorKind::NotFound, "modprobe tun"),
            (std::io::ErrorKind::ResourceBusy, "irnue3"),
            (std::io::ErrorKind::Unsupported, "proxy"),
        ] {
            let text = TunError { name: name(3), cause: kind.into() }.to_string();
            assert!(text.contains("\n  try: ") && text.contains(wanted), "{text}");
        }
    }
}
