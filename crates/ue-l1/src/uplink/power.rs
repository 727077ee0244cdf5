//! Uplink power control. Spec: TS 38.213 §7.1, §7.2, §7.3, §7.4, §7.7
//!
//! | in the specification | here | meaning |
//! |---|---|---|
//! | P_CMAX | `p_cmax_dbm` | the UE's greatest power |
//! | P_O | `p0_dbm` | target at the gNB, for one RB of 15 kHz |
//! | alpha, PL | `alpha`, `path_loss_db` | fractional compensation, path loss |
//! | M_RB | `n_rb` | resource blocks |
//! | f, g | `f_db`, `g_db` | accumulated corrections of PUSCH and PUCCH |
//! | sum of delta | `db`, `g_waiting_db` | corrections since the transmission occasion before |
//! | Delta_F, Delta_TF | | format and payload of a PUCCH |

use fapi::{CellConfig, DedicatedConfig, PucchFormat, PucchPdu};

/// Corrections stay within this, dB: an accumulation that runs away is a fault, not a wish.
const ACCUMULATED_MAX_DB: f32 = 40.0;

/// Where the power of a transmission occasion came to lie. Spec: TS 38.213 §7.1.1, §7.2.1
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Reached {
    #[default]
    Neither,
    Minimum,
    Maximum,
}

impl Reached {
    /// Whether a correction after this occasion is accumulated.
    fn takes(self, db: f32) -> bool {
        !(self == Reached::Maximum && db >= 0.0 || self == Reached::Minimum && db <= 0.0)
    }
}

/// State of the power control.
#[derive(Clone, Debug)]
pub struct Power {
    p_max_ue_dbm: f32,
    p_max_cell_dbm: f32,
    p_min_dbm: f32,
    /// Power of the SSB's elements at the gNB less SS-RSRP.
    pub path_loss_db: f32,
    f_db: f32,
    g_db: f32,
    /// Corrections that the next PUCCH takes.
    g_waiting_db: f32,
    pusch_reached: Reached,
    pucch_reached: Reached,
    /// Total power ramp-up of the last preamble.
    ramp_db: f32,
}

impl Power {
    /// For a UE that can send `p_max_ue_dbm`.
    pub fn new(p_max_ue_dbm: f32, cell: &CellConfig) -> Power {
        Power {
            p_max_ue_dbm,
            p_max_cell_dbm: f32::from(cell.p_max_dbm),
            p_min_dbm: minimum_dbm(cell),
            path_loss_db: 80.0,
            f_db: 0.0,
            g_db: 0.0,
            g_waiting_db: 0.0,
            pusch_reached: Reached::Neither,
            pucch_reached: Reached::Neither,
            ramp_db: 0.0,
        }
    }

    /// P_CMAX, dBm.
    pub fn p_cmax_dbm(&self) -> f32 {
        self.p_max_ue_dbm.min(self.p_max_cell_dbm)
    }

    /// Takes a new SS-RSRP. Spec: TS 38.213 §7.1.1 (PL)
    pub fn on_rsrp(&mut self, rsrp_dbm: f32, cell: &CellConfig) {
        if rsrp_dbm.is_finite() {
            self.path_loss_db = f32::from(cell.ssb.block_power_dbm) - rsrp_dbm;
        }
    }

    /// Power of a preamble with this target. Spec: TS 38.213 §7.4
    pub fn prach_dbm(&mut self, target_dbm: f32, cell: &CellConfig) -> f32 {
        self.ramp_db = (target_dbm - f32::from(cell.rach.preamble_target_power_dbm)).max(0.0);
        (target_dbm + self.path_loss_db).min(self.p_cmax_dbm())
    }

    /// A random access response with this correction: the accumulations start from it. Spec: TS 38.213 §7.1.1, §7.2.1
    pub fn on_random_access(&mut self, delta_db: f32) {
        self.f_db = self.ramp_db + delta_db;
        self.g_db = self.ramp_db + delta_db;
        self.g_waiting_db = 0.0;
        (self.pusch_reached, self.pucch_reached) = (Reached::Neither, Reached::Neither);
    }

    /// A correction of the PUSCH that is granted next: none upwards after a PUSCH at the greatest power, none downwards after one at
    /// the least. Spec: TS 38.213 §7.1.1, table 7.1.1-1
    pub fn on_pusch_tpc(&mut self, db: f32) {
        if self.pusch_reached.takes(db) {
            self.f_db = (self.f_db + db).clamp(-ACCUMULATED_MAX_DB, ACCUMULATED_MAX_DB);
        }
    }

    /// A correction of the next PUCCH, to which several assignments may each add one. Spec: TS 38.213 §7.2.1, table 7.2.1-1
    pub fn on_pucch_tpc(&mut self, db: f32) {
        self.g_waiting_db = (self.g_waiting_db + db).clamp(-ACCUMULATED_MAX_DB, ACCUMULATED_MAX_DB);
    }

    /// The power of an occasion that wants this much, dBm.
    fn limited(&self, wanted_dbm: f32) -> (f32, Reached) {
        let (low, high) = (self.p_min_dbm, self.p_cmax_dbm());
        match wanted_dbm {
            w if w >= high => (high, Reached::Maximum),
            w if w <= low => (low, Reached::Minimum),
            w => (w, Reached::Neither),
        }
    }

    /// Power that a PUSCH of `n_rb` wants, before P_CMAX. Spec: TS 38.213 §7.1.1
    fn pusch_wanted_dbm(&self, n_rb: u16, mu: u8, msg3: bool, cell: &CellConfig, d: Option<&DedicatedConfig>) -> f32 {
        let (p0, alpha) = match d {
            Some(d) if !msg3 => (f32::from(d.pusch.p0_dbm), d.pusch.alpha),
            // Msg3 and what follows it without a dedicated configuration: preambleReceivedTargetPower and msg3-DeltaPreamble.
            _ => {
                let delta = f32::from(cell.pusch.msg3_delta_preamble_db);
                (f32::from(cell.rach.preamble_target_power_dbm) + delta, 1.0)
            }
        };
        p0 + bandwidth_db(n_rb, mu) + alpha * self.path_loss_db + self.f_db
    }

    /// Power of a PUSCH, dBm, and the headroom that is left, dB (type 1). Once for each, in the order of their grants.
    /// Spec: TS 38.213 §7.1.1, §7.7.1
    pub fn pusch_dbm(
        &mut self,
        n_rb: u16,
        mu: u8,
        msg3: bool,
        cell: &CellConfig,
        d: Option<&DedicatedConfig>,
    ) -> (f32, f32) {
        let wanted = self.pusch_wanted_dbm(n_rb, mu, msg3, cell, d);
        let (dbm, reached) = self.limited(wanted);
        self.pusch_reached = reached;
        (dbm, self.p_cmax_dbm() - wanted)
    }

    /// Power of an SRS over `n_rb`, dBm: it follows the corrections of the PUSCH. Spec: TS 38.213 §7.3.1
    pub fn srs_dbm(&self, n_rb: u16, mu: u8, d: &DedicatedConfig) -> f32 {
        let (p0, alpha) = d.srs.map_or((-202.0, 0.0), |s| (f32::from(s.p0_dbm), s.alpha));
        (p0 + bandwidth_db(n_rb, mu) + alpha * self.path_loss_db + self.f_db).min(self.p_cmax_dbm())
    }

    /// Power of a PUCCH, dBm, with the corrections that wait for it. Spec: TS 38.213 §7.2.1
    pub fn pucch_dbm(&mut self, pdu: &PucchPdu, mu: u8, cell: &CellConfig, d: Option<&DedicatedConfig>) -> f32 {
        let waiting = core::mem::take(&mut self.g_waiting_db);
        if self.pucch_reached.takes(waiting) {
            self.g_db = (self.g_db + waiting).clamp(-ACCUMULATED_MAX_DB, ACCUMULATED_MAX_DB);
        }
        let config = d.map_or(&cell.pucch, |d| &d.pucch);
        let n_bits = f32::from(pdu.n_harq_ack) + f32::from(pdu.n_sr) + f32::from(pdu.n_csi1);
        let n_symbols = f32::from(pdu.resource.n_symbols.max(1));
        let (format, n_rb, delta_tf) = match pdu.resource.format {
            PucchFormat::F0 { .. } => (0, 1, 10.0 * libm::log10f(2.0 / n_symbols)),
            PucchFormat::F1 { .. } => {
                (1, 1, 10.0 * libm::log10f(14.0 / n_symbols) + 10.0 * libm::log10f(n_bits.max(1.0)))
            }
            PucchFormat::F2 { n_prb } => (2, n_prb, payload_db(n_bits, f32::from(n_prb) * 8.0 * n_symbols)),
            PucchFormat::F3 { n_prb } => (3, n_prb, payload_db(n_bits, f32::from(n_prb) * 12.0 * n_symbols)),
            PucchFormat::F4 { .. } => (4, 1, payload_db(n_bits, 12.0 * n_symbols)),
        };
        let delta_f = f32::from(config.delta_f_db[format]);
        let p0 = f32::from(config.p0_dbm);
        let wanted = p0 + bandwidth_db(u16::from(n_rb), mu) + self.path_loss_db + delta_f + delta_tf + self.g_db;
        let (dbm, reached) = self.limited(wanted);
        self.pucch_reached = reached;
        dbm
    }
}

/// The least power that a UE need be able to send, dBm: -40 up to 20 MHz, in proportion above. Spec: TS 38.101-1 §6.3.1
fn minimum_dbm(cell: &CellConfig) -> f32 {
    let mhz = f32::from(cell.ul.n_rb) * 12.0 * cell.ul.numerology.scs_hz() as f32 / 1e6;
    -40.0 + 10.0 * libm::log10f((mhz / 20.0).max(1.0))
}

fn bandwidth_db(n_rb: u16, mu: u8) -> f32 {
    10.0 * libm::log10f((u32::from(n_rb.max(1)) << mu) as f32)
}

/// Delta_TF of formats 2 to 4. Spec: TS 38.213 §7.2.1
fn payload_db(n_bits: f32, n_re: f32) -> f32 {
    let per_re = n_bits / n_re.max(1.0);
    if n_bits <= 11.0 {
        10.0 * libm::log10f((6.0 * per_re).max(1e-3))
    } else {
        10.0 * libm::log10f(libm::exp2f(2.4 * per_re) - 1.0)
    }
}
