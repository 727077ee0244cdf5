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
