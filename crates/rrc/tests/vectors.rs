//! Messages by an independent codec: vectors/rrc.txt, see vectors/rrc.manifest.toml.

use rrc::{describe, transcode};

/// Type, octets, hash of the values.
fn vectors() -> impl Iterator<Item = (&'static str, Vec<u8>, u64)> {
    include_str!("../../../vectors/rrc.txt").lines().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let octet = |i: usize| u8::from_str_radix(&words[1][i..i + 2], 16).unwrap();
        let octets = (0..words[1].len()).step_by(2).map(octet).collect();
        (words[0], octets, u64::from_str_radix(words[2], 16).unwrap())
    })
}

/// The values in a description, as vectors/make/rrc.py lists them; None if not all of them are typed, or one is spare (Release 18
/// may have another name for it).
fn values(description: &str) -> Option<String> {
    let text = description.replace("Extensions(None)", "");
    let text = typed_only(&text)?;
    let mut list = Vec::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric() || c == '-') {
        let word = &rest[start..];
        let end = word.find(|c: char| !(c.is_ascii_alphanumeric() || "-_'".contains(c))).unwrap_or(word.len());
        let (word, behind) = word.split_at(end);
        rest = behind;
        match word {
            _ if behind.starts_with(": ") || word.starts_with(|c: char| c.is_ascii_uppercase()) || word == "false" => {}
            _ if word.starts_with("spare") => return None,
            "enabled" | "supported" => list.push("true".to_string()),
            _ => list.push(bits(word).unwrap_or(word.to_string())),
        }
    }
    Some(list.join(","))
}

/// A bit string of at most 64 bits as a number.
fn bits(word: &str) -> Option<String> {
    let (len, hex) = word.split_once('\'')?;
    let len: u32 = len.parse().ok().filter(|n| *n <= 64)?;
    let value = if hex.is_empty() { 0 } else { u128::from_str_radix(hex, 16).ok()? };
    Some((value >> (len.next_multiple_of(8) - len)).to_string())
}

/// Takes away the number of additions that a sender knows; None if one of them, or another part, is not typed.
fn typed_only(text: &str) -> Option<String> {
    let text = text.replace("Tail(0')", "");
    if ["Opaque(", "Tail(", "additions: [(", "Extension(", "unknown("].iter().any(|s| text.contains(s)) {
        return None;
    }
    let mut parts = text.split("Extensions(Some(Inner { count: ");
    let mut out = parts.next()?.to_string();
    for part in parts {
        out += part.split_once("additions: [] }))")?.1;
    }
    Some(out)
}

fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, octet| (h ^ u64::from(octet)).wrapping_mul(0x100_0000_01b3))
}

// Spec: TS 38.331 §8.2 (UPER of all messages), §8.4 (extensions of Release 16 to 18 are kept)
#[test]
fn every_message_is_decoded_and_encodes_to_its_own_octets() {
    let mut wrong = Vec::new();
    for (name, octets, _) in vectors() {
        match transcode(name, &octets).expect(name) {
            Ok(again) if again == octets => {}
            other => wrong.push(format!("{name} {octets:02x?}: {other:02x?}")),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

// Spec: TS 38.331 §6.2, §6.3 (values of all typed messages and information elements)
#[test]
fn values_are_those_that_were_encoded() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for (name, octets, hash) in vectors() {
        let description = describe(name, &octets).expect(name).expect(name);
        let Some(values) = values(&description) else { continue };
        compared += 1;
        if fnv(&values) != hash {
            wrong.push(format!("{name} {octets:02x?}\n{values}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared >= 150, "only {compared} messages are typed throughout");
}

// Spec: TS 38.331 §10.2 (ASN.1 violations are a decoder's error)
#[test]
fn truncated_messages_are_errors_or_shorter_values() {
    for (name, octets, _) in vectors() {
        for n in 0..octets.len() {
            let _ = transcode(name, &octets[..n]).unwrap();
        }
    }
}

// Spec: TS 38.331 §10.2 (ASN.1 violations are a decoder's error)
#[test]
fn mutated_messages_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |n: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % n
    };
    let all: Vec<_> = vectors().collect();
    let (mut decoded, mut runs) = (0, 0);
    while runs < 200_000 {
        for (name, octets, _) in &all {
            let mut octets = octets.clone();
            for _ in 0..=random(3) {
                let at = random(octets.len());
                match random(4) {
                    0 => octets[at] = random(256) as u8,
                    1 => octets[at] ^= 1 << random(8),
                    2 => octets.truncate(at + 1),
                    _ => octets.insert(at, random(256) as u8),
                }
            }
            decoded += usize::from(transcode(name, &octets).unwrap().is_ok());
            runs += 1;
        }
    }
    assert!(decoded > runs / 10, "{decoded} of {runs} still decode: the mutations are too harsh to reach far");
}
