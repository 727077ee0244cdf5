//! Random access at L1: preamble, response, Msg3, Msg4 and its feedback, with delay, offset and power as the cell wants them.

mod common;

use air::LinkConfig;
use common::*;
use dsp::Isa;
use fapi::dci::{Dci, Dci1_0, DciRa, RntiKind};
use fapi::resolve::{self, HarqUci, RarGrant};
use fapi::ue::{Addressed, UeIndication, UeL1Command, UeL1Event, UeResponse, UlBlock};
use fapi::{PrachOccasion, Span};
use nr::{Rnti, SlotPoint};
use phy::prach::PrachReceiver;
use phy::pucch::PucchReceiver;
use phy::pusch::PuschReceiver;

/// What the layers above the UE's L1 do, by hand.
#[derive(Default)]
struct Above {
    commands: Vec<UeL1Command>,
    sib1: bool,
    ra_rnti: Option<Rnti>,
    rar: Option<SlotPoint>,
    msg3: Option<(SlotPoint, usize)>,
    msg4: Option<Vec<u8>>,
    msg3_bytes: Vec<u8>,
    headroom: Vec<f32>,
    in_sync: Vec<bool>,
}

impl Above {
    fn react(&mut self, ind: &UeIndication, response: &mut UeResponse) {
        response.commands.append(&mut self.commands);
        for event in &ind.events {
            match event {
                UeL1Event::DlBlock { addressed: Addressed::Si, .. } => self.sib1 = true,
                UeL1Event::DlBlock { addressed: Addressed::Ra, slot, .. } => self.rar = Some(*slot),
                UeL1Event::DlBlock { addressed: Addressed::Temporary, tb, .. } => {
                    self.msg4 = Some(tb.of(&ind.bytes).to_vec());
                }
                UeL1Event::PreambleSent { ra_rnti, .. } => self.ra_rnti = Some(*ra_rnti),
                UeL1Event::UlGrant { harq, tbs_bytes, slot, msg3: true, .. } => {
                    self.msg3 = Some((*slot, *tbs_bytes as usize));
                    self.msg3_bytes = (0..*tbs_bytes).map(|i| (i * 7 + 3) as u8).collect();
                    let tb = Span::append(&mut response.bytes, &self.msg3_bytes);
                    response.blocks.push(UlBlock { harq: *harq, tb });
                }
                UeL1Event::PowerHeadroom { ph_db, .. } => self.headroom.push(*ph_db),
                UeL1Event::InSync(ok) => self.in_sync.push(*ok),
                _ => {}
            }
        }
    }
}

/// A world whose UE has read SIB1 and listens on the cell's carrier.
fn camped(link: LinkConfig, snr_db: f64, change: impl FnOnce(&mut fapi::CellConfig)) -> (World, Above) {
    let mut world = World::new(N78, link, snr_db, 61_440_000);
    change(&mut world.gnb.cell);
    let mut above = Above::default();
    above.commands.push(UeL1Command::Search { bands: vec![78] });
    for _ in 0..1000 {
        world.slot(|_| {}, |i, r| above.react(i, r));
        while world.uplink_slot().is_some() {}
        if above.sib1 {
            above.commands.push(UeL1Command::ConfigureCell(Box::new(world.gnb.cell.clone())));
            for _ in 0..90 {
                world.slot(|_| {}, |i, r| above.react(i, r));
                while world.uplink_slot().is_some() {}
            }
            return (world, above);
        }
    }
    panic!("no SIB1");
}

#[test] // Spec: TS 38.213 §8.1 to §8.4, §4.2, §9.2.1; TS 38.211 §4.3.1
fn preamble_response_msg3_msg4_and_feedback() {
    let delay_s = 3.3e-6;
    let link = LinkConfig { ppm: -1.7, delay_s, start_s: 0.002_1, ..LinkConfig::default() };
    let (mut world, mut above) = camped(link, 20.0, |c| {
        (c.rach.configuration_index, c.rach.long_sequence) = (159, false);
        c.rach.zero_correlation_zone = 13;
        c.rach.msg1_numerology = c.ul.numerology;
        c.pucch.common_resource_row = 11;
    });
    assert!(world.timing_error_s().abs() < 20e-9, "{}", world.timing_error_s());
    let cell = world.gnb.cell.clone();
    let carrier = ue_l1::slot::carrier_of(&cell.ul).unwrap();
    let prach = nr::tables::prach::configuration(false, cell.rach.configuration_index).unwrap();
    let mut prach_rx = PrachReceiver::new(Isa::best(), &cell, carrier).unwrap();
    let mut pusch_rx = PuschReceiver::new(Isa::best(), carrier.n_rb(), 1, 1);
    let mut pucch_rx = PucchReceiver::new(Isa::best(), 0, 1);
    let mut soft = fec::sch::SoftBuffer::new(10_000);

    above.commands.push(UeL1Command::SendPreamble { preamble: 37, target_power_dbm: -100 });
    let tc_rnti = Rnti(0x4601);
    let (mut t_a, mut ra_rnti, mut granted, mut msg3_ok, mut acked) = (None, None, None, false, false);
    let mut feedback = None;
    for _ in 0..200 {
        while let Some(slot) = world.uplink_slot() {
            let waiting = t_a.is_none();
            for o in prach.occasions(slot).filter(|_| waiting) {
                let occasion = PrachOccasion { start_symbol: o.start_symbol, t_id: o.t_id, s_id: o.s_id, f_id: 0 };
                let at = prach_rx.geometry().start_sample(slot, &occasion);
                if world.ul_samples.len() < at + prach_rx.geometry().window(slot, &occasion).len() {
                    continue;
                }
                let samples = world.ul_samples[at..].to_vec();
                prach_rx
                    .detect(&[&samples], slot, &occasion, |d| {
                        assert_eq!(d.preamble, 37);
                        // What is left is the round trip.
                        assert!((d.delay_s - 2.0 * delay_s).abs() < 0.3e-6, "{} against {}", d.delay_s, 2.0 * delay_s);
                        (t_a, ra_rnti) = (Some(d.timing_advance), Some(occasion.ra_rnti()));
                    })
                    .unwrap();
            }
            if let Some((at, pdu)) = granted.filter(|(at, _): &(SlotPoint, fapi::PuschPdu)| *at == slot) {
                let control = pusch_rx.receive_control(&world.ul_grid, &pdu, at).unwrap();
                let mut tb = vec![0; pdu.coding.tbs_bytes as usize];
                let data = pusch_rx.decode_data(&pdu, &mut soft, 8, &mut tb).unwrap();
                assert!(data.crc_ok, "{control:?}");
                assert_eq!(tb, above.msg3_bytes);
                assert!(control.timing_error_tc.abs() < 700, "{} Tc", control.timing_error_tc);
                assert!(control.cfo_hz.is_none_or(|f| f.abs() < 150.0), "{:?} Hz", control.cfo_hz);
                msg3_ok = true;
            }
            if let Some((at, pdu)) = feedback.filter(|(at, _): &(SlotPoint, fapi::PucchPdu)| *at == slot) {
                let result = pucch_rx.receive(&world.ul_grid, &pdu, at).unwrap();
                assert!(!result.dtx && result.harq_ack[0] == 1, "{result:?}");
                acked = true;
            }
        }
        if acked {
            break;
        }
        let space = cell.search_spaces[0];
        let is_ss = space.is_monitored(world.gnb.slot);
        let (send_rar, send_msg4) =
            (is_ss && t_a.is_some() && above.rar.is_none(), is_ss && msg3_ok && feedback.is_none());
        if let (Some(ra_rnti), None) = (above.ra_rnti, above.rar) {
            let until = world.gnb.slot.plus(40);
            above.commands.push(UeL1Command::WatchRar { ra_rnti: Some(ra_rnti), until });
        }
        let rar_grant = RarGrant { frequency: 5, time: 0, mcs: 2, tpc: 3, ..RarGrant::default() };
        world.slot(
            |gnb| {
                let n_rb = gnb.cell.coreset0_bwp.n_rb;
                if send_rar {
                    let frequency = resolve::riv_encode(0, 6, n_rb).unwrap();
                    let dci = Dci::Ra(DciRa { frequency, time: 0, interleaved: false, mcs: 3, tb_scaling: 0 });
                    gnb.send_block(&dci, ra_rnti.unwrap(), RntiKind::Ra, &space, None, 3, &|n| vec![9; n]);
                }
                if send_msg4 {
                    let frequency = resolve::riv_encode(4, 8, n_rb).unwrap();
                    let dci =
                        Dci::F1_0(Dci1_0 { frequency, time: 0, mcs: 4, k1: 3, pri: 2, ndi: true, ..Dci1_0::default() });
                    gnb.send_block(&dci, tc_rnti, RntiKind::Temporary, &space, None, 3, &|n| vec![0x77; n]);
                    let cce = resolve::candidates(&space, &gnb.cell.coresets[0], tc_rnti, gnb.slot, 3).next().unwrap();
                    let uci = HarqUci { n_bits: 1, pri: 2, first_cce: cce, n_cce: gnb.cell.coresets[0].n_cce() };
                    let at = gnb.slot.plus(4);
                    let choice = resolve::pucch(&gnb.cell, None, tc_rnti, at, Some(uci)).unwrap();
                    feedback = Some((at, choice.main.unwrap()));
                }
            },
            |i, r| above.react(i, r),
        );
        if let (Some(slot), None) = (above.rar, granted) {
            let grant = resolve::msg3(&rar_grant, tc_rnti, slot, &cell).unwrap();
            granted = Some((grant.slot, grant.pdu));
            above.commands.push(UeL1Command::SetRnti { c_rnti: None, temporary: Some(tc_rnti) });
            above.commands.push(UeL1Command::TimingAdvanceAbsolute(t_a.unwrap()));
            above.commands.push(UeL1Command::RarGrant { grant: rar_grant.encode(), slot });
        }
    }
    assert!(t_a.is_some(), "no preamble");
    assert!(above.rar.is_some(), "no response");
    assert!(msg3_ok, "no Msg3");
    assert!(above.msg4.as_deref().is_some_and(|b| b.iter().all(|x| *x == 0x77)), "no Msg4");
    assert!(acked, "no feedback");
    assert!(above.in_sync.iter().all(|s| *s));
    let c = world.ue.counters();
    assert_eq!((c.ul_late, c.ul_refused, c.prach_sent, c.pusch_sent, c.pucch_sent), (0, 0, 1, 1, 1));
}
