use core::net::IpAddr;

use nr::Tc;

/// What an [`Endpoint`](crate::Endpoint) is told once. Every number has the value that RFC 9260 recommends, where it recommends one.
///
/// Spec: RFC 9260 §16
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The endpoint's port, 1..=65535.
    pub port: u16,
    /// Local addresses, primary first, at most 8; none: packets leave from whichever the system chooses, and the peer learns of that one only.
    pub addresses: Vec<IpAddr>,
    /// Whether peers may set up associations; otherwise an INIT is answered with ABORT.
    pub listen: bool,
    /// Outbound streams asked for, 1..=65535.
    pub streams_out: u16,
    /// Inbound streams allowed, 1..=65535.
    pub streams_in: u16,
    /// Largest IP packet on every path, octets, 576..=65535. It is not searched for.
    pub mtu: u16,
    /// Receive buffer of an association, octets, 4096..: the window that the peer is told. At most twice as much is held.
    pub receive_buffer: u32,
    /// Send buffer of an association, octets: what is neither acknowledged nor sent.
    pub send_buffer: usize,
    /// Longest message, octets, either way; not above either buffer.
    pub message_max: usize,
    /// Most associations at one time.
    pub associations_max: usize,
    /// RTO.Initial.
    pub rto_initial: Tc,
    /// RTO.Min.
    pub rto_min: Tc,
    /// RTO.Max.
    pub rto_max: Tc,
    /// Max.Burst: packets with DATA that one event may send.
    pub burst_max: u32,
    /// Valid.Cookie.Life.
    pub cookie_life: Tc,
    /// Association.Max.Retrans.
    pub association_retransmissions_max: u32,
    /// Path.Max.Retrans.
    pub path_retransmissions_max: u32,
    /// Max.Init.Retransmits.
    pub init_retransmissions_max: u32,
    /// HB.interval.
    pub heartbeat_interval: Tc,
    /// SACK.Delay, at most 500 ms.
    pub sack_delay: Tc,
    /// UDP port of the peers, where packets are to be encapsulated; `None`: bare IP. Spec: RFC 6951 §5.1
    pub udp_port: Option<u16>,
}

impl Config {
    /// The usual configuration on `port`.
    pub fn new(port: u16) -> Config {
        Config {
            port,
            addresses: Vec::new(),
            listen: false,
            streams_out: 16,
            streams_in: 16,
            mtu: 1500,
            receive_buffer: 1 << 20,
            send_buffer: 1 << 20,
            message_max: 1 << 18,
            associations_max: 1024,
            rto_initial: Tc::from_ms(1000),
            rto_min: Tc::from_ms(1000),
            rto_max: Tc::from_ms(60_000),
            burst_max: 4,
            cookie_life: Tc::from_ms(60_000),
            association_retransmissions_max: 10,
            path_retransmissions_max: 5,
            init_retransmissions_max: 8,
            heartbeat_interval: Tc::from_ms(30_000),
            sack_delay: Tc::from_ms(200),
            udp_port: None,
        }
    }

    /// Checks that everything is in its range.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |what, clause| Err(ConfigError { what, clause });
        match self {
            c if c.port == 0 => wrong("port is 0", "3.1"),
            c if c.addresses.len() > crate::wire::ADDRESSES_MAX => wrong("more than 8 addresses", "5.1.2"),
            c if c.streams_out == 0 || c.streams_in == 0 => wrong("no streams", "3.3.2"),
            c if c.mtu < 576 => wrong("mtu below 576", "8.2"),
            c if c.receive_buffer < 4096 => wrong("receive_buffer below 4096", "3.3.2"),
            c if c.message_max == 0 => wrong("message_max is 0", "6.9"),
            c if c.message_max > c.receive_buffer as usize => wrong("message_max above receive_buffer", "6.9"),
            c if c.message_max > c.send_buffer => wrong("message_max above send_buffer", "6.9"),
            c if c.rto_min <= Tc::ZERO || c.rto_min > c.rto_max => wrong("rto_min above rto_max, or 0", "6.3.1"),
            c if c.rto_initial < c.rto_min || c.rto_initial > c.rto_max => wrong("rto_initial out of range", "6.3.1"),
            c if c.sack_delay > Tc::from_ms(500) => wrong("sack_delay above 500 ms", "6.2"),
            c if c.burst_max == 0 => wrong("burst_max is 0", "6.1"),
            c if c.associations_max == 0 => wrong("associations_max is 0", "5.1"),
            _ => Ok(()),
        }
    }
}

/// What is wrong with a [`Config`]. Fault: configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// What is wrong.
    pub what: &'static str,
    /// Clause of RFC 9260.
    pub clause: &'static str,
}

impl core::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SCTP configuration: {} (RFC 9260 {})", self.what, self.clause)
    }
}

impl std::error::Error for ConfigError {}
