//! Sending a PDCCH. Spec: TS 38.211 §7.3.2, §7.4.1.3

use super::{CoresetMap, PDCCH_BITS_MAX, Reg, dmrs_sequence, scrambling};
use crate::sequences::QPSK_AMPLITUDE;
use dsp::Cf32;
use fapi::PdcchPdu;
use fec::dci;
use fec::polar::PolarCodec;
use nr::SlotPoint;
use ofdm::Grid;

/// A PDCCH that cannot be sent as it is described.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PdcchError {
    /// The CORESET contradicts itself. Clause: TS 38.211 §7.3.2.2
    Coreset,
    /// CCEs outside the CORESET, or a level other than 1, 2, 4, 8, 16.
    Candidate { cce: u16, level: u8, n_cce: u16 },
    /// The CORESET reaches beyond the grid or the slot.
    Outside,
    /// The payload cannot be coded at this level.
    Payload(usize),
}

impl core::fmt::Display for PdcchError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Coreset => write!(f, "the CORESET contradicts itself (TS 38.211 §7.3.2.2)"),
            Self::Candidate { cce, level, n_cce } => {
                write!(f, "expected {level} CCEs from {cce} on to lie in the CORESET, which has {n_cce}")
            }
            Self::Outside => write!(f, "the CORESET reaches beyond the carrier or the slot"),
            Self::Payload(n) => write!(f, "{n} bits cannot be coded at this aggregation level (TS 38.212 §7.3)"),
        }
    }
}

impl core::error::Error for PdcchError {}

/// Sends PDCCHs; keeps the maps of the CORESETs it has seen.
pub struct PdcchTransmitter {
    maps: Vec<CoresetMap>,
    codec: PolarCodec,
    bits: Vec<u8>,
    pilots: Vec<Cf32>,
}

/// Maps that are kept.
const MAPS_MAX: usize = 16;

/// The map of `coreset`, made when it is first seen.
pub(super) fn map_index(maps: &mut Vec<CoresetMap>, coreset: &fapi::CoresetConfig) -> Option<usize> {
    if let Some(i) = maps.iter().position(|m| m.coreset() == coreset) {
        return Some(i);
    }
    let map = CoresetMap::new(coreset)?;
    if maps.len() >= MAPS_MAX {
        maps.remove(0);
    }
    maps.push(map);
    Some(maps.len() - 1)
}

impl Default for PdcchTransmitter {
    fn default() -> Self {
        Self::new()
    }
}

impl PdcchTransmitter {
    /// Makes the plans.
    pub fn new() -> Self {
        Self {
            maps: Vec::with_capacity(MAPS_MAX),
            codec: PolarCodec::new(1),
            bits: vec![0; PDCCH_BITS_MAX],
            pilots: vec![Cf32::default(); 3 * 320],
        }
    }

    /// Writes the PDCCH of `pdu` and its DM-RS into port 0 of `grid`; other elements stay.
    ///
    /// Elements have the power of `power_offset_db`. With sameAsREG-bundle the DM-RS lies in the PDCCH's own REGs, with allContiguousRBs
    /// in every REG of each run of contiguous RBs of the CORESET that the PDCCH touches.
    /// Errors: [`PdcchError`]. Spec: TS 38.211 §7.3.2
    pub fn transmit(&mut self, pdu: &PdcchPdu, slot: SlotPoint, grid: &mut Grid) -> Result<(), PdcchError> {
        let i = map_index(&mut self.maps, &pdu.coreset).ok_or(PdcchError::Coreset)?;
        let map = &self.maps[i];
        let (l0, level) = (usize::from(pdu.start_symbol), usize::from(pdu.aggregation_level));
        if 12 * map.rb_end() > grid.n_subcarriers()
            || l0 + usize::from(pdu.coreset.duration) > 14
            || grid.n_ports() == 0
        {
            return Err(PdcchError::Outside);
        }
        let mut regs = [Reg::default(); 96];
        let n_reg = match level {
            1 | 2 | 4 | 8 | 16 => map.sorted_regs(usize::from(pdu.cce), level, &mut regs),
            _ => 0,
        };
        if n_reg == 0 {
            let n_cce = map.n_cce() as u16;
            return Err(PdcchError::Candidate { cce: pdu.cce, level: pdu.aggregation_level, n_cce });
        }
        let coded = &mut self.bits[..18 * n_reg];
        let payload = pdu.payload.as_slice();
        if dci::encode(&mut self.codec, payload, pdu.rnti.0, coded).is_err() {
            return Err(PdcchError::Payload(payload.len()));
        }
        scrambling(pdu.scrambling_rnti, pdu.scrambling_n_id).xor_bits(coded);

        let amplitude = libm::powf(10.0, pdu.power_offset_db / 20.0);
        let part = |b: u8| if b == 0 { QPSK_AMPLITUDE * amplitude } else { -QPSK_AMPLITUDE * amplitude };
        if pdu.coreset.wideband_precoder {
            wideband_dmrs(map, pdu, slot, &regs[..n_reg], amplitude, &mut self.pilots, grid);
        }
        let mut data = coded.chunks_exact(2).map(|b| Cf32::new(part(b[0]), part(b[1])));
        let mut of_symbol = None;
        for reg in &regs[..n_reg] {
            let l = l0 + usize::from(reg.l);
            let Some(n) = usize::try_from(i32::from(reg.rb) - pdu.coreset.dmrs_reference_rb).ok() else {
                return Err(PdcchError::Outside);
            };
            if of_symbol != Some(l) {
                of_symbol = Some(l);
                let needed = 3 * (map.rb_end() as i32 - 1 - pdu.coreset.dmrs_reference_rb + 1) as usize;
                self.pilots.resize(needed.max(self.pilots.len()), Cf32::default());
                dmrs_sequence(slot, l, pdu.coreset.dmrs_n_id).pilots(&mut self.pilots[..needed]);
            }
            let at = 12 * usize::from(reg.rb);
            for (k, element) in grid.symbol_mut(0, l)[at..at + 12].iter_mut().enumerate() {
                *element =
                    if k % 4 == 1 { self.pilots[3 * n + k / 4] * amplitude } else { data.next().unwrap_or_default() };
            }
        }
        Ok(())
    }
}

/// Writes the DM-RS of allContiguousRBs: runs of contiguous RBs that hold one of `regs`, in all symbols of the CORESET.
///
/// Spec: TS 38.211 §7.4.1.3.2
fn wideband_dmrs(
    map: &CoresetMap,
    pdu: &PdcchPdu,
    slot: SlotPoint,
    regs: &[Reg],
    amplitude: f32,
    pilots: &mut Vec<Cf32>,
    grid: &mut Grid,
) {
    let reference = pdu.coreset.dmrs_reference_rb;
    let needed = 3 * (map.rb_end() as i32 - reference).max(0) as usize;
    pilots.resize(needed.max(pilots.len()), Cf32::default());
    for l in (0..usize::from(pdu.coreset.duration)).map(|s| usize::from(pdu.start_symbol) + s) {
        dmrs_sequence(slot, l, pdu.coreset.dmrs_n_id).pilots(&mut pilots[..needed]);
        for run in map.runs() {
            if !regs.iter().any(|r| run.contains(&r.rb)) {
                continue;
            }
            for rb in run {
                let Ok(n) = usize::try_from(i32::from(rb) - reference) else { continue };
                let row = &mut grid.symbol_mut(0, l)[12 * usize::from(rb)..][..12];
                for j in 0..3 {
                    row[4 * j + 1] = pilots[3 * n + j] * amplitude;
                }
            }
        }
    }
}
