//! The state machine: idle, searching, serving; and what crosses its surface.

use crate::downlink::Rntis;
use crate::samples::{ANTENNAS_MAX, Samples};
use crate::search::{Found, Outcome, Search, case_of};
use crate::slot::{Build, Serving, carrier_of};
use crate::sync::{Sync, frame_start};
use dsp::{Cf32, Isa};
use fapi::CellConfig;
use fapi::resolve::{MibView, cell_from_mib};
use fapi::ue::{UeIndication, UeL1Command, UeL1Event, UeResponse};
use node::{Crew, Rng};
use nr::{Numerology, SlotPoint, Tc};

/// What a UE's L1 is made with.
#[derive(Clone, Debug, PartialEq)]
pub struct UeL1Config {
    /// Instruction set of the kernels.
    pub isa: Isa,
    /// Sampling rate of the search, Hz: a multiple of 7.68 MHz. Wider is faster.
    pub search_rate_hz: u32,
    /// The UE's greatest power, dBm: 23 in power class 3.
    pub p_max_dbm: f32,
    /// LDPC iterations at most.
    pub max_ldpc_iterations: u8,
    /// Antennas that receive, 1..=4; as many layers of a PDSCH.
    pub n_rx: usize,
    /// Antennas that send, 1..=`n_rx`; as many layers of a PUSCH.
    pub n_tx: usize,
}

impl Default for UeL1Config {
    fn default() -> Self {
        Self { isa: Isa::best(), search_rate_hz: 61_440_000, p_max_dbm: 23.0, max_ldpc_iterations: 8, n_rx: 1, n_tx: 1 }
    }
}

/// Where the radio is to be tuned; the same shape as the channel's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// Sampling rate both ways, Hz.
    pub rate_hz: u32,
    /// Centre of what is received, Hz.
    pub dl_centre_hz: f64,
    /// Centre of what is transmitted, Hz.
    pub ul_centre_hz: f64,
}

/// What the L1 wants next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Need {
    /// Samples of each antenna, 1 or more.
    pub samples: usize,
    /// The tuning for them and all that follow, until it changes.
    pub tuning: Tuning,
    /// It looks at them; else its receiver is off, and zeros will do: it serves no cell and searches none, or there is no downlink in them.
    pub listens: bool,
}

/// Bursts for the uplink, in one arena that is used again.
#[derive(Clone, Debug, Default)]
pub struct UlBursts {
    /// The samples of all bursts, sqrt(mW), `[antenna][sample]` of each.
    pub samples: Vec<Cf32>,
    /// (UE's count of the first sample, first index, number, antennas).
    list: Vec<(i64, usize, usize, usize)>,
}

impl UlBursts {
    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.samples.clear();
        self.list.clear();
    }
    /// Each burst: the UE's count of its first sample, how many antennas send it (the first ones), and its samples, `[antenna][sample]`.
    pub fn iter(&self) -> impl Iterator<Item = (i64, usize, &[Cf32])> {
        self.list.iter().map(|&(start, at, len, n_antennas)| (start, n_antennas, &self.samples[at..at + len]))
    }
    /// Begins a burst of `n_antennas` at the count `start`; returns the index of its first sample.
    pub(crate) fn begin(&mut self, start: i64, n_antennas: usize) -> usize {
        self.list.push((start, self.samples.len(), 0, n_antennas));
        self.samples.len()
    }
    /// Ends it.
    pub(crate) fn end(&mut self) {
        let total = self.samples.len();
        if let Some((_, at, len, _)) = self.list.last_mut() {
            *len = total - *at;
        }
    }
}

/// What an L1 counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counters {
    /// PDCCH candidates looked at.
    pub pdcch_candidates: u64,
    /// DCIs followed.
    pub dcis: u64,
    /// DCIs whose CRC held and that made no sense.
    pub dcis_dropped: u64,
    /// Downlink blocks, first transmissions.
    pub dl_blocks: u64,
    /// Downlink retransmissions.
    pub dl_retransmissions: u64,
    /// PDSCHs of the UE whose CRC failed.
    pub dl_crc_errors: u64,
    /// First transmissions among them.
    pub dl_first_errors: u64,
    /// Uplink grants for new blocks.
    pub ul_blocks: u64,
    /// Uplink grants for retransmissions.
    pub ul_retransmissions: u64,
    /// Grants and feedback that came too late for their slot.
    pub ul_late: u64,
    /// Grants and feedback that contradict the configuration.
    pub ul_refused: u64,
    /// PUSCHs sent.
    pub pusch_sent: u64,
    /// PUCCHs sent.
    pub pucch_sent: u64,
    /// SRSs sent.
    pub srs_sent: u64,
    /// Preambles sent.
    pub prach_sent: u64,
}

impl Counters {
    /// Notes a decoded PDSCH.
    pub(crate) fn note_dl(&mut self, result: &phy::pdsch::PdschResult, first: bool) {
        self.dl_crc_errors += u64::from(!result.crc_ok);
        self.dl_first_errors += u64::from(!result.crc_ok && first);
    }
    fn plus(&self, o: &Counters) -> Counters {
        Counters {
            pdcch_candidates: self.pdcch_candidates + o.pdcch_candidates,
            dcis: self.dcis + o.dcis,
            dcis_dropped: self.dcis_dropped + o.dcis_dropped,
            dl_blocks: self.dl_blocks + o.dl_blocks,
            dl_retransmissions: self.dl_retransmissions + o.dl_retransmissions,
            dl_crc_errors: self.dl_crc_errors + o.dl_crc_errors,
            dl_first_errors: self.dl_first_errors + o.dl_first_errors,
            ul_blocks: self.ul_blocks + o.ul_blocks,
            ul_retransmissions: self.ul_retransmissions + o.ul_retransmissions,
            ul_late: self.ul_late + o.ul_late,
            ul_refused: self.ul_refused + o.ul_refused,
            pusch_sent: self.pusch_sent + o.pusch_sent,
            pucch_sent: self.pucch_sent + o.pucch_sent,
            srs_sent: self.srs_sent + o.srs_sent,
            prach_sent: self.prach_sent + o.prach_sent,
        }
    }
}

enum State {
    Idle,
    Searching,
    Serving(Box<Serving>),
}

/// The physical layer of one UE.
pub struct UeL1 {
    config: UeL1Config,
    rng: Rng,
    state: State,
    search: Option<Search>,
    /// The next sample's count.
    count: i64,
    /// Count and time of the last change of rate, for the UE's clock.
    epoch: (i64, Tc, u32),
    tuning: Tuning,
    past: Counters,
    crew: Crew,
}

impl UeL1 {
    /// An idle UE; `rng` chooses among random access occasions.
    pub fn new(config: UeL1Config, rng: Rng) -> UeL1 {
        let rate_hz = config.search_rate_hz;
        let tuning = Tuning { rate_hz, dl_centre_hz: 1e9, ul_centre_hz: 1e9 };
        UeL1 {
            config,
            rng,
            state: State::Idle,
            search: None,
            count: 0,
            epoch: (0, Tc::ZERO, rate_hz),
            tuning,
            past: Counters::default(),
            crew: Crew::default(),
        }
    }

    /// What it wants next.
    pub fn need(&self) -> Need {
        let samples = match &self.state {
            State::Idle => (self.tuning.rate_hz / 1000) as usize,
            State::Searching => self.search.as_ref().map_or(1, Search::need),
            State::Serving(s) => s.need(),
        };
        let listens = match &self.state {
            State::Idle => false,
            State::Searching => true,
            State::Serving(s) => s.listens(),
        };
        Need { samples: samples.max(1), tuning: self.tuning, listens }
    }

    /// The UE's clock: the time of its next sample.
    pub fn now(&self) -> Tc {
        let (count, at, rate) = self.epoch;
        let passed = i128::from(self.count - count) * i128::from(Tc::PER_SECOND) / i128::from(rate);
        Tc(at.0 + passed as i64)
    }

    /// The next sample's count.
    pub fn count(&self) -> i64 {
        self.count
    }

    /// The slot processed last, and the count at which the next one starts; `None` while no cell is served.
    pub fn timing(&self) -> Option<(SlotPoint, f64)> {
        match &self.state {
            State::Serving(s) => Some((s.sync.next, s.sync.start)),
            _ => None,
        }
    }

    /// What was counted since the beginning.
    pub fn counters(&self) -> Counters {
        match &self.state {
            State::Serving(s) => self.past.plus(&s.downlink.counters).plus(&s.uplink.counters),
            _ => self.past,
        }
    }

    /// Takes as many samples, `[antenna][sample]`, as [`UeL1::need`] asked for (others are taken as they come, only less well cut) and writes what happened.
    ///
    /// `ind` must be empty. While a cell is served nothing is allocated once the largest blocks have been seen.
    pub fn receive(&mut self, samples: &[Cf32], ind: &mut UeIndication) {
        let samples = Samples::of(samples, self.config.n_rx);
        let start = self.count;
        self.count += samples.len() as i64;
        ind.now = self.now();
        match &mut self.state {
            State::Idle => {}
            State::Searching => {
                let outcome =
                    self.search.as_mut().map(|s| s.receive(samples.antenna(s.antenna(samples.n_antennas())), start));
                self.after_capture(outcome.unwrap_or(Outcome::Nothing), ind);
            }
            State::Serving(s) => {
                ind.events.append(&mut s.uplink.events);
                s.receive(samples, ind);
            }
        }
    }

    /// Goes on after a capture of the search.
    fn after_capture(&mut self, outcome: Outcome, ind: &mut UeIndication) {
        match outcome {
            Outcome::Found(found) => {
                let pci = found.detection.pci;
                match self.serve_found(&found) {
                    Some(serving) => {
                        ind.events.push(event_of(&found, serving.sync.rsrp_dbm()));
                        self.serve(serving);
                    }
                    // A cell without CORESET 0 that this UE can read is passed over.
                    None => self.search.iter_mut().for_each(|s| s.bar(pci)),
                }
            }
            Outcome::Exhausted => {
                let rounds = self.search.as_ref().map_or(0, Search::rounds);
                ind.events.push(UeL1Event::SearchExhausted { rounds });
            }
            Outcome::Nothing => {}
        }
        if matches!(self.state, State::Searching) {
            self.tune_to_search();
        }
    }

    /// The found cell as far as its MIB tells it.
    fn serve_found(&mut self, found: &Found) -> Option<Serving> {
        let mib = mib_view(found)?;
        let (cell, _) = cell_from_mib(&mib).ok()?;
        let carrier = carrier_of(&cell.dl).ok()?;
        let rate = f64::from(self.tuning.rate_hz);
        let p = &found.payload;
        let frame = frame_start(&cell, p.ssb_index, p.half_frame, found.pss_count, rate)?;
        // A carrier at the search's own rate, to start from.
        let next = SlotPoint::new(carrier.numerology(), u32::from(p.sfn), 0);
        let ratio = f64::from(carrier.sample_rate_hz()) / rate;
        let start = self.count as f64 + (frame - self.count as f64) * ratio;
        let cfo_hz = found.cfo_hz * carrier.centre_hz() / found.ssb_hz;
        // The capture's transform was longer by the ratio of the rates: its elements hold as much more noise and power.
        let rsrp = found.detection.rsrp * (carrier.sample_rate_hz() as f32 / rate as f32);
        let sync = Sync::new(&carrier, next, start, cfo_hz, rsrp, found.detection.snr_db());
        Serving::new(cell, false, sync, self.count, &self.build()).ok()
    }

    fn build(&mut self) -> Build {
        Build {
            isa: self.config.isa,
            max_iterations: self.config.max_ldpc_iterations,
            p_max_dbm: self.config.p_max_dbm,
            seed: self.rng.u64(),
            n_rx: self.config.n_rx.clamp(1, ANTENNAS_MAX),
            n_tx: self.config.n_tx.clamp(1, ANTENNAS_MAX),
        }
    }

    /// Spreads the work of a slot over `crew` from now on; the bits stay the same.
    pub fn set_crew(&mut self, crew: &Crew) {
        if let State::Serving(s) = &mut self.state {
            s.downlink.set_crew(crew);
        }
        self.crew = crew.clone();
    }

    pub(crate) fn serve(&mut self, mut serving: Serving) {
        self.leave();
        serving.downlink.set_crew(&self.crew);
        let rate_hz = serving.carrier().sample_rate_hz();
        let tuning =
            Tuning { rate_hz, dl_centre_hz: serving.cell.dl.centre_hz(), ul_centre_hz: serving.cell.ul.centre_hz() };
        self.tune(tuning);
        self.state = State::Serving(Box::new(serving));
    }

    /// Keeps what a served cell has counted.
    fn leave(&mut self) {
        self.past = self.counters();
        self.state = State::Idle;
    }

    fn tune(&mut self, tuning: Tuning) {
        if tuning.rate_hz != self.tuning.rate_hz {
            self.epoch = (self.count, self.now(), tuning.rate_hz);
        }
        self.tuning = tuning;
    }

    fn tune_to_search(&mut self) {
        let centre = self.search.as_ref().map_or(1e9, Search::centre_hz);
        self.tune(Tuning { rate_hz: self.config.search_rate_hz, dl_centre_hz: centre, ul_centre_hz: centre });
    }

    /// Gives the bursts that follow from the slot just processed; call it after [`UeL1::respond`]. Appends to `out`.
    pub fn transmit(&mut self, out: &mut UlBursts) {
        if let State::Serving(s) = &mut self.state {
            s.transmit(out);
        }
    }

    /// Takes what the layers above answer to an indication.
    pub fn respond(&mut self, response: &UeResponse) {
        if let State::Serving(s) = &mut self.state {
            s.uplink.on_blocks(response);
        }
        for command in &response.commands {
            self.command(command);
        }
    }

    fn command(&mut self, command: &UeL1Command) {
        match command {
            UeL1Command::Search { bands } => {
                let before = match &self.state {
                    State::Serving(s) => Some(s.cell.ssb.frequency_hz),
                    _ => None,
                };
                self.leave();
                let mut search = Search::new(bands, self.config.search_rate_hz, self.config.isa);
                before.into_iter().for_each(|hz| search.prefer(hz));
                self.state = if search.is_empty() { State::Idle } else { State::Searching };
                self.search = Some(search);
                self.tune_to_search();
            }
            UeL1Command::Bar(pci) => {
                if let Some(search) = &mut self.search {
                    search.bar(*pci);
                    self.leave();
                    self.state = State::Searching;
                    self.tune_to_search();
                }
            }
            UeL1Command::ConfigureCell(cell) => self.configure_cell(cell),
            other => {
                if let State::Serving(s) = &mut self.state {
                    command_serving(s, other);
                }
            }
        }
    }

    /// SIB1 has been read: on to the cell's carrier, with the timing that there is.
    fn configure_cell(&mut self, cell: &CellConfig) {
        let build = self.build();
        let State::Serving(s) = &self.state else { return };
        let (Ok(carrier), Ok(ul)) = (carrier_of(&cell.dl), carrier_of(&cell.ul)) else { return };
        if carrier.sample_rate_hz() != ul.sample_rate_hz() {
            return;
        }
        let sync = s.sync.retuned(&carrier, self.count);
        if let Ok(serving) = Serving::new(cell.clone(), true, sync, self.count, &build) {
            self.serve(serving);
        }
    }
}

/// A command to a served cell.
fn command_serving(s: &mut Serving, command: &UeL1Command) {
    let now = s.sync.next.plus(-1);
    let mu = s.cell.ul.numerology.mu();
    match command {
        UeL1Command::ConfigureDedicated { from, config } => s.configure(*from, config.clone()),
        UeL1Command::SetRnti { c_rnti, temporary } => {
            if s.rntis.temporary.is_some() && temporary.is_none() && c_rnti.is_none() {
                s.uplink.drop_temporary();
            }
            s.rntis = Rntis { c_rnti: *c_rnti, temporary: *temporary, ..s.rntis };
        }
        UeL1Command::SendPreamble { preamble, target_power_dbm } => s.uplink.on_preamble(*preamble, *target_power_dbm),
        UeL1Command::WatchRar { ra_rnti, until } => s.rntis.ra = ra_rnti.map(|r| (r, *until)),
        UeL1Command::WatchPaging { ue_id } => s.rntis.paging = *ue_id,
        UeL1Command::RarGrant { grant, slot } => s.uplink.on_rar_grant(*grant, *slot, &s.cell, &s.rntis, now),
        UeL1Command::TimingAdvanceAbsolute(t_a) => s.uplink.on_advance_absolute(*t_a, mu),
        UeL1Command::TimingAdvance(t_a) => s.uplink.on_advance(*t_a, now),
        UeL1Command::SchedulingRequest(pending) => s.uplink.on_scheduling_request(*pending),
        UeL1Command::Reset => s.reset(),
        UeL1Command::Search { .. } | UeL1Command::Bar(_) | UeL1Command::ConfigureCell(_) => {}
    }
}

/// The fields of the MIB. Spec: TS 38.331 §6.2.2 (MIB); `None` where the message is another one
pub fn mib_view(found: &Found) -> Option<MibView> {
    let mib = found.payload.mib;
    if mib >> 23 & 1 == 1 {
        return None;
    }
    let common = [Numerology::KHZ15, Numerology::KHZ30][(mib >> 16 & 1) as usize];
    Some(MibView {
        pci: found.detection.pci,
        scs_common: common,
        k_ssb: found.payload.k_ssb,
        coreset_zero: (mib >> 7 & 15) as u8,
        search_space_zero: (mib >> 3 & 15) as u8,
        type_a_position: 2 + (mib >> 11 & 1) as u8,
        ssb_numerology: found.band.ssb_numerology,
        ssb_case: case_of(found.band),
        l_max: found.l_max,
        ssb_index: found.payload.ssb_index,
        ssb_hz: found.ssb_hz,
        min_bandwidth_40mhz: found.band.min_bandwidth_40mhz,
        fr2: false,
    })
}

fn event_of(found: &Found, rsrp_dbm: f32) -> UeL1Event {
    UeL1Event::CellFound {
        pci: found.detection.pci,
        ssb_hz: found.ssb_hz,
        band: found.band.number,
        cfo_hz: found.cfo_hz as f32,
        snr_db: found.detection.snr_db(),
        rsrp_dbm,
        mib: found.payload.mib,
        k_ssb: found.payload.k_ssb,
        ssb_index: found.payload.ssb_index,
        ssb_numerology: found.band.ssb_numerology,
        ssb_case: found.case(),
        l_max: found.l_max,
    }
}
