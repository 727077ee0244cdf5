//! Closed-loop power control: what a channel's SNR should be, what it is, and the commands between. Spec: TS 38.213 §7.1.1, §7.2.1
//!
//! The UE adds every command up (accumulation), so the loop is an integrator at the far end of a delay: a command shows in the
//! first transmission that it was meant for, and nothing before says what it did. So one command goes out for each measurement at
//! most, and after one that moves the power, only a measurement from its slot on counts.

use fapi::resolve::tpc_db;
use nr::SlotPoint;

/// The field that changes nothing. Spec: TS 38.213 tables 7.1.1-1, 7.2.1-1
pub const TPC_KEEP: u8 = 1;
/// The sum of the commands stays within this, dB: a UE that does not follow has no more power, or lost the commands.
const SUM_MAX_DB: f32 = 24.0;
/// Weight of a measurement against what is known.
const WEIGHT: f32 = 0.3;
/// Slots after which a transmission that never came is no longer waited for.
const EFFECT_MAX: i64 = 64;

/// The loop of one channel of one UE.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct PowerLoop {
    /// SNR with all commands in force, dB, smoothed; `None` before the first measurement.
    pub snr_db: Option<f32>,
    /// Sum of the commands, dB.
    pub sum_db: f32,
    /// The last command that moved the power, and the slot of the first transmission that follows it.
    moved: Option<(SlotPoint, f32)>,
    /// Something was measured since the last command.
    fresh: bool,
}

impl PowerLoop {
    /// The UE's accumulation starts anew (random access response).
    pub fn restart(&mut self) {
        *self = PowerLoop::default();
    }

    /// What of the commands a transmission in `slot` does not show yet, dB.
    pub fn pending_db(&self, slot: SlotPoint) -> f32 {
        self.moved.filter(|(at, _)| slot.minus(*at) < 0).map_or(0.0, |(_, db)| db)
    }

    /// A transmission of `slot` came with this SNR, dB.
    pub fn measured(&mut self, snr_db: f32, slot: SlotPoint) {
        if !snr_db.is_finite() {
            return;
        }
        let early = self.moved.is_some_and(|(at, _)| slot.minus(at) < 0);
        let snr_db = (snr_db + self.pending_db(slot)).clamp(-30.0, 60.0);
        self.snr_db = Some(self.snr_db.map_or(snr_db, |s| s + WEIGHT * (snr_db - s)));
        if !early {
            self.moved = None;
            self.fresh = true;
        }
    }

    /// The field of the next DCI, to come nearer to `target_db`. Spec: TS 38.213 tables 7.1.1-1, 7.2.1-1
    pub fn command(&self, target_db: f32) -> u8 {
        let Some(snr_db) = self.snr_db.filter(|_| self.fresh) else { return TPC_KEEP };
        let field = match target_db - snr_db {
            d if d > 4.5 => 3,
            d if d > 2.0 => 2,
            d if d < -3.0 => 0,
            _ => TPC_KEEP,
        };
        if (self.sum_db + f32::from(tpc_db(field))).abs() > SUM_MAX_DB { TPC_KEEP } else { field }
    }

    /// A DCI with this field went out; the transmission in `slot` is the first that follows it. Gives the step, dB.
    pub fn sent(&mut self, field: u8, slot: SlotPoint) -> f32 {
        let db = f32::from(tpc_db(field));
        if field != TPC_KEEP {
            self.sum_db += db;
            self.snr_db = self.snr_db.map(|s| s + db);
            self.moved = Some((slot, db));
            self.fresh = false;
        }
        db
    }

    /// Once a slot: a transmission long overdue is not waited for, before slot numbers come round again.
    pub fn tick(&mut self, slot: SlotPoint) {
        self.moved = self.moved.filter(|(at, _)| slot.minus(*at) < EFFECT_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nr::Numerology;

    /// A UE whose PUCCH arrives with `snr_db` at first; feedback comes five slots after its DCI, in every second slot. Some DCIs
    /// get lost. Gives the SNR over time.
    fn run(mut snr_db: f32, target_db: f32, headroom_db: f32, lost_every: usize) -> (Vec<f32>, PowerLoop) {
        let mut l = PowerLoop::default();
        let at = |n: i64| SlotPoint::from_count(Numerology::KHZ30, n);
        let mut due: Vec<(i64, f32, bool)> = Vec::new();
        let (mut seen, top) = (Vec::new(), snr_db + headroom_db);
        for n in 0..600i64 {
            l.tick(at(n));
            for (_, db, heard) in due.extract_if(.., |d| d.0 == n) {
                if heard {
                    snr_db = (snr_db + db).min(top);
                    l.measured(snr_db, at(n));
                }
            }
            if n % 2 == 0 {
                let field = l.command(target_db);
                due.push((
                    n + 5,
                    l.sent(field, at(n + 5)),
                    lost_every == 0 || !(n as usize).is_multiple_of(lost_every),
                ));
            }
            seen.push(snr_db);
        }
        (seen, l)
    }

    #[test] // Spec: TS 38.213 §7.2.1 (closed loop, both directions)
    fn the_snr_comes_to_the_target_from_either_side_and_stays() {
        for (start, lost) in [(-2.0, 0), (5.0, 14), (15.0, 0), (28.0, 0), (30.0, 14)] {
            let (seen, _) = run(start, 15.0, 60.0, lost);
            assert!(seen[300..].iter().all(|s| (s - 15.0).abs() <= 3.5), "from {start}: {:?}", &seen[300..320]);
            // No swing to the other side of the target on the way.
            let beyond = seen.iter().map(|s| if start < 15.0 { s - 15.0 } else { 15.0 - s }).fold(f32::MIN, f32::max);
            assert!(beyond <= 3.5, "from {start}: {beyond} dB beyond");
        }
    }

    #[test] // Spec: TS 38.213 §7.2.1 (accumulation)
    fn one_command_for_each_measurement() {
        let at = |n: i64| SlotPoint::from_count(Numerology::KHZ30, n);
        let mut l = PowerLoop::default();
        assert_eq!(l.command(15.0), TPC_KEEP, "nothing is known yet");
        l.measured(0.0, at(0));
        assert_eq!((l.command(15.0), l.sent(3, at(9))), (3, 3.0));
        assert_eq!(l.command(15.0), TPC_KEEP);
        // Feedback to an earlier DCI does not show the command yet.
        l.measured(0.0, at(7));
        assert_eq!((l.command(15.0), l.snr_db), (TPC_KEEP, Some(3.0)));
        l.measured(3.0, at(9));
        assert_eq!(l.command(15.0), 3);
    }

    #[test] // Spec: TS 38.213 §7.2.1 (a UE at its greatest power accumulates nothing more)
    fn a_ue_without_power_is_not_pushed_for_ever() {
        let (seen, l) = run(-10.0, 15.0, 4.0, 0);
        assert!(seen[599] == -6.0 && l.sum_db <= SUM_MAX_DB, "{}", l.sum_db);
    }
}
