//! What crossed and what happened, as lines for a person. Names and sizes, never contents: a log holds no key and no user data.

use node::{Direction, Frame, MacKind, Tap};
use std::fmt::{Debug, Write};

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Nothing but the steps.
    Off,
    /// What failed.
    Error,
    /// What a person should know.
    Warn,
    /// How it runs.
    Info,
    /// Each message of a procedure by its name, each event, each block that is lost for good.
    Debug,
    /// Each PDU and packet, each block that is sent again.
    Trace,
}

impl Level {
    /// Every level with its name.
    pub const ALL: [(Level, &'static str); 6] = [
        (Level::Off, "off"),
        (Level::Error, "error"),
        (Level::Warn, "warn"),
        (Level::Info, "info"),
        (Level::Debug, "debug"),
        (Level::Trace, "trace"),
    ];
    /// The level of a name.
    pub fn parse(name: &str) -> Option<Level> {
        Self::ALL.into_iter().find_map(|(l, n)| (n == name).then_some(l))
    }
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find_map(|(l, n)| (l == self).then_some(n)).unwrap_or("off")
    }
}

/// Names of layers that a filter knows.
pub const LAYERS: [&str; 12] = ["ue", "gnb", "core", "rrc", "nas", "ngap", "pfcp", "gtpu", "ip", "mac", "rlc", "pdcp"];

/// What is wanted: a level, and others for some layers, as in `info,nas=debug,mac=trace`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    base: Level,
    layers: Vec<(&'static str, Level)>,
}

impl Filter {
    /// Warnings of all layers.
    pub const WARN: Filter = Filter { base: Level::Warn, layers: Vec::new() };
    /// Reads a filter. `None`: a level or a layer that there is not. Without a level of its own the base is `warn`.
    pub fn parse(text: &str) -> Option<Filter> {
        let mut filter = Filter { base: Level::Warn, layers: Vec::new() };
        for word in text.split(',').map(str::trim) {
            match word.split_once('=') {
                None => filter.base = Level::parse(word)?,
                Some((layer, level)) => {
                    let layer = LAYERS.into_iter().find(|l| *l == layer)?;
                    filter.layers.push((layer, Level::parse(level)?));
                }
            }
        }
        Some(filter)
    }
    /// The level of what belongs to no layer.
    pub fn base(&self) -> Level {
        self.base
    }
    /// The level of a layer: the last that was given for it.
    pub fn of(&self, layer: &str) -> Level {
        self.layers.iter().rev().find(|(l, _)| *l == layer).map_or(self.base, |(_, level)| *level)
    }
    /// The highest level of all.
    pub fn max(&self) -> Level {
        self.layers.iter().map(|(_, l)| *l).fold(self.base, Level::max)
    }
    /// Whether `line` is wanted.
    pub fn wants(&self, line: &Line) -> bool {
        self.of(line.layer) >= line.level
    }
}

/// A line without its time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// One of [`LAYERS`].
    pub layer: &'static str,
    /// From which level on it is told.
    pub level: Level,
    /// What happened.
    pub text: String,
}

/// The name of an enum's variant as `Debug` gives it, without formatting what it holds.
pub fn variant(value: &dyn Debug) -> String {
    struct Head(String);
    impl Write for Head {
        fn write_str(&mut self, s: &str) -> std::fmt::Result {
            let n = s.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(s.len());
            self.0.push_str(&s[..n]);
            if n == s.len() { Ok(()) } else { Err(std::fmt::Error) }
        }
    }
    let mut head = Head(String::new());
    let _ = write!(head, "{value:?}");
    head.0
}

/// A variant of an RRC choice as the specification writes the message: RRCSetup, UECapabilityEnquiry.
fn rrc_title(value: &dyn Debug) -> String {
    let name = variant(value);
    for (ours, theirs) in
        [("Rrc", "RRC"), ("Ue", "UE"), ("Ul", "UL"), ("Dl", "DL"), ("SystemInformationBlockType", "SIB")]
    {
        if let Some(rest) = name.strip_prefix(ours) {
            return format!("{theirs}{rest}");
        }
    }
    name
}

fn rrc_name(channel: &str, pdu: &[u8]) -> Option<String> {
    use rrc::{BcchDlSchMessageType, DlCcchMessageType, DlDcchMessageType, UlCcchMessageType, UlDcchMessageType};
    Some(match channel {
        "bcch.bch" => "MIB".into(),
        "bcch.dl.sch" => match rrc::decode::<rrc::BcchDlSchMessage>(pdu).ok()?.message {
            BcchDlSchMessageType::C1(m) => rrc_title(&m),
            other => rrc_title(&other),
        },
        "pcch" => match rrc::decode::<rrc::PcchMessage>(pdu).ok()?.message {
            rrc::PcchMessageType::C1(m) => rrc_title(&m),
            other => rrc_title(&other),
        },
        "ul.ccch" => match rrc::decode::<rrc::UlCcchMessage>(pdu).ok()?.message {
            UlCcchMessageType::C1(m) => rrc_title(&m),
            other => rrc_title(&other),
        },
        "dl.ccch" => match rrc::decode::<rrc::DlCcchMessage>(pdu).ok()?.message {
            DlCcchMessageType::C1(m) => rrc_title(&m),
            other => rrc_title(&other),
        },
        "ul.dcch" => match rrc::decode::<rrc::UlDcchMessage>(pdu).ok()?.message {
            UlDcchMessageType::C1(m) => rrc_title(&m),
            other => rrc_title(&other),
        },
        "dl.dcch" => match rrc::decode::<rrc::DlDcchMessage>(pdu).ok()?.message {
            DlDcchMessageType::C1(m) => rrc_title(&m),
            other => rrc_title(&other),
        },
        _ => return None,
    })
}

fn nas_name(pdu: &[u8]) -> String {
    match nas::Message::decode(pdu) {
        Ok(m) => m.name().into(),
        Err(nas::NasError::Protected { header: 2 | 4 }) => "(ciphered)".into(),
        Err(nas::NasError::Protected { .. }) => match pdu.get(7..).map(nas::Message::decode) {
            // Integrity alone: the plain message stands behind the header of seven octets (TS 24.501 §9.1.1).
            Some(Ok(m)) => m.name().into(),
            _ => "(protected)".into(),
        },
        Err(_) => "(not decodable)".into(),
    }
}

fn mac(kind: MacKind, direction: Direction) -> (Level, &'static str) {
    match (kind, direction) {
        (MacKind::Ra, _) => (Level::Debug, "random access response"),
        (MacKind::Paging, _) => (Level::Debug, "paging"),
        (MacKind::Si, _) => (Level::Trace, "system information"),
        (MacKind::Bch, _) => (Level::Trace, "MIB"),
        (MacKind::Cell, Direction::Uplink) => (Level::Trace, "UL-SCH"),
        (MacKind::Cell, Direction::Downlink) => (Level::Trace, "DL-SCH"),
    }
}

/// The line of a tap.
pub fn line(tap: &Tap) -> Line {
    let way = match tap.direction {
        Direction::Uplink => "UL",
        Direction::Downlink => "DL",
    };
    let (layer, level, what, len) = match &tap.frame {
        Frame::Ngap(b) => {
            let name = ngap::Pdu::decode(b).map_or_else(|e| e.to_string(), |m| m.name().into());
            ("ngap", Level::Debug, name, b.len())
        }
        Frame::Nas(b) => ("nas", Level::Debug, nas_name(b), b.len()),
        Frame::NasPlain(b) => ("nas", Level::Debug, format!("deciphered: {}", nas_name(b)), b.len()),
        Frame::Pfcp(b) => {
            let name = pfcp::Message::decode(b).map_or_else(|_| "(not decodable)".into(), |m| m.body.name().into());
            ("pfcp", Level::Debug, name, b.len())
        }
        Frame::Rrc { channel, pdu, .. } => {
            let name = rrc_name(channel, pdu).unwrap_or_else(|| "(not decodable)".into());
            ("rrc", Level::Debug, format!("{name} ({})", channel.replace('.', "-").to_uppercase()), pdu.len())
        }
        Frame::Gtpu(b) => ("gtpu", Level::Trace, "packet".into(), b.len()),
        Frame::Ip(b) => ("ip", Level::Trace, "packet".into(), b.len()),
        Frame::Mac { rnti, kind, slot, harq, pdu } => {
            let (level, name) = mac(*kind, tap.direction);
            let text = format!("{name}, RNTI {:#06x}, slot {}.{}, HARQ {harq}", rnti.0, slot.sfn(), slot.slot());
            ("mac", level, text, pdu.len())
        }
        Frame::Rlc { lcid, acknowledged, sn_bits, pdu, .. } => {
            let mode = match (acknowledged, sn_bits) {
                (true, _) => "AM",
                (false, 0) => "TM",
                (false, _) => "UM",
            };
            ("rlc", Level::Trace, format!("{mode} PDU, LCID {lcid}"), pdu.len())
        }
        Frame::Pdcp { lcid, srb, pdu, .. } => {
            let bearer = if *srb { "SRB" } else { "DRB" };
            ("pdcp", Level::Trace, format!("PDU of a {bearer}, LCID {lcid}"), pdu.len())
        }
    };
    let ue = if tap.ue > 0 { format!("ue{:<3} ", tap.ue) } else { " ".repeat(6) };
    Line { layer, level, text: format!("{ue}{layer:<5} {way} {what}, {len} octets") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nr::{Numerology, Rnti, SlotPoint, Tc};

    fn text(direction: Direction, frame: Frame) -> (Level, String) {
        let l = line(&Tap { at: Tc::ZERO, direction, ue: 1, frame });
        (l.level, l.text)
    }

    #[test] // Spec: ironcell issue §1 (--log)
    fn a_filter_is_a_level_and_layers_of_their_own() {
        let f = Filter::parse("info, nas=debug,mac=trace").unwrap();
        assert_eq!(
            (f.base(), f.of("nas"), f.of("mac"), f.of("rrc")),
            (Level::Info, Level::Debug, Level::Trace, Level::Info)
        );
        assert_eq!((f.max(), Filter::parse("nas=debug").unwrap().base()), (Level::Trace, Level::Warn));
        assert!(f.wants(&Line { layer: "nas", level: Level::Debug, text: String::new() }));
        assert!(!f.wants(&Line { layer: "nas", level: Level::Trace, text: String::new() }));
        for wrong in ["", "loud", "nas", "nas=", "nas=loud", "sctp=debug", "debug,,info", "=debug"] {
            assert_eq!(Filter::parse(wrong), None, "{wrong:?}");
        }
        assert!(Level::ALL.into_iter().all(|(l, n)| Level::parse(n) == Some(l) && l.name() == n));
    }

    #[test] // Spec: TS 38.331 §6.2.2, TS 24.501 §8.2.11, TS 38.413 §9.2.6.1 (names)
    fn messages_are_called_by_their_names_and_their_contents_stay_out() {
        let m = rrc::UlCcchMessage {
            message: rrc::UlCcchMessageType::C1(rrc::UlCcchMessageTypeC1::RrcSetupRequest(Default::default())),
        };
        let frame = Frame::Rrc { rnti: Rnti(1), channel: "ul.ccch", pdu: rrc::encode(&m).unwrap() };
        let (level, line) = text(Direction::Uplink, frame);
        assert!(
            level == Level::Debug && line.contains("ue1") && line.contains("rrc   UL RRCSetupRequest (UL-CCCH)"),
            "{line}"
        );
        let accept = vec![0x7e, 0, 0x46];
        let (_, line) = text(Direction::Downlink, Frame::NasPlain(accept));
        assert!(line.contains("nas   DL deciphered: ") && !line.contains("not decodable"), "{line}");
        let (_, line) = text(Direction::Downlink, Frame::Nas(vec![0x7e, 2, 1, 2, 3, 4, 5, 0xc0, 0xff, 0xee]));
        assert!(line.contains("(ciphered), 10 octets"), "{line}");
        let slot = SlotPoint::new(Numerology::KHZ30, 5, 3);
        let frame = Frame::Mac { rnti: Rnti(0x11), kind: MacKind::Ra, slot, harq: 0, pdu: vec![0; 8] };
        let (level, line) = text(Direction::Downlink, frame);
        assert!(level == Level::Debug && line.contains("random access response, RNTI 0x0011, slot 5.3"), "{line}");
        assert_eq!(text(Direction::Uplink, Frame::Gtpu(vec![0; 3])).0, Level::Trace);
    }

    #[test] // Spec: ironcell issue §3 (bad input)
    fn broken_frames_have_lines_too() {
        for bytes in [vec![], vec![0xff], vec![0x7e, 1, 0, 0], vec![0; 9]] {
            for frame in [
                Frame::Ngap(bytes.clone()),
                Frame::Nas(bytes.clone()),
                Frame::NasPlain(bytes.clone()),
                Frame::Pfcp(bytes.clone()),
            ] {
                assert!(text(Direction::Uplink, frame).1.contains("octets"));
            }
            for channel in ["bcch.bch", "bcch.dl.sch", "pcch", "ul.ccch", "dl.ccch", "ul.dcch", "dl.dcch", "x"] {
                let frame = Frame::Rrc { rnti: Rnti(1), channel, pdu: bytes.clone() };
                assert!(text(Direction::Uplink, frame).1.contains("rrc"));
            }
        }
    }
}
