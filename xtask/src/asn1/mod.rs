//! Generates a codec in unaligned PER from ASN.1 modules: `cargo xtask asn1 <folder of modules> <selection> <out.rs>`.
//!
//! The modules are not in this repository; crates/rrc/README.md says where they come from.

mod emit;
mod names;
mod parse;
mod schema;
mod select;

use std::path::Path;

/// Runs the subcommand. Errors: what to do, as text.
pub fn run(args: &[String]) -> Result<(), String> {
    let [input, selection, out] = args else {
        return Err("use: cargo xtask asn1 <folder of .asn modules> <selection> <out.rs>".into());
    };
    let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()));
    let selection = select::Selection::parse(&read(Path::new(selection))?);
    let mut module = parse::Module::default();
    for name in selection.all("module") {
        let text = read(&Path::new(input).join(name))?;
        let found = parse::module(&text, module.values.clone()).map_err(|e| format!("{name}: {e}"))?;
        for (name, ty) in found.types {
            module.types.entry(name).or_insert(ty);
        }
        module.values.extend(found.values);
    }
    let code = emit::emit(&module, &selection);
    let unused = selection.unused();
    if !unused.is_empty() {
        return Err(format!("selected, but met nowhere: {}", unused.join(" ")));
    }
    std::fs::write(out, code).map_err(|e| format!("{out}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = "M DEFINITIONS AUTOMATIC TAGS ::= BEGIN
        A-Message ::= SEQUENCE { -- a comment
            a  INTEGER (-3..max),  b BOOLEAN OPTIONAL,  c ENUMERATED {true} OPTIONAL,
            d  CHOICE {release NULL, setup B} OPTIONAL,
            ..., [[ e SEQUENCE (SIZE (1..2)) OF B OPTIONAL ]]
        }
        B ::= BIT STRING (SIZE (4))
        max INTEGER ::= 7
        END";

    fn code(selection: &str) -> String {
        emit::emit(&parse::module(MODULE, Default::default()).unwrap(), &select::Selection::parse(selection))
    }

    // Spec: ITU-T X.680 (the part that TS 38.331 uses)
    #[test]
    fn a_module_becomes_types() {
        let code = code("root A-Message\nkeep A-Message.ext1");
        for line in [
            "pub struct AMessage {",
            "    pub a: i8,",
            "    pub b: Option<bool>,",
            "    pub c: bool,",
            "    pub d: Option<SetupRelease<B>>,",
            "    pub ext1: Option<AMessageExt1>,",
            "    pub e: Option<Vec<B>>,",
            "pub type B = u8;",
            "        self.a = r.int(-3, 7)? as i8;",
        ] {
            assert!(code.lines().any(|l| l == line), "no line {line} in\n{code}");
        }
    }

    // Spec: ITU-T X.691 §19 (the extent of what stays bits)
    #[test]
    fn what_is_pruned_becomes_a_row_of_the_table() {
        let code = code("root A-Message\nprune B");
        assert!(code.contains("    pub d: Option<Opaque>,"), "{code}");
        assert!(code.contains(&format!("[\n    {}, {}, {},", 3 | 2 << 8, 1 << 30, 1 << 30 | 4)), "{code}");
        assert!(!code.contains("ext1"), "{code}");
    }
}
