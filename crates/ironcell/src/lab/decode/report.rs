//! What was decoded, for a person, for a program and for Wireshark.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

use fapi::dci::RntiKind;
use fapi::{PdschPdu, RbAllocation, SearchSpaceKind};
use node::{Direction, Frame, MacKind, Tap};
use nr::{SlotPoint, Tc};
use serde_json::{Value, json};
use sim::scenario::ScenarioError;

use super::receive::{DciFound, PdschFound};
use super::{DecodeArgs, Decoded, names};
use crate::lab::recording::Recording;
use crate::lab::sib1::io_hex;

/// Bytes of a block that a line shows.
const HEX_SHOWN: usize = 48;

/// Writes capture and report. Exit status 1 if standard output cannot be written.
///
/// Errors: a capture that cannot be written.
pub fn write(args: &DecodeArgs, recording: &Recording, decoded: Option<&Decoded>) -> Result<ExitCode, ScenarioError> {
    if let Some(path) = &args.pcap {
        let told = |e: &dyn std::fmt::Display| {
            let fields = [("--pcap", path.display().to_string())];
            ScenarioError::new(format!("{} cannot be written: {e}", path.display()), &fields, "--pcap mac.pcapng")
        };
        let out = File::create(path).map_err(|e| told(&e))?;
        capture(BufWriter::new(out), decoded).map_err(|e| told(&e))?;
    }
    let text = if args.json {
        format!("{:#}\n", document(args, recording, decoded))
    } else {
        decoded.map_or("no cell found: there is no SS/PBCH block in the recording\n".into(), lines)
    };
    Ok(crate::cli::print_all(&text))
}

/// The MAC PDUs whose CRC holds, each once, and the MIB.
pub fn capture(out: impl Write, decoded: Option<&Decoded>) -> Result<(), Box<dyn std::error::Error>> {
    let tdd = decoded.is_some_and(|d| matches!(d.read_as.cell.duplex, fapi::Duplex::Tdd(_)));
    let mut writer = obs::pcap::PcapWriter::new(out, tdd, false)?;
    if let Some(decoded) = decoded {
        taps(decoded).iter().try_for_each(|t| writer.write(t))?;
    }
    Ok(writer.flush()?)
}

/// What the capture holds.
pub fn taps(decoded: &Decoded) -> Vec<Tap> {
    let ues: Vec<u16> = decoded.users.keys().copied().collect();
    let good = decoded.found.pdschs.iter().filter(|p| p.result.crc_ok && !p.again);
    let of = |p: &PdschFound| {
        let rnti = p.pdu.rnti;
        let kind = match p.kind {
            RntiKind::Si => MacKind::Si,
            RntiKind::Ra => MacKind::Ra,
            RntiKind::Paging => MacKind::Paging,
            _ => MacKind::Cell,
        };
        Tap {
            at: Tc((p.at_s.max(0.0) * Tc::PER_SECOND as f64) as i64),
            direction: Direction::Downlink,
            ue: ues.iter().position(|r| *r == rnti.0).map_or(0, |i| i as u32 + 1),
            frame: Frame::Mac { rnti, kind, slot: p.slot, harq: p.pdu.harq.get(), pdu: p.bytes.clone() },
        }
    };
    good.map(of).collect()
}

fn slot_json(slot: SlotPoint) -> Value {
    json!({ "sfn": slot.sfn(), "slot": slot.slot() })
}

fn space_name(kind: SearchSpaceKind) -> &'static str {
    match kind {
        SearchSpaceKind::Common => "common",
        _ => "ue-specific",
    }
}

fn dci_json(d: &DciFound) -> Value {
    let (format, fields) = names::fields(&d.dci);
    let bits: String = d.detection.payload.as_slice().iter().map(|b| if *b == 1 { '1' } else { '0' }).collect();
    json!({
        "slot": slot_json(d.slot),
        "at_ms": d.at_s * 1e3,
        "rnti": d.rnti.0,
        "rnti_type": names::rnti_type(d.kind),
        "dci": { "format": format, "fields": names::to_json(&fields), "bits": bits },
        "search_space": { "id": d.space.id, "kind": space_name(d.space.kind) },
        "coreset": d.coreset.id,
        "start_symbol": d.start_symbol,
        "cce": d.detection.cce,
        "aggregation_level": d.detection.level,
        "snr_db": d.detection.snr_db,
        "pusch_slot": d.pusch.map(slot_json),
        "error": d.error,
    })
}

/// First RB and number of them; more than one run is told as its hull.
fn rb_range(rbs: &RbAllocation) -> (u16, u16) {
    match rbs {
        RbAllocation::Contiguous { start, n_rb } => (*start, *n_rb),
        RbAllocation::Bitmap(_) => (rbs.iter().next().unwrap_or(0), rbs.n_rb()),
    }
}

/// A modulation order by its name.
pub fn modulation(pdu: &PdschPdu) -> &'static str {
    match pdu.coding.q_m {
        2 => "QPSK",
        4 => "16QAM",
        6 => "64QAM",
        8 => "256QAM",
        _ => "1024QAM",
    }
}

fn pdsch_json(p: &PdschFound, decoded: &Decoded) -> Value {
    let dci = decoded.found.dcis.get(p.dci).map(dci_json).map(|d| d["dci"].clone());
    let (start_rb, n_rb) = rb_range(&p.pdu.rbs);
    json!({
        "slot": slot_json(p.slot),
        "at_ms": p.at_s * 1e3,
        "rnti": p.pdu.rnti.0,
        "rnti_type": names::rnti_type(p.kind),
        "dci": dci,
        "harq": p.pdu.harq.get(),
        "new_data": p.pdu.new_data,
        "received_before": p.again,
        "modulation": modulation(&p.pdu),
        "code_rate": f64::from(p.pdu.coding.rate_x1024) / 1024.0,
        "layers": p.pdu.n_layers,
        "start_rb": start_rb,
        "n_rb": n_rb,
        "start_symbol": p.pdu.start_symbol,
        "n_symbols": p.pdu.n_symbols,
        "bytes": p.bytes.len(),
        "crc_ok": p.result.crc_ok,
        "sinr_db": p.result.sinr_db,
        "hex": io_hex(&p.bytes),
        "contents": p.contents,
    })
}

/// The keys of `lab decode --json`.
fn document(args: &DecodeArgs, recording: &Recording, decoded: Option<&Decoded>) -> Value {
    let mut json = json!({
        "file": args.file.display().to_string(),
        "sample_rate_hz": recording.rate_hz,
        "centre_hz": recording.centre_hz,
        "milliseconds": recording.samples.len() as f64 / recording.rate_hz * 1e3,
        "cell": null, "carrier": null, "slots": 0, "rntis": [], "dci": [], "pdsch": [], "notes": [],
    });
    let Some(d) = decoded else { return json };
    let dl = &d.read_as.cell.dl;
    let user = |(rnti, u): (&u16, &super::User)| {
        json!({
            "rnti": rnti,
            "rnti_type": names::rnti_type(u.kind),
            "known_from": u.source.name(),
            "own_search_spaces": u.dedicated.is_some(),
        })
    };
    json["cell"] = d.cell.as_ref().map(crate::lab::scan::CellFound::to_json).into();
    json["carrier"] = json!({
        "whole": d.read_as.whole, "n_rb": dl.n_rb, "scs_khz": dl.numerology.scs_khz(),
        "offset_hz": d.read_as.timing.offset_hz,
    });
    json["slots"] = d.found.n_slots.into();
    json["rntis"] = d.users.iter().map(user).collect();
    json["dci"] = d.found.dcis.iter().map(dci_json).collect();
    json["pdsch"] = d.found.pdschs.iter().map(|p| pdsch_json(p, d)).collect();
    json["notes"] = d.notes.clone().into();
    json
}

/// The report for a person.
fn lines(d: &Decoded) -> String {
    let mut text = match &d.cell {
        Some(cell) => format!("{cell}\n"),
        None => format!("PCI {}: by the configuration\n", d.read_as.cell.pci),
    };
    let dl = &d.read_as.cell.dl;
    let carrier = if d.read_as.whole { "carrier" } else { "CORESET 0" };
    text += &format!("{carrier}: {} RB of {} kHz; {} slots\n", dl.n_rb, dl.numerology.scs_khz(), d.found.n_slots);
    d.notes.iter().for_each(|n| text += &format!("note: {n}\n"));
    text += "\n";
    for (i, dci) in d.found.dcis.iter().enumerate() {
        text += &dci_line(dci);
        d.found.pdschs.iter().filter(|p| p.dci == i).for_each(|p| text += &pdsch_lines(p));
    }
    let n = d.found.pdschs.len();
    text += &format!("\n{} DCIs, {} PDSCHs, {} of them with their CRC\n", d.found.dcis.len(), n, d.found.n_good());
    for (rnti, u) in &d.users {
        let own = if u.dedicated.is_some() { ", its own search spaces known" } else { "" };
        text += &format!("{} 0x{rnti:04x}: by {}{own}\n", names::rnti_type(u.kind), u.source.name());
    }
    text
}

fn dci_line(d: &DciFound) -> String {
    let (format, fields) = names::fields(&d.dci);
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let mut line = format!(
        "{:>4}.{:<2} {:<8}{}  DCI {format}  {} CORESET {} CCE {} L{} {:.0} dB  {}",
        d.slot.sfn(),
        d.slot.slot(),
        names::rnti_type(d.kind),
        d.rnti,
        space_name(d.space.kind),
        d.coreset.id,
        d.detection.cce,
        d.detection.level,
        d.detection.snr_db,
        fields.join(", ")
    );
    if let Some(slot) = d.pusch {
        line += &format!("; PUSCH in {}.{}", slot.sfn(), slot.slot());
    }
    if let Some(e) = &d.error {
        line += &format!("; {e}");
    }
    line + "\n"
}

fn pdsch_lines(p: &PdschFound) -> String {
    let (start, n) = rb_range(&p.pdu.rbs);
    let parts: Vec<String> = p.contents.iter().map(names::words).collect();
    let crc = match (p.result.crc_ok, p.again) {
        (true, false) => "CRC ok",
        (true, true) => "CRC ok, again",
        (false, _) => "CRC WRONG",
    };
    let mut text = format!(
        "{:>4}.{:<2}   PDSCH {} RB {start}+{n} symbols {}+{}  {} bytes  {crc}  {:.1} dB  {}\n",
        p.slot.sfn(),
        p.slot.slot(),
        modulation(&p.pdu),
        p.pdu.start_symbol,
        p.pdu.n_symbols,
        p.bytes.len(),
        p.result.sinr_db,
        parts.join(", ")
    );
    if p.result.crc_ok {
        let shown = io_hex(&p.bytes[..p.bytes.len().min(HEX_SHOWN)]);
        let more = if p.bytes.len() > HEX_SHOWN { "..." } else { "" };
        text += &format!("          {shown}{more}\n");
    }
    text
}
