//! Scheduling requests, buffer status reports, power headroom reports: when they are due. Spec: TS 38.321 §5.4.4 to §5.4.6

use mac::Phr;
use nr::Tc;
use seam::ue::MacConfig;

/// Scheduling request. Spec: TS 38.321 §5.4.4
#[derive(Debug, Default)]
pub(crate) struct SchedulingRequest {
    pub(crate) pending: bool,
    /// SR_COUNTER.
    pub(crate) counter: u8,
    /// sr-ProhibitTimer.
    pub(crate) prohibited_until: Option<Tc>,
    /// L1 has been told to send it.
    pub(crate) at_l1: bool,
    /// The PUCCH resource was given up, after sr-TransMax or with the time alignment.
    pub(crate) released: bool,
}

impl SchedulingRequest {
    pub(crate) fn trigger(&mut self) {
        if !self.pending {
            self.pending = true;
            self.counter = 0;
        }
    }
    pub(crate) fn cancel(&mut self) {
        self.pending = false;
        self.prohibited_until = None;
    }
    pub(crate) fn sent(&mut self, now: Tc, config: &MacConfig) {
        self.counter = self.counter.saturating_add(1);
        if config.sr_prohibit_timer_ms > 0 {
            self.prohibited_until = Some(now + Tc::from_ms(config.sr_prohibit_timer_ms.into()));
        }
    }
}

/// Buffer status reports. Spec: TS 38.321 §5.4.5
#[derive(Debug, Default)]
pub(crate) struct BufferStatusReport {
    pub(crate) regular: bool,
    pub(crate) periodic: bool,
    /// retxBSR-Timer.
    pub(crate) retx_at: Option<Tc>,
    /// periodicBSR-Timer.
    pub(crate) periodic_at: Option<Tc>,
}

impl BufferStatusReport {
    pub(crate) fn is_triggered(&self) -> bool {
        self.regular || self.periodic
    }
    pub(crate) fn cancel(&mut self) {
        self.regular = false;
        self.periodic = false;
    }
    /// A report was put into a block.
    pub(crate) fn sent(&mut self, now: Tc, truncated: bool, config: &MacConfig) {
        self.cancel();
        self.retx_at = Some(now + Tc::from_ms(config.retx_bsr_timer_ms.into()));
        if !truncated {
            self.periodic_at = config.periodic_bsr_timer_ms.map(|ms| now + Tc::from_ms(ms.into()));
        }
    }
    pub(crate) fn deadline(&self) -> Option<Tc> {
        [self.retx_at, self.periodic_at].into_iter().flatten().min()
    }
    pub(crate) fn timeout(&mut self, now: Tc, has_data: bool) {
        if self.retx_at.is_some_and(|t| t <= now) {
            self.retx_at = None;
            self.regular |= has_data;
        }
        if self.periodic_at.is_some_and(|t| t <= now) {
            self.periodic_at = None;
            self.periodic = true;
        }
    }
}

/// Power headroom reports. Spec: TS 38.321 §5.4.6
#[derive(Debug, Default)]
pub(crate) struct PowerHeadroom {
    configured: bool,
    triggered: bool,
    /// phr-PeriodicTimer.
    periodic_at: Option<Tc>,
    /// phr-ProhibitTimer.
    prohibited_until: Option<Tc>,
    /// Headroom and P_CMAX of the PUSCH that was granted last.
    last: Option<(f32, f32)>,
    /// RSRP now, and when the last report went: their difference is that of the path loss.
    rsrp_dbm: Option<f32>,
    rsrp_reported_dbm: Option<f32>,
}

impl PowerHeadroom {
    /// (Re)configuration triggers a report.
    pub(crate) fn configure(&mut self) {
        self.configured = true;
        self.triggered = true;
    }
    /// What the PUSCH of the grant at hand leaves.
    pub(crate) fn granted(&mut self, ph_db: f32, p_cmax_dbm: f32) {
        self.last = Some((ph_db, p_cmax_dbm));
    }
    pub(crate) fn measured(&mut self, rsrp_dbm: f32, config: &MacConfig) {
        self.rsrp_dbm = Some(rsrp_dbm);
        let change = config.phr_tx_power_factor_change_db.map_or(f32::INFINITY, f32::from);
        let moved = self.rsrp_reported_dbm.is_some_and(|then| (rsrp_dbm - then).abs() > change);
        if self.configured && self.prohibited_until.is_none() && moved {
            self.triggered = true;
        }
    }
    /// The report that the next block should carry.
    pub(crate) fn due(&self) -> Option<Phr> {
        let (ph_db, p_cmax_dbm) = self.last.filter(|_| self.configured && self.triggered)?;
        Some(Phr::from_db(ph_db, p_cmax_dbm))
    }
    pub(crate) fn sent(&mut self, now: Tc, config: &MacConfig) {
        self.triggered = false;
        self.rsrp_reported_dbm = self.rsrp_dbm;
        self.periodic_at = config.phr_periodic_timer_ms.map(|ms| now + Tc::from_ms(ms.into()));
        let prohibit = config.phr_prohibit_timer_ms;
        self.prohibited_until = (prohibit > 0).then(|| now + Tc::from_ms(prohibit.into()));
    }
    pub(crate) fn deadline(&self) -> Option<Tc> {
        [self.periodic_at, self.prohibited_until].into_iter().flatten().min()
    }
    pub(crate) fn timeout(&mut self, now: Tc) {
        if self.prohibited_until.is_some_and(|t| t <= now) {
            self.prohibited_until = None;
        }
        if self.periodic_at.is_some_and(|t| t <= now) {
            self.periodic_at = None;
            self.triggered = true;
        }
    }
}
