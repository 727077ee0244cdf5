//! Clustered delay lines: rays with angles and polarisation between arrays.
//!
//! | in the formula                | here         | meaning                                                   |
//! | phi_AOD, phi_AOA              | aod, aoa     | azimuths of a cluster at the gNB and at the UE, degrees   |
//! | theta_ZOD, theta_ZOA          | zod, zoa     | zeniths of a cluster, degrees                             |
//! | c_ASD, c_ASA, c_ZSD, c_ZSA    | spreads      | spread of a cluster's rays, degrees                       |
//! | alpha_m                       | RAY_OFFSETS  | a ray's offset at unit spread                             |
//! | kappa                         | xpr_db       | power of a polarisation over what crosses to the other    |
//! | M                             | 20           | rays of a cluster                                         |
//!
//! Elements are isotropic; arrays stand along the y axis, so azimuth 0 is their broadside. Departure is the gNB's end in
//! both directions: the uplink exchanges the ends. The UE moves, horizontally. What is left out: scaling of angles (§7.7.5.1),
//! patterns of elements, blockage, spatial consistency.
//!
//! Spec: TR 38.901 §7.7.1, §7.5 (step 7 to 11, equations 7.5-22, 7.5-28, 7.5-29), §7.3.2 (polarised antennas, model 2)

use dsp::mix::{phasor_f64, turns_q64};
use dsp::{Cf32, Cf64, unit_phasor};
use node::Rng;

use crate::config::power_from_db;
use crate::mimo::correlation::{Direction, Polarisation};

/// A profile of clusters. Spec: TR 38.901 tables 7.7.1-1 to 7.7.1-5
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CdlProfile {
    /// 23 clusters without line of sight.
    A,
    /// 23 clusters without line of sight.
    B,
    /// 24 clusters without line of sight.
    C,
    /// 13 clusters and a line of sight.
    D,
    /// 14 clusters and a line of sight.
    E,
}

/// The antennas at both ends: as many as the channel has, half of them of each polarisation if they are crossed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CdlArrays {
    /// Crossed pairs at plus and minus 45 degrees at the gNB, at 0 and 90 degrees at the UE; else all vertical.
    pub polarisation: Polarisation,
    /// Distance of neighbours at the gNB in wavelengths, 0 to 100.
    pub gnb_spacing: f64,
    /// The same at the UE.
    pub ue_spacing: f64,
    /// Where the UE moves to, azimuth in degrees.
    pub travel_deg: f64,
}

impl Default for CdlArrays {
    fn default() -> Self {
        CdlArrays { polarisation: Polarisation::Uniform, gnb_spacing: 0.5, ue_spacing: 0.5, travel_deg: 0.0 }
    }
}

/// Normalised delay, power in dB, AOD, AOA, ZOD, ZOA in degrees.
pub type Cluster = (f64, f64, f64, f64, f64, f64);

/// TR 38.901 table 7.5-3.
const RAY_OFFSETS: [f64; 20] = [
    0.0447, -0.0447, 0.1413, -0.1413, 0.2492, -0.2492, 0.3715, -0.3715, 0.5129, -0.5129, 0.6797, -0.6797, 0.8844,
    -0.8844, 1.1481, -1.1481, 1.5195, -1.5195, 2.1551, -2.1551,
];

impl CdlProfile {
    /// The clusters; of D and E the first entry is the line of sight alone.
    pub fn clusters(self) -> &'static [Cluster] {
        use super::cdl_tables::{CDL_A, CDL_B, CDL_C, CDL_D, CDL_E};
        match self {
            CdlProfile::A => &CDL_A,
            CdlProfile::B => &CDL_B,
            CdlProfile::C => &CDL_C,
            CdlProfile::D => &CDL_D,
            CdlProfile::E => &CDL_E,
        }
    }

    /// Whether the first cluster has a line of sight.
    pub fn is_ricean(self) -> bool {
        matches!(self, CdlProfile::D | CdlProfile::E)
    }

    /// c_ASD, c_ASA, c_ZSD, c_ZSA in degrees, and the cross-polarisation ratio in dB.
    pub fn spreads(self) -> ([f64; 4], f64) {
        match self {
            CdlProfile::A => ([5.0, 11.0, 3.0, 3.0], 10.0),
            CdlProfile::B => ([10.0, 22.0, 3.0, 7.0], 8.0),
            CdlProfile::C => ([2.0, 15.0, 3.0, 7.0], 7.0),
            CdlProfile::D => ([5.0, 8.0, 3.0, 3.0], 11.0),
            CdlProfile::E => ([5.0, 11.0, 3.0, 7.0], 8.0),
        }
    }
}

/// One end of the channel.
#[derive(Clone, Copy, Debug)]
struct End {
    n: usize,
    spacing: f64,
    /// Slants of the first and of the second half, in turns.
    slants: Option<[f64; 2]>,
}

impl End {
    /// Element `i` towards (azimuth, zenith) in degrees: its phase, and its field along theta and phi.
    fn element(&self, i: usize, azimuth: f64, zenith: f64) -> (Cf64, [f64; 2]) {
        let (place, slant) = match self.slants {
            Some(slants) => (i % self.n.div_ceil(2), slants[i / self.n.div_ceil(2)]),
            None => (i, 0.0),
        };
        let along = unit_phasor(zenith / 360.0).im * unit_phasor(azimuth / 360.0).im;
        let slant = unit_phasor(slant);
        (unit_phasor(self.spacing * place as f64 * along), [slant.re, slant.im])
    }
}

/// The array response of `n` elements `spacing` wavelengths apart towards an azimuth and a zenith in degrees.
///
/// Spec: TR 38.901 equation 7.5-22 (the factors exp(2 pi i r d / lambda))
pub fn steering(n: usize, spacing: f64, azimuth_deg: f64, zenith_deg: f64) -> Vec<Cf64> {
    let end = End { n, spacing, slants: None };
    (0..n).map(|i| end.element(i, azimuth_deg, zenith_deg).0).collect()
}

/// All rays, and where each has got to.
#[derive(Clone, Debug)]
pub(crate) struct Rays {
    profile: CdlProfile,
    arrays: CdlArrays,
    direction: Direction,
    n_tx: usize,
    n_rx: usize,
    /// Greatest Doppler shift in turns per knot.
    doppler: f64,
    /// `[path]`: rays of each.
    counts: Vec<usize>,
    /// `[path][ray]`
    phases: Vec<Cf64>,
    steps: Vec<Cf64>,
    /// `[path][ray][tx][rx]`
    matrices: Vec<Cf64>,
}

impl Rays {
    pub(crate) fn new(
        profile: CdlProfile,
        arrays: CdlArrays,
        direction: Direction,
        n_tx: usize,
        n_rx: usize,
        doppler: f64,
        rng: &mut Rng,
    ) -> Rays {
        let mut counts = vec![RAY_OFFSETS.len(); profile.clusters().len()];
        if profile.is_ricean() {
            counts[0] = 1;
        }
        let n_rays: usize = counts.iter().sum();
        let zero = Cf64::new(0.0, 0.0);
        let mut rays = Rays {
            profile,
            arrays,
            direction,
            n_tx,
            n_rx,
            doppler,
            counts,
            phases: vec![zero; n_rays],
            steps: vec![zero; n_rays],
            matrices: vec![zero; n_rays * n_tx * n_rx],
        };
        rays.draw(rng);
        rays
    }

    fn ends(&self) -> (End, End) {
        let crossed = self.arrays.polarisation == Polarisation::Cross;
        let end = |n, gnb: bool| End {
            n,
            spacing: if gnb { self.arrays.gnb_spacing } else { self.arrays.ue_spacing },
            slants: crossed.then_some(if gnb { [0.125, -0.125] } else { [0.0, 0.25] }),
        };
        let gnb_sends = self.direction == Direction::Downlink;
        (end(self.n_tx, gnb_sends), end(self.n_rx, !gnb_sends))
    }

    /// Draws coupling and phases of all rays. No allocation.
    pub(crate) fn draw(&mut self, rng: &mut Rng) {
        let clusters = self.profile.clusters();
        let total: f64 = clusters.iter().map(|c| power_from_db(c.1)).sum();
        let ([c_asd, c_asa, c_zsd, c_zsa], xpr_db) = self.profile.spreads();
        let crossing = libm::sqrt(1.0 / power_from_db(xpr_db));
        let mut at = 0;
        for (path, &(_, db, aod, aoa, zod, zoa)) in clusters.iter().enumerate() {
            let size = libm::sqrt(power_from_db(db) / total / self.counts[path] as f64);
            if self.counts[path] == 1 {
                let turn = unit_phasor(rng.unit()) * size;
                let zero = Cf64::new(0.0, 0.0);
                self.put_ray(at, [aod, aoa, zod, zoa], [[turn, zero], [zero, -turn]]);
                at += 1;
                continue;
            }
            let [by_aoa, by_zod, by_zoa] = [shuffled(rng), shuffled(rng), shuffled(rng)];
            for m in 0..RAY_OFFSETS.len() {
                let angles = [
                    aod + c_asd * RAY_OFFSETS[m],
                    aoa + c_asa * RAY_OFFSETS[by_aoa[m]],
                    folded(zod + c_zsd * RAY_OFFSETS[by_zod[m]]),
                    folded(zoa + c_zsa * RAY_OFFSETS[by_zoa[m]]),
                ];
                let mut turn = |by: f64| unit_phasor(rng.unit()) * by;
                let matrix = [[turn(size), turn(size * crossing)], [turn(size * crossing), turn(size)]];
                self.put_ray(at, angles, matrix);
                at += 1;
            }
        }
    }

    /// Ray `at` with its angles AOD, AOA, ZOD, ZOA and its polarisation matrix `[UE theta, phi][gNB theta, phi]`.
    fn put_ray(&mut self, at: usize, [aod, aoa, zod, zoa]: [f64; 4], matrix: [[Cf64; 2]; 2]) {
        let (tx, rx) = self.ends();
        let uplink = self.direction == Direction::Uplink;
        for t in 0..self.n_tx {
            for r in 0..self.n_rx {
                let (gnb, ue) = if uplink {
                    (rx.element(r, aod, zod), tx.element(t, aoa, zoa))
                } else {
                    (tx.element(t, aod, zod), rx.element(r, aoa, zoa))
                };
                let field: Cf64 = (0..2)
                    .flat_map(|u| (0..2).map(move |g| (u, g)))
                    .map(|(u, g)| matrix[u][g] * ue.1[u] * gnb.1[g])
                    .sum();
                self.matrices[(at * self.n_tx + t) * self.n_rx + r] = field * gnb.0 * ue.0;
            }
        }
        let towards = unit_phasor(zoa / 360.0).im * unit_phasor((aoa - self.arrays.travel_deg) / 360.0).re;
        self.phases[at] = Cf64::new(1.0, 0.0);
        self.steps[at] = phasor_f64(turns_q64(self.doppler * towards));
    }

    /// Writes the gains of this knot, `[path][tx][rx]`, and goes on to the next.
    pub(crate) fn next(&mut self, out: &mut [Cf32]) {
        let links = self.n_tx * self.n_rx;
        let mut at = 0;
        for (out, &count) in out.chunks_exact_mut(links).zip(&self.counts) {
            let mut sums = [Cf64::new(0.0, 0.0); 64];
            for ray in at..at + count {
                let phase = self.phases[ray];
                for (sum, m) in sums.iter_mut().zip(&self.matrices[ray * links..(ray + 1) * links]) {
                    *sum += phase * m;
                }
                self.phases[ray] = phase * self.steps[ray];
            }
            at += count;
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = Cf32::new(sum.re as f32, sum.im as f32);
            }
        }
    }
}

/// A zenith between 0 and 180 degrees. Spec: TR 38.901 §7.5 step 7
fn folded(zenith: f64) -> f64 {
    if zenith > 180.0 { 360.0 - zenith } else { zenith.abs() }
}

fn shuffled(rng: &mut Rng) -> [usize; 20] {
    let mut order: [usize; 20] = core::array::from_fn(|i| i);
    for i in (1..order.len()).rev() {
        order.swap(i, rng.below(i as u32 + 1) as usize);
    }
    order
}
