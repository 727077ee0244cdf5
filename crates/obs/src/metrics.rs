//! Statistics with bounded memory.

/// Durations in microseconds with percentiles, in buckets of about 3 %.
#[derive(Clone, Debug)]
pub struct Durations {
    buckets: Vec<u64>,
    count: u64,
    max_us: f64,
    sum_us: f64,
}

impl Default for Durations {
    fn default() -> Self {
        Self { buckets: vec![0; 768], count: 0, max_us: 0.0, sum_us: 0.0 }
    }
}

impl Durations {
    /// Adds one duration.
    pub fn add_us(&mut self, us: f64) {
        let us = us.max(0.0);
        let b = ((us + 0.1).log2() * 24.0 + 80.0).clamp(0.0, 767.0) as usize;
        self.buckets[b] += 1;
        self.count += 1;
        self.max_us = self.max_us.max(us);
        self.sum_us += us;
    }
    /// The duration below which the fraction `p` (0..=1) lies; 0 without any.
    pub fn percentile_us(&self, p: f64) -> f64 {
        let want = (self.count as f64 * p).ceil() as u64;
        let mut seen = 0;
        for (b, n) in self.buckets.iter().enumerate() {
            seen += n;
            if seen >= want && *n > 0 {
                return (2f64.powf((b as f64 + 0.5 - 80.0) / 24.0) - 0.1).clamp(0.0, self.max_us);
            }
        }
        self.max_us
    }
    /// The longest.
    pub fn max_us(&self) -> f64 {
        self.max_us
    }
    /// Their mean.
    pub fn mean_us(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum_us / self.count as f64 }
    }
    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }
    /// All of them together.
    pub fn sum_us(&self) -> f64 {
        self.sum_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // Spec: ironcell docs (report)
    fn percentiles_are_within_three_percent() {
        let mut d = Durations::default();
        (1..=1000).for_each(|i| d.add_us(i as f64));
        for p in [0.5, 0.99] {
            let want = 1000.0 * p;
            assert!((d.percentile_us(p) / want - 1.0).abs() < 0.035, "{p}: {}", d.percentile_us(p));
        }
        assert_eq!(d.max_us(), 1000.0);
        assert_eq!(Durations::default().percentile_us(0.5), 0.0);
    }
}
