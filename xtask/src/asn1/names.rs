//! Names of the specification, spelt the Rust way.

/// `RRCSetup-IEs` -> [`RRC`, `Setup`, `IEs`].
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    for chunk in name.split('-').filter(|c| !c.is_empty()) {
        let chars: Vec<char> = chunk.chars().collect();
        let mut word = String::new();
        for (i, c) in chars.iter().enumerate() {
            let before = i.checked_sub(1).map(|j| chars[j]);
            let after = chars.get(i + 1).is_some_and(|a| a.is_ascii_lowercase()) && !is_plural(&chars[i + 1..]);
            let starts = c.is_ascii_uppercase() && before.is_some_and(|b| !b.is_ascii_uppercase() || after);
            if starts && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.push(*c);
        }
        words.push(word);
    }
    words
}

/// Whether an acronym ends here with the `s` of a plural: `PRBs`.
fn is_plural(rest: &[char]) -> bool {
    matches!(rest, ['s'] | ['s', 'A'..='Z', ..])
}

/// Name of a type or of an alternative.
pub fn camel(name: &str) -> String {
    let mut out = String::new();
    for word in words(name) {
        let (first, rest) = word.split_at(1);
        if out.ends_with(|c: char| c.is_ascii_digit()) && first.starts_with(|c: char| c.is_ascii_digit()) {
            out.push('_');
        }
        out += &first.to_ascii_uppercase();
        out += &rest.to_ascii_lowercase();
    }
    out
}

/// Name of a value of an ENUMERATED: as `camel`, but `dB-3` keeps its sign.
pub fn variant(name: &str) -> String {
    let bytes = name.as_bytes();
    let sign =
        |i: usize| i > 0 && bytes[i - 1].is_ascii_alphabetic() && bytes.get(i + 1).is_some_and(u8::is_ascii_digit);
    match name.find('-') {
        Some(i) if sign(i) => camel(&format!("{}-minus{}", &name[..i], &name[i + 1..])),
        _ => camel(name),
    }
}

/// Name of a field.
pub fn snake(name: &str) -> String {
    let name = words(name).iter().map(|w| w.to_ascii_lowercase()).collect::<Vec<_>>().join("_");
    let name = name.replace("qo_s", "qos").replace("k_hz", "khz").replace("m_hz", "mhz");
    match name.as_str() {
        "type" | "move" | "loop" | "ref" | "mod" | "use" | "in" | "as" => name + "_",
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Spec: TS 38.331 §6.3.2 (names of information elements)
    #[test]
    fn names_are_spelt_the_rust_way() {
        let names = ["RRCSetup-IEs", "BWP-DownlinkCommon", "SIB1", "ServingCellConfigCommonSIB", "RRCSetup-v1700-IEs"];
        let camels = ["RrcSetupIes", "BwpDownlinkCommon", "Sib1", "ServingCellConfigCommonSib", "RrcSetupV1700Ies"];
        assert_eq!(names.map(camel), camels);
        let names = ["nrofPRBs", "dl-DataToUL-ACK", "k0", "sCellIndex", "scs-30kHz", "mappedQoS-FlowsToAdd", "type"];
        let snakes =
            ["nrof_prbs", "dl_data_to_ul_ack", "k0", "s_cell_index", "scs_30khz", "mapped_qos_flows_to_add", "type_"];
        assert_eq!(names.map(snake), snakes);
        assert_eq!(["dB-3", "dB3", "n1-n2", "ms0dot5"].map(variant), ["DBMinus3", "DB3", "N1N2", "Ms0dot5"]);
    }
}
