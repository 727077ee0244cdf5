//! One of the peer's addresses: round trip, congestion window, faults.
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | RTO, SRTT, RTTVAR | [`Path::rto`], [`Path::srtt`], [`Path::rttvar`] | retransmission timeout and what it is made of |
//! | cwnd, ssthresh, partial_bytes_acked | same names | octets |
//! | flightsize | [`Path::flight`] | octets outstanding on this path |
//! | error count | [`Path::errors`] | timeouts in a row |
//!
//! Spec: RFC 9260 §6.3, §7.2, §8.2, §8.3

use core::net::IpAddr;

use nr::Tc;

use crate::Config;

/// What is known about one of the peer's addresses.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub remote: IpAddr,
    /// Where packets to it come from.
    pub local: Option<IpAddr>,
    /// UDP port that its packets come from. Spec: RFC 6951 §5.4
    pub udp_port: Option<u16>,
    /// Answers.
    pub active: bool,
    /// Has shown that it is the peer's. Spec: RFC 9260 §5.4
    pub confirmed: bool,
    pub errors: u32,
    pub rto: Tc,
    pub srtt: Option<Tc>,
    pub rttvar: Tc,
    pub cwnd: usize,
    pub ssthresh: usize,
    pub partial_bytes_acked: usize,
    pub flight: usize,
    /// Largest SCTP packet.
    pub packet_max: usize,
    /// When DATA or HEARTBEAT was last sent.
    pub used: Tc,
    /// A round trip is being measured by this TSN.
    pub timed: Option<u32>,
    /// Nonce and time of a HEARTBEAT that was not answered yet.
    pub heartbeat: Option<(u64, Tc)>,
}

impl Path {
    pub fn new(config: &Config, remote: IpAddr, local: Option<IpAddr>, udp_port: Option<u16>) -> Path {
        let ip = if remote.is_ipv4() { 20 } else { 40 };
        let udp = if udp_port.is_some() || config.udp_port.is_some() { 8 } else { 0 };
        let packet_max = (usize::from(config.mtu) - ip - udp) / 4 * 4;
        Path {
            remote,
            local,
            udp_port,
            active: true,
            confirmed: false,
            errors: 0,
            rto: config.rto_initial,
            srtt: None,
            rttvar: Tc::ZERO,
            cwnd: (4 * packet_max).min((2 * packet_max).max(4404)),
            ssthresh: usize::MAX,
            partial_bytes_acked: 0,
            flight: 0,
            packet_max,
            used: Tc::ZERO,
            timed: None,
            heartbeat: None,
        }
    }

    /// Takes a measured round trip. Spec: RFC 9260 §6.3.1 (C2, C3, C6, C7)
    pub fn round_trip(&mut self, config: &Config, rtt: Tc) {
        let rtt = rtt.0.max(0);
        let srtt = match self.srtt {
            None => {
                self.rttvar = Tc(rtt / 2);
                rtt
            }
            Some(srtt) => {
                self.rttvar = Tc(self.rttvar.0 - self.rttvar.0 / 4 + (srtt.0 - rtt).abs() / 4);
                srtt.0 - srtt.0 / 8 + rtt / 8
            }
        };
        self.srtt = Some(Tc(srtt));
        // C4: a variation of 0 would make the timeout the round trip itself.
        let rttvar = self.rttvar.0.max(Tc::MS.0);
        self.rto = Tc(srtt + 4 * rttvar).clamp(config.rto_min, config.rto_max);
    }

    /// Backs the timer off. Spec: RFC 9260 §6.3.3 (E2)
    pub fn back_off(&mut self, config: &Config) {
        self.rto = Tc(self.rto.0.saturating_mul(2)).min(config.rto_max);
    }

    /// The window after T3-rtx expired. Spec: RFC 9260 §7.2.3
    pub fn collapse(&mut self) {
        self.ssthresh = (self.cwnd / 2).max(4 * self.packet_max);
        self.cwnd = self.packet_max;
        self.partial_bytes_acked = 0;
    }

    /// The window when a fast retransmission begins. Spec: RFC 9260 §7.2.4
    pub fn halve(&mut self) {
        self.ssthresh = (self.cwnd / 2).max(4 * self.packet_max);
        self.cwnd = self.ssthresh;
        self.partial_bytes_acked = 0;
    }

    /// The window after `acked` octets were acknowledged, of `flight_before` outstanding.
    ///
    /// Spec: RFC 9260 §7.2.1, §7.2.2
    pub fn grow(&mut self, acked: usize, flight_before: usize, advanced: bool, in_recovery: bool) {
        let full = flight_before + self.packet_max > self.cwnd;
        if self.cwnd <= self.ssthresh {
            if advanced && full && !in_recovery {
                self.cwnd = self.cwnd.saturating_add(acked.min(self.packet_max));
            }
        } else if advanced {
            self.partial_bytes_acked += acked;
            if self.partial_bytes_acked >= self.cwnd {
                if full && !in_recovery {
                    self.partial_bytes_acked -= self.cwnd;
                    self.cwnd = self.cwnd.saturating_add(self.packet_max);
                } else {
                    self.partial_bytes_acked = self.cwnd;
                }
            }
        }
        // Beyond any window that a peer can open there is nothing to grow to.
        self.cwnd = self.cwnd.min(1 << 30);
        if self.flight == 0 {
            self.partial_bytes_acked = 0;
        }
    }

    /// The window after nothing was sent for a while: halved for each timeout that passed. Spec: RFC 9260 §7.2.1
    pub fn idle(&mut self, now: Tc) {
        if self.flight > 0 || self.rto <= Tc::ZERO {
            return;
        }
        let floor = 4 * self.packet_max;
        let mut periods = (now - self.used).0 / self.rto.0;
        if periods > 0 && self.cwnd > floor {
            self.ssthresh = self.ssthresh.min(self.cwnd);
        }
        while periods > 0 && self.cwnd > floor {
            self.cwnd = (self.cwnd / 2).max(floor);
            periods -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;

    fn path() -> (Config, Path) {
        let config = Config { rto_min: Tc::from_ms(10), ..Config::new(1) };
        let path = Path::new(&config, Ipv4Addr::LOCALHOST.into(), None, None);
        (config, path)
    }

    #[test] // Spec: RFC 9260 §6.3.1 (RTO of the first measurement, of later ones, bounds), §6.3.3 (back-off)
    fn the_timeout_follows_the_round_trip() {
        let (config, mut p) = path();
        assert_eq!(p.rto, Tc::from_ms(1000));
        p.round_trip(&config, Tc::from_ms(100));
        assert_eq!((p.srtt, p.rttvar, p.rto), (Some(Tc::from_ms(100)), Tc::from_ms(50), Tc::from_ms(300)));
        p.round_trip(&config, Tc::from_ms(180));
        assert_eq!((p.srtt, p.rto.as_ms()), (Some(Tc::from_ms(110)), 340));
        p.back_off(&config);
        assert_eq!(p.rto.as_ms(), 680);
        (0..20).for_each(|_| p.back_off(&config));
        assert_eq!(p.rto, config.rto_max);
        (0..100).for_each(|_| p.round_trip(&config, Tc::from_us(50)));
        assert_eq!(p.rto, config.rto_min);
    }

    #[test] // Spec: RFC 9260 §7.2.1, §7.2.2, §7.2.3 (slow start, avoidance, timeout, idle)
    fn the_window_grows_and_shrinks() {
        let (_, mut p) = path();
        let mtu = p.packet_max;
        assert_eq!((mtu, p.cwnd), (1480, 4404));
        p.grow(3000, 1000, true, false);
        assert_eq!(p.cwnd, 4404, "a window that was not used does not grow");
        p.grow(3000, 4404, false, false);
        p.grow(3000, 4404, true, true);
        assert_eq!(p.cwnd, 4404, "nor without progress, nor in fast recovery");
        p.grow(3000, 4404, true, false);
        assert_eq!(p.cwnd, 4404 + mtu);
        p.collapse();
        assert_eq!((p.cwnd, p.ssthresh), (mtu, 4 * mtu));
        p.cwnd = 10 * mtu;
        p.halve();
        assert_eq!((p.cwnd, p.ssthresh), (5 * mtu, 5 * mtu));
        p.cwnd += 1;
        p.flight = 1;
        p.grow(5 * mtu, p.cwnd, true, false);
        assert_eq!(p.cwnd, 5 * mtu + 1);
        p.grow(mtu, p.cwnd, true, false);
        assert_eq!((p.cwnd, p.partial_bytes_acked), (6 * mtu + 1, mtu - 1));
        p.flight = 0;
        p.used = Tc::ZERO;
        p.idle(Tc::from_ms(1500));
        assert_eq!(p.cwnd, 4 * mtu);
    }
}
