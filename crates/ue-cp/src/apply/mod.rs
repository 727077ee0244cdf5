//! What RRC messages say, turned into the plain configurations that L1 and L2 work with.
//!
//! - [`sib1`]: MIB and SIB1 to [`fapi::CellConfig`].
//! - [`cell_group`]: CellGroupConfig to [`fapi::DedicatedConfig`], RLC bearers and MAC parameters.
//! - [`bearer`]: RadioBearerConfig to PDCP and SDAP configurations.
//!
//! RRC signals differences: a dedicated configuration is applied onto the one in force (Need M), and begins as a copy of the
//! cell's common one. What this terminal cannot do is an error with the clause, and the procedure is refused as a whole.

pub mod bearer;
pub mod cell_group;
mod csi;
pub mod sib1;
mod sounding;
#[cfg(test)]
pub(crate) mod tests;

use rrc::{Enumerated, SubcarrierSpacing};

/// Why a configuration cannot be applied. Fault: the network (or our capabilities were not obeyed).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApplyError {
    /// What was expected and what came.
    pub what: String,
    /// Where it stands.
    pub clause: &'static str,
}

impl core::fmt::Display for ApplyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} ({})", self.what, self.clause)
    }
}

impl std::error::Error for ApplyError {}

pub(crate) fn error<T>(what: impl Into<String>, clause: &'static str) -> Result<T, ApplyError> {
    Err(ApplyError { what: what.into(), clause })
}

/// The number in an enumerated value's name.
pub(crate) fn number<E: Enumerated>(e: E) -> Result<i32, ApplyError> {
    match e.number() {
        Some(n) => Ok(n),
        None => error(format!("{} carries no number", e.name()), "TS 38.331 §6.3.2"),
    }
}

pub(crate) fn numerology(s: SubcarrierSpacing) -> Result<nr::Numerology, ApplyError> {
    match nr::Numerology::from_scs_khz(number(s)? as u32) {
        Some(n) => Ok(n),
        None => error(format!("subcarrier spacing {}", s.name()), "TS 38.211 §4.2"),
    }
}

/// Period and offset of a CHOICE whose alternatives are named by their period.
macro_rules! period {
    ($value:expr, $type:ident { $($unit:ident = $one:literal,)* } $($name:ident = $n:literal),* $(,)?) => {
        match $value {
            $(rrc::$type::$unit => ($one as u16, 0u16),)*
            $(rrc::$type::$name(o) => ($n as u16, *o as u16),)*
            #[allow(unreachable_patterns)]
            _ => return $crate::apply::error("a period that this terminal does not have", "TS 38.331 §6.3.2"),
        }
    };
}
pub(crate) use period;
