//! Fixed reference channels. Spec: TS 38.104 annex A

use crate::LinkError;
use crate::table::Rows;

/// A fixed reference channel of the uplink.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Frc {
    /// "G-FR1-A3-8".
    pub name: &'static str,
    /// Table of annex A.
    pub table: &'static str,
    /// Subcarrier spacing.
    pub scs_khz: u32,
    /// Allocated resource blocks.
    pub n_rb: u16,
    /// Q_m.
    pub q_m: u8,
    /// Target code rate.
    pub rate_x1024: f32,
    /// Transport block size.
    pub payload_bits: u32,
    /// Coded bits a slot.
    pub coded_bits: u32,
    /// Layers.
    pub n_layers: u8,
    /// dmrs-AdditionalPosition.
    pub dmrs_additional: u8,
    /// DFT-spread.
    pub transform_precoding: bool,
}

/// All of them, in the order of their names.
pub fn all() -> impl Iterator<Item = Frc> {
    Rows::new(include_str!("../data/frc.tsv")).filter_map(|mut r| {
        Some(Frc {
            name: r.text()?,
            table: r.text()?,
            scs_khz: r.number()?,
            n_rb: r.number()?,
            q_m: r.number()?,
            rate_x1024: r.number()?,
            payload_bits: r.number()?,
            coded_bits: r.number()?,
            n_layers: r.number()?,
            dmrs_additional: r.number()?,
            transform_precoding: r.number::<u8>()? == 1,
        })
    })
}

/// The channel of a name and number of layers (names of annex A are used twice).
///
/// Errors: no such channel.
pub fn find(name: &str, n_layers: u8) -> Result<Frc, LinkError> {
    all()
        .find(|f| f.name == name && f.n_layers == n_layers)
        .ok_or_else(|| LinkError::new(format!("TS 38.104 annex A has no {name} with {n_layers} layer(s)")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: TS 38.104 annex A
    fn payloads_follow_from_the_transport_block_size_formula() {
        let wrong: Vec<_> = all()
            .filter(|f| {
                let elements = f.coded_bits / u32::from(f.q_m) / u32::from(f.n_layers);
                let per_rb = (elements / u32::from(f.n_rb)).min(156);
                let n_re = per_rb * u32::from(f.n_rb);
                let tbs = nr::tables::tbs::tbs_bits(n_re, (f.rate_x1024 * 2.0) as u16, f.q_m, f.n_layers, 0);
                tbs != f.payload_bits
            })
            .map(|f| f.name)
            .collect();
        assert_eq!(wrong, [""; 0]);
        assert_eq!(all().count(), Rows::new(include_str!("../data/frc.tsv")).count());
    }
}
