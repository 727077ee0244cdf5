//! Names of the specification, spelt the Rust way.

/// `RRCSetup-IEs` -> [`RRC`, `Setup`, `IEs`].
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    for chunk in name.split('-').filter(|c| !c.is_empty()) {
        if chunk == "IEs" {
            words.push("Ies".to_string());
            continue;
        }
        let chars: Vec<char> = chunk.chars().collect();
        let mut word = String::new();
        for (i, c) in chars.iter().enumerate() {
            let before = i.checked_sub(1).map(|j| chars[j]);
            let after = chars.get(i + 1);
            let starts = c.is_ascii_uppercase()
                && before.is_some_and(|b| !b.is_ascii_uppercase() || after.is_some_and(|a| a.is_ascii_lowercase()));
            if starts && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.push(*c);
        }
        words.push(word);
    }
    words
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
    match name.as_str() {
        "type" | "move" | "loop" | "ref" | "mod" | "use" | "in" | "as" | "box" | "final" | "priority_" => name + "_",
        _ => name,
    }
}
