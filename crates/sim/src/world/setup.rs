//! A world out of a scenario. Everything that a range is given for is drawn from the seed here.

use super::client::Client;
use super::hash::EventHash;
use super::network::Network;
use super::observe::LiveState;
use super::terminal::Terminal;
use super::{GNB, World};
use crate::report::{CellReport, ChannelReport, LinkReport, Progress, Report};
use crate::scenario::{Plan, Scenario, ScenarioError, UePlan};
use air::{Air, LinkConfig, Profile, path_loss_db_for};
use cn::Core;
use dsp::Isa;
use gnb::{Gnb, GnbConfig};
use gnb_cu::GnbCuConfig;
use gnb_du::config::Cell;
use io::gateway::Gateway;
use io::host::Host;
use io::policy::N6Policy;
use io::pool::Pool;
use io::proxy::{Proxy, ProxyError};
use io::tun::{Tun, TunError};
use node::{Crew, Outbox, Rng};
use nr::{SlotPoint, Tc};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use ue::{Ue, UeConfig};
use ue_l1::UeL1Config;

/// Why a world cannot be made.
#[derive(Debug)]
pub enum SetupError {
    /// The scenario.
    Scenario(ScenarioError),
    /// The proxy.
    Proxy(ProxyError),
    /// A TUN interface.
    Tun(TunError),
    /// The physical layer or the channel.
    Radio(String),
    /// The operating system gives no threads.
    Threads(String),
}

impl core::fmt::Display for SetupError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            SetupError::Scenario(e) => write!(f, "{e}"),
            SetupError::Proxy(e) => write!(f, "{e}"),
            SetupError::Tun(e) => write!(f, "{e}"),
            SetupError::Radio(e) => write!(f, "the cell cannot be put on the air: {e}"),
            SetupError::Threads(e) => write!(f, "no threads (run.threads): {e}"),
        }
    }
}

impl std::error::Error for SetupError {}

impl From<ScenarioError> for SetupError {
    fn from(e: ScenarioError) -> Self {
        SetupError::Scenario(e)
    }
}

/// Where randomness comes from: a lab's seed, or the operating system for what must be secret.
#[derive(Clone, Debug)]
pub struct Entropy {
    /// Fixes everything that is drawn.
    pub seed: u64,
    /// The operating system's generator, outside a lab.
    pub secrets: Option<Rng>,
}

/// What the gateway's page tells of a connection.
pub(super) type PageFacts = Arc<Mutex<Vec<(IpAddr, String)>>>;

impl World {
    /// Makes the network of `scenario`; nothing runs before the first step.
    pub fn new(scenario: Scenario, entropy: Entropy) -> Result<World, SetupError> {
        let plan = scenario.plan(entropy.seed, entropy.secrets.clone())?;
        let cell = Cell::new(scenario.cell.clone()).map_err(ScenarioError::from)?;
        let lab = Rng::from_lab_seed(entropy.seed);
        // What protects a user draws from the operating system where there is no lab.
        let secret = entropy.secrets.clone().unwrap_or_else(|| lab.fork("secrets"));
        let isa: Isa = scenario.run.isa.parse().unwrap_or_else(|_| Isa::best());
        let gnb_n3: IpAddr = Ipv4Addr::new(10, 53, 1, 1).into();
        let log = scenario.log();
        let keep_taps =
            scenario.output.pcap.is_some() || scenario.output.keylog.is_some() || log.max() >= obs::log::Level::Debug;
        let gnb_config = gnb_config(&scenario, &cell, &plan, gnb_n3, isa, keep_taps);
        let gnb = Gnb::new(gnb_config).map_err(|e| SetupError::Radio(e.to_string()))?;
        let mut draw = lab.fork("channel");
        let gnb_ppm = draw.range(-scenario.air.gnb_ppm_max, scenario.air.gnb_ppm_max);
        let mut world_air = make_air(&scenario, &cell, &gnb, gnb_ppm, &plan, isa, &lab)?;
        let mut channel = ChannelReport { profile: scenario.air.channel.clone(), gnb_ppm, ..ChannelReport::default() };
        let mut terminals = Vec::new();
        for (i, p) in plan.ues.iter().enumerate() {
            let number = i as u32 + 1;
            let link = draw_link(&scenario, &cell, p, number, &lab);
            let start = Tc::from_us((link.start_ms * 1000.0) as i64);
            let (n_rx, n_tx) = (usize::from(p.cp.capability.dl_layers), usize::from(p.cp.capability.ul_layers));
            let config = link_config(&scenario, &link, &lab, number, (n_rx, n_tx));
            let tuning = air::Tuning { rate_hz: 61_440_000, dl_centre_hz: 3.5e9, ul_centre_hz: 3.5e9 };
            world_air.add_link(config, tuning).map_err(|e| SetupError::Radio(e.to_string()))?;
            let rng = secret.fork(&format!("ue{number}"));
            let l1 = UeL1Config { isa, n_rx, n_tx, ..UeL1Config::default() };
            let ue = UeConfig { number, l1, cp: p.cp.clone(), taps: keep_taps };
            let mut numbers = lab.fork(&format!("host{number}"));
            let host = Host::new(scenario.core.mtu as usize, numbers.u64());
            let t = &scenario.traffic;
            let client = {
                let every = Tc::from_ms(t.ping_interval_ms.into());
                Client::new(scenario.run.once, t.pings, every, t.transfer_bytes, numbers.u64() >> 8)
            };
            let mut terminal = Terminal::new(number, Ue::new(ue, &rng), host, client, start, keep_taps);
            terminal.true_cfo_per_hz = (gnb_ppm - link.ppm) * 1e-6;
            if t.tun {
                terminal.set_tun(Tun::open(number).map_err(SetupError::Tun)?);
            }
            terminals.push(terminal);
            channel.links.push(link);
        }
        let mut report = Report::new(entropy.seed, &scenario.preset, scenario.n_ues);
        report.channel = channel;
        report.cells = vec![cell_report(&scenario, &cell)];
        for w in &plan.warnings {
            report.note(w.clone());
        }
        for (u, p) in report.ues.iter_mut().zip(&plan.ues) {
            u.supi = p.cp.usim.supi.to_string();
        }
        let facts: PageFacts = Arc::default();
        let gateway = make_gateway(&scenario, &plan, facts.clone(), lab.fork("gateway").u64())?;
        let proxy = make_proxy(&scenario)?;
        let numerology = cell.numerology();
        let first_slot = SlotPoint::new(numerology, lab.fork("sfn").below(1024), 0);
        let mut core = Core::new(&plan.core, &secret.fork("core"));
        let mut core_out = Outbox::default();
        node::Node::timeout(&mut core, Tc::ZERO, &mut core_out);
        let mut progress: Vec<Progress> = plan.warnings.iter().cloned().map(Progress::Note).collect();
        progress.push(Progress::CellOnAir { cell: report.cells[0].clone(), at: Tc::ZERO });
        if let Some(p) = &proxy {
            let password = scenario.traffic.proxy_password.is_some();
            progress.push(Progress::ProxyReady { address: p.address(), password });
        }
        let crew = crew(&scenario)?;
        let mut world = World {
            numerology,
            first_slot,
            count: 0,
            air: world_air,
            net: Network {
                gnb,
                core,
                core_out,
                gateway,
                upf_n3: plan.core.upf_n3,
                gnb_n3,
                hash: EventHash::new(),
                tamper_n2: None,
                n_antennas: usize::from(scenario.cell.antennas),
                tx: Vec::new(),
                rx: Vec::new(),
                times: Default::default(),
                events: Vec::new(),
            },
            proxy,
            terminals,
            crew,
            progress,
            taps: Vec::new(),
            keep_taps,
            log,
            lost: Default::default(),
            iq: None,
            report,
            live: LiveState::new(facts),
            started: Instant::now(),
            stopping: None,
            finished: false,
            scenario,
        };
        world.net.gnb.set_crew(&world.crew);
        world.terminals.iter_mut().for_each(|t| t.set_crew(&world.crew));
        world.net.gnb.start(Tc::ZERO);
        Ok(world)
    }
}

/// The threads of a run.
fn crew(s: &Scenario) -> Result<Crew, SetupError> {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let n = match s.run.threads {
        0 => cores.min(4),
        n => n as usize,
    };
    if n < 2 {
        return Ok(Crew::default());
    }
    // Between slots in virtual time there is no pause to sleep in; by the clock there is.
    let patience = Duration::from_micros(if s.run.virtual_time { 200 } else { 20 });
    let pool = Pool::new(n, patience).map_err(|e| SetupError::Threads(e.to_string()))?;
    Ok(Crew::new(Arc::new(pool)))
}

fn gnb_config(s: &Scenario, cell: &Cell, plan: &Plan, n3_address: IpAddr, isa: Isa, taps: bool) -> GnbConfig {
    let numbers =
        |list: &[String]| list.iter().filter_map(|w| w.bytes().last()).map(|b| b.wrapping_sub(b'0')).collect();
    let cu = GnbCuConfig {
        gnb: ngap::GlobalGnbId { plmn: cell.plmn, id: (s.cell.cell_id >> 14) as u32 & 0x3f_ffff, bits: 22 },
        name: "ironcell-gnb".into(),
        plmn: cell.plmn,
        tac: s.cell.tac,
        nr_cell_id: s.cell.cell_id,
        slices: plan.core.slices.clone(),
        pci: cell.config.pci,
        ssb_arfcn: s.cell.ssb_arfcn,
        n3_address,
        nea: numbers(&s.core.nea),
        nia: numbers(&s.core.nia),
        allow_null: s.core.allow_null,
        up_integrity: false,
        drb_acknowledged: true,
        drb_pdcp_sn_bits: s.cell.pdcp_sn_bits,
        drb_t_reordering_ms: 100,
        sdap_header: true,
        drb_queue_bytes: 1_500_000,
        inactivity: (s.cell.inactivity_ms > 0).then(|| Tc::from_ms(s.cell.inactivity_ms.into())),
        ues_max: s.cell.max_ues as usize,
    };
    let l1 = gnb_l1::GnbL1Options {
        isa,
        n_antennas: usize::from(s.cell.antennas),
        n_ul_layers: usize::from(cell.ul_layers()),
        detector: if s.cell.ul_joint { gnb_l1::Detector::Joint } else { gnb_l1::Detector::Linear },
        ..Default::default()
    };
    GnbConfig { cell: cell.clone(), cu, l1, taps }
}

fn make_air(
    s: &Scenario,
    cell: &Cell,
    gnb: &Gnb,
    ppm: f64,
    plan: &Plan,
    isa: Isa,
    lab: &Rng,
) -> Result<Air, SetupError> {
    let config = air::CellConfig {
        rate_hz: gnb.dl_carrier().sample_rate_hz(),
        dl_centre_hz: cell.config.dl.centre_hz(),
        ul_centre_hz: cell.config.ul.centre_hz(),
        ppm,
        noise_figure_db: gnb_noise_figure(s, cell),
        history_s: 0.005,
        n_antennas: usize::from(s.cell.antennas),
    };
    let _ = plan;
    Air::new(config, isa, lab.fork("air").u64()).map_err(|e| SetupError::Radio(e.to_string()))
}

/// The gNB's noise figure at which a full-band PUSCH at the terminal's greatest power arrives with the SNR that the SSB has at
/// the terminal: one path loss serves both ways.
fn gnb_noise_figure(s: &Scenario, cell: &Cell) -> f64 {
    let re = 12.0 * s.cell.n_rb as f64;
    let ue_re_dbm = f64::from(cell.config.p_max_dbm.min(23)) - 10.0 * re.log10();
    let ssb_re_dbm = f64::from(s.cell.ssb_power_dbm);
    s.air.ue_noise_figure_db + ue_re_dbm - ssb_re_dbm
}

fn draw_link(s: &Scenario, cell: &Cell, p: &UePlan, number: u32, lab: &Rng) -> LinkReport {
    let mut draw = lab.fork(&format!("link{number}"));
    let a = &s.air;
    // Drawn in any case, so that a value that is set does not move the others.
    let (ppm, delay, phase) =
        (draw.range(-a.ue_ppm_max, a.ue_ppm_max), draw.range(a.delay_min_us, a.delay_max_us), draw.unit());
    let start = draw.range(0.0, a.start_ms_max);
    let fading = a.channel != "awgn";
    LinkReport {
        ue: number,
        snr_db: p.snr_db,
        path_loss_db: path_loss_db_for(
            f64::from(s.cell.ssb_power_dbm),
            p.snr_db,
            f64::from(cell.numerology().scs_hz()),
            a.ue_noise_figure_db,
        ),
        delay_us: p.delay_us.unwrap_or(delay),
        ppm: p.ppm.unwrap_or(ppm),
        phase_turns: phase,
        start_ms: p.start_ms.unwrap_or(start),
        delay_spread_ns: if fading { a.delay_spread_ns } else { 0.0 },
        doppler_hz: if fading { a.doppler_hz } else { 0.0 },
    }
}

fn link_config(s: &Scenario, l: &LinkReport, lab: &Rng, number: u32, (n_rx, n_tx): (usize, usize)) -> LinkConfig {
    let mut epoch = lab.fork(&format!("epoch{number}"));
    LinkConfig {
        profile: match s.air.channel.as_str() {
            "tdl-a" => Profile::TdlA,
            "tdl-b" => Profile::TdlB,
            "tdl-c" => Profile::TdlC,
            _ => Profile::Awgn,
        },
        delay_spread_ns: l.delay_spread_ns,
        doppler_hz: l.doppler_hz,
        delay_s: l.delay_us * 1e-6,
        path_loss_db: l.path_loss_db,
        phase_turns: l.phase_turns,
        ppm: l.ppm,
        noise_figure_db: s.air.ue_noise_figure_db,
        n_rx,
        n_tx,
        // A terminal's first sample lies anywhere within a millisecond of the cell's.
        start_s: epoch.range(0.0, 1e-3),
        seed: epoch.u64(),
    }
}

fn cell_report(s: &Scenario, cell: &Cell) -> CellReport {
    CellReport {
        pci: s.cell.pci,
        band: s.cell.band,
        arfcn: s.cell.dl_arfcn,
        bandwidth_mhz: gnb_du::config::bandwidth_mhz(s.cell.n_rb, s.cell.scs_khz).unwrap_or(0),
        scs_khz: s.cell.scs_khz,
        duplex: if cell.config.duplex == fapi::Duplex::Fdd { "fdd" } else { "tdd" }.into(),
    }
}

fn make_gateway(s: &Scenario, plan: &Plan, facts: PageFacts, seed: u64) -> Result<Gateway, SetupError> {
    let allow = s.traffic.n6_allow.iter().filter_map(|n| crate::scenario::parse_net(n)).collect();
    let policy = if s.run.virtual_time { N6Policy::closed() } else { N6Policy::new(allow) };
    let dnn = plan.core.dnns.first();
    let v4 = dnn.map_or(0x0a2d_0000, |d| u32::from(d.ipv4_pool.0)) + 1;
    let v6 = dnn.map_or(0, |d| u128::from(d.ipv6_pool.0)) + 1;
    let page = Box::new(move |ip: IpAddr, json: bool| {
        let facts = facts.lock().map(|f| f.clone()).unwrap_or_default();
        let mine = facts.iter().find(|(a, _)| *a == ip).map(|(_, j)| j.clone()).unwrap_or_else(|| "{}".into());
        if json { mine } else { super::observe::html(ip, &mine) }
    });
    Ok(Gateway::new(Ipv4Addr::from(v4), Ipv6Addr::from(v6), s.core.mtu as usize, policy, seed, page))
}

fn make_proxy(s: &Scenario) -> Result<Option<Proxy>, SetupError> {
    if s.run.virtual_time || s.run.once {
        return Ok(None);
    }
    let address = match &s.traffic.proxy {
        Some(text) => Some(crate::scenario::parse_listen(text).map_err(|()| {
            ScenarioError::new(format!("traffic.proxy: {text:?} is no address:port"), &[], "127.0.0.1:1080")
        })?),
        None => None,
    };
    Proxy::bind(address, s.traffic.proxy_password.clone()).map(Some).map_err(SetupError::Proxy)
}

const _: () = assert!(GNB.0 == 1);
