//! Names of the messages that cross, as the figures of the specifications have them.

use nas::{Message, MmMessage, SecurityHeader, SecurityHeaderType};
use node::{Direction, Frame, Tap};

/// Who sent to whom, and what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    pub between: &'static str,
    pub what: String,
}

fn between(up: bool, from: &'static str, to: &'static str) -> &'static str {
    match (up, from, to) {
        (true, "UE", "AMF") => "UE -> AMF",
        (false, "UE", "AMF") => "AMF -> UE",
        (true, "UE", "gNB") => "UE -> gNB",
        (false, "UE", "gNB") => "gNB -> UE",
        (true, ..) => "gNB -> AMF",
        (false, ..) => "AMF -> gNB",
    }
}

/// The line of a tap, if it is a message of NAS, RRC or NGAP that can be read.
pub fn line(tap: &Tap) -> Option<Line> {
    let up = tap.direction == Direction::Uplink;
    Some(match &tap.frame {
        Frame::Nas(bytes) => {
            let header = SecurityHeader::peek(bytes)?;
            let plain = match header.kind {
                SecurityHeaderType::Plain => bytes,
                _ => nas::protection::unverified_inner(bytes)?,
            };
            Line { between: between(up, "UE", "AMF"), what: nas_name(plain)? }
        }
        Frame::NasPlain(plain) => Line { between: between(up, "UE", "AMF"), what: nas_name(plain)? },
        Frame::Ngap(bytes) => {
            Line { between: between(up, "gNB", "AMF"), what: ngap::Pdu::decode(bytes).ok()?.name().to_owned() }
        }
        Frame::Rrc { channel, pdu, .. } => Line { between: between(up, "UE", "gNB"), what: rrc_name(channel, pdu)? },
        _ => return None,
    })
}

fn nas_name(plain: &[u8]) -> Option<String> {
    let message = Message::decode(plain).ok()?;
    let inner = match &message {
        Message::Mm(MmMessage::UlNasTransport(t)) => &t.payload_container,
        Message::Mm(MmMessage::DlNasTransport(t)) if t.cause.is_none() => &t.payload_container,
        _ => return Some(message.name().to_owned()),
    };
    Message::decode(inner).ok().map(|m| m.name().to_owned())
}

fn rrc_name(channel: &str, pdu: &[u8]) -> Option<String> {
    let text = match channel {
        "bcch.bch" => return Some("MIB".into()),
        "bcch.dl.sch" => return Some("SIB1".into()),
        "ul.ccch" => format!("{:?}", rrc::decode::<rrc::UlCcchMessage>(pdu).ok()?),
        "dl.ccch" => format!("{:?}", rrc::decode::<rrc::DlCcchMessage>(pdu).ok()?),
        "pcch" => format!("{:?}", rrc::decode::<rrc::PcchMessage>(pdu).ok()?),
        "ul.dcch" => format!("{:?}", rrc::decode::<rrc::UlDcchMessage>(pdu).ok()?),
        _ => format!("{:?}", rrc::decode::<rrc::DlDcchMessage>(pdu).ok()?),
    };
    let name = text.split("C1(").nth(1)?.split('(').next()?;
    Some(name.to_owned())
}
