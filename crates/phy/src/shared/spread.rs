//! One slot's symbols and code blocks, cut into pieces for a crew: as many pieces as it is wide, each with scratch of its own.
//!
//! Which piece does what changes no bit: symbols and code blocks depend on nothing but what all of them share, and results are added
//! up in the order of symbols.

use super::demap::{Reception, SymbolReport, SymbolWorker};
use crate::estimate::ChannelError;
use dsp::Isa;
use fec::Llr;
use fec::sch::{
    Cbgs, SchDecoder, SchError, SchParams, SchResult, SchTask, Segmentation, SoftBuffer, TOGETHER_MAX, Together,
};
use node::Crew;
use nr::SYMBOLS_PER_SLOT;
use ofdm::Grid;

/// Workers that share the symbols of a slot.
#[derive(Clone, Debug)]
pub struct SymbolCrew {
    crew: Crew,
    workers: Vec<SymbolWorker>,
}

type Reports = [Result<SymbolReport, ChannelError>];

impl SymbolCrew {
    /// One worker; sizes as of [`SymbolWorker::new`].
    pub fn new(isa: Isa, n_rb_max: usize, n_rx: usize, n_layers: usize) -> SymbolCrew {
        SymbolCrew { crew: Crew::default(), workers: vec![SymbolWorker::new(isa, n_rb_max, n_rx, n_layers)] }
    }

    /// A worker for each piece that `crew` runs at once. Allocates.
    pub fn set_crew(&mut self, crew: &Crew) {
        let worker = self.workers[0].clone();
        self.workers.resize(crew.width(), worker);
        self.crew = crew.clone();
    }

    /// Whether a reception fits.
    pub fn fits(&self, n_rb: usize, n_rx: usize, n_layers: usize) -> bool {
        self.workers[0].fits(n_rb, n_rx, n_layers)
    }

    /// Soft bits of all symbols, those of symbol l where [`Reception::bits_of`] says; the reports' sum.
    ///
    /// Errors: as of [`SymbolWorker::soft_bits`], of the first symbol that has one; `Invalid` if `llrs` is too short.
    pub fn soft_bits(&mut self, r: &Reception, grid: &Grid, llrs: &mut [Llr]) -> Result<SymbolReport, ChannelError> {
        let n = r.bits_of(SYMBOLS_PER_SLOT - 1).end;
        let llrs = llrs.get_mut(..n).ok_or(ChannelError::Invalid("more soft bits than there is room for"))?;
        let mut reports = [Ok(SymbolReport::default()); SYMBOLS_PER_SLOT];
        symbols(&self.crew, &mut self.workers, (r, grid), 0, llrs, &mut reports);
        let mut sum = SymbolReport::default();
        for report in reports {
            sum.add(&report?);
        }
        Ok(sum)
    }
}

/// Symbols from `first` on, one for each report, by `workers`; `llrs` are theirs.
fn symbols(
    crew: &Crew,
    workers: &mut [SymbolWorker],
    shared: (&Reception, &Grid),
    first: usize,
    llrs: &mut [Llr],
    reports: &mut Reports,
) {
    let (r, grid) = shared;
    let from = r.bits_of(first).start;
    let n = reports.len();
    if workers.len() < 2 || n < 2 || llrs.is_empty() {
        let Some(worker) = workers.first_mut() else { return };
        for (i, report) in reports.iter_mut().enumerate() {
            let bits = r.bits_of(first + i);
            *report = worker.soft_bits(r, grid, first + i, &mut llrs[bits.start - from..bits.end - from]);
        }
        return;
    }
    let (left, right) = workers.split_at_mut(workers.len().div_ceil(2));
    let share = llrs.len() * left.len() / (left.len() + right.len());
    let bits_before = |i: usize| r.bits_of(first + i).start - from;
    let cut = (1..n).min_by_key(|&i| bits_before(i).abs_diff(share)).unwrap_or(1);
    let (llrs_left, llrs_right) = llrs.split_at_mut(bits_before(cut));
    let (reports_left, reports_right) = reports.split_at_mut(cut);
    crew.join(
        || symbols(crew, left, shared, first, llrs_left, reports_left),
        || symbols(crew, right, shared, first + cut, llrs_right, reports_right),
    );
}

/// Decoders that share the code blocks of transport blocks.
pub struct BlockCrew {
    isa: fec::Isa,
    crew: Crew,
    decoders: Vec<SchDecoder>,
}

impl BlockCrew {
    /// One decoder.
    pub fn new(isa: fec::Isa) -> BlockCrew {
        BlockCrew { isa, crew: Crew::default(), decoders: vec![SchDecoder::new(isa)] }
    }

    /// A decoder for each piece that `crew` runs at once. Allocates.
    pub fn set_crew(&mut self, crew: &Crew) {
        self.decoders.resize_with(crew.width(), || SchDecoder::new(self.isa));
        self.crew = crew.clone();
    }

    /// As [`SchDecoder::decode`], the code blocks spread: the same bits.
    ///
    /// Errors: those of [`SchDecoder::decode`]; nothing is then changed. No allocation.
    pub fn decode(
        &mut self,
        params: &SchParams,
        cbgs: Option<Cbgs>,
        llrs: &[Llr],
        soft: &mut SoftBuffer,
        new_data: bool,
        max_iterations: u8,
        tb_out: &mut [u8],
    ) -> Result<SchResult, SchError> {
        self.all().decode(params, cbgs, llrs, soft, new_data, max_iterations, tb_out)
    }

    /// All decoders.
    pub fn all(&mut self) -> Decoders<'_> {
        Decoders { crew: &self.crew, decoders: &mut self.decoders }
    }

    /// Calls `f` with each item and decoders for it: `weight` says how much work an item is. Items in halves of equal weight, with as
    /// many decoders each; what is left to be spread within an item is up to [`Decoders::decode`].
    pub fn each<T: Send>(
        &mut self,
        items: &mut [T],
        weight: &(dyn Fn(&T) -> usize + Sync),
        f: &(dyn Fn(&mut T, &mut Decoders<'_>) + Sync),
    ) {
        each(&self.crew, &mut self.decoders, items, weight, f);
    }
}

/// A transport block that may be decoded beside others.
pub struct Beside<'a> {
    /// Of this transmission.
    pub params: SchParams,
    /// Code block groups sent.
    pub cbgs: Option<Cbgs>,
    /// As many as `params` says.
    pub llrs: &'a [Llr],
    /// Of its HARQ process.
    pub soft: &'a mut SoftBuffer,
    /// The process starts afresh.
    pub new_data: bool,
    /// `tbs_bits / 8` bytes.
    pub tb_out: &'a mut [u8],
    /// What became of it.
    pub result: Result<SchResult, SchError>,
}

/// Some of a crew's decoders.
pub struct Decoders<'a> {
    crew: &'a Crew,
    decoders: &'a mut [SchDecoder],
}

impl Decoders<'_> {
    /// Decodes transport blocks of one small code block each, alike ones side by side in one vector: the bits of each alone. No allocation.
    ///
    /// Those beyond [`TOGETHER_MAX`] are left with the result they had.
    pub fn decode_beside(&mut self, blocks: &mut [Option<Beside<'_>>], max_iterations: u8) {
        let Some(decoder) = self.decoders.first_mut() else { return };
        let mut plans = [None; TOGETHER_MAX];
        let mut tasks: [Option<Together<'_>>; TOGETHER_MAX] = std::array::from_fn(|_| None);
        for (block, (plan, task)) in blocks.iter_mut().zip(plans.iter_mut().zip(&mut tasks)) {
            let Some(block) = block else { continue };
            let lengths =
                block.llrs.len() == block.params.g as usize && 8 * block.tb_out.len() == block.params.tbs_bits as usize;
            if !lengths {
                let (expected, found) = (block.params.g as usize, block.llrs.len());
                block.result = Err(SchError::Length { expected, found });
                continue;
            }
            match block.soft.begin(&block.params, block.cbgs, block.new_data) {
                Ok(begun) => {
                    *plan = Some(begun.plan);
                    *task = Some((begun, block.llrs));
                }
                Err(error) => block.result = Err(error),
            }
        }
        let done = decoder.run_together(&mut tasks, max_iterations);
        for (block, plan) in blocks.iter_mut().zip(plans) {
            if let (Some(block), Some(plan)) = (block, plan) {
                block.result = done.and_then(|()| block.soft.finish(&plan, block.tb_out));
            }
        }
    }

    /// See [`BlockCrew::decode`].
    pub fn decode(
        &mut self,
        params: &SchParams,
        cbgs: Option<Cbgs>,
        llrs: &[Llr],
        soft: &mut SoftBuffer,
        new_data: bool,
        max_iterations: u8,
        tb_out: &mut [u8],
    ) -> Result<SchResult, SchError> {
        decode(self.crew, self.decoders, params, cbgs, llrs, soft, new_data, max_iterations, tb_out)
    }
}

fn each<T: Send>(
    crew: &Crew,
    decoders: &mut [SchDecoder],
    items: &mut [T],
    weight: &(dyn Fn(&T) -> usize + Sync),
    f: &(dyn Fn(&mut T, &mut Decoders<'_>) + Sync),
) {
    if decoders.len() < 2 || items.len() < 2 {
        let mut decoders = Decoders { crew, decoders };
        return items.iter_mut().for_each(|item| f(item, &mut decoders));
    }
    let all: usize = items.iter().map(weight).sum();
    let before = |i: usize| items[..i].iter().map(weight).sum::<usize>();
    let cut = (1..items.len()).min_by_key(|&i| (2 * before(i)).abs_diff(all)).unwrap_or(1);
    let (left, right) = items.split_at_mut(cut);
    let (decoders_left, decoders_right) = decoders.split_at_mut(decoders.len().div_ceil(2));
    crew.join(|| each(crew, decoders_left, left, weight, f), || each(crew, decoders_right, right, weight, f));
}

#[allow(clippy::too_many_arguments)]
fn decode(
    crew: &Crew,
    decoders: &mut [SchDecoder],
    params: &SchParams,
    cbgs: Option<Cbgs>,
    llrs: &[Llr],
    soft: &mut SoftBuffer,
    new_data: bool,
    max_iterations: u8,
    tb_out: &mut [u8],
) -> Result<SchResult, SchError> {
    let n_blocks = Segmentation::with_cbgs(params, cbgs).map_or(0, |plan| plan.n_blocks);
    let lengths_fit = llrs.len() == params.g as usize && 8 * tb_out.len() == params.tbs_bits as usize;
    if decoders.len() < 2 || n_blocks < 2 || !lengths_fit {
        let decoder = decoders.first_mut().ok_or(SchError::Layers(0))?;
        return decoder.decode_cbgs(params, cbgs, llrs, soft, new_data, max_iterations, tb_out);
    }
    let task = soft.begin(params, cbgs, new_data)?;
    let plan = task.plan;
    code_blocks(crew, decoders, task, llrs, max_iterations)?;
    soft.finish(&plan, tb_out)
}

fn code_blocks(
    crew: &Crew,
    decoders: &mut [SchDecoder],
    mut task: SchTask<'_>,
    llrs: &[Llr],
    max_iterations: u8,
) -> Result<(), SchError> {
    if decoders.len() < 2 || task.len() < 2 {
        return decoders.first_mut().map_or(Ok(()), |decoder| decoder.run(&mut task, llrs, max_iterations));
    }
    let (left, right) = decoders.split_at_mut(decoders.len().div_ceil(2));
    // The caller's half begins at once: where blocks do not divide evenly it takes the larger part.
    let n = (task.len() * left.len()).div_ceil(left.len() + right.len());
    let (a, b) = task.split_at(n);
    let (mut a, mut b) = (Some(a), Some(b));
    let (mut done_a, mut done_b) = (Ok(()), Ok(()));
    crew.join(
        || done_a = a.take().map_or(Ok(()), |task| code_blocks(crew, left, task, llrs, max_iterations)),
        || done_b = b.take().map_or(Ok(()), |task| code_blocks(crew, right, task, llrs, max_iterations)),
    );
    done_a.and(done_b)
}
