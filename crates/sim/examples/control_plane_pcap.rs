//! Writes what crosses in a run of the control plane without a physical layer, for a look with Wireshark.
//!
//!     cargo run -p sim --example control_plane_pcap -- control_plane.pcapng
//!     tshark -r control_plane.pcapng -Y _ws.malformed

#[path = "../tests/common/mod.rs"]
mod common;

use common::*;
use nas::ie::PduSessionType;
use obs::pcap::PcapWriter;
use std::net::Ipv4Addr;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "control_plane.pcapng".into());
    let mut w = Setup::new(1, 2).sessions(&[PduSessionType::Ipv4v6, PduSessionType::Ipv4]).build();
    let server = Ipv4Addr::new(192, 0, 2, 1);
    for i in 0..2 {
        w.attach(i);
        w.run_ms(300);
        for session in 1..3 {
            let Some(ip) = w.session(i, session).and_then(|s| s.ipv4) else { continue };
            w.uplink(i, session, ipv4(ip, server, b"ping"));
            w.downlink(ipv4(server, ip, b"pong"));
            w.run_ms(100);
        }
    }
    // A radio link failure with re-establishment, then everyone leaves.
    w.ues[0].hears = false;
    w.run_ms(1300);
    w.ues[0].hears = true;
    w.run_ms(2000);
    (0..2).for_each(|i| w.switch_off(i));
    w.run_ms(1000);
    let mut out = PcapWriter::new(std::io::BufWriter::new(std::fs::File::create(&path)?), true, true)?;
    for tap in &w.taps {
        out.write(tap)?;
    }
    out.flush()?;
    println!("{} frames in {path}", w.taps.len());
    Ok(())
}
