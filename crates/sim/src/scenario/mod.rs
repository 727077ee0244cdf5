//! Everything that `ironcell up` can be told, as one checked value.
//!
//! - [`Loader`] takes a TOML file, `--set path=value` and options, later ones winning, and says where a wrong value came from.
//! - [`Scenario::check`] judges values and what they mean together.
//! - [`Scenario::to_toml`] writes the effective configuration with unit, range and specification name of each value.
//! - [`Scenario::plan`] derives what core and terminals are made from.

mod check;
mod error;
mod load;
mod params;
mod plan;
mod show;
#[cfg(test)]
mod tests;

pub use error::{Field, ScenarioError};
pub use load::{Loader, parse_size};
pub(crate) use load::{parse_listen, parse_net};
pub use params::{AirParams, CoreParams, OutputParams, RunParams, SubscriberParams, Top, TrafficParams, UeParams};
pub use plan::{Plan, UePlan};

use std::collections::BTreeMap;

use gnb_du::config::{CellParams, PRESETS, preset};

/// Which terminals or subscribers a section is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Which {
    /// Every one.
    All,
    /// One, from 1.
    Number(u32),
}

/// A run. Plain values: [`Scenario::check`] says whether they make sense.
#[derive(Clone, PartialEq, Debug)]
pub struct Scenario {
    /// Preset's name.
    pub preset: String,
    /// Fixes everything that is drawn; `None`: a random one, and secrets from the operating system.
    pub seed: Option<u64>,
    /// Terminals.
    pub n_ues: u32,
    /// How it runs.
    pub run: RunParams,
    /// Whom it serves.
    pub traffic: TrafficParams,
    /// What it leaves behind.
    pub output: OutputParams,
    /// The channel.
    pub air: AirParams,
    /// The cell.
    pub cell: CellParams,
    /// The core.
    pub core: CoreParams,
    /// Terminals that differ from what follows from the seed.
    pub ues: BTreeMap<Which, UeParams>,
    /// Subscribers that differ from what follows from the seed.
    pub subscribers: BTreeMap<Which, SubscriberParams>,
}

impl Default for Scenario {
    /// The default preset, one terminal.
    fn default() -> Self {
        // The first preset is always there.
        let cell = preset(PRESETS[0]).unwrap_or_else(|| unreachable!("the default preset"));
        Self::of_cell(PRESETS[0], cell)
    }
}

impl Scenario {
    /// A scenario of a preset, everything else as by default; `None` if there is no such preset.
    pub fn of_preset(name: &str) -> Option<Scenario> {
        Some(Self::of_cell(name, preset(name)?))
    }

    /// How much is told, and of what. A filter that [`Scenario::check`] refuses counts as `warn`.
    pub fn log(&self) -> obs::log::Filter {
        obs::log::Filter::parse(&self.run.log).unwrap_or(obs::log::Filter::WARN)
    }

    /// Copies of what crosses are wanted for the log.
    pub(crate) fn log_taps(&self, least: obs::log::Level) -> bool {
        self.log().max() >= least
    }

    fn of_cell(name: &str, cell: CellParams) -> Scenario {
        let top = Top::default();
        Scenario {
            preset: name.to_owned(),
            seed: top.seed,
            n_ues: top.ues,
            run: RunParams::default(),
            traffic: TrafficParams::default(),
            output: OutputParams::default(),
            air: AirParams::default(),
            cell,
            core: CoreParams::default(),
            ues: BTreeMap::new(),
            subscribers: BTreeMap::new(),
        }
    }

    /// What is set for terminal `n`, from 1: its own values, then those for all.
    pub fn ue(&self, n: u32) -> UeParams {
        let get = |which| self.ues.get(&which).cloned().unwrap_or_default();
        get(Which::Number(n)).or(&get(Which::All))
    }

    /// What is set for subscriber `n`, from 1: its own values, then those for all.
    pub fn subscriber(&self, n: u32) -> SubscriberParams {
        let get = |which| self.subscribers.get(&which).cloned().unwrap_or_default();
        get(Which::Number(n)).or(&get(Which::All))
    }

    /// Es/N0 of terminal `n`, from 1, dB: its own, that of the air, or by default 20 dB for one and 25 down to 5 for several.
    pub fn snr_db(&self, n: u32) -> f64 {
        let spread = |n: u32| match self.n_ues {
            0 | 1 => 20.0,
            all => 25.0 - 20.0 * f64::from(n.saturating_sub(1)) / f64::from(all - 1),
        };
        self.ue(n).snr_db.or(self.air.snr_db).unwrap_or_else(|| spread(n))
    }

    /// The instruction set; the machine's widest for "best".
    pub fn isa(&self) -> dsp::Isa {
        self.run.isa.parse().unwrap_or_else(|_| dsp::Isa::best())
    }

    /// The delay profile.
    pub fn profile(&self) -> air::Profile {
        self.air.channel.parse().unwrap_or_default()
    }

    /// Networks that N6 lets through.
    pub fn n6_allow(&self) -> Vec<ipnet::IpNet> {
        self.traffic.n6_allow.iter().filter_map(|n| load::parse_net(n)).collect()
    }

    /// Where the proxy was told to listen.
    pub fn proxy_address(&self) -> Option<std::net::SocketAddr> {
        self.traffic.proxy.as_deref().and_then(|a| load::parse_listen(a).ok())
    }
}
