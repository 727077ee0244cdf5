//! SCTP for a process with a [`Reactor`]: an endpoint, carried by what the machine allows.
//!
//! | carriage | what it is | what it needs |
//! |---|---|---|
//! | kernel | the operating system's SCTP | a kernel that has it |
//! | raw | the associations of crate `sctp`, over IP protocol 132 | the right to raw sockets (CAP_NET_RAW), and no kernel SCTP beside it |
//! | UDP | the same, in UDP (RFC 6951) | a peer that does the same |
//!
//! [`Carriage::Auto`] takes the first that works, and [`SctpEndpoint::found`] says in one line which and why.
//!
//! A round of a process is: [`SctpEndpoint::ready`] for each token that the reactor reports, [`SctpEndpoint::event`] until there is none,
//! [`SctpEndpoint::receive`] where one said so, [`SctpEndpoint::send`] as needed, and at its end [`SctpEndpoint::finish`], which sends.
//!
//! The kernel's SCTP has never been run here: no machine of ours has it. Its part is written after the socket interface of RFC 6458.

mod kernel;
mod user;

use std::net::{IpAddr, SocketAddr};

use ::sctp::{AssociationId, Config, ConfigError, Event, Message, Remote, SendError, Status};
use node::Rng;

use crate::reactor::{Reactor, Ready};
use kernel::Kernel;
use user::{Line, User};

/// How packets are carried. See the module's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carriage {
    /// The first of the others that works.
    Auto,
    /// The kernel's SCTP.
    Kernel,
    /// Raw IP.
    Raw,
    /// UDP.
    Udp,
}

impl core::str::FromStr for Carriage {
    type Err = String;
    /// `auto`, `kernel`, `raw` or `udp`.
    fn from_str(s: &str) -> Result<Carriage, String> {
        match s {
            "auto" => Ok(Carriage::Auto),
            "kernel" => Ok(Carriage::Kernel),
            "raw" => Ok(Carriage::Raw),
            "udp" => Ok(Carriage::Udp),
            other => Err(format!("{other:?} is none of auto, kernel, raw, udp")),
        }
    }
}

/// What an [`SctpEndpoint`] is told once.
#[derive(Clone, Debug)]
pub struct SctpConfig {
    /// The association's configuration; its addresses are those that are bound, one or more. Its UDP port is set by the carriage.
    pub node: Config,
    /// How packets are carried.
    pub carriage: Carriage,
    /// With UDP, the local port; 0: any. One that listens has 9899 where peers shall find it.
    pub udp_local: u16,
    /// With UDP, the port that peers are found at first.
    pub udp_remote: u16,
}

impl SctpConfig {
    /// `node`, carried as the machine allows; in UDP from any port, or from 9899 if it listens.
    pub fn new(node: Config) -> SctpConfig {
        let udp_local = if node.listen { ::sctp::UDP_PORT } else { 0 };
        SctpConfig { node, carriage: Carriage::Auto, udp_local, udp_remote: ::sctp::UDP_PORT }
    }
}

/// Why there is no endpoint.
#[derive(Debug)]
pub enum SctpError {
    /// The configuration is wrong. Fault: configuration.
    Config(ConfigError),
    /// No address to bind. Fault: configuration.
    NoAddress,
    /// The carriage that was asked for does not work here. Fault: local.
    Carriage {
        /// Which.
        carriage: &'static str,
        /// Why.
        cause: std::io::Error,
    },
}

impl core::fmt::Display for SctpError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            SctpError::Config(e) => e.fmt(f),
            SctpError::NoAddress => write!(f, "SCTP: no address to bind"),
            SctpError::Carriage { carriage, cause } => write!(f, "SCTP by {carriage}: {cause}"),
        }
    }
}

impl std::error::Error for SctpError {}

/// An SCTP endpoint with its sockets. See the module's page for who calls what.
#[derive(Debug)]
pub struct SctpEndpoint {
    back: Back,
    found: String,
}

#[derive(Debug)]
enum Back {
    User(Box<User>),
    Kernel(Box<Kernel>),
}

impl SctpEndpoint {
    /// Opens sockets on the configuration's addresses. `rng` comes from the operating system's entropy outside a lab.
    ///
    /// Errors: the configuration, or that the carriage does not work here.
    pub fn open(config: &SctpConfig, rng: Rng, reactor: &mut Reactor) -> Result<SctpEndpoint, SctpError> {
        if config.node.addresses.is_empty() {
            return Err(SctpError::NoAddress);
        }
        let mut why = Vec::new();
        for (carriage, name) in [(Carriage::Kernel, "the kernel"), (Carriage::Raw, "raw IP"), (Carriage::Udp, "UDP")] {
            if config.carriage != carriage && config.carriage != Carriage::Auto {
                continue;
            }
            let back = match carriage {
                Carriage::Kernel => Kernel::open(config, reactor).map(|k| Back::Kernel(Box::new(k))),
                Carriage::Raw => {
                    Line::raw(&config.node.addresses).and_then(|lines| user(config, None, lines, &rng, reactor))
                }
                _ => Line::udp(&config.node.addresses, config.udp_local)
                    .and_then(|lines| user(config, Some(config.udp_remote), lines, &rng, reactor)),
            };
            match back {
                Ok(back) => return Ok(SctpEndpoint { found: found(config, name, &back, &why), back }),
                Err(cause) if config.carriage == carriage || carriage == Carriage::Udp => {
                    return Err(SctpError::Carriage { carriage: name, cause });
                }
                Err(cause) => why.push(format!("{name}: {cause}")),
            }
        }
        Err(SctpError::NoAddress)
    }

    /// One line: how packets are carried, and why not otherwise.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// Begins an association. Errors: as the endpoint or the operating system says.
    pub fn connect(&mut self, reactor: &Reactor, remote: &Remote) -> std::io::Result<AssociationId> {
        match &mut self.back {
            Back::User(user) => user.connect(reactor.now(), remote).map_err(std::io::Error::other),
            Back::Kernel(kernel) => kernel.connect(remote),
        }
    }

    /// Takes a message; it leaves with [`SctpEndpoint::finish`].
    pub fn send(&mut self, id: AssociationId, message: Message) -> Result<(), SendError> {
        match &mut self.back {
            Back::User(user) => user.endpoint.send(id, message),
            Back::Kernel(kernel) => kernel.send(id, message),
        }
    }

    /// The oldest message that came; `None` when there is none.
    pub fn receive(&mut self, reactor: &Reactor, id: AssociationId) -> Option<Message> {
        match &mut self.back {
            Back::User(user) => user.receive(reactor.now(), id),
            Back::Kernel(kernel) => kernel.receive(id),
        }
    }

    /// Ends an association once all arrived.
    pub fn shutdown(&mut self, reactor: &Reactor, id: AssociationId) {
        match &mut self.back {
            Back::User(user) => user.shutdown(reactor.now(), id),
            Back::Kernel(kernel) => kernel.end(id, false),
        }
    }

    /// Ends an association at once.
    pub fn abort(&mut self, reactor: &Reactor, id: AssociationId, why: &[u8]) {
        match &mut self.back {
            Back::User(user) => user.abort(reactor.now(), id, why),
            Back::Kernel(kernel) => kernel.end(id, true),
        }
    }

    /// How an association does; `None` where there is none, or where the kernel has it.
    pub fn status(&self, id: AssociationId) -> Option<Status> {
        match &self.back {
            Back::User(user) => user.endpoint.status(id),
            Back::Kernel(_) => None,
        }
    }

    /// What happened, the oldest first.
    pub fn event(&mut self) -> Option<(AssociationId, Event)> {
        match &mut self.back {
            Back::User(user) => user.events.pop_front(),
            Back::Kernel(kernel) => kernel.events.pop_front(),
        }
    }

    /// Takes what the reactor reports; `false` if the token is another's.
    pub fn ready(&mut self, reactor: &Reactor, ready: &Ready) -> bool {
        match &mut self.back {
            Back::User(user) => user.ready(reactor.now(), ready),
            Back::Kernel(kernel) => kernel.ready(ready),
        }
    }

    /// The end of a round: sends what is due and sets the timer.
    pub fn finish(&mut self, reactor: &mut Reactor) {
        match &mut self.back {
            Back::User(user) => user.finish(reactor),
            Back::Kernel(kernel) => kernel.finish(reactor),
        }
    }

    /// Local addresses with the UDP ports that are bound; port 0 where it is not UDP.
    pub fn local(&self) -> Vec<SocketAddr> {
        match &self.back {
            Back::User(user) => user.lines.iter().map(Line::local).collect(),
            Back::Kernel(kernel) => kernel.addresses.iter().map(|a| SocketAddr::new(*a, 0)).collect(),
        }
    }

    /// Closes the sockets.
    pub fn close(self, reactor: &mut Reactor) {
        match self.back {
            Back::User(user) => user.close(reactor),
            Back::Kernel(kernel) => kernel.close(reactor),
        }
    }
}

fn user(
    config: &SctpConfig,
    udp_port: Option<u16>,
    lines: Vec<Line>,
    rng: &Rng,
    reactor: &mut Reactor,
) -> std::io::Result<Back> {
    let node = Config { udp_port, ..config.node.clone() };
    Ok(Back::User(Box::new(User::new(node, lines, rng.clone(), reactor)?)))
}

fn found(config: &SctpConfig, name: &str, back: &Back, why: &[String]) -> String {
    let addresses: Vec<String> = match back {
        Back::User(user) if name == "UDP" => user.lines.iter().map(|l| l.local().to_string()).collect(),
        _ => config.node.addresses.iter().map(IpAddr::to_string).collect(),
    };
    let reason = match config.carriage {
        Carriage::Auto if why.is_empty() => "the first choice".to_owned(),
        Carriage::Auto => why.join("; "),
        _ => "as asked for".to_owned(),
    };
    format!("SCTP port {} on {} by {name} ({reason})", config.node.port, addresses.join(", "))
}
