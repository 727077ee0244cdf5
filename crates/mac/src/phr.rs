//! Power headroom report and the scales of its fields. Spec: TS 38.321 §6.1.3.8, TS 38.133 §10.1.17.1, §10.1.18.1

/// Single Entry PHR as its 6-bit fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Phr {
    /// POWER_HEADROOM_0..=63.
    pub ph: u8,
    /// PCMAX_C_0..=63.
    pub p_cmax: u8,
}

impl Phr {
    /// From decibels (headroom, dB) and P_CMAX,f,c (dBm); both are rounded down to the scale.
    pub fn from_db(ph_db: f32, p_cmax_dbm: f32) -> Phr {
        let ph = if ph_db < 22.0 { ph_db.floor() + 33.0 } else { ((ph_db - 22.0) / 2.0).floor() + 55.0 };
        Phr { ph: clamp63(ph), p_cmax: clamp63(p_cmax_dbm.floor() + 30.0) }
    }
    /// Lower end of the reported headroom interval, dB; -33 stands for anything below -32.
    pub fn ph_db(self) -> i8 {
        let ph = (self.ph & 63) as i8;
        if ph <= 55 { ph - 33 } else { 22 + 2 * (ph - 55) }
    }
    /// Lower end of the reported P_CMAX interval, dBm; -30 stands for anything below -29.
    pub fn p_cmax_dbm(self) -> i8 {
        (self.p_cmax & 63) as i8 - 30
    }
}

fn clamp63(x: f32) -> u8 {
    // A NaN becomes 0: `as` saturates.
    x.clamp(0.0, 63.0) as u8
}
