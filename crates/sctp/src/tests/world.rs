use std::collections::BTreeMap;

use core::net::IpAddr;
use node::{Outbox, Rng};
use nr::Tc;

use crate::wire::{Header, Packet, RawChunk, kind, seal};
use crate::{AssociationId, Config, Datagram, Endpoint, Event, Message, Output, Remote, State, Status, Transmit};

/// An endpoint with what it answered.
pub struct End {
    pub endpoint: Endpoint,
    pub out: Outbox<Output>,
    pub events: Vec<(AssociationId, Event)>,
    /// The UDP port that its packets come from, as the others see it.
    pub udp_port: u16,
}

/// A packet under way.
#[derive(Clone, Debug)]
pub struct Flying {
    pub from: IpAddr,
    pub to: IpAddr,
    /// UDP ports: source, destination.
    pub udp: Option<(u16, u16)>,
    pub data: Vec<u8>,
}

impl Flying {
    /// Types of its chunks.
    pub fn kinds(&self) -> Vec<u8> {
        Packet::decode(&self.data).expect("a packet").chunks().map(|c| c.expect("a chunk").kind).collect()
    }
    pub fn has(&self, kind: u8) -> bool {
        self.kinds().contains(&kind)
    }
    pub fn header(&self) -> Header {
        Packet::decode(&self.data).expect("a packet").header
    }
    pub fn chunk(&self, kind: u8) -> Option<RawChunk<'_>> {
        Packet::decode(&self.data).expect("a packet").chunks().flatten().find(|c| c.kind == kind)
    }
}

type Filter = Box<dyn FnMut(&Flying) -> bool>;

pub struct World {
    pub now: Tc,
    pub ends: Vec<End>,
    rng: Rng,
    pub loss: f64,
    pub repeat: f64,
    pub delay: Tc,
    /// Up to so much is added to the delay: packets pass one another.
    pub jitter: Tc,
    /// Addresses that nothing reaches and nothing leaves.
    pub dead: Vec<IpAddr>,
    /// Packets for which it says `false` are lost.
    pub filter: Option<Filter>,
    /// All that was sent, lost or not.
    pub log: Vec<(Tc, Flying)>,
    flying: BTreeMap<(Tc, u64), Flying>,
    n: u64,
}

impl World {
    pub fn new(seed: u64, configs: impl IntoIterator<Item = Config>) -> World {
        let rng = Rng::from_lab_seed(seed);
        let end = |(i, config)| End {
            endpoint: Endpoint::new(config, rng.fork(&format!("end {i}"))).expect("a configuration"),
            out: Outbox::default(),
            events: Vec::new(),
            udp_port: 9899,
        };
        World {
            now: Tc::from_ms(1000),
            ends: configs.into_iter().enumerate().map(end).collect(),
            rng: rng.fork("network"),
            loss: 0.0,
            repeat: 0.0,
            delay: Tc::from_ms(5),
            jitter: Tc::ZERO,
            dead: Vec::new(),
            filter: None,
            log: Vec::new(),
            flying: BTreeMap::new(),
            n: 0,
        }
    }

    pub fn connect(&mut self, i: usize, remote: &Remote) -> AssociationId {
        let end = &mut self.ends[i];
        let id = end.endpoint.connect(self.now, remote, &mut end.out).expect("begun");
        self.collect();
        id
    }

    pub fn send(&mut self, i: usize, id: AssociationId, message: Message) -> Result<(), crate::SendError> {
        self.ends[i].endpoint.send(id, message)
    }

    pub fn flush(&mut self, i: usize) {
        let end = &mut self.ends[i];
        end.endpoint.flush(self.now, &mut end.out);
        self.collect();
    }

    pub fn receive(&mut self, i: usize, id: AssociationId) -> Option<Message> {
        let end = &mut self.ends[i];
        let message = end.endpoint.receive(self.now, id, &mut end.out);
        self.collect();
        message
    }

    pub fn receive_all(&mut self, i: usize, id: AssociationId) -> Vec<Message> {
        core::iter::from_fn(|| self.receive(i, id)).collect()
    }

    pub fn shutdown(&mut self, i: usize, id: AssociationId) {
        let end = &mut self.ends[i];
        end.endpoint.shutdown(self.now, id, &mut end.out);
        self.collect();
    }

    pub fn abort(&mut self, i: usize, id: AssociationId, why: &[u8]) {
        let end = &mut self.ends[i];
        end.endpoint.abort(self.now, id, why, &mut end.out);
        self.collect();
    }

    pub fn status(&self, i: usize, id: AssociationId) -> Status {
        self.ends[i].endpoint.status(id).expect("an association")
    }

    pub fn state(&self, i: usize, id: AssociationId) -> Option<State> {
        self.ends[i].endpoint.status(id).map(|s| s.state)
    }

    /// The association that came up last at end `i`.
    pub fn up(&self, i: usize) -> Option<AssociationId> {
        self.ends[i].events.iter().rev().find(|(_, e)| matches!(e, Event::Up { .. })).map(|(id, _)| *id)
    }

    /// Takes what end `i` told since the last time.
    pub fn events(&mut self, i: usize) -> Vec<Event> {
        core::mem::take(&mut self.ends[i].events).into_iter().map(|(_, e)| e).collect()
    }

    /// Gives a packet to whoever has its destination address.
    pub fn deliver(&mut self, f: &Flying) {
        for end in &mut self.ends {
            let there =
                end.endpoint.config().addresses.contains(&f.to) && f.udp.is_none_or(|(_, to)| to == end.udp_port);
            if there {
                let d = Datagram { from: f.from, to: f.to, udp_port: f.udp.map(|(from, _)| from), data: &f.data };
                end.endpoint.packet(self.now, &d, &mut end.out);
            }
        }
        self.collect();
    }

    /// Gives end `i` a packet of these chunks as if from `from`, and takes what it answers at once: those packets go nowhere.
    pub fn inject(&mut self, i: usize, from: IpAddr, header: Header, chunks: &[u8]) -> Vec<Flying> {
        let mut data = Vec::new();
        header.put(&mut data);
        data.extend_from_slice(chunks);
        seal(&mut data);
        self.inject_raw(i, from, &data)
    }

    pub fn inject_raw(&mut self, i: usize, from: IpAddr, data: &[u8]) -> Vec<Flying> {
        let end = &mut self.ends[i];
        let to = end.endpoint.config().addresses[0];
        end.endpoint.packet(self.now, &Datagram { from, to, udp_port: None, data }, &mut end.out);
        let mut answers = Vec::new();
        for output in end.out.drain() {
            match output {
                Output::Transmit(t) => answers.push(flying(t, to, 9899)),
                Output::Event(id, event) => end.events.push((id, event)),
            }
        }
        answers
    }

    /// Puts what the ends answered on its way.
    pub fn collect(&mut self) {
        let World { ends, rng, dead, log, flying: air, filter, .. } = self;
        for end in ends {
            let Some(default) = end.endpoint.config().addresses.first().copied() else { continue };
            for output in end.out.drain() {
                let t = match output {
                    Output::Event(id, event) => {
                        end.events.push((id, event));
                        continue;
                    }
                    Output::Transmit(t) => t,
                };
                let f = flying(t, default, end.udp_port);
                log.push((self.now, f.clone()));
                let kept = filter.as_mut().is_none_or(|keep| keep(&f));
                if !kept || dead.contains(&f.from) || dead.contains(&f.to) {
                    continue;
                }
                for _ in 0..1 + u32::from(rng.unit() < self.repeat) {
                    let jitter = Tc((self.jitter.0 as f64 * rng.unit()) as i64);
                    if rng.unit() >= self.loss {
                        self.n += 1;
                        air.insert((self.now + self.delay + jitter, self.n), f.clone());
                    }
                }
            }
        }
    }

    /// When something happens next.
    fn next(&self) -> Option<Tc> {
        let packet = self.flying.keys().next().map(|(at, _)| *at);
        self.ends.iter().filter_map(|e| e.endpoint.deadline()).chain(packet).min()
    }

    /// One packet, or one end's timers; `false` when nothing happens until `until`.
    pub fn step(&mut self, until: Tc) -> bool {
        let Some(at) = self.next().filter(|at| *at <= until) else {
            self.now = until;
            return false;
        };
        self.now = at.max(self.now);
        if let Some(entry) = self.flying.first_entry().filter(|e| e.key().0 <= self.now) {
            let f = entry.remove();
            self.deliver(&f);
            return true;
        }
        for end in &mut self.ends {
            end.endpoint.timeout(self.now, &mut end.out);
        }
        self.collect();
        true
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Tc) {
        let until = self.now + time;
        while self.step(until) {}
    }

    /// Lets time pass until `done`; panics after `limit`.
    pub fn run_until(&mut self, limit: Tc, mut done: impl FnMut(&mut World) -> bool) {
        let until = self.now + limit;
        while !done(self) {
            assert!(self.step(until), "nothing came of it in {} ms", limit.as_ms());
        }
    }

    /// The packets since `from` that hold a chunk of this type.
    pub fn sent(&self, from: usize, kind: u8) -> Vec<(Tc, Flying)> {
        self.log[from..].iter().filter(|(_, f)| f.has(kind)).cloned().collect()
    }

    /// Transmissions of DATA chunks so far.
    pub fn n_data(&self) -> usize {
        self.log.iter().map(|(_, f)| f.kinds().iter().filter(|k| **k == kind::DATA).count()).sum()
    }
}

fn flying(t: Transmit, default: IpAddr, udp_port: u16) -> Flying {
    Flying { from: t.from.unwrap_or(default), to: t.to, udp: t.udp_port.map(|to| (udp_port, to)), data: t.data }
}
